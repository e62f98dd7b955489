//! Events: what a call changed, complete enough that an index can be kept from them alone.
//!
//! Names and order of fields are Joystream's; those after `OperatorsShort` are Argosy's own.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use crate::call::{Balance, ObjectsUpload};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, DataObjectId, DistributionBucketId, DynamicBagId, FamilyId,
    MemberId, StorageBucketId, WorkerId,
};
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

/// One change of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[expect(missing_docs, reason = "the fields are those of the calls, whose docs name them")]
pub enum Event {
    StorageBucketCreated {
        bucket: StorageBucketId,
        invited: Option<WorkerId>,
        accepting_new_bags: bool,
        size_limit: u64,
        objects_limit: u64,
    },
    StorageBucketDeleted {
        bucket: StorageBucketId,
    },
    StorageBucketOperatorInvited {
        bucket: StorageBucketId,
        worker: WorkerId,
    },
    StorageBucketInvitationCancelled {
        bucket: StorageBucketId,
    },
    StorageBucketInvitationAccepted {
        bucket: StorageBucketId,
        worker: WorkerId,
        transactor: AccountId,
    },
    StorageBucketOperatorRemoved {
        bucket: StorageBucketId,
    },
    StorageBucketStatusUpdated {
        bucket: StorageBucketId,
        accepting_new_bags: bool,
    },
    StorageBucketVoucherLimitsSet {
        bucket: StorageBucketId,
        size_limit: u64,
        objects_limit: u64,
    },
    StorageBucketsVoucherMaxLimitsUpdated {
        size_limit: u64,
        objects_limit: u64,
    },
    StorageBucketsPerBagLimitUpdated {
        limit: u32,
    },
    StorageBucketsUpdatedForBag {
        bag: BagId,
        added: BTreeSet<StorageBucketId>,
        removed: BTreeSet<StorageBucketId>,
    },
    StorageOperatorMetadataSet {
        bucket: StorageBucketId,
        worker: WorkerId,
        metadata: Vec<u8>,
    },
    UploadingBlockStatusUpdated {
        blocked: bool,
    },
    NumberOfStorageBucketsInDynamicBagCreationPolicyUpdated {
        bag_type: BagType,
        number: u32,
    },
    VoucherChanged {
        bucket: StorageBucketId,
        voucher: Voucher,
    },
    PendingDataObjectsAccepted {
        bucket: StorageBucketId,
        worker: WorkerId,
        bag: BagId,
        objects: BTreeSet<DataObjectId>,
    },
    DataObjectsUploaded {
        ids: Vec<DataObjectId>,
        bag: BagId,
        upload: ObjectsUpload,
        bond: Balance,
    },
    DataObjectsDeleted {
        refund_to: AccountId,
        bag: BagId,
        objects: BTreeSet<DataObjectId>,
    },
    DynamicBagCreated {
        creation: DynamicBagCreation,
        ids: Vec<DataObjectId>,
    },
    DynamicBagDeleted {
        bag: DynamicBagId,
    },
    DistributionBucketFamilyCreated {
        family: FamilyId,
    },
    DistributionBucketFamilyDeleted {
        family: FamilyId,
    },
    DistributionBucketCreated {
        family: FamilyId,
        accepting_new_bags: bool,
        bucket: DistributionBucketId,
    },
    DistributionBucketDeleted {
        bucket: DistributionBucketId,
    },
    DistributionBucketStatusUpdated {
        bucket: DistributionBucketId,
        accepting_new_bags: bool,
    },
    DistributionBucketModeUpdated {
        bucket: DistributionBucketId,
        distributing: bool,
    },
    DistributionBucketsUpdatedForBag {
        bag: BagId,
        family: FamilyId,
        added: BTreeSet<u64>,
        removed: BTreeSet<u64>,
    },
    DistributionBucketsPerBagLimitUpdated {
        limit: u32,
    },
    FamiliesInDynamicBagCreationPolicyUpdated {
        bag_type: BagType,
        families: BTreeMap<FamilyId, u32>,
    },
    DistributionBucketOperatorInvited {
        bucket: DistributionBucketId,
        worker: WorkerId,
    },
    DistributionBucketInvitationCancelled {
        bucket: DistributionBucketId,
        worker: WorkerId,
    },
    DistributionBucketInvitationAccepted {
        worker: WorkerId,
        bucket: DistributionBucketId,
    },
    DistributionBucketMetadataSet {
        worker: WorkerId,
        bucket: DistributionBucketId,
        metadata: Vec<u8>,
    },
    DistributionBucketOperatorRemoved {
        bucket: DistributionBucketId,
        worker: WorkerId,
    },
    /// Fewer buckets of a family qualified for a new bag than its policy wants.
    DistributionBucketsShort {
        bag: BagId,
        family: FamilyId,
        wanted: u32,
        assigned: u32,
    },
    /// Buckets without an active, distributing operator had to be used for a new bag.
    OperatorsShort {
        bag: BagId,
        storage_buckets: BTreeSet<StorageBucketId>,
        distribution_buckets: BTreeSet<DistributionBucketId>,
    },
    MemberCreated {
        member: MemberId,
        handle: String,
        account: AccountId,
    },
    ChannelCreated {
        channel: ChannelId,
        owner: MemberId,
    },
    ChannelDeleted {
        channel: ChannelId,
    },
    HoldingsReported {
        bucket: StorageBucketId,
        worker: WorkerId,
        height: u64,
        except: BTreeSet<DataObjectId>,
    },
}
