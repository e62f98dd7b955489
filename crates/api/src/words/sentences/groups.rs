//! Calls of working groups.

use super::{
    Told,
    phrases::{hash_of_text, named, period, reward, said, units},
    told,
};
use argosy_directory::{GroupCall, call::Balance, state::OpeningKind};
use argosy_domain::WorkingGroup;

/// A call, and of which group.
pub(super) fn told(group: WorkingGroup, call: &GroupCall) -> String {
    format!("in the {} group, {}", group.name(), call.told())
}

told!(GroupCall {
    AddOpening { kind, description, stake, unstaking_period_ms, reward_per_period } => (
        "open a place for {}, with {}, described by {}",
        sought(*kind), terms(*stake, *unstaking_period_ms, *reward_per_period), hash_of_text(description),
    );
    CancelOpening { opening } => ("cancel opening {opening}");
    ApplyOnOpening {
        opening, member, role_account, reward_account, staking_account, stake, description,
    } => (
        "apply to opening {opening} as member {member}, staking {} of {staking_account}, with role account \
         {role_account} and reward account {reward_account}, described by {}",
        units(*stake), hash_of_text(description),
    );
    WithdrawApplication { application } => ("withdraw application {application}");
    FillOpening { opening, applications } => (
        "fill opening {opening} with {}", named("application", applications),
    );
    UpdateRoleAccount { worker, account } => ("replace the role account of worker {worker} by {account}");
    UpdateRewardAccount { worker, account } => ("replace the reward account of worker {worker} by {account}");
    UpdateRewardAmount { worker, reward_per_period } => (
        "set the reward of worker {worker} to {}", reward_or_nothing(*reward_per_period),
    );
    IncreaseStake { worker, amount } => ("increase the stake of worker {worker} by {}", units(*amount));
    DecreaseStake { worker, amount } => ("decrease the stake of worker {worker} by {}", units(*amount));
    SlashStake { worker, amount } => ("burn up to {} of the stake of worker {worker}", units(*amount));
    TerminateRole { worker, slash } => ("end the role of worker {worker} at once, {}", slashing(*slash));
    LeaveRole { worker } => ("leave as worker {worker}");
    FundBudget { amount } => ("pay {} into the budget", units(*amount));
    SpendFromBudget { to, amount } => ("pay {} out of the budget to {to}", units(*amount));
    SetStatusText { hash } => ("{}", status(*hash));
    LeadRemark { message } => ("remark as the lead: {}", said(message));
    WorkerRemark { worker, message } => ("remark as worker {worker}: {}", said(message));
});

/// Who is sought by an opening.
pub(super) const fn sought(kind: OpeningKind) -> &'static str {
    match kind {
        OpeningKind::Regular => "workers",
        OpeningKind::Leader => "a lead",
    }
}

/// What an opening asks for and offers.
pub(super) fn terms(stake: Balance, unstaking_period_ms: u64, reward_per_period: Option<Balance>) -> String {
    let unstaking = period(unstaking_period_ms);
    format!("a stake of {}, {unstaking} of unstaking and {}", units(stake), reward(reward_per_period))
}

fn reward_or_nothing(reward_per_period: Option<Balance>) -> String {
    if reward_per_period.is_none() { "nothing".to_owned() } else { reward(reward_per_period) }
}

fn slashing(slash: Option<Balance>) -> String {
    match slash {
        Some(amount) => format!("burning up to {} of the stake", units(amount)),
        None => "giving the stake back".to_owned(),
    }
}

fn status(hash: Option<[u8; 32]>) -> String {
    match hash {
        Some(hash) => format!("set the status text to the one with {}", hash_of_text(&hash)),
        None => "remove the status text".to_owned(),
    }
}
