//! What a node answers for an object, before it looks at its own disk.

use crate::follow::{Distributor, Index};
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_directory::state::BagRef;
use argosy_domain::{AccountId, BagId, ContentId, DataObjectId, DistributionBucketId, ObjectSize, WorkerId};

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
    /// Nobody may pass on these bytes.
    Blacklisted,
    /// Others deliver its bag.
    NotOurs {
        /// Who does, with endpoints; may be empty.
        others: Vec<Distributor>,
    },
    /// Declared, but no storage node holds it yet.
    NotAccepted,
    /// Ours, but only for those who show that they may read it: see [`may_sign_permits`] and
    /// [`is_serving_node`].
    Private(Deliverable),
    /// Ours, for everybody.
    Serve(Deliverable),
}

/// An object that can be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deliverable {
    /// Proves its bytes.
    pub content_id: ContentId,
    /// Bytes.
    pub size: ObjectSize,
    /// Where it belongs.
    pub bag: BagId,
}

/// Decides what a distributor answers for an object, from the index alone.
///
/// Missing, not ours, not accepted come in the order of Joystream's distributor. A blacklisted object is
/// refused before others are named who would refuse it as well. Other than there, a bucket that is not
/// `distributing` is not ours to deliver, whether the configuration names it or not.
#[must_use]
pub fn decide_asset(index: &Index, my: &Assignment, id: DataObjectId) -> AssetDecision {
    let Some(object) = index.object(id) else { return AssetDecision::NotFound };
    if index.is_blacklisted(&object.content_id) {
        return AssetDecision::Blacklisted;
    }
    let Some(bag) = index.bag_of(id) else { return AssetDecision::NotFound };
    if !delivers(index, my, bag) {
        return AssetDecision::NotOurs { others: index.distributors_of(&object.bag) };
    }
    if object.accepted.is_none() {
        return AssetDecision::NotAccepted;
    }
    let deliverable = Deliverable { content_id: object.content_id, size: object.size, bag: object.bag };
    if bag.is_private() { AssetDecision::Private(deliverable) } else { AssetDecision::Serve(deliverable) }
}

/// Whether an answer that was begun may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoingOn {
    /// Whoever it goes to.
    Free,
    /// Only to those who show that they may read this bag, which is private.
    Private(BagId),
    /// To nobody: the object is blacklisted or deleted.
    Over,
}

/// Decides whether what was begun may go on, from the index alone. What others are to deliver from now on may:
/// whoever has begun here ends here.
#[must_use]
pub fn decide_going_on(index: &Index, id: DataObjectId) -> GoingOn {
    let (Some(object), Some(bag)) = (index.object(id), index.bag_of(id)) else { return GoingOn::Over };
    if index.is_blacklisted(&object.content_id) {
        return GoingOn::Over;
    }
    if bag.is_private() { GoingOn::Private(object.bag) } else { GoingOn::Free }
}

/// What a storage node answers for an object, before it looks at its own disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileDecision {
    /// Deleted.
    Deleted,
    /// The index has not heard of it yet, so that nobody can say whether it may be passed on.
    Unknown,
    /// Nobody may pass on these bytes.
    Blacklisted,
    /// Only for those who show that they may read it.
    Private(Deliverable),
    /// For everybody.
    Serve(Deliverable),
}

/// Decides what a storage node answers for an object, from the index alone. Objects of any bag, pending
/// ones too: whoever has proven bytes may pass them on.
#[must_use]
pub fn decide_file(index: &Index, id: DataObjectId) -> FileDecision {
    let (Some(object), Some(bag)) = (index.object(id), index.bag_of(id)) else {
        return if index.was_deleted(id) { FileDecision::Deleted } else { FileDecision::Unknown };
    };
    if index.is_blacklisted(&object.content_id) {
        return FileDecision::Blacklisted;
    }
    let deliverable = Deliverable { content_id: object.content_id, size: object.size, bag: object.bag };
    if bag.is_private() { FileDecision::Private(deliverable) } else { FileDecision::Serve(deliverable) }
}

/// Whether an account may let others read a private bag: whoever may upload into it, which is its
/// owner and, for a channel, the collaborators.
#[must_use]
pub fn may_sign_permits(index: &Index, bag: &BagId, account: &AccountId) -> bool {
    index.may_upload(bag, account)
}

/// Whether an account is that of a node which keeps or delivers a bag, and so may read it: the role
/// account of an active operator of one of its buckets, or the transactor of one of its storage buckets.
#[must_use]
pub fn is_serving_node(index: &Index, bag: &BagId, account: &AccountId) -> bool {
    index.serving_accounts(bag).any(|(_, _, serving)| serving == *account)
}

/// The buckets that an assignment means at the index's height. Configured ones need not exist.
#[must_use]
pub fn my_buckets(index: &Index, my: &Assignment) -> BTreeSet<DistributionBucketId> {
    match my {
        Assignment::Buckets(buckets) => buckets.clone(),
        Assignment::Worker(worker) => index.buckets_of_distribution_worker(*worker),
    }
}

/// Whether a bag is in one of the buckets of an assignment that are distributing.
#[must_use]
pub fn delivers(index: &Index, my: &Assignment, bag: BagRef<'_>) -> bool {
    bag.distributed_by().any(|bucket| {
        let entry = index.distribution_bucket(bucket).filter(|entry| entry.distributing);
        entry.is_some_and(|entry| match my {
            Assignment::Buckets(buckets) => buckets.contains(&bucket),
            Assignment::Worker(worker) => entry.operators.contains_key(worker),
        })
    })
}

#[cfg(test)]
mod tests;
