//! Which objects a distributor's cache keeps: bounded in bytes, in an order that a policy gives.
//!
//! An object counts with the bytes that are held of it, so that a partial one grows. What is pinned is not
//! evicted. How popular an object is, is remembered for a while after it has gone, and may be learned from
//! others before it comes.

mod policy;
mod popularity;
mod recent;
mod records;
mod restart;

pub use policy::PolicyName;
pub use recent::RecentUses;
pub use restart::Standing;

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use argosy_domain::DataObjectId;
use core::cmp::Reverse;
use policy::{Policy, View, policy};
use popularity::{Popularity, to_parts, to_uses};
use records::{List, Records, Slot};
use thiserror::Error;

/// Objects that are remembered beside those that are held: twice as many, within these bounds.
const REMEMBERED_PER_HELD: u64 = 2;
const LEAST_REMEMBERED: u64 = 64 * 1024;
const MOST_REMEMBERED: u64 = 1024 * 1024;
/// Uses for each object held until what was counted before counts half.
const USES_PER_HALF_LIFE: u64 = 16;
/// As if at least so many were held.
const LEAST_HELD_FOR_HALF_LIFE: u64 = 256;

/// Decides what stays; the shell deletes what it names.
///
/// Invariant: `used_bytes` is the sum of the sizes of what is held, and at most `capacity_bytes`, unless
/// that was lowered while more was in use.
#[derive(Debug)]
pub struct CacheCore {
    capacity_bytes: u64,
    used_bytes: u64,
    /// The part of them that cannot go.
    pinned_bytes: u64,
    /// Ever since.
    evicted_bytes: u64,
    evicted_count: u64,
    held_count: u64,
    by_id: BTreeMap<DataObjectId, Slot>,
    records: Records,
    /// Of those that are not held, in the order in which they will be forgotten.
    remembered: List,
    popularity: Popularity,
    policy: Box<dyn Policy>,
}

/// Why an object is not kept. It can still be streamed through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It would never fit.
    #[error("the object is larger than the cache")]
    LargerThanCache,
    /// All that could make room for it is in use.
    #[error("the cache is full of objects in use")]
    AllInUse,
}

impl CacheCore {
    /// An empty cache of at most `capacity_bytes`.
    #[must_use]
    pub fn new(capacity_bytes: u64, name: PolicyName) -> Self {
        Self {
            capacity_bytes,
            used_bytes: 0,
            pinned_bytes: 0,
            evicted_bytes: 0,
            evicted_count: 0,
            held_count: 0,
            by_id: BTreeMap::new(),
            records: Records::default(),
            remembered: List::default(),
            popularity: Popularity::default(),
            policy: policy(name),
        }
    }

    /// Takes an object in; `size_bytes` is what it takes or will take on disk. One that is in already gets
    /// this size. Gives the objects to delete now.
    ///
    /// # Errors
    /// [`Refusal`]; what is held has not changed then.
    pub fn insert(
        &mut self,
        id: DataObjectId,
        size_bytes: u64,
        now_ms: u64,
    ) -> Result<Vec<DataObjectId>, Refusal> {
        if let Some(slot) = self.held(id) {
            return self.resize_at(slot, size_bytes, now_ms);
        }
        self.check_room(0, size_bytes)?;
        let slot = self.known(id).ok_or(Refusal::AllInUse)?;
        // First, so that it is not forgotten for those that go.
        self.remembered.remove(&mut self.records, slot);
        let evicted = self.make_room(size_bytes, now_ms);
        let record = &mut self.records[slot];
        let gone_bytes = self.evicted_bytes.saturating_sub(record.rank);
        let returns = record.rank > 0 && gone_bytes <= self.capacity_bytes;
        record.hits = 0;
        self.hold(slot, size_bytes);
        self.with_policy(now_ms, |policy, view| policy.insert(view, slot, returns));
        Ok(evicted)
    }

    /// Changes what an object takes. Gives the objects to delete now; an object that is not held changes
    /// nothing.
    ///
    /// # Errors
    /// [`Refusal`]; what is held has not changed then.
    pub fn resize(
        &mut self,
        id: DataObjectId,
        size_bytes: u64,
        now_ms: u64,
    ) -> Result<Vec<DataObjectId>, Refusal> {
        match self.held(id) {
            Some(slot) => self.resize_at(slot, size_bytes, now_ms),
            None => Ok(Vec::new()),
        }
    }

    /// Notes a use, also of an object that is not held.
    pub fn touch(&mut self, id: DataObjectId, now_ms: u64) {
        let Some(slot) = self.known(id) else { return };
        let half_life = self.held_count.max(LEAST_HELD_FOR_HALF_LIFE).saturating_mul(USES_PER_HALF_LIFE);
        let record = &mut self.records[slot];
        self.popularity.count(record, half_life);
        if !record.is_held {
            self.remembered.renew(&mut self.records, slot);
            return;
        }
        record.hits = record.hits.saturating_add(1);
        if record.pins == 0 {
            self.with_policy(now_ms, |policy, view| policy.touch(view, slot));
        }
    }

