//! Records that events carry.

use crate::call::ObjectsUpload;
use alloc::collections::BTreeSet;
use argosy_domain::{DistributionBucketId, DynamicBagId, StorageBucketId};
use codec::{Decode, Encode};

/// Capacity of a storage bucket, and what is used of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Voucher {
    /// Most bytes.
    pub size_limit: u64,
    /// Most objects.
    pub objects_limit: u64,
    /// Bytes of all objects in its bags.
    pub size_used: u64,
    /// Objects in its bags.
    pub objects_used: u64,
}

/// A bag as it was created, with the buckets that it was given.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DynamicBagCreation {
    /// The new bag.
    pub bag: DynamicBagId,
    /// Its first objects.
    pub upload: ObjectsUpload,
    /// Storage buckets that must keep it.
    pub storage_buckets: BTreeSet<StorageBucketId>,
    /// Distribution buckets that must deliver it.
    pub distribution_buckets: BTreeSet<DistributionBucketId>,
}
