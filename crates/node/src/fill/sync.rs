//! Syncs what fills have written, beside them, so that a power cut takes little.
//!
//! One sync at a time in a node, off the way of requests and of the writer. After each the disk has a
//! rest as long as the sync was: however slow it is, at most half of its time goes into this.

use super::{Board, Inner};
use argosy_domain::num::to_u64;
use argosy_store::{PartialObject, StoreError};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};

/// Written bytes of a node that need not wait any longer. As much as a power cut takes where the disk keeps
/// up.
const DUE_BYTES: u64 = 4 * 1024 * 1024;
/// Longest that written bytes wait if nothing else is to be synced.
const DUE_AFTER: Duration = Duration::from_secs(1);

/// Tells of what a fill has written.
#[derive(Debug, Default)]
pub(super) struct Growth {
    partial: Mutex<Option<Arc<PartialObject>>>,
    news: Notify,
}

impl Growth {
    /// Groups were written to `partial`.
    pub(super) fn note(&self, partial: &Arc<PartialObject>) {
        let mut known = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = Some(Arc::clone(partial));
        }
        drop(known);
        self.news.notify_one();
    }

    fn partial(&self) -> Option<Arc<PartialObject>> {
        self.partial.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the fills of a node know of each other's syncs.
#[derive(Debug)]
pub(super) struct Syncs {
    /// Held by the fill that syncs.
    turn: Semaphore,
    running: Mutex<Vec<Arc<Growth>>>,
}

impl Default for Syncs {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), running: Mutex::default() }
    }
}

impl Syncs {
    /// Counts a fill while the guard lives.
    fn enter(&self, growth: &Arc<Growth>) -> Entered<'_> {
        self.running().push(Arc::clone(growth));
        Entered { syncs: self, growth: Arc::clone(growth) }
    }

    /// Whether a fill with so many unsynced bytes is to be synced now, since all fills together have many
    /// and it has no fewer than most.
    fn is_due(&self, unsynced_bytes: u64) -> bool {
        let of = |growth: &Arc<Growth>| growth.partial().map_or(0, |partial| partial.unsynced_bytes());
        let running = self.running();
        let all: u64 = running.iter().map(of).sum();
        all >= DUE_BYTES && unsynced_bytes.saturating_mul(to_u64(running.len())) >= all
    }

    fn running(&self) -> MutexGuard<'_, Vec<Arc<Growth>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entered<'a> {
    syncs: &'a Syncs,
    growth: Arc<Growth>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.syncs.running().retain(|growth| !Arc::ptr_eq(growth, &self.growth));
    }
}

/// Runs a fill, and syncs what it writes, at last when it has ended.
pub(super) async fn beside(
    fill: impl Future<Output = ()>,
    growth: Arc<Growth>,
    inner: Arc<Inner>,
    board: Arc<Board>,
) {
    let _entered = inner.syncs.enter(&growth);
    tokio::select! {
        biased;
        () = fill => {}
        () = keep_syncing(&growth, &inner, &board) => {}
    }
    // A node that stops leaves the rest to the system.
    if let Some(partial) = unsynced(&growth)
        && !inner.stopped.load(Ordering::Acquire)
    {
        sync_in_turn(partial, &inner, &board).await;
    }
}

fn unsynced(growth: &Growth) -> Option<Arc<PartialObject>> {
    growth.partial().filter(|partial| partial.unsynced_bytes() > 0)
}

/// Never ends.
async fn keep_syncing(growth: &Growth, inner: &Inner, board: &Board) {
    let mut due_at: Option<Instant> = None;
    loop {
        let Some(partial) = unsynced(growth) else {
            due_at = None;
            growth.news.notified().await;
            continue;
        };
        let due = *due_at.get_or_insert_with(|| Instant::now() + DUE_AFTER);
        if !inner.syncs.is_due(partial.unsynced_bytes()) && Instant::now() < due {
            // Whatever comes first: more bytes, or the time.
            let _ = tokio::time::timeout_at(due, growth.news.notified()).await;
            continue;
        }
        due_at = None;
        sync_in_turn(partial, inner, board).await;
    }
}

/// Waits for this fill's turn, syncs, and lets the disk rest before others have theirs.
async fn sync_in_turn(partial: Arc<PartialObject>, inner: &Inner, board: &Board) {
    let Ok(_turn) = inner.syncs.turn.acquire().await else { return };
    let started = Instant::now();
    // It goes on to its end also if the fill has none of it any more.
    match tokio::task::spawn_blocking(move || partial.sync()).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => {
            tracing::warn!(object = %board.id(), %error, "a partial object cannot be synced");
            if matches!(error, StoreError::Io { .. } | StoreError::NoRoom { .. }) {
                board.lose();
            }
        }
    }
    if !inner.stopped.load(Ordering::Acquire) {
        tokio::time::sleep(started.elapsed()).await;
    }
}
