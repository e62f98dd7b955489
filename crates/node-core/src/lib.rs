//! What nodes decide, as inputs in and effects out: following, filling, replicating, caching, choosing sources.
//!
//! Pure: no clock, file, socket, thread or random source. Time arrives as milliseconds with every
//! call and jitter comes from a seed, so that the same inputs give the same effects everywhere.
#![no_std]
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod cache;
pub mod fill;
pub mod follow;
pub mod prefetch;
pub mod proof;
pub mod replicate;
pub mod scrub;
pub mod serve;
pub mod sources;

#[cfg(test)]
mod testing;
