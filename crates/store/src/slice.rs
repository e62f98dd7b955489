//! Slices read from disk, step by step.

use crate::error::Damaged;
use bytes::Bytes;

/// A slice being read. Owns what it needs: it may move to another thread between steps.
#[derive(Debug)]
pub struct ObjectSlice {}

impl ObjectSlice {
    /// Bytes still to come; before the first step the exact length of the slice.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        todo!()
    }
    /// The next chunk of at most 256 KiB, each byte proved; `None` at the end. Blocks.
    ///
    /// # Errors
    /// [`Damaged`]; nothing wrong was let out, and the slice must not be taken for whole.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Damaged> {
        todo!()
    }
}
