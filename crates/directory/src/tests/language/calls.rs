//! Reads the calls of the transcripts.

use super::{Args, account, parse};
use crate::{
    AccountsCall, BatchCall, BatchMode, Call, ContentCall, CouncilAction, CouncilCall, DistributionCall,
    GroupCall, MembershipCall, StorageCall, call::Parameter, state::OpeningKind,
};
use argosy_domain::{BagId, BagType, DynamicBagId, FamilyId, MemberId, WorkingGroup};
use std::{string::String, vec};

pub(super) fn bag_type(text: &str) -> BagType {
    match text {
        "member" => BagType::Member,
        "channel" => BagType::Channel,
        other => panic!("{other:?} is no type of bag"),
    }
}

pub(in crate::tests) fn read_call(text: &str) -> Call {
    for (word, mode) in [("batch_all", BatchMode::AllOrNothing), ("batch_each", BatchMode::EachOnItsOwn)] {
        if let Some(calls) = text.strip_prefix(word) {
            let calls = calls.split(';').map(str::trim).filter(|call| !call.is_empty());
            return Call::Batch(BatchCall { mode, calls: calls.map(read_call).collect() });
        }
    }
    if let Some((count, call)) = text.strip_prefix("batch_of ").and_then(|rest| rest.split_once(' ')) {
        let calls = vec![read_call(call); parse(count)];
        return Call::Batch(BatchCall { mode: BatchMode::EachOnItsOwn, calls });
    }
    if let Some(action) = text.strip_prefix("propose ") {
        return Call::Council(CouncilCall::Propose { action: read_action(action) });
    }
    let args = Args::parse(text);
    let name = args.word(0);
    if let Some((group, name)) = name.split_once('.') {
        return Call::Group { group: working_group(group), call: read_group_call(name, &args) };
    }
    read_content_call(name, &args)
        .or_else(|| read_bag_call(name, &args))
        .or_else(|| read_other_call(name, &args))
        .or_else(|| read_storage_call(name, &args))
        .or_else(|| read_storage_operator_call(name, &args))
        .or_else(|| read_distribution_call(name, &args))
        .or_else(|| read_distribution_operator_call(name, &args))
        .unwrap_or_else(|| panic!("{name:?} is no call"))
}

fn read_content_call(name: &str, args: &Args) -> Option<Call> {
    Some(Call::Content(match name {
        "create_member" => {
            // `A*65` is sixty-five letters.
            let handle = match args.word(1).split_once('*') {
                Some((letter, count)) => letter.repeat(parse(count)),
                None => args.word(1).into(),
            };
            return Some(Call::Membership(MembershipCall::CreateMember { handle }));
        }
        "create_channel" => ContentCall::CreateChannel {
            owner: MemberId(args.get("owner")),
            upload: args.upload(),
            storage_buckets: args.maybe_set("storage"),
            distribution_buckets: args.maybe_set("distribution"),
        },
        "upload_and_delete" => ContentCall::UploadAndDeleteDataObjects {
            bag: parse(args.word(1)),
            upload: args.upload(),
            remove: args.set("ids"),
        },
        "move_data_objects" => ContentCall::MoveDataObjects {
            source: args.get("from"),
            destination: args.get("to"),
            objects: args.set("ids"),
        },
        "delete_channel" => ContentCall::DeleteChannel { channel: parse(args.word(1)) },
        "upload_data_objects" => {
            ContentCall::UploadDataObjects { bag: parse(args.word(1)), upload: args.upload() }
        }
        "delete_data_objects" => {
            ContentCall::DeleteDataObjects { bag: parse(args.word(1)), objects: args.set("ids") }
        }
        _ => return None,
    }))
}

