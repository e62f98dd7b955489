//! Syncs what fills have written, beside them, so that a power cut takes little.
//!
//! It goes in rounds, one at a time in a node, off the way of requests and of the writers. After each the
//! disk has a rest as long as the round was: however slow it is, at most half of its time goes into this.

use super::{Board, Inner};
use argosy_store::PartialObject;
use std::{
    cmp::Reverse,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
    time::Instant,
};

/// Written bytes of a node that need not wait any longer. A power cut takes about as much, where the disk
/// keeps up.
const DUE_BYTES: u64 = 4 * 1024 * 1024;
/// Longest that written bytes wait for more.
const DUE_AFTER: Duration = Duration::from_secs(1);
/// Objects that are synced at once: a journal writes several down with one stroke.
const AT_ONCE: usize = 4;

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

    /// What it is written to, if not all of that was synced.
    fn unsynced(&self) -> Option<Arc<PartialObject>> {
        let known = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone().filter(|partial| partial.unsynced_bytes() > 0)
    }
}

/// What the fills of a node know of each other's syncs.
#[derive(Debug)]
pub(super) struct Syncs {
    /// Held by the fill that syncs for all.
    turn: Semaphore,
    running: Mutex<Vec<(Arc<Growth>, Arc<Board>)>>,
}

impl Default for Syncs {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), running: Mutex::default() }
    }
}

impl Syncs {
    /// Counts a fill while the guard lives.
    fn enter(&self, growth: &Arc<Growth>, board: Arc<Board>) -> Entered<'_> {
        self.running().push((Arc::clone(growth), board));
        Entered { syncs: self, growth: Arc::clone(growth) }
    }

    /// Whether all fills together have written much that was not synced.
    fn is_due(&self) -> bool {
        let running = self.running();
        let partials = running.iter().filter_map(|(growth, _)| growth.unsynced());
        partials.map(|partial| partial.unsynced_bytes()).sum::<u64>() >= DUE_BYTES
    }

    /// What is to be synced, that with the most bytes first.
    fn unsynced(&self) -> Vec<(Arc<PartialObject>, Arc<Board>)> {
        let running = self.running();
        let with_board = |(growth, board): &(Arc<Growth>, Arc<Board>)| {
            growth.unsynced().map(|partial| (partial, Arc::clone(board)))
        };
        let mut found: Vec<_> = running.iter().filter_map(with_board).collect();
        found.sort_by_key(|(partial, _)| Reverse(partial.unsynced_bytes()));
        found
    }

    fn running(&self) -> MutexGuard<'_, Vec<(Arc<Growth>, Arc<Board>)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entered<'a> {
    syncs: &'a Syncs,
    growth: Arc<Growth>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.syncs.running().retain(|(growth, _)| !Arc::ptr_eq(growth, &self.growth));
    }
}

/// Runs a fill, and syncs what it writes, at last when it has ended.
pub(super) async fn beside(
    fill: impl Future<Output = ()>,
    growth: Arc<Growth>,
    inner: Arc<Inner>,
    board: Arc<Board>,
) {
    let _entered = inner.syncs.enter(&growth, board);
    tokio::select! {
        biased;
        () = fill => {}
        () = keep_syncing(&growth, &inner) => {}
    }
    // A node that stops leaves the rest to the system.
    while growth.unsynced().is_some() && !inner.stopped.load(Ordering::Acquire) {
        round(&growth, &inner).await;
    }
}

/// Never ends.
async fn keep_syncing(growth: &Growth, inner: &Inner) {
    let mut due_at: Option<Instant> = None;
    loop {
        if growth.unsynced().is_none() {
            due_at = None;
            growth.news.notified().await;
            continue;
        }
        let due = *due_at.get_or_insert_with(|| Instant::now() + DUE_AFTER);
        if !inner.syncs.is_due() && Instant::now() < due {
            // Whatever comes first: more bytes, or the time.
            let _ = tokio::time::timeout_at(due, growth.news.notified()).await;
            continue;
        }
        due_at = None;
        round(growth, inner).await;
    }
}

/// Syncs everything, unless somebody else has done it meanwhile.
async fn round(growth: &Growth, inner: &Inner) {
    let Ok(_turn) = inner.syncs.turn.acquire().await else { return };
    if growth.unsynced().is_none() {
        return;
    }
    let started = Instant::now();
    let mut syncs = JoinSet::new();
    for (partial, board) in inner.syncs.unsynced() {
        if syncs.len() >= AT_ONCE {
            syncs.join_next().await;
        }
        syncs.spawn_blocking(move || sync(&partial, &board));
    }
    while syncs.join_next().await.is_some() {}
    if !inner.stopped.load(Ordering::Acquire) {
        tokio::time::sleep(started.elapsed()).await;
    }
}

/// Blocks the thread.
fn sync(partial: &PartialObject, board: &Board) {
    if let Err(error) = partial.sync() {
        tracing::warn!(object = %board.id(), %error, "a partial object cannot be synced");
        board.lose();
    }
}
