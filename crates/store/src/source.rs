//! Files that are about to be uploaded: hashed once, then read with their proof.

use crate::store::ObjectMeta;
use argosy_content::GroupRange;
use bytes::Bytes;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a file cannot be uploaded.
#[derive(Debug, Error)]
pub enum SourceError {
    /// It does not exist, or may not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory, a pipe or the like.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// It has no bytes.
    #[error("{} is empty: there is nothing to store", .0.display())]
    Empty(PathBuf),
    /// Somebody wrote to it after hashing began.
    #[error("{} changed while it was being read: try again when nobody writes to it", .0.display())]
    Changed(PathBuf),
    /// Its hashes, 0.4 % of its size, found no place in the directory for temporary files.
    #[error("cannot keep the hashes of {} in {}", path.display(), temporary.display())]
    Temporary {
        /// The file.
        path: PathBuf,
        /// The directory for temporary files.
        temporary: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A file whose content id is known and whose slices can be made.
#[derive(Debug)]
pub struct SourceFile {}

impl SourceFile {
    /// Reads and hashes a file. `progress` is told the bytes read so far, about once per MiB.
    /// Memory stays small whatever the file's size; nothing is left on disk.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn hash(_path: &Path, _progress: impl FnMut(u64)) -> Result<Self, SourceError> {
        todo!()
    }
    /// Content id and size.
    #[must_use]
    pub fn meta(&self) -> ObjectMeta {
        todo!()
    }
    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        todo!()
    }
    /// A slice of `groups`, proved while it is read.
    #[must_use]
    pub fn encode_slice(&self, _groups: GroupRange) -> SourceSlice {
        todo!()
    }
}

/// A slice of a file being read. Owns what it needs.
#[derive(Debug)]
pub struct SourceSlice {}

impl SourceSlice {
    /// Bytes still to come; before the first step the exact length of the slice.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        todo!()
    }
    /// The next chunk of at most 256 KiB; `None` at the end. Blocks.
    ///
    /// # Errors
    /// [`SourceError::Changed`], [`SourceError::Unreadable`].
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, SourceError> {
        todo!()
    }
}
