//! The configuration file of a directory node.

use argosy_domain::{
    AccountId, KeyScheme, Keypair,
    num::{to_u64, to_usize},
};
use argosy_keys::{FileError, read_secret_text};
use argosy_ledger::{CheckpointConfig, EngineConfig};
use argosy_node::config::{Configuration, DirectoryUrls, Finding, Logs, resolve_path, socket_schema};
use argosy_read_model::Limits;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{
    borrow::Cow,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

/// Where a directory node listens unless told otherwise.
const DEFAULT_PORT: u16 = 4352;

/// What `directory.yml` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Configuration of an Argosy directory node")]
pub struct Config {
    /// Folder that the node keeps its ledger in.
    pub data: PathBuf,
    /// The network's `genesis.json`.
    pub genesis: PathBuf,
    /// Key of the account that signs blocks, if this node orders transactions: the one that the genesis
    /// names, or the last change of keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "key_schema")]
    pub sequencer: Option<KeySource>,
    /// Whom this node follows, if it orders none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow: Option<FollowConfig>,
    /// Followers that must have a block before its submitters hear of it; of a sequencer only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standbys: Option<StandbysConfig>,
    /// Directory nodes that a sequencer asks whether its key was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peers: Option<DirectoryUrls>,
    /// Where the node answers; port 0 picks a free one.
    #[serde(default = "default_listen")]
    #[schemars(schema_with = "socket_schema", default = "default_listen")]
    pub listen: SocketAddr,
    /// Whether GraphQL is answered, and where its index is.
    #[serde(default)]
    pub graphql: GraphqlConfig,
    /// Which blocks are kept.
    #[serde(default)]
    pub retention: Retention,
    /// When checkpoints are made.
    #[serde(default)]
    pub checkpoints: Checkpoints,
    /// A new file of blocks is begun when the last one has reached this many bytes. Old blocks are
    /// dropped by whole files.
    #[serde(default = "default_segment_bytes")]
    pub segment_bytes: NonZeroU64,
    /// What is logged where.
    #[serde(default)]
    pub logs: Logs,
    /// Longest time between two blocks, if it is not the network's: for programs that start a node themselves and
    /// count its blocks. No file says it.
    #[serde(skip)]
    pub block_interval: Option<Duration>,
}

/// Whom a node follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct FollowConfig {
    /// Directory nodes; the first that can be reached is followed, and all are compared.
    pub upstreams: DirectoryUrls,
    /// Where the ledger of a new node begins.
    #[serde(default)]
    pub from: FollowFrom,
    /// Hash of the block of a snapshot that is believed though the genesis does not prove it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<BlockHash>,
    /// Whom to tell of each block that is on this disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<ConfirmConfig>,
}

/// Where the ledger of a new node begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum FollowFrom {
    /// At the genesis: every block there ever was is checked, and kept.
    #[default]
    Genesis,
    /// At the newest checkpoint of a node that is followed, whose root a signed block proves.
    Snapshot,
}

/// Whom a standby tells of its blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ConfirmConfig {
    /// Key of this standby, one of the sequencer's `standbys`.
    #[schemars(schema_with = "key_schema")]
    pub key: KeySource,
    /// The sequencer's root URL.
    pub to: DirectoryUrls,
}

/// Followers that must have a block before its submitters hear of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct StandbysConfig {
    /// Their accounts.
    #[serde(with = "accounts")]
    #[schemars(with = "Vec<String>")]
    pub accounts: Vec<AccountId>,
    /// How many of them must confirm.
    #[serde(default = "default_required")]
    pub required: NonZeroU32,
    /// Longest that a submitter waits for them, in seconds.
    #[serde(default = "default_standby_timeout")]
    pub timeout_seconds: NonZeroU32,
}

const fn default_required() -> NonZeroU32 {
    NonZeroU32::MIN
}

const fn default_standby_timeout() -> NonZeroU32 {
    const { NonZeroU32::new(10).unwrap() }
}

/// Hash of a block, 64 hexadecimal digits in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHash(pub [u8; 32]);

impl JsonSchema for BlockHash {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BlockHash".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(0x)?[0-9a-fA-F]{64}$"})
    }
}

