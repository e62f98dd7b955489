//! When this fill may ask: its place among the fills of the node, and passes for single requests.

use super::{CALM, FillTask};
use argosy_node_core::fill::FillInput;
use std::{pin::Pin, sync::Arc};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// A place among the fills that fetch at once.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// A place in the queue for one.
pub(super) struct Turn {
    pub(super) slot: Pin<Box<dyn Future<Output = Option<Slot>> + Send>>,
    background: bool,
}

impl FillTask {
    /// Whether there is something new to ask for, and this fill may ask. If it may not yet, it stands in
    /// the queue from now on: in that of readers if it has any.
    pub(super) fn may_ask(&mut self) -> bool {
        if self.slot.is_some() {
            return true;
        }
        let background = !self.board.is_read();
        let queued = self.turn.as_ref().is_some_and(|turn| background || !turn.background);
        if queued || !self.board.has_news(self.completing) {
            return false;
        }
        let slots = if background { &self.inner.background_slots } else { &self.inner.slots };
        self.slot = try_take(slots);
        if self.slot.is_some() {
            self.turn = None;
        } else {
            let slots = Arc::clone(slots);
            let slot = Box::pin(async move {
                let permit = slots.acquire_owned().await.ok()?;
                Some(Slot { _permit: permit })
            });
            self.turn = Some(Turn { slot, background });
        }
        self.slot.is_some()
    }

    /// Whether this fill may ask for what nobody waits for.
    pub(super) fn take_background_slot(&mut self) -> bool {
        if self.slot.is_none() {
            self.slot = try_take(&self.inner.background_slots);
        }
        self.slot.is_some()
    }

    /// Uses the passes that have come since; those of no use go to the next in the queue.
    pub(super) fn use_passes(&mut self) {
        for pass in self.board.take_passes(false) {
            let source = pass.source();
            self.passes.insert(source, pass);
            self.tell(FillInput::SourceFree { source });
            drop(self.passes.remove(&source));
        }
    }

    /// Lets the other fills know whether a reader waits here. That one has just got its group does not
    /// mean that it will not wait for the next.
    pub(super) fn note_waiting(&mut self, now: Instant) {
        let waits = self.core.is_waited_for();
        let known = self.waited_for.is_some();
        if waits {
            self.waited_for = Some(now);
        } else if self.waited_for.is_some_and(|last| now.duration_since(last) >= CALM) {
            self.waited_for = None;
        }
        if known != self.waited_for.is_some() {
            self.inner.lanes.set_waited_for(self.id, !known);
        }
    }
}

fn try_take(slots: &Arc<Semaphore>) -> Option<Slot> {
    Arc::clone(slots).try_acquire_owned().ok().map(|permit| Slot { _permit: permit })
}
