//! Working groups, members and accounts.

use argosy_api::directory::{
    AccountView, ApplicationView, GroupName, GroupView, MemberView, OpeningView, WorkerView,
};
use argosy_directory::{
    State,
    state::{Application, Member, Opening, OpeningKind, Worker},
};
use argosy_domain::{AccountId, ApplicationId, MemberId, OpeningId, WorkerId, WorkingGroup, num::to_u64};

/// Nothing for a group that the directory does not run.
pub(crate) fn group(state: &State, group: WorkingGroup) -> Option<GroupView> {
    let settings = state.group_settings(group)?;
    let lead_account = settings.lead.and_then(|lead| Some(state.worker(group, lead)?.role_account));
    Some(GroupView {
        name: GroupName(group),
        lead: settings.lead,
        lead_account,
        budget: state.budget(group),
        workers_count: to_u64(state.workers(group).count()),
        openings_count: to_u64(state.openings(group).count()),
        applications_count: to_u64(state.applications(group).count()),
        next_reward_ms: settings.next_reward_ms,
        status_text: settings.status_text.map(hex::encode),
    })
}

pub(crate) fn worker(state: &State, group: WorkingGroup, id: WorkerId, worker: &Worker) -> WorkerView {
    WorkerView {
        id,
        member: worker.member,
        is_lead: state.lead(group) == Some(id),
        role_account: worker.role_account,
        reward_account: worker.reward_account,
        staking_account: worker.staking_account,
        stake: worker.stake,
        reward_per_period: worker.reward_per_period,
        missed_reward: worker.missed_reward,
        unstaking_period_ms: worker.unstaking_period_ms,
        leaves_ms: worker.leaves_ms,
        hired_ms: worker.hired_ms,
    }
}

pub(crate) fn opening(id: OpeningId, opening: &Opening) -> OpeningView {
    OpeningView {
        id,
        kind: match opening.kind {
            OpeningKind::Regular => "Regular",
            OpeningKind::Leader => "Leader",
        }
        .to_owned(),
        description: hex::encode(opening.description),
        stake: opening.stake,
        unstaking_period_ms: opening.unstaking_period_ms,
        reward_per_period: opening.reward_per_period,
        created_ms: opening.created_ms,
    }
}

pub(crate) fn application(id: ApplicationId, application: &Application) -> ApplicationView {
    ApplicationView {
        id,
        opening: application.opening,
        member: application.member,
        role_account: application.role_account,
        reward_account: application.reward_account,
        staking_account: application.staking_account,
        stake: application.stake,
        description: hex::encode(application.description),
    }
}

pub(crate) fn member(id: MemberId, member: &Member) -> MemberView {
    MemberView { id, handle: member.handle.clone(), account: member.account, root: Some(member.root) }
}

pub(crate) fn account(state: &State, id: AccountId) -> AccountView {
    let account = state.account(&id);
    AccountView {
        account: id,
        nonce: account.nonce,
        free: account.free,
        locked: account.locked,
        staked: account.staked,
        staking_member: state.staking_account_member(&id),
    }
}