/// The schema of a [`KeySource`].
fn key_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "suri": {
                "type": "string", "writeOnly": true,
                "description": "`//Name` (a development key, known to everyone) or a seed, `0x` and 64 hexadecimal digits.",
            },
            "file": {"type": "string", "description": "A file that holds such a text, readable by its owner only."},
        },
        "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
    })
}

impl FromStr for BlockHash {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text.trim_start_matches("0x"), &mut hash)?;
        Ok(Self(hash))
    }
}

impl Serialize for BlockHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for BlockHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::custom("a block's hash has 64 hexadecimal digits"))
    }
}

/// Accounts as their texts.
mod accounts {
    use super::{AccountId, Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(accounts: &[AccountId], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(accounts.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<AccountId>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let parse =
            |text: &String| text.parse().map_err(|_| de::Error::custom(format!("{text:?} is no account")));
        texts.iter().map(parse).collect()
    }
}

/// What a directory node does with transactions.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role<'a> {
    /// It orders them with this key.
    Sequencer(&'a KeySource),
    /// It passes them on to those whom it follows.
    Follower(&'a FollowConfig),
}

/// A configuration that contradicts itself.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// Neither or both.
    #[error("a directory node has either the key `sequencer`, or `follow` with those whom it follows")]
    OneOfTwo,
    /// Only a sequencer has those.
    #[error("`standbys` and `peers` are for a node with the key `sequencer`")]
    NotFollowers,
    /// More than there are.
    #[error("`standbys` demands {required} confirmations of {count} accounts")]
    TooFewStandbys {
        /// Demanded.
        required: u32,
        /// Named.
        count: usize,
    },
}

/// Whether GraphQL is answered, and where its index is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct GraphqlConfig {
    /// On unless it says otherwise.
    pub enabled: bool,
    /// Folder of the index, which may be deleted at any time while the node is stopped: `read-model`
    /// beside the ledger's folder if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Queries that are carried out at once.
    pub readers: Within<1, 64>,
    /// Queries that may wait for their turn.
    pub waiting: Within<0, 10_000>,
    /// Most levels of fields of a query. Introspection takes 13.
    pub depth: Within<1, 32>,
    /// Most fields of a query, fragments counted wherever they are spread.
    pub fields: Within<1, 10_000>,
    /// Most fields of a query at the top.
    pub root_fields: Within<1, 1_000>,
    /// Most that `limit`, `first` or `offset` may be.
    pub page: Within<1, 1_000_000>,
    /// Most rows of an answer, those of nested lists included.
    pub rows: Within<1, 1_000_000>,
    /// Most bytes of an answer.
    pub bytes: Within<1_024, 268_435_456>,
    /// Most steps of SQLite's machine for a query, some ten for a row that is looked at.
    pub steps: Within<10_000, 10_000_000_000>,
    /// From the arrival of a query to its answer, in seconds.
    pub deadline_seconds: Within<1, 300>,
}

/// A number from one to another: any other one in a configuration is an error that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Within<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Within<LEAST, MOST> {
    /// The nearest number that is allowed.
    #[must_use]
    pub const fn nearest(number: u64) -> Self {
        Self(if number < LEAST {
            LEAST
        } else if number > MOST {
            MOST
        } else {
            number
        })
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const LEAST: u64, const MOST: u64> JsonSchema for Within<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("From{LEAST}To{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": LEAST, "maximum": MOST})
    }
}

impl<const LEAST: u64, const MOST: u64> TryFrom<u64> for Within<LEAST, MOST> {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        let is_within = (LEAST..=MOST).contains(&number);
        if is_within { Ok(Self(number)) } else { Err(format!("{number} is not from {LEAST} to {MOST}")) }
    }
}

impl<const LEAST: u64, const MOST: u64> From<Within<LEAST, MOST>> for u64 {
    fn from(number: Within<LEAST, MOST>) -> Self {
        number.0
    }
}

/// The read model's own limits.
mod most {
    use super::Within;
    use argosy_domain::num::to_u64;
    use argosy_read_model::Limits;

