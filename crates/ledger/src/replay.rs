//! Reading a log from its beginning, believing nothing.

use crate::{
    block::{Block, transaction_hash},
    chain::{Chain, Signatures},
    data_dir::DataDir,
    error::{ChainError, OpenError},
    log::{Found, LogFile},
};
use argosy_directory::Genesis;
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
    /// Transactions in all blocks, failed ones too.
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
    let data_dir = DataDir::lock_existing(dir)?;
    let log = data_dir.open_log(&genesis.hash())?;
    let mut chain = Chain::new(genesis)?;
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
    loop {
        let height = chain.tip().height.saturating_add(1);
        match log.read_next(offset, len, height)? {
            Found::End => return Ok(LogEnd { offset, unfinished_bytes: 0 }),
            Found::Unfinished { start, bytes } => {
                return Ok(LogEnd { offset: start, unfinished_bytes: bytes });
            }
            Found::Record { next, block } => {
                apply(chain, &block, signatures)
                    .map(|block| seen(next, &block))
                    .map_err(|source| OpenError::Block { path: log.path().to_owned(), height, source })?;
                offset = next;
            }
        }
    }
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
