//! What the index keeps of each thing.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
};
use argosy_domain::{
    AccountId, BagId, ContentId, DataObjectId, DistributionBucketId, ObjectSize, StorageBucketId, WorkerId,
};
use codec::{Decode, Encode};

/// The first acceptance of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Acceptance {
    /// Height of the block.
    pub height: u64,
    /// The bucket that held it first.
    pub bucket: StorageBucketId,
}

/// A data object.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ObjectEntry {
    /// Proves its bytes.
    pub content_id: ContentId,
    /// Bytes.
    pub size: ObjectSize,
    /// Where it belongs.
    pub bag: BagId,
    /// None while pending.
    pub accepted: Option<Acceptance>,
}

/// A bag, its buckets and its objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BagEntry {
    /// Must keep it.
    pub storage: BTreeSet<StorageBucketId>,
    /// Must deliver it.
    pub distribution: BTreeSet<DistributionBucketId>,
    /// Pending and accepted ones.
    pub objects: BTreeSet<DataObjectId>,
}

/// The active operator of a storage bucket.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StorageOperator {
    /// Worker of the storage group.
    pub worker: WorkerId,
    /// Signs acceptances and holding reports.
    pub transactor: AccountId,
    /// Height of the block in which it took the bucket. What an earlier operator held says nothing.
    pub since_height: u64,
}

/// What a bucket last said that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Holdings {
    /// Everything of its bags that was accepted at or below this height …
    pub height: u64,
    /// … except these.
    pub except: BTreeSet<DataObjectId>,
}

/// A storage bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct StorageBucketEntry {
    /// None while nobody has accepted an invitation.
    pub operator: Option<StorageOperator>,
    /// Root URL of the operator's node, as the operator wrote it.
    pub endpoint: Option<String>,
    /// The present operator's newest report.
    pub holdings: Option<Holdings>,
    /// Bags that it must keep, each with the height at which it was assigned.
    pub bags: BTreeMap<BagId, u64>,
}

/// A distribution bucket.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DistributionBucketEntry {
    /// Whether its lead wants it to be used.
    pub distributing: bool,
    /// Active operators, with the root URLs of their nodes.
    pub operators: BTreeMap<WorkerId, Option<String>>,
    /// Bags that it must deliver.
    pub bags: BTreeSet<BagId>,
}

/// A storage node that an object can be fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageSource {
    /// Its bucket.
    pub bucket: StorageBucketId,
    /// Its operator.
    pub worker: WorkerId,
    /// Root URL, as the operator wrote it: check before use.
    pub endpoint: String,
    /// Whether it says that it holds the object.
    pub holds: bool,
}

/// A distributor that delivers a bag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distributor {
    /// The bucket through which it does.
    pub bucket: DistributionBucketId,
    /// Its operator.
    pub worker: WorkerId,
    /// Root URL, as the operator wrote it: check before use.
    pub endpoint: String,
}