    pub(super) fn readers<const A: u64, const B: u64>() -> Within<A, B> {
        Within::nearest(to_u64(Limits::default().readers))
    }
    pub(super) fn waiting<const A: u64, const B: u64>() -> Within<A, B> {
        Within::nearest(to_u64(Limits::default().waiting))
    }
    pub(super) fn depth<const A: u64, const B: u64>() -> Within<A, B> {
        Within::nearest(Limits::default().depth)
    }
    pub(super) fn fields<const A: u64, const B: u64>() -> Within<A, B> {
        Within::nearest(Limits::default().fields)
    }
    pub(super) fn root_fields<const A: u64, const B: u64>() -> Within<A, B> {
        Within::nearest(to_u64(Limits::default().root_fields))
    }
    pub(super) fn page<const A: u64, const B: u64>() -> Within<A, B> {
        Within::nearest(Limits::default().page)
    }
    pub(super) fn rows<const A: u64, const B: u64>() -> Within<A, B> {
        Within::nearest(Limits::default().rows)
    }
    pub(super) fn bytes<const A: u64, const B: u64>() -> Within<A, B> {
        Within::nearest(to_u64(Limits::default().bytes))
    }
    pub(super) fn steps<const A: u64, const B: u64>() -> Within<A, B> {
        Within::nearest(Limits::default().steps)
    }
    pub(super) fn deadline_seconds<const A: u64, const B: u64>() -> Within<A, B> {
        Within::nearest(Limits::default().deadline.as_secs())
    }
}

impl Default for GraphqlConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            folder: None,
            readers: most::readers(),
            waiting: most::waiting(),
            depth: most::depth(),
            fields: most::fields(),
            root_fields: most::root_fields(),
            page: most::page(),
            rows: most::rows(),
            bytes: most::bytes(),
            steps: most::steps(),
            deadline_seconds: most::deadline_seconds(),
        }
    }
}

impl GraphqlConfig {
    /// The folder of the index of the ledger in `data`.
    #[must_use]
    pub fn folder(&self, data: &Path) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| data.with_file_name("read-model"))
    }
}

impl From<&GraphqlConfig> for Limits {
    fn from(config: &GraphqlConfig) -> Self {
        Self {
            readers: to_usize(config.readers.get()),
            waiting: to_usize(config.waiting.get()),
            depth: config.depth.get(),
            fields: config.fields.get(),
            root_fields: to_usize(config.root_fields.get()),
            page: config.page.get(),
            rows: config.rows.get(),
            bytes: to_usize(config.bytes.get()),
            steps: config.steps.get(),
            deadline: Duration::from_secs(config.deadline_seconds.get()),
        }
    }
}

/// Which blocks are kept: `archive`, or `blocks: N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Retention {
    /// All.
    #[default]
    Archive,
    /// At least this many of the newest.
    Blocks(NonZeroU64),
}

/// When checkpoints are made, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct Checkpoints {
    /// One after this many blocks.
    pub blocks: NonZeroU64,
    /// One at least this often, in minutes, if there were blocks.
    pub minutes: NonZeroU64,
    /// How many are kept.
    pub kept: NonZeroUsize,
}

impl Default for Checkpoints {
    fn default() -> Self {
        let config = CheckpointConfig::default();
        let minutes = NonZeroU64::new(config.every.as_secs() / 60).unwrap_or(NonZeroU64::MIN);
        Self { blocks: config.every_blocks, minutes, kept: config.kept }
    }
}

/// Where a key comes from: `suri: //Name` or `file: PATH`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeySource {
    /// A secret URI: `//Name` (a development key, known to everyone), a phrase, or a seed, `0x` and 64
    /// hexadecimal digits.
    Suri(String),
    /// A file that holds such a text, readable by its owner only.
    File(PathBuf),
}

