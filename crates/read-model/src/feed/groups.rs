//! Working groups: openings, applications, workers, budgets.

use super::{Told, rows::Rows};
use crate::{
    error::ApplyError,
    value::{flag, int, text, wide, wide_digits},
};
use argosy_directory::{Event, call::Balance, state::OpeningKind};
use argosy_domain::{AccountId, ApplicationId, MemberId, OpeningId, WorkerId, WorkingGroup};
use rusqlite::types::Value;
use std::collections::BTreeMap;

pub(super) const GROUP: &str = "WorkingGroup";
pub(super) const WORKER: &str = "Worker";
pub(super) const OPENING: &str = "WorkingGroupOpening";
pub(super) const APPLICATION: &str = "WorkingGroupApplication";

pub(super) fn apply(told: &Told<'_>, event: &Event) -> Result<bool, ApplyError> {
    Ok(hiring(&told.rows, event)? || workers(&told.rows, event)? || money(&told.rows, event)?)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn hiring(rows: &Rows<'_>, event: &Event) -> Result<bool, ApplyError> {
    match event {
        Event::OpeningAdded { .. } => add_opening(rows, event),
        Event::OpeningCancelled { group, opening } => {
            rows.update(OPENING, member_id(*group, opening.0), &[("status", text("CANCELLED"))])
        }
        Event::AppliedOnOpening { .. } => add_application(rows, event),
        Event::ApplicationWithdrawn { group, application } => {
            rows.update(APPLICATION, member_id(*group, application.0), &[("status", text("WITHDRAWN"))])
        }
        Event::OpeningFilled { group, opening, workers } => fill(rows, *group, *opening, workers),
        // Its terms follow in OpeningFilled, which comes after all workers of the opening.
        Event::WorkerHired { group, worker, member, role_account } => {
            hire(rows, *group, *worker, *member, role_account)
        }
        Event::LeaderSet { group, worker } => set_lead(rows, *group, *worker),
        Event::LeaderUnset { group } => {
            let sql = "UPDATE \"Worker\" SET \"isLead\" = 0 WHERE \"group\" = ?";
            rows.db.prepare_cached(sql)?.execute([group.name()])?;
            rows.update(GROUP, group.name(), &[("lead", Value::Null)])
        }
        _ => return Ok(false),
    }?;
    Ok(true)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn workers(rows: &Rows<'_>, event: &Event) -> Result<bool, ApplyError> {
    let set = |group: &WorkingGroup, worker: &WorkerId, name, value| {
        rows.update(WORKER, member_id(*group, worker.0), &[(name, value)])
    };
    match event {
        Event::WorkerRoleAccountUpdated { group, worker, account } => {
            set(group, worker, "roleAccount", text(account))
        }
        Event::WorkerRewardAccountUpdated { group, worker, account } => {
            set(group, worker, "rewardAccount", text(account))
        }
        Event::WorkerRewardAmountUpdated { group, worker, reward_per_period } => {
            set(group, worker, "rewardPerPeriod", wide(reward_per_period.unwrap_or(0)))
        }
        Event::StakeIncreased { group, worker, amount } => {
            change(rows, WORKER, &member_id(*group, worker.0), "stake", |stake| stake.saturating_add(*amount))
        }
        Event::StakeDecreased { group, worker, amount }
        | Event::StakeSlashed { group, worker, amount, .. } => {
            change(rows, WORKER, &member_id(*group, worker.0), "stake", |stake| stake.saturating_sub(*amount))
        }
        Event::WorkerStartedLeaving { group, worker, leaves_ms } => {
            set(group, worker, "status", text("LEAVING"))?;
            set(group, worker, "leavesAt", int(*leaves_ms))
        }
        Event::WorkerExited { group, worker } => part(rows, *group, *worker, "LEFT"),
        Event::TerminatedWorker { group, worker } | Event::TerminatedLeader { group, worker } => {
            part(rows, *group, *worker, "TERMINATED")
        }
        _ => return Ok(false),
    }?;
    Ok(true)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn money(rows: &Rows<'_>, event: &Event) -> Result<bool, ApplyError> {
    match event {
        Event::RewardPaid { group, worker, amount, .. } => {
            change_budget(rows, *group, |budget| budget.saturating_sub(*amount))?;
            change(rows, WORKER, &member_id(*group, worker.0), "rewardsPaid", |paid| {
                paid.saturating_add(*amount)
            })
        }
        Event::BudgetFunded { group, amount, .. } => {
            change_budget(rows, *group, |budget| budget.saturating_add(*amount))
        }
        Event::BudgetSpent { group, amount, .. } => {
            change_budget(rows, *group, |budget| budget.saturating_sub(*amount))
        }
        Event::BudgetSet { group, amount } => change_budget(rows, *group, |_| *amount),
        Event::StatusTextChanged { group, hash } => {
            let hash = hash.map_or(Value::Null, |hash| text(hex::encode(hash)));
            rows.update(GROUP, group.name(), &[("statusTextHash", hash)])
        }
        _ => return Ok(false),
    }?;
    Ok(true)
}

/// Id of a row that is counted in each group.
pub(super) fn member_id(group: WorkingGroup, number: u64) -> String {
    format!("{}-{number}", group.name())
}

pub(super) fn change_budget(
    rows: &Rows<'_>,
    group: WorkingGroup,
    new: impl FnOnce(Balance) -> Balance,
) -> Result<(), ApplyError> {
    change(rows, GROUP, group.name(), "budget", new)
}

fn change(
    rows: &Rows<'_>,
    table: &'static str,
    id: &str,
    column: &'static str,
    new: impl FnOnce(Balance) -> Balance,
) -> Result<(), ApplyError> {
    let sql = format!("SELECT \"{column}\" FROM \"{table}\" WHERE \"id\" = ?");
    let kept: Option<String> = rows.find(table, &sql, [id], |row| row.get(0))?;
    // A sum that began before the index did.
    let Some(kept) = kept else { return Ok(()) };
    let amount = wide_digits(&kept).parse().unwrap_or(0);
    rows.update(table, id, &[(column, wide(new(amount)))])
}

pub(super) const fn kind_name(kind: OpeningKind) -> &'static str {
    match kind {
        OpeningKind::Regular => "REGULAR",
        OpeningKind::Leader => "LEADER",
    }
}

fn add_opening(rows: &Rows<'_>, event: &Event) -> Result<(), ApplyError> {
    let Event::OpeningAdded {
        group,
        opening,
        description,
        kind,
        stake,
        unstaking_period_ms,
        reward_per_period,
    } = event
    else {
        return Ok(());
    };
    rows.insert(
        OPENING,
        &[
            ("id", text(member_id(*group, opening.0))),
            ("group", text(group.name())),
            ("runtimeId", int(opening.0)),
            ("kind", text(kind_name(*kind))),
            ("status", text("OPEN")),
            ("descriptionHash", text(hex::encode(description))),
            ("stake", wide(*stake)),
            ("unstakingPeriodMs", wide((*unstaking_period_ms).into())),
            ("rewardPerPeriod", wide(reward_per_period.unwrap_or(0))),
            ("createdAt", int(rows.time_ms)),
        ],
    )
}

fn add_application(rows: &Rows<'_>, event: &Event) -> Result<(), ApplyError> {
    let Event::AppliedOnOpening {
        group,
        opening,
        application,
        member,
        role_account,
        reward_account,
        staking_account,
        stake,
        description,
    } = event
    else {
        return Ok(());
    };
    rows.insert(
        APPLICATION,
        &[
            ("id", text(member_id(*group, application.0))),
            ("group", text(group.name())),
            ("runtimeId", int(application.0)),
            ("opening", text(member_id(*group, opening.0))),
            ("member", text(member)),
            ("status", text("PENDING")),
            ("roleAccount", text(role_account)),
            ("rewardAccount", text(reward_account)),
            ("stakingAccount", text(staking_account)),
            ("stake", wide(*stake)),
            ("descriptionHash", text(hex::encode(description))),
            ("createdAt", int(rows.time_ms)),
        ],
    )
}

/// The account is that of reward and stake too, until an opening says otherwise.
fn hire(
    rows: &Rows<'_>,
    group: WorkingGroup,
    worker: WorkerId,
    member: MemberId,
    account: &AccountId,
) -> Result<(), ApplyError> {
    rows.insert(
        WORKER,
        &[
            ("id", text(member_id(group, worker.0))),
            ("group", text(group.name())),
            ("runtimeId", int(worker.0)),
            ("member", text(member)),
            ("status", text("ACTIVE")),
            ("isLead", flag(false)),
            ("roleAccount", text(account)),
            ("rewardAccount", text(account)),
            ("stakingAccount", text(account)),
            ("stake", wide(0)),
            ("rewardPerPeriod", wide(0)),
            ("rewardsPaid", wide(0)),
            ("hiredAt", int(rows.time_ms)),
        ],
    )
}

/// The workers are there; now they get what their applications and the opening say.
fn fill(
    rows: &Rows<'_>,
    group: WorkingGroup,
    opening: OpeningId,
    workers: &BTreeMap<ApplicationId, WorkerId>,
) -> Result<(), ApplyError> {
    let opening = member_id(group, opening.0);
    rows.update(OPENING, &opening, &[("status", text("FILLED"))])?;
    let sql = "SELECT \"rewardPerPeriod\" FROM \"WorkingGroupOpening\" WHERE \"id\" = ?";
    let reward: Value = rows.find(OPENING, sql, [&opening], |row| row.get(0))?;
    for (application, worker) in workers {
        let application = member_id(group, application.0);
        rows.update(APPLICATION, &application, &[("status", text("ACCEPTED"))])?;
        let sql = "SELECT \"rewardAccount\", \"stakingAccount\", \"stake\" FROM \"WorkingGroupApplication\" \
                   WHERE \"id\" = ?";
        let (reward_account, staking_account, stake) =
            rows.find(APPLICATION, sql, [&application], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.update(
            WORKER,
            member_id(group, worker.0),
            &[
                ("rewardAccount", reward_account),
                ("stakingAccount", staking_account),
                ("stake", stake),
                ("rewardPerPeriod", reward.clone()),
            ],
        )?;
    }
    Ok(())
}

fn set_lead(rows: &Rows<'_>, group: WorkingGroup, worker: WorkerId) -> Result<(), ApplyError> {
    let id = member_id(group, worker.0);
    rows.update(WORKER, &id, &[("isLead", flag(true))])?;
    rows.update(GROUP, group.name(), &[("lead", text(id))])
}

fn part(
    rows: &Rows<'_>,
    group: WorkingGroup,
    worker: WorkerId,
    status: &'static str,
) -> Result<(), ApplyError> {
    rows.update(
        WORKER,
        member_id(group, worker.0),
        &[
            ("status", text(status)),
            ("isLead", flag(false)),
            ("stake", wide(0)),
            ("leftAt", int(rows.time_ms)),
        ],
    )
}
