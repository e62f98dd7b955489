//! The sections of the configuration.

use super::{
    Requirement,
    clients::{LogAddresses, Proxy, proxies_schema},
};
use argosy_domain::DistributionBucketId;
use argosy_http::Proxies;
use argosy_node::config::{DirectoryUrls, Size, UrlsError, ip_schema, secret_schema, url_schema};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

/// The `endpoints` section: other nodes that this one needs. One of `directory` and `storageSquid` is
/// needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Endpoints {
    /// Directory nodes, one root URL or a list; the root of `storageSquid` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<DirectoryUrls>,
    /// GraphQL of a directory node, `http://host:port/graphql`. Only its scheme, host and port are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "url_schema")]
    pub storage_squid: Option<String>,
    /// Argus' node of the Joystream chain. Not used: the directory is asked over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "url_schema")]
    pub joystream_node_ws: Option<String>,
}

impl Endpoints {
    /// These directory nodes and nothing else.
    #[must_use]
    pub fn directory(urls: DirectoryUrls) -> Self {
        Self { directory: Some(urls), ..Self::default() }
    }

    /// The directory nodes to follow: those of `directory`, else the root of `storageSquid`.
    ///
    /// # Errors
    /// [`EndpointsError`] if neither tells.
    pub fn directories(&self) -> Result<DirectoryUrls, EndpointsError> {
        if let Some(urls) = &self.directory {
            return Ok(urls.clone());
        }
        let squid = self.storage_squid.as_deref().ok_or(EndpointsError::None)?;
        let root = squid.trim_end_matches('/').strip_suffix("/graphql").ok_or(EndpointsError::Squid)?;
        DirectoryUrls::new(vec![root.to_owned()]).map_err(|_: UrlsError| EndpointsError::Squid)
    }
}

/// Why it is not known which directory nodes to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointsError {
    /// Nothing was said.
    #[error("endpoints.directory is missing; expected the root URL of a directory node, http://host:port")]
    None,
    /// The root cannot be told from `storageSquid`.
    #[error(
        "endpoints.storageSquid is not of the form http://host:port/graphql, so that no directory node is known; expected endpoints.directory with the root URL of one"
    )]
    Squid,
}

/// The `directories` section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Directories {
    /// Folder of the cached objects.
    pub assets: PathBuf,
    /// Folder of the node's own notes, such as its copy of the directory.
    pub cache_state: PathBuf,
}

/// The `limits` section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Limits {
    /// Most bytes of cached objects; Argus demands 20G.
    pub storage: Size,
    /// Larger objects are passed through and not cached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cached_item_size: Option<Size>,
    /// Most bytes per second that are sent to users, all together; as fast as it goes if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress_bytes_per_second: Option<Size>,
    /// Most bytes per second that are sent of one object, to all its users together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress_bytes_per_second_per_object: Option<Size>,
    /// Objects that are fetched for readers at once; others wait for their turn. 64 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_storage_node_downloads: Option<NonZeroU32>,
    /// Connections to storage nodes and other distributors at once, those that are kept for later included.
    /// If left out, 256 requests at once; to one node never more than 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_outbound_connections: Option<NonZeroU32>,
    /// Longest that another node may be silent, in milliseconds, before its request is cut and another
    /// node is asked; 5000 if left out. A reader that waits is helped by a second node much sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1000))]
    pub outbound_requests_timeout_ms: Option<u32>,
    /// Longest that a download may take that nobody waits for, in seconds; what it has by then stays. No
    /// bound if left out. A viewer to whom bytes flow is never cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60))]
    pub pending_download_timeout_sec: Option<u32>,
    /// How long Argus remembers where an object is, in seconds. Not acted on: the node's own copy of the
    /// directory is asked each time.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "dataObjectSourceByObjectIdTTL")]
    pub data_object_source_by_object_id_ttl: Option<u32>,
    /// How long Argus remembers answers of its query node, in seconds. Not acted on, for the same reason.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "queryNodeCacheTTL")]
    pub query_node_cache_ttl: Option<u32>,
    /// Longest that answers may go on when the node is told to stop, in seconds; 8 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 300))]
    pub drain_sec: Option<u32>,
}

/// Less than the ten seconds after which `docker stop` kills.
const DRAIN_SEC: u32 = 8;

impl Limits {
    /// So many bytes of cached objects, and nothing else.
    #[must_use]
    pub const fn storage(bytes: u64) -> Self {
        Self {
            storage: Size(bytes),
            max_cached_item_size: None,
            egress_bytes_per_second: None,
            egress_bytes_per_second_per_object: None,
            max_concurrent_storage_node_downloads: None,
            max_concurrent_outbound_connections: None,
            outbound_requests_timeout_ms: None,
            pending_download_timeout_sec: None,
            data_object_source_by_object_id_ttl: None,
            query_node_cache_ttl: None,
            drain_sec: None,
        }
    }

