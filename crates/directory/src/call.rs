//! Calls: what a signer can ask of the directory. Names are Joystream's.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, DataObjectId, DistributionBucketId, FamilyId, MemberId, ObjectSize,
    StorageBucketId, WorkerId,
};
use codec::{Decode, Encode};

/// Amount of money in base units.
pub type Balance = u128;

/// Any request to the directory, by the module that judges it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Call {
    /// Members.
    #[codec(index = 0)]
    Membership(MembershipCall),
    /// Channels and their data objects.
    #[codec(index = 1)]
    Content(ContentCall),
    /// Storage buckets, by the storage group's lead and operators.
    #[codec(index = 2)]
    Storage(StorageCall),
    /// Families and distribution buckets, by the distribution group's lead and operators.
    #[codec(index = 3)]
    Distribution(DistributionCall),
}

/// Members.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum MembershipCall {
    /// Makes a member whose root and controller account is the signer's.
    #[codec(index = 0)]
    CreateMember {
        /// Unique name: 1 to 64 bytes of lower-case letters, digits, `-` and `_`.
        handle: String,
    },
}

/// One data object to be declared.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ObjectCreation {
    /// Bytes, from 1 to the largest object size.
    pub size: ObjectSize,
    /// Text of the content id: exactly 46 bytes.
    pub ipfs_content_id: Vec<u8>,
}

/// Objects to be declared, and the prices that the signer was quoted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ObjectsUpload {
    /// In the order in which ids will be handed out.
    pub object_creation_list: Vec<ObjectCreation>,
    /// Must equal the present fee per megabyte.
    pub expected_data_size_fee: Balance,
    /// Must equal the present bond per object.
    pub expected_data_object_state_bloat_bond: Balance,
}

/// Channels and their data objects; the signer is the owner's controller account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ContentCall {
    /// Makes a channel and its bag `dynamic:channel:<id>`.
    ///
    /// Buckets left out are chosen by the directory, by policy and the block's randomness.
    #[codec(index = 0)]
    CreateChannel {
        /// The member who will own it.
        owner: MemberId,
        /// First objects; may be empty.
        upload: ObjectsUpload,
        /// Explicit storage buckets, checked against the policy.
        storage_buckets: Option<BTreeSet<StorageBucketId>>,
        /// Explicit distribution buckets, checked against the policy.
        distribution_buckets: Option<BTreeSet<DistributionBucketId>>,
    },
    /// Deletes a channel, its bag and all objects in it.
    #[codec(index = 1)]
    DeleteChannel {
        /// The channel.
        channel: ChannelId,
    },
    /// Declares objects in a bag.
    #[codec(index = 2)]
    UploadDataObjects {
        /// The bag, owned by the signer.
        bag: BagId,
        /// What is declared.
        upload: ObjectsUpload,
    },
    /// Deletes objects from a bag.
    #[codec(index = 3)]
    DeleteDataObjects {
        /// The bag, owned by the signer.
        bag: BagId,
        /// Which objects.
        objects: BTreeSet<DataObjectId>,
    },
}

