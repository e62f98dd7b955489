//! One use for a visitor and an object in a while, however many requests it takes.

use alloc::boxed::Box;
use argosy_domain::{DataObjectId, num::to_usize};
use core::sync::atomic::{AtomicU64, Ordering};

/// Pairs of a visitor and an object that are remembered; 8 bytes each.
const PLACES: u64 = 32 * 1024;
/// A visitor who goes on after such a pause has come again.
const PAUSE_SECONDS: u64 = 60;
const _: () = assert!(PLACES.is_power_of_two());
const SECONDS_MASK: u64 = 0xffff_ffff;

/// The latest requests, by visitor and object. Shared without locks: a race or a place that two pairs
/// share costs no more than a use that is counted twice.
#[derive(Debug)]
pub struct RecentUses {
    /// The upper half of the pair's hash, then the second of the last request.
    places: Box<[AtomicU64]>,
}

impl Default for RecentUses {
    fn default() -> Self {
        Self { places: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl RecentUses {
    /// Whether a request begins a use: the visitor has not asked for the object in the last minute. Any
    /// number may stand for a visitor, if only it differs between them.
    pub fn begins(&self, id: DataObjectId, visitor: u64, now_seconds: u64) -> bool {
        let hash = mix(mix(id.0) ^ visitor);
        let now = now_seconds & SECONDS_MASK;
        let entry = (hash & !SECONDS_MASK) | now;
        let Some(place) = self.places.get(to_usize(hash & (PLACES - 1))) else { return true };
        let before = place.load(Ordering::Relaxed);
        if before != entry {
            place.store(entry, Ordering::Relaxed);
        }
        let same = before & !SECONDS_MASK == hash & !SECONDS_MASK;
        // Also when the clock has gone back.
        !same || now.abs_diff(before & SECONDS_MASK) > PAUSE_SECONDS
    }
}

/// Spreads numbers over all bits.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; the last
/// step of SplitMix64.
const fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
