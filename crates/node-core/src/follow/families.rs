//! The directory's events in families, so that each is taken up by one function, or by none.
//!
//! An event that is in no family does not compile: whoever adds one decides here whether nodes act on it.

/// Declares a pattern macro that matches the events of a family.
macro_rules! family {
    ($(#[$doc:meta])* $name:ident: $($event:ident)*) => {
        $(#[$doc])*
        macro_rules! $name {
            () => { $(argosy_directory::Event::$event { .. })|* };
        }
        pub(super) use $name;
    };
}

family! {
    /// What becomes of objects and bags.
    content:
    DataObjectsUploaded PendingDataObjectsAccepted DataObjectsDeleted DynamicBagCreated
    DynamicBagDeleted DataObjectsMoved DataObjectsUpdated
}
family! {
    /// Storage buckets, and which bags they keep.
    storage:
    StorageBucketsUpdatedForBag StorageBucketCreated StorageBucketDeleted
    StorageBucketInvitationAccepted StorageBucketOperatorRemoved StorageOperatorMetadataSet
    HoldingsReported
}
family! {
    /// Distribution buckets, and which bags they deliver.
    distribution:
    DistributionBucketsUpdatedForBag DistributionBucketCreated DistributionBucketDeleted
    DistributionBucketModeUpdated DistributionBucketInvitationAccepted DistributionBucketMetadataSet
    DistributionBucketOperatorRemoved
}
family! {
    /// Who may do what, and what is for whom.
    rights:
    MemberCreated ChannelCreated ChannelDeleted MemberAccountsUpdated ChannelCollaboratorsUpdated
    CouncilSecretarySet CouncilKeysReplaced BagPrivacySet UpdateBlacklist WorkerHired WorkerRoleAccountUpdated WorkerExited
    TerminatedWorker TerminatedLeader LeaderSet LeaderUnset
}
family! {
    /// What binds storage buckets and their leads only.
    storage_terms:
    StorageBucketOperatorInvited StorageBucketInvitationCancelled StorageBucketStatusUpdated
    StorageBucketVoucherLimitsSet StorageBucketsVoucherMaxLimitsUpdated StorageBucketsPerBagLimitUpdated
    NumberOfStorageBucketsInDynamicBagCreationPolicyUpdated VoucherChanged StorageOperatorRemarked
    StorageBucketInvitationDeclined StorageBucketOperatorResigned OperatorsShort
}
family! {
    /// What binds distribution buckets and their leads only.
    distribution_terms:
    DistributionBucketFamilyCreated DistributionBucketFamilyDeleted DistributionBucketStatusUpdated
    DistributionBucketsPerBagLimitUpdated FamiliesInDynamicBagCreationPolicyUpdated
    DistributionBucketOperatorInvited DistributionBucketInvitationCancelled DistributionBucketsShort
    DistributionOperatorRemarked DistributionBucketFamilyMetadataSet
    DistributionBucketInvitationDeclined DistributionBucketOperatorResigned
}
family! {
    /// Fees, names and money of those who own content.
    owners_affairs:
    UploadingBlockStatusUpdated DataObjectPerMegabyteFeeUpdated DataObjectStateBloatBondValueUpdated
    AssetSetCreated AssetSetUpdated AssetSetDeleted StakingAccountConfirmed StakingAccountRemoved
    Transferred BatchItemCompleted BatchItemFailed BatchInterrupted
}
family! {
    /// Work and pay in groups.
    groups_affairs:
    OpeningAdded OpeningCancelled AppliedOnOpening ApplicationWithdrawn OpeningFilled
    WorkerRewardAccountUpdated WorkerRewardAmountUpdated StakeIncreased StakeDecreased StakeSlashed
    WorkerStartedLeaving RewardPaid NewMissedRewardLevelReached BudgetFunded BudgetSpent BudgetSet
    StatusTextChanged LeadRemarked WorkerRemarked
}
family! {
    /// What the council decides that nodes are not bound by.
    councils_affairs:
    CouncilProposed CouncilApproved CouncilApprovalWithdrawn CouncilExecuted CouncilProposalLapsed
    Granted ReleasePublished ParameterSet
}
