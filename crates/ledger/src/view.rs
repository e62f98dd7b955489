//! A ledger as its readers see it: the newest durable state, the blocks, and word of new ones.

use crate::{
    block::Block,
    chain::Chain,
    data_dir::checkpoints_dir,
    engine::{EngineConfig, Receipt},
    epoch::Epochs,
    error::{OpenError, ReadError, Stopped},
    generations,
    log::{Log, LogReader},
    replay::transaction_hashes,
    verify::ChainTip,
};
use arc_swap::{ArcSwap, ArcSwapOption};
use argosy_directory::State;
use bytes::Bytes;
use codec::Encode;
use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    future::{Future, ready},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::watch;

/// Transactions whose place is remembered; older ones are found by their block only.
const MAX_PLACES: usize = 1 << 18;

/// Reads a running ledger. Clones look at the same one.
#[derive(Clone)]
pub struct LedgerView {
    pub(crate) shared: Arc<Shared>,
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
    /// Blocks from this height on are not dropped, whatever the retention says.
    pub(crate) needed_from: AtomicU64,
    epochs: ArcSwap<Epochs>,
    /// Folder of the checkpoints.
    checkpoints: PathBuf,
    config: EngineConfig,
}

/// Where recent transactions are recorded, the oldest forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Places {
    by_hash: HashMap<[u8; 32], (u64, u32)>,
    order: VecDeque<[u8; 32]>,
}

impl LedgerView {
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

    /// The sequencing keys as of the newest durable block.
    #[must_use]
    pub fn epochs(&self) -> Arc<Epochs> {
        self.shared.epochs.load_full()
    }

    /// File of the newest checkpoint, open, and the height of its block; nothing if there is none. It
    /// can be read to its end even if it is removed meanwhile. Blocks the thread for one look.
    ///
    /// # Errors
    /// Where the folder or the file cannot be read.
    pub fn open_checkpoint(&self) -> io::Result<Option<(u64, File)>> {
        for generation in generations::list(&self.shared.checkpoints).map_err(io::Error::other)? {
            match File::open(&generation.path) {
                Ok(file) => return Ok(Some((generation.height, file))),
                // Removed since the folder was listed: there is a newer one.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
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

impl std::fmt::Debug for LedgerView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LedgerView").field("head", &*self.shared.head.borrow()).finish_non_exhaustive()
    }
}

impl Shared {
    /// What a ledger shows whose log ends soundly at `end`.
    pub(crate) fn new(
        log: &Log,
        end: u64,
        places: Places,
        chain: &Chain,
        from_height: u64,
        config: EngineConfig,
    ) -> Result<Self, OpenError> {
        let reader = LogReader::new(log, Bytes::from(chain.genesis_block().encode()), end)?;
        Ok(Self {
            newest: ArcSwapOption::from_pointee(chain.state().clone()),
            head: watch::Sender::new(*chain.tip()),
            checkpoint: watch::Sender::new(from_height),
            reader,
            places: Mutex::new(places),
            needed_from: AtomicU64::new(u64::MAX),
            epochs: ArcSwap::from_pointee(chain.verifier().epochs().clone()),
            checkpoints: checkpoints_dir(log.path().parent().unwrap_or(Path::new("."))),
            config,
        })
    }

    pub(crate) const fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Shows a durable block, which makes this tip and whose record ends at `end`. Its state is shown
    /// by then, or an older one.
    pub(crate) fn show(&self, block: &Shown<'_>) {
        if block.changes_epoch {
            self.epochs.store(Arc::new(block.epochs.clone()));
        }
        self.reader.extend(block.end, block.encoded.clone());
        {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            for (index, hash) in (0..).zip(block.transactions) {
                places.insert(*hash, block.tip.height, index);
            }
        }
        self.head.send_replace(block.tip);
    }
}

/// A block that is on disk.
pub(crate) struct Shown<'a> {
    pub(crate) tip: ChainTip,
    pub(crate) end: u64,
    pub(crate) encoded: Bytes,
    /// Hashes, in order.
    pub(crate) transactions: &'a [[u8; 32]],
    /// After the block.
    pub(crate) epochs: &'a Epochs,
    pub(crate) changes_epoch: bool,
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