/// Storage buckets. `S…` numbers are those of the directory's specification.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StorageCall {
    /// S1, by the lead.
    #[codec(index = 0)]
    CreateStorageBucket {
        /// Worker to invite at once.
        invite_worker: Option<WorkerId>,
        /// Whether new bags may be assigned.
        accepting_new_bags: bool,
        /// Voucher: bytes.
        size_limit: u64,
        /// Voucher: objects.
        objects_limit: u64,
    },
    /// S2, by the lead.
    #[codec(index = 1)]
    DeleteStorageBucket {
        /// Which bucket.
        bucket: StorageBucketId,
    },
    /// S3, by the lead.
    #[codec(index = 2)]
    InviteStorageBucketOperator {
        /// Which bucket.
        bucket: StorageBucketId,
        /// Who is invited.
        worker: WorkerId,
    },
    /// S4, by the lead.
    #[codec(index = 3)]
    CancelStorageBucketOperatorInvite {
        /// Which bucket.
        bucket: StorageBucketId,
    },
    /// S5, by the lead.
    #[codec(index = 4)]
    RemoveStorageBucketOperator {
        /// Which bucket.
        bucket: StorageBucketId,
    },
    /// S6, by the lead.
    #[codec(index = 5)]
    UpdateStorageBucketStatus {
        /// Which bucket.
        bucket: StorageBucketId,
        /// Whether new bags may be assigned.
        accepting_new_bags: bool,
    },
    /// S7, by the lead.
    #[codec(index = 6)]
    SetStorageBucketVoucherLimits {
        /// Which bucket.
        bucket: StorageBucketId,
        /// Bytes.
        size_limit: u64,
        /// Objects.
        objects_limit: u64,
    },
    /// S8, by the lead.
    #[codec(index = 7)]
    UpdateStorageBucketsVoucherMaxLimits {
        /// Bytes.
        size_limit: u64,
        /// Objects.
        objects_limit: u64,
    },
    /// S9, by the lead.
    #[codec(index = 8)]
    UpdateStorageBucketsPerBagLimit {
        /// Most storage buckets of a bag.
        limit: u32,
    },
    /// S10, by the lead.
    #[codec(index = 9)]
    UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy {
        /// Which policy.
        bag_type: BagType,
        /// Storage buckets of a new bag.
        number: u32,
    },
    /// S11, by the lead.
    #[codec(index = 10)]
    UpdateStorageBucketsForBag {
        /// Which bag.
        bag: BagId,
        /// Buckets to add.
        add: BTreeSet<StorageBucketId>,
        /// Buckets to remove.
        remove: BTreeSet<StorageBucketId>,
    },
    /// S12, by the lead.
    #[codec(index = 11)]
    UpdateUploadingBlockedStatus {
        /// Whether new objects are refused.
        blocked: bool,
    },
    /// S16, by the invited worker.
    #[codec(index = 12)]
    AcceptStorageBucketInvitation {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
        /// Account that will sign acceptances and holding reports.
        transactor: AccountId,
    },
    /// S17, by the operator.
    #[codec(index = 13)]
    SetStorageOperatorMetadata {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
        /// Protobuf message.
        metadata: Vec<u8>,
    },
    /// S18, by the transactor: the bucket holds these objects durably.
    #[codec(index = 14)]
    AcceptPendingDataObjects {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
        /// The objects' bag.
        bag: BagId,
        /// Which objects.
        objects: BTreeSet<DataObjectId>,
    },
    /// By the transactor: the bucket holds every object of its bags that was accepted at or below
    /// `height`, except these.
    #[codec(index = 15)]
    ReportHoldings {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
        /// Height of the newest block that the report takes into account.
        height: u64,
        /// Accepted objects that are not held (yet).
        except: BTreeSet<DataObjectId>,
    },
}

/// Families and distribution buckets. `D…` numbers are those of the directory's specification.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum DistributionCall {
    /// D1, by the lead.
    #[codec(index = 0)]
    CreateDistributionBucketFamily,
    /// D2, by the lead; refused while the family has buckets.
    #[codec(index = 1)]
    DeleteDistributionBucketFamily {
        /// Which family.
        family: FamilyId,
    },
    /// D3, by the lead.
    #[codec(index = 2)]
    CreateDistributionBucket {
        /// Which family.
        family: FamilyId,
        /// Whether new bags may be assigned.
        accepting_new_bags: bool,
    },
    /// D4, by the lead; drops pending invitations with events.
    #[codec(index = 3)]
    DeleteDistributionBucket {
        /// Which bucket.
        bucket: DistributionBucketId,
    },
    /// D5, by the lead.
    #[codec(index = 4)]
    UpdateDistributionBucketStatus {
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Whether new bags may be assigned.
        accepting_new_bags: bool,
    },
    /// D6, by the lead.
    #[codec(index = 5)]
    UpdateDistributionBucketsForBag {
        /// Which bag.
        bag: BagId,
        /// Which family.
        family: FamilyId,
        /// Indices to add.
        add: BTreeSet<u64>,
        /// Indices to remove.
        remove: BTreeSet<u64>,
    },
    /// D7, by the lead.
    #[codec(index = 6)]
    UpdateDistributionBucketsPerBagLimit {
        /// Most distribution buckets of a bag, over all families.
        limit: u32,
    },
    /// D8, by the lead.
    #[codec(index = 7)]
    UpdateDistributionBucketMode {
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Whether it serves.
        distributing: bool,
    },
    /// D9, by the lead: replaces the policy's families.
    #[codec(index = 8)]
    UpdateFamiliesInDynamicBagCreationPolicy {
        /// Which policy.
        bag_type: BagType,
        /// Buckets of a new bag in each family; zeros are dropped.
        families: BTreeMap<FamilyId, u32>,
    },
    /// D10, by the lead.
    #[codec(index = 9)]
    InviteDistributionBucketOperator {
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Who is invited.
        worker: WorkerId,
    },
    /// D11, by the lead.
    #[codec(index = 10)]
    CancelDistributionBucketOperatorInvite {
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Whose invitation.
        worker: WorkerId,
    },
    /// D12, by the lead.
    #[codec(index = 11)]
    RemoveDistributionBucketOperator {
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Which operator.
        worker: WorkerId,
    },
    /// D14, by the invited worker.
    #[codec(index = 12)]
    AcceptDistributionBucketInvitation {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: DistributionBucketId,
    },
    /// D15, by the operator.
    #[codec(index = 13)]
    SetDistributionOperatorMetadata {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Protobuf message.
        metadata: Vec<u8>,
    },
}
