//! How following goes, for those who show it.

use argosy_api::node::{FollowStatus, UpstreamStatus};
use argosy_ledger::ChainTip;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Newest blocks whose hashes are kept, to compare them with other nodes'.
const MAX_RECENT: usize = 4_096;

/// What is known of the directory nodes, and how following goes. Clones show the same.
#[derive(Clone, Debug)]
pub struct Link(Arc<Mutex<State>>);

#[derive(Debug)]
pub(super) struct State {
    /// The node that is being followed.
    pub(super) url: String,
    pub(super) connected: bool,
    pub(super) halted: Option<String>,
    pub(super) alarm: Option<String>,
    pub(super) upstreams: Vec<UpstreamStatus>,
    /// Hashes of the newest blocks, consecutive; the last one is of this height.
    hashes: VecDeque<[u8; 32]>,
    newest: u64,
}

impl Link {
    pub(super) fn new(urls: &[String], tip: &ChainTip) -> Self {
        let upstream =
            |url: &String| UpstreamStatus { url: url.clone(), height: None, agrees: None, trouble: None };
        Self(Arc::new(Mutex::new(State {
            url: String::new(),
            connected: false,
            halted: None,
            alarm: None,
            upstreams: urls.iter().map(upstream).collect(),
            hashes: VecDeque::from([tip.hash]),
            newest: tip.height,
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As of a block with this height and time.
    #[must_use]
    pub fn status(&self, height: u64, time_ms: u64, epoch: u64) -> FollowStatus {
        let state = self.lock();
        FollowStatus {
            url: state.url.clone(),
            connected: state.connected,
            height,
            lag_ms: super::now_ms().saturating_sub(time_ms),
            epoch,
            halted: state.halted.clone(),
            alarm: state.alarm.clone(),
            upstreams: state.upstreams.clone(),
        }
    }
}

impl State {
    pub(super) fn upstream(&mut self, turn: usize) -> Option<&mut UpstreamStatus> {
        self.upstreams.get_mut(turn)
    }

    /// Remembers the hash of a block that was taken, which must be the next one.
    pub(super) fn remember(&mut self, height: u64, hash: [u8; 32]) {
        if height != self.newest.saturating_add(1) {
            self.hashes.clear();
        }
        if self.hashes.len() >= MAX_RECENT {
            self.hashes.pop_front();
        }
        self.hashes.push_back(hash);
        self.newest = height;
    }

    /// Height of the newest block that was taken, and its hash or that of an older one.
    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    pub(super) fn hash_at(&self, height: u64) -> Option<[u8; 32]> {
        let back = usize::try_from(self.newest.checked_sub(height)?).ok()?;
        let at = self.hashes.len().checked_sub(back.checked_add(1)?)?;
        self.hashes.get(at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_hashes_are_found_by_height() {
        let tip = ChainTip { height: 5, hash: [5; 32], time_ms: 0, randomness: [0; 32], state_root: [0; 32] };
        let link = Link::new(&[], &tip);
        let mut state = link.lock();
        state.remember(6, [6; 32]);
        state.remember(7, [7; 32]);
        let found: Vec<_> = (4..=8).map(|height| state.hash_at(height).map(|hash| hash[0])).collect();
        assert_eq!(found, [None, Some(5), Some(6), Some(7), None]);
        for height in 8..8 + u64::try_from(MAX_RECENT).unwrap() {
            state.remember(height, [8; 32]);
        }
        assert_eq!((state.hash_at(7), state.hash_at(8)), (None, Some([8; 32])));
    }
}
