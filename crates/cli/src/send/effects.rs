//! What a call would change, told by the events that the directory says there would be.

use crate::{
    failure::{Failure, Outcome},
    network::Network,
};
use argosy_api::Wanted;
use argosy_directory::{Call, Event, StorageCall};
use argosy_domain::{BagId, DistributionBucketId, StorageBucketId};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

/// Bags whose buckets are told before and after; of more it is only told how many there are.
const MAX_BAGS: usize = 20;

/// Buckets of a bag, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BagChange {
    pub(crate) bag: BagId,
    pub(crate) storage: Change<StorageBucketId>,
    pub(crate) distribution: Change<DistributionBucketId>,
}

/// A set before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change<T> {
    pub(crate) before: BTreeSet<T>,
    pub(crate) after: BTreeSet<T>,
}

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self { before: BTreeSet::new(), after: BTreeSet::new() }
    }
}

/// What is added to and taken from each bag.
type Moves = BTreeMap<BagId, Vec<Move>>;

#[derive(Clone, Debug)]
enum Move {
    Storage { added: BTreeSet<StorageBucketId>, removed: BTreeSet<StorageBucketId> },
    Distribution { added: BTreeSet<DistributionBucketId>, removed: BTreeSet<DistributionBucketId> },
}

/// What the events move, by bag.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other events move no bags")]
fn moves(events: &[Event]) -> Moves {
    let mut moves = Moves::new();
    for event in events {
        match event {
            Event::StorageBucketsUpdatedForBag { bag, added, removed } => {
                let step = Move::Storage { added: added.clone(), removed: removed.clone() };
                moves.entry(*bag).or_default().push(step);
            }
            Event::DistributionBucketsUpdatedForBag { bag, family, added, removed } => {
                let ids = |set: &BTreeSet<u64>| {
                    let id = |index: &u64| DistributionBucketId { family: *family, index: *index };
                    set.iter().map(id).collect()
                };
                let step = Move::Distribution { added: ids(added), removed: ids(removed) };
                moves.entry(*bag).or_default().push(step);
            }
            _ => {}
        }
    }
    moves
}

/// The first bags whose buckets would change, and how many there are in all.
pub(crate) async fn bag_changes(network: &Network, events: &[Event]) -> Outcome<(Vec<BagChange>, usize)> {
    let moves = moves(events);
    let count = moves.len();
    let mut changes = Vec::new();
    for (bag, steps) in moves.into_iter().take(MAX_BAGS) {
        changes.push(bag_change(network, bag, &steps).await?);
    }
    Ok((changes, count))
}

/// All bags that would lose storage buckets, as they are before and after.
pub(crate) async fn bags_that_lose_storage(network: &Network, events: &[Event]) -> Outcome<Vec<BagChange>> {
    let loses = |step: &Move| matches!(step, Move::Storage { removed, .. } if !removed.is_empty());
    let mut changes = Vec::new();
    for (bag, steps) in moves(events) {
        if steps.iter().any(loses) {
            changes.push(bag_change(network, bag, &steps).await?);
        }
    }
    Ok(changes)
}

/// All bags of storage buckets whose operators the call removes: what they hold is out of reach.
pub(crate) async fn bags_of_removed_operators(network: &Network, call: &Call) -> Outcome<Vec<BagChange>> {
    let mut changes: BTreeMap<BagId, BagChange> = BTreeMap::new();
    for bucket in removed_operators(call) {
        let mut wanted = Wanted::default();
        loop {
            let page = network.directory.reader().bags(&wanted, Some(bucket), None).await;
            let page = page.map_err(|error| Failure::directory("bags", &error))?;
            for view in page.items {
                let before: BTreeSet<_> = view.storage_buckets.into_iter().collect();
                let unchanged = Change::default();
                let change = changes.entry(view.id).or_insert_with(|| BagChange {
                    bag: view.id,
                    storage: Change { before: before.clone(), after: before },
                    distribution: unchanged,
                });
                change.storage.after.remove(&bucket);
            }
            match page.next {
                Some(next) => wanted.from = Some(next),
                None => break,
            }
        }
    }
    Ok(changes.into_values().collect())
}

fn removed_operators(call: &Call) -> Vec<StorageBucketId> {
    match call {
        Call::Storage(StorageCall::RemoveStorageBucketOperator { bucket }) => vec![*bucket],
        Call::Batch(batch) => batch.calls.iter().flat_map(removed_operators).collect(),
        Call::Storage(_)
        | Call::Membership(_)
        | Call::Content(_)
        | Call::Distribution(_)
        | Call::Group { .. }
        | Call::Council(_)
        | Call::Accounts(_) => Vec::new(),
    }
}

async fn bag_change(network: &Network, bag: BagId, steps: &[Move]) -> Outcome<BagChange> {
    let view = network.directory.bag(&bag).await;
    let view = view.map_err(|error| Failure::directory(&format!("bag {bag}"), &error))?;
    let before =
        (view.storage_buckets.into_iter().collect(), view.distribution_buckets.into_iter().collect());
    Ok(carry_out(bag, before, steps))
}

fn carry_out(
    bag: BagId,
    before: (BTreeSet<StorageBucketId>, BTreeSet<DistributionBucketId>),
    steps: &[Move],
) -> BagChange {
    let (storage, distribution) = before;
    let mut after = (storage.clone(), distribution.clone());
    for step in steps {
        match step {
            Move::Storage { added, removed } => {
                after.0.retain(|bucket| !removed.contains(bucket));
                after.0.extend(added);
            }
            Move::Distribution { added, removed } => {
                after.1.retain(|bucket| !removed.contains(bucket));
                after.1.extend(added);
            }
        }
    }
    BagChange {
        bag,
        storage: Change { before: storage, after: after.0 },
        distribution: Change { before: distribution, after: after.1 },
    }
}

impl BagChange {
    /// One line for each kind of bucket that changes.
    pub(crate) fn lines(&self) -> Vec<String> {
        let kinds = [self.storage.line("storage"), self.distribution.line("distribution")];
        kinds.into_iter().flatten().map(|line| format!("{}: {line}", self.bag)).collect()
    }
}

impl<T: Ord + Display> Change<T> {
    fn line(&self, kind: &str) -> Option<String> {
        let list = |set: &BTreeSet<T>| {
            if set.is_empty() {
                return "none".to_owned();
            }
            set.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        (self.before != self.after)
            .then(|| format!("{kind} buckets {} -> {}", list(&self.before), list(&self.after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::FamilyId;

    #[test]
    fn buckets_before_and_after_are_told_in_one_line() {
        let bag = BagId::channel(argosy_domain::ChannelId(7));
        let ids = |ids: &[u64]| ids.iter().copied().map(StorageBucketId).collect::<BTreeSet<_>>();
        let events = [
            Event::StorageBucketsUpdatedForBag { bag, added: ids(&[3]), removed: ids(&[0]) },
            Event::DistributionBucketsUpdatedForBag {
                bag,
                family: FamilyId(1),
                added: [2].into(),
                removed: BTreeSet::new(),
            },
        ];
        let moves = moves(&events);
        let change = carry_out(bag, (ids(&[0, 1]), BTreeSet::new()), &moves[&bag]);
        let expected = [
            "dynamic:channel:7: storage buckets 0, 1 -> 1, 3",
            "dynamic:channel:7: distribution buckets none -> 1:2",
        ];
        assert_eq!(change.lines(), expected);
    }
}
