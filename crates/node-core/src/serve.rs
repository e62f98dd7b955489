//! What a distributor answers for an object, before it looks at its own disk.

use crate::follow::{Distributor, Index};
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_directory::state::BagRef;
use argosy_domain::{BagId, ContentId, DataObjectId, DistributionBucketId, ObjectSize, WorkerId};

/// What a distributor is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// These buckets, by its configuration.
    Buckets(BTreeSet<DistributionBucketId>),
    /// Every bucket that this worker operates, now and later.
    Worker(WorkerId),
}

/// The answer for one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssetDecision {
    /// No such object: never declared, or deleted.
    NotFound,
    /// Declared, but no storage node holds it yet.
    NotAccepted,
    /// Others deliver its bag.
    NotOurs {
        /// Who does, with endpoints; may be empty.
        others: Vec<Distributor>,
    },
    /// Ours.
    Serve {
        /// Proves its bytes.
        content_id: ContentId,
        /// Bytes.
        size: ObjectSize,
        /// Where it belongs.
        bag: BagId,
    },
}

/// Decides what to answer for an object, from the index alone.
///
/// The order of the answers is that of Joystream's distributor: missing, not ours, not accepted. As
/// there, the `distributing` flag steers who is named to users, not what a node delivers when asked.
#[must_use]
pub fn decide_asset(index: &Index, my: &Assignment, id: DataObjectId) -> AssetDecision {
    let Some(object) = index.object(id) else { return AssetDecision::NotFound };
    if !index.bag_of(id).is_some_and(|bag| is_ours(index, my, bag)) {
        return AssetDecision::NotOurs { others: index.distributors_of(&object.bag) };
    }
    if object.accepted.is_none() {
        return AssetDecision::NotAccepted;
    }
    AssetDecision::Serve { content_id: object.content_id, size: object.size, bag: object.bag }
}

/// The buckets that an assignment means at the index's height. Configured ones need not exist.
#[must_use]
pub fn my_buckets(index: &Index, my: &Assignment) -> BTreeSet<DistributionBucketId> {
    match my {
        Assignment::Buckets(buckets) => buckets.clone(),
        Assignment::Worker(worker) => index.buckets_of_distribution_worker(*worker),
    }
}

fn is_ours(index: &Index, my: &Assignment, bag: BagRef<'_>) -> bool {
    bag.distributed_by().any(|bucket| match my {
        Assignment::Buckets(buckets) => buckets.contains(&bucket),
        Assignment::Worker(worker) => {
            index.distribution_bucket(bucket).is_some_and(|entry| entry.operators.contains_key(worker))
        }
    })
}

#[cfg(test)]
mod tests;
