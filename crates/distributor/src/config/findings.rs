//! What a schema cannot say about a configuration.

use super::Config;
use argosy_node::config::{Finding, Size};

/// Least cache that Argus accepts. A smaller one works; it only has to fetch more often.
///
/// Source: `ConfigParserService` of Joystream's distributor.
const ARGUS_LEAST_STORAGE: Size = Size(20 << 30);
/// The same of `limits.maxCachedItemSize`.
const ARGUS_LEAST_ITEM: Size = Size(1 << 20);

pub(super) fn of(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path, what: String| findings.push(Finding { path, what, wrong: true });
    if let Err(error) = config.endpoints.directories() {
        let path =
            if config.endpoints.storage_squid.is_some() { "endpoints.storageSquid" } else { "endpoints" };
        wrong(path, error.to_string());
    }
    if config.operator_api.as_ref().is_some_and(super::OperatorApi::has_sample_secret) {
        let what = "operatorApi.hmacSecret is the secret of a sample configuration, which everybody knows; expected one of your own, such as `openssl rand -hex 32` prints";
        wrong("operatorApi.hmacSecret", what.to_owned());
    }
    if config.public_api.proxy_protocol && config.public_api.trusted_proxies.is_empty() {
        let what = "publicApi.proxyProtocol is on, but nobody may speak it; expected the addresses of your proxies in publicApi.trustedProxies";
        wrong("publicApi.proxyProtocol", what.to_owned());
    }
    if let Some(address) =
        config.operator_api.as_ref().and_then(|api| super::operator::accounts(&api.keys).err())
    {
        let what = format!(
            "operatorApi.keys has {address:?}, which is no address of an account; expected such as `argosy keys list` shows"
        );
        wrong("operatorApi.keys", what);
    }
    let limits = &config.limits;
    let rates = [
        ("limits.egressBytesPerSecond", limits.egress_bytes_per_second),
        ("limits.egressBytesPerSecondPerObject", limits.egress_bytes_per_second_per_object),
    ];
    for (path, _) in rates.into_iter().filter(|(_, rate)| *rate == Some(Size(0))) {
        wrong(path, format!("{path} is 0; expected a size above it, or leave it out for no bound"));
    }
    let mut warn = |path, what: String| findings.push(Finding { path, what, wrong: false });
    if limits.storage < ARGUS_LEAST_STORAGE {
        let what =
            format!("limits.storage is {}; Argus expects at least {ARGUS_LEAST_STORAGE}", limits.storage);
        warn("limits.storage", what);
    }
    if let Some(size) = limits.max_cached_item_size.filter(|size| *size < ARGUS_LEAST_ITEM) {
        let what = format!("limits.maxCachedItemSize is {size}; Argus expects at least {ARGUS_LEAST_ITEM}");
        warn("limits.maxCachedItemSize", what);
    }
    let api = config.operator_api.as_ref();
    if api.is_some_and(|api| api.hmac_secret.is_none() && api.keys.is_empty()) {
        let what = "operatorApi has neither hmacSecret nor keys; without them nothing can be changed there";
        warn("operatorApi", what.to_owned());
    }
    if config.buckets.is_none() && config.worker_id.is_none() {
        let what =
            "neither buckets nor workerId is given, so that nothing is delivered until the operator sets one";
        warn("", what.to_owned());
    }
    for (path, why) in unneeded(config) {
        warn(path, format!("{path} is accepted, but not acted on: {why}"));
    }
    findings.extend(config.logs.findings());
    findings
}

/// Keys of Argus that were given and have no meaning here, and why.
pub(super) fn unneeded(config: &Config) -> impl Iterator<Item = (&'static str, &'static str)> {
    const NO_QUERIES: &str = "the node's own copy of the directory is asked each time";
    let limits = &config.limits;
    let intervals = config.intervals.unwrap_or_default();
    let given = [
        (
            "endpoints.joystreamNodeWs",
            config.endpoints.joystream_node_ws.is_some(),
            "the directory is followed over HTTP",
        ),
        (
            "limits.dataObjectSourceByObjectIdTTL",
            limits.data_object_source_by_object_id_ttl.is_some(),
            NO_QUERIES,
        ),
        ("limits.queryNodeCacheTTL", limits.query_node_cache_ttl.is_some(), NO_QUERIES),
        (
            "intervals.checkStorageNodeResponseTimes",
            intervals.check_storage_node_response_times.is_some(),
            "transfers themselves are measured",
        ),
        ("intervals.cacheCleanup", intervals.cache_cleanup.is_some(), "objects go when a block says so"),
    ];
    given.into_iter().filter_map(|(key, is_given, why)| is_given.then_some((key, why)))
}
