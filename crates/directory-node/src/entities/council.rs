//! The council, its releases, and the numbers that hold for everybody.

use crate::{
    App,
    answer::{MAX_PAGE, Many, One, all, first, limit, part},
    reply::Params,
    views,
};
use argosy_api::directory::{
    CouncilView, FeesView, LimitsView, ReleaseView, TreasuryView,
    query::{BlacklistQuery, PageQuery},
};
use axum::extract::State;
use std::future::{Ready, ready};

pub(crate) fn council(State(app): State<App>) -> Ready<One<CouncilView>> {
    ready(all(&app, views::council))
}

pub(crate) fn releases(State(app): State<App>, Params(page): Params<PageQuery>) -> Ready<Many<ReleaseView>> {
    let from = page.from.unwrap_or(0);
    ready(part(&app, |state| {
        let releases = state.releases().skip_while(|(id, _)| id.0 < from);
        first(releases.map(|(id, one)| (id, views::release(id, one))), limit(page.limit, MAX_PAGE))
    }))
}

pub(crate) fn limits(State(app): State<App>) -> Ready<One<LimitsView>> {
    ready(all(&app, views::limits))
}

pub(crate) fn fees(State(app): State<App>) -> Ready<One<FeesView>> {
    ready(all(&app, views::fees))
}

pub(crate) fn treasury(State(app): State<App>) -> Ready<One<TreasuryView>> {
    ready(all(&app, views::treasury))
}

/// Content ids, ascending.
pub(crate) fn blacklist(State(app): State<App>, Params(page): Params<BlacklistQuery>) -> Ready<Many<String>> {
    ready(part(&app, |state| {
        let ids = state.blacklist().skip_while(|id| page.from.is_some_and(|from| *id < from));
        first(ids.map(|id| (id, id.to_string())), limit(page.limit, MAX_PAGE))
    }))
}
