//! Where a start goes on from: the newest checkpoint that can be believed, or the genesis.

use crate::{
    block::Block,
    chain::Chain,
    checkpoint::{self, CheckpointError},
    data_dir::checkpoints_dir,
    epoch::Epochs,
    error::OpenError,
    generations::{self, Generation},
    log::{Found, Log, Mark},
    verify::{Anchor, ChainTip},
};
use argosy_directory::{Genesis, State};
use std::path::Path;

/// Whether the block of a checkpoint is the log's.
pub(crate) enum TipFound {
    /// It is; here reading begins.
    Here(Mark),
    /// The log has another block at this height, or dropped it.
    Other,
}

/// Looks up the block that `anchor` names. Reading begins about `run_up` bytes before it.
///
/// # Errors
/// [`OpenError::BehindCheckpoint`] if the log ends before it: blocks were lost, and to go on without
/// them would sign other ones at their heights.
pub(crate) fn find_tip(
    log: &Log,
    genesis: &Genesis,
    anchor: &Anchor,
    run_up: u64,
) -> Result<TipFound, OpenError> {
    let tip = &anchor.tip;
    if tip.height < log.oldest() {
        return Ok(TipFound::Other);
    }
    let behind = || OpenError::BehindCheckpoint { path: log.path().to_owned(), height: tip.height };
    let (place, from) = log.find(tip.height, run_up)?.ok_or_else(behind)?;
    let Found::Record { block, .. } = log.read_from(place)?.next()? else { return Err(behind()) };
    let epochs = Epochs::after(genesis, anchor.changes.clone());
    let is_same = Block::decode_bytes(&block).is_ok_and(|block| {
        ChainTip::of(&block) == *tip
            && block.proof.epoch == epochs.number()
            && block.proof.holds_for(epochs.keys(), &tip.hash)
    });
    Ok(if is_same { TipFound::Here(from) } else { TipFound::Other })
}

/// The chain after the newest checkpoint that can be used, and where to read on from. What cannot be
/// used is said in the log, and the next older one is tried; at last it is the genesis.
pub(crate) fn newest_chain(
    dir: &Path,
    log: &Log,
    genesis: &Genesis,
    run_up: u64,
) -> Result<(Chain, Mark), OpenError> {
    let checkpoints = checkpoints_dir(dir);
    for generation in generations::list(&checkpoints)? {
        match load(&generation, genesis) {
            Err(error) => {
                // A damaged one still says by its name how far the ledger was.
                let is_ours = !matches!(error, CheckpointError::OtherNetwork { .. });
                if is_ours && generation.height >= log.oldest() && log.find(generation.height, 0)?.is_none() {
                    let (path, height) = (log.path().to_owned(), generation.height);
                    return Err(OpenError::BehindCheckpoint { path, height });
                }
                skip(&generation, &error.to_string());
            }
            Ok((anchor, state)) => match find_tip(log, genesis, &anchor, run_up)? {
                TipFound::Here(mark) => return Ok((Chain::resume(genesis, anchor, state)?, mark)),
                TipFound::Other => skip(&generation, "it is one of a block that this ledger does not have"),
            },
        }
    }
    if log.oldest() > 1 {
        return Err(OpenError::NoCheckpoint { path: dir.to_owned(), oldest: log.oldest() });
    }
    Ok((Chain::new(genesis)?, log.start()?))
}

fn load(generation: &Generation, genesis: &Genesis) -> Result<(Anchor, State), CheckpointError> {
    let (anchor, state) = checkpoint::load(&generation.path, genesis)?;
    if anchor.tip.height == generation.height {
        Ok((anchor, state))
    } else {
        Err(CheckpointError::OtherBlock { height: generation.height })
    }
}

fn skip(generation: &Generation, why: &str) {
    tracing::warn!(path = %generation.path.display(), why, "skipped a checkpoint that cannot be used");
}
