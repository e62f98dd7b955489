//! Buckets, families and policies.

use crate::{
    App,
    answer::{MAX_PAGE, Many, One, all, first, limit, one, part},
    reply::{Id, Params},
    views,
};
use argosy_api::directory::{
    DistributionBucketView, FamilyView, HoldingsView, PolicyView, ResignationView, StorageBucketView,
    query::{DistributionBucketsQuery, PageQuery},
};
use argosy_directory::State as Directory;
use argosy_domain::{BagType, DistributionBucketId, FamilyId, StorageBucketId};
use axum::extract::State;
use std::future::{Ready, ready};

pub(crate) fn storage_buckets(
    State(app): State<App>,
    Params(page): Params<PageQuery>,
) -> Ready<Many<StorageBucketView>> {
    let from = page.from.unwrap_or(0);
    ready(part(&app, |state| {
        let buckets = state.storage_buckets().skip_while(|(id, _)| id.0 < from);
        let views = buckets.map(|(id, bucket)| (id, views::storage_bucket(state, id, bucket)));
        first(views, limit(page.limit, MAX_PAGE))
    }))
}

const NO_STORAGE_BUCKET: &str = "STORAGE_BUCKET_DOESNT_EXIST";

pub(crate) fn storage_bucket(
    State(app): State<App>,
    Id(id): Id<StorageBucketId>,
) -> Ready<One<StorageBucketView>> {
    let look = |state: &Directory| Some(views::storage_bucket(state, id, state.storage_bucket(id)?));
    ready(one(&app, NO_STORAGE_BUCKET, "no storage bucket has this id", look))
}

pub(crate) fn holdings(State(app): State<App>, Id(id): Id<StorageBucketId>) -> Ready<One<HoldingsView>> {
    let look = |state: &Directory| views::holdings(state, id);
    ready(one(&app, NO_STORAGE_BUCKET, "no storage bucket has this id", look))
}

pub(crate) fn distribution_buckets(
    State(app): State<App>,
    Params(page): Params<DistributionBucketsQuery>,
) -> Ready<Many<DistributionBucketView>> {
    ready(part(&app, |state| {
        let buckets = state.distribution_buckets().skip_while(|(id, _)| Some(*id) < page.from);
        let views = buckets.map(|(id, bucket)| (id, views::distribution_bucket(state, id, bucket)));
        first(views, limit(page.limit, MAX_PAGE))
    }))
}

pub(crate) fn distribution_bucket(
    State(app): State<App>,
    Id(id): Id<DistributionBucketId>,
) -> Ready<One<DistributionBucketView>> {
    let look =
        |state: &Directory| Some(views::distribution_bucket(state, id, state.distribution_bucket(id)?));
    ready(one(&app, "DISTRIBUTION_BUCKET_DOESNT_EXIST", "no distribution bucket has this id", look))
}

pub(crate) fn families(State(app): State<App>, Params(page): Params<PageQuery>) -> Ready<Many<FamilyView>> {
    let from = page.from.unwrap_or(0);
    ready(part(&app, |state| {
        let families = state.families().skip_while(|(id, _)| id.0 < from);
        first(families.map(|(id, _)| (id, views::family(state, id))), limit(page.limit, MAX_PAGE))
    }))
}

pub(crate) fn family(State(app): State<App>, Id(id): Id<FamilyId>) -> Ready<One<FamilyView>> {
    let look = |state: &Directory| state.family(id).map(|_| views::family(state, id));
    ready(one(&app, "DISTRIBUTION_BUCKET_FAMILY_DOESNT_EXIST", "no family has this id", look))
}

pub(crate) fn policies(State(app): State<App>) -> Ready<One<Vec<PolicyView>>> {
    ready(all(&app, |state| {
        [BagType::Member, BagType::Channel].map(|bag_type| views::policy(state, bag_type)).into()
    }))
}

pub(crate) fn resignations(State(app): State<App>) -> Ready<One<Vec<ResignationView>>> {
    ready(all(&app, views::resignations))
}
