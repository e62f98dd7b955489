//! Records: what holds one block in a segment, and what a write that was cut short leaves.

use crate::block::MAX_ENCODED_BLOCK_BYTES;
use argosy_domain::num::{to_u64, to_usize};
use std::io;

/// Length, way back, guard and hash, before the block.
pub(crate) const RECORD_HEADER_BYTES: usize = 4 + 4 + 4 + 32;
/// Where the hash begins.
const HASH_PLACE: usize = RECORD_HEADER_BYTES - 32;
/// Most that a record takes.
pub(crate) const MAX_RECORD_BYTES: u64 = to_u64(RECORD_HEADER_BYTES + MAX_ENCODED_BLOCK_BYTES);
/// Smallest piece that a disk writes whole or not at all.
const SECTOR_BYTES: u64 = 512;
const GUARD_DOMAIN: &[u8] = b"argosy/log/guard/2";

/// What a record's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHead {
    /// Length of the block.
    pub(crate) length: usize,
    /// Bytes from the beginning of the write that it was a part of to the record: 0 if it came first.
    pub(crate) back: u64,
    /// Hash of the block.
    pub(crate) hash: [u8; 32],
}

/// The head of a record of `block` at `start`, in a write that began at `write_start`.
pub(crate) fn record_head(
    start: u64,
    write_start: u64,
    block: &[u8],
) -> io::Result<[u8; RECORD_HEADER_BYTES]> {
    let length = u32::try_from(block.len()).map_err(io::Error::other)?;
    let back = u32::try_from(start.saturating_sub(write_start)).map_err(io::Error::other)?;
    let mut head = [0; RECORD_HEADER_BYTES];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4..8].copy_from_slice(&back.to_le_bytes());
    head[8..HASH_PLACE].copy_from_slice(&guard(start, length, back));
    head[HASH_PLACE..].copy_from_slice(blake3::hash(block).as_bytes());
    Ok(head)
}

/// Binds length and way back to their place, in 4 bytes.
fn guard(start: u64, length: u32, back: u32) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(GUARD_DOMAIN).update(&start.to_le_bytes());
    hasher.update(&length.to_le_bytes()).update(&back.to_le_bytes());
    let hash = hasher.finalize();
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

/// What the first bytes of a record at `start` say, if their guard agrees and the length is within
/// bounds.
pub(crate) fn read_head(start: u64, bytes: &[u8]) -> Option<RecordHead> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (back, rest) = rest.split_first_chunk::<4>()?;
    let (found, rest) = rest.split_first_chunk::<4>()?;
    let (length, back) = (u32::from_le_bytes(*length), u32::from_le_bytes(*back));
    let in_bounds = length > 0 && u64::from(length) <= to_u64(MAX_ENCODED_BLOCK_BYTES);
    let is_sound = in_bounds && guard(start, length, back) == *found;
    let hash = *rest.first_chunk::<32>()?;
    is_sound.then(|| RecordHead { length: to_usize(length.into()), back: back.into(), hash })
}

/// Whether the bytes from `start` to the end of the file, which do not begin with a sound record, can
/// only be a write that a crash cut short.
///
/// That is so if no whole record of a later write follows, and the file ends too early or a sector was
/// never written: it reads as zeros. Anything else was once written whole and acknowledged, and is
/// damage. Records of one write may reach the disk in any order.
pub(crate) fn is_unfinished(start: u64, rest: &[u8]) -> bool {
    let later_record_at = |skip: usize| {
        let bytes = rest.get(skip..).unwrap_or_default();
        let place = start.saturating_add(to_u64(skip));
        let body = bytes.get(RECORD_HEADER_BYTES..).unwrap_or_default();
        // The cheap test first: most lengths at a wrong place are out of bounds.
        let plausible = bytes
            .first_chunk::<4>()
            .is_some_and(|length| to_usize(u64::from(u32::from_le_bytes(*length))) <= body.len());
        plausible
            && read_head(place, bytes).is_some_and(|head| {
                let is_whole =
                    body.get(..head.length).is_some_and(|block| *blake3::hash(block).as_bytes() == head.hash);
                is_whole && place.saturating_sub(head.back) > start
            })
    };
    if (1..rest.len()).any(later_record_at) {
        return false;
    }
    let cut_short = match read_head(start, rest) {
        Some(head) => rest.len() < RECORD_HEADER_BYTES.saturating_add(head.length),
        None => rest.len() < RECORD_HEADER_BYTES,
    };
    cut_short || has_unwritten_sector(start, rest)
}

fn has_unwritten_sector(start: u64, bytes: &[u8]) -> bool {
    let first = to_usize(SECTOR_BYTES.saturating_sub(start % SECTOR_BYTES)).min(bytes.len());
    let (head, tail) = bytes.split_at(first);
    let unwritten = |sector: &[u8]| !sector.is_empty() && sector.iter().all(|byte| *byte == 0);
    unwritten(head) || tail.chunks(to_usize(SECTOR_BYTES)).any(unwritten)
}
