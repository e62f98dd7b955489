//! How workers go: by themselves after a while, or at once.
//!
//! Nobody goes who operates a bucket; invitations to buckets are dropped.

use super::{Origin, edit, ensure_manager, ensure_worker, rewards::pay_worker, workers};
use crate::{
    State,
    call::Balance,
    change::{Change, Edit},
    distribution,
    event::Event,
    purse::Purse,
    reject::Reject,
    state::{GroupSettings, Worker},
    storage,
};
use argosy_domain::{AccountId, WorkerId, WorkingGroup};

fn operates_a_bucket(state: &State, group: WorkingGroup, worker: WorkerId) -> bool {
    (group == WorkingGroup::Storage && storage::operators::operates_any(state, worker))
        || (group == WorkingGroup::Distribution && distribution::operators::operates_any(state, worker))
}

fn drop_invitations(state: &State, change: &mut Change, group: WorkingGroup, worker: WorkerId) {
    if group == WorkingGroup::Storage {
        storage::operators::drop_invitations(state, change, worker);
    }
    if group == WorkingGroup::Distribution {
        distribution::operators::drop_invitations(state, change, worker);
    }
}

pub(super) fn leave(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    id: WorkerId,
) -> Result<Change, Reject> {
    let worker = ensure_worker(state, group, id, signer)?;
    if worker.leaves_ms.is_some() {
        return Err(Reject::WorkerIsLeaving);
    }
    if operates_a_bucket(state, group, id) {
        return Err(Reject::WorkerOperatesBucket);
    }
    let leaves_ms = state.at().time_ms.saturating_add(worker.unstaking_period_ms);
    let mut change = Change::default();
    drop_invitations(state, &mut change, group, id);
    change.edit(edit(group, id, Worker { leaves_ms: Some(leaves_ms), ..*worker }));
    change.tell(Event::WorkerStartedLeaving { group, worker: id, leaves_ms });
    Ok(change)
}

/// Whoever has been leaving for long enough is gone: with the stake, and with what was earned.
pub(crate) fn exit(state: &State, group: WorkingGroup) -> Change {
    let mut change = Change::default();
    let Some(settings) = state.group_settings(group) else { return change };
    let mut settings = *settings;
    let mut purse = Purse::new(state);
    let now = state.at().time_ms;
    for (id, worker) in state.workers(group) {
        if worker.leaves_ms.is_some_and(|leaves_ms| leaves_ms <= now) {
            let parting = Parting { state, group, id, worker };
            parting.part(&mut purse, &mut change, &mut settings);
            change.tell(Event::WorkerExited { group, worker: id });
        }
    }
    purse.settle(&mut change);
    change
}

pub(super) fn terminate(
    state: &State,
    origin: Origin,
    group: WorkingGroup,
    settings: &GroupSettings,
    id: WorkerId,
    slash: Option<Balance>,
) -> Result<Change, Reject> {
    let worker = ensure_manager(state, origin, group, id)?;
    if slash == Some(0) {
        return Err(Reject::StakeBalanceCannotBeZero);
    }
    if operates_a_bucket(state, group, id) {
        return Err(Reject::WorkerOperatesBucket);
    }
    let mut change = Change::default();
    drop_invitations(state, &mut change, group, id);
    let mut purse = Purse::new(state);
    let mut worker = *worker;
    if let Some(requested) = slash {
        let (slashed, event) = workers::slashed(&mut purse, group, id, &worker, requested);
        worker = slashed;
        change.tell(event);
    }
    let led = settings.lead == Some(id);
    let mut settings = *settings;
    let parting = Parting { state, group, id, worker: &worker };
    parting.part(&mut purse, &mut change, &mut settings);
    purse.settle(&mut change);
    change.tell(match led {
        true => Event::TerminatedLeader { group, worker: id },
        false => Event::TerminatedWorker { group, worker: id },
    });
    Ok(change)
}

/// A worker who goes now.
struct Parting<'a> {
    state: &'a State,
    group: WorkingGroup,
    id: WorkerId,
    worker: &'a Worker,
}

impl Parting<'_> {
    fn part(&self, purse: &mut Purse<'_>, change: &mut Change, settings: &mut GroupSettings) {
        let Self { state, group, id, worker } = *self;
        pay_worker(state, purse, change, group, id, worker);
        purse.release(worker.staking_account, worker.stake);
        change.edit(Edit::Worker(group, id, None));
        if settings.lead == Some(id) {
            settings.lead = None;
            change.edit(Edit::Group(group, *settings));
            change.tell(Event::LeaderUnset { group });
        }
    }
}
