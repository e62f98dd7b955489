//! A ledger whose blocks others order: each is checked and executed before it is kept.
//!
//! One thread owns it. It takes blocks in batches, so that catching up costs one sync for many, and
//! shows nothing that is not on disk.

use crate::{
    block::Block,
    chain::{Signatures, open_transactions},
    data_dir::{DataDir, io_error},
    disk::{Disk, Opened},
    engine::{EngineConfig, EngineTask, spawn},
    error::{AppendError, EngineError, OpenError, Stopped},
    log::MAX_BATCH_BYTES,
    replay::{Fault, Step, execute_all, transaction_hashes},
    steps::Steps,
    verify::{ChainTip, ChainVerifier},
    view::{LedgerView, Shared, Shown},
};
use argosy_directory::{Genesis, State, state::Council};
use bytes::Bytes;
use std::{
    convert::Infallible,
    ops::Deref,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
};
use tokio::sync::oneshot;

/// Blocks that are written with one sync.
const MAX_BATCH_BLOCKS: usize = 1_024;

/// A copy of a ledger that follows the blocks of others. Clones are handles on the same one.
#[derive(Clone, Debug)]
pub struct Replica {
    view: LedgerView,
    orders: SyncSender<Order>,
}

/// What the thread is told.
#[derive(Debug)]
enum Order {
    Append { blocks: Vec<Bytes>, now_ms: u64, reply: oneshot::Sender<Result<(), AppendError>> },
    Wake,
}

impl Replica {
    /// Opens the ledger in `dir`, making an empty one if there is none, and goes on from the newest
    /// checkpoint that can be used, or else from the genesis.
    ///
    /// # Errors
    /// [`OpenError`]: nothing was started.
    pub fn open(
        dir: &Path,
        genesis: &Genesis,
        config: EngineConfig,
    ) -> Result<(Self, EngineTask), OpenError> {
        let data_dir = DataDir::create(dir)?;
        let log = data_dir.open_or_create_log(&genesis.hash())?;
        let opened = Opened::new(data_dir, &log, genesis, config, Steps::default())?;
        let shared = Arc::clone(&opened.shared);
        // One batch, and the word to stop.
        let (orders, received) = sync_channel(2);
        let stopping = Arc::new(AtomicBool::new(false));
        let follower = Follower::new(opened, Arc::clone(&stopping));
        let ended = spawn("replica", move || follower.run(&received))
            .map_err(io_error("start the threads for", dir))?;
        let wake = orders.clone();
        let task = EngineTask::new(ended, move || {
            stopping.store(true, Ordering::Release);
            // A full queue wakes the thread as well.
            let _ = wake.try_send(Order::Wake);
        });
        Ok((Self { view: LedgerView { shared }, orders }, task))
    }

    /// Takes the blocks that follow on the newest one, encoded, and waits until they are checked,
    /// executed and on disk. `now_ms` is this machine's clock, in milliseconds since 1970. One call at a
    /// time; of no blocks there is nothing to wait for.
    ///
    /// # Errors
    /// [`AppendError`], of the first block that was not taken; those before it were.
    pub async fn append(&self, blocks: Vec<Bytes>, now_ms: u64) -> Result<(), AppendError> {
        let (reply, answer) = oneshot::channel();
        match self.orders.try_send(Order::Append { blocks, now_ms, reply }) {
            Ok(()) => answer.await.unwrap_or(Err(Stopped.into())),
            Err(TrySendError::Full(_)) => Err(AppendError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(Stopped.into()),
        }
    }
}

impl Deref for Replica {
    type Target = LedgerView;

    fn deref(&self) -> &LedgerView {
        &self.view
    }
}

/// What the thread works with.
struct Follower {
    shared: Arc<Shared>,
    disk: Disk,
    verifier: ChainVerifier,
    state: State,
    stopping: Arc<AtomicBool>,
    /// A signed block that is wrong: nothing after it can be taken, by whomever it is sent.
    halted: Option<AppendError>,
}

/// How much of a batch was taken.
struct Taken {
    blocks: usize,
    /// Why not the next one, if it was looked at.
    refused: Option<AppendError>,
}

impl Follower {
    fn new(opened: Opened, stopping: Arc<AtomicBool>) -> Self {
        let Opened { shared, disk, chain } = opened;
        let (verifier, state) = chain.into_parts();
        Self { shared, disk, verifier, state, stopping, halted: None }
    }

