use super::*;
use argosy_node::config::{LoadError, Loaded, LogLevel, Origin, Size, load};
use std::{ffi::OsString, fs, path::PathBuf};

const YAML: &str = include_str!("samples/argus.yml");
const JSON: &str = include_str!("samples/argus.json");

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("config.yml")
    }

    fn load(&self, text: &str, environment: &[(&str, &str)]) -> Result<Loaded<Config>, LoadError> {
        fs::write(self.path(), text).unwrap();
        load(&self.path(), variables(environment))
    }

    /// What is wrong, each in a line, without the name of the file, and the excerpts.
    fn problems(&self, text: &str, environment: &[(&str, &str)]) -> (Vec<String>, String) {
        let LoadError::Wrong(problems) = self.load(text, environment).unwrap_err() else { panic!("{text}") };
        let file = format!("{}:", self.path().display());
        let line = |problem| problems.line(problem).replace(&file, "");
        (problems.as_slice().iter().map(line).collect(), problems.details())
    }
}

fn variables(environment: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    environment.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

#[test]
fn argus_configuration_is_read_unchanged_as_yaml_and_as_json() {
    let folder = Folder::new();
    let loaded = folder.load(YAML, &[]).unwrap();
    let config = &loaded.config;
    assert_eq!(config.endpoints.directories().unwrap().as_slice(), ["http://localhost:8081"]);
    assert_eq!(config.public_api.address().to_string(), "0.0.0.0:3334");
    assert_eq!(config.operator_api.as_ref().unwrap().address().to_string(), "127.0.0.1:3335");
    assert_eq!(config.limits.max_object_bytes(), 1 << 30);
    assert_eq!(config.logs.console.as_ref().unwrap().level, LogLevel::Verbose);
    assert_eq!(config.buckets.as_ref().unwrap().len(), 2);
    assert!(argosy_keys::Keyring::read(&config.keys).is_ok(), "a seed keeps its digits");
    let base = folder.0.path().canonicalize().unwrap();
    assert_eq!(config.directories.assets, base.join("./local/data"));
    let unneeded = [
        "endpoints.joystreamNodeWs",
        "limits.dataObjectSourceByObjectIdTTL",
        "limits.queryNodeCacheTTL",
        "intervals.checkStorageNodeResponseTimes",
        "intervals.cacheCleanup",
    ];
    assert_eq!(config.ignored(), unneeded);
    for (key, warning) in unneeded.iter().zip(&loaded.warnings) {
        assert!(warning.contains(key) && warning.contains("not acted on: "), "{warning}");
    }
    assert_eq!(loaded.warnings.len(), unneeded.len(), "{:?}", loaded.warnings);
    assert_eq!(folder.load(JSON, &[]).unwrap().config, *config);
    assert!(!format!("{config:?}").contains("not-that-of-the-sample"));
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn a_short_configuration_of_our_own_is_enough() {
    let text = "id: d0\ngenesis: genesis.json\nendpoints: {directory: http://a:1}\n\
        directories: {assets: a, cacheState: /c}\nlimits: {storage: 4096}\npublicApi: {port: 0, host: '::1'}\n";
    let folder = Folder::new();
    let loaded = folder.load(text, &[]).unwrap();
    assert_eq!(loaded.config.limits.storage, Size(4096));
    assert_eq!(loaded.config.public_api.address().to_string(), "[::1]:0");
    assert_eq!(loaded.config.directories.cache_state, Path::new("/c"));
    let [small, idle] = loaded.warnings.as_slice() else { panic!("{:?}", loaded.warnings) };
    assert!(small.contains(":5:19: limits.storage is 4K; Argus expects at least 20G"), "{small}");
    assert!(idle.contains("neither buckets nor workerId"), "{idle}");
    let again: Config = serde_json::from_value(serde_json::to_value(&loaded.config).unwrap()).unwrap();
    assert_eq!(again, loaded.config);
}

#[test]
fn proxies_and_rates_are_read() {
    let text = YAML
        .replace(
            "  port: 3334",
            "  port: 3334\n  trustedProxies: [10.0.0.0/8, ::1]\n  proxyProtocol: true\n  logAddresses: full",
        )
        .replace("100G", "100G\n  egressBytesPerSecond: 100M\n  egressBytesPerSecondPerObject: 5M");
    let folder = Folder::new();
    let config = folder.load(&text, &[]).unwrap().config;
    let proxies = config.public_api.proxies();
    assert!(proxies.protocol && proxies.trusts("10.1.2.3".parse().unwrap()));
    assert!(proxies.trusts("::1".parse().unwrap()) && !proxies.trusts("::2".parse().unwrap()));
    let user = "192.0.2.7".parse().unwrap();
    assert_eq!(config.public_api.log_addresses.of(user), user);
    assert_eq!(config.limits.egress_bytes_per_second, Some(Size(100 << 20)));
    assert_eq!(config.limits.egress_bytes_per_second_per_object, Some(Size(5 << 20)));
    let again: Config = serde_json::from_value(serde_json::to_value(&config).unwrap()).unwrap();
    assert_eq!(again, config);
    let plain = folder.load(YAML, &[]).unwrap().config.public_api;
    assert_eq!(plain.log_addresses.of(user).to_string(), "192.0.2.0");
    assert!(!plain.proxies().protocol && plain.proxies().trusted.is_empty());
}

/// Each rule broken once: what is replaced in the sample, by what, and what is said.
const BROKEN: &[(&str, &str, &str)] = &[
    ("id: test-node", "id: ''", "2:5: id is empty; expected a text"),
    ("id: test-node", "name: test-node", "2:1: name is no known key; expected one of"),
    (
        "  storageSquid: http://localhost:8081/graphql\n",
        "",
        "4:3: endpoints.directory is missing; expected the root URL",
    ),
    (
        "http://localhost:8081/graphql",
        "http://localhost:8081/v1",
        "4:17: endpoints.storageSquid is not of the form",
    ),
    (
        "http://localhost:8081/graphql",
        "localhost",
        "4:17: endpoints.storageSquid is \"localhost\"; expected a URL",
    ),
    ("ws://localhost:9944", "9944", "5:20: endpoints.joystreamNodeWs is \"9944\"; expected a URL"),
    ("  cacheState: ./local/cache\n", "", "7:3: directories.cacheState is missing; expected a text"),
    ("level: debug", "level: loud", "11:12: logs.file.level is \"loud\"; expected error, warn, info"),
    (
        "maxFiles: 30",
        "maxFiles: 0",
        "13:15: logs.file.maxFiles is \"0\"; expected a whole number of at least 1",
    ),
    ("50485760", "1023", "14:14: logs.file.maxSize is \"1023\"; expected a whole number of at least 1024"),
    (
        "hourly",
        "weekly",
        "15:16: logs.file.frequency is \"weekly\"; expected yearly, monthly, daily or hourly",
    ),
    ("archive: true", "archive: maybe", "16:14: logs.file.archive is \"maybe\"; expected true or false"),
    ("    endpoint: http://localhost:9200\n", "", "20:5: logs.elastic.endpoint is missing; expected a URL"),
    ("      password: hush\n", "", "24:7: logs.elastic.auth.password is missing; expected a text"),
    (
        "storage: 100G",
        "storage: 100GB",
        "27:12: limits.storage is \"100GB\"; expected digits and one of B, K, M, G, T",
    ),
    (
        "Downloads: 100",
        "Downloads: 0",
        "limits.maxConcurrentStorageNodeDownloads is \"0\"; expected a whole number",
    ),
    ("Connections: 300", "Connections: -1", "limits.maxConcurrentOutboundConnections is \"-1\"; expected"),
    (
        "5000",
        "999",
        "30:30: limits.outboundRequestsTimeoutMs is \"999\"; expected a whole number of at least 1000",
    ),
    ("3600", "59", "limits.pendingDownloadTimeoutSec is \"59\"; expected a whole number of at least 60"),
    ("queryNodeCacheTTL: 60", "queryNodeCacheTTL: 1.5", "limits.queryNodeCacheTTL is \"1.5\"; expected"),
    ("saveCacheState: 60", "saveCacheState: 0", "intervals.saveCacheState is \"0\"; expected"),
    ("3334", "70000", "publicApi.port is \"70000\"; expected a whole number from 0 to 65535"),
    ("  port: 3334", "  port: 3334\n  proxyProtocol: true", "publicApi.proxyProtocol is on, but nobody may"),
    (
        "  port: 3334",
        "  port: 3334\n  trustedProxies: [10.0.0.1/8]",
        "[0] is \"10.0.0.1/8\"; expected an address, or a network",
    ),
    ("  port: 3334", "  port: 3334\n  trustedProxies: [proxy]", "publicApi.trustedProxies[0] is \"proxy\""),
    ("  port: 3334", "  port: 3334\n  logAddresses: none", "is \"none\"; expected shortened or full"),
    ("100G", "100G\n  egressBytesPerSecond: 0B", "limits.egressBytesPerSecond is 0; expected a size above"),
    (
        "not-that-of-the-sample",
        "this-is-not-so-secret",
        "43:15: operatorApi.hmacSecret is the secret of a sample",
    ),
    ("hmacSecret", "hmacsecret", "43:3: operatorApi.hmacsecret is no known key; expected hmacSecret"),
    ("type: ed25519", "type: rsa", "47:11: keys[1].type is \"rsa\"; expected"),
    ("\"1:0\"", "\"1\"", "50:5: buckets[1] is \"1\"; expected a bucket such as 0:1"),
    ("\"1:0\"", "0:1", "50:5: buckets[1] stands in the list twice"),
    ("  - 0:1\n  - \"1:0\"\n", "  []\n", "buckets is an empty list"),
    ("workerId: 3", "workerId: -3", "workerId is \"-3\"; expected a whole number of at least 0"),
    ("limits:\n", "limits: 7\nx:\n", "limits is \"7\"; expected a section"),
];

#[test]
fn every_rule_is_told_with_its_place_and_an_excerpt() {
    let folder = Folder::new();
    for (from, to, said) in BROKEN {
        assert!(YAML.contains(from), "{from}");
        let (lines, details) = folder.problems(&YAML.replacen(from, to, 1), &[]);
        assert!(lines[0].contains(said) || lines.iter().any(|line| line.contains(said)), "{said}: {lines:?}");
        assert!(
            !details.contains("hush") && !details.contains("0x01") && !details.contains("hmac"),
            "{details}"
        );
    }
    let text = YAML.replace("100G", "100GB").replace("3334", "x").replace("workerId", "worker");
    let (lines, details) = folder.problems(&text, &[]);
    assert_eq!(lines.len(), 3, "all at once: {lines:?}");
    assert!(details.starts_with("   |\n27 |   storage: 100GB\n   |            ^\n"), "{details}");
    let (lines, _) = folder.problems(&JSON.replace("100G", "100GB"), &[]);
    assert!(lines[0].starts_with("17:14: limits.storage"), "{lines:?}");
    let (lines, _) = folder.problems("id: [", &[]);
    assert!(lines[0].starts_with("1:") || lines[0].starts_with("2:"), "{lines:?}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let folder = Folder::new();
    let loaded = folder
        .load(
            YAML,
            &[
                ("JOYSTREAM_DISTRIBUTOR__ID", "42"),
                ("JOYSTREAM_DISTRIBUTOR__LIMITS__MAX_CACHED_ITEM_SIZE", "2G"),
                ("JOYSTREAM_DISTRIBUTOR__LIMITS__QUERY_NODE_CACHE_TTL", "61"),
                ("JOYSTREAM_DISTRIBUTOR__LOGS__FILE__ARCHIVE", "false"),
                ("JOYSTREAM_DISTRIBUTOR__LOGS__ELASTIC", "off"),
                ("JOYSTREAM_DISTRIBUTOR__BUCKETS", "undefined"),
                ("JOYSTREAM_DISTRIBUTOR__WORKER_ID", "9"),
                ("JOYSTREAM_DISTRIBUTOR__KEYS", r#"[{"suri": "//Bob"}]"#),
                ("JOYSTREAM_DISTRIBUTOR__ENDPOINTS__DIRECTORY", r#"["http://a:1", "http://b:2"]"#),
                ("JOYSTREAM_DISTRIBUTOR_ID", "not ours"),
            ],
        )
        .unwrap();
    let config = &loaded.config;
    assert_eq!((config.id.as_str(), config.worker_id), ("42", Some(9)));
    assert_eq!(config.limits.max_cached_item_size, Some(Size(2 << 30)));
    assert_eq!(config.limits.query_node_cache_ttl, Some(61));
    assert_eq!(config.logs.file.as_ref().unwrap().archive, Some(false), "false is false");
    assert!(config.logs.elastic.is_none() && config.buckets.is_none());
    assert_eq!(config.keys, [KeySource::sr25519("//Bob")]);
    assert_eq!(config.endpoints.directories().unwrap().as_slice(), ["http://a:1", "http://b:2"]);
    let variable = Origin::Environment("JOYSTREAM_DISTRIBUTOR__KEYS".to_owned());
    assert_eq!(loaded.origin("keys[0].suri"), Some(&variable));
    assert_eq!(loaded.origin("limits.storage"), Some(&Origin::File { line: 27, column: 12 }));
    assert_eq!(loaded.origin("publicApi.host"), None);
}

#[test]
fn mistakes_in_the_environment_are_told_without_the_values() {
    let folder = Folder::new();
    for (name, value, said) in [
        ("LIMITS__STORAGES", "1G", "names no known key; expected JOYSTREAM_DISTRIBUTOR__LIMITS__STORAGE"),
        ("ZEBRA", "1", "names no known key; expected one of"),
        ("ID__X", "1", "`id` has no keys inside"),
        ("LOGS__FILE__ARCHIVE", "maybe-shh", "has a value that is not allowed; expected true or false"),
        ("WORKER_ID", "shh", "has a value that is not allowed; expected a whole number of at least 0"),
        ("KEYS", "shh", "is not JSON"),
        ("KEYS", r#"[{"suri": 7, "shh": 1}]"#, "keys[0].shh is no known key"),
        ("OPERATOR_API__HMAC_SECRET", "", "operatorApi.hmacSecret is empty"),
        ("LIMITS__STORAGE", "20", "limits.storage is 20"),
    ] {
        let name = format!("JOYSTREAM_DISTRIBUTOR__{name}");
        if name.ends_with("LIMITS__STORAGE") {
            let loaded = folder.load(YAML, &[(&name, value)]).unwrap();
            assert!(loaded.warnings.iter().any(|line| line.starts_with(&format!("{name}: "))));
            continue;
        }
        let (lines, _) = folder.problems(YAML, &[(&name, value)]);
        let line =
            lines.iter().find(|line| line.contains(said)).unwrap_or_else(|| panic!("{said}: {lines:?}"));
        assert!(line.starts_with(&format!("{name}: ")), "{line}");
        assert!(!line.contains("shh") || said.contains("shh"), "{line}");
    }
}

#[test]
fn without_a_file_the_environment_is_all() {
    let path = Path::new("/nowhere/config.yml");
    let prefix = "JOYSTREAM_DISTRIBUTOR__";
    let set = [
        ("ID", "d"),
        ("ENDPOINTS__STORAGE_SQUID", "http://a:1/graphql"),
        ("DIRECTORIES", r#"{"assets": "a", "cacheState": "/c"}"#),
        ("LIMITS__STORAGE", "20G"),
        ("PUBLIC_API__PORT", "3334"),
        ("WORKER_ID", "1"),
    ];
    let environment: Vec<(OsString, OsString)> =
        set.iter().map(|(name, value)| (format!("{prefix}{name}").into(), value.into())).collect();
    let config = load::<Config>(path, environment).unwrap().config;
    assert_eq!(config.directories.assets, Path::new("/nowhere/a"));
    assert!(matches!(load::<Config>(path, []), Err(LoadError::Unreadable { .. })));
}
