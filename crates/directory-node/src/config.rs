//! The configuration file of a directory node.

use argosy_domain::{KeyScheme, Keypair, num::to_usize};
use argosy_ledger::{CheckpointConfig, EngineConfig};
use argosy_node::config::{Logs, resolve_path};
use argosy_read_model::Limits;
use serde::{Deserialize, Serialize};
use std::{
    fmt, fs, io,
    io::Read,
    net::{Ipv4Addr, SocketAddr},
    num::{NonZeroU64, NonZeroUsize},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where a directory node listens unless told otherwise.
const DEFAULT_PORT: u16 = 4352;
/// A key file holds one line; more bytes than this are not one.
const MAX_KEY_FILE_BYTES: u64 = 1024;
/// Permissions that a key file must not grant: any to group or others.
const OTHERS_MODE: u32 = 0o077;

/// What `directory.yml` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Folder that the node keeps its ledger in.
    pub data: PathBuf,
    /// The network's `genesis.json`.
    pub genesis: PathBuf,
    /// Key of the account that the genesis names as sequencer.
    pub sequencer: KeySource,
    /// Where the node answers; port 0 picks a free one.
    #[serde(default = "default_listen")]
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
    /// What is logged where.
    #[serde(default)]
    pub logs: Logs,
}

/// Whether GraphQL is answered, and where its index is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GraphqlConfig {
    /// On unless it says otherwise.
    #[serde(default = "default_true")]
    pub enabled: bool,
    /// Folder of the index, which may be deleted at any time while the node is stopped: `read-model`
    /// beside the ledger's folder if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Queries that are carried out at once.
    #[serde(default = "most::readers")]
    pub readers: Within<1, 64>,
    /// Queries that may wait for their turn.
    #[serde(default = "most::waiting")]
    pub waiting: Within<0, 10_000>,
    /// Most levels of fields of a query. Introspection takes 13.
    #[serde(default = "most::depth")]
    pub depth: Within<1, 32>,
    /// Most fields of a query, fragments counted wherever they are spread.
    #[serde(default = "most::fields")]
    pub fields: Within<1, 10_000>,
    /// Most fields of a query at the top.
    #[serde(default = "most::root_fields")]
    pub root_fields: Within<1, 1_000>,
    /// Most that `limit`, `first` or `offset` may be.
    #[serde(default = "most::page")]
    pub page: Within<1, 1_000_000>,
    /// Most rows of an answer, those of nested lists included.
    #[serde(default = "most::rows")]
    pub rows: Within<1, 1_000_000>,
    /// Most bytes of an answer.
    #[serde(default = "most::bytes")]
    pub bytes: Within<1_024, 268_435_456>,
    /// Most steps of SQLite's machine for a query, some ten for a row that is looked at.
    #[serde(default = "most::steps")]
    pub steps: Within<10_000, 10_000_000_000>,
    /// From the arrival of a query to its answer, in seconds.
    #[serde(default = "most::deadline_seconds")]
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

const fn default_true() -> bool {
    true
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Retention {
    /// All.
    #[default]
    Archive,
    /// At least this many of the newest.
    Blocks(NonZeroU64),
}

/// When checkpoints are made, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
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
    /// `//Name` (a development key, known to everyone) or a seed, `0x` and 64 hexadecimal digits.
    Suri(String),
    /// A file that holds such a text, readable by its owner only.
    File(PathBuf),
}

/// Why the sequencer key is not usable. Never repeats the key's text.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the key file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others could read the key.
    #[error("the key file {0} is open to others: run chmod 600 {0}", path.display())]
    Mode {
        /// The file.
        path: PathBuf,
    },
    /// Not the text of a key.
    #[error("the sequencer key cannot be read")]
    Text(#[from] argosy_domain::keys::KeyError),
}

impl Config {
    /// Makes relative paths start at `base`, the folder of the configuration file.
    pub fn resolve(&mut self, base: &Path) {
        resolve_path(base, &mut self.data);
        resolve_path(base, &mut self.genesis);
        if let KeySource::File(path) = &mut self.sequencer {
            resolve_path(base, path);
        }
        if let Some(folder) = &mut self.graphql.folder {
            resolve_path(base, folder);
        }
        self.logs.resolve(base);
    }

    /// How the engine runs.
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
            Self::File(path) => Keypair::from_uri(KeyScheme::Sr25519, read_key_file(path)?.trim()),
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

fn read_key_file(path: &Path) -> Result<String, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & OTHERS_MODE != 0 {
        return Err(KeyError::Mode { path: path.to_owned() });
    }
    let mut text = String::new();
    file.take(MAX_KEY_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_short_configuration_is_enough_and_typing_errors_are_found() {
        let text = r#"{"data": "data", "genesis": "genesis.json", "sequencer": {"file": "sequencer.key"}}"#;
        let mut config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.listen.port(), DEFAULT_PORT);
        config.resolve(Path::new("/etc/argosy"));
        assert_eq!(config.data, Path::new("/etc/argosy/data"));
        assert_eq!(config.sequencer, KeySource::File("/etc/argosy/sequencer.key".into()));
        assert_eq!(config.graphql.folder(&config.data), Path::new("/etc/argosy/read-model"));
        let again: Config = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
        assert_eq!((config.retention, config.engine()), (Retention::Archive, EngineConfig::default()));
        let few = text.replace("}}", r#"}, "retention": {"blocks": 7}, "checkpoints": {"minutes": 2}}"#);
        let few = serde_json::from_str::<Config>(&few).unwrap().engine();
        assert_eq!(few.retention, argosy_ledger::Retention::Blocks(NonZeroU64::new(7).unwrap()));
        assert_eq!((few.checkpoints.every.as_secs(), few.checkpoints.every_blocks.get()), (120, 10_000));
        for (from, to) in [("\"data\"", "\"dir\""), ("\"file\"", "\"path\""), ("}}", "}, \"tls\": true}")] {
            assert!(serde_json::from_str::<Config>(&text.replace(from, to)).is_err(), "{to}");
        }
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
        assert!(matches!(source.keypair(), Err(KeyError::Mode { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let alice = KeySource::Suri("//Alice".to_owned()).keypair().unwrap();
        assert_eq!(source.keypair().unwrap().account(), alice.account());
        fs::write(&path, "not a key").unwrap();
        assert!(matches!(source.keypair(), Err(KeyError::Text(_))));
        assert!(matches!(KeySource::File(dir.path().join("x")).keypair(), Err(KeyError::File { .. })));
    }

    #[test]
    fn a_seed_is_not_printed() {
        let source = KeySource::Suri("0x0102".to_owned());
        assert!(!format!("{source:?}").contains("0102"));
    }
}
