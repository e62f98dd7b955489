//! Rows that are there before the first block.

use super::{
    content::create_member,
    council::{ONLY, accounts, bag_type_name},
    groups::{Terms, hire, member_id},
    rows::Rows,
};
use crate::{
    error::ApplyError,
    value::{flag, int, text, wide},
};
use argosy_directory::{Genesis, genesis::GenesisGroup, state::WORKING_GROUPS};
use argosy_domain::{BagType, MemberId, WorkerId, WorkingGroup};
use rusqlite::types::Value;

/// The genesis must be one that a state can be made from.
pub(super) fn write(rows: &Rows<'_>, genesis: &Genesis) -> Result<(), ApplyError> {
    for (member, id) in genesis.members.iter().zip(0..) {
        create_member(rows, MemberId(id), &member.handle, member.account)?;
    }
    for which in WORKING_GROUPS {
        let empty = GenesisGroup::default();
        let group = match which {
            WorkingGroup::Storage => &genesis.storage_group,
            WorkingGroup::Distribution => &genesis.distribution_group,
            WorkingGroup::Attestation => &genesis.attestation_group,
            WorkingGroup::Forum
            | WorkingGroup::Content
            | WorkingGroup::OperationsAlpha
            | WorkingGroup::App
            | WorkingGroup::OperationsBeta
            | WorkingGroup::OperationsGamma
            | WorkingGroup::Membership => &empty,
        };
        write_group(rows, genesis, which, group)?;
    }
    let params = &genesis.params;
    for (bag_type, number) in [
        (BagType::Member, params.default_member_storage_buckets),
        (BagType::Channel, params.default_channel_storage_buckets),
    ] {
        rows.insert(
            "DynamicBagCreationPolicy",
            &[("id", text(bag_type_name(bag_type))), ("numberOfStorageBuckets", int(number.into()))],
        )?;
    }
    rows.insert(
        "Council",
        &[
            ("id", text(ONLY)),
            ("keys", accounts(&genesis.council.keys)),
            ("threshold", int(genesis.council.threshold.into())),
        ],
    )?;
    write_settings(rows, genesis)
}

fn write_group(
    rows: &Rows<'_>,
    genesis: &Genesis,
    which: WorkingGroup,
    group: &GenesisGroup,
) -> Result<(), ApplyError> {
    rows.insert(
        "WorkingGroup",
        &[
            ("id", text(which.name())),
            ("lead", group.lead.map_or(Value::Null, |lead| text(member_id(which, lead)))),
            ("budget", wide(0)),
        ],
    )?;
    for (worker, id) in group.workers.iter().zip(0..) {
        let position = genesis.members.iter().position(|member| member.handle == worker.member);
        let member = position.and_then(|at| u64::try_from(at).ok()).ok_or_else(|| rows.missing("Member"))?;
        let terms = Terms { account: worker.role_account.to_string(), is_lead: group.lead == Some(id) };
        hire(rows, which, WorkerId(id), MemberId(member), terms)?;
    }
    Ok(())
}

fn write_settings(rows: &Rows<'_>, genesis: &Genesis) -> Result<(), ApplyError> {
    let params = &genesis.params;
    rows.insert(
        "DirectorySettings",
        &[
            ("id", text(ONLY)),
            ("network", text(&genesis.network)),
            ("uploadingBlocked", flag(false)),
            ("dataObjectPerMegabyteFee", wide(params.data_object_per_megabyte_fee)),
            ("dataObjectStateBloatBond", wide(params.data_object_state_bloat_bond)),
            ("storageBucketsPerBagLimit", int(params.storage_buckets_per_bag_limit.into())),
            ("distributionBucketsPerBagLimit", int(params.distribution_buckets_per_bag_limit.into())),
            ("voucherMaxObjectsSizeLimit", wide(params.voucher_max_size_limit.into())),
            ("voucherMaxObjectsNumberLimit", wide(params.voucher_max_objects_limit.into())),
            ("maxDataObjectSize", wide(params.max_data_object_size.into())),
            ("maxDistributionBucketFamilies", wide(params.max_distribution_bucket_families.into())),
            ("blacklistSizeLimit", wide(params.blacklist_size_limit.into())),
            ("maxStorageBucketsPerWorker", int(params.max_storage_buckets_per_worker.into())),
            ("maxAssetsPerSet", int(params.max_assets_per_set.into())),
            ("maxWorkersPerGroup", int(params.max_workers_per_group.into())),
            ("transactionFee", wide(params.transaction_fee)),
            ("transactionByteFee", wide(params.transaction_byte_fee)),
            ("transactionWeightFee", wide(params.transaction_weight_fee)),
            ("rewardPeriodMs", wide(params.reward_period_ms.into())),
            ("minUnstakingPeriodMs", wide(params.min_unstaking_period_ms.into())),
            ("minApplicationStake", wide(params.min_application_stake)),
            ("openingDeposit", wide(params.opening_deposit)),
            ("resignationNoticeMs", wide(params.resignation_notice_ms.into())),
            ("proposalLifeMs", wide(params.proposal_life_ms.into())),
        ],
    )
}
