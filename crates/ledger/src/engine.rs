//! The embedded engine as its users see it: submit, read, follow.
//!
//! One thread owns the order of things (`producer`). Submitters decode and check signatures on their
//! own tasks, then wait in a bounded pool (`intake`); the thread makes one block of all that waits,
//! syncs it, and only then answers them and shows the block and its state to anybody.

use crate::{
    block::MAX_ENCODED_BLOCK_BYTES,
    checkpointer::CheckpointConfig,
    data_dir::{DataDir, has_ledger, io_error},
    disk::Opened,
    error::{EngineError, OpenError, SubmitError},
    intake::Intake,
    log::Log,
    machine::{Ledger, PoolStatus, Submitting},
    pool::Room,
    producer::Producer,
    steps::Steps,
    view::LedgerView,
};
use argosy_directory::{Genesis, Outcome};
use argosy_domain::{AccountId, Keypair, limits::MAX_BLOCK_INTERVAL_MS, num::to_u64};
use bytes::Bytes;
use std::{num::NonZeroU64, ops::Deref, path::Path, sync::Arc, thread, time::Duration};
use tokio::sync::oneshot;

/// A segment is not begun before the last one has this, in bytes.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Which blocks are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// All.
    #[default]
    Archive,
    /// At least this many of the newest, and all from the oldest checkpoint on. Older ones go in
    /// whole segments of the log.
    Blocks(NonZeroU64),
}

/// How a ledger runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Longest time without a block; at most [`MAX_BLOCK_INTERVAL_MS`].
    pub block_interval: Duration,
    /// Most transactions that wait for a block.
    pub pool_count: usize,
    /// Most bytes of transactions that wait for a block.
    pub pool_bytes: usize,
    /// When checkpoints are made.
    pub checkpoints: CheckpointConfig,
    /// Which blocks are kept.
    pub retention: Retention,
    /// A new segment of the log is begun when the last one has reached this many bytes.
    pub segment_bytes: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            block_interval: Duration::from_millis(MAX_BLOCK_INTERVAL_MS),
            pool_count: 8_192,
            pool_bytes: 64 * 1024 * 1024,
            checkpoints: CheckpointConfig::default(),
            retention: Retention::Archive,
            segment_bytes: SEGMENT_BYTES,
        }
    }
}

/// What became of a transaction, and where it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Hash of the transaction's encoding.
    pub hash: [u8; 32],
    /// Height of its block.
    pub height: u64,
    /// Position in the block, from 0.
    pub index: u32,
    /// Time of the block, in milliseconds since 1970.
    pub time_ms: u64,
    /// Whether the call succeeded, and its events.
    pub outcome: Outcome,
}

/// A running engine: a view of its ledger that takes transactions too. Clones are handles on the same one.
#[derive(Clone)]
pub struct Engine {
    view: LedgerView,
    intake: Arc<Intake>,
}

/// Keeps a ledger's thread running: stop and join it. Dropping it stops the thread too, without waiting.
pub struct EngineTask {
    stop: Box<dyn Fn() + Send + Sync>,
    ended: oneshot::Receiver<Result<(), EngineError>>,
}

impl Engine {
    /// Opens the ledger in `dir`, making an empty one if there is none, goes on from the newest
    /// checkpoint that can be used, or else from the genesis, and starts.
    ///
    /// An unfinished last write is cut off, with a line in the log: it was never acknowledged. So is a
    /// line written for each checkpoint that is skipped. A change of sequencing keys that was left in
    /// the folder ([`crate::install_change`]) is carried out.
    ///
    /// # Errors
    /// [`OpenError`]: nothing was started.
    pub fn open(
        dir: &Path,
        genesis: &Genesis,
        key: Keypair,
        config: EngineConfig,
    ) -> Result<(Self, EngineTask), OpenError> {
        let sequencer = SequencerKey::new(key)?;
        let is_new = !has_ledger(dir)?;
        if is_new {
            // A wrong key is found before anything is touched.
            sequencer.ensure_is(&[genesis.sequencer])?;
        }
        let data_dir = DataDir::create(dir)?;
        let log = data_dir.open_or_create_log(&genesis.hash())?;
        Self::start(data_dir, log, genesis, sequencer, config, Steps::default())
    }

