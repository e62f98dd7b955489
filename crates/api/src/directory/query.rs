//! What is asked of a directory node after the `?`.
//!
//! A list is given in parts: `from` is the first key wanted, `limit` how many are, within the list's own
//! bound. The answer's header `x-argosy-next` is the `from` of the next part; the last part has none.

use super::text;
use crate::wire::wire;
use argosy_domain::{AccountId, BagId, ContentId, DistributionBucketId, StorageBucketId};
use std::num::NonZeroU32;

wire! {
    /// A part of a list whose keys are counted.
    #[serde(deny_unknown_fields)]
    pub struct PageQuery {
        /// First id wanted; 0 if left out.
        pub from: Option<u64>,
        /// Most elements wanted.
        pub limit: Option<NonZeroU32>,
    }

    /// A part of the distribution buckets.
    #[serde(deny_unknown_fields)]
    pub struct DistributionBucketsQuery {
        /// First bucket wanted, `family:index`.
        #[serde(default, with = "text::option")]
        pub from: Option<DistributionBucketId>,
        /// Most elements wanted.
        pub limit: Option<NonZeroU32>,
    }

    /// A part of the bags, perhaps only those of some bucket.
    #[serde(deny_unknown_fields)]
    pub struct BagsQuery {
        /// First bag wanted.
        #[serde(default, with = "text::option")]
        pub from: Option<BagId>,
        /// Most elements wanted.
        pub limit: Option<NonZeroU32>,
        /// Only bags that this bucket must keep.
        #[serde(default, with = "text::option")]
        pub storage_bucket: Option<StorageBucketId>,
        /// Only bags that this bucket must deliver.
        #[serde(default, with = "text::option")]
        pub distribution_bucket: Option<DistributionBucketId>,
    }

    /// A part of the accounts.
    #[serde(deny_unknown_fields)]
    pub struct AccountsQuery {
        /// First account wanted, in the order of their keys.
        #[serde(default, with = "text::option")]
        pub from: Option<AccountId>,
        /// Most elements wanted.
        pub limit: Option<NonZeroU32>,
    }

    /// A part of the blacklist.
    #[serde(deny_unknown_fields)]
    pub struct BlacklistQuery {
        /// First content id wanted.
        #[serde(default, with = "text::option")]
        pub from: Option<ContentId>,
        /// Most elements wanted.
        pub limit: Option<NonZeroU32>,
    }

    /// A part of an account's transactions, the newest first.
    #[serde(deny_unknown_fields)]
    pub struct TransactionsQuery {
        /// First place wanted, `height:index`; the newest if left out.
        #[serde(default, with = "text::option")]
        pub from: Option<Place>,
        /// Most elements wanted.
        pub limit: Option<NonZeroU32>,
    }

    /// A part of a lead's record.
    #[serde(deny_unknown_fields)]
    pub struct LeadLogQuery {
        /// First height wanted, or `next` of an earlier answer.
        #[serde(default, with = "text::option")]
        pub from: Option<RecordPlace>,
        /// Last height wanted.
        pub to: Option<u64>,
        /// Most entries wanted.
        pub limit: Option<NonZeroU32>,
    }

    /// Which blocks are streamed.
    #[serde(deny_unknown_fields)]
    pub struct BlocksQuery {
        /// Height of the first block wanted; 0 if left out.
        pub from: Option<u64>,
    }

    /// Which events are streamed; all filters that are given must fit.
    #[serde(deny_unknown_fields)]
    pub struct EventsQuery {
        /// Height of the first block wanted; only new ones if left out.
        pub from: Option<u64>,
        /// Events about this bag.
        #[serde(default, with = "text::option")]
        pub bag: Option<BagId>,
        /// Events about this bucket: a storage bucket's id, or `family:index`.
        #[serde(default, with = "text::option")]
        pub bucket: Option<AnyBucket>,
        /// Events about this worker, `group:id`, or an id in whichever group.
        #[serde(default, with = "text::option")]
        pub worker: Option<AnyWorker>,
        /// Events of this kind, such as `DataObjectsUploaded`.
        pub kind: Option<String>,
    }
}

pub use super::place::{AnyBucket, AnyWorker, Place, RecordPlace};
