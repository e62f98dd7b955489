//! Complete objects.

use crate::error::Damaged;
use crate::slice::ObjectSlice;
use crate::store::ObjectMeta;
use argosy_content::GroupRange;
use argosy_domain::DataObjectId;
use bytes::Bytes;
use std::fs::File;
use std::sync::Arc;

/// A complete object, open for reading.
#[derive(Debug)]
pub struct StoredObject {}

impl StoredObject {
    /// The object's id.
    #[must_use]
    pub fn id(&self) -> DataObjectId {
        todo!()
    }
    /// Content id and size.
    #[must_use]
    pub fn meta(&self) -> ObjectMeta {
        todo!()
    }
    /// The file of the bytes, for sending without copying what [`StoredObject::ensure_verified`]
    /// has passed; `None` on a disk that is not real.
    #[must_use]
    pub fn file(&self) -> Option<&Arc<File>> {
        todo!()
    }
    /// The bytes of each of `groups` (those past the end left out), proved on this very read.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn read_verified(&self, _groups: GroupRange) -> Result<Vec<Bytes>, Damaged> {
        todo!()
    }
    /// Proves `groups` unless that was done since the process started and the file was not written
    /// to since.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn ensure_verified(&self, _groups: GroupRange) -> Result<(), Damaged> {
        todo!()
    }
    /// A slice of `groups`, proved while it is read.
    #[must_use]
    pub fn encode_slice(&self, _groups: GroupRange) -> ObjectSlice {
        todo!()
    }
}
