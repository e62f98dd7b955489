//! D6: which distribution buckets deliver a bag.

use super::{existing, existing_family};
use crate::{
    State,
    change::{Change, Edit},
    content::existing_bag,
    event::Event,
    reject::Reject,
    state::DistributionBucket,
};
use alloc::collections::BTreeSet;
use argosy_domain::{BagId, DistributionBucketId, FamilyId, num::to_u64};

/// D6. Unlike S11, empty sets are found before a missing bag.
pub(super) fn update(
    state: &State,
    id: &BagId,
    family: FamilyId,
    add: &BTreeSet<u64>,
    remove: &BTreeSet<u64>,
) -> Result<Change, Reject> {
    if add.is_empty() && remove.is_empty() {
        return Err(Reject::DistributionBucketIdCollectionsAreEmpty);
    }
    let bag = existing_bag(state, id)?;
    existing_family(state, family)?;
    let count = bag.distributed_by.len().saturating_add(add.len()).saturating_sub(remove.len());
    if to_u64(count) > u64::from(state.settings().distribution_buckets_per_bag_limit) {
        return Err(Reject::MaxDistributionBucketNumberPerBagLimitExceeded);
    }
    let mut after = bag.clone();
    let mut change = Change::default();
    for &index in remove {
        let bucket_id = DistributionBucketId { family, index };
        let bucket = existing(state, bucket_id)?;
        if !after.distributed_by.remove(&bucket_id) {
            return Err(Reject::DistributionBucketIsNotBoundToBag);
        }
        change.edit(unassigned(bucket_id, bucket));
    }
    for &index in add {
        let bucket_id = DistributionBucketId { family, index };
        let bucket = existing(state, bucket_id)?;
        if !bucket.accepting_new_bags {
            return Err(Reject::DistributionBucketDoesntAcceptNewBags);
        }
        if bag.distributed_by.contains(&bucket_id) {
            return Err(Reject::DistributionBucketIsBoundToBag);
        }
        after.distributed_by.insert(bucket_id);
        change.edit(assigned(bucket_id, bucket));
    }
    change.edit(Edit::Bag(*id, Some(after)));
    change.tell(Event::DistributionBucketsUpdatedForBag {
        bag: *id,
        family,
        added: add.clone(),
        removed: remove.clone(),
    });
    Ok(change)
}

/// One more bag.
pub(crate) fn assigned(id: DistributionBucketId, bucket: &DistributionBucket) -> Edit {
    let assigned_bags = bucket.assigned_bags.saturating_add(1);
    Edit::DistributionBucket(id, Some(DistributionBucket { assigned_bags, ..bucket.clone() }))
}

/// One bag less.
pub(crate) fn unassigned(id: DistributionBucketId, bucket: &DistributionBucket) -> Edit {
    let assigned_bags = bucket.assigned_bags.saturating_sub(1);
    Edit::DistributionBucket(id, Some(DistributionBucket { assigned_bags, ..bucket.clone() }))
}