    /// Longest that answers may go on when the node is told to stop.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_sec.unwrap_or(DRAIN_SEC).into())
    }

    /// Largest object that is cached, in bytes.
    pub(crate) fn max_object_bytes(&self) -> u64 {
        self.max_cached_item_size.map_or(self.storage.0, |size| size.0.min(self.storage.0))
    }
}

/// The `intervals` section, all in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Intervals {
    /// How often it is noted how popular objects are; every minute if left out. What is held is for the
    /// files to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_cache_state: Option<NonZeroU32>,
    /// How often Argus measures storage nodes. Not acted on: transfers themselves are measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_storage_node_response_times: Option<NonZeroU32>,
    /// How often Argus looks for objects to drop. Not acted on: they go when a block says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_cleanup: Option<NonZeroU32>,
}

impl Intervals {
    /// How often the cache's note is written.
    pub(crate) fn save_cache_state(&self) -> Duration {
        Duration::from_secs(self.save_cache_state.map_or(60, |seconds| seconds.get().into()))
    }
}

/// The `publicApi` section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct PublicApi {
    /// 0 picks a free one.
    pub port: u16,
    /// Address to listen on; every address of this machine if left out, as with Argus.
    #[serde(default = "everywhere")]
    #[schemars(schema_with = "ip_schema", default = "everywhere")]
    pub host: IpAddr,
    /// Reverse proxies in front of the port: addresses or networks, such as `10.0.0.0/8`. Their
    /// `X-Forwarded-For` is believed, that of others is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "proxies_schema")]
    pub trusted_proxies: Vec<Proxy>,
    /// Whether these proxies begin each connection as the PROXY protocol says, version 1 or 2. Then they
    /// must.
    #[serde(default, skip_serializing_if = "is_false")]
    pub proxy_protocol: bool,
    /// How users' addresses are written to logs.
    #[serde(default)]
    pub log_addresses: LogAddresses,
}

impl PublicApi {
    /// This address, and no proxy in front of it.
    #[must_use]
    pub const fn at(host: IpAddr, port: u16) -> Self {
        let log_addresses = LogAddresses::Shortened;
        Self { port, host, trusted_proxies: Vec::new(), proxy_protocol: false, log_addresses }
    }

    pub(crate) fn proxies(&self) -> Proxies {
        let trusted = self.trusted_proxies.iter().map(|proxy| proxy.0).collect();
        Proxies { trusted, protocol: self.proxy_protocol }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

const fn everywhere() -> IpAddr {
    IpAddr::V4(Ipv4Addr::UNSPECIFIED)
}

/// The `operatorApi` section.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct OperatorApi {
    /// 0 picks a free one.
    pub port: u16,
    /// Address to listen on; this machine only if left out.
    #[serde(default = "here")]
    #[schemars(schema_with = "ip_schema", default = "here")]
    pub host: IpAddr,
    /// What the operator's requests are signed with. Without it only the status is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "secret_schema")]
    pub hmac_secret: Option<String>,
    /// Addresses of accounts whose keys may sign the operator's requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Which tokens are taken: Argus' too, or only ours.
    #[serde(default, skip_serializing_if = "Requirement::is_default")]
    pub require: Requirement,
}

impl fmt::Debug for OperatorApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Configurations end up in logs.
        f.debug_struct("OperatorApi")
            .field("port", &self.port)
            .field("host", &self.host)
            .field("has_secret", &self.hmac_secret.is_some())
            .field("keys", &self.keys)
            .field("require", &self.require)
            .finish()
    }
}

impl OperatorApi {
    pub(crate) const fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Whether the secret is one that everybody knows from a sample configuration.
    #[must_use]
    pub fn has_sample_secret(&self) -> bool {
        self.hmac_secret.as_deref().is_some_and(|secret| SAMPLE_SECRETS.contains(&secret))
    }
}

/// Secrets of configurations that are published as samples.
///
/// Source: `config.yml`, and the development setup, of Joystream's distributor.
const SAMPLE_SECRETS: [&str; 2] = ["this-is-not-so-secret", "this-is-not-so-secret-change-it"];

pub(super) const fn here() -> IpAddr {
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

pub(super) fn buckets_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "minItems": 1, "uniqueItems": true,
        "items": {"type": "string", "format": "bucket", "pattern": "^[0-9]+:[0-9]+$"},
    })
}
