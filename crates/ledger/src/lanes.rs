//! Signatures are checked in lanes by the rank that the signer claims, so that a flood in one does not
//! hold up another. Anybody can claim to be a lead: every lane has its bounds.

use crate::{error::SubmitError, pool::Rank};
use argosy_directory::{Reject, Transaction};
use std::{num::NonZeroUsize, thread};
use tokio::sync::Semaphore;

/// Most transactions in a lane. A signature takes some 50 µs, so the last one waits some 50 ms.
const LANE_COUNT: usize = 1_024;
/// Most bytes of them, encoded.
const LANE_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Lanes {
    lead: Lane,
    operator: Lane,
    anybody: Lane,
}

#[derive(Debug)]
struct Lane {
    /// Signatures that are checked at once.
    turns: Semaphore,
    count: Semaphore,
    bytes: Semaphore,
}

impl Lanes {
    /// Leaves a core to others, if there is more than one: signatures of nobody in particular must not
    /// hold up everything else.
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let most = cores.saturating_sub(1).max(1);
        Self { lead: Lane::new(1), operator: Lane::new(most.div_ceil(2)), anybody: Lane::new(most) }
    }

    /// Waits for its turn, and checks the signature of a transaction whose signer claims this rank.
    pub(crate) async fn check(
        &self,
        rank: Rank,
        bytes: usize,
        transaction: &Transaction,
    ) -> Result<(), SubmitError> {
        let lane = match rank {
            Rank::Lead => &self.lead,
            Rank::Operator => &self.operator,
            Rank::Anybody => &self.anybody,
        };
        lane.check(bytes, transaction).await
    }
}

impl Lane {
    fn new(turns: usize) -> Self {
        Self {
            turns: Semaphore::new(turns),
            count: Semaphore::new(LANE_COUNT),
            bytes: Semaphore::new(LANE_BYTES),
        }
    }

    async fn check(&self, bytes: usize, transaction: &Transaction) -> Result<(), SubmitError> {
        let bytes = u32::try_from(bytes).map_err(|_| SubmitError::Malformed)?;
        let (Ok(_place), Ok(_room)) = (self.count.try_acquire(), self.bytes.try_acquire_many(bytes)) else {
            return Err(SubmitError::Busy);
        };
        // Never closed.
        let _turn = self.turns.acquire().await.map_err(|_| SubmitError::Busy)?;
        if transaction.signature_holds() { Ok(()) } else { Err(Reject::BadSignature.into()) }
    }
}