fn read_storage_call(name: &str, args: &Args) -> Option<Call> {
    let bucket = || parse(args.word(1));
    let accepting_new_bags = args.has("accepting");
    Some(Call::Storage(match name {
        "create_storage_bucket" => StorageCall::CreateStorageBucket {
            invite_worker: args.maybe("invite"),
            accepting_new_bags,
            size_limit: args.get("size"),
            objects_limit: args.get("objects"),
        },
        "delete_storage_bucket" => StorageCall::DeleteStorageBucket { bucket: bucket() },
        "invite_storage_bucket_operator" => {
            StorageCall::InviteStorageBucketOperator { bucket: bucket(), worker: args.get("worker") }
        }
        "cancel_storage_bucket_operator_invite" => {
            StorageCall::CancelStorageBucketOperatorInvite { bucket: bucket() }
        }
        "remove_storage_bucket_operator" => StorageCall::RemoveStorageBucketOperator { bucket: bucket() },
        "update_storage_bucket_status" => {
            StorageCall::UpdateStorageBucketStatus { bucket: bucket(), accepting_new_bags }
        }
        "set_storage_bucket_voucher_limits" => StorageCall::SetStorageBucketVoucherLimits {
            bucket: bucket(),
            size_limit: args.get("size"),
            objects_limit: args.get("objects"),
        },
        "update_storage_buckets_voucher_max_limits" => StorageCall::UpdateStorageBucketsVoucherMaxLimits {
            size_limit: args.get("size"),
            objects_limit: args.get("objects"),
        },
        "update_storage_buckets_per_bag_limit" => {
            StorageCall::UpdateStorageBucketsPerBagLimit { limit: parse(args.word(1)) }
        }
        "update_number_of_storage_buckets_in_dynamic_bag_creation_policy" => {
            StorageCall::UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy {
                bag_type: bag_type(args.word(1)),
                number: args.get("number"),
            }
        }
        "update_storage_buckets_for_bag" => StorageCall::UpdateStorageBucketsForBag {
            bag: parse(args.word(1)),
            add: args.set("add"),
            remove: args.set("remove"),
        },
        "update_data_size_fee" => StorageCall::UpdateDataSizeFee { fee: parse(args.word(1)) },
        "update_data_object_state_bloat_bond" => {
            StorageCall::UpdateDataObjectStateBloatBond { bond: parse(args.word(1)) }
        }
        "update_blacklist" => {
            StorageCall::UpdateBlacklist { remove: args.cids("remove"), add: args.cids("add") }
        }
        "update_uploading_blocked_status" => {
            StorageCall::UpdateUploadingBlockedStatus { blocked: args.has("blocked") }
        }
        _ => return None,
    }))
}

fn read_storage_operator_call(name: &str, args: &Args) -> Option<Call> {
    let bucket = || parse(args.word(1));
    let worker = || args.get("worker");
    Some(Call::Storage(match name {
        "accept_storage_bucket_invitation" => StorageCall::AcceptStorageBucketInvitation {
            worker: worker(),
            bucket: bucket(),
            transactor: account(&args.get::<String>("transactor")),
        },
        "set_storage_operator_metadata" => StorageCall::SetStorageOperatorMetadata {
            worker: worker(),
            bucket: bucket(),
            metadata: args.metadata(),
        },
        "accept_pending_data_objects" => StorageCall::AcceptPendingDataObjects {
            worker: worker(),
            bucket: bucket(),
            bag: args.get("bag"),
            objects: args.set("ids"),
        },
        "storage_operator_remark" => StorageCall::StorageOperatorRemark {
            worker: worker(),
            bucket: bucket(),
            message: args.bytes("message"),
        },
        "decline_storage_bucket_invitation" => {
            StorageCall::DeclineStorageBucketInvitation { worker: worker(), bucket: bucket() }
        }
        "resign_from_storage_bucket" => {
            StorageCall::ResignFromStorageBucket { worker: worker(), bucket: bucket() }
        }
        "report_holdings" => StorageCall::ReportHoldings {
            worker: worker(),
            bucket: bucket(),
            height: args.get("height"),
            except: args.set("except"),
        },
        _ => return None,
    }))
}

