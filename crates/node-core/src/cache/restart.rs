//! What outlives a restart: how popular objects are, and in which order they would go. Which objects there
//! are is for the files to say.

use super::{CacheCore, Policy, PolicyName, Slot, View};
use alloc::{collections::BTreeMap, vec::Vec};
use argosy_domain::DataObjectId;

/// What is worth remembering of an object. All but its id and its uses means something only to the policy
/// that was in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The object, held or only remembered.
    pub id: DataObjectId,
    /// Uses lately, in 1024ths.
    pub use_parts: u32,
    /// Uses since it came.
    pub hits: u32,
    /// Which list of the policy it is in.
    pub list: u8,
    /// Its place in the policy's order.
    pub rank: u64,
}

impl CacheCore {
    /// All that is known, in the order in which [`CacheCore::restore`] wants it.
    #[must_use]
    pub fn standings(&mut self, now_ms: u64) -> Vec<Standing> {
        let mut order: Vec<Slot> = self.remembered.oldest_first(&self.records).collect();
        let only_remembered = order.len();
        self.with_policy(now_ms, |policy, view| order.extend(policy.order(view)));
        // What is pinned is in use, so it goes last.
        order.extend(self.by_id.values().copied().filter(|slot| self.records[*slot].pins > 0));
        let standing = |(at, slot): (usize, Slot)| {
            let record = &self.records[slot];
            Standing {
                id: record.id,
                use_parts: self.popularity.of(record),
                hits: record.hits,
                list: record.list,
                rank: if at < only_remembered { 0 } else { self.policy.rank(record) },
            }
        };
        order.into_iter().enumerate().map(standing).collect()
    }

    /// The cache of what is held on disk, in the order of `standings` as far as they know it; they may be
    /// old, wrong, or those of another policy (`same_policy`). What was held without being known counts as
    /// just come. Gives the objects to delete, if there is more than the capacity.
    #[must_use]
    pub fn restore(
        capacity_bytes: u64,
        name: PolicyName,
        (standings, same_policy): (&[Standing], bool),
        mut held: BTreeMap<DataObjectId, u64>,
        now_ms: u64,
    ) -> (Self, Vec<DataObjectId>) {
        let mut cache = Self::new(capacity_bytes, name);
        // What can never fit must not drive out what can.
        let mut gone: Vec<DataObjectId> = Vec::new();
        held.retain(|id, size| {
            let fits = *size <= capacity_bytes;
            if !fits {
                gone.push(*id);
            }
            fits
        });
        for standing in standings {
            // The first mention counts.
            if !cache.by_id.contains_key(&standing.id) {
                cache.recall(standing, same_policy, held.remove(&standing.id), now_ms);
            }
        }
        for (id, size) in held {
            cache.touch(id, now_ms);
            let Some(slot) = cache.known(id) else { continue };
            cache.take(slot, size, now_ms, |policy, view| policy.insert(view, slot, false));
        }
        gone.extend(cache.make_room(0, now_ms));
        (cache, gone)
    }

    fn recall(&mut self, standing: &Standing, same_policy: bool, size: Option<u64>, now_ms: u64) {
        let Some(slot) = self.known(standing.id) else { return };
        let record = &mut self.records[slot];
        self.popularity.raise(record, standing.use_parts);
        let Some(size) = size else { return };
        record.hits = standing.hits;
        if same_policy {
            (record.list, record.rank) = (standing.list, standing.rank);
            self.take(slot, size, now_ms, |policy, view| policy.restore(view, slot));
        } else {
            self.take(slot, size, now_ms, |policy, view| policy.insert(view, slot, false));
        }
    }

    /// Holds what is remembered, whatever the capacity.
    fn take(
        &mut self,
        slot: Slot,
        size: u64,
        now_ms: u64,
        enter: impl FnOnce(&mut dyn Policy, &mut View<'_>),
    ) {
        self.remembered.remove(&mut self.records, slot);
        self.hold(slot, size);
        self.with_policy(now_ms, enter);
    }
}
