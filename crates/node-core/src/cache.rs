//! Which objects a distributor's cache keeps: bounded in bytes, least recently used goes first.

use alloc::{collections::BTreeMap, vec::Vec};
use argosy_domain::{DataObjectId, num::to_u64};
use thiserror::Error;

/// Decides what stays; the shell deletes what it names.
///
/// Invariant: `used_bytes` is the sum of all entries' sizes, and at most `capacity_bytes`.
#[derive(Clone, Debug)]
pub struct CacheCore {
    capacity_bytes: u64,
    used_bytes: u64,
    entries: BTreeMap<DataObjectId, Entry>,
    order: Recency,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    size_bytes: u64,
    pins: u32,
    stamp: u64,
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
    pub const fn new(capacity_bytes: u64) -> Self {
        Self { capacity_bytes, used_bytes: 0, entries: BTreeMap::new(), order: Recency::new() }
    }

    /// Takes an object in, or resizes and touches it if it is in already; `size_bytes` is what it takes
    /// or will take on disk. Gives the objects to delete now.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn insert(&mut self, id: DataObjectId, size_bytes: u64) -> Result<Vec<DataObjectId>, Refusal> {
        let held = self.entries.get(&id).copied();
        let evicted = self.make_room(id, held.map_or(0, |entry| entry.size_bytes), size_bytes)?;
        if let Some(entry) = held {
            self.order.remove(entry.stamp);
        }
        let stamp = self.order.push(id);
        self.entries.insert(id, Entry { size_bytes, pins: held.map_or(0, |entry| entry.pins), stamp });
        Ok(evicted)
    }

    /// Changes what an object takes. Gives the objects to delete now; unknown ids change nothing.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn resize(&mut self, id: DataObjectId, size_bytes: u64) -> Result<Vec<DataObjectId>, Refusal> {
        let Some(before) = self.entries.get(&id).map(|entry| entry.size_bytes) else { return Ok(Vec::new()) };
        let evicted = self.make_room(id, before, size_bytes)?;
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.size_bytes = size_bytes;
        }
        Ok(evicted)
    }

    /// Notes a use.
    pub fn touch(&mut self, id: DataObjectId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            self.order.remove(entry.stamp);
            entry.stamp = self.order.push(id);
        }
    }

    /// Forgets an object that is gone. Whether it was there.
    pub fn remove(&mut self, id: DataObjectId) -> bool {
        let Some(entry) = self.entries.remove(&id) else { return false };
        self.order.remove(entry.stamp);
        self.used_bytes = self.used_bytes.saturating_sub(entry.size_bytes);
        true
    }

    /// Keeps an object from eviction until as many [`Self::unpin`]. False if it is not kept: then there
    /// is no pin to take back, even if the object is taken in later.
    pub fn pin(&mut self, id: DataObjectId) -> bool {
        self.entries.get_mut(&id).is_some_and(|entry| {
            entry.pins = entry.pins.saturating_add(1);
            true
        })
    }

    /// Takes one pin back.
    pub fn unpin(&mut self, id: DataObjectId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.pins = entry.pins.saturating_sub(1);
        }
    }

    /// Whether an object is kept.
    #[must_use]
    pub fn contains(&self, id: DataObjectId) -> bool {
        self.entries.contains_key(&id)
    }

    /// Objects kept.
    #[must_use]
    pub fn objects_count(&self) -> u64 {
        to_u64(self.entries.len())
    }

    /// Bytes kept.
    #[must_use]
    pub const fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    /// Most bytes kept.
    #[must_use]
    pub const fn capacity_bytes(&self) -> u64 {
        self.capacity_bytes
    }

    /// Ids kept, least recently used first.
    pub fn ids(&self) -> impl Iterator<Item = DataObjectId> {
        self.order.oldest_first()
    }

    /// Counts `after` instead of `before` bytes for `id`, evicting others as needed.
    fn make_room(&mut self, id: DataObjectId, before: u64, after: u64) -> Result<Vec<DataObjectId>, Refusal> {
        if after > self.capacity_bytes {
            return Err(Refusal::LargerThanCache);
        }
        let mut used = self.used_bytes.saturating_sub(before).saturating_add(after);
        let mut evicted = Vec::new();
        for victim in self.order.oldest_first() {
            if used <= self.capacity_bytes {
                break;
            }
            let Some(entry) = self.entries.get(&victim).filter(|entry| entry.pins == 0) else { continue };
            if victim != id {
                used = used.saturating_sub(entry.size_bytes);
                evicted.push(victim);
            }
        }
        if used > self.capacity_bytes {
            return Err(Refusal::AllInUse);
        }
        for victim in &evicted {
            self.remove(*victim);
        }
        self.used_bytes = used;
        Ok(evicted)
    }
}

/// The eviction policy, and the only place that knows it: least recently used first.
#[derive(Clone, Debug)]
struct Recency {
    next_stamp: u64,
    by_stamp: BTreeMap<u64, DataObjectId>,
}

impl Recency {
    const fn new() -> Self {
        Self { next_stamp: 0, by_stamp: BTreeMap::new() }
    }

    fn push(&mut self, id: DataObjectId) -> u64 {
        let stamp = self.next_stamp;
        // 2^64 uses will not happen.
        self.next_stamp = stamp.saturating_add(1);
        self.by_stamp.insert(stamp, id);
        stamp
    }

    fn remove(&mut self, stamp: u64) {
        self.by_stamp.remove(&stamp);
    }

    fn oldest_first(&self) -> impl Iterator<Item = DataObjectId> {
        self.by_stamp.values().copied()
    }
}

#[cfg(test)]
mod tests;