/// Why the sequencer key is not usable. Never repeats the key's text.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read, or others could read it.
    #[error("the file of the sequencer key cannot be used")]
    File(#[from] FileError),
    /// Not the text of a key.
    #[error("the sequencer key cannot be read")]
    Text(#[from] argosy_domain::keys::KeyError),
}

impl Configuration for Config {
    const KIND: &'static str = "directory";
    const ENVIRONMENT: Option<&'static str> = None;

    fn resolve(&mut self, base: &Path) {
        resolve_path(base, &mut self.data);
        resolve_path(base, &mut self.genesis);
        let confirm = self.follow.as_mut().and_then(|follow| follow.confirm.as_mut());
        for key in self.sequencer.iter_mut().chain(confirm.map(|confirm| &mut confirm.key)) {
            if let KeySource::File(path) = key {
                resolve_path(base, path);
            }
        }
        if let Some(folder) = &mut self.graphql.folder {
            resolve_path(base, folder);
        }
        self.logs.resolve(base);
    }

    fn findings(&self) -> Vec<Finding> {
        let role = self.role().err().map(|error| Finding { path: "", what: error.to_string(), wrong: true });
        role.into_iter().chain(self.logs.findings()).collect()
    }
}

impl Config {
    /// Whom a standby tells of its blocks.
    pub(crate) fn confirm(&self) -> Option<&ConfirmConfig> {
        self.follow.as_ref()?.confirm.as_ref()
    }

    /// What the node does with transactions.
    ///
    /// # Errors
    /// [`RoleError`].
    pub(crate) fn role(&self) -> Result<Role<'_>, RoleError> {
        match (&self.sequencer, &self.follow) {
            (Some(key), None) => {
                if let Some(StandbysConfig { accounts, required, .. }) = &self.standbys
                    && to_u64(accounts.len()) < u64::from(required.get())
                {
                    let count = accounts.len();
                    return Err(RoleError::TooFewStandbys { required: required.get(), count });
                }
                Ok(Role::Sequencer(key))
            }
            (None, Some(_)) if self.standbys.is_some() || self.peers.is_some() => {
                Err(RoleError::NotFollowers)
            }
            (None, Some(follow)) => Ok(Role::Follower(follow)),
            _ => Err(RoleError::OneOfTwo),
        }
    }

    /// How the ledger runs.
    #[must_use]
    pub fn engine(&self) -> EngineConfig {
        let Checkpoints { blocks, minutes, kept } = self.checkpoints;
        EngineConfig {
            checkpoints: CheckpointConfig {
                every_blocks: blocks,
                every: Duration::from_secs(minutes.get().saturating_mul(60)),
                kept,
                ..CheckpointConfig::default()
            },
            retention: match self.retention {
                Retention::Archive => argosy_ledger::Retention::Archive,
                Retention::Blocks(count) => argosy_ledger::Retention::Blocks(count),
            },
            segment_bytes: self.segment_bytes.get(),
            block_interval: self.block_interval.unwrap_or(EngineConfig::default().block_interval),
            ..EngineConfig::default()
        }
    }
}

