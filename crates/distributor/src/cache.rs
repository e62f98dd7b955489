//! The bound on what is cached, and the objects that make room for others.

use argosy_domain::DataObjectId;
use argosy_node::Room;
use argosy_node_core::cache::CacheCore;
use argosy_store::Store;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Carries out what [`CacheCore`] decides.
pub(crate) struct Cache {
    store: Store,
    state: Mutex<State>,
    /// Told of every object that has left the disk.
    forgotten: Box<dyn Fn(DataObjectId) + Send + Sync>,
}

struct State {
    core: CacheCore,
    /// Taken in for readers, with nothing on disk so far; and how many readers.
    empty: BTreeMap<DataObjectId, u32>,
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
        capacity_bytes: u64,
        forgotten: impl Fn(DataObjectId) + Send + Sync + 'static,
    ) -> Self {
        let state = State { core: CacheCore::new(capacity_bytes), empty: BTreeMap::new() };
        let cache = Self { store, state: Mutex::new(state), forgotten: Box::new(forgotten) };
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
        self.state().core.touch(id);
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
