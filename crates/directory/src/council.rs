//! The council: what it does takes the approval of several keys.
//!
//! A proposal is kept in the state and approved key by key, each with an ordinary transaction. So a
//! transaction has one signer, and nobody has to gather signatures off the record.

use crate::{
    State,
    call::{Balance, CouncilAction, CouncilCall, Parameter},
    change::{Change, Edit},
    event::Event,
    genesis::Params,
    groups::{self, Origin},
    purse::Purse,
    reject::Reject,
    state::{Council, Proposal, Release},
};
use alloc::{boxed::Box, collections::BTreeSet, string::String};
use argosy_domain::{
    AccountId, ProposalId, WorkingGroup,
    limits::{MAX_COUNCIL_KEYS, MAX_NAME_BYTES, MAX_OBJECT_BYTES, MAX_OBJECTS_PER_CALL, MAX_OPEN_PROPOSALS},
    num::to_u64,
};

/// Most that a parameter may allow of workers of a group: each block looks at all of them.
const MOST_WORKERS_PER_GROUP: u32 = 1_000;

pub(crate) fn check(state: &State, signer: AccountId, call: &CouncilCall) -> Result<Change, Reject> {
    if !state.council().keys.contains(&signer) {
        return Err(Reject::NotCouncilKey);
    }
    match call {
        CouncilCall::Propose { action } => propose(state, signer, action),
        CouncilCall::Approve { proposal } => approve(state, signer, *proposal),
        CouncilCall::Withdraw { proposal } => withdraw(state, signer, *proposal),
    }
}

/// Whether so many of these keys are a council.
pub(crate) fn threshold_is_valid(keys: &BTreeSet<AccountId>, threshold: u32) -> bool {
    keys.len() <= MAX_COUNCIL_KEYS && (1..=to_u64(keys.len())).contains(&u64::from(threshold))
}

/// A key's proposals that nobody else approves are no more than its share of all that may be open: one
/// key in wrong hands does not keep the others from replacing it.
fn ensure_room(state: &State, by: AccountId) -> Result<(), Reject> {
    let share = MAX_OPEN_PROPOSALS.checked_div(state.council().keys.len()).unwrap_or(0).max(1);
    let alone = |proposal: &Proposal| proposal.approvals.len() == 1 && proposal.approvals.contains(&by);
    let approved_alone = state.proposals().filter(|(_, proposal)| alone(proposal)).count();
    if approved_alone >= share || state.proposals().count() >= MAX_OPEN_PROPOSALS {
        return Err(Reject::TooManyProposals);
    }
    Ok(())
}

fn propose(state: &State, by: AccountId, action: &CouncilAction) -> Result<Change, Reject> {
    ensure_room(state, by)?;
    let mut council = state.council().clone();
    let id = council.next_proposal;
    council.next_proposal = id.next();
    let mut change = Change::default();
    change.tell(Event::CouncilProposed { proposal: id, by, action: action.clone() });
    if council.threshold <= 1 {
        carry_out(state, &mut change, &mut council, id, action)?;
    } else {
        let expires_ms = state.at().time_ms.saturating_add(state.params().proposal_life_ms);
        let proposal = Proposal { action: action.clone(), approvals: [by].into(), expires_ms };
        change.edit(Edit::Proposal(id, Some(Box::new(proposal))));
    }
    change.edit(Edit::Council(council));
    Ok(change)
}

fn existing(state: &State, id: ProposalId) -> Result<&Proposal, Reject> {
    state.proposal(id).ok_or(Reject::ProposalDoesntExist)
}

fn approve(state: &State, by: AccountId, id: ProposalId) -> Result<Change, Reject> {
    let mut proposal = existing(state, id)?.clone();
    if !proposal.approvals.insert(by) {
        return Err(Reject::ProposalAlreadyApproved);
    }
    let mut change = Change::default();
    change.tell(Event::CouncilApproved { proposal: id, by });
    if to_u64(proposal.approvals.len()) < u64::from(state.council().threshold) {
        change.edit(Edit::Proposal(id, Some(Box::new(proposal))));
        return Ok(change);
    }
    let mut council = state.council().clone();
    change.edit(Edit::Proposal(id, None));
    carry_out(state, &mut change, &mut council, id, &proposal.action)?;
    change.edit(Edit::Council(council));
    Ok(change)
}

