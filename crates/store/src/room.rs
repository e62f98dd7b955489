//! How much may still be written.

use crate::disk::Disk;
use crate::error::StoreError;
use crate::store::StoreConfig;
use crate::sync::lock;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// The file system is asked again after this many bytes were taken on its last word.
const DISK_QUERY_BYTES: u64 = 4 * 1024 * 1024;

/// Counts the store's bytes against its capacity and against the disk's floor.
#[derive(Debug)]
pub(crate) struct Room {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    config: StoreConfig,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// On disk: complete objects and proved groups.
    used: u64,
    /// Set aside, not written yet.
    promised: u64,
    /// Taken since the file system was last asked.
    unasked: u64,
}

impl Room {
    /// `used`: bytes that are on disk already, whatever the bounds say.
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, config: StoreConfig, used: u64) -> Self {
        // The first taker asks the file system.
        let state = State { used, promised: 0, unasked: DISK_QUERY_BYTES };
        Self { disk, dir, config, state: Mutex::new(state) }
    }

    /// Sets bytes aside. To be given back by [`Room::settle`] or [`Room::break_promise`].
    pub(crate) fn promise(&self, bytes: u64) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        self.check_capacity(&state, bytes)?;
        self.check_disk(&mut state, bytes)?;
        state.promised = state.promised.saturating_add(bytes);
        Ok(())
    }

    /// Promised bytes were written.
    pub(crate) fn settle(&self, bytes: u64) {
        let mut state = lock(&self.state);
        state.promised = state.promised.saturating_sub(bytes);
        state.used = state.used.saturating_add(bytes);
    }

    /// Promised bytes will not be written.
    pub(crate) fn break_promise(&self, bytes: u64) {
        let mut state = lock(&self.state);
        state.promised = state.promised.saturating_sub(bytes);
    }

    /// Takes bytes that nobody promised and that are written next.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        self.check_capacity(&state, bytes)?;
        if state.unasked.saturating_add(bytes) > DISK_QUERY_BYTES {
            self.check_disk(&mut state, bytes)?;
        }
        state.unasked = state.unasked.saturating_add(bytes);
        state.used = state.used.saturating_add(bytes);
        Ok(())
    }

    /// Written bytes are gone.
    pub(crate) fn give_back(&self, bytes: u64) {
        let mut state = lock(&self.state);
        state.used = state.used.saturating_sub(bytes);
    }

    /// What was counted as `old` bytes turned out to be `new` bytes.
    pub(crate) fn recount(&self, old: u64, new: u64) {
        let mut state = lock(&self.state);
        state.used = state.used.saturating_sub(old).saturating_add(new);
    }

    /// Bytes promised and not written yet.
    pub(crate) fn promised(&self) -> u64 {
        lock(&self.state).promised
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> u64 {
        lock(&self.state).used
    }

    fn check_capacity(&self, state: &State, bytes: u64) -> Result<(), StoreError> {
        let taken = state.used.saturating_add(state.promised).saturating_add(bytes);
        match self.config.capacity_bytes {
            Some(capacity) if taken > capacity => Err(StoreError::NoRoom { needed_bytes: bytes }),
            Some(_) | None => Ok(()),
        }
    }

    fn check_disk(&self, state: &mut State, bytes: u64) -> Result<(), StoreError> {
        let available = self
            .disk
            .available_bytes(&self.dir)
            .map_err(|source| StoreError::io("ask for the room left in", &self.dir, source))?;
        let spoken_for = state.promised.saturating_add(self.config.disk_floor_bytes);
        if available.saturating_sub(spoken_for) < bytes {
            return Err(StoreError::NoRoom { needed_bytes: bytes });
        }
        state.unasked = 0;
        Ok(())
    }
}
