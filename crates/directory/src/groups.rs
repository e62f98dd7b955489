//! Working groups: who may act as a lead, and who as a worker; how they are hired, paid and let go.
//!
//! One set of rules for all groups. Where the specification asks for Joystream's root, here it is the
//! council.

mod budget;
mod hiring;
pub(crate) mod leaving;
pub(crate) mod rewards;
mod workers;

use crate::{
    State,
    call::GroupCall,
    change::{Change, Edit},
    reject::Reject,
    state::{GroupSettings, Worker},
};
use argosy_domain::{AccountId, WorkerId, WorkingGroup, limits::MAX_REMARK_BYTES};

/// On whose behalf a group's call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Who signed it.
    Account(AccountId),
    /// Enough keys of the council.
    Council,
}

pub(crate) fn check(
    state: &State,
    origin: Origin,
    group: WorkingGroup,
    call: &GroupCall,
) -> Result<Change, Reject> {
    let settings = state.group_settings(group).ok_or(Reject::WorkingGroupDoesntExist)?;
    match call {
        GroupCall::AddOpening { kind, description, stake, unstaking_period_ms, reward_per_period } => {
            let terms = hiring::Terms {
                kind: *kind,
                description: *description,
                stake: *stake,
                unstaking_period_ms: *unstaking_period_ms,
                reward_per_period: *reward_per_period,
            };
            hiring::add_opening(state, origin, group, settings, &terms)
        }
        GroupCall::CancelOpening { opening } => hiring::cancel_opening(state, origin, group, *opening),
        GroupCall::FillOpening { opening, applications } => {
            hiring::fill_opening(state, origin, group, settings, *opening, applications)
        }
        GroupCall::UpdateRewardAmount { worker, reward_per_period } => {
            rewards::update_amount(state, origin, group, *worker, *reward_per_period)
        }
        GroupCall::DecreaseStake { worker, amount } => {
            workers::decrease_stake(state, origin, group, *worker, *amount)
        }
        GroupCall::SlashStake { worker, amount } => {
            workers::slash_stake(state, origin, group, *worker, *amount)
        }
        GroupCall::TerminateRole { worker, slash } => {
            leaving::terminate(state, origin, group, settings, *worker, *slash)
        }
        GroupCall::ApplyOnOpening { .. }
        | GroupCall::WithdrawApplication { .. }
        | GroupCall::UpdateRoleAccount { .. }
        | GroupCall::UpdateRewardAccount { .. }
        | GroupCall::IncreaseStake { .. }
        | GroupCall::LeaveRole { .. }
        | GroupCall::FundBudget { .. }
        | GroupCall::SpendFromBudget { .. }
        | GroupCall::SetStatusText { .. }
        | GroupCall::LeadRemark { .. }
        | GroupCall::WorkerRemark { .. } => match origin {
            Origin::Account(signer) => check_signed(state, signer, group, settings, call),
            Origin::Council => Err(Reject::BadOrigin),
        },
    }
}

/// Calls that the council never makes.
fn check_signed(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    settings: &GroupSettings,
    call: &GroupCall,
) -> Result<Change, Reject> {
    match call {
        GroupCall::ApplyOnOpening { .. } => hiring::apply(state, signer, group, settings, call),
        GroupCall::WithdrawApplication { application } => {
            hiring::withdraw(state, signer, group, *application)
        }
        GroupCall::UpdateRoleAccount { worker, account } => {
            workers::update_role_account(state, signer, group, *worker, *account)
        }
        GroupCall::UpdateRewardAccount { worker, account } => {
            workers::update_reward_account(state, signer, group, *worker, *account)
        }
        GroupCall::IncreaseStake { worker, amount } => {
            workers::increase_stake(state, signer, group, *worker, *amount)
        }
        GroupCall::LeaveRole { worker } => leaving::leave(state, signer, group, *worker),
        GroupCall::FundBudget { amount } => budget::fund(state, signer, group, *amount),
        GroupCall::SpendFromBudget { to, amount } => budget::spend(state, signer, group, *to, *amount),
        GroupCall::SetStatusText { hash } => budget::set_status_text(state, signer, group, settings, *hash),
        GroupCall::LeadRemark { message } => workers::lead_remark(state, signer, group, message),
        GroupCall::WorkerRemark { worker, message } => {
            workers::worker_remark(state, signer, group, *worker, message)
        }
        GroupCall::AddOpening { .. }
        | GroupCall::CancelOpening { .. }
        | GroupCall::FillOpening { .. }
        | GroupCall::UpdateRewardAmount { .. }
        | GroupCall::DecreaseStake { .. }
        | GroupCall::SlashStake { .. }
        | GroupCall::TerminateRole { .. } => Err(Reject::BadOrigin),
    }
}

/// The signer is the role account of the group's lead.
pub(crate) fn ensure_lead(state: &State, group: WorkingGroup, signer: AccountId) -> Result<(), Reject> {
    let lead = state.lead(group).ok_or(Reject::CurrentLeadNotSet)?;
    match state.worker(group, lead) {
        Some(worker) if worker.role_account == signer => Ok(()),
        Some(_) | None => Err(Reject::IsNotLeadAccount),
    }
}

/// The signer is the role account of this worker.
pub(crate) fn ensure_worker(
    state: &State,
    group: WorkingGroup,
    worker: WorkerId,
    signer: AccountId,
) -> Result<&Worker, Reject> {
    let worker = state.worker(group, worker).ok_or(Reject::WorkerDoesNotExist)?;
    if worker.role_account == signer { Ok(worker) } else { Err(Reject::SignerIsNotWorkerRoleAccount) }
}

/// A remark that is not too long.
pub(crate) fn ensure_remark(message: &[u8]) -> Result<(), Reject> {
    if message.len() > MAX_REMARK_BYTES { Err(Reject::RemarkTooLong) } else { Ok(()) }
}

/// The call comes from whoever this worker answers to: the lead, or the council for the lead itself.
fn ensure_manager(
    state: &State,
    origin: Origin,
    group: WorkingGroup,
    worker: WorkerId,
) -> Result<&Worker, Reject> {
    let lead = state.lead(group).ok_or(Reject::CurrentLeadNotSet)?;
    match origin {
        Origin::Council if worker == lead => {}
        Origin::Account(signer) if worker != lead => ensure_lead(state, group, signer)?,
        Origin::Council | Origin::Account(_) => return Err(Reject::BadOrigin),
    }
    state.worker(group, worker).ok_or(Reject::WorkerDoesNotExist)
}

fn edit(group: WorkingGroup, id: WorkerId, worker: Worker) -> Edit {
    Edit::Worker(group, id, Some(worker))
}
