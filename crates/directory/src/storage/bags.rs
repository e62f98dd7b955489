//! S11: which storage buckets keep a bag.

use super::{existing, vouchers, vouchers::Load};
use crate::{
    State,
    change::{Change, Edit},
    content::existing_bag,
    event::Event,
    reject::Reject,
    state::{Bag, StorageBucket},
};
use alloc::collections::BTreeSet;
use argosy_domain::{BagId, StorageBucketId, num::to_u64};

/// S11.
pub(super) fn update(
    state: &State,
    id: &BagId,
    add: &BTreeSet<StorageBucketId>,
    remove: &BTreeSet<StorageBucketId>,
) -> Result<Change, Reject> {
    let bag = existing_bag(state, id)?;
    if add.is_empty() && remove.is_empty() {
        return Err(Reject::StorageBucketIdCollectionsAreEmpty);
    }
    ensure_count(state, &bag, add.len(), remove.len())?;
    for bucket in remove {
        existing(state, *bucket)?;
        if !bag.stored_by.contains_key(bucket) {
            return Err(Reject::StorageBucketIsNotBoundToBag);
        }
    }
    for bucket in add {
        if !existing(state, *bucket)?.accepting_new_bags {
            return Err(Reject::StorageBucketDoesntAcceptNewBags);
        }
        if bag.stored_by.contains_key(bucket) {
            return Err(Reject::StorageBucketIsBoundToBag);
        }
    }
    let load = Load { objects: bag.objects_number, size: bag.objects_total_size };
    let mut after = bag.clone();
    let mut change = Change::default();
    for bucket in add {
        change.voucher(*bucket, assigned(existing(state, *bucket)?, load)?);
        after.stored_by.insert(*bucket, state.at().height);
    }
    for bucket in remove {
        change.voucher(*bucket, unassigned(existing(state, *bucket)?, load));
        after.stored_by.remove(bucket);
    }
    change.edit(Edit::Bag(*id, Some(after)));
    change.tell(Event::StorageBucketsUpdatedForBag { bag: *id, added: add.clone(), removed: remove.clone() });
    Ok(change)
}

/// Judges numbers before any id is looked at, and removals too: as on Joystream, a bag far above a
/// lowered limit can only be brought down by removing enough at once.
fn ensure_count(state: &State, bag: &Bag, add: usize, remove: usize) -> Result<(), Reject> {
    let count = to_u64(bag.stored_by.len().saturating_add(add).saturating_sub(remove));
    if count > u64::from(state.settings().storage_buckets_per_bag_limit) {
        return Err(Reject::StorageBucketPerBagLimitExceeded);
    }
    Ok(())
}

/// The bucket with one more bag, of this load.
pub(crate) fn assigned(bucket: &StorageBucket, load: Load) -> Result<StorageBucket, Reject> {
    let bucket = vouchers::with(bucket, load)?;
    Ok(StorageBucket { assigned_bags: bucket.assigned_bags.saturating_add(1), ..bucket })
}

/// The bucket with one bag less, of this load.
pub(crate) fn unassigned(bucket: &StorageBucket, load: Load) -> StorageBucket {
    let bucket = vouchers::without(bucket, load);
    StorageBucket { assigned_bags: bucket.assigned_bags.saturating_sub(1), ..bucket }
}
