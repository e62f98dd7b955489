//! Bags, objects, asset sets and channels.

use crate::{
    App,
    answer::{At, MAX_PAGE, Many, One, Part, all, counted, first, limit, one, part, scan},
    reply::{Id, Params, missing},
    views,
};
use argosy_api::{
    ErrorBody,
    directory::{
        AssetSetView, BagView, ChannelView, ObjectView,
        query::{BagsQuery, PageQuery},
    },
};
use argosy_directory::State as Directory;
use argosy_domain::{
    AssetSetId, BagId, ChannelId, DataObjectId, DynamicBagId, MemberId, StaticBagId, WorkingGroup,
};
use axum::extract::State;
use std::future::{Ready, ready};

/// Most objects or bags in one answer.
pub(crate) const MAX_OBJECTS: usize = 1_000;
/// Bags that are looked at for one answer. With filters an answer may have few of them, and a next part.
const MAX_LOOKED_AT: usize = 50_000;

pub(crate) fn object(State(app): State<App>, Id(id): Id<DataObjectId>) -> Ready<One<ObjectView>> {
    ready(find_object(&app, id))
}

fn find_object(app: &App, id: DataObjectId) -> One<ObjectView> {
    let look = |state: &Directory| views::object(state, id).ok_or(id < state.next_object_id());
    let At { height, value } = all(app, look)?;
    value.map(|value| At { height, value }).map_err(|deleted| {
        let what = if deleted {
            format!("data object {id} was deleted")
        } else {
            format!("no data object has the id {id}")
        };
        missing("DATA_OBJECT_DOESNT_EXIST", &what)
    })
}

pub(crate) fn bag(State(app): State<App>, Id(id): Id<BagId>) -> Ready<One<BagView>> {
    ready(one(&app, "BAG_DOESNT_EXIST", "no bag has this id", |state| views::bag(state, id)))
}

pub(crate) async fn bags(State(app): State<App>, Params(query): Params<BagsQuery>) -> Many<BagView> {
    scan(&app, move |state| Ok(find_bags(state, &query))).await
}

fn find_bags(state: &Directory, query: &BagsQuery) -> (Vec<BagView>, Option<String>) {
    let most = limit(query.limit, MAX_OBJECTS);
    let mut found = Vec::new();
    let mut ids = bag_ids(state, query.from);
    for id in ids.by_ref().take(MAX_LOOKED_AT) {
        if found.len() == most {
            return (found, Some(id.to_string()));
        }
        found.extend(views::bag(state, id).filter(|bag| is_wanted(bag, query)));
    }
    (found, ids.next().map(|id| id.to_string()))
}

fn is_wanted(bag: &BagView, query: &BagsQuery) -> bool {
    query.storage_bucket.is_none_or(|bucket| bag.storage_buckets.contains(&bucket))
        && query.distribution_bucket.is_none_or(|bucket| bag.distribution_buckets.contains(&bucket))
}

/// Every bag that there can be, ascending: found by counting, so that a part is reached at once.
fn bag_ids(state: &Directory, from: Option<BagId>) -> impl Iterator<Item = BagId> {
    let first = from.unwrap_or(BagId::Static(StaticBagId::Council));
    let groups = WorkingGroup::ALL.into_iter().map(StaticBagId::WorkingGroup);
    let fixed = [StaticBagId::Council].into_iter().chain(groups).map(BagId::Static);
    let settings = state.settings();
    let (members, channels) = match first {
        BagId::Static(_) => (0, 0),
        BagId::Dynamic(DynamicBagId::Member(MemberId(id))) => (id, 0),
        BagId::Dynamic(DynamicBagId::Channel(ChannelId(id))) => (u64::MAX, id),
    };
    let members = (members..settings.next_member.0).map(|id| BagId::member(MemberId(id)));
    let channels = (channels..settings.next_channel.0).map(|id| BagId::channel(ChannelId(id)));
    fixed.filter(move |id| *id >= first).chain(members).chain(channels)
}

pub(crate) async fn bag_objects(
    State(app): State<App>,
    Id(id): Id<BagId>,
    Params(page): Params<PageQuery>,
) -> Many<ObjectView> {
    scan(&app, move |state| {
        if !state.has_bag(&id) {
            return Err(no_bag());
        }
        let most = limit(page.limit, MAX_OBJECTS);
        let from = DataObjectId(page.from.unwrap_or(0));
        let objects = state.bag_objects_from(&id, from, most.saturating_add(1));
        let views = objects.into_iter().filter_map(|id| Some((id, views::object(state, id)?)));
        Ok(first(views, most))
    })
    .await
}

pub(crate) fn bag_asset_sets(
    State(app): State<App>,
    Id(id): Id<BagId>,
    Params(page): Params<PageQuery>,
) -> Ready<Many<AssetSetView>> {
    ready(find_bag_asset_sets(&app, id, &page))
}

fn find_bag_asset_sets(app: &App, id: BagId, page: &PageQuery) -> Many<AssetSetView> {
    let At { height, value } = all(app, |state| {
        let from = AssetSetId(page.from.unwrap_or(0));
        let mut ids: Vec<_> = state.asset_sets_of(id).filter(|id| *id >= from).collect();
        ids.sort_unstable();
        let sets = ids.into_iter().filter_map(|id| Some((id, views::asset_set(id, state.asset_set(id)?))));
        state.has_bag(&id).then(|| first(sets, limit(page.limit, MAX_OBJECTS)))
    })?;
    let (items, next) = value.ok_or_else(no_bag)?;
    Ok(Part { height, items, next })
}

fn no_bag() -> ErrorBody {
    missing("BAG_DOESNT_EXIST", "no bag has this id")
}

pub(crate) fn asset_set(State(app): State<App>, Id(id): Id<AssetSetId>) -> Ready<One<AssetSetView>> {
    let look = |state: &Directory| state.asset_set(id).map(|set| views::asset_set(id, set));
    ready(one(&app, "ASSET_SET_DOES_NOT_EXIST", "no asset set has this id", look))
}

pub(crate) fn asset_sets(
    State(app): State<App>,
    Params(page): Params<PageQuery>,
) -> Ready<Many<AssetSetView>> {
    ready(part(&app, |state| {
        let get = |id| Some(views::asset_set(AssetSetId(id), state.asset_set(AssetSetId(id))?));
        let sets = counted(page.from, state.settings().next_asset_set.0, get);
        first(sets, limit(page.limit, MAX_OBJECTS))
    }))
}

pub(crate) fn channels(State(app): State<App>, Params(page): Params<PageQuery>) -> Ready<Many<ChannelView>> {
    ready(part(&app, |state| {
        let get = |id| Some(views::channel(ChannelId(id), state.channel(ChannelId(id))?));
        let channels = counted(page.from, state.settings().next_channel.0, get);
        first(channels, limit(page.limit, MAX_PAGE))
    }))
}

pub(crate) fn channel(State(app): State<App>, Id(id): Id<ChannelId>) -> Ready<One<ChannelView>> {
    let look = |state: &Directory| state.channel(id).map(|channel| views::channel(id, channel));
    ready(one(&app, "CHANNEL_DOES_NOT_EXIST", "no channel has this id", look))
}
