//! Uploads that carry no proof: hashed as they come, believed only at their end.

use crate::error::QuarantineError;
use crate::object::StoredObject;
use crate::store::ObjectMeta;
use argosy_domain::DataObjectId;
use std::sync::Arc;

/// An upload on its way in. Dropping it removes its bytes and gives its room back.
#[derive(Debug)]
pub struct Quarantine {}

impl Quarantine {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`QuarantineError::SizeDiffers`] at the first byte too many, [`QuarantineError::Store`].
    pub fn write(&mut self, _bytes: &[u8]) -> Result<(), QuarantineError> {
        todo!()
    }
    /// Makes the bytes the object `id`: on disk for good when this returns.
    ///
    /// # Errors
    /// [`QuarantineError`].
    pub fn finish(self, _id: DataObjectId, _meta: ObjectMeta) -> Result<Arc<StoredObject>, QuarantineError> {
        todo!()
    }
}
