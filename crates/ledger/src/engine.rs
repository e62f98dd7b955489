//! The embedded engine as its users see it: submit, read, follow.
//!
//! One thread owns the order of things (`producer`). Submitters decode and check signatures on their
//! own tasks, then wait in a bounded queue; the thread makes one block of all that waits, syncs it,
//! and only then answers them and shows the block and its state to anybody.

use crate::{
    block::{Block, MAX_ENCODED_BLOCK_BYTES, transaction_hash},
    chain::Signatures,
    checkpointer::{CheckpointConfig, Checkpointer, remove_unfinished},
    data_dir::{DataDir, checkpoints_dir, io_error},
    error::{EngineError, OpenError, ReadError, Stopped, SubmitError},
    log::{Log, LogReader},
    producer::{Disk, Message, Producer, Submission},
    replay::{LogEnd, transaction_hashes, walk},
    start::newest_chain,
    steps::Steps,
    verify::ChainTip,
};
use arc_swap::ArcSwapOption;
use argosy_directory::{Genesis, Outcome, Reject, State, Transaction};
use argosy_domain::{
    Keypair,
    limits::{MAX_BLOCK_INTERVAL_MS, MAX_TRANSACTION_BYTES},
    num::to_u64,
};
use bytes::Bytes;
use codec::Encode;
use std::{
    collections::{HashMap, VecDeque},
    future::{Future, ready},
    num::NonZeroU64,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

/// Transactions whose place is remembered; older ones are found by their block only.
const MAX_PLACES: usize = 1 << 18;
/// Bytes of the log before a checkpoint that a start reads, to know the places of their transactions.
const RUN_UP_BYTES: u64 = 64 * 1024 * 1024;
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

/// How the engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Longest time without a block; at most [`MAX_BLOCK_INTERVAL_MS`].
    pub block_interval: Duration,
    /// Most transactions that wait for a block.
    pub pool_count: usize,
    /// Most bytes of transactions that wait for a block, up to `u32::MAX`.
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

/// A running engine. Clones are handles on the same one.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    queue: SyncSender<Message>,
}

/// Keeps the engine running: stop and join it. Dropping it stops the engine too, without waiting.
#[derive(Debug)]
pub struct EngineTask {
    stopper: Stopper,
    ended: oneshot::Receiver<Result<(), EngineError>>,
}

/// What the engine's thread and its users share.
pub(crate) struct Shared {
    /// The state after the newest block on disk, so that nobody sees what a crash could take back;
    /// none once a block could not be made durable.
    pub(crate) newest: ArcSwapOption<State>,
    pub(crate) head: watch::Sender<ChainTip>,
    /// Height of the newest checkpoint.
    pub(crate) checkpoint: watch::Sender<u64>,
    pub(crate) reader: LogReader,
    pub(crate) places: Mutex<Places>,
    pub(crate) stopping: AtomicBool,
    /// Blocks from this height on are not dropped, whatever the retention says.
    pub(crate) needed_from: AtomicU64,
    slots: Arc<Semaphore>,
    room: Arc<Semaphore>,
    config: EngineConfig,
}

/// A submitter's share of the pool, given back when its transaction is answered.
#[derive(Debug)]
pub(crate) struct Share {
    _slot: OwnedSemaphorePermit,
    _room: OwnedSemaphorePermit,
}

/// Where recent transactions are recorded, the oldest forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Places {
    by_hash: HashMap<[u8; 32], (u64, u32)>,
    order: VecDeque<[u8; 32]>,
}

#[derive(Clone)]
struct Stopper {
    shared: Arc<Shared>,
    queue: SyncSender<Message>,
}

impl Engine {
    /// Opens the ledger in `dir`, making an empty one if there is none, goes on from the newest
    /// checkpoint that can be used, or else from the genesis, and starts.
    ///
    /// An unfinished last write is cut off, with a line in the log: it was never acknowledged. So is a
    /// line written for each checkpoint that is skipped.
    ///
    /// # Errors
    /// [`OpenError`]: nothing was started.
    pub fn open(
        dir: &Path,
        genesis: &Genesis,
        key: Keypair,
        config: EngineConfig,
    ) -> Result<(Self, EngineTask), OpenError> {
        let sequencer = SequencerKey::new(key, genesis)?;
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
        remove_unfinished(&dir).map_err(io_error("tidy up", &checkpoints_dir(&dir)))?;
        let (mut chain, mark) = newest_chain(&dir, &log, genesis, RUN_UP_BYTES)?;
        let from_height = chain.tip().height;
        let mut places = Places::default();
        let end = walk(&log, mark, &mut chain, Signatures::Trusted, |block| places.remember(block))?;
        cut_unfinished(&log, end, chain.tip())?;
        let writer = log.last().writer(end.offset)?;
        let tip = *chain.tip();
        tracing::info!(from_height, height = tip.height, "replayed the ledger");
        let (state, genesis_block) = chain.into_parts();
        let shared = Arc::new(Shared {
            newest: ArcSwapOption::from_pointee(state.clone()),
            head: watch::Sender::new(tip),
            checkpoint: watch::Sender::new(from_height),
            reader: LogReader::new(&log, Bytes::from(genesis_block.encode()), end.offset)?,
            places: Mutex::new(places),
            stopping: AtomicBool::new(false),
            needed_from: AtomicU64::new(u64::MAX),
            slots: Arc::new(Semaphore::new(config.pool_count)),
            room: Arc::new(Semaphore::new(config.pool_bytes)),
            config,
        });
        // One place more than there are shares, for the word to stop.
        let (queue, messages) = sync_channel(config.pool_count.saturating_add(1));
        let no_thread = || io_error("start the engine's threads for", &dir);
        let checkpointer =
            Checkpointer::start(&dir, genesis, from_height, Arc::clone(&shared), steps.clone())
                .map_err(no_thread())?;
        let disk = Disk { log: writer, genesis: genesis.hash(), checkpointer, steps, _data_dir: data_dir };
        let producer = Producer::new(Arc::clone(&shared), messages, disk, sequencer, tip, state);
        let ended = run(producer).map_err(no_thread())?;
        let stopper = Stopper { shared: Arc::clone(&shared), queue: queue.clone() };
        Ok((Self { shared, queue }, EngineTask { stopper, ended }))
    }

