//! The two integer conversions that every crate needs, in one place.
//!
//! Argosy runs on 64-bit machines only: both conversions are exact there, and a build for another
//! width stops here.

const _: () = assert!(usize::BITS == 64, "Argosy needs a 64-bit target");

/// A length in memory as a number that may be stored or sent.
#[must_use]
#[expect(clippy::as_conversions, reason = "exact: usize is 64 bits wide, asserted above")]
pub const fn to_u64(n: usize) -> u64 {
    n as u64
}

/// A stored or sent number as a length in memory.
///
/// Exact, but the caller must have bounded it before memory is taken.
#[must_use]
#[expect(clippy::as_conversions, reason = "exact: usize is 64 bits wide, asserted above")]
pub const fn to_usize(n: u64) -> usize {
    n as usize
}
