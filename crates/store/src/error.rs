//! What can go wrong, by what the caller would do about it.

use argosy_content::{GroupRange, WrongBytes};
use argosy_domain::{ContentId, DataObjectId};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why the store refused or failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process works in this directory.
    #[error("{} is in use by another process", .0.display())]
    AlreadyInUse(PathBuf),
    /// A later version of Argosy wrote this directory.
    #[error("{} was written in store format {found}, this program knows format {known}: run a newer version", path.display())]
    NewerFormat {
        /// The store's directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The latest format known here.
        known: u32,
    },
    /// The directory holds something else.
    #[error("{} is not a store of data objects: choose another directory", .0.display())]
    NotAStore(PathBuf),
    /// Neither the capacity nor the disk has room left for it.
    #[error("no room for {needed_bytes} more bytes")]
    NoRoom {
        /// How many more bytes were wanted.
        needed_bytes: u64,
    },
    /// The object is complete: there is nothing to fill.
    #[error("object {0} is complete already")]
    AlreadyComplete(DataObjectId),
    /// The store holds nothing of the object.
    #[error("object {0} is not here")]
    Absent(DataObjectId),
    /// The partial object was completed, discarded or removed meanwhile.
    #[error("object {0} is no longer being filled")]
    Gone(DataObjectId),
    /// Not all groups are held yet.
    #[error("object {id} lacks group {group}")]
    Incomplete {
        /// The object.
        id: DataObjectId,
        /// Its first missing group.
        group: u64,
    },
    /// What is here under this id, or what was to be written, belongs to other content.
    #[error("content {found} is not that of object {id}")]
    OtherContent {
        /// The object.
        id: DataObjectId,
        /// What was found instead of its content.
        found: ContentId,
    },
    /// The disk failed.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// The verb of what was being done.
        doing: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    /// As [`StoreError::io`] for a write of this many bytes: a full disk is a lack of room.
    pub(crate) fn write(bytes: u64, path: &Path, source: io::Error) -> Self {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        if full.contains(&source.kind()) {
            return Self::NoRoom { needed_bytes: bytes };
        }
        Self::io("write", path, source)
    }
}

/// Why bytes that came without proof, such as an upload in quarantine, did not become an object.
#[derive(Debug, Error)]
pub enum QuarantineError {
    /// Fewer or more bytes than announced.
    #[error("{received_bytes} bytes came where {expected_bytes} were announced")]
    SizeDiffers {
        /// As the directory says.
        expected_bytes: u64,
        /// As they came; when too many came, those taken before the first too many.
        received_bytes: u64,
    },
    /// The bytes are not those of this content id.
    #[error("the bytes are those of {found}, not of {expected}")]
    ContentDiffers {
        /// As the directory says.
        expected: ContentId,
        /// As the bytes say.
        found: ContentId,
    },
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Bytes on disk that are wrong or cannot be read.
#[derive(Debug, Error)]
#[error("groups {} to {} of object {id} are damaged on disk", groups.start, groups.end)]
pub struct Damaged {
    /// The object.
    pub id: DataObjectId,
    /// What cannot be proved; what `Store::demote` wants to know.
    pub groups: GroupRange,
    /// How it shows.
    #[source]
    pub cause: DamageCause,
}

/// How damage shows.
#[derive(Debug, Error)]
pub enum DamageCause {
    /// The bytes hash to something else.
    #[error(transparent)]
    Wrong(WrongBytes),
    /// The disk does not give them.
    #[error("cannot be read")]
    Io(#[source] io::Error),
}

/// Why a partial object was not read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// This group is not held yet.
    #[error("group {0} is not held yet")]
    Missing(u64),
    /// It was held and is damaged now; `PartialObject::forget` it.
    #[error(transparent)]
    Damaged(#[from] Damaged),
}
