//! What the directory keeps about each thing.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use crate::{
    call::Balance,
    event::{Event, Voucher},
    reject::Reject,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use argosy_domain::{
    AccountId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId, FamilyId, MemberId,
    ObjectSize, StorageBucketId, WorkerId,
};
use codec::{Decode, Encode};

/// What a block tells the calls in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BlockContext {
    /// Its height; genesis is 0.
    pub height: u64,
    /// Its time in milliseconds since 1970; never before that of the block below.
    pub time_ms: u64,
    /// Its verifiable randomness.
    pub randomness: [u8; 32],
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Outcome {
    /// Whether the call took effect.
    pub result: Result<(), Reject>,
    /// What it changed, in order; empty if it failed.
    pub events: Vec<Event>,
}

/// The first acceptance of a data object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Acceptance {
    /// Height of its block.
    pub height: u64,
    /// The bucket that held the object first.
    pub bucket: StorageBucketId,
}

/// Immutable bytes that someone promised to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DataObject {
    /// The bag that it lives in.
    pub bag: BagId,
    /// Bytes, at least 1.
    pub size: ObjectSize,
    /// BLAKE3 root of its bytes.
    pub content_id: ContentId,
    /// Pending while none; the first acceptance stays for ever.
    pub accepted: Option<Acceptance>,
    /// The bond in force when it was declared.
    pub bond: Balance,
}

/// Objects placed as one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Bag {
    /// Storage buckets that must keep it, each with the height at which it was assigned.
    pub stored_by: BTreeMap<StorageBucketId, u64>,
    /// Distribution buckets that must deliver it.
    pub distributed_by: BTreeSet<DistributionBucketId>,
    /// Bytes of its objects.
    pub objects_total_size: u64,
    /// Count of its objects.
    pub objects_number: u64,
}

/// Who operates a storage bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StorageOperator {
    /// Nobody.
    Missing,
    /// Nobody yet.
    Invited {
        /// Who may accept.
        worker: WorkerId,
    },
    /// A worker, by a node that signs with the transactor account.
    Active {
        /// The worker.
        worker: WorkerId,
        /// Signs acceptances and holding reports.
        transactor: AccountId,
        /// Height at which the invitation was accepted.
        since: u64,
    },
}

/// A promise to keep bags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StorageBucket {
    /// At most one operator.
    pub operator: StorageOperator,
    /// Whether new bags may be assigned.
    pub accepting_new_bags: bool,
    /// Capacity and use; the use is the sum over the bags that it is assigned to.
    pub voucher: Voucher,
    /// Bags that it is assigned to.
    pub assigned_bags: u64,
}

/// An operator's claim: all accepted objects of the bucket's bags as of a height, except some.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HoldingReport {
    /// Objects accepted later, or in bags assigned later, are not claimed.
    pub height: u64,
    /// Accepted objects that are not held.
    pub except: BTreeSet<DataObjectId>,
}

/// Distribution buckets chosen together, mostly a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Family {
    /// Index of the next bucket; never goes back.
    pub next_distribution_bucket_index: u64,
}

/// A promise to deliver bags.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DistributionBucket {
    /// Whether new bags may be assigned.
    pub accepting_new_bags: bool,
    /// Whether it serves.
    pub distributing: bool,
    /// Workers who may accept; none of them is an operator.
    pub pending_invitations: BTreeSet<WorkerId>,
    /// Workers whose nodes serve it.
    pub operators: BTreeSet<WorkerId>,
    /// Bags that it is assigned to.
    pub assigned_bags: u64,
}

/// How many buckets a new bag of one kind is given.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Policy {
    /// Storage buckets.
    pub number_of_storage_buckets: u32,
    /// Distribution buckets in each family; no zeros.
    pub families: BTreeMap<FamilyId, u32>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Member {
    /// Unique name.
    pub handle: String,
    /// Root and controller account.
    pub account: AccountId,
}

/// A channel; its bag is `dynamic:channel:<id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Channel {
    /// The member who owns it.
    pub owner: MemberId,
}

/// A worker of a working group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Worker {
    /// The member hired.
    pub member: MemberId,
    /// Signs the worker's role calls.
    pub role_account: AccountId,
}

/// Single values: what leads set, and the ids that come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Settings {
    /// Whether new objects are refused.
    pub uploading_blocked: bool,
    /// Fee per started megabyte of an upload.
    pub data_object_per_megabyte_fee: Balance,
    /// Bond per declared object.
    pub data_object_state_bloat_bond: Balance,
    /// Most storage buckets that a lead may assign to a bag.
    pub storage_buckets_per_bag_limit: u32,
    /// Most distribution buckets that a lead may assign to a bag, over all families.
    pub distribution_buckets_per_bag_limit: u32,
    /// Largest size limit of a voucher, in bytes.
    pub voucher_max_size_limit: u64,
    /// Largest objects limit of a voucher.
    pub voucher_max_objects_limit: u64,
    /// Id of the next storage bucket.
    pub next_storage_bucket: StorageBucketId,
    /// Id of the next data object.
    pub next_data_object: DataObjectId,
    /// Id of the next family.
    pub next_family: FamilyId,
    /// Id of the next channel.
    pub next_channel: ChannelId,
    /// Id of the next member.
    pub next_member: MemberId,
}

impl StorageOperator {
    /// The worker, if active.
    #[must_use]
    pub const fn active(&self) -> Option<WorkerId> {
        match self {
            Self::Active { worker, .. } => Some(*worker),
            Self::Missing | Self::Invited { .. } => None,
        }
    }

    /// The worker, active or invited.
    #[must_use]
    pub const fn worker(&self) -> Option<WorkerId> {
        match self {
            Self::Active { worker, .. } | Self::Invited { worker } => Some(*worker),
            Self::Missing => None,
        }
    }
}
