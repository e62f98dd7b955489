//! Accounts, stakes and remarks of workers.

use super::{Origin, edit, ensure_lead, ensure_manager, ensure_remark, ensure_worker};
use crate::{
    State, call::Balance, change::Change, event::Event, purse::Purse, reject::Reject, state::Worker,
};
use argosy_domain::{AccountId, WorkerId, WorkingGroup};

/// By the member, not the role account: a role key that was lost or stolen can be replaced.
pub(super) fn update_role_account(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    id: WorkerId,
    account: AccountId,
) -> Result<Change, Reject> {
    let worker = state.worker(group, id).ok_or(Reject::WorkerDoesNotExist)?;
    if state.member(worker.member).is_none_or(|member| member.account != signer) {
        return Err(Reject::MemberAuthFailed);
    }
    ensure_stays(worker)?;
    Ok(Change::of(
        edit(group, id, Worker { role_account: account, ..*worker }),
        Event::WorkerRoleAccountUpdated { group, worker: id, account },
    ))
}

pub(super) fn update_reward_account(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    id: WorkerId,
    account: AccountId,
) -> Result<Change, Reject> {
    let worker = ensure_worker(state, group, id, signer)?;
    if worker.reward_per_period == 0 {
        return Err(Reject::WorkerHasNoReward);
    }
    Ok(Change::of(
        edit(group, id, Worker { reward_account: account, ..*worker }),
        Event::WorkerRewardAccountUpdated { group, worker: id, account },
    ))
}

fn ensure_stays(worker: &Worker) -> Result<(), Reject> {
    if worker.leaves_ms.is_some() { Err(Reject::WorkerIsLeaving) } else { Ok(()) }
}

fn ensure_not_zero(amount: Balance) -> Result<(), Reject> {
    if amount == 0 { Err(Reject::StakeBalanceCannotBeZero) } else { Ok(()) }
}

pub(super) fn increase_stake(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    id: WorkerId,
    amount: Balance,
) -> Result<Change, Reject> {
    let worker = ensure_worker(state, group, id, signer)?;
    ensure_stays(worker)?;
    ensure_not_zero(amount)?;
    let mut purse = Purse::new(state);
    purse.hold(worker.staking_account, amount)?;
    let stake = worker.stake.saturating_add(amount);
    let mut change = Change::of(
        edit(group, id, Worker { stake, ..*worker }),
        Event::StakeIncreased { group, worker: id, amount },
    );
    purse.settle(&mut change);
    Ok(change)
}

pub(super) fn decrease_stake(
    state: &State,
    origin: Origin,
    group: WorkingGroup,
    id: WorkerId,
    amount: Balance,
) -> Result<Change, Reject> {
    let worker = ensure_manager(state, origin, group, id)?;
    ensure_stays(worker)?;
    ensure_not_zero(amount)?;
    if amount >= worker.stake {
        return Err(Reject::StakeDecreaseTooHigh);
    }
    let mut purse = Purse::new(state);
    purse.release(worker.staking_account, amount);
    let stake = worker.stake.saturating_sub(amount);
    let mut change = Change::of(
        edit(group, id, Worker { stake, ..*worker }),
        Event::StakeDecreased { group, worker: id, amount },
    );
    purse.settle(&mut change);
    Ok(change)
}

/// At any time, leaving workers included.
pub(super) fn slash_stake(
    state: &State,
    origin: Origin,
    group: WorkingGroup,
    id: WorkerId,
    requested: Balance,
) -> Result<Change, Reject> {
    let worker = ensure_manager(state, origin, group, id)?;
    ensure_not_zero(requested)?;
    let mut purse = Purse::new(state);
    let (worker, event) = slashed(&mut purse, group, id, worker, requested);
    let mut change = Change::of(edit(group, id, worker), event);
    purse.settle(&mut change);
    Ok(change)
}

/// Burns up to `requested` of the stake.
pub(super) fn slashed(
    purse: &mut Purse<'_>,
    group: WorkingGroup,
    id: WorkerId,
    worker: &Worker,
    requested: Balance,
) -> (Worker, Event) {
    let amount = requested.min(worker.stake);
    purse.slash(worker.staking_account, amount);
    let stake = worker.stake.saturating_sub(amount);
    (Worker { stake, ..*worker }, Event::StakeSlashed { group, worker: id, amount, requested })
}

pub(super) fn lead_remark(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    message: &[u8],
) -> Result<Change, Reject> {
    ensure_lead(state, group, signer)?;
    ensure_remark(message)?;
    let mut change = Change::default();
    change.tell(Event::LeadRemarked { group, message: message.into() });
    Ok(change)
}

pub(super) fn worker_remark(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    worker: WorkerId,
    message: &[u8],
) -> Result<Change, Reject> {
    ensure_worker(state, group, worker, signer)?;
    ensure_remark(message)?;
    let mut change = Change::default();
    change.tell(Event::WorkerRemarked { group, worker, message: message.into() });
    Ok(change)
}
