//! What the newest durable state says about one thing, or about all of a kind.

mod buckets;
mod content;
mod council;
mod groups;

pub(crate) use buckets::{
    distribution_bucket, distribution_buckets, families, family, holdings, policies, resignations,
    storage_bucket, storage_buckets,
};
pub(crate) use content::{
    asset_set, asset_sets, bag, bag_asset_sets, bag_objects, bags, channel, channels, object,
};
pub(crate) use council::{blacklist, council, fees, limits, releases, treasury};
pub(crate) use groups::{
    account, accounts, applications, ensure_run, group, groups, member, members, openings, workers,
};
