//! Events: what a call changed, complete enough that an index can be kept from them alone.
//!
//! Names and order of fields are Joystream's; those after `OperatorsShort` are Argosy's own.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

mod records;

pub use records::{DynamicBagCreation, Voucher};

use crate::{
    call::{Balance, CouncilAction, ObjectsUpload, Parameter},
    reject::Reject,
    state::OpeningKind,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use argosy_domain::{
    AccountId, ApplicationId, BagId, BagType, ChannelId, DataObjectId, DistributionBucketId, DynamicBagId,
    FamilyId, MemberId, OpeningId, ProposalId, ReleaseId, StorageBucketId, WorkerId, WorkingGroup,
};
use codec::{Decode, Encode};

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
    DataObjectPerMegabyteFeeUpdated {
        fee: Balance,
    },
    DataObjectStateBloatBondValueUpdated {
        bond: Balance,
    },
    UpdateBlacklist {
        removed: BTreeSet<Vec<u8>>,
        added: BTreeSet<Vec<u8>>,
    },
    StorageOperatorRemarked {
        worker: WorkerId,
        bucket: StorageBucketId,
        message: Vec<u8>,
    },
    DistributionOperatorRemarked {
        worker: WorkerId,
        bucket: DistributionBucketId,
        message: Vec<u8>,
    },
    DistributionBucketFamilyMetadataSet {
        family: FamilyId,
        metadata: Vec<u8>,
    },
    DataObjectsMoved {
        source: BagId,
        destination: BagId,
        objects: BTreeSet<DataObjectId>,
    },
    DataObjectsUpdated {
        bag: BagId,
        upload: ObjectsUpload,
        ids: Vec<DataObjectId>,
        removed: BTreeSet<DataObjectId>,
    },
    BagPrivacySet {
        bag: BagId,
        private: bool,
    },
    StorageBucketInvitationDeclined {
        worker: WorkerId,
        bucket: StorageBucketId,
    },
    DistributionBucketInvitationDeclined {
        worker: WorkerId,
        bucket: DistributionBucketId,
    },
    /// Gave notice; the bucket's operator is removed in the first block at or after `at_ms`.
    StorageBucketOperatorResigned {
        worker: WorkerId,
        bucket: StorageBucketId,
        at_ms: u64,
    },
    /// Gave notice; the operator is removed in the first block at or after `at_ms`.
    DistributionBucketOperatorResigned {
        worker: WorkerId,
        bucket: DistributionBucketId,
        at_ms: u64,
    },
    ChannelCollaboratorsUpdated {
        channel: ChannelId,
        collaborators: BTreeSet<MemberId>,
    },
    AssetSetCreated {
        bag: DynamicBagId,
        name: String,
        objects: BTreeSet<DataObjectId>,
    },
    AssetSetUpdated {
        bag: DynamicBagId,
        name: String,
        added: BTreeSet<DataObjectId>,
        removed: BTreeSet<DataObjectId>,
    },
    AssetSetDeleted {
        bag: DynamicBagId,
        name: String,
    },
    MemberAccountsUpdated {
        member: MemberId,
        root: AccountId,
        controller: AccountId,
    },
    StakingAccountConfirmed {
        member: MemberId,
        account: AccountId,
    },
    StakingAccountRemoved {
        member: MemberId,
        account: AccountId,
    },
    Transferred {
        from: AccountId,
        to: AccountId,
        amount: Balance,
    },
    /// The call of a batch at this position took effect by the events before this one.
    BatchItemCompleted {
        index: u32,
    },
    /// The call of a batch at this position failed; the others go on.
    BatchItemFailed {
        index: u32,
        reject: Reject,
    },
    /// The call of a batch at this position failed, and the batch with it. Nothing was changed.
    BatchInterrupted {
        index: u32,
        reject: Reject,
    },
    OpeningAdded {
        group: WorkingGroup,
        opening: OpeningId,
        description: [u8; 32],
        kind: OpeningKind,
        stake: Balance,
        unstaking_period_ms: u64,
        reward_per_period: Option<Balance>,
    },
    OpeningCancelled {
        group: WorkingGroup,
        opening: OpeningId,
    },
    AppliedOnOpening {
        group: WorkingGroup,
        opening: OpeningId,
        application: ApplicationId,
        member: MemberId,
        role_account: AccountId,
        reward_account: AccountId,
        staking_account: AccountId,
        stake: Balance,
        description: [u8; 32],
    },
    ApplicationWithdrawn {
        group: WorkingGroup,
        application: ApplicationId,
    },
    OpeningFilled {
        group: WorkingGroup,
        opening: OpeningId,
        workers: BTreeMap<ApplicationId, WorkerId>,
    },
    WorkerHired {
        group: WorkingGroup,
        worker: WorkerId,
        member: MemberId,
        role_account: AccountId,
    },
    LeaderSet {
        group: WorkingGroup,
        worker: WorkerId,
    },
    LeaderUnset {
        group: WorkingGroup,
    },
    WorkerRoleAccountUpdated {
        group: WorkingGroup,
        worker: WorkerId,
        account: AccountId,
    },
    WorkerRewardAccountUpdated {
        group: WorkingGroup,
        worker: WorkerId,
        account: AccountId,
    },
    WorkerRewardAmountUpdated {
        group: WorkingGroup,
        worker: WorkerId,
        reward_per_period: Option<Balance>,
    },
    StakeIncreased {
        group: WorkingGroup,
        worker: WorkerId,
        amount: Balance,
    },
    StakeDecreased {
        group: WorkingGroup,
        worker: WorkerId,
        amount: Balance,
    },
    /// `amount` is what was burned, at most what was asked for.
    StakeSlashed {
        group: WorkingGroup,
        worker: WorkerId,
        amount: Balance,
        requested: Balance,
    },
    WorkerStartedLeaving {
        group: WorkingGroup,
        worker: WorkerId,
        leaves_ms: u64,
    },
    WorkerExited {
        group: WorkingGroup,
        worker: WorkerId,
    },
    TerminatedWorker {
        group: WorkingGroup,
        worker: WorkerId,
    },
    TerminatedLeader {
        group: WorkingGroup,
        worker: WorkerId,
    },
    /// `missed` tells how much of it had been missed before.
    RewardPaid {
        group: WorkingGroup,
        worker: WorkerId,
        account: AccountId,
        amount: Balance,
        missed: Balance,
    },
    NewMissedRewardLevelReached {
        group: WorkingGroup,
        worker: WorkerId,
        missed: Balance,
    },
    BudgetFunded {
        group: WorkingGroup,
        from: AccountId,
        amount: Balance,
    },
    BudgetSpent {
        group: WorkingGroup,
        to: AccountId,
        amount: Balance,
    },
    /// By the council; the budget is `amount` now.
    BudgetSet {
        group: WorkingGroup,
        amount: Balance,
    },
    StatusTextChanged {
        group: WorkingGroup,
        hash: Option<[u8; 32]>,
    },
    LeadRemarked {
        group: WorkingGroup,
        message: Vec<u8>,
    },
    WorkerRemarked {
        group: WorkingGroup,
        worker: WorkerId,
        message: Vec<u8>,
    },
    CouncilProposed {
        proposal: ProposalId,
        by: AccountId,
        action: CouncilAction,
    },
    CouncilApproved {
        proposal: ProposalId,
        by: AccountId,
    },
    CouncilApprovalWithdrawn {
        proposal: ProposalId,
        by: AccountId,
    },
    /// Carried out, by the events after this one.
    CouncilExecuted {
        proposal: ProposalId,
    },
    /// Nobody approves it, or its time is over.
    CouncilProposalLapsed {
        proposal: ProposalId,
    },
    CouncilKeysReplaced {
        keys: BTreeSet<AccountId>,
        threshold: u32,
    },
    CouncilSecretarySet {
        account: Option<AccountId>,
    },
    Granted {
        to: AccountId,
        amount: Balance,
        locked: bool,
    },
    ReleasePublished {
        release: ReleaseId,
        program: String,
        version: String,
        published_ms: u64,
        run_by_ms: u64,
    },
    ParameterSet {
        parameter: Parameter,
    },
}
