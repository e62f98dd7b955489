//! A ledger copied whole, while it is in use or not, and its blocks read by others than its engine.

use crate::{
    block::{Block, genesis_block},
    checkpoint,
    data_dir::{checkpoints_dir, io_error, remove_lock, sync_dir},
    epoch::{EpochChange, FIRST_EPOCH},
    error::{ChainError, OpenError, ReadError},
    generations,
    log::{Found, Log, floor_path},
    replay::{ReplayReport, replay_from_newest},
    verify::{Anchor, ChainTip, ChainVerifier},
};
use argosy_directory::Genesis;
use std::{
    fs::{self, File},
    io::{self, Read as _},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// Attempts to copy a ledger of which blocks are dropped meanwhile.
const ATTEMPTS: usize = 3;

/// Copies the ledger in `from` to the folder `to`, which appears when the copy is on disk and was
/// checked: each record of it, the checkpoint, and the blocks after the checkpoint by executing them.
///
/// The ledger may be in use. The copy has its newest checkpoint that can be used, and all blocks that
/// the ledger had when their turn came. Blocks the thread.
///
/// # Errors
/// [`OpenError`]; where nothing is wrong with the ledger, nothing is left of the copy.
pub fn copy_ledger(from: &Path, to: &Path, genesis: &Genesis) -> Result<ReplayReport, OpenError> {
    let is_taken = match fs::read_dir(to) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    if is_taken {
        return Err(OpenError::NotEmpty { path: to.to_owned() });
    }
    let mut name = to.to_owned().into_os_string();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let copied = copy_and_check(from, &partial, genesis).and_then(|report| {
        fs::rename(&partial, to).map_err(io_error("create", to))?;
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_dir(parent).map_err(io_error("sync", parent))?;
        Ok(report)
    });
    if copied.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    copied
}

fn copy_and_check(from: &Path, to: &Path, genesis: &Genesis) -> Result<ReplayReport, OpenError> {
    let mut attempt = 1;
    loop {
        // What an earlier attempt left.
        match fs::remove_dir_all(to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error("remove", to)(error));
            }
            _ => {}
        }
        fs::create_dir_all(to).map_err(io_error("create", to))?;
        match copy_files(from, to, genesis) {
            // Dropped since the folder was listed.
            Err(OpenError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {}
            Err(OpenError::MissingBlocks { .. }) if attempt < ATTEMPTS => {}
            copied => {
                copied?;
                break;
            }
        }
        attempt = attempt.saturating_add(1);
    }
    let copy = Log::open(to, &genesis.hash(), false)?;
    let mut cursor = copy.read_from(copy.start()?)?;
    while let Found::Record { .. } = cursor.next()? {}
    let report = replay_from_newest(to, genesis)?;
    remove_lock(to)?;
    sync_dir(to).map_err(io_error("sync", to))?;
    Ok(report)
}

/// The checkpoint first, so that its block is among those that are copied after it.
fn copy_files(from: &Path, to: &Path, genesis: &Genesis) -> Result<(), OpenError> {
    copy_checkpoint(&checkpoints_dir(from), &checkpoints_dir(to), genesis)?;
    let log = Log::open(from, &genesis.hash(), false)?;
    let floor = floor_path(from);
    if log.oldest() > 1 {
        copy_file(&floor, &floor_path(to), u64::MAX)?;
    }
    for segment in log.segments() {
        let name = segment.path.file_name().unwrap_or_default();
        let len = if segment.path == log.last().path() { sound_end(&log)? } else { u64::MAX };
        copy_file(&segment.path, &to.join(name), len)?;
    }
    sync_dir(to).map_err(io_error("sync", to))
}

/// The newest checkpoint whose bytes are sound, if there is one.
fn copy_checkpoint(from: &Path, to: &Path, genesis: &Genesis) -> Result<(), OpenError> {
    fs::create_dir(to).map_err(io_error("create", to))?;
    for generation in generations::list(from)? {
        let copy = generations::path(to, generation.height);
        copy_file(&generation.path, &copy, u64::MAX)?;
        match checkpoint::check(&copy, &genesis.hash()) {
            Ok(anchor) if anchor.tip.height == generation.height => break,
            Ok(_) | Err(_) => fs::remove_file(&copy).map_err(io_error("remove", &copy))?,
        }
    }
    sync_dir(to).map_err(io_error("sync", to))
}

