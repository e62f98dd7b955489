//! Writes proved parts to the store, in the order in which they were proved.

use super::Room;
use argosy_content::SliceItem;
use argosy_domain::num::to_u64;
use argosy_store::{PartialObject, StoreError};

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
}

/// Bytes of an object in an item; pairs count nothing.
pub(super) fn data_bytes(item: &SliceItem) -> u64 {
    match item {
        SliceItem::Pair(_) => 0,
        SliceItem::Group(group) => to_u64(group.data().len()),
    }
}

/// Writes pairs, groups and then the map of what is held. Blocks the thread.
pub(super) fn write_batch(
    partial: &PartialObject,
    room: &dyn Room,
    batch: &[SliceItem],
) -> Result<(), WriteError> {
    let bytes: u64 = batch.iter().map(data_bytes).sum();
    if bytes > 0 && !room.make_room(partial.id(), partial.held_bytes().saturating_add(bytes)) {
        return Err(WriteError::NoRoom);
    }
    for item in batch {
        match item {
            SliceItem::Pair(pair) => partial.write_pair(pair)?,
            SliceItem::Group(group) => {
                partial.write_group(group)?;
            }
        }
    }
    partial.save()?;
    Ok(())
}
