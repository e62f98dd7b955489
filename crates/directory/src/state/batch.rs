//! Several calls in one transaction.

use super::{Outcome, State};
use crate::{
    call::{BatchCall, BatchMode, Call},
    check::check,
    event::Event,
    reject::Reject,
};
use alloc::{vec, vec::Vec};
use argosy_domain::{AccountId, limits::MAX_BATCH_CALLS};

/// A batch has calls, not too many, and none of them is a batch.
fn ensure_well_formed(batch: &BatchCall) -> Result<(), Reject> {
    if batch.calls.is_empty() {
        return Err(Reject::EmptyBatch);
    }
    if batch.calls.len() > MAX_BATCH_CALLS {
        return Err(Reject::TooManyCalls);
    }
    if batch.calls.iter().any(|call| matches!(call, Call::Batch(_))) {
        return Err(Reject::NestedBatch);
    }
    Ok(())
}

/// Judges each call by itself.
pub(super) fn dry_run(state: &State, signer: AccountId, batch: &BatchCall) -> Result<(), Reject> {
    ensure_well_formed(batch)?;
    match batch.mode {
        BatchMode::AllOrNothing => {
            batch.calls.iter().try_for_each(|call| check(state, signer, call).map(drop))
        }
        BatchMode::EachOnItsOwn => Ok(()),
    }
}

impl State {
    /// Each call sees what those before it did. After the events of each comes what became of it.
    pub(super) fn run_batch(&mut self, signer: AccountId, batch: &BatchCall) -> Outcome {
        if let Err(reject) = ensure_well_formed(batch) {
            return Outcome { result: Err(reject), events: Vec::new() };
        }
        let mut before = match batch.mode {
            BatchMode::AllOrNothing => Some(self.clone()),
            BatchMode::EachOnItsOwn => None,
        };
        let mut events = Vec::new();
        for (call, index) in batch.calls.iter().zip(0..) {
            match check(self, signer, call) {
                Ok(change) => {
                    events.extend(self.apply(change));
                    events.push(Event::BatchItemCompleted { index });
                }
                Err(reject) => {
                    if let Some(before) = before.take() {
                        self.restore(before);
                        let events = vec![Event::BatchInterrupted { index, reject }];
                        return Outcome { result: Err(reject), events };
                    }
                    events.push(Event::BatchItemFailed { index, reject });
                }
            }
        }
        Outcome { result: Ok(()), events }
    }
}
