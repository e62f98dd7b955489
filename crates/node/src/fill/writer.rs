//! Writes proved parts to the store, in the order in which they were proved.

use super::Room;
use argosy_content::SliceItem;
use argosy_domain::{DataObjectId, num::to_u64};
use argosy_store::{ObjectMeta, PartialObject, Store, StoreError};
use std::sync::Arc;

/// Most bytes that one write takes from the queue; a single frame may bring somewhat more.
pub(super) const BATCH_BYTES: u64 = 1024 * 1024;

/// Why a fill cannot go on writing.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// Everything that could make room is in use.
    #[error("there is no room for the object")]
    NoRoom,
    /// The store refused or failed.
    #[error("the store does not take it")]
    Store(#[from] StoreError),
    /// The writing thread died.
    #[error("writing has panicked")]
    Panicked,
}

/// Bytes of an object in an item; pairs count nothing.
pub(super) fn data_bytes(item: &SliceItem) -> u64 {
    match item {
        SliceItem::Pair(_) => 0,
        SliceItem::Group(group) => to_u64(group.data().len()),
    }
}

/// What one blocking call writes.
pub(super) struct Batch {
    pub(super) store: Store,
    pub(super) room: Arc<dyn Room>,
    pub(super) id: DataObjectId,
    pub(super) meta: ObjectMeta,
    /// None if this is the first batch: files are made only when there is something for them.
    pub(super) partial: Option<Arc<PartialObject>>,
    pub(super) items: Vec<SliceItem>,
}

pub(super) type WriteResult = Result<Arc<PartialObject>, WriteError>;

impl Batch {
    /// Writes pairs, groups and then the map of what is held. Blocks the thread.
    pub(super) fn write(self) -> WriteResult {
        let held_bytes = self.partial.as_ref().map_or(0, |partial| partial.held_bytes());
        let bytes: u64 = self.items.iter().map(data_bytes).sum();
        if bytes > 0 && !self.room.make_room(self.id, held_bytes.saturating_add(bytes)) {
            return Err(WriteError::NoRoom);
        }
        let partial = match self.partial {
            Some(partial) => partial,
            None => self.store.partial(self.id, self.meta)?,
        };
        for item in &self.items {
            match item {
                SliceItem::Pair(pair) => partial.write_pair(pair)?,
                SliceItem::Group(group) => {
                    partial.write_group(group)?;
                }
            }
        }
        partial.save()?;
        Ok(partial)
    }
}
