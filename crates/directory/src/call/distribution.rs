//! Calls about families and distribution buckets, by the distribution group's lead and operators.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use argosy_domain::{BagId, BagType, DistributionBucketId, FamilyId, WorkerId};
use codec::{Decode, Encode};

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
    /// D13, by the lead.
    #[codec(index = 14)]
    SetDistributionBucketFamilyMetadata {
        /// Which family.
        family: FamilyId,
        /// Protobuf message.
        metadata: Vec<u8>,
    },
    /// D16, by the operator.
    #[codec(index = 15)]
    DistributionOperatorRemark {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Anything.
        message: Vec<u8>,
    },
    /// By the invited worker: no, thank you.
    #[codec(index = 16)]
    DeclineDistributionBucketInvitation {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: DistributionBucketId,
    },
    /// By the operator: gives notice, and is let go when it has run out.
    #[codec(index = 17)]
    ResignFromDistributionBucket {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: DistributionBucketId,
    },
}
