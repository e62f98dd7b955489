//! The directory's records as the API shows them.

mod buckets;
mod chain;
mod content;
mod council;
mod groups;

pub(crate) use buckets::{distribution_bucket, family, holdings, policy, resignations, storage_bucket};
pub(crate) use chain::{Signed, block, events, receipt, refused, reject, signed};
pub(crate) use content::{asset_set, bag, channel, object};
pub(crate) use council::{council, fees, limits, release, treasury};
pub(crate) use groups::{account, application, group, member, opening, worker};
