//! The configuration file of a distributor: Argus' `config.yml`, and a few keys of our own.
//!
//! Every key is described in `docs/config.md`.

mod cache;
mod clients;
mod fills;
mod findings;
mod metrics;
pub(crate) mod operator;
mod prefetch;
mod scrub;
mod sections;
#[cfg(test)]
mod tests;

pub use cache::{CacheSection, Policy};
pub use clients::{LogAddresses, Proxy};
pub use metrics::MetricsApi;
pub use operator::Requirement;
pub use prefetch::{Prefetch, PrefetchPolicy};
pub use scrub::Scrub;
pub use sections::{
    BucketName, Directories, Endpoints, EndpointsError, Intervals, Limits, OperatorApi, PublicApi,
};

use argosy_keys::{KeySource, MAX_KEYS};
use argosy_node::config::{Configuration, Finding, Logs, keys_schema, resolve_path};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a distributor's `config.yml` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Configuration of an Argosy distributor")]
pub struct Config {
    /// Name of the node, for its status and its logs.
    #[schemars(length(min = 1))]
    pub id: String,
    /// The network's `genesis.json`. If left out, the first directory node that answers is asked for it,
    /// once, and what it says is kept and believed from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis: Option<PathBuf>,
    /// Other nodes that this one needs.
    pub endpoints: Endpoints,
    /// Where it keeps things.
    pub directories: Directories,
    /// Bounds.
    pub limits: Limits,
    /// What is kept when there is not room for all.
    #[serde(default)]
    pub cache: CacheSection,
    /// What is fetched before anybody asks for it.
    #[serde(default)]
    pub prefetch: Prefetch,
    /// How often things are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
    /// Where users are answered.
    pub public_api: PublicApi,
    /// Where the operator is answered; nowhere if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_api: Option<OperatorApi>,
    /// Where those who watch are answered; on the operator's port only if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsApi>,
    /// The distribution worker who operates the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<u64>,
    /// Buckets to deliver, each `family:index`; every bucket that the worker operates if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "sections::buckets_schema")]
    pub buckets: Option<Vec<BucketName>>,
    /// Keys that the node may sign with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "some_keys")]
    pub keys: Vec<KeySource>,
    /// Proving again what has been on disk for long.
    #[serde(default)]
    pub scrub: Scrub,
    /// What is logged where.
    #[serde(default)]
    pub logs: Logs,
}

impl Configuration for Config {
    const KIND: &'static str = "distributor";
    const ENVIRONMENT: Option<&'static str> = Some("JOYSTREAM_DISTRIBUTOR__");

    fn resolve(&mut self, base: &Path) {
        if let Some(genesis) = &mut self.genesis {
            resolve_path(base, genesis);
        }
        resolve_path(base, &mut self.directories.assets);
        resolve_path(base, &mut self.directories.cache_state);
        self.keys.iter_mut().for_each(|key| key.resolve(base));
        self.logs.resolve(base);
    }

    fn findings(&self) -> Vec<Finding> {
        findings::of(self)
    }
}

impl Config {
    /// Keys of Argus that were given and have no meaning here, such as `intervals.cacheCleanup`.
    #[must_use]
    pub fn ignored(&self) -> Vec<&'static str> {
        findings::unneeded(self).map(|(key, _)| key).collect()
    }
}

fn some_keys(_: &mut SchemaGenerator) -> Schema {
    keys_schema(MAX_KEYS)
}
