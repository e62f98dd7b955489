//! Reading a log from its beginning, believing nothing.

use crate::{
    block::{Block, transaction_hash},
    chain::{Chain, Signatures, execute, open_transactions},
    data_dir::DataDir,
    error::{ChainError, OpenError},
    log::{Cursor, Found, Log, Mark, RECORD_HEADER_BYTES},
    start::{self, TipFound},
    verify::{ChainTip, ChainVerifier},
};
use argosy_directory::{Genesis, Hasher, Payload, State, Unhashed};
use argosy_domain::num::to_u64;
use std::{
    path::Path,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, ScopedJoinHandle},
};

/// What a replay from the genesis found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayReport {
    /// Height of the newest block.
    pub height: u64,
    /// Hash of its header.
    pub hash: [u8; 32],
    /// Time of it, in milliseconds since 1970.
    pub time_ms: u64,
    /// Root of the state, computed and equal to the one in the header.
    pub state_root: [u8; 32],
    /// Transactions in all blocks that were executed, failed ones too.
    pub transactions_count: u64,
    /// Bytes of an unfinished last write, which the next start will cut off.
    pub unfinished_bytes: u64,
    /// Height of the checkpoint that was gone on from; 0 if all was replayed from the genesis.
    pub from_height: u64,
}

/// Replays the ledger in `dir` from its genesis, and checks every proof, signature, result and root.
/// Changes nothing.
///
/// # Errors
/// [`OpenError`], at the first thing that is wrong; [`OpenError::NoCheckpoint`] if blocks were dropped.
pub fn replay(dir: &Path, genesis: &Genesis) -> Result<ReplayReport, OpenError> {
    let data_dir = DataDir::lock_existing(dir)?;
    let log = data_dir.open_log(&genesis.hash())?;
    if log.oldest() > 1 {
        return Err(OpenError::NoCheckpoint { path: dir.to_owned(), oldest: log.oldest() });
    }
    replay_with(&log, log.start()?, Chain::new(genesis)?)
}

/// As [`replay`], but goes on from the newest checkpoint that can be used, like a start of the engine;
/// from the genesis if there is none.
///
/// # Errors
/// [`OpenError`], at the first thing that is wrong.
pub fn replay_from_newest(dir: &Path, genesis: &Genesis) -> Result<ReplayReport, OpenError> {
    let data_dir = DataDir::lock_existing(dir)?;
    let log = data_dir.open_log(&genesis.hash())?;
    let (chain, mark) = start::newest_chain(dir, &log, genesis, 0)?;
    replay_with(&log, mark, chain)
}

/// As [`replay`], but believes a checkpoint's word about everything up to its block, whose hash must
/// be that of the block in the ledger.
///
/// # Errors
/// [`OpenError`], at the first thing that is wrong.
pub fn replay_from(
    dir: &Path,
    genesis: &Genesis,
    tip: ChainTip,
    state: State,
) -> Result<ReplayReport, OpenError> {
    let data_dir = DataDir::lock_existing(dir)?;
    let log = data_dir.open_log(&genesis.hash())?;
    let mark = match start::find_tip(&log, genesis, &tip, 0)? {
        TipFound::Here(mark) => mark,
        TipFound::Other => {
            let (path, height) = (log.path().to_owned(), tip.height);
            return Err(OpenError::Block { path, height, source: ChainError::OtherCheckpoint });
        }
    };
    replay_with(&log, mark, Chain::resume(genesis, tip, state)?)
}

fn replay_with(log: &Log, mark: Mark, mut chain: Chain) -> Result<ReplayReport, OpenError> {
    let from_height = chain.tip().height;
    let mut transactions_count = 0_u64;
    let end = walk(log, mark, &mut chain, Signatures::Checked, |block| {
        if block.header.height > from_height {
            transactions_count = transactions_count.saturating_add(to_u64(block.transactions.len()));
        }
    })?;
    let tip = chain.tip();
    Ok(ReplayReport {
        height: tip.height,
        hash: tip.hash,
        time_ms: tip.time_ms,
        state_root: tip.state_root,
        transactions_count,
        unfinished_bytes: end.unfinished_bytes,
        from_height,
    })
}

/// Where the sound part of a log ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogEnd {
    /// First byte in the last segment after its last whole record.
    pub(crate) offset: u64,
    /// What an unfinished write left after it.
    pub(crate) unfinished_bytes: u64,
    /// The last whole record's bytes; 0 if the last segment has none.
    pub(crate) last_record_bytes: u64,
}

/// Blocks that are read ahead, and blocks whose root is not checked yet.
const BLOCKS_AHEAD: usize = 4;

