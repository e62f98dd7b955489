//! BLAKE3 trees over data objects: build, encode and check verified slices.
//!
//! An object is cut into *groups* of 16 KiB (the last may be shorter). A *pair* is an inner node of
//! the hash tree over the groups: the hashes of its left and right subtree, 64 bytes. Pairs are
//! numbered in pre-order from 0, which is also their place in a side tree on disk and their order
//! on the wire. An object of one group has no pairs: its content id is the hash of the group.
//!
//! A *slice* is the interleaved encoding of a run of whole groups: in pre-order, each pair that
//! leads to a wanted group, and each wanted group itself. It has no header. It is the one wire form
//! of verified bytes, for uploads, between nodes, and for downloads, and equals what `bao-tree`
//! makes with a block size of 16 KiB.
//!
//! Pure: no file, socket, clock or thread. What must be read from elsewhere comes in through
//! [`TreeSource`] or as frames of bytes.
//!
//! Source: BLAKE3 paper, section 2; Bao's combined encoding, with groups of 16 chunks.
#![no_std]
#![deny(clippy::float_arithmetic)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod build;
mod decode;
mod encode;
mod groups;
mod hash;
mod plan;
mod set;
mod verify;
mod walk;

#[cfg(test)]
mod tests;

pub use build::{TreeBuilder, TreeError};
pub use decode::{SliceDecoder, SliceItem};
pub use encode::{SLICE_CHUNK_BYTES, SliceEncoder};
pub use groups::{
    GroupRange, PAIR_BYTES, byte_range, group_count, group_len, groups_of, outboard_len, pair_count,
};
pub use plan::{SlicePlan, SliceStep, slice_len};
pub use set::GroupSet;
pub use verify::{PathVerifier, TreeSource, VerifiedGroup, VerifiedPair, VerifyError, survey};
pub use walk::WrongBytes;
