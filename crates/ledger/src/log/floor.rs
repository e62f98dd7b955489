//! Dropping the oldest blocks, segment by segment, so that a crash in the middle loses nothing else.

use super::{FORMAT_VERSION, SegmentFile};
use crate::{
    data_dir::{io_error, replace, sync_dir},
    error::OpenError,
    steps::{Step, Steps},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const MAGIC: [u8; 8] = *b"ARGOFLOR";
const FLOOR_BYTES: usize = 8 + 2 + 32 + 8 + 32;

/// The file that says which block is the oldest.
pub(crate) fn floor_path(dir: &Path) -> PathBuf {
    dir.join("blocks.floor")
}

/// The file itself: which block is the oldest.
pub(crate) fn floor_bytes(genesis: &[u8; 32], oldest: u64) -> Vec<u8> {
    let mut bytes =
        [MAGIC.as_slice(), &FORMAT_VERSION.to_le_bytes(), genesis, &oldest.to_le_bytes()].concat();
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

/// Height of the oldest block that the log in `dir` must have: 1 unless blocks were dropped.
pub(crate) fn read_floor(dir: &Path, genesis: &[u8; 32]) -> Result<u64, OpenError> {
    let path = floor_path(dir);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(1),
        read => read.map_err(io_error("read", &path))?,
    };
    let oldest =
        bytes.get(42..50).and_then(|bytes| bytes.first_chunk()).map(|bytes| u64::from_le_bytes(*bytes));
    match oldest {
        Some(oldest) if bytes.len() == FLOOR_BYTES && bytes == floor_bytes(genesis, oldest) => Ok(oldest),
        _ => Err(OpenError::Damaged { path, offset: 0, height: 0 }),
    }
}

/// Drops the segments, oldest first in `segments`, that end before the block of `height`. Gives the
/// height of the oldest block that is left if any were dropped; `gone` is told before they are.
///
/// # Errors
/// Where a file cannot be written or removed. What was begun is finished by the next start.
pub(crate) fn drop_before(
    genesis: &[u8; 32],
    segments: &[SegmentFile],
    height: u64,
    steps: &Steps,
    gone: impl FnOnce(u64),
) -> Result<Option<u64>, (PathBuf, io::Error)> {
    let kept = segments.partition_point(|segment| segment.first <= height).saturating_sub(1);
    let (Some(oldest), true) = (segments.get(kept), kept > 0) else { return Ok(None) };
    let dir = oldest.path.parent().unwrap_or(Path::new(".")).to_owned();
    let floor = floor_path(&dir);
    steps
        .at(Step::FloorWritten)
        .and_then(|()| replace(&floor, &floor_bytes(genesis, oldest.first)))
        .map_err(|error| (floor, error))?;
    gone(oldest.first);
    for segment in segments.iter().take(kept) {
        let removed = steps.at(Step::SegmentRemoved).and_then(|()| fs::remove_file(&segment.path));
        removed.map_err(|error| (segment.path.clone(), error))?;
    }
    sync_dir(&dir).map_err(|error| (dir, error))?;
    Ok(Some(oldest.first))
}