/// Reads the blocks of `log` from `mark` on, executes those that the chain does not have, and shows each.
///
/// On three threads: one reads and checks what comes, this one executes it, and one hashes what it
/// has changed while this one goes on. Of several errors the one of the lowest block is told.
pub(crate) fn walk(
    log: &Log,
    mark: Mark,
    chain: &mut Chain,
    signatures: Signatures,
    mut seen: impl FnMut(&Block),
) -> Result<LogEnd, OpenError> {
    let (verifier, state) = chain.parts_mut();
    let reader = Reader { log, known: *verifier.tip(), signatures };
    let cursor = log.read_from(mark)?;
    let hasher = state.lend_hasher();
    let (read, steps) = sync_channel(BLOCKS_AHEAD);
    let (executed, hashing) = sync_channel::<(u64, [u8; 32], Unhashed)>(BLOCKS_AHEAD);
    let refused = |height, source| OpenError::Block { path: log.path().to_owned(), height, source };
    thread::scope(|scope| {
        let reading = scope.spawn(move || reader.run(cursor, verifier, &read));
        let hashed = scope.spawn(move || check_roots(hasher, &hashing));
        let mut end = Ok(());
        for Step { block, payloads } in &steps {
            let height = block.header.height;
            if let Some(payloads) = payloads {
                end = execute(state, &block, &payloads).map_err(|source| refused(height, source));
                // Nobody receives once a root was found wrong.
                if end.is_err()
                    || executed.send((height, block.header.state_root, state.hand_over())).is_err()
                {
                    break;
                }
            }
            seen(&block);
        }
        // Lets the reader go, which may be waiting, and then the hasher.
        drop((steps, executed));
        let hasher = join(hashed).map_err(|height| refused(height, ChainError::StateRoot))?;
        state.return_hasher(hasher);
        end?;
        join(reading)
    })
}

/// Gives the hashes back, or the first height at which the root is not the header's.
fn check_roots(mut hasher: Hasher, executed: &Receiver<(u64, [u8; 32], Unhashed)>) -> Result<Hasher, u64> {
    for (height, root, copy) in executed {
        if hasher.root(copy) != root {
            return Err(height);
        }
    }
    Ok(hasher)
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A block on its way to being executed.
struct Step {
    block: Block,
    /// What is in it; nothing for a block whose effects the state has already.
    payloads: Option<Vec<Payload>>,
}

/// Reads a log ahead of its execution.
struct Reader<'a> {
    log: &'a Log,
    /// Blocks up to here were executed when the checkpoint was made.
    known: ChainTip,
    signatures: Signatures,
}

impl Reader<'_> {
    fn run(
        &self,
        mut cursor: Cursor<'_>,
        verifier: &mut ChainVerifier,
        steps: &SyncSender<Step>,
    ) -> Result<LogEnd, OpenError> {
        let path = || self.log.path().to_owned();
        // Where the last record ended, and its length.
        let (mut end, mut last_record_bytes) = (0, 0);
        loop {
            let height = cursor.height();
            let found = cursor.next()?;
            let Found::Record { block, .. } = found else {
                // What a checkpoint has was on disk once.
                if self.known.height >= height {
                    return Err(OpenError::BehindCheckpoint { path: path(), height: self.known.height });
                }
                let unfinished_bytes = if let Found::Unfinished { bytes, .. } = found { bytes } else { 0 };
                let offset = cursor.offset();
                // It may be the end of the segment before.
                let last_record_bytes = if end == offset { last_record_bytes } else { 0 };
                return Ok(LogEnd { offset, unfinished_bytes, last_record_bytes });
            };
            end = cursor.offset();
            last_record_bytes = to_u64(RECORD_HEADER_BYTES.saturating_add(block.len()));
            let read = self.read(&block, height, verifier);
            let step = read.map_err(|source| OpenError::Block { path: path(), height, source })?;
            if steps.send(step).is_err() {
                // The other side has an error to tell.
                return Ok(LogEnd { offset: end, unfinished_bytes: 0, last_record_bytes });
            }
        }
    }

    fn read(&self, bytes: &[u8], height: u64, verifier: &mut ChainVerifier) -> Result<Step, ChainError> {
        let block = Block::decode_bytes(bytes).map_err(|_| ChainError::Malformed)?;
        if height > self.known.height {
            verifier.check(&block, None)?;
            let payloads = Some(open_transactions(&block, self.signatures)?);
            return Ok(Step { block, payloads });
        }
        // The newest block that the checkpoint has must be the checkpoint's own.
        if height == self.known.height && ChainTip::of(&block) != self.known {
            return Err(ChainError::OtherCheckpoint);
        }
        Ok(Step { block, payloads: None })
    }
}

/// Hashes of a block's transactions, in order.
pub(crate) fn transaction_hashes(block: &Block) -> impl Iterator<Item = [u8; 32]> {
    block.transactions.iter().map(|bytes| transaction_hash(bytes))
}
