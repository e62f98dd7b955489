//! The bound on what is cached, and the objects that make room for others.
//!
//! [`CacheCore`] decides; this carries it out on the disk, counts uses without making requests wait for each
//! other, and keeps a note of what outlives a restart.

pub(crate) mod argus;
pub(crate) mod keeper;
mod note;
mod uses;

use argosy_domain::DataObjectId;
use argosy_node::Room;
use argosy_node_core::cache::{CacheCore, PolicyName, RecentUses};
use argosy_store::{Disk as _, RealDisk, Store};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use uses::Uses;

/// The disk is asked again after objects have grown by so much.
const DISK_QUERY_BYTES: u64 = 16 * 1024 * 1024;

/// What a cache is opened with.
#[derive(Clone, Debug)]
pub(crate) struct CacheConfig {
    /// The folder of the store, whose disk is asked.
    pub(crate) folder: PathBuf,
    /// Folder of the note.
    pub(crate) notes: PathBuf,
    /// Most bytes of objects.
    pub(crate) limit_bytes: u64,
    /// Bytes of the disk that stay free, whoever fills it.
    pub(crate) floor_bytes: u64,
    pub(crate) policy: PolicyName,
}

/// Carries out what [`CacheCore`] decides.
pub(crate) struct Cache {
    store: Store,
    config: CacheConfig,
    state: Mutex<State>,
    /// Noted by requests, to be counted soon.
    uses: Uses,
    recent: RecentUses,
    /// Length of the newest note.
    note_bytes: AtomicU64,
    /// Told of every object that has left the disk.
    forgotten: Box<dyn Fn(DataObjectId) + Send + Sync>,
}

/// What the note does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct News {
    /// Uses, and objects that came or went.
    changes: u64,
    /// Objects that are held.
    held: u64,
    /// Length of the note.
    note_bytes: u64,
}

struct State {
    core: CacheCore,
    /// Taken in for readers, with nothing on disk so far; and how many readers.
    empty: BTreeMap<DataObjectId, u32>,
    /// Bytes that have come since the disk was asked.
    unasked_bytes: u64,
    /// Uses that were counted, and objects that came or went, since the note was written.
    changes: u64,
}

/// Keeps an object from eviction while somebody reads it.
pub(crate) struct Pin {
    cache: Arc<Cache>,
    id: DataObjectId,
    pinned: bool,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let now_ms = now_ms();
        let mut state = self.cache.state();
        if self.pinned {
            state.core.unpin(self.id, now_ms);
        }
        // Nobody need remember an object of which nothing came.
        if let Some(readers) = state.empty.get_mut(&self.id) {
            *readers = readers.saturating_sub(1);
            if *readers == 0 {
                state.empty.remove(&self.id);
                state.core.remove(self.id, now_ms);
            }
        }
    }
}

impl Cache {
    /// The cache of what `store` holds already; what is above the bound is removed. The note of before tells
    /// how popular it was; the files tell what there is. Blocks the thread.
    pub(crate) fn open(
        store: Store,
        config: CacheConfig,
        forgotten: impl Fn(DataObjectId) + Send + Sync + 'static,
    ) -> Self {
        let partials = store.partials().into_iter().map(|partial| (partial.id, partial.held_bytes));
        let held: BTreeMap<DataObjectId, u64> = partials.chain(store.objects()).collect();
        let (standings, same_policy) = note::recall(&config.notes, config.policy);
        let (core, gone) =
            CacheCore::restore(config.limit_bytes, config.policy, (&standings, same_policy), held, now_ms());
        let state = Mutex::new(State { core, empty: BTreeMap::new(), unasked_bytes: 0, changes: 0 });
        let (uses, recent) = (Uses::default(), RecentUses::default());
        let (note_bytes, forgotten) = (AtomicU64::new(0), Box::new(forgotten));
        let cache = Self { store, config, state, uses, recent, note_bytes, forgotten };
        cache.evict(gone);
        cache.tend();
        cache
    }

    /// Takes an object in for a reader, if it can be kept, and keeps it while the pin lives.
    pub(crate) fn admit(self: &Arc<Self>, id: DataObjectId) -> Pin {
        let now_ms = now_ms();
        let mut state = self.state();
        // A viewer who has asked is noted already: counted now, or he would count twice.
        self.count(&mut state);
        if state.core.uses(id) == 0 {
            // Who comes by another way than viewers do is no use, but worth something.
            state.core.touch(id, now_ms);
        }
        if !state.core.contains(id) && state.core.insert(id, 0, now_ms).is_ok() {
            state.empty.insert(id, 0);
        }
        if let Some(readers) = state.empty.get_mut(&id) {
            *readers = readers.saturating_add(1);
        }
        let pinned = state.core.pin(id, now_ms);
        drop(state);
        Pin { cache: Arc::clone(self), id, pinned }
    }

