//! Records: what holds one block in a segment, and what a write that was cut short leaves.

use crate::block::MAX_ENCODED_BLOCK_BYTES;
use argosy_domain::num::{to_u64, to_usize};

/// Length, guard and hash, before the block.
pub(crate) const RECORD_HEADER_BYTES: usize = 4 + 4 + 32;
/// Most that one unfinished write can leave behind.
pub(crate) const MAX_RECORD_BYTES: u64 = to_u64(RECORD_HEADER_BYTES + MAX_ENCODED_BLOCK_BYTES);
/// Smallest piece that a disk writes whole or not at all.
const SECTOR_BYTES: u64 = 512;
const GUARD_DOMAIN: &[u8] = b"argosy/log/guard/1";

/// Binds a length to its place, in 4 bytes.
pub(crate) fn guard(start: u64, length: u32) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(GUARD_DOMAIN).update(&start.to_le_bytes()).update(&length.to_le_bytes());
    let hash = hasher.finalize();
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

/// The length that a record's first bytes give, if their guard agrees and it is within bounds.
pub(crate) fn sound_length(start: u64, header: &[u8]) -> Option<usize> {
    let (length, rest) = header.split_first_chunk::<4>()?;
    let (found, _) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    let in_bounds = length > 0 && u64::from(length) <= to_u64(MAX_ENCODED_BLOCK_BYTES);
    (in_bounds && guard(start, length) == *found).then(|| to_usize(u64::from(length)))
}

/// Whether the bytes from `start` to the end of the file, which are no sound record, can only be a
/// write that a crash cut short.
///
/// That is so if no whole record follows, and the file ends too early or a sector was never written:
/// it reads as zeros. Anything else was once written whole and acknowledged, and is damage.
pub(crate) fn is_unfinished(start: u64, rest: &[u8]) -> bool {
    let record_at = |skip: usize| {
        let bytes = rest.get(skip..).unwrap_or_default();
        let place = start.saturating_add(to_u64(skip));
        let body = bytes.get(RECORD_HEADER_BYTES..).unwrap_or_default();
        // The cheap test first: most lengths at a wrong place are out of bounds.
        let plausible = bytes
            .first_chunk::<4>()
            .is_some_and(|length| to_usize(u64::from(u32::from_le_bytes(*length))) <= body.len());
        plausible
            && sound_length(place, bytes)
                .and_then(|length| body.get(..length))
                .is_some_and(|block| blake3::hash(block).as_bytes() == &bytes[8..RECORD_HEADER_BYTES])
    };
    if (1..rest.len()).any(record_at) {
        return false;
    }
    let cut_short = match sound_length(start, rest) {
        Some(length) => rest.len() < RECORD_HEADER_BYTES.saturating_add(length),
        None => rest.len() < 8,
    };
    cut_short || has_unwritten_sector(start, rest)
}

fn has_unwritten_sector(start: u64, bytes: &[u8]) -> bool {
    let first = to_usize(SECTOR_BYTES.saturating_sub(start % SECTOR_BYTES)).min(bytes.len());
    let (head, tail) = bytes.split_at(first);
    let unwritten = |sector: &[u8]| !sector.is_empty() && sector.iter().all(|byte| *byte == 0);
    unwritten(head) || tail.chunks(to_usize(SECTOR_BYTES)).any(unwritten)
}