fn withdraw(state: &State, by: AccountId, id: ProposalId) -> Result<Change, Reject> {
    let mut proposal = existing(state, id)?.clone();
    if !proposal.approvals.remove(&by) {
        return Err(Reject::ProposalNotApproved);
    }
    let mut change = Change::default();
    change.tell(Event::CouncilApprovalWithdrawn { proposal: id, by });
    let rest = if proposal.approvals.is_empty() {
        change.tell(Event::CouncilProposalLapsed { proposal: id });
        None
    } else {
        Some(Box::new(proposal))
    };
    change.edit(Edit::Proposal(id, rest));
    Ok(change)
}

/// Proposals whose time is over.
pub(crate) fn lapse(state: &State) -> Change {
    let mut change = Change::default();
    for (id, proposal) in state.proposals() {
        if proposal.expires_ms <= state.at().time_ms {
            change.edit(Edit::Proposal(id, None));
            change.tell(Event::CouncilProposalLapsed { proposal: id });
        }
    }
    change
}

fn carry_out(
    state: &State,
    change: &mut Change,
    council: &mut Council,
    id: ProposalId,
    action: &CouncilAction,
) -> Result<(), Reject> {
    change.tell(Event::CouncilExecuted { proposal: id });
    match action {
        CouncilAction::Group { group, call } => {
            change.append(groups::check(state, Origin::Council, *group, call)?);
        }
        CouncilAction::FundGroup { group, amount } => {
            let budget = state.budget(*group).checked_add(*amount).ok_or(Reject::ArithmeticError)?;
            set_budget(state, change, *group, budget)?;
        }
        CouncilAction::SetGroupBudget { group, amount } => set_budget(state, change, *group, *amount)?,
        CouncilAction::Grant { to, amount, locked } => grant(state, change, *to, *amount, *locked)?,
        CouncilAction::PublishRelease { program, version, run_by_ms } => {
            publish(state, change, council, program, version, *run_by_ms)?;
        }
        CouncilAction::SetParameter { parameter } => {
            let params = with_parameter(state.params(), *parameter).ok_or(Reject::InvalidParameter)?;
            if let Parameter::RewardPeriodMs(period_ms) = *parameter {
                groups::rewards::change_period(state, change, period_ms);
            }
            change.edit(Edit::Params(Box::new(params)));
            change.tell(Event::ParameterSet { parameter: *parameter });
        }
        CouncilAction::ReplaceKeys { keys, threshold } => {
            replace_keys(state, change, council, id, keys, *threshold)?;
        }
        CouncilAction::SetSecretary { account } => {
            council.secretary = *account;
            change.tell(Event::CouncilSecretarySet { account: *account });
        }
    }
    Ok(())
}

fn set_budget(
    state: &State,
    change: &mut Change,
    group: WorkingGroup,
    amount: Balance,
) -> Result<(), Reject> {
    state.group_settings(group).ok_or(Reject::WorkingGroupDoesntExist)?;
    let mut purse = Purse::new(state);
    let before = purse.budget(group);
    purse.issue(amount.saturating_sub(before))?;
    purse.burn(before.saturating_sub(amount));
    purse.give_budget(group, amount.saturating_sub(before));
    purse.take_budget(group, before.saturating_sub(amount))?;
    purse.settle(change);
    change.tell(Event::BudgetSet { group, amount });
    Ok(())
}

fn grant(
    state: &State,
    change: &mut Change,
    to: AccountId,
    amount: Balance,
    locked: bool,
) -> Result<(), Reject> {
    let mut purse = Purse::new(state);
    purse.issue(amount)?;
    purse.give(to, amount);
    if locked {
        purse.lock(to, amount);
    }
    purse.settle(change);
    change.tell(Event::Granted { to, amount, locked });
    Ok(())
}