impl KeySource {
    /// The sr25519 key itself.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn keypair(&self) -> Result<Keypair, KeyError> {
        let key = match self {
            Self::Suri(suri) => Keypair::from_uri(KeyScheme::Sr25519, suri),
            Self::File(path) => Keypair::from_uri(KeyScheme::Sr25519, &read_secret_text(path)?),
        };
        Ok(key?)
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A seed is a secret, and configurations end up in logs.
            Self::Suri(_) => f.write_str("Suri(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// Bytes of a file of blocks after which the next one is begun.
#[must_use]
pub fn default_segment_bytes() -> NonZeroU64 {
    NonZeroU64::new(EngineConfig::default().segment_bytes).unwrap_or(NonZeroU64::MIN)
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn a_short_configuration_is_enough_and_typing_errors_are_found() {
        let text = r#"{"data": "data", "genesis": "genesis.json", "sequencer": {"file": "sequencer.key"}}"#;
        let mut config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.listen.port(), DEFAULT_PORT);
        config.resolve(Path::new("/etc/argosy"));
        assert_eq!(config.data, Path::new("/etc/argosy/data"));
        assert_eq!(config.sequencer, Some(KeySource::File("/etc/argosy/sequencer.key".into())));
        assert_eq!(config.graphql.folder(&config.data), Path::new("/etc/argosy/read-model"));
        let again: Config = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
        assert_eq!((config.retention, config.engine()), (Retention::Archive, EngineConfig::default()));
        let few = r#"}, "retention": {"blocks": 7}, "checkpoints": {"minutes": 2}, "segmentBytes": 4096}"#;
        let few = text.replace("}}", few);
        let few = serde_json::from_str::<Config>(&few).unwrap().engine();
        assert_eq!(few.retention, argosy_ledger::Retention::Blocks(NonZeroU64::new(7).unwrap()));
        assert_eq!((few.checkpoints.every.as_secs(), few.checkpoints.every_blocks.get()), (120, 10_000));
        assert_eq!(few.segment_bytes, 4096);
        for (from, to) in [("\"data\"", "\"dir\""), ("\"file\"", "\"path\""), ("}}", "}, \"tls\": true}")] {
            assert!(serde_json::from_str::<Config>(&text.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn a_node_orders_transactions_or_follows_those_who_do() {
        let base = r#""data": "data", "genesis": "genesis.json""#;
        let read = |rest: &str| serde_json::from_str::<Config>(&format!("{{{base}{rest}}}")).unwrap();
        let key = r#", "sequencer": {"suri": "//Sequencer"}"#;
        let follow = r#", "follow": {"upstreams": ["http://a:1", "http://b:2"], "from": "snapshot",
            "confirm": {"key": {"file": "standby.key"}, "to": "http://a:1"}}"#;
        assert!(matches!(read(key).role(), Ok(Role::Sequencer(_))));
        let mut follower = read(follow);
        let again: Config = serde_json::from_str(&serde_json::to_string(&follower).unwrap()).unwrap();
        assert_eq!(again, follower);
        follower.resolve(Path::new("/etc"));
        let Ok(Role::Follower(found)) = follower.role() else { panic!("a follower") };
        assert_eq!(found.from, FollowFrom::Snapshot);
        assert_eq!(found.confirm.as_ref().unwrap().key, KeySource::File("/etc/standby.key".into()));
        assert!(matches!(read("").role(), Err(RoleError::OneOfTwo)));
        assert!(matches!(read(&format!("{key}{follow}")).role(), Err(RoleError::OneOfTwo)));
        let alice = KeySource::Suri("//Alice".to_owned()).keypair().unwrap().account();
        let standbys = format!(r#", "standbys": {{"accounts": ["{alice}"], "required": 1}}"#);
        assert!(read(&format!("{key}{standbys}")).role().is_ok());
        assert!(matches!(read(&format!("{follow}{standbys}")).role(), Err(RoleError::NotFollowers)));
        let two = standbys.replace("1}", "2}");
        assert!(matches!(read(&format!("{key}{two}")).role(), Err(RoleError::TooFewStandbys { .. })));
    }

    #[test]
    fn the_limits_of_queries_are_the_read_models_unless_it_says_otherwise() {
        let read = |text: &str| serde_json::from_str::<GraphqlConfig>(text);
        assert_eq!(Limits::from(&read("{}").unwrap()), Limits::default());
        assert_eq!(Limits::from(&GraphqlConfig::default()), Limits::default());
        let less = Limits::from(&read(r#"{"depth": 5, "deadlineSeconds": 2, "page": 100}"#).unwrap());
        assert_eq!((less.depth, less.deadline.as_secs(), less.page), (5, 2, 100));
        for wrong in
            [r#"{"depth": 0}"#, r#"{"readers": 65}"#, r#"{"deadlineSeconds": -1}"#, r#"{"pages": 1}"#]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let error = read(r#"{"readers": 65}"#).unwrap_err().to_string();
        assert!(error.contains("65 is not from 1 to 64"), "{error}");
    }

    #[test]
    fn a_key_file_must_be_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sequencer.key");
        fs::write(&path, "//Alice\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let source = KeySource::File(path.clone());
        let error = source.keypair().unwrap_err();
        let KeyError::File(FileError::Unusable { cause, .. }) = &error else { panic!("{error}") };
        assert!(cause.to_string().ends_with(&format!("run chmod 600 {}", path.display())), "{cause}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let alice = KeySource::Suri("//Alice".to_owned()).keypair().unwrap();
        assert_eq!(source.keypair().unwrap().account(), alice.account());
        fs::write(&path, "not a key").unwrap();
        assert!(matches!(source.keypair(), Err(KeyError::Text(_))));
        let absent = KeySource::File(dir.path().join("x")).keypair();
        assert!(matches!(absent, Err(KeyError::File(FileError::Absent { .. }))));
    }

    #[test]
    fn a_seed_is_not_printed() {
        let source = KeySource::Suri("0x0102".to_owned());
        assert!(!format!("{source:?}").contains("0102"));
    }
}
