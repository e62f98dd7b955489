//! The name and the arguments of every call.

use super::{Shown, Words, shown};
use argosy_directory::{
    AccountsCall, BatchCall, BatchMode, Call, ContentCall, CouncilAction, CouncilCall, DistributionCall,
    GroupCall, MembershipCall, StorageCall, call::Parameter,
};
use serde_json::{Value, json};

shown!(AccountsCall {
    Transfer { to, amount },
});

shown!(ContentCall {
    CreateChannel { owner, upload, storage_buckets, distribution_buckets },
    DeleteChannel { channel },
    UploadDataObjects { bag, upload },
    DeleteDataObjects { bag, objects },
    UploadAndDeleteDataObjects { bag, upload, remove },
    MoveDataObjects { source, destination, objects },
    SetBagPrivacy { bag, private },
    UpdateChannelCollaborators { channel, collaborators },
    CreateMemberBag { member, upload, storage_buckets, distribution_buckets },
    DeleteMemberBag { member },
    CreateAssetSet { bag, name, upload },
    UpdateAssetSet { bag, name, upload, remove },
    DeleteAssetSet { bag, name },
});

shown!(CouncilCall {
    Propose { action },
    Approve { proposal },
    Withdraw { proposal },
});

shown!(CouncilAction {
    Group { group, call },
    FundGroup { group, amount },
    SetGroupBudget { group, amount },
    Grant { to, amount, locked },
    PublishRelease { program, version, run_by_ms },
    SetParameter { parameter },
    ReplaceKeys { keys, threshold },
    SetSecretary { account },
});

shown!(DistributionCall {
    CreateDistributionBucketFamily,
    DeleteDistributionBucketFamily { family },
    CreateDistributionBucket { family, accepting_new_bags },
    DeleteDistributionBucket { bucket },
    UpdateDistributionBucketStatus { bucket, accepting_new_bags },
    UpdateDistributionBucketsForBag { bag, family, add, remove },
    UpdateDistributionBucketsPerBagLimit { limit },
    UpdateDistributionBucketMode { bucket, distributing },
    UpdateFamiliesInDynamicBagCreationPolicy { bag_type, families },
    InviteDistributionBucketOperator { bucket, worker },
    CancelDistributionBucketOperatorInvite { bucket, worker },
    RemoveDistributionBucketOperator { bucket, worker },
    AcceptDistributionBucketInvitation { worker, bucket },
    SetDistributionOperatorMetadata { worker, bucket, metadata },
    SetDistributionBucketFamilyMetadata { family, metadata },
    DistributionOperatorRemark { worker, bucket, message },
    DeclineDistributionBucketInvitation { worker, bucket },
    ResignFromDistributionBucket { worker, bucket },
});

shown!(GroupCall {
    AddOpening { kind, description, stake, unstaking_period_ms, reward_per_period },
    CancelOpening { opening },
    ApplyOnOpening { opening, member, role_account, reward_account, staking_account, stake, description },
    WithdrawApplication { application },
    FillOpening { opening, applications },
    UpdateRoleAccount { worker, account },
    UpdateRewardAccount { worker, account },
    UpdateRewardAmount { worker, reward_per_period },
    IncreaseStake { worker, amount },
    DecreaseStake { worker, amount },
    SlashStake { worker, amount },
    TerminateRole { worker, slash },
    LeaveRole { worker },
    FundBudget { amount },
    SpendFromBudget { to, amount },
    SetStatusText { hash },
    LeadRemark { message },
    WorkerRemark { worker, message },
});

shown!(MembershipCall {
    CreateMember { handle },
    UpdateMemberAccounts { member, root, controller },
    ConfirmStakingAccount { member },
    RemoveStakingAccount,
});