fn read_distribution_call(name: &str, args: &Args) -> Option<Call> {
    let bucket = || parse(args.word(1));
    let family = || FamilyId(parse(args.word(1)));
    let accepting_new_bags = args.has("accepting");
    Some(Call::Distribution(match name {
        "create_distribution_bucket_family" => DistributionCall::CreateDistributionBucketFamily,
        "delete_distribution_bucket_family" => {
            DistributionCall::DeleteDistributionBucketFamily { family: family() }
        }
        "create_distribution_bucket" => {
            DistributionCall::CreateDistributionBucket { family: family(), accepting_new_bags }
        }
        "delete_distribution_bucket" => DistributionCall::DeleteDistributionBucket { bucket: bucket() },
        "update_distribution_bucket_status" => {
            DistributionCall::UpdateDistributionBucketStatus { bucket: bucket(), accepting_new_bags }
        }
        "update_distribution_buckets_for_bag" => DistributionCall::UpdateDistributionBucketsForBag {
            bag: parse(args.word(1)),
            family: args.get("family"),
            add: args.set("add"),
            remove: args.set("remove"),
        },
        "update_distribution_buckets_per_bag_limit" => {
            DistributionCall::UpdateDistributionBucketsPerBagLimit { limit: parse(args.word(1)) }
        }
        "update_distribution_bucket_mode" => DistributionCall::UpdateDistributionBucketMode {
            bucket: bucket(),
            distributing: args.has("distributing"),
        },
        "set_distribution_bucket_family_metadata" => DistributionCall::SetDistributionBucketFamilyMetadata {
            family: family(),
            metadata: args.bytes("metadata"),
        },
        "update_families_in_dynamic_bag_creation_policy" => {
            let pair = |text: &String| {
                let (family, number) = text.split_once(':').unwrap();
                (FamilyId(parse(family)), parse(number))
            };
            DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy {
                bag_type: bag_type(args.word(1)),
                families: args.set::<String>("families").iter().map(pair).collect(),
            }
        }
        _ => return None,
    }))
}

fn read_distribution_operator_call(name: &str, args: &Args) -> Option<Call> {
    let bucket = || parse(args.word(1));
    let worker = || args.get("worker");
    Some(Call::Distribution(match name {
        "invite_distribution_bucket_operator" => {
            DistributionCall::InviteDistributionBucketOperator { bucket: bucket(), worker: worker() }
        }
        "cancel_distribution_bucket_operator_invite" => {
            DistributionCall::CancelDistributionBucketOperatorInvite { bucket: bucket(), worker: worker() }
        }
        "remove_distribution_bucket_operator" => {
            DistributionCall::RemoveDistributionBucketOperator { bucket: bucket(), worker: worker() }
        }
        "accept_distribution_bucket_invitation" => {
            DistributionCall::AcceptDistributionBucketInvitation { worker: worker(), bucket: bucket() }
        }
        "distribution_operator_remark" => DistributionCall::DistributionOperatorRemark {
            worker: worker(),
            bucket: bucket(),
            message: args.bytes("message"),
        },
        "decline_distribution_bucket_invitation" => {
            DistributionCall::DeclineDistributionBucketInvitation { worker: worker(), bucket: bucket() }
        }
        "resign_from_distribution_bucket" => {
            DistributionCall::ResignFromDistributionBucket { worker: worker(), bucket: bucket() }
        }
        "set_distribution_operator_metadata" => DistributionCall::SetDistributionOperatorMetadata {
            worker: worker(),
            bucket: bucket(),
            metadata: args.metadata(),
        },
        _ => return None,
    }))
}

