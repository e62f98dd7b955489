//! Buckets, families, operators and policies.

use super::text;
use crate::wire::{Schema, Schemas, wire};
use argosy_domain::{AccountId, DataObjectId, DistributionBucketId, FamilyId, StorageBucketId, WorkerId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Whether a bucket has an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatorStatus {
    /// Invited, not yet accepted.
    Invited,
    /// Operates the bucket.
    Active,
}

impl Schema for OperatorStatus {
    fn schema(_: &mut Schemas) -> Value {
        json!({"type": "string", "enum": ["invited", "active"]})
    }
}

wire! {
    /// The tie between a worker and a bucket.
    pub struct OperatorView {
        /// The worker.
        #[serde(with = "text")]
        pub worker: WorkerId,
        /// Whether it has accepted.
        pub status: OperatorStatus,
        /// Root URL of its node, if it has said so.
        pub endpoint: Option<String>,
        /// Account that signs acceptances; storage only.
        #[serde(default, with = "text::option", skip_serializing_if = "Option::is_none")]
        pub transactor: Option<AccountId>,
        /// What it says of its node: `endpoint`, `location`, `extra`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub metadata: Option<Map<String, Value>>,
        /// Block time at which it is let go, in milliseconds, if it gave notice.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub leaves_ms: Option<u64>,
    }

    /// An element of `GET /api/v1/storage-buckets`.
    pub struct StorageBucketView {
        /// The bucket.
        #[serde(with = "text")]
        pub id: StorageBucketId,
        /// Its operator, if any.
        pub operator: Option<OperatorView>,
        /// Whether new bags may be assigned.
        pub accepting_new_bags: bool,
        /// Voucher: bytes.
        pub size_limit: u64,
        /// Voucher: objects.
        pub objects_limit: u64,
        /// Bytes used.
        pub size_used: u64,
        /// Objects used.
        pub objects_used: u64,
        /// Bags that it must keep.
        pub assigned_bags: u64,
        /// Height of its newest holding report.
        pub holdings_height: Option<u64>,
        /// Objects that the report excepts.
        pub holdings_except_count: u64,
    }

    /// `GET /api/v1/storage-buckets/{id}/holdings`: what its operator claims to hold.
    pub struct HoldingsView {
        /// The bucket.
        #[serde(with = "text")]
        pub bucket: StorageBucketId,
        /// Of all objects accepted up to this height; nothing if there was no report.
        pub height: Option<u64>,
        /// These are not held.
        #[serde(with = "text::list")]
        pub except: Vec<DataObjectId>,
    }

    /// An element of `GET /api/v1/distribution-buckets`.
    pub struct DistributionBucketView {
        /// The bucket, `family:index`.
        #[serde(with = "text")]
        pub id: DistributionBucketId,
        /// Whether new bags may be assigned.
        pub accepting_new_bags: bool,
        /// Whether it serves.
        pub distributing: bool,
        /// Operators, invited and active.
        pub operators: Vec<OperatorView>,
        /// Bags that it must deliver.
        pub assigned_bags: u64,
    }

    /// An element of `GET /api/v1/families`.
    pub struct FamilyView {
        /// The family.
        #[serde(with = "text")]
        pub id: FamilyId,
        /// Its live buckets.
        #[serde(with = "text::list")]
        pub buckets: Vec<DistributionBucketId>,
        /// What the lead says of it: `region`, `description`, `areas`, `latencyTestTargets`.
        #[serde(default)]
        pub metadata: Option<Map<String, Value>>,
    }

    /// An element of `GET /api/v1/policies`.
    pub struct PolicyView {
        /// `Member` or `Channel`.
        pub bag_type: String,
        /// Storage buckets of a new bag.
        pub storage_buckets: u32,
        /// Distribution buckets of a new bag, by family.
        pub families: BTreeMap<String, u32>,
        /// Fee per megabyte that an upload must quote, in base units.
        #[serde(with = "text")]
        pub data_size_fee: u128,
        /// Bond per object that an upload must quote, in base units.
        #[serde(with = "text")]
        pub data_object_state_bloat_bond: u128,
    }

    /// An element of `GET /api/v1/resignations`: an operator who gave notice.
    pub struct ResignationView {
        /// `storage` or `distribution`.
        pub group: String,
        /// The bucket: a storage bucket's id, or `family:index`.
        pub bucket: String,
        /// The operator.
        #[serde(with = "text")]
        pub worker: WorkerId,
        /// Let go in the first block at or after this time, in milliseconds since 1970.
        pub at_ms: u64,
    }
}
