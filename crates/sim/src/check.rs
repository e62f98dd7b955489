//! What must hold at every moment, and what must hold in the end.

use crate::{
    disk::Disk,
    message::Address,
    world::{Slot, World},
};
use argosy_domain::DataObjectId;
use argosy_node_core::follow::Index;

/// What was looked at last, so that the dear checks run only when there is news.
#[derive(Default)]
pub(crate) struct Watch {
    blocks: u64,
    crashes: u64,
}

impl Watch {
    /// After each event.
    pub(crate) fn look(&mut self, world: &mut World) {
        let dropped = std::mem::take(&mut world.judge.dropped);
        for (who, id) in &dropped {
            check_dropped(world, *who, *id);
        }
        let news = (world.judge.tally.blocks, world.judge.tally.crashes);
        if news != (self.blocks, self.crashes) || !dropped.is_empty() {
            (self.blocks, self.crashes) = news;
            check_held(world);
            check_indexes(world);
        }
    }
}

/// Bytes go only when the directory has deleted their object.
fn check_dropped(world: &mut World, who: Address, id: DataObjectId) {
    let state = &world.directory.state;
    if state.object(id).is_some() || id >= state.next_object_id() {
        world.judge.blame(|| format!("{who:?} dropped object {id}, which the directory has not deleted"));
    }
}

/// Every accepted object is durable with some storage node.
fn check_held(world: &mut World) {
    let lost =
        world.directory.reference.objects().find(|(id, object)| {
            object.accepted.is_some() && !disks(world).any(|disk| disk.is_complete(*id))
        });
    if let Some((id, _)) = lost {
        world.judge.blame(|| format!("nobody holds the accepted object {id}"));
    }
}

fn disks(world: &World) -> impl Iterator<Item = &Disk> {
    world.storage.iter().filter_map(|slot| match slot {
        Slot::Up(node) => Some(&node.disk),
        Slot::Down((_, disk, _)) => Some(disk),
        Slot::Changing => None,
    })
}

fn indexes(world: &World) -> impl Iterator<Item = &Index> {
    let storage = world.storage.iter().filter_map(|slot| match slot {
        Slot::Up(node) => Some(&node.follower.index),
        Slot::Down(_) | Slot::Changing => None,
    });
    let distributors = world.distributors.iter().filter_map(|slot| match slot {
        Slot::Up(node) => Some(&node.follower.index),
        Slot::Down(_) | Slot::Changing => None,
    });
    storage.chain(distributors)
}

/// Equal heights, equal indexes.
fn check_indexes(world: &mut World) {
    let reference = &world.directory.reference;
    if indexes(world).any(|index| index.height() == reference.height() && index != reference) {
        let height = reference.height();
        world.judge.blame(|| format!("two indexes differ at height {height}"));
    }
}

/// Why the network is not at rest yet; none if it is.
pub(crate) fn unsettled(world: &World) -> Option<String> {
    let height = world.directory.height();
    if indexes(world).any(|index| index.height() != height) {
        return Some(format!("not everyone is at height {height}"));
    }
    for (n, slot) in world.storage.iter().enumerate() {
        match slot {
            Slot::Up(node) if node.is_settled() => {}
            Slot::Up(_) => return Some(format!("storage node {n} has not finished")),
            Slot::Down(_) | Slot::Changing => return Some(format!("storage node {n} is down")),
        }
    }
    let unfinished = world.clients.iter().position(|client| client.unread() != Some(0));
    unfinished.map(|n| format!("client {n} has not finished"))
}

/// Compares what followers know with the directory's own state, entry by entry.
pub(crate) fn compare_with_state(world: &mut World) {
    let (state, index) = (&world.directory.state, &world.directory.reference);
    let mut differs = None;
    for (id, known) in index.objects() {
        let same = state.object(id).is_some_and(|object| {
            let accepted = object.accepted.map(|accepted| (accepted.height, accepted.bucket));
            (object.bag, object.size, object.content_id) == (known.bag, known.size, known.content_id)
                && accepted == known.accepted.map(|accepted| (accepted.height, accepted.bucket))
                && state.holders(id) == index.holders(id)
        });
        if !same {
            differs = Some(format!("object {id}"));
        }
    }
    for (id, known) in index.bags() {
        let same = state.bag(&id).is_some_and(|bag| {
            bag.stored_by.into_iter().eq(known.stored_by())
                && bag.distributed_by.into_iter().eq(known.distributed_by())
                && state.bag_objects(&id) == known.objects()
        });
        if !same {
            differs = Some(format!("bag {id}"));
        }
    }
    if state.next_object_id() != index.next_object_id() {
        differs = Some("the next object id".to_owned());
    }
    if Index::from_state(state) != *index {
        differs = Some("the index that is made of the state".to_owned());
    }
    if let Some(what) = differs {
        world.judge.blame(|| format!("index and directory differ about {what}"));
    }
}
