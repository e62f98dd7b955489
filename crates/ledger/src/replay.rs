//! Reading a log from its beginning, believing nothing.

use crate::{
    block::{Block, transaction_hash},
    chain::{Chain, Signatures},
    data_dir::DataDir,
    error::{ChainError, OpenError},
    log::{Found, LogFile},
    verify::ChainTip,
};
use argosy_directory::{Genesis, State};
use argosy_domain::num::to_u64;
use std::path::Path;

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

/// Executes all blocks of `log`, and shows each with where its record ends.
pub(crate) fn walk(
    log: &LogFile,
    chain: &mut Chain,
    signatures: Signatures,
    mut seen: impl FnMut(u64, &Block),
) -> Result<LogEnd, OpenError> {
    let len = log.len()?;
    let mut offset = LogFile::first_record();
    // Blocks up to here were executed when the checkpoint was made.
    let known = *chain.tip();
    for height in 1_u64.. {
        match log.read_next(offset, len, height)? {
            Found::End if chain.tip().height >= height => {
                return Err(OpenError::BehindCheckpoint {
                    path: log.path().to_owned(),
                    height: known.height,
                });
            }
            Found::End => return Ok(LogEnd { offset, unfinished_bytes: 0 }),
            Found::Unfinished { start, bytes } => {
                return Ok(LogEnd { offset: start, unfinished_bytes: bytes });
            }
            Found::Record { next, block } => {
                let applied = if height > known.height {
                    apply(chain, &block, signatures)
                } else {
                    recognise(&block, height, &known)
                };
                applied.map(|block| seen(next, &block)).map_err(|source| OpenError::Block {
                    path: log.path().to_owned(),
                    height,
                    source,
                })?;
                offset = next;
            }
        }
    }
    unreachable!("a log ends")
}

/// A block whose effects are in the checkpoint; the newest of these must be the checkpoint's own.
fn recognise(bytes: &[u8], height: u64, known: &ChainTip) -> Result<Block, ChainError> {
    let block = Block::decode_bytes(bytes).map_err(|_| ChainError::Malformed)?;
    if height == known.height && ChainTip::of(&block) != *known {
        return Err(ChainError::OtherCheckpoint);
    }
    Ok(block)
}

fn apply(chain: &mut Chain, bytes: &[u8], signatures: Signatures) -> Result<Block, ChainError> {
    let block = Block::decode_bytes(bytes).map_err(|_| ChainError::Malformed)?;
    chain.apply(&block, signatures)?;
    Ok(block)
}

/// Hashes of a block's transactions, in order.
pub(crate) fn transaction_hashes(block: &Block) -> impl Iterator<Item = [u8; 32]> {
    block.transactions.iter().map(|bytes| transaction_hash(bytes))
}
