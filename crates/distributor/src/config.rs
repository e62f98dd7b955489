//! The configuration file of a distributor, laid out as Argus' own.

use argosy_domain::{DistributionBucketId, WorkerId};
use argosy_keys::KeySource;
use argosy_node::config::{Endpoints, Logs, Size, resolve_path};
use argosy_node_core::serve::Assignment;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

/// What `distributor.yml` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Name of the node, for its status and its logs.
    pub id: String,
    /// The network's `genesis.json`.
    pub genesis: PathBuf,
    /// Other nodes that this one needs.
    pub endpoints: Endpoints,
    /// Where it keeps things.
    pub directories: Directories,
    /// Bounds.
    pub limits: Limits,
    /// Where users are answered.
    pub public_api: Api,
    /// Where the operator is answered; nowhere if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_api: Option<Api>,
    /// The distribution worker who operates the node.
    pub worker_id: u64,
    /// Buckets to deliver, each `family:index`; every bucket that the worker operates if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buckets: Option<Vec<BucketName>>,
    /// Keys that the node may sign with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeySource>,
    /// What is logged where.
    #[serde(default)]
    pub logs: Logs,
}

/// The `directories` section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Directories {
    /// Folder of the cached objects.
    pub assets: PathBuf,
    /// Folder of the node's own notes, such as its copy of the directory.
    pub cache_state: PathBuf,
}

/// The `limits` section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Most bytes of cached objects.
    pub storage: Size,
    /// Larger objects are passed through and not cached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cached_item_size: Option<Size>,
}

/// A listening socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Api {
    /// 0 picks a free one.
    pub port: u16,
    /// Address to listen on; this machine only if left out.
    #[serde(default = "default_host")]
    pub host: IpAddr,
}

impl Api {
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

fn default_host() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

/// A distribution bucket in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketName(pub DistributionBucketId);

impl Serialize for BucketName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for BucketName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

impl Config {
    /// Makes relative paths start at `base`, the folder of the configuration file.
    pub fn resolve(&mut self, base: &Path) {
        resolve_path(base, &mut self.genesis);
        resolve_path(base, &mut self.directories.assets);
        resolve_path(base, &mut self.directories.cache_state);
        self.keys.iter_mut().for_each(|key| key.resolve(base));
        self.logs.resolve(base);
    }

    pub(crate) fn assignment(&self) -> Assignment {
        match &self.buckets {
            Some(buckets) => Assignment::Buckets(buckets.iter().map(|bucket| bucket.0).collect()),
            None => Assignment::Worker(WorkerId(self.worker_id)),
        }
    }
}

impl Limits {
    /// Largest object that is cached, in bytes.
    pub(crate) fn max_object_bytes(&self) -> u64 {
        self.max_cached_item_size.map_or(self.storage.0, |size| size.0.min(self.storage.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argus_layout_is_read_and_typing_errors_are_found() {
        let text = r#"{"id": "d0", "genesis": "genesis.json",
            "endpoints": {"directory": "http://127.0.0.1:4352"},
            "directories": {"assets": "assets", "cacheState": "/var/cache"},
            "limits": {"storage": "20G", "maxCachedItemSize": "1G"},
            "publicApi": {"port": 3334}, "operatorApi": {"port": 3335, "host": "::1"},
            "workerId": 3, "buckets": ["0:1"], "keys": [{"suri": "//Distributor"}]}"#;
        let mut config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.public_api.address().to_string(), "127.0.0.1:3334");
        assert_eq!(config.operator_api.as_ref().unwrap().address().to_string(), "[::1]:3335");
        assert_eq!(config.limits.max_object_bytes(), 1 << 30);
        assert!(matches!(config.assignment(), Assignment::Buckets(buckets) if buckets.len() == 1));
        config.resolve(Path::new("/etc/argosy"));
        assert_eq!(config.directories.assets, Path::new("/etc/argosy/assets"));
        assert_eq!(config.directories.cache_state, Path::new("/var/cache"));
        let again: Config = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
        config.buckets = None;
        assert_eq!(config.assignment(), Assignment::Worker(WorkerId(3)));
        for (from, to) in
            [("workerId", "worker"), ("\"0:1\"", "\"0\""), ("publicApi", "public"), ("20G", "G")]
        {
            assert!(serde_json::from_str::<Config>(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
