//! The bound on what is cached, and the objects that make room for others.

pub(crate) mod argus;

use argosy_domain::DataObjectId;
use argosy_node::Room;
use argosy_node_core::cache::CacheCore;
use argosy_store::{Disk as _, RealDisk, Store};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Objects whose popularity is remembered at most.
const MAX_REMEMBERED: usize = 256 * 1024;

/// Carries out what [`CacheCore`] decides.
pub(crate) struct Cache {
    store: Store,
    /// The folder of the store, whose disk is asked.
    folder: PathBuf,
    /// Bytes of the disk that stay free.
    disk_floor_bytes: u64,
    state: Mutex<State>,
    /// Told of every object that has left the disk.
    forgotten: Box<dyn Fn(DataObjectId) + Send + Sync>,
}

struct State {
    core: CacheCore,
    /// Taken in for readers, with nothing on disk so far; and how many readers.
    empty: BTreeMap<DataObjectId, u32>,
    /// Uses, of what is held and of what is not.
    popularity: BTreeMap<DataObjectId, u32>,
}

impl State {
    fn count(&mut self, id: DataObjectId, add: impl FnOnce(u32) -> u32) {
        if self.popularity.len() < MAX_REMEMBERED || self.popularity.contains_key(&id) {
            let uses = self.popularity.entry(id).or_default();
            *uses = add(*uses);
        }
    }
}

/// Keeps an object from eviction while somebody reads it.
pub(crate) struct Pin {
    cache: Arc<Cache>,
    id: DataObjectId,
    pinned: bool,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut state = self.cache.state();
        if self.pinned {
            state.core.unpin(self.id);
        }
        // Nobody need remember an object of which nothing came.
        if let Some(readers) = state.empty.get_mut(&self.id) {
            *readers = readers.saturating_sub(1);
            if *readers == 0 {
                state.empty.remove(&self.id);
                state.core.remove(self.id);
            }
        }
    }
}

impl Cache {
    /// The cache of what `store` holds already; what is above the bound is removed. Blocks the thread.
    pub(crate) fn open(
        store: Store,
        folder: PathBuf,
        (capacity_bytes, disk_floor_bytes): (u64, u64),
        forgotten: impl Fn(DataObjectId) + Send + Sync + 'static,
    ) -> Self {
        let core = CacheCore::new(capacity_bytes);
        let state = Mutex::new(State { core, empty: BTreeMap::new(), popularity: BTreeMap::new() });
        let cache = Self { store, folder, disk_floor_bytes, state, forgotten: Box::new(forgotten) };
        let partials = cache.store.partials().into_iter().map(|partial| (partial.id, partial.held_bytes));
        for (id, bytes) in partials.chain(cache.store.objects()) {
            if !cache.make_room(id, bytes) {
                cache.remove(id);
            }
        }
        cache
    }

    /// Takes an object in for a reader, if it can be kept, and keeps it while the pin lives.
    pub(crate) fn admit(self: &Arc<Self>, id: DataObjectId) -> Pin {
        let mut state = self.state();
        state.count(id, |uses| uses.saturating_add(1));
        if state.core.contains(id) {
            state.core.touch(id);
        } else if state.core.insert(id, 0).is_ok() {
            state.empty.insert(id, 0);
        }
        if let Some(readers) = state.empty.get_mut(&id) {
            *readers = readers.saturating_add(1);
        }
        let pinned = state.core.pin(id);
        drop(state);
        Pin { cache: Arc::clone(self), id, pinned }
    }

    /// Notes a use.
    pub(crate) fn touch(&self, id: DataObjectId) {
        let mut state = self.state();
        state.count(id, |uses| uses.saturating_add(1));
        state.core.touch(id);
    }

    /// Whether bytes of an object are here, or are being fetched.
    pub(crate) fn contains(&self, id: DataObjectId) -> bool {
        self.state().core.contains(id)
    }

    /// Ids of what is here, complete or in part.
    pub(crate) fn ids(&self) -> Vec<DataObjectId> {
        self.state().core.ids().collect()
    }

    /// Bytes of what is here.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.state().core.used_bytes()
    }

    /// Removes an object from the disk. Blocks the thread.
    pub(crate) fn remove(&self, id: DataObjectId) {
        {
            let mut state = self.state();
            state.empty.remove(&id);
            state.core.remove(id);
        }
        (self.forgotten)(id);
        if let Err(error) = self.store.remove(id) {
            tracing::error!(object = %id, %error, "an object cannot be removed from the cache");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[allow(dead_code, reason = "for prefetching")]
impl Cache {
    /// The most popular objects, held or only remembered, the most popular first, with their uses.
    pub(crate) fn hottest(&self, limit: usize) -> Vec<(DataObjectId, u32)> {
        let mut all: Vec<_> = self.state().popularity.iter().map(|(id, uses)| (*id, *uses)).collect();
        all.sort_unstable_by_key(|(id, uses)| (Reverse(*uses), *id));
        all.truncate(limit);
        all
    }

    /// Learns from others how popular an object is, whether it is held or not. What is known already
    /// only rises.
    pub(crate) fn note_popularity(&self, id: DataObjectId, count: u32) {
        self.state().count(id, |uses| uses.max(count));
    }

    /// Most bytes of what is here.
    pub(crate) fn capacity_bytes(&self) -> u64 {
        self.state().core.capacity_bytes()
    }

    /// Bytes that can still come without anything being evicted, and without going below the floor of
    /// the disk. Asks the file system, so it may block for a moment.
    pub(crate) fn free_bytes(&self) -> u64 {
        let of_cache = self.capacity_bytes().saturating_sub(self.used_bytes());
        match RealDisk.available_bytes(&self.folder) {
            Ok(available) => of_cache.min(available.saturating_sub(self.disk_floor_bytes)),
            Err(error) => {
                tracing::warn!(%error, "the room left on the disk of the cache is not known");
                0
            }
        }
    }
}

impl Room for Cache {
    fn make_room(&self, id: DataObjectId, total_bytes: u64) -> bool {
        let evicted = {
            let mut state = self.state();
            let known = state.core.contains(id);
            let result =
                if known { state.core.resize(id, total_bytes) } else { state.core.insert(id, total_bytes) };
            match result {
                Ok(evicted) => {
                    state.empty.remove(&id);
                    evicted
                }
                Err(refusal) => {
                    tracing::debug!(object = %id, %refusal, "an object is not cached");
                    return false;
                }
            }
        };
        // Outside the lock: hits need not wait for the disk.
        for victim in evicted {
            tracing::debug!(object = %victim, "evicted");
            self.remove(victim);
        }
        true
    }
}

#[cfg(test)]
mod tests;