    /// Submits an encoded transaction and waits until it is durably in a block.
    ///
    /// A call that fails is a receipt too. Dropping the future does not take the transaction back.
    ///
    /// # Errors
    /// [`SubmitError`]: it is not in a block, except perhaps after [`SubmitError::Stopped`].
    pub async fn submit(&self, bytes: Vec<u8>) -> Result<Receipt, SubmitError> {
        let share = self.share_of(bytes.len())?;
        let transaction = Transaction::decode(&bytes).map_err(|_| SubmitError::Malformed)?;
        // Far cheaper than a signature.
        self.snapshot()?.ensure_can_pay(&transaction.payload)?;
        if !transaction.signature_holds() {
            return Err(Reject::BadSignature.into());
        }
        let (reply, answer) = oneshot::channel();
        let hash = transaction_hash(&bytes);
        let submission = Submission { payload: transaction.payload, bytes, hash, reply, share };
        match self.queue.try_send(Message::Submit(Box::new(submission))) {
            Ok(()) => answer.await.unwrap_or(Err(Stopped.into())),
            Err(TrySendError::Full(_)) => Err(SubmitError::PoolFull),
            Err(TrySendError::Disconnected(_)) => Err(Stopped.into()),
        }
    }

    fn share_of(&self, bytes: usize) -> Result<Share, SubmitError> {
        if bytes > MAX_TRANSACTION_BYTES {
            return Err(SubmitError::Malformed);
        }
        let bytes = u32::try_from(bytes).map_err(|_| SubmitError::Malformed)?;
        let slot = Arc::clone(&self.shared.slots).try_acquire_owned();
        let room = Arc::clone(&self.shared.room).try_acquire_many_owned(bytes);
        match (slot, room) {
            (Ok(slot), Ok(room)) => Ok(Share { _slot: slot, _room: room }),
            _ => Err(SubmitError::PoolFull),
        }
    }