    /// Learns from others that an object has been used so often, lately. What is known already only rises.
    pub fn note_popularity(&mut self, id: DataObjectId, uses: u32, now_ms: u64) {
        let Some(slot) = self.known(id) else { return };
        self.popularity.raise(&mut self.records[slot], to_parts(uses));
        let record = &self.records[slot];
        if record.is_held && record.pins == 0 {
            let size = record.size;
            self.with_policy(now_ms, |policy, view| policy.resized(view, slot, size));
        }
    }

    /// Uses of an object lately.
    #[must_use]
    pub fn uses(&self, id: DataObjectId) -> u32 {
        self.by_id.get(&id).map_or(0, |slot| self.popularity.uses(&self.records[*slot]))
    }

    /// The most popular objects, held or remembered, the most popular first, with their uses.
    #[must_use]
    pub fn hottest(&self, limit: usize) -> Vec<(DataObjectId, u32)> {
        let mut all: Vec<_> =
            self.by_id.iter().map(|(id, slot)| (*id, self.popularity.of(&self.records[*slot]))).collect();
        let key = |entry: &(DataObjectId, u32)| (Reverse(entry.1), entry.0);
        if limit < all.len() {
            all.select_nth_unstable_by_key(limit, key);
            all.truncate(limit);
        }
        all.sort_unstable_by_key(key);
        all.iter_mut().for_each(|entry| entry.1 = to_uses(entry.1));
        all
    }

    /// Forgets that an object is held; its popularity is remembered. Whether it was there.
    pub fn remove(&mut self, id: DataObjectId, now_ms: u64) -> bool {
        let Some(slot) = self.held(id) else { return false };
        if self.records[slot].pins > 0 {
            self.pinned_bytes = self.pinned_bytes.saturating_sub(self.records[slot].size);
        } else {
            self.with_policy(now_ms, |policy, view| policy.take_out(view, slot));
        }
        self.let_go(slot, 0);
        true
    }

    /// Forgets all about an object, as if it had never come, nor been used.
    pub fn forget(&mut self, id: DataObjectId, now_ms: u64) {
        self.remove(id, now_ms);
        if let Some(slot) = self.by_id.remove(&id) {
            self.remembered.remove(&mut self.records, slot);
            self.records.remove(slot);
        }
    }

    /// Keeps an object from eviction until as many [`Self::unpin`]. False if it is not held: then there
    /// is no pin to take back, even if the object is taken in later.
    pub fn pin(&mut self, id: DataObjectId, now_ms: u64) -> bool {
        let Some(slot) = self.held(id) else { return false };
        if self.records[slot].pins == 0 {
            self.pinned_bytes = self.pinned_bytes.saturating_add(self.records[slot].size);
            self.with_policy(now_ms, |policy, view| policy.take_out(view, slot));
        }
        self.records[slot].pins = self.records[slot].pins.saturating_add(1);
        true
    }

    /// Takes one pin back.
    pub fn unpin(&mut self, id: DataObjectId, now_ms: u64) {
        let Some(slot) = self.held(id).filter(|slot| self.records[*slot].pins > 0) else { return };
        self.records[slot].pins = self.records[slot].pins.saturating_sub(1);
        if self.records[slot].pins == 0 {
            self.pinned_bytes = self.pinned_bytes.saturating_sub(self.records[slot].size);
            self.with_policy(now_ms, |policy, view| policy.put_back(view, slot));
        }
    }

    /// Bounds the cache anew. Gives the objects to delete now; what is in use stays, even if it is too much.
    pub fn set_capacity(&mut self, capacity_bytes: u64, now_ms: u64) -> Vec<DataObjectId> {
        self.capacity_bytes = capacity_bytes;
        self.make_room(0, now_ms)
    }

    /// Whether an object is held.
    #[must_use]
    pub fn contains(&self, id: DataObjectId) -> bool {
        self.held(id).is_some()
    }

    /// Bytes held of an object.
    #[must_use]
    pub fn bytes_of(&self, id: DataObjectId) -> Option<u64> {
        self.held(id).map(|slot| self.records[slot].size)
    }

    /// Objects held.
    #[must_use]
    pub const fn objects_count(&self) -> u64 {
        self.held_count
    }

    /// Bytes held.
    #[must_use]
    pub const fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    /// Most bytes held.
    #[must_use]
    pub const fn capacity_bytes(&self) -> u64 {
        self.capacity_bytes
    }

    /// Objects that had to make room so far, and their bytes.
    #[must_use]
    pub const fn evicted(&self) -> (u64, u64) {
        (self.evicted_count, self.evicted_bytes)
    }

    /// Ids held, ascending.
    pub fn ids(&self) -> impl Iterator<Item = DataObjectId> {
        self.by_id.iter().filter(|(_, slot)| self.records[**slot].is_held).map(|(id, _)| *id)
    }

