//! Reading a log from its beginning, believing nothing.

use crate::{
    block::{Block, transaction_hash},
    chain::{Chain, Signatures, execute, open_transactions},
    data_dir::DataDir,
    error::{ChainError, OpenError},
    log::{Found, LogFile},
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
    /// Transactions in all blocks that were read, failed ones too.
    pub transactions_count: u64,
    /// Bytes of an unfinished last write, which the next start will cut off.
    pub unfinished_bytes: u64,
}

/// Replays the ledger in `dir` from its genesis, and checks every proof, signature, result and root.
/// Changes nothing.
///
/// # Errors
/// [`OpenError`], at the first thing that is wrong.
pub fn replay(dir: &Path, genesis: &Genesis) -> Result<ReplayReport, OpenError> {
    let chain = Chain::new(genesis)?;
    replay_with(dir, genesis, chain)
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
    let chain = Chain::resume(genesis, tip, state)?;
    replay_with(dir, genesis, chain)
}

fn replay_with(dir: &Path, genesis: &Genesis, mut chain: Chain) -> Result<ReplayReport, OpenError> {
    let data_dir = DataDir::lock_existing(dir)?;
    let log = data_dir.open_log(&genesis.hash())?;
    let mut transactions_count = 0_u64;
    let end = walk(&log, &mut chain, Signatures::Checked, |_, block| {
        transactions_count = transactions_count.saturating_add(to_u64(block.transactions.len()));
    })?;
    let tip = chain.tip();
    Ok(ReplayReport {
        height: tip.height,
        hash: tip.hash,
        time_ms: tip.time_ms,
        state_root: tip.state_root,
        transactions_count,
        unfinished_bytes: end.unfinished_bytes,
    })
}

/// Where the sound part of a log ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogEnd {
    /// First byte after the last whole record.
    pub(crate) offset: u64,
    /// What an unfinished write left after it.
    pub(crate) unfinished_bytes: u64,
}

/// Blocks that are read ahead, and blocks whose root is not checked yet.
const BLOCKS_AHEAD: usize = 4;

/// Executes all blocks of `log`, and shows each with where its record ends.
///
/// On three threads: one reads and checks what comes, this one executes it, and one hashes what it
/// has changed while this one goes on. Of several errors the one of the lowest block is told.
pub(crate) fn walk(
    log: &LogFile,
    chain: &mut Chain,
    signatures: Signatures,
    mut seen: impl FnMut(u64, &Block),
) -> Result<LogEnd, OpenError> {
    let (verifier, state) = chain.parts_mut();
    let reader = Reader { log, known: *verifier.tip(), signatures };
    let hasher = state.lend_hasher();
    let (read, steps) = sync_channel(BLOCKS_AHEAD);
    let (executed, hashing) = sync_channel::<(u64, [u8; 32], Unhashed)>(BLOCKS_AHEAD);
    let refused = |height, source| OpenError::Block { path: log.path().to_owned(), height, source };
    thread::scope(|scope| {
        let reading = scope.spawn(move || reader.run(verifier, &read));
        let hashed = scope.spawn(move || check_roots(hasher, &hashing));
        let mut end = Ok(());
        for Step { next, block, payloads } in &steps {
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
            seen(next, &block);
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
    /// Where its record ends.
    next: u64,
    block: Block,
    /// What is in it; nothing for a block whose effects the state has already.
    payloads: Option<Vec<Payload>>,
}

/// Reads a log ahead of its execution.
struct Reader<'a> {
    log: &'a LogFile,
    /// Blocks up to here were executed when the checkpoint was made.
    known: ChainTip,
    signatures: Signatures,
}

impl Reader<'_> {
    fn run(&self, verifier: &mut ChainVerifier, steps: &SyncSender<Step>) -> Result<LogEnd, OpenError> {
        let len = self.log.len()?;
        let path = || self.log.path().to_owned();
        let mut offset = LogFile::first_record();
        for height in 1_u64.. {
            match self.log.read_next(offset, len, height)? {
                Found::End if self.known.height >= height => {
                    return Err(OpenError::BehindCheckpoint { path: path(), height: self.known.height });
                }
                Found::End => break,
                Found::Unfinished { start, bytes } => {
                    return Ok(LogEnd { offset: start, unfinished_bytes: bytes });
                }
                Found::Record { next, block } => {
                    let read = self.read(&block, height, next, verifier);
                    let step = read.map_err(|source| OpenError::Block { path: path(), height, source })?;
                    offset = next;
                    if steps.send(step).is_err() {
                        // The other side has an error to tell.
                        break;
                    }
                }
            }
        }
        Ok(LogEnd { offset, unfinished_bytes: 0 })
    }

    fn read(
        &self,
        bytes: &[u8],
        height: u64,
        next: u64,
        verifier: &mut ChainVerifier,
    ) -> Result<Step, ChainError> {
        let block = Block::decode_bytes(bytes).map_err(|_| ChainError::Malformed)?;
        if height > self.known.height {
            verifier.check(&block, None)?;
            let payloads = Some(open_transactions(&block, self.signatures)?);
            return Ok(Step { next, block, payloads });
        }
        // The newest block that the checkpoint has must be the checkpoint's own.
        if height == self.known.height && ChainTip::of(&block) != self.known {
            return Err(ChainError::OtherCheckpoint);
        }
        Ok(Step { next, block, payloads: None })
    }
}

/// Hashes of a block's transactions, in order.
pub(crate) fn transaction_hashes(block: &Block) -> impl Iterator<Item = [u8; 32]> {
    block.transactions.iter().map(|bytes| transaction_hash(bytes))
}