shown!(StorageCall {
    CreateStorageBucket { invite_worker, accepting_new_bags, size_limit, objects_limit },
    DeleteStorageBucket { bucket },
    InviteStorageBucketOperator { bucket, worker },
    CancelStorageBucketOperatorInvite { bucket },
    RemoveStorageBucketOperator { bucket },
    UpdateStorageBucketStatus { bucket, accepting_new_bags },
    SetStorageBucketVoucherLimits { bucket, size_limit, objects_limit },
    UpdateStorageBucketsVoucherMaxLimits { size_limit, objects_limit },
    UpdateStorageBucketsPerBagLimit { limit },
    UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy { bag_type, number },
    UpdateStorageBucketsForBag { bag, add, remove },
    UpdateUploadingBlockedStatus { blocked },
    AcceptStorageBucketInvitation { worker, bucket, transactor },
    SetStorageOperatorMetadata { worker, bucket, metadata },
    AcceptPendingDataObjects { worker, bucket, bag, objects },
    ReportHoldings { worker, bucket, height, except },
    UpdateDataSizeFee { fee },
    UpdateDataObjectStateBloatBond { bond },
    UpdateBlacklist { remove, add },
    StorageOperatorRemark { worker, bucket, message },
    DeclineStorageBucketInvitation { worker, bucket },
    ResignFromStorageBucket { worker, bucket },
});

/// Module, name and arguments of a call.
pub(super) fn parts(call: &Call) -> (String, Words) {
    let (module, words) = match call {
        Call::Membership(call) => ("membership", Words::of(call)),
        Call::Content(call) => ("content", Words::of(call)),
        Call::Storage(call) => ("storage", Words::of(call)),
        Call::Distribution(call) => ("distribution", Words::of(call)),
        Call::Group { group, call } => return (format!("{}Group", group.name()), Words::of(call)),
        Call::Council(call) => ("council", Words::of(call)),
        Call::Accounts(call) => ("accounts", Words::of(call)),
        Call::Batch(batch) => ("batch", batch_words(batch)),
    };
    (module.to_owned(), words)
}

fn batch_words(batch: &BatchCall) -> Words {
    let mut words = Words::new(match batch.mode {
        BatchMode::AllOrNothing => "AllOrNothing",
        BatchMode::EachOnItsOwn => "EachOnItsOwn",
    });
    words.add("calls", &batch.calls);
    words
}

impl Shown for Call {
    fn json(&self) -> Value {
        let call = super::call(self);
        json!({"call": call.name, "arguments": call.arguments})
    }
}

impl Shown for CouncilAction {
    fn json(&self) -> Value {
        Words::of(self).json("action")
    }
}

impl Shown for GroupCall {
    fn json(&self) -> Value {
        Words::of(self).json("call")
    }
}

impl Shown for Parameter {
    fn json(&self) -> Value {
        let (name, value) = match *self {
            Self::TransactionFee(value) => ("TransactionFee", value.json()),
            Self::TransactionByteFee(value) => ("TransactionByteFee", value.json()),
            Self::TransactionWeightFee(value) => ("TransactionWeightFee", value.json()),
            Self::MaxDataObjectSize(value) => ("MaxDataObjectSize", value.json()),
            Self::MaxDistributionBucketFamilies(value) => ("MaxDistributionBucketFamilies", value.json()),
            Self::BlacklistSizeLimit(value) => ("BlacklistSizeLimit", value.json()),
            Self::MaxStorageBucketsPerWorker(value) => ("MaxStorageBucketsPerWorker", value.json()),
            Self::MaxAssetsPerSet(value) => ("MaxAssetsPerSet", value.json()),
            Self::MaxWorkersPerGroup(value) => ("MaxWorkersPerGroup", value.json()),
            Self::RewardPeriodMs(value) => ("RewardPeriodMs", value.json()),
            Self::MinUnstakingPeriodMs(value) => ("MinUnstakingPeriodMs", value.json()),
            Self::MinApplicationStake(value) => ("MinApplicationStake", value.json()),
            Self::OpeningDeposit(value) => ("OpeningDeposit", value.json()),
            Self::ResignationNoticeMs(value) => ("ResignationNoticeMs", value.json()),
            Self::ProposalLifeMs(value) => ("ProposalLifeMs", value.json()),
        };
        json!({"name": super::lower_first(name), "value": value})
    }
}
