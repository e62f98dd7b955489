//! The configuration file of a storage node.

use argosy_domain::StorageBucketId;
use argosy_keys::{KeySource, MAX_KEYS};
use argosy_node::config::{
    Configuration, Endpoints, Finding, Logs, Size, keys_schema, resolve_path, socket_schema,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

/// Uploads that may run at once unless the configuration says otherwise.
const DEFAULT_MAX_UPLOADS: u32 = 64;
/// The same for one object.
///
/// Source: `spec/reliability.md` T-20.
const DEFAULT_MAX_UPLOADS_PER_OBJECT: u32 = 2;

/// What `storage.yml` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Configuration of an Argosy storage node")]
pub struct Config {
    /// Name of the node, for its status and its logs.
    pub id: String,
    /// Folder that the node keeps everything in.
    pub data: PathBuf,
    /// The network's `genesis.json`.
    pub genesis: PathBuf,
    /// Other nodes that this one needs.
    pub endpoints: Endpoints,
    /// Where the node answers; port 0 picks a free one.
    #[serde(default = "default_listen")]
    #[schemars(schema_with = "socket_schema", default = "default_listen")]
    pub listen: SocketAddr,
    /// The storage worker who operates the node.
    pub worker_id: u64,
    /// Buckets to serve; every bucket that the worker operates if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buckets: Option<Vec<u64>>,
    /// Keys that the node may sign with: that of each bucket's transactor is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "some_keys")]
    pub keys: Vec<KeySource>,
    /// Whether plain uploads are taken without the owner's token, as Joystream's clients send them.
    #[serde(default)]
    pub anonymous_uploads: bool,
    /// Bounds.
    #[serde(default)]
    pub limits: Limits,
    /// What is logged where.
    #[serde(default)]
    pub logs: Logs,
}

/// The `limits` section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Limits {
    /// Most bytes of objects; as the disk allows if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Size>,
    /// Bytes of the disk that are left free; 5 % of the disk, at most 10 GiB, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_floor: Option<Size>,
    /// Most uploads at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uploads: Option<u32>,
    /// Most uploads of one object at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uploads_per_object: Option<u32>,
}

impl Limits {
    pub(crate) fn max_uploads(&self) -> u32 {
        self.max_uploads.unwrap_or(DEFAULT_MAX_UPLOADS)
    }

    pub(crate) fn max_uploads_per_object(&self) -> u32 {
        self.max_uploads_per_object.unwrap_or(DEFAULT_MAX_UPLOADS_PER_OBJECT)
    }
}

impl Configuration for Config {
    const KIND: &'static str = "storage";
    const ENVIRONMENT: Option<&'static str> = None;

    fn resolve(&mut self, base: &Path) {
        resolve_path(base, &mut self.data);
        resolve_path(base, &mut self.genesis);
        self.keys.iter_mut().for_each(|key| key.resolve(base));
        self.logs.resolve(base);
    }

    fn findings(&self) -> Vec<Finding> {
        self.logs.findings()
    }
}

impl Config {
    pub(crate) fn bucket_ids(&self) -> Option<Vec<StorageBucketId>> {
        self.buckets.as_ref().map(|buckets| buckets.iter().copied().map(StorageBucketId).collect())
    }
}

fn some_keys(_: &mut SchemaGenerator) -> Schema {
    keys_schema(MAX_KEYS)
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 3333))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_configuration_is_enough_and_typing_errors_are_found() {
        let text = r#"{"id": "s0", "data": "data", "genesis": "genesis.json",
            "endpoints": {"directory": "http://127.0.0.1:4352"}, "workerId": 1,
            "keys": [{"suri": "//Storage"}], "limits": {"storage": "20G"}}"#;
        let mut config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.listen.port(), 3333);
        assert!(!config.anonymous_uploads);
        assert_eq!(config.limits.storage, Some(Size(20 << 30)));
        assert_eq!(config.limits.max_uploads_per_object(), 2);
        config.resolve(Path::new("/etc/argosy"));
        assert_eq!(config.genesis, Path::new("/etc/argosy/genesis.json"));
        let again: Config = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
        for (from, to) in [("workerId", "worker"), ("\"storage\"", "\"store\""), ("\"suri\"", "\"uri\"")] {
            assert!(serde_json::from_str::<Config>(&text.replace(from, to)).is_err(), "{to}");
        }
    }
}