    fn held(&self, id: DataObjectId) -> Option<Slot> {
        self.by_id.get(&id).copied().filter(|slot| self.records[*slot].is_held)
    }

    /// The record of an object, made if need be. None if there can be no more.
    fn known(&mut self, id: DataObjectId) -> Option<Slot> {
        if let Some(slot) = self.by_id.get(&id) {
            return Some(*slot);
        }
        let slot = self.records.add(id)?;
        self.by_id.insert(id, slot);
        self.remember(slot);
        Some(slot)
    }

    fn remember(&mut self, slot: Slot) {
        self.remembered.push(&mut self.records, slot);
        let most = self.held_count.saturating_mul(REMEMBERED_PER_HELD);
        while self.remembered.len() > most.clamp(LEAST_REMEMBERED, MOST_REMEMBERED) {
            let Some(oldest) = self.remembered.pop(&mut self.records) else { return };
            self.by_id.remove(&self.records[oldest].id);
            self.records.remove(oldest);
        }
    }

    fn resize_at(&mut self, slot: Slot, size_bytes: u64, now_ms: u64) -> Result<Vec<DataObjectId>, Refusal> {
        let (before, is_pinned) = (self.records[slot].size, self.records[slot].pins > 0);
        self.check_room(if is_pinned { before } else { 0 }, size_bytes)?;
        let growth = size_bytes.saturating_sub(before);
        if growth > 0 && self.used_bytes.saturating_add(growth) > self.capacity_bytes && !is_pinned {
            // Never at its own cost.
            self.with_policy(now_ms, |policy, view| policy.take_out(view, slot));
            let evicted = self.make_room(growth, now_ms);
            self.with_policy(now_ms, |policy, view| policy.put_back(view, slot));
            self.set_size(slot, before, size_bytes, now_ms);
            return Ok(evicted);
        }
        let evicted = self.make_room(growth, now_ms);
        self.set_size(slot, before, size_bytes, now_ms);
        Ok(evicted)
    }

    fn set_size(&mut self, slot: Slot, before: u64, size_bytes: u64, now_ms: u64) {
        self.records[slot].size = size_bytes;
        self.used_bytes = self.used_bytes.saturating_sub(before).saturating_add(size_bytes);
        if self.records[slot].pins > 0 {
            self.pinned_bytes = self.pinned_bytes.saturating_sub(before).saturating_add(size_bytes);
        } else {
            self.with_policy(now_ms, |policy, view| policy.resized(view, slot, before));
        }
    }

    /// Whether `after` bytes have room beside all that cannot go, `before` of which are the same object's.
    fn check_room(&self, before: u64, after: u64) -> Result<(), Refusal> {
        if after > self.capacity_bytes {
            return Err(Refusal::LargerThanCache);
        }
        let others = self.pinned_bytes.saturating_sub(before);
        if others.saturating_add(after) > self.capacity_bytes { Err(Refusal::AllInUse) } else { Ok(()) }
    }

    /// Evicts until so many bytes more have room.
    fn make_room(&mut self, bytes: u64, now_ms: u64) -> Vec<DataObjectId> {
        let mut evicted = Vec::new();
        let mut victims = Vec::new();
        while self.used_bytes.saturating_add(bytes) > self.capacity_bytes {
            victims.clear();
            self.with_policy(now_ms, |policy, view| policy.evict(view, &mut victims));
            if victims.is_empty() {
                break;
            }
            for slot in &victims {
                evicted.push(self.records[*slot].id);
                self.evicted_bytes = self.evicted_bytes.saturating_add(self.records[*slot].size);
                self.evicted_count = self.evicted_count.saturating_add(1);
                self.let_go(*slot, self.evicted_bytes.max(1));
            }
        }
        evicted
    }

    /// What the policy no longer knows is no longer held.
    fn let_go(&mut self, slot: Slot, rank: u64) {
        let record = &mut self.records[slot];
        self.used_bytes = self.used_bytes.saturating_sub(record.size);
        self.held_count = self.held_count.saturating_sub(1);
        record.is_held = false;
        record.pins = 0;
        record.rank = rank;
        self.remember(slot);
    }

    /// The record of what the policy is to know from now on.
    fn hold(&mut self, slot: Slot, size_bytes: u64) {
        let record = &mut self.records[slot];
        record.is_held = true;
        record.size = size_bytes;
        self.used_bytes = self.used_bytes.saturating_add(size_bytes);
        self.held_count = self.held_count.saturating_add(1);
    }

    fn with_policy(&mut self, now_ms: u64, ask: impl FnOnce(&mut dyn Policy, &mut View<'_>)) {
        let mut view = View {
            records: &mut self.records,
            popularity: &self.popularity,
            capacity_bytes: self.capacity_bytes,
            now_ms,
        };
        ask(&mut *self.policy, &mut view);
    }
}

#[cfg(test)]
mod tests;
