//! What the newest durable state says about one thing, or about all of a kind.

use crate::{
    App,
    reply::{Id, Params, missing, stopped},
    views,
};
use argosy_api::{
    ErrorBody,
    directory::{
        AccountView, BagView, ChannelView, DistributionBucketView, FamilyView, MemberView, ObjectView,
        PolicyView, StorageBucketView,
    },
};
use argosy_directory::State as Directory;
use argosy_domain::{AccountId, BagId, BagType, ChannelId, DataObjectId, MemberId};
use axum::{Json, extract::State};
use serde::Deserialize;

/// Most members or channels in one answer.
const MAX_PAGE: usize = 10_000;

/// A part of a long list: from this id on, at most so many.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    #[serde(default)]
    from: u64,
    #[serde(default = "max_page")]
    limit: usize,
}

const fn max_page() -> usize {
    MAX_PAGE
}

impl Page {
    fn limit(&self) -> usize {
        self.limit.min(MAX_PAGE)
    }
}

type Answer<T> = Result<Json<T>, ErrorBody>;

async fn all<T>(app: &App, look: impl FnOnce(&Directory) -> T) -> Answer<T> {
    app.engine.read(look).await.map(Json).map_err(stopped)
}

async fn one<T>(
    app: &App,
    code: &str,
    message: &str,
    look: impl FnOnce(&Directory) -> Option<T>,
) -> Answer<T> {
    let found = app.engine.read(look).await.map_err(stopped)?;
    found.map(Json).ok_or_else(|| missing(code, message))
}

pub(crate) async fn account(State(app): State<App>, Id(account): Id<AccountId>) -> Answer<AccountView> {
    all(&app, |state| AccountView { account, nonce: state.nonce(&account) }).await
}

pub(crate) async fn object(State(app): State<App>, Id(id): Id<DataObjectId>) -> Answer<ObjectView> {
    let look = |state: &Directory| views::object(state, id).ok_or(id < state.next_object_id());
    let found = app.engine.read(look).await.map_err(stopped)?;
    found.map(Json).map_err(|deleted| {
        let what = if deleted {
            format!("data object {id} was deleted")
        } else {
            format!("no data object has the id {id}")
        };
        missing("DATA_OBJECT_DOESNT_EXIST", &what)
    })
}

pub(crate) async fn bag(State(app): State<App>, Id(id): Id<BagId>) -> Answer<BagView> {
    one(&app, "BAG_DOESNT_EXIST", "no bag has this id", |state| views::bag(state, id)).await
}

pub(crate) async fn storage_buckets(State(app): State<App>) -> Answer<Vec<StorageBucketView>> {
    all(&app, |state| {
        state.storage_buckets().map(|(id, bucket)| views::storage_bucket(state, id, bucket)).collect()
    })
    .await
}

pub(crate) async fn distribution_buckets(State(app): State<App>) -> Answer<Vec<DistributionBucketView>> {
    all(&app, |state| {
        state
            .distribution_buckets()
            .map(|(id, bucket)| views::distribution_bucket(state, id, bucket))
            .collect()
    })
    .await
}

pub(crate) async fn families(State(app): State<App>) -> Answer<Vec<FamilyView>> {
    all(&app, |state| {
        let buckets = |family| state.family_buckets(family).map(|(id, _)| id).collect();
        state.families().map(|(id, _)| FamilyView { id, buckets: buckets(id) }).collect()
    })
    .await
}

pub(crate) async fn policies(State(app): State<App>) -> Answer<Vec<PolicyView>> {
    all(&app, |state| {
        [BagType::Member, BagType::Channel].map(|bag_type| views::policy(state, bag_type)).into()
    })
    .await
}

pub(crate) async fn channels(State(app): State<App>, Params(page): Params<Page>) -> Answer<Vec<ChannelView>> {
    all(&app, |state| {
        let wanted = state.channels().skip_while(|(id, _)| id.0 < page.from).take(page.limit());
        wanted.map(|(id, channel)| views::channel(id, channel)).collect()
    })
    .await
}

pub(crate) async fn channel(State(app): State<App>, Id(id): Id<ChannelId>) -> Answer<ChannelView> {
    let look = |state: &Directory| state.channel(id).map(|channel| views::channel(id, channel));
    one(&app, "CHANNEL_DOES_NOT_EXIST", "no channel has this id", look).await
}

pub(crate) async fn members(State(app): State<App>, Params(page): Params<Page>) -> Answer<Vec<MemberView>> {
    all(&app, |state| {
        let wanted = state.members().skip_while(|(id, _)| id.0 < page.from).take(page.limit());
        wanted.map(|(id, member)| views::member(id, member)).collect()
    })
    .await
}

/// By id, and if none has it, by handle: a handle may consist of digits too.
pub(crate) async fn member(State(app): State<App>, Id(name): Id<String>) -> Answer<MemberView> {
    one(&app, "MEMBER_PROFILE_NOT_FOUND", "no member has this id or handle", |state| {
        let by_id = || name.parse::<MemberId>().ok().filter(|id| state.member(*id).is_some());
        let id = by_id().or_else(|| state.member_by_handle(&name))?;
        state.member(id).map(|member| views::member(id, member))
    })
    .await
}