fn publish(
    state: &State,
    change: &mut Change,
    council: &mut Council,
    program: &str,
    version: &str,
    run_by_ms: u64,
) -> Result<(), Reject> {
    let name_is_valid =
        |name: &str| (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
    if !name_is_valid(program) || !name_is_valid(version) {
        return Err(Reject::InvalidRelease);
    }
    let published_ms = state.at().time_ms;
    let (program, version) = (String::from(program), String::from(version));
    let release = council.next_release;
    council.next_release = release.next();
    let record = Release { program: program.clone(), version: version.clone(), published_ms, run_by_ms };
    change.edit(Edit::Release(release, Some(record)));
    change.tell(Event::ReleasePublished { release, program, version, published_ms, run_by_ms });
    Ok(())
}

/// Open proposals lapse: what the old keys said of them must not count for the new ones.
fn replace_keys(
    state: &State,
    change: &mut Change,
    council: &mut Council,
    id: ProposalId,
    keys: &BTreeSet<AccountId>,
    threshold: u32,
) -> Result<(), Reject> {
    if !threshold_is_valid(keys, threshold) {
        return Err(Reject::InvalidThreshold);
    }
    for (proposal, _) in state.proposals().filter(|(proposal, _)| *proposal != id) {
        change.edit(Edit::Proposal(proposal, None));
        change.tell(Event::CouncilProposalLapsed { proposal });
    }
    council.keys.clone_from(keys);
    council.threshold = threshold;
    change.tell(Event::CouncilKeysReplaced { keys: keys.clone(), threshold });
    Ok(())
}

/// The parameters with this one changed; none if it cannot have this value.
fn with_parameter(params: &Params, parameter: Parameter) -> Option<Params> {
    let mut params = params.clone();
    let holds = match parameter {
        Parameter::TransactionFee(value) => set(&mut params.transaction_fee, value, true),
        Parameter::TransactionByteFee(value) => set(&mut params.transaction_byte_fee, value, true),
        Parameter::TransactionWeightFee(value) => set(&mut params.transaction_weight_fee, value, true),
        Parameter::MaxDataObjectSize(value) => {
            set(&mut params.max_data_object_size, value, (1..=MAX_OBJECT_BYTES).contains(&value))
        }
        Parameter::MaxDistributionBucketFamilies(value) => {
            set(&mut params.max_distribution_bucket_families, value, true)
        }
        Parameter::BlacklistSizeLimit(value) => set(&mut params.blacklist_size_limit, value, true),
        Parameter::MaxStorageBucketsPerWorker(value) => {
            set(&mut params.max_storage_buckets_per_worker, value, value > 0)
        }
        Parameter::MaxAssetsPerSet(value) => {
            set(&mut params.max_assets_per_set, value, u64::from(value) <= to_u64(MAX_OBJECTS_PER_CALL))
        }
        Parameter::MaxWorkersPerGroup(value) => {
            set(&mut params.max_workers_per_group, value, value <= MOST_WORKERS_PER_GROUP)
        }
        Parameter::RewardPeriodMs(value) => set(&mut params.reward_period_ms, value, value > 0),
        Parameter::MinUnstakingPeriodMs(value) => set(&mut params.min_unstaking_period_ms, value, true),
        Parameter::MinApplicationStake(value) => set(&mut params.min_application_stake, value, true),
        Parameter::OpeningDeposit(value) => set(&mut params.opening_deposit, value, true),
        Parameter::ResignationNoticeMs(value) => set(&mut params.resignation_notice_ms, value, true),
        Parameter::ProposalLifeMs(value) => set(&mut params.proposal_life_ms, value, value > 0),
    };
    holds.then_some(params)
}

fn set<T>(field: &mut T, value: T, holds: bool) -> bool {
    *field = value;
    holds
}
