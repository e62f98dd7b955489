//! Slices read from disk, step by step.

use crate::error::Damaged;
use crate::files::{PairReader, Reader, TreeFiles, Unproved, damaged};
use argosy_content::{GroupRange, SliceEncoder};
use argosy_domain::DataObjectId;
use bytes::Bytes;

/// An encoder and the files that it reads.
#[derive(Debug)]
pub(crate) struct FileSlice {
    files: TreeFiles,
    encoder: SliceEncoder,
    pairs: PairReader,
}

impl FileSlice {
    pub(crate) fn new(files: TreeFiles, groups: GroupRange) -> Self {
        let encoder = SliceEncoder::new(files.meta.content_id, files.meta.size, groups);
        Self { files, encoder, pairs: PairReader::new() }
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.encoder.remaining()
    }

    pub(crate) fn next_chunk(&mut self) -> Result<Option<Bytes>, Unproved> {
        let pairs = std::mem::replace(&mut self.pairs, PairReader::new());
        let mut reader = Reader::resume(&self.files, pairs);
        let chunk = self.encoder.next_chunk(&mut reader);
        self.pairs = reader.into_pairs();
        chunk
    }
}

/// A slice being read. Owns what it needs: it may move to another thread between steps.
#[derive(Debug)]
pub struct ObjectSlice {
    id: DataObjectId,
    slice: FileSlice,
}

impl ObjectSlice {
    pub(crate) fn new(id: DataObjectId, files: TreeFiles, groups: GroupRange) -> Self {
        Self { id, slice: FileSlice::new(files, groups) }
    }

    /// Bytes still to come; before the first step the exact length of the slice.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.slice.remaining()
    }

    /// The next chunk of at most 256 KiB, each byte proved; `None` at the end. Blocks.
    ///
    /// # Errors
    /// [`Damaged`]; nothing wrong was let out, and the slice must not be taken for whole.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Damaged> {
        self.slice.next_chunk().map_err(|unproved| damaged(self.id, unproved))
    }
}
