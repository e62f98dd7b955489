//! Openings, applications, and who is hired.

use super::{Origin, ensure_lead};
use crate::{
    State,
    call::{Balance, GroupCall},
    change::{Change, Edit},
    event::Event,
    purse::Purse,
    reject::Reject,
    state::{Application, GroupSettings, Opening, OpeningKind, Worker},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use argosy_domain::{AccountId, ApplicationId, MemberId, OpeningId, WorkingGroup, num::to_u64};

/// What an opening offers and asks for.
pub(super) struct Terms {
    pub(super) kind: OpeningKind,
    pub(super) description: [u8; 32],
    pub(super) stake: Balance,
    pub(super) unstaking_period_ms: u64,
    pub(super) reward_per_period: Option<Balance>,
}

impl Terms {
    /// What those hear who follow events.
    fn told(&self, group: WorkingGroup, opening: OpeningId) -> Event {
        let Self { kind, description, stake, unstaking_period_ms, reward_per_period } = *self;
        Event::OpeningAdded {
            group,
            opening,
            description,
            kind,
            stake,
            unstaking_period_ms,
            reward_per_period,
        }
    }
}

/// Regular openings are the lead's, those for the lead the council's.
fn ensure_may_hire(
    state: &State,
    origin: Origin,
    group: WorkingGroup,
    kind: OpeningKind,
) -> Result<(), Reject> {
    match (kind, origin) {
        (OpeningKind::Regular, Origin::Account(signer)) => ensure_lead(state, group, signer),
        (OpeningKind::Leader, Origin::Council) => Ok(()),
        (OpeningKind::Regular, Origin::Council) | (OpeningKind::Leader, Origin::Account(_)) => {
            Err(Reject::BadOrigin)
        }
    }
}

pub(super) fn add_opening(
    state: &State,
    origin: Origin,
    group: WorkingGroup,
    settings: &GroupSettings,
    terms: &Terms,
) -> Result<Change, Reject> {
    ensure_may_hire(state, origin, group, terms.kind)?;
    let params = state.params();
    if terms.stake < params.min_application_stake {
        return Err(Reject::BelowMinimumStakes);
    }
    if terms.unstaking_period_ms < params.min_unstaking_period_ms {
        return Err(Reject::UnstakingPeriodLessThanMinimum);
    }
    if terms.reward_per_period == Some(0) {
        return Err(Reject::CannotRewardWithZero);
    }
    let mut purse = Purse::new(state);
    // The deposit keeps a lead from littering; the council needs no such thing.
    let lead = settings.lead.and_then(|lead| state.worker(group, lead));
    let deposit = match (terms.kind, lead) {
        (OpeningKind::Regular, Some(lead)) if params.opening_deposit > 0 => {
            purse.hold(lead.staking_account, params.opening_deposit)?;
            Some((lead.staking_account, params.opening_deposit))
        }
        (OpeningKind::Regular | OpeningKind::Leader, _) => None,
    };
    let id = settings.next_opening;
    let opening = Opening {
        kind: terms.kind,
        description: terms.description,
        stake: terms.stake,
        unstaking_period_ms: terms.unstaking_period_ms,
        reward_per_period: terms.reward_per_period.unwrap_or(0),
        deposit,
        created_ms: state.at().time_ms,
    };
    let event = terms.told(group, id);
    let mut change = Change::of(Edit::Opening(group, id, Some(opening)), event);
    purse.settle(&mut change);
    change.edit(Edit::Group(group, GroupSettings { next_opening: id.next(), ..*settings }));
    Ok(change)
}

fn existing(state: &State, group: WorkingGroup, id: OpeningId) -> Result<&Opening, Reject> {
    state.opening(group, id).ok_or(Reject::OpeningDoesNotExist)
}

fn release_deposit(purse: &mut Purse<'_>, opening: &Opening) {
    if let Some((account, amount)) = opening.deposit {
        purse.release(account, amount);
    }
}

pub(super) fn cancel_opening(
    state: &State,
    origin: Origin,
    group: WorkingGroup,
    id: OpeningId,
) -> Result<Change, Reject> {
    let opening = existing(state, group, id)?;
    ensure_may_hire(state, origin, group, opening.kind)?;
    let mut purse = Purse::new(state);
    release_deposit(&mut purse, opening);
    let mut change =
        Change::of(Edit::Opening(group, id, None), Event::OpeningCancelled { group, opening: id });
    purse.settle(&mut change);
    Ok(change)
}

/// Takes the call whole: an application has as many parts as it has.
pub(super) fn apply(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    settings: &GroupSettings,
    call: &GroupCall,
) -> Result<Change, Reject> {
    let GroupCall::ApplyOnOpening {
        opening,
        member,
        role_account,
        reward_account,
        staking_account,
        stake,
        description,
    } = *call
    else {
        return Err(Reject::BadOrigin);
    };
    let profile = state.member(member).ok_or(Reject::MemberProfileNotFound)?;
    if profile.account != signer {
        return Err(Reject::MemberAuthFailed);
    }
    if stake < existing(state, group, opening)?.stake {
        return Err(Reject::ApplicationStakeDoesntMatchOpening);
    }
    ensure_may_stake(state, member, staking_account)?;
    let mut purse = Purse::new(state);
    if stake > 0 {
        if state.account(&staking_account).staked > 0 {
            return Err(Reject::ConflictStakesOnAccount);
        }
        purse.hold(staking_account, stake)?;
    }
    let id = settings.next_application;
    let application =
        Application { opening, member, role_account, reward_account, staking_account, stake, description };
    let event = Event::AppliedOnOpening {
        group,
        opening,
        application: id,
        member,
        role_account,
        reward_account,
        staking_account,
        stake,
        description,
    };
    let mut change = Change::of(Edit::Application(group, id, Some(application)), event);
    purse.settle(&mut change);
    change.edit(Edit::Group(group, GroupSettings { next_application: id.next(), ..*settings }));
    Ok(change)
}

/// The account is the member's, or agreed to be staked for the member.
fn ensure_may_stake(state: &State, member: MemberId, account: AccountId) -> Result<(), Reject> {
    let own = state.member(member).is_some_and(|m| m.account == account || m.root == account);
    if own || state.staking_account_member(&account) == Some(member) {
        return Ok(());
    }
    Err(Reject::InvalidStakingAccountForMember)
}

pub(super) fn withdraw(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    id: ApplicationId,
) -> Result<Change, Reject> {
    let application = state.application(group, id).ok_or(Reject::WorkerApplicationDoesNotExist)?;
    if application.role_account != signer {
        return Err(Reject::OriginIsNotApplicant);
    }
    let mut purse = Purse::new(state);
    purse.release(application.staking_account, application.stake);
    let event = Event::ApplicationWithdrawn { group, application: id };
    let mut change = Change::of(Edit::Application(group, id, None), event);
    purse.settle(&mut change);
    Ok(change)
}

/// Applications that do not succeed stay until they are withdrawn, with their stakes.
pub(super) fn fill_opening(
    state: &State,
    origin: Origin,
    group: WorkingGroup,
    settings: &GroupSettings,
    id: OpeningId,
    successful: &BTreeSet<ApplicationId>,
) -> Result<Change, Reject> {
    let opening = existing(state, group, id)?;
    ensure_may_hire(state, origin, group, opening.kind)?;
    let applications = ensure_fill(state, group, settings, id, opening, successful)?;
    let mut purse = Purse::new(state);
    release_deposit(&mut purse, opening);
    let mut change = Change::default();
    let mut settings = *settings;
    let mut workers = BTreeMap::new();
    for (application_id, application) in applications {
        let worker = settings.next_worker;
        settings.next_worker = worker.next();
        change.edit(Edit::Worker(group, worker, Some(hired(state, opening, application))));
        change.edit(Edit::Application(group, application_id, None));
        let Application { member, role_account, .. } = *application;
        change.tell(Event::WorkerHired { group, worker, member, role_account });
        workers.insert(application_id, worker);
    }
    if opening.kind == OpeningKind::Leader {
        settings.lead = workers.first_key_value().map(|(_, worker)| *worker);
        change.events.extend(settings.lead.map(|worker| Event::LeaderSet { group, worker }));
    }
    change.edit(Edit::Group(group, settings));
    change.edit(Edit::Opening(group, id, None));
    purse.settle(&mut change);
    change.tell(Event::OpeningFilled { group, opening: id, workers });
    Ok(change)
}

fn ensure_fill<'a>(
    state: &'a State,
    group: WorkingGroup,
    settings: &GroupSettings,
    id: OpeningId,
    opening: &Opening,
    successful: &BTreeSet<ApplicationId>,
) -> Result<Vec<(ApplicationId, &'a Application)>, Reject> {
    let count = state.workers_count(group).saturating_add(to_u64(successful.len()));
    if count > u64::from(state.params().max_workers_per_group) {
        return Err(Reject::MaxActiveWorkerNumberExceeded);
    }
    let leader = opening.kind == OpeningKind::Leader;
    if leader && settings.lead.is_some() {
        return Err(Reject::CannotHireLeaderWhenLeaderExists);
    }
    if successful.is_empty() {
        return Err(Reject::NoApplicationsProvided);
    }
    let found = |&id: &ApplicationId| state.application(group, id).map(|application| (id, application));
    let applications: Option<Vec<_>> = successful.iter().map(found).collect();
    let applications = applications.ok_or(Reject::SuccessfulWorkerApplicationDoesNotExist)?;
    if applications.iter().any(|(_, application)| application.opening != id) {
        return Err(Reject::ApplicationsNotForOpening);
    }
    if leader && applications.len() > 1 {
        return Err(Reject::CannotHireMultipleLeaders);
    }
    Ok(applications)
}

fn hired(state: &State, opening: &Opening, application: &Application) -> Worker {
    let now = state.at().time_ms;
    Worker {
        member: application.member,
        role_account: application.role_account,
        reward_account: application.reward_account,
        staking_account: application.staking_account,
        stake: application.stake,
        reward_per_period: opening.reward_per_period,
        missed_reward: 0,
        rewarded_until_ms: now,
        unstaking_period_ms: opening.unstaking_period_ms,
        leaves_ms: None,
        hired_ms: now,
    }
}