fn read_bag_call(name: &str, args: &Args) -> Option<Call> {
    let dynamic = || match parse(args.word(1)) {
        BagId::Dynamic(bag) => bag,
        BagId::Static(_) => panic!("asset sets are of dynamic bags"),
    };
    let bag: fn(&str) -> BagId = parse;
    let set_name = || String::from(args.word(2));
    Some(Call::Content(match name {
        "set_bag_privacy" => {
            ContentCall::SetBagPrivacy { bag: bag(args.word(1)), private: args.has("private") }
        }
        "update_channel_collaborators" => ContentCall::UpdateChannelCollaborators {
            channel: parse(args.word(1)),
            collaborators: args.set("members"),
        },
        "create_member_bag" => ContentCall::CreateMemberBag {
            member: MemberId(parse(args.word(1))),
            upload: args.upload(),
            storage_buckets: args.maybe_set("storage"),
            distribution_buckets: args.maybe_set("distribution"),
        },
        "delete_member_bag" => ContentCall::DeleteMemberBag { member: MemberId(parse(args.word(1))) },
        "create_asset_set" => {
            let (bag, name): (DynamicBagId, String) = (dynamic(), set_name());
            ContentCall::CreateAssetSet { bag, name, upload: args.upload() }
        }
        "update_asset_set" => ContentCall::UpdateAssetSet {
            bag: dynamic(),
            name: set_name(),
            upload: args.upload(),
            remove: args.set("ids"),
        },
        "delete_asset_set" => ContentCall::DeleteAssetSet { bag: dynamic(), name: set_name() },
        _ => return None,
    }))
}

fn read_other_call(name: &str, args: &Args) -> Option<Call> {
    let member = || MemberId(parse(args.word(1)));
    Some(match name {
        "transfer" => {
            Call::Accounts(AccountsCall::Transfer { to: args.account("to"), amount: args.get("amount") })
        }
        "update_member_accounts" => Call::Membership(MembershipCall::UpdateMemberAccounts {
            member: member(),
            root: args.maybe_account("root"),
            controller: args.maybe_account("controller"),
        }),
        "confirm_staking_account" => {
            Call::Membership(MembershipCall::ConfirmStakingAccount { member: member() })
        }
        "remove_staking_account" => Call::Membership(MembershipCall::RemoveStakingAccount),
        "approve" => Call::Council(CouncilCall::Approve { proposal: parse(args.word(1)) }),
        "withdraw" => Call::Council(CouncilCall::Withdraw { proposal: parse(args.word(1)) }),
        _ => return None,
    })
}

pub(super) fn working_group(name: &str) -> WorkingGroup {
    WorkingGroup::ALL.into_iter().find(|group| group.name() == name).unwrap()
}

fn read_group_call(name: &str, args: &Args) -> GroupCall {
    let worker = || parse(args.word(1));
    let amount = || args.get("amount");
    match name {
        "add_opening" => GroupCall::AddOpening {
            kind: if args.has("leader") { OpeningKind::Leader } else { OpeningKind::Regular },
            description: [0; 32],
            stake: args.maybe("stake").unwrap_or(0),
            unstaking_period_ms: args.maybe("unstaking").unwrap_or(0),
            reward_per_period: args.maybe("reward"),
        },
        "cancel_opening" => GroupCall::CancelOpening { opening: parse(args.word(1)) },
        "apply" => GroupCall::ApplyOnOpening {
            opening: parse(args.word(1)),
            member: MemberId(args.get("member")),
            role_account: args.account("role"),
            reward_account: args.maybe_account("reward").unwrap_or(args.account("role")),
            staking_account: args.maybe_account("staking").unwrap_or(args.account("role")),
            stake: args.maybe("stake").unwrap_or(0),
            description: [0; 32],
        },
        "withdraw_application" => GroupCall::WithdrawApplication { application: parse(args.word(1)) },
        "fill_opening" => {
            GroupCall::FillOpening { opening: parse(args.word(1)), applications: args.set("applications") }
        }
        "update_role_account" => {
            GroupCall::UpdateRoleAccount { worker: worker(), account: args.account("account") }
        }
        "update_reward_account" => {
            GroupCall::UpdateRewardAccount { worker: worker(), account: args.account("account") }
        }
        "update_reward_amount" => {
            GroupCall::UpdateRewardAmount { worker: worker(), reward_per_period: args.maybe("reward") }
        }
        "increase_stake" => GroupCall::IncreaseStake { worker: worker(), amount: amount() },
        "decrease_stake" => GroupCall::DecreaseStake { worker: worker(), amount: amount() },
        "slash_stake" => GroupCall::SlashStake { worker: worker(), amount: amount() },
        "terminate_role" => GroupCall::TerminateRole { worker: worker(), slash: args.maybe("slash") },
        "leave_role" => GroupCall::LeaveRole { worker: worker() },
        "fund_budget" => GroupCall::FundBudget { amount: amount() },
        "spend_from_budget" => GroupCall::SpendFromBudget { to: args.account("to"), amount: amount() },
        "set_status_text" => GroupCall::SetStatusText { hash: Some([1; 32]) },
        "lead_remark" => GroupCall::LeadRemark { message: args.bytes("message") },
        "worker_remark" => GroupCall::WorkerRemark { worker: worker(), message: args.bytes("message") },
        other => panic!("{other:?} is no call of a group"),
    }
}

