//! Objects being filled.

use crate::error::{ReadError, StoreError};
use crate::object::StoredObject;
use crate::slice::ObjectSlice;
use crate::store::ObjectMeta;
use argosy_content::{GroupRange, GroupSet, VerifiedGroup, VerifiedPair};
use argosy_domain::DataObjectId;
use bytes::Bytes;
use std::sync::Arc;

/// An object of which some groups are held.
#[derive(Debug)]
pub struct PartialObject {}

impl PartialObject {
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
    /// The groups held now.
    #[must_use]
    pub fn have(&self) -> GroupSet {
        todo!()
    }
    /// Whether all of `groups` are held.
    #[must_use]
    pub fn has(&self, _groups: GroupRange) -> bool {
        todo!()
    }
    /// The first group from `from` on that is not held; `None` if there is none.
    #[must_use]
    pub fn first_missing(&self, _from: u64) -> Option<u64> {
        todo!()
    }
    /// Bytes of the groups held.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        todo!()
    }
    /// Sets room aside for all that is missing, until the object is complete or this is dropped.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`].
    pub fn reserve(&self) -> Result<(), StoreError> {
        todo!()
    }
    /// Keeps a pair. Must come before the groups under it.
    ///
    /// # Errors
    /// [`StoreError::OtherContent`], [`StoreError::Io`].
    pub fn write_pair(&self, _pair: &VerifiedPair) -> Result<(), StoreError> {
        todo!()
    }
    /// Keeps a group; on return readers of this object can have it. `false` if it was held already.
    ///
    /// # Errors
    /// [`StoreError::OtherContent`], [`StoreError::NoRoom`], [`StoreError::Gone`], [`StoreError::Io`].
    pub fn write_group(&self, _group: &VerifiedGroup) -> Result<bool, StoreError> {
        todo!()
    }
    /// Notes on disk which groups are held, so that a process that dies need not fetch them again.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn save(&self) -> Result<(), StoreError> {
        todo!()
    }
    /// The bytes of each of `groups`, proved on this very read.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read_verified(&self, _groups: GroupRange) -> Result<Vec<Bytes>, ReadError> {
        todo!()
    }
    /// A slice of `groups`, proved while it is read.
    ///
    /// # Errors
    /// [`ReadError::Missing`] if not all of them are held.
    pub fn encode_slice(&self, _groups: GroupRange) -> Result<ObjectSlice, ReadError> {
        todo!()
    }
    /// Counts `groups` as missing again, as after [`ReadError::Damaged`].
    ///
    /// # Errors
    /// [`StoreError::Gone`], [`StoreError::Io`].
    pub fn forget(&self, _groups: GroupRange) -> Result<(), StoreError> {
        todo!()
    }
    /// Makes the object complete: on disk for good when this returns.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`], [`StoreError::Gone`], [`StoreError::Io`]; after the last, groups
    /// that the disk lost count as missing.
    pub fn complete(&self) -> Result<Arc<StoredObject>, StoreError> {
        todo!()
    }
}
