//! What leads and the council set, and what the council decides.

use super::{
    Told,
    content::texts,
    rows::{Cell, Rows},
};
use crate::{
    error::ApplyError,
    value::{flag, int, text, whole, wide},
};
use argosy_api::words;
use argosy_directory::{CouncilAction, Event, call::Parameter};
use argosy_domain::{AccountId, BagType, FamilyId, ProposalId};
use rusqlite::types::Value;
use serde_json::json;
use std::collections::BTreeSet;

const SETTINGS: &str = "DirectorySettings";
const PROPOSAL: &str = "CouncilProposal";
/// Id of rows of which there is one.
pub(super) const ONLY: &str = "0";

pub(super) fn apply(told: &Told<'_>, event: &Event) -> Result<bool, ApplyError> {
    Ok(settings(&told.rows, event)? || council(&told.rows, event)?)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn settings(rows: &Rows<'_>, event: &Event) -> Result<bool, ApplyError> {
    let set = |cells: &[Cell]| rows.update(SETTINGS, ONLY, cells);
    match event {
        Event::UploadingBlockStatusUpdated { blocked } => set(&[("uploadingBlocked", flag(*blocked))]),
        Event::DataObjectPerMegabyteFeeUpdated { fee } => set(&[("dataObjectPerMegabyteFee", wide(*fee))]),
        Event::DataObjectStateBloatBondValueUpdated { bond } => {
            set(&[("dataObjectStateBloatBond", wide(*bond))])
        }
        Event::StorageBucketsPerBagLimitUpdated { limit } => {
            set(&[("storageBucketsPerBagLimit", int((*limit).into()))])
        }
        Event::DistributionBucketsPerBagLimitUpdated { limit } => {
            set(&[("distributionBucketsPerBagLimit", int((*limit).into()))])
        }
        Event::StorageBucketsVoucherMaxLimitsUpdated { size_limit, objects_limit } => set(&[
            ("voucherMaxObjectsSizeLimit", wide((*size_limit).into())),
            ("voucherMaxObjectsNumberLimit", wide((*objects_limit).into())),
        ]),
        Event::ParameterSet { parameter } => set(&[parameter_cell(*parameter)]),
        Event::NumberOfStorageBucketsInDynamicBagCreationPolicyUpdated { bag_type, number } => {
            let number = [("numberOfStorageBuckets", int((*number).into()))];
            rows.update("DynamicBagCreationPolicy", bag_type_name(*bag_type), &number)
        }
        Event::FamiliesInDynamicBagCreationPolicyUpdated { bag_type, families } => {
            let policy = bag_type_name(*bag_type);
            rows.delete_by("DynamicBagCreationPolicyFamily", "policy", policy)?;
            let mut families = families.iter();
            families.try_for_each(|(family, number)| add_policy_family(rows, policy, *family, *number))
        }
        Event::UpdateBlacklist { removed, added } => update_blacklist(rows, removed, added),
        _ => return Ok(false),
    }?;
    Ok(true)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn council(rows: &Rows<'_>, event: &Event) -> Result<bool, ApplyError> {
    match event {
        Event::CouncilProposed { proposal, by, action } => propose(rows, *proposal, by, action),
        Event::CouncilApproved { proposal, by } => change_approvals(rows, *proposal, |approvals| {
            approvals.insert(by.to_string());
        }),
        Event::CouncilApprovalWithdrawn { proposal, by } => change_approvals(rows, *proposal, |approvals| {
            approvals.remove(&by.to_string());
        }),
        Event::CouncilExecuted { proposal } => decide(rows, *proposal, "EXECUTED"),
        Event::CouncilProposalLapsed { proposal } => decide(rows, *proposal, "LAPSED"),
        Event::CouncilKeysReplaced { keys, threshold } => {
            rows.update("Council", ONLY, &[("keys", accounts(keys)), ("threshold", int((*threshold).into()))])
        }
        Event::CouncilSecretarySet { account } => {
            let account = account.as_ref().map_or(Value::Null, text);
            rows.update("Council", ONLY, &[("secretary", account)])
        }
        Event::ReleasePublished { release, program, version, published_ms, run_by_ms } => rows.insert(
            "Release",
            &[
                ("id", text(release)),
                ("program", text(program)),
                ("version", text(version)),
                ("publishedAt", int(*published_ms)),
                ("runBy", int(*run_by_ms)),
            ],
        ),
        _ => return Ok(false),
    }?;
    Ok(true)
}

/// The column that shows a parameter.
fn parameter_cell(parameter: Parameter) -> Cell {
    match parameter {
        Parameter::TransactionFee(value) => ("transactionFee", wide(value)),
        Parameter::TransactionByteFee(value) => ("transactionByteFee", wide(value)),
        Parameter::TransactionWeightFee(value) => ("transactionWeightFee", wide(value)),
        Parameter::MaxDataObjectSize(value) => ("maxDataObjectSize", wide(value.into())),
        Parameter::MaxDistributionBucketFamilies(value) => {
            ("maxDistributionBucketFamilies", wide(value.into()))
        }
        Parameter::BlacklistSizeLimit(value) => ("blacklistSizeLimit", wide(value.into())),
        Parameter::MaxStorageBucketsPerWorker(value) => ("maxStorageBucketsPerWorker", int(value.into())),
        Parameter::MaxAssetsPerSet(value) => ("maxAssetsPerSet", int(value.into())),
        Parameter::MaxWorkersPerGroup(value) => ("maxWorkersPerGroup", int(value.into())),
        Parameter::RewardPeriodMs(value) => ("rewardPeriodMs", wide(value.into())),
        Parameter::MinUnstakingPeriodMs(value) => ("minUnstakingPeriodMs", wide(value.into())),
        Parameter::MinApplicationStake(value) => ("minApplicationStake", wide(value)),
        Parameter::OpeningDeposit(value) => ("openingDeposit", wide(value)),
        Parameter::ResignationNoticeMs(value) => ("resignationNoticeMs", wide(value.into())),
        Parameter::ProposalLifeMs(value) => ("proposalLifeMs", wide(value.into())),
    }
}

pub(super) const fn bag_type_name(bag_type: BagType) -> &'static str {
    match bag_type {
        BagType::Member => "Member",
        BagType::Channel => "Channel",
    }
}

pub(super) fn add_policy_family(
    rows: &Rows<'_>,
    policy: &str,
    family: FamilyId,
    number: u32,
) -> Result<(), ApplyError> {
    rows.insert(
        "DynamicBagCreationPolicyFamily",
        &[
            ("id", text(format!("{policy}-{family}"))),
            ("policy", text(policy)),
            ("family", text(family)),
            ("numberOfBuckets", int(number.into())),
        ],
    )
}

/// A set of accounts as a column keeps it.
pub(super) fn accounts(keys: &BTreeSet<AccountId>) -> Value {
    texts(&keys.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// One that is in both sets changes sides, as in the directory's rules.
fn update_blacklist(
    rows: &Rows<'_>,
    removed: &BTreeSet<Vec<u8>>,
    added: &BTreeSet<Vec<u8>>,
) -> Result<(), ApplyError> {
    for id in removed {
        rows.delete("BlacklistedContent", String::from_utf8_lossy(id))?;
    }
    for id in added {
        let cells = [("id", text(String::from_utf8_lossy(id))), ("addedAt", int(rows.time_ms))];
        rows.put("BlacklistedContent", &cells)?;
    }
    Ok(())
}

/// An action as a column keeps it, and whether it is left out.
pub(super) fn action_text(action: &CouncilAction) -> (Value, Value) {
    let (name, arguments) = words::action(action);
    whole(json!({ "action": name, "arguments": arguments }))
}

fn propose(
    rows: &Rows<'_>,
    proposal: ProposalId,
    by: &AccountId,
    action: &CouncilAction,
) -> Result<(), ApplyError> {
    let (action, truncated) = action_text(action);
    rows.insert(
        PROPOSAL,
        &[
            ("id", text(proposal)),
            ("status", text("OPEN")),
            ("proposer", text(by)),
            ("approvals", texts(&[by.to_string()])),
            ("action", action),
            ("actionTruncated", truncated),
            ("createdAt", int(rows.time_ms)),
        ],
    )
}

fn change_approvals(
    rows: &Rows<'_>,
    proposal: ProposalId,
    change: impl FnOnce(&mut BTreeSet<String>),
) -> Result<(), ApplyError> {
    let sql = "SELECT \"approvals\" FROM \"CouncilProposal\" WHERE \"id\" = ?";
    let kept: String = rows.find(PROPOSAL, sql, [proposal.to_string()], |row| row.get(0))?;
    let mut approvals: BTreeSet<String> = serde_json::from_str(&kept).unwrap_or_default();
    change(&mut approvals);
    let approvals: Vec<String> = approvals.into_iter().collect();
    rows.update(PROPOSAL, proposal, &[("approvals", texts(&approvals))])
}

fn decide(rows: &Rows<'_>, proposal: ProposalId, status: &'static str) -> Result<(), ApplyError> {
    rows.update(PROPOSAL, proposal, &[("status", text(status)), ("decidedAt", int(rows.time_ms))])
}
