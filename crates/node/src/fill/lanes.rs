//! Carries out what [`Traffic`] decides: passes for requests, among all fills of the node.

use super::Board;
use argosy_node_core::{
    fill::{FillId, Grant, Priority, Traffic, TrafficBounds},
    sources::SourceId,
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// All fills of a node, as far as they share sources.
pub(super) struct Lanes {
    state: Mutex<State>,
}

struct State {
    traffic: Traffic,
    boards: BTreeMap<FillId, Arc<Board>>,
    next_fill: u64,
}

/// Permission for one request; given back when dropped.
pub(crate) struct Pass {
    lanes: Arc<Lanes>,
    source: SourceId,
    priority: Priority,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Pass {
    pub(super) fn source(&self) -> SourceId {
        self.source
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let (source, priority) = (self.source, self.priority);
        self.lanes.change(|traffic| traffic.give_back(source, priority));
    }
}

impl Lanes {
    pub(super) fn new(bounds: TrafficBounds) -> Arc<Self> {
        let state = State { traffic: Traffic::new(bounds), boards: BTreeMap::new(), next_fill: 0 };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// A name for a fill; to be given up by [`Lanes::leave`].
    pub(super) fn enter(&self, board: &Arc<Board>) -> FillId {
        let mut state = self.state();
        let fill = FillId(state.next_fill);
        state.next_fill = state.next_fill.saturating_add(1);
        state.boards.insert(fill, Arc::clone(board));
        fill
    }

    /// A pass, or none for now: then it comes to the fill's board later.
    pub(super) fn ask(self: &Arc<Self>, fill: FillId, source: SourceId, priority: Priority) -> Option<Pass> {
        let given = self.state().traffic.ask(fill, source, priority);
        given.then(|| Pass { lanes: Arc::clone(self), source, priority })
    }

    /// Says whether a reader of this fill waits.
    pub(super) fn set_waited_for(self: &Arc<Self>, fill: FillId, waited_for: bool) {
        self.change(|traffic| traffic.set_waited_for(fill, waited_for));
    }

    /// The fill is over. Its board must have been closed to passes before.
    pub(super) fn leave(self: &Arc<Self>, fill: FillId) {
        self.change(|traffic| traffic.leave(fill));
        let board = self.state().boards.remove(&fill);
        // Outside the lock.
        drop(board);
    }

    /// Requests under way.
    pub(super) fn running_count(&self) -> usize {
        self.state().traffic.running_count()
    }

    /// Changes something, and hands out what has become free.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut Traffic)) {
        let mut state = self.state();
        change(&mut state.traffic);
        let grants = state.traffic.grants();
        let to: Vec<(Option<Arc<Board>>, Grant)> =
            grants.into_iter().map(|grant| (state.boards.get(&grant.fill).cloned(), grant)).collect();
        // A pass that is dropped takes the lock.
        drop(state);
        for (board, Grant { source, priority, .. }) in to {
            let pass = Pass { lanes: Arc::clone(self), source, priority };
            drop(board.map(|board| board.grant(pass)));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
