//! Rewards: earned by the millisecond, paid once a period as far as the budget goes.

use super::{Origin, edit, ensure_manager};
use crate::{
    State,
    call::Balance,
    change::{Change, Edit},
    event::Event,
    purse::Purse,
    reject::Reject,
    state::{GroupSettings, WORKING_GROUPS, Worker},
};
use argosy_domain::{WorkerId, WorkingGroup};

/// What was earned and not paid yet. Rounds down.
fn due(state: &State, worker: &Worker) -> Balance {
    let elapsed = state.at().time_ms.saturating_sub(worker.rewarded_until_ms);
    let period = Balance::from(state.params().reward_period_ms);
    let earned = worker.reward_per_period.saturating_mul(elapsed.into()).checked_div(period).unwrap_or(0);
    worker.missed_reward.saturating_add(earned)
}

/// Pays what is due as far as the budget goes. What is not paid is missed, until there is budget.
pub(super) fn pay_worker(
    state: &State,
    purse: &mut Purse<'_>,
    change: &mut Change,
    group: WorkingGroup,
    id: WorkerId,
    worker: &Worker,
) -> Worker {
    let due = due(state, worker);
    let amount = due.min(purse.budget(group));
    let missed_reward = due.saturating_sub(amount);
    if amount > 0 && purse.take_budget(group, amount).is_ok() {
        purse.give(worker.reward_account, amount);
        let missed = amount.min(worker.missed_reward);
        let account = worker.reward_account;
        change.tell(Event::RewardPaid { group, worker: id, account, amount, missed });
    }
    if missed_reward > worker.missed_reward {
        change.tell(Event::NewMissedRewardLevelReached { group, worker: id, missed: missed_reward });
    }
    Worker { missed_reward, rewarded_until_ms: state.at().time_ms, ..*worker }
}

/// At the first block at or after the end of each period, by ascending worker.
pub(crate) fn pay(state: &State, group: WorkingGroup) -> Change {
    let mut change = Change::default();
    let Some(settings) = state.group_settings(group) else { return change };
    let Some(late) = state.at().time_ms.checked_sub(settings.next_reward_ms) else { return change };
    let mut purse = Purse::new(state);
    for (id, worker) in state.workers(group) {
        if worker.reward_per_period > 0 || worker.missed_reward > 0 {
            let paid = pay_worker(state, &mut purse, &mut change, group, id, worker);
            change.edit(edit(group, id, paid));
        }
    }
    let period = state.params().reward_period_ms;
    let periods = late.checked_div(period).unwrap_or(0).saturating_add(1);
    let next_reward_ms = settings.next_reward_ms.saturating_add(period.saturating_mul(periods));
    change.edit(Edit::Group(group, GroupSettings { next_reward_ms, ..*settings }));
    purse.settle(&mut change);
    change
}

/// The worker, with what was earned so far kept at the present rate and in the present period.
fn reckoned(state: &State, worker: &Worker) -> Worker {
    Worker { missed_reward: due(state, worker), rewarded_until_ms: state.at().time_ms, ..*worker }
}

/// What must be written when the council gives all groups another period: what was earned in the old
/// one is kept, and the next payment is no further away than a new one.
pub(crate) fn change_period(state: &State, change: &mut Change, period_ms: u64) {
    for group in WORKING_GROUPS {
        for (id, worker) in state.workers(group).filter(|(_, worker)| worker.reward_per_period > 0) {
            change.edit(edit(group, id, reckoned(state, worker)));
        }
        if let Some(settings) = state.group_settings(group) {
            let latest = state.at().time_ms.saturating_add(period_ms);
            let next_reward_ms = settings.next_reward_ms.min(latest);
            change.edit(Edit::Group(group, GroupSettings { next_reward_ms, ..*settings }));
        }
    }
}

/// What was earned so far at the old rate is kept.
pub(super) fn update_amount(
    state: &State,
    origin: Origin,
    group: WorkingGroup,
    id: WorkerId,
    reward_per_period: Option<Balance>,
) -> Result<Change, Reject> {
    let worker = ensure_manager(state, origin, group, id)?;
    if reward_per_period == Some(0) {
        return Err(Reject::CannotRewardWithZero);
    }
    let updated = Worker { reward_per_period: reward_per_period.unwrap_or(0), ..reckoned(state, worker) };
    Ok(Change::of(
        edit(group, id, updated),
        Event::WorkerRewardAmountUpdated { group, worker: id, reward_per_period },
    ))
}