    /// Looks at the newest durable state. Nobody waits for the closure, and it waits for nobody.
    ///
    /// # Errors
    /// [`Stopped`] if the engine failed in the middle of a block.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> impl Future<Output = Result<T, Stopped>> {
        ready(self.snapshot().map(|state| look(&state)))
    }

    /// The newest durable state. It stays as it is, however long it is kept; what changes meanwhile
    /// takes memory of its own.
    ///
    /// # Errors
    /// [`Stopped`] if the engine failed in the middle of a block.
    pub fn snapshot(&self) -> Result<Arc<State>, Stopped> {
        self.shared.newest.load_full().ok_or(Stopped)
    }

    /// The newest durable block; changes with each new one.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<ChainTip> {
        self.shared.head.subscribe()
    }

    /// Height of the newest checkpoint, 0 if there is none; changes with each new one, when what it
    /// makes superfluous has been removed.
    #[must_use]
    pub fn checkpoint_height(&self) -> watch::Receiver<u64> {
        self.shared.checkpoint.subscribe()
    }

    /// Transactions that wait for a block.
    #[must_use]
    pub fn pool_count(&self) -> usize {
        self.shared.pool_count()
    }

    /// Their bytes.
    #[must_use]
    pub fn pool_bytes(&self) -> usize {
        self.shared.config.pool_bytes.saturating_sub(self.shared.room.available_permits())
    }

    /// Keeps all blocks from `height` on, until this is called with another height: for someone who makes
    /// something of them that must not miss one. Blocks that are gone already stay so.
    pub fn keep_from(&self, height: u64) {
        self.shared.needed_from.store(height, Ordering::Release);
    }

    /// Height of the oldest block that can be read, apart from block 0, which is never dropped.
    #[must_use]
    pub fn oldest_block(&self) -> u64 {
        self.shared.reader.oldest()
    }

    /// The encoded block at `height`; nothing if there is none yet. Blocks the thread for one read.
    ///
    /// # Errors
    /// [`ReadError`] if the log cannot be read or is damaged there, or if the block was dropped.
    pub fn block_bytes(&self, height: u64) -> Result<Option<Bytes>, ReadError> {
        Ok(self.shared.reader.read(height, 0)?.into_iter().next())
    }

    /// Consecutive encoded blocks from `height` on: as many as fit in `max_bytes`, but at least one
    /// if there is one. Blocks the thread for these reads.
    ///
    /// # Errors
    /// [`ReadError`] if the log cannot be read or is damaged there, or if the block was dropped.
    pub fn blocks_bytes(&self, height: u64, max_bytes: usize) -> Result<Vec<Bytes>, ReadError> {
        self.shared.reader.read(height, max_bytes)
    }

    /// The same from memory, without blocking: nothing unless the block is among the newest few.
    #[must_use]
    pub fn recent_blocks_bytes(&self, height: u64, max_bytes: usize) -> Vec<Bytes> {
        self.shared.reader.read_recent(height, max_bytes)
    }

    /// The receipt of a transaction in one of the newest blocks. Blocks the thread for one read.
    ///
    /// # Errors
    /// [`ReadError`] if the log cannot be read or is damaged there, or if the block was dropped.
    pub fn find_transaction(&self, hash: &[u8; 32]) -> Result<Option<Receipt>, ReadError> {
        let place = self.shared.places.lock().unwrap_or_else(PoisonError::into_inner).find(hash);
        let Some((height, index)) = place else { return Ok(None) };
        let block = self.block_bytes(height)?.and_then(|bytes| Block::decode_bytes(&bytes).ok());
        Ok(block.and_then(|mut block| {
            let at = usize::try_from(index).ok()?;
            let outcome = (at < block.outcomes.len()).then(|| block.outcomes.swap_remove(at))?;
            Some(Receipt { hash: *hash, height, index, time_ms: block.header.time_ms, outcome })
        }))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("head", &*self.shared.head.borrow()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Stopper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stopper").finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn pool_count(&self) -> usize {
        self.config.pool_count.saturating_sub(self.slots.available_permits())
    }

    pub(crate) const fn config(&self) -> &EngineConfig {
        &self.config
    }
}

impl EngineTask {
    /// Tells the engine to stop after the block that it is making. Waiting submitters are told
    /// [`SubmitError::Stopped`].
    pub fn stop(&self) {
        self.stopper.stop();
    }

    /// Waits until the engine has stopped, asked to or not; then the data directory is free.
    ///
    /// # Errors
    /// [`EngineError`] if it stopped because it failed.
    pub async fn join(&mut self) -> Result<(), EngineError> {
        (&mut self.ended).await.unwrap_or(Err(EngineError::Panicked))
    }
}

impl Drop for EngineTask {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

impl Stopper {
    fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        // A full queue wakes the thread as well.
        let _ = self.queue.try_send(Message::Wake);
    }
}

impl Places {
    /// Remembers the transactions of a block.
    pub(crate) fn remember(&mut self, block: &Block) {
        for (index, hash) in (0..).zip(transaction_hashes(block)) {
            self.insert(hash, block.header.height, index);
        }
    }

    pub(crate) fn insert(&mut self, hash: [u8; 32], height: u64, index: u32) {
        if self.order.len() >= MAX_PLACES
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_hash.remove(&oldest);
        }
        self.by_hash.insert(hash, (height, index));
        self.order.push_back(hash);
    }

    fn find(&self, hash: &[u8; 32]) -> Option<(u64, u32)> {
        self.by_hash.get(hash).copied()
    }
}

/// A key that may sequence a network.
pub(crate) struct SequencerKey {
    pub(crate) key: Keypair,
    pub(crate) pair: schnorrkel::Keypair,
}

impl SequencerKey {
    pub(crate) fn new(key: Keypair, genesis: &Genesis) -> Result<Self, OpenError> {
        let found = key.account();
        if found != genesis.sequencer {
            return Err(OpenError::OtherKey { found, expected: genesis.sequencer });
        }
        let pair = key.sr25519().cloned().ok_or(OpenError::KeyScheme { found })?;
        Ok(Self { key, pair })
    }
}

fn cut_unfinished(log: &Log, end: LogEnd, tip: &ChainTip) -> Result<(), OpenError> {
    if end.unfinished_bytes == 0 {
        return Ok(());
    }
    tracing::warn!(
        path = %log.path().display(),
        bytes = end.unfinished_bytes,
        height = tip.height,
        "cut off an unfinished block that was never acknowledged"
    );
    log.last().truncate(end.offset)
}

fn run(producer: Producer) -> std::io::Result<oneshot::Receiver<Result<(), EngineError>>> {
    let (end, ended) = oneshot::channel();
    thread::Builder::new().name("ledger".to_owned()).spawn(move || {
        let result = producer.run();
        if let Err(error) = &result {
            tracing::error!(%error, "the engine stopped");
        }
        // Nobody may be waiting any more.
        let _ = end.send(result);
    })?;
    Ok(ended)
}

const _: () = assert!(to_u64(MAX_ENCODED_BLOCK_BYTES) <= 0xffff_ffff);
