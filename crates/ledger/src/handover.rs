//! A change of sequencing keys, planned and left for the next start, on a ledger that nobody runs.

use crate::{
    chain::{Chain, Signatures},
    data_dir::DataDir,
    disk::ensure_may_follow,
    epoch::{EpochChange, EpochTerms},
    error::OpenError,
    replay::walk,
    start::newest_chain,
    verify::ChainTip,
};
use argosy_directory::Genesis;
use argosy_domain::AccountId;
use std::path::Path;

/// Terms of the change that makes `keys` sign from the block after the newest one in `dir` on. They
/// hold as long as no block is added. Changes nothing, blocks the thread.
///
/// # Errors
/// [`OpenError`]; [`OpenError::InUse`] while a node runs there.
pub fn plan_change(dir: &Path, genesis: &Genesis, keys: Vec<AccountId>) -> Result<EpochTerms, OpenError> {
    let (_data_dir, chain) = open(dir, genesis)?;
    let tip = chain.tip();
    Ok(EpochTerms {
        genesis: genesis.hash(),
        epoch: chain.verifier().epochs().number().saturating_add(1),
        height: tip.height.saturating_add(1),
        parent: tip.hash,
        keys,
    })
}

/// Checks a change and leaves it in `dir`: the next start of an engine there carries it out in its
/// first block. Gives the block that it follows on. Blocks the thread.
///
/// # Errors
/// [`OpenError`]; [`OpenError::Change`] if it does not follow on the newest block there, or is not
/// approved.
pub fn install_change(dir: &Path, genesis: &Genesis, change: &EpochChange) -> Result<ChainTip, OpenError> {
    let (data_dir, chain) = open(dir, genesis)?;
    ensure_may_follow(change, &chain)
        .map_err(|why| OpenError::Change { path: data_dir.change_path(), why })?;
    data_dir.leave_change(change)?;
    Ok(*chain.tip())
}

fn open(dir: &Path, genesis: &Genesis) -> Result<(DataDir, Chain), OpenError> {
    let data_dir = DataDir::lock_existing(dir)?;
    let log = data_dir.open_log(&genesis.hash())?;
    let (mut chain, mark) = newest_chain(dir, &log, genesis, 0)?;
    walk(&log, mark, &mut chain, Signatures::Trusted, |_| {})?;
    Ok((data_dir, chain))
}
