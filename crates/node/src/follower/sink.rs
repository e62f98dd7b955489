//! What blocks are followed into: a node's index, or a whole copy of the ledger.

use super::{BlockChanges, FollowHead, Shared, checkpoint::Saver, now_ms};
use argosy_ledger::{AppendError, Block, BlockError, ChainTip, ChainVerifier, Replica};
use argosy_node_core::follow::IndexError;
use bytes::Bytes;
use std::{
    future::Future,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

/// Takes blocks in order. What it has taken it keeps.
pub trait Sink: Send + 'static {
    /// The newest block taken.
    fn tip(&self) -> ChainTip;

    /// Whether the keys that sign now have signed this block.
    fn is_signed(&self, block: &Block) -> bool;

    /// Takes the blocks that follow on the newest one.
    ///
    /// # Errors
    /// [`Refusal`] of the first one not taken; those before it are.
    fn take(&mut self, blocks: Vec<Bytes>) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Makes what was taken last beyond the end of this process, as far as it does not yet.
    fn save(&mut self) -> impl Future<Output = ()> + Send;
}

/// Why a block was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Our clock and the block's disagree; either may be set right.
    #[error("a block could not be taken yet")]
    Early(#[source] BlockError),
    /// Whoever sent it is at fault.
    #[error("it sent a block that must not be taken")]
    Bad(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// This node cannot take any for a while.
    #[error("no block can be taken here")]
    Later(#[source] AppendError),
    /// A proved block that is wrong: no block can ever be taken any more.
    #[error("a proved block is wrong")]
    Wrong(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The index of a node that answers from events alone.
pub struct IndexSink {
    shared: Arc<Shared>,
    chain: Arc<Mutex<ChainVerifier>>,
    saver: Saver,
}

impl IndexSink {
    pub(super) fn new(shared: Arc<Shared>, verifier: ChainVerifier, path: PathBuf) -> Self {
        let saver = Saver::new(path, verifier.tip().height);
        Self { shared, chain: Arc::new(Mutex::new(verifier)), saver }
    }
}

pub(super) fn lock(chain: &Mutex<ChainVerifier>) -> MutexGuard<'_, ChainVerifier> {
    chain.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sink for IndexSink {
    fn tip(&self) -> ChainTip {
        *lock(&self.chain).tip()
    }

    fn is_signed(&self, block: &Block) -> bool {
        lock(&self.chain).is_signed(block)
    }

    /// Away from the threads that serve.
    async fn take(&mut self, blocks: Vec<Bytes>) -> Result<(), Refusal> {
        let (shared, chain) = (Arc::clone(&self.shared), Arc::clone(&self.chain));
        let applied = tokio::task::spawn_blocking(move || {
            let mut chain = lock(&chain);
            blocks.iter().try_for_each(|block| take_block(&shared, &mut chain, block))
        });
        match applied.await {
            Ok(applied) => applied?,
            // A panic in there is a defect; the index says itself whether it is still whole.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Err(Refusal::Later(argosy_ledger::Stopped.into())),
        }
        self.saver.save_if_due(&self.shared, &self.chain).await;
        Ok(())
    }

    async fn save(&mut self) {
        self.saver.save_now(&self.shared, &self.chain).await;
    }
}

fn take_block(shared: &Shared, chain: &mut ChainVerifier, bytes: &Bytes) -> Result<(), Refusal> {
    let block = Block::decode_bytes(bytes).map_err(|error| Refusal::Bad(error.into()))?;
    let mut verifier = chain.clone();
    let checked = verifier.check(&block, Some(now_ms())).map_err(refused)?;
    let (height, time_ms) = (block.header.height, block.header.time_ms);
    let changes = {
        let mut index = shared.index.write().unwrap_or_else(PoisonError::into_inner);
        let (keys, threshold) = index.council();
        checked.confirm(|who| who.are_council(keys, threshold)).map_err(refused)?;
        let wrong = |error: IndexError| Refusal::Wrong(error.into());
        index.apply_block(height, time_ms, block.events()).map_err(wrong)?
    };
    *chain = verifier;
    shared.epoch.store(chain.epochs().number(), Ordering::Relaxed);
    // Order matters: who is woken by the head finds the changes already sent.
    let _nobody_listens = shared.changes.send(Arc::new(BlockChanges { height, changes }));
    shared.head.send_replace(FollowHead { height, time_ms });
    Ok(())
}

fn refused(error: BlockError) -> Refusal {
    if matches!(error, BlockError::TimeAhead { .. }) {
        Refusal::Early(error)
    } else {
        Refusal::Bad(error.into())
    }
}

/// A whole copy of the ledger, as a directory node keeps it.
#[derive(Debug)]
pub struct ReplicaSink {
    replica: Replica,
}

impl ReplicaSink {
    /// Follows into this copy. Nobody else may append to it.
    #[must_use]
    pub const fn new(replica: Replica) -> Self {
        Self { replica }
    }
}

impl Sink for ReplicaSink {
    fn tip(&self) -> ChainTip {
        *self.replica.head().borrow()
    }

    fn is_signed(&self, block: &Block) -> bool {
        let epochs = self.replica.epochs();
        block.proof.epoch == epochs.number() && block.proof.holds_for(epochs.keys(), &block.header.hash())
    }

    async fn take(&mut self, blocks: Vec<Bytes>) -> Result<(), Refusal> {
        self.replica.append(blocks, now_ms()).await.map_err(|error| match error {
            AppendError::Refused { source, .. } => refused(source),
            AppendError::Malformed => Refusal::Bad(error.into()),
            AppendError::Wrong { .. } => Refusal::Wrong(error.into()),
            AppendError::NoRoom | AppendError::Busy | AppendError::Stopped(_) => Refusal::Later(error),
        })
    }

    /// It is on disk when it is taken.
    async fn save(&mut self) {}
}
