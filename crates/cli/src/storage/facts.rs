//! What the directory knows of storage buckets and bags, as plans need it.

use super::plan::{Bag, Bucket, Facts, Room};
use crate::failure::{Failure, Outcome};
use argosy_api::{
    DirectoryReader, Wanted,
    directory::{BagView, OperatorStatus, StorageBucketView},
};
use argosy_domain::StorageBucketId;

/// Every storage bucket.
pub(super) async fn buckets(reader: &DirectoryReader) -> Outcome<Vec<StorageBucketView>> {
    let mut wanted = Wanted::default();
    let mut buckets = Vec::new();
    loop {
        let page = reader.storage_buckets(&wanted).await;
        let page = page.map_err(|error| Failure::directory("storage buckets", &error))?;
        buckets.extend(page.items);
        match page.next {
            Some(next) => wanted.from = Some(next),
            None => return Ok(buckets),
        }
    }
}

/// Every bag, or those of one bucket.
pub(super) async fn bags(reader: &DirectoryReader, of: Option<StorageBucketId>) -> Outcome<Vec<BagView>> {
    let mut wanted = Wanted::default();
    let mut bags = Vec::new();
    loop {
        let page = reader.bags(&wanted, of, None).await;
        let page = page.map_err(|error| Failure::directory("bags", &error))?;
        bags.extend(page.items);
        match page.next {
            Some(next) => wanted.from = Some(next),
            None => return Ok(bags),
        }
    }
}

/// Whether the operator of a bucket has accepted.
pub(super) fn is_active(bucket: &StorageBucketView) -> bool {
    bucket.operator.as_ref().is_some_and(|operator| operator.status == OperatorStatus::Active)
}

/// The facts of a plan about these bags. `counts`: whether a bucket is one that counts.
pub(super) async fn facts(
    reader: &DirectoryReader,
    bags: Vec<BagView>,
    counts: impl Fn(&StorageBucketView) -> bool,
) -> Outcome<Facts> {
    let limits = reader.limits().await.map_err(|error| Failure::directory("the limits", &error))?;
    let counted = buckets(reader).await?.into_iter().filter(|bucket| counts(bucket));
    let mut bags: Vec<_> = bags.into_iter().map(Bag::from).collect();
    bags.sort_by_key(|bag| bag.id);
    Ok(Facts {
        buckets: counted.map(|bucket| (bucket.id, Bucket::from(&bucket))).collect(),
        bags,
        bag_limit: limits.storage_buckets_per_bag_limit.into(),
    })
}

impl From<&StorageBucketView> for Bucket {
    fn from(view: &StorageBucketView) -> Self {
        Self {
            active: is_active(view),
            accepting: view.accepting_new_bags,
            bytes: Room { limit: view.size_limit, used: view.size_used },
            objects: Room { limit: view.objects_limit, used: view.objects_used },
        }
    }
}

impl From<BagView> for Bag {
    fn from(view: BagView) -> Self {
        Self {
            id: view.id,
            bytes: view.objects_total_size,
            objects: view.objects_number,
            stored_by: view.storage_buckets.into_iter().collect(),
        }
    }
}