    fn run(mut self, orders: &Receiver<Order>) -> Result<(), EngineError> {
        while !self.stopping.load(Ordering::Acquire) {
            match orders.recv() {
                Ok(Order::Append { blocks, now_ms, reply }) => {
                    let taken =
                        self.take_all(&blocks, now_ms).inspect_err(|_| self.shared.newest.store(None))?;
                    // Whoever asked may have gone; the blocks are there.
                    let _ = reply.send(taken);
                }
                Ok(Order::Wake) => {}
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn take_all(&mut self, blocks: &[Bytes], now_ms: u64) -> Result<Result<(), AppendError>, EngineError> {
        let mut left = blocks;
        while !left.is_empty() {
            if let Some(halted) = self.halted {
                return Ok(Err(halted));
            }
            if self.disk.log.reserve().is_err() {
                return Ok(Err(AppendError::NoRoom));
            }
            let taken = self.take(left, now_ms)?;
            if let Some(refused) = taken.refused {
                return Ok(Err(refused));
            }
            left = left.get(taken.blocks..).unwrap_or_default();
        }
        Ok(Ok(()))
    }

    /// Takes blocks up to the first that cannot be taken, or to the next that changes the keys.
    fn take(&mut self, blocks: &[Bytes], now_ms: u64) -> Result<Taken, EngineError> {
        let council = self.state.council().clone();
        let (mut verifier, mut tips) = (self.verifier.clone(), Vec::new());
        let mut opener = Opener { verifier: &mut verifier, council: &council, now_ms };
        let executed = execute_all(
            &mut self.state,
            |steps| Ok::<_, Infallible>(opener.open_all(blocks, steps)),
            |block| tips.push(Tip::of(block)),
        );
        let refused = match executed {
            Ok(refused) => refused,
            Err(Fault::Block { height, source }) => {
                // What is in memory has a part of a wrong block; what is shown and on disk has not.
                let wrong = AppendError::Wrong { height, source };
                self.halted = Some(wrong);
                return Ok(Taken { blocks: 0, refused: Some(wrong) });
            }
            Err(Fault::Source(never)) => match never {},
        };
        if let Some(wrong @ AppendError::Wrong { .. }) = refused {
            self.halted = Some(wrong);
        }
        self.verifier = verifier;
        self.keep(blocks, &tips)?;
        Ok(Taken { blocks: tips.len(), refused })
    }

    /// Writes blocks that were executed, then shows them.
    fn keep(&mut self, blocks: &[Bytes], tips: &[Tip]) -> Result<(), EngineError> {
        let (Some(first), Some(kept)) = (tips.first(), blocks.get(..tips.len())) else { return Ok(()) };
        let ends = self.disk.append(&self.shared, first.tip.height, kept)?;
        let state = Arc::new(self.state.clone());
        self.shared.newest.store(Some(Arc::clone(&state)));
        for ((tip, end), encoded) in tips.iter().zip(ends).zip(kept) {
            self.shared.show(&Shown {
                tip: tip.tip,
                end,
                encoded: encoded.clone(),
                transactions: &tip.transactions,
                epochs: self.verifier.epochs(),
                changes_epoch: tip.changes_epoch,
            });
        }
        self.disk.checkpointer.offer(&self.verifier, &state);
        Ok(())
    }
}

/// What is remembered of a block that was executed.
struct Tip {
    tip: ChainTip,
    transactions: Vec<[u8; 32]>,
    changes_epoch: bool,
}

impl Tip {
    fn of(block: &Block) -> Self {
        Self {
            tip: ChainTip::of(block),
            transactions: transaction_hashes(block).collect(),
            changes_epoch: block.proof.change.is_some(),
        }
    }
}

/// Checks blocks ahead of their execution.
struct Opener<'a> {
    verifier: &'a mut ChainVerifier,
    /// As before the first block.
    council: &'a Council,
    now_ms: u64,
}

impl Opener<'_> {
    /// Hands on blocks until one must not be taken, or is to be the first of another batch.
    fn open_all(&mut self, blocks: &[Bytes], steps: &SyncSender<Step>) -> Option<AppendError> {
        let mut opened_bytes = 0_usize;
        for (index, bytes) in blocks.iter().enumerate() {
            if opened_bytes >= MAX_BATCH_BYTES || index >= MAX_BATCH_BLOCKS {
                return None;
            }
            opened_bytes = opened_bytes.saturating_add(bytes.len());
            let Ok(block) = Block::decode_bytes(bytes) else { return Some(AppendError::Malformed) };
            if index > 0 && block.proof.change.is_some() {
                // Whether the council approves it is known when those before it are executed.
                return None;
            }
            match self.open(block) {
                // Nobody receives once a block before was found wrong.
                Ok(step) => steps.send(step).ok()?,
                Err(refused) => return Some(refused),
            }
        }
        None
    }

    fn open(&mut self, block: Block) -> Result<Step, AppendError> {
        let height = block.header.height;
        let refused = |source| AppendError::Refused { height, source };
        let mut verifier = self.verifier.clone();
        let checked = verifier.check(&block, Some(self.now_ms)).map_err(refused)?;
        checked.confirm(|approvers| approvers.carry(self.council)).map_err(refused)?;
        // From here on it is the sequencer who is wrong.
        let payloads = open_transactions(&block, Signatures::Checked)
            .map_err(|source| AppendError::Wrong { height, source })?;
        *self.verifier = verifier;
        Ok(Step { block, due: Some((checked, payloads)) })
    }
}