fn read_action(text: &str) -> CouncilAction {
    let args = Args::parse(text);
    let name = args.word(0);
    if let Some((group, name)) = name.split_once('.') {
        return CouncilAction::Group { group: working_group(group), call: read_group_call(name, &args) };
    }
    let group = || working_group(args.word(1));
    match name {
        "fund_group" => CouncilAction::FundGroup { group: group(), amount: args.get("amount") },
        "set_group_budget" => CouncilAction::SetGroupBudget { group: group(), amount: args.get("amount") },
        "grant" => CouncilAction::Grant {
            to: args.account("to"),
            amount: args.get("amount"),
            locked: args.has("locked"),
        },
        "publish_release" => CouncilAction::PublishRelease {
            program: args.get("program"),
            version: args.get("version"),
            run_by_ms: args.get("run_by"),
        },
        "set_parameter" => CouncilAction::SetParameter { parameter: read_parameter(&args) },
        "replace_keys" => CouncilAction::ReplaceKeys {
            keys: args.set::<String>("keys").iter().map(|name| account(name)).collect(),
            threshold: args.get("threshold"),
        },
        "set_secretary" => CouncilAction::SetSecretary { account: args.maybe_account("account") },
        other => panic!("{other:?} is no action of the council"),
    }
}

fn read_parameter(args: &Args) -> Parameter {
    let (name, value) = args.values.first_key_value().unwrap();
    let value: &str = value;
    match name.as_str() {
        "transaction_fee" => Parameter::TransactionFee(parse(value)),
        "transaction_byte_fee" => Parameter::TransactionByteFee(parse(value)),
        "transaction_weight_fee" => Parameter::TransactionWeightFee(parse(value)),
        "max_data_object_size" => Parameter::MaxDataObjectSize(parse(value)),
        "max_distribution_bucket_families" => Parameter::MaxDistributionBucketFamilies(parse(value)),
        "blacklist_size_limit" => Parameter::BlacklistSizeLimit(parse(value)),
        "max_storage_buckets_per_worker" => Parameter::MaxStorageBucketsPerWorker(parse(value)),
        "max_assets_per_set" => Parameter::MaxAssetsPerSet(parse(value)),
        "max_workers_per_group" => Parameter::MaxWorkersPerGroup(parse(value)),
        "reward_period_ms" => Parameter::RewardPeriodMs(parse(value)),
        "min_unstaking_period_ms" => Parameter::MinUnstakingPeriodMs(parse(value)),
        "min_application_stake" => Parameter::MinApplicationStake(parse(value)),
        "opening_deposit" => Parameter::OpeningDeposit(parse(value)),
        "resignation_notice_ms" => Parameter::ResignationNoticeMs(parse(value)),
        "proposal_life_ms" => Parameter::ProposalLifeMs(parse(value)),
        other => panic!("{other:?} is no parameter"),
    }
}