/// Where the last segment's last whole record ends.
fn sound_end(log: &Log) -> Result<u64, OpenError> {
    let mut cursor = log.read_from(log.start_of_last())?;
    while let Found::Record { .. } = cursor.next()? {}
    Ok(cursor.offset())
}

/// The first `len` bytes of a file, synced.
fn copy_file(from: &Path, to: &Path, len: u64) -> Result<(), OpenError> {
    let source = File::open(from).map_err(io_error("open", from))?;
    let mut copy = File::create_new(to).map_err(io_error("create", to))?;
    io::copy(&mut source.take(len), &mut copy).map_err(io_error("write", to))?;
    copy.sync_all().map_err(io_error("sync", to))
}

/// Shows the blocks of these heights, as many as the ledger in `dir` has, each checked to follow on the
/// one before. The ledger may be in use. Gives the number of blocks shown. Blocks the thread.
///
/// # Errors
/// [`OpenError`], at the first thing that is wrong; [`OpenError::Read`] of a block that was dropped;
/// [`OpenError::Io`] where `show` fails.
pub fn read_blocks(
    dir: &Path,
    genesis: &Genesis,
    heights: RangeInclusive<u64>,
    mut show: impl FnMut(&Block) -> io::Result<()>,
) -> Result<u64, OpenError> {
    let log = Log::open(dir, &genesis.hash(), false)?;
    let (first, last, oldest) = ((*heights.start()).max(1), *heights.end(), log.oldest());
    if first < oldest {
        return Err(ReadError::Gone { height: first, oldest }.into());
    }
    let mut show = |block: &Block| show(block).map_err(io_error("write blocks of", dir));
    let (block_zero, _) = genesis_block(genesis)?;
    let mut shown = 0_u64;
    if *heights.start() == 0 {
        show(&block_zero)?;
        shown = 1;
    }
    // The block before the first tells what the first must follow on.
    let before = first.saturating_sub(1).max(oldest);
    let Some((mark, _)) = log.find(before, 0)? else { return Ok(shown) };
    let mut cursor = log.read_from(mark)?;
    let mut verifier = None;
    if before == 1 {
        verifier = Some(ChainVerifier::new(genesis)?);
    }
    while cursor.height() <= last {
        let height = cursor.height();
        let Found::Record { block, .. } = cursor.next()? else { break };
        let refused = |source| OpenError::Block { path: log.path().to_owned(), height, source };
        let block = Block::decode_bytes(&block).map_err(|_| refused(ChainError::Malformed))?;
        match &mut verifier {
            Some(verifier) => {
                let checked = verifier.check(&block, None).map_err(|error| refused(error.into()))?;
                // Who approved a change of keys was asked when the block was taken.
                let _ = checked.needs_council();
            }
            None => {
                let changes = changes_up_to(dir, genesis, &log, &block)?;
                let tip = ChainTip::of(&block);
                verifier = Some(ChainVerifier::resume(genesis, Anchor { tip, changes }));
            }
        }
        if height >= first {
            show(&block)?;
            shown = shown.saturating_add(1);
        }
    }
    Ok(shown)
}

/// The changes of sequencing keys up to a block of the log.
fn changes_up_to(
    dir: &Path,
    genesis: &Genesis,
    log: &Log,
    block: &Block,
) -> Result<Vec<EpochChange>, OpenError> {
    let height = block.header.height;
    if block.proof.epoch == FIRST_EPOCH {
        return Ok(Vec::new());
    }
    // The newest checkpoint knows those before it, even of blocks that were dropped.
    let known = generations::list(&checkpoints_dir(dir))?
        .into_iter()
        .find_map(|generation| checkpoint::read_anchor(&generation.path, &genesis.hash()).ok());
    let (from, mut changes) = known.map_or((0, Vec::new()), |anchor| (anchor.tip.height, anchor.changes));
    changes.retain(|change| change.terms.height <= height);
    let Some((mark, _)) = log.find(from.saturating_add(1), 0)? else { return Ok(changes) };
    let mut cursor = log.read_from(mark)?;
    while cursor.height() <= height {
        let Found::Record { block, .. } = cursor.next()? else { break };
        let change = Block::decode_bytes(&block).ok().and_then(|block| block.proof.change);
        changes.extend(change.map(|change| *change));
    }
    Ok(changes)
}
