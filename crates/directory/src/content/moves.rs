//! I5: objects that change their bag.

use super::{
    existing_bag,
    objects::{ensure_few, object_in},
    owners::ensure_may_edit,
};
use crate::{
    State,
    change::{Change, Edit},
    event::Event,
    reject::Reject,
    state::DataObject,
    storage::vouchers::{self, Load},
};
use alloc::collections::BTreeSet;
use argosy_domain::{AccountId, BagId, DataObjectId};

/// I5. No fee, no blacklist, no upload block: nothing new is declared. A bucket that keeps both bags
/// needs no room, since what it keeps does not change.
///
/// An object keeps its acceptance, but no bucket of the new bag is taken to hold it on account of
/// that: it must say so after the move.
pub(super) fn move_objects(
    state: &State,
    signer: AccountId,
    source_id: &BagId,
    destination_id: &BagId,
    objects: &BTreeSet<DataObjectId>,
) -> Result<Change, Reject> {
    let source = existing_bag(state, source_id)?;
    let destination = existing_bag(state, destination_id)?;
    ensure_may_edit(state, signer, source_id)?;
    ensure_may_edit(state, signer, destination_id)?;
    if source_id == destination_id {
        return Err(Reject::SourceAndDestinationBagsAreEqual);
    }
    if objects.is_empty() {
        return Err(Reject::DataObjectIdCollectionIsEmpty);
    }
    ensure_few(objects.len())?;
    let mut change = Change::default();
    let mut load = Load::default();
    for id in objects {
        let object = object_in(state, source_id, *id)?;
        if object.asset_set.is_some() {
            return Err(Reject::DataObjectIsInAssetSet);
        }
        load = load.plus(object.size);
        change.edit(Edit::Object(*id, Some(DataObject { bag: *destination_id, ..object })));
        change.edit(Edit::Moved(*id, Some(state.at().height)));
    }
    for id in source.stored_by.keys().filter(|id| !destination.stored_by.contains_key(id)) {
        let bucket = state.storage_bucket(*id).ok_or(Reject::StorageBucketDoesntExist)?;
        change.voucher(*id, vouchers::without(bucket, load));
    }
    for id in destination.stored_by.keys() {
        let bucket = state.storage_bucket(*id).ok_or(Reject::StorageBucketDoesntExist)?;
        let removed = if source.stored_by.contains_key(id) { load } else { Load::default() };
        change.voucher(*id, vouchers::changed(bucket, load, removed)?);
    }
    change.edit(Edit::BagLoad(*source_id, source.load().changed(Load::default(), load)?));
    change.edit(Edit::BagLoad(*destination_id, destination.load().changed(load, Load::default())?));
    change.tell(Event::DataObjectsMoved {
        source: *source_id,
        destination: *destination_id,
        objects: objects.clone(),
    });
    Ok(change)
}