    /// Notes that a visitor asks for an object. All that one visitor asks of one object in a while is one
    /// use. Never waits.
    pub(crate) fn used(&self, id: DataObjectId, visitor: IpAddr) {
        if self.recent.begins(id, number_of(visitor), now_ms() / 1000) && self.uses.push(id) {
            // Some have gathered. Whoever holds the lock counts them next, or the keeper does.
            if let Ok(mut state) = self.state.try_lock() {
                self.count(&mut state);
            }
        }
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

    /// Objects that had to make room since the start, and their bytes.
    pub(crate) fn evicted(&self) -> (u64, u64) {
        self.state().core.evicted()
    }

    /// Removes an object from the disk. Blocks the thread.
    pub(crate) fn remove(&self, id: DataObjectId) {
        {
            let mut state = self.state();
            state.empty.remove(&id);
            state.core.remove(id, now_ms());
            state.changes = state.changes.saturating_add(1);
        }
        (self.forgotten)(id);
        if let Err(error) = self.store.remove(id) {
            tracing::error!(object = %id, %error, "an object cannot be removed from the cache");
        }
    }

    /// Removes an object from the disk, and forgets that it was ever asked for. Blocks the thread.
    pub(crate) fn forget(&self, id: DataObjectId) {
        {
            let mut state = self.state();
            self.count(&mut state);
            state.core.forget(id, now_ms());
        }
        self.remove(id);
    }

    /// Counts what was noted, and makes room if others have filled the disk. Blocks the thread.
    fn tend(&self) {
        let gone = {
            let mut state = self.state();
            self.count(&mut state);
            self.heed_disk(&mut state)
        };
        self.evict(gone);
    }

    /// Writes the note that the next start goes on from. Blocks the thread.
    fn save(&self) {
        let standings = {
            let mut state = self.state();
            self.count(&mut state);
            state.changes = 0;
            state.core.standings(now_ms())
        };
        match note::write(&self.config.notes, self.config.policy, &standings) {
            Ok(bytes) => self.note_bytes.store(bytes, Ordering::Relaxed),
            Err(error) => tracing::warn!(%error, "the note of what is popular cannot be written"),
        }
    }

    /// What the note does not know, of how much.
    fn news(&self) -> News {
        let state = self.state();
        let (changes, held) = (state.changes, state.core.objects_count());
        News { changes, held, note_bytes: self.note_bytes.load(Ordering::Relaxed) }
    }

    fn count(&self, state: &mut State) {
        let now_ms = now_ms();
        self.uses.drain(|id| {
            state.core.touch(id, now_ms);
            state.changes = state.changes.saturating_add(1);
        });
    }

    /// Bounds the cache by what the disk has left above its floor. Gives what must go.
    fn heed_disk(&self, state: &mut State) -> Vec<DataObjectId> {
        state.unasked_bytes = 0;
        let capacity = match RealDisk.available_bytes(&self.config.folder) {
            Ok(available) => {
                let of_disk = state.core.used_bytes().saturating_add(available);
                of_disk.saturating_sub(self.config.floor_bytes).min(self.config.limit_bytes)
            }
            Err(error) => {
                tracing::warn!(%error, "the room left on the disk of the cache is not known");
                return Vec::new();
            }
        };
        state.core.set_capacity(capacity, now_ms())
    }

    /// Outside the lock: hits need not wait for the disk.
    fn evict(&self, victims: Vec<DataObjectId>) {
        for victim in victims {
            tracing::debug!(object = %victim, "evicted");
            self.remove(victim);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For those who fetch before anybody asks, and for those who bring objects from elsewhere.
impl Cache {
    /// Whether the cache's own note is newer than this file.
    pub(crate) fn has_noted_since(&self, file: &Path) -> bool {
        note::is_newer_than(&self.config.notes, file)
    }

    /// The most popular objects, held or only remembered, the most popular first, with their uses.
    pub(crate) fn hottest(&self, limit: usize) -> Vec<(DataObjectId, u32)> {
        let mut state = self.state();
        self.count(&mut state);
        state.core.hottest(limit)
    }

    /// Learns from others how popular an object is, whether it is held or not. What is known already
    /// only rises.
    pub(crate) fn note_popularity(&self, id: DataObjectId, count: u32) {
        self.state().core.note_popularity(id, count, now_ms());
    }

    /// Most bytes of what is here, as the configuration and the disk allow.
    pub(crate) fn capacity_bytes(&self) -> u64 {
        self.state().core.capacity_bytes()
    }

    /// Bytes that can still come without anything being evicted, and without going below the floor of
    /// the disk. Asks the file system, so it may block for a moment.
    pub(crate) fn free_bytes(&self) -> u64 {
        let of_cache = self.config.limit_bytes.saturating_sub(self.used_bytes());
        match RealDisk.available_bytes(&self.config.folder) {
            Ok(available) => of_cache.min(available.saturating_sub(self.config.floor_bytes)),
            Err(error) => {
                tracing::warn!(%error, "the room left on the disk of the cache is not known");
                0
            }
        }
    }
}

impl Room for Cache {
    fn make_room(&self, id: DataObjectId, total_bytes: u64) -> bool {
        let now_ms = now_ms();
        let mut state = self.state();
        self.count(&mut state);
        let before = state.core.bytes_of(id);
        let growth = total_bytes.saturating_sub(before.unwrap_or(0));
        state.unasked_bytes = state.unasked_bytes.saturating_add(growth);
        let mut evicted =
            if state.unasked_bytes > DISK_QUERY_BYTES { self.heed_disk(&mut state) } else { Vec::new() };
        // It may have been in the way itself.
        let known = state.core.contains(id);
        let result = if known {
            state.core.resize(id, total_bytes, now_ms)
        } else {
            state.core.insert(id, total_bytes, now_ms)
        };
        let kept = match result {
            Ok(more) => {
                state.empty.remove(&id);
                state.changes = state.changes.saturating_add(u64::from(!known));
                evicted.extend(more);
                true
            }
            Err(refusal) => {
                tracing::debug!(object = %id, %refusal, "an object is not cached");
                false
            }
        };
        drop(state);
        evicted.retain(|victim| *victim != id || !kept);
        self.evict(evicted);
        kept
    }
}

/// Milliseconds since 1970: uses are compared across restarts.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Tells visitors apart. Of IPv6 the network: a household has all addresses in it.
fn number_of(visitor: IpAddr) -> u64 {
    match visitor.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests;
