//! Working groups, members and accounts.

use crate::{
    App,
    answer::{MAX_PAGE, Many, One, all, counted, first, limit, one, part, scan},
    reply::{Id, Params, missing},
    views,
};
use argosy_api::{
    ErrorBody,
    directory::{
        AccountView, ApplicationView, GroupName, GroupView, MemberView, OpeningView, WorkerView,
        query::{AccountsQuery, PageQuery},
    },
};
use argosy_directory::state::WORKING_GROUPS;
use argosy_domain::{AccountId, MemberId, WorkingGroup};
use axum::extract::State;
use std::future::{Ready, ready};

/// Most accounts in one answer.
pub(crate) const MAX_ACCOUNTS: usize = 1_000;

pub(crate) fn groups(State(app): State<App>) -> Ready<One<Vec<GroupView>>> {
    ready(all(&app, |state| {
        WORKING_GROUPS.into_iter().filter_map(|group| views::group(state, group)).collect()
    }))
}

pub(crate) fn group(State(app): State<App>, Id(GroupName(id)): Id<GroupName>) -> Ready<One<GroupView>> {
    let error = no_group();
    ready(one(&app, &error.code, &error.message, |state| views::group(state, id)))
}

/// The directory runs only some of the groups that have names.
pub(crate) fn ensure_run(group: WorkingGroup) -> Result<WorkingGroup, ErrorBody> {
    if WORKING_GROUPS.contains(&group) { Ok(group) } else { Err(no_group()) }
}

fn no_group() -> ErrorBody {
    missing("NO_SUCH_GROUP", "the directory runs the groups storage, distribution and attestation")
}

pub(crate) fn workers(
    State(app): State<App>,
    Id(GroupName(group)): Id<GroupName>,
    Params(page): Params<PageQuery>,
) -> Ready<Many<WorkerView>> {
    ready(ensure_run(group).and_then(|group| {
        part(&app, |state| {
            let workers = state.workers(group).skip_while(|(id, _)| Some(id.0) < page.from);
            let views = workers.map(|(id, worker)| (id, views::worker(state, group, id, worker)));
            first(views, limit(page.limit, MAX_PAGE))
        })
    }))
}

pub(crate) fn openings(
    State(app): State<App>,
    Id(GroupName(group)): Id<GroupName>,
    Params(page): Params<PageQuery>,
) -> Ready<Many<OpeningView>> {
    ready(ensure_run(group).and_then(|group| {
        part(&app, |state| {
            let openings = state.openings(group).skip_while(|(id, _)| Some(id.0) < page.from);
            let views = openings.map(|(id, opening)| (id, views::opening(id, opening)));
            first(views, limit(page.limit, MAX_PAGE))
        })
    }))
}

pub(crate) fn applications(
    State(app): State<App>,
    Id(GroupName(group)): Id<GroupName>,
    Params(page): Params<PageQuery>,
) -> Ready<Many<ApplicationView>> {
    ready(ensure_run(group).and_then(|group| {
        part(&app, |state| {
            let applications = state.applications(group).skip_while(|(id, _)| Some(id.0) < page.from);
            let views = applications.map(|(id, one)| (id, views::application(id, one)));
            first(views, limit(page.limit, MAX_PAGE))
        })
    }))
}

pub(crate) fn account(State(app): State<App>, Id(account): Id<AccountId>) -> Ready<One<AccountView>> {
    ready(all(&app, |state| views::account(state, account)))
}

pub(crate) async fn accounts(
    State(app): State<App>,
    Params(page): Params<AccountsQuery>,
) -> Many<AccountView> {
    scan(&app, move |state| {
        let accounts = state.accounts().skip_while(|(id, _)| Some(*id) < page.from);
        let views = accounts.map(|(id, _)| (id, views::account(state, id)));
        Ok(first(views, limit(page.limit, MAX_ACCOUNTS)))
    })
    .await
}

pub(crate) fn members(State(app): State<App>, Params(page): Params<PageQuery>) -> Ready<Many<MemberView>> {
    ready(part(&app, |state| {
        let get = |id| Some(views::member(MemberId(id), state.member(MemberId(id))?));
        let members = counted(page.from, state.settings().next_member.0, get);
        first(members, limit(page.limit, MAX_PAGE))
    }))
}

/// By id, and if none has it, by handle: a handle may consist of digits too.
pub(crate) fn member(State(app): State<App>, Id(name): Id<String>) -> Ready<One<MemberView>> {
    ready(one(&app, "MEMBER_PROFILE_NOT_FOUND", "no member has this id or handle", |state| {
        let by_id = || name.parse::<MemberId>().ok().filter(|id| state.member(*id).is_some());
        let id = by_id().or_else(|| state.member_by_handle(&name))?;
        state.member(id).map(|member| views::member(id, member))
    }))
}
