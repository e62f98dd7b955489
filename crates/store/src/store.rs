//! The store: which objects are here, and how they come and go.

use crate::disk::Disk;
use crate::error::StoreError;
use crate::object::StoredObject;
use crate::partial::PartialObject;
use crate::quarantine::Quarantine;
use argosy_content::GroupRange;
use argosy_domain::{ContentId, DataObjectId};
use std::path::Path;
use std::sync::Arc;

/// What the directory says about an object's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The BLAKE3 root of the bytes.
    pub content_id: ContentId,
    /// Bytes.
    pub size: u64,
}

/// Bounds of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Most bytes of objects, complete, partial and promised; `None`: as the disk allows.
    pub capacity_bytes: Option<u64>,
    /// Bytes of the disk that the store leaves free.
    pub disk_floor_bytes: u64,
}

/// A partial object, as a listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialInfo {
    /// The object.
    pub id: DataObjectId,
    /// What it was begun for; `None` if that was lost.
    pub meta: Option<ObjectMeta>,
    /// Bytes of proved groups, as last known.
    pub held_bytes: u64,
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Complete objects.
    pub objects: u64,
    /// Their bytes.
    pub object_bytes: u64,
    /// Partial objects.
    pub partials: u64,
    /// Bytes of their proved groups.
    pub partial_bytes: u64,
    /// Bytes promised to uploads and fills and not written yet.
    pub promised_bytes: u64,
}

/// Verified objects in one directory. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {}

impl Store {
    /// Opens a store, made if the directory is empty or missing. Finds out from the files what is
    /// held, ends what a crash interrupted, and removes what is temporary.
    ///
    /// # Errors
    /// [`StoreError::AlreadyInUse`], [`StoreError::NewerFormat`], [`StoreError::NotAStore`],
    /// [`StoreError::Io`].
    pub fn open(_dir: &Path, _disk: Arc<dyn Disk>, _config: StoreConfig) -> Result<Self, StoreError> {
        todo!()
    }

    /// A complete object. One that is here but cannot be opened counts as absent, and is logged.
    #[must_use]
    pub fn get(&self, _id: DataObjectId) -> Option<Arc<StoredObject>> {
        todo!()
    }

    /// Whether an object is complete here, without opening it.
    #[must_use]
    pub fn contains(&self, _id: DataObjectId) -> bool {
        todo!()
    }

    /// The partial object of this id: begun, or taken up where it stopped. Takes no room by itself:
    /// each group does when it is written, or all of them by [`PartialObject::reserve`].
    ///
    /// # Errors
    /// [`StoreError::AlreadyComplete`], [`StoreError::NoRoom`], [`StoreError::Io`].
    pub fn partial(&self, _id: DataObjectId, _meta: ObjectMeta) -> Result<Arc<PartialObject>, StoreError> {
        todo!()
    }

    /// As [`Store::partial`], but begins nothing: `None` if nothing of the object is held.
    ///
    /// # Errors
    /// As [`Store::partial`].
    pub fn existing_partial(
        &self,
        _id: DataObjectId,
        _meta: ObjectMeta,
    ) -> Result<Option<Arc<PartialObject>>, StoreError> {
        todo!()
    }

    /// Room for an upload of `size` bytes whose proof comes only at its end.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], [`StoreError::Io`].
    pub fn quarantine(&self, _size: u64) -> Result<Quarantine, StoreError> {
        todo!()
    }

    /// Turns a complete object with damaged groups into a partial one that lacks them.
    ///
    /// # Errors
    /// [`StoreError::Absent`] if it is not complete, [`StoreError::Io`].
    pub fn demote(&self, _id: DataObjectId, _bad: GroupRange) -> Result<Arc<PartialObject>, StoreError> {
        todo!()
    }

    /// Removes all that is held of an object, for good on return; `false` if nothing was.
    /// Those who have it open read on.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove(&self, _id: DataObjectId) -> Result<bool, StoreError> {
        todo!()
    }

    /// Removes a partial object and leaves a complete one alone; `false` if there was none.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn discard_partial(&self, _id: DataObjectId) -> Result<bool, StoreError> {
        todo!()
    }

    /// Ids of the complete objects, ascending.
    #[must_use]
    pub fn ids(&self) -> Vec<DataObjectId> {
        todo!()
    }

    /// Complete objects with their sizes in bytes, ascending by id.
    #[must_use]
    pub fn objects(&self) -> Vec<(DataObjectId, u64)> {
        todo!()
    }

    /// Partial objects, ascending by id.
    #[must_use]
    pub fn partials(&self) -> Vec<PartialInfo> {
        todo!()
    }

    /// Sums over everything held.
    #[must_use]
    pub fn totals(&self) -> Totals {
        todo!()
    }
}