    /// Replays an open log and starts the thread that appends to it.
    pub(crate) fn start(
        data_dir: DataDir,
        log: Log,
        genesis: &Genesis,
        sequencer: SequencerKey,
        config: EngineConfig,
        steps: Steps,
    ) -> Result<(Self, EngineTask), OpenError> {
        let dir = data_dir.path().to_owned();
        let opened = Opened::new(data_dir, &log, genesis, config, steps)?;
        let change = opened.due_change()?;
        let keys = change.as_ref().map_or(opened.chain.verifier().epochs().keys(), |due| &due.terms.keys);
        sequencer.ensure_is(keys)?;
        let room = Room { count: config.pool_count, bytes: config.pool_bytes };
        let intake = Arc::new(Intake::new(room, opened.chain.state()));
        let view = LedgerView { shared: Arc::clone(&opened.shared) };
        let producer = Producer::new(opened, Arc::clone(&intake), sequencer, change);
        let ended = spawn("ledger", || producer.run()).map_err(io_error("start the threads for", &dir))?;
        let stopped = Arc::clone(&intake);
        let task = EngineTask::new(ended, move || stopped.stop());
        Ok((Self { view, intake }, task))
    }

    /// Submits an encoded transaction and waits until it is durably in a block.
    ///
    /// A call that fails is a receipt too. Dropping the future does not take the transaction back. Who
    /// submits the same bytes again while they wait gets the same answer.
    ///
    /// # Errors
    /// [`SubmitError`]: it is not in a block, except perhaps after [`SubmitError::Stopped`].
    pub async fn submit(&self, bytes: impl Into<Bytes>) -> Result<Receipt, SubmitError> {
        self.intake.submit(&self.view.shared.newest, bytes.into()).await
    }

    /// Transactions that wait for a block.
    #[must_use]
    pub fn pool_count(&self) -> usize {
        self.intake.used().count
    }

    /// Their bytes.
    #[must_use]
    pub fn pool_bytes(&self) -> usize {
        self.intake.used().bytes
    }
}

impl Deref for Engine {
    type Target = LedgerView;

    fn deref(&self) -> &LedgerView {
        &self.view
    }
}

impl Ledger for Engine {
    fn submit(&self, transaction: Bytes) -> Submitting<'_> {
        Box::pin(Self::submit(self, transaction))
    }

    fn pool(&self) -> PoolStatus {
        let Room { count, bytes } = self.intake.used();
        PoolStatus { count, bytes }
    }

    fn view(&self) -> &LedgerView {
        &self.view
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("view", &self.view).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for EngineTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineTask").finish_non_exhaustive()
    }
}

impl EngineTask {
    /// Of a thread that ends soon after `stop` was called.
    pub(crate) fn new(
        ended: oneshot::Receiver<Result<(), EngineError>>,
        stop: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self { stop: Box::new(stop), ended }
    }

    /// Tells the thread to stop after the blocks that it is at work on. Waiting submitters are told
    /// [`SubmitError::Stopped`].
    pub fn stop(&self) {
        (self.stop)();
    }

    /// Waits until the thread has stopped, asked to or not; then the data directory is free.
    ///
    /// # Errors
    /// [`EngineError`] if it stopped because it failed.
    pub async fn join(&mut self) -> Result<(), EngineError> {
        (&mut self.ended).await.unwrap_or(Err(EngineError::Panicked))
    }
}

impl Drop for EngineTask {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A key that may sequence a network.
pub(crate) struct SequencerKey {
    pub(crate) key: Keypair,
    pub(crate) pair: schnorrkel::Keypair,
}

impl SequencerKey {
    pub(crate) fn new(key: Keypair) -> Result<Self, OpenError> {
        let found = key.account();
        let pair = key.sr25519().cloned().ok_or(OpenError::KeyScheme { found })?;
        Ok(Self { key, pair })
    }

    /// Whether it is the one key that signs blocks now.
    fn ensure_is(&self, keys: &[AccountId]) -> Result<(), OpenError> {
        let found = self.key.account();
        match keys {
            [expected] if *expected == found => Ok(()),
            [expected, ..] => Err(OpenError::OtherKey { found, expected: *expected }),
            [] => Err(OpenError::KeyScheme { found }),
        }
    }
}

/// Runs a ledger's thread, and says how it ended.
pub(crate) fn spawn(
    name: &str,
    run: impl FnOnce() -> Result<(), EngineError> + Send + 'static,
) -> std::io::Result<oneshot::Receiver<Result<(), EngineError>>> {
    let (end, ended) = oneshot::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let result = run();
        if let Err(error) = &result {
            tracing::error!(%error, "the engine stopped");
        }
        // Nobody may be waiting any more.
        let _ = end.send(result);
    })?;
    Ok(ended)
}

const _: () = assert!(to_u64(MAX_ENCODED_BLOCK_BYTES) <= 0xffff_ffff);
