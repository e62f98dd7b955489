//! The keys that a program has at hand.

use crate::{
    file::{FileError, Unusable},
    passphrase::Passphrases,
    source::KeySource,
    stored::{FormatError, OpenError, StoredKey, UnlockError},
};
use argosy_domain::{AccountId, KeyScheme, Keypair, keys::KeyError};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Most keys that one configuration may name.
pub const MAX_KEYS: usize = 64;
/// Most files that a folder of keys may have.
pub(crate) const MAX_FOLDER_FILES: usize = 256;
/// Most keys that an error lists.
const MAX_LISTED: usize = 8;
/// Most characters of a key's name.
const MAX_NAME_CHARS: usize = 64;

/// A key at hand. Whose it is is known; what signs may still be locked.
pub struct Key {
    name: String,
    account: AccountId,
    scheme: KeyScheme,
    open: OnceLock<Keypair>,
    locked: Option<Locked>,
}

struct Locked {
    path: PathBuf,
    stored: StoredKey,
    /// Where its own passphrase is, if the configuration says so.
    passphrases: Option<Passphrases>,
}

/// The keys at hand: of a configuration, of key files, of a folder.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<Key>,
    /// The configuration file that names them.
    origin: Option<PathBuf>,
    warnings: Vec<String>,
}

/// Why the keys of a configuration are not usable.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// One of them is of no known form.
    #[error("keys[{position}] cannot be read")]
    Unreadable {
        /// Place in the list, from 0.
        position: usize,
        /// What is wrong with it.
        #[source]
        cause: KeyError,
    },
    /// The file of one of them cannot be used.
    #[error("keys[{position}] cannot be read")]
    File {
        /// Place in the list, from 0.
        position: usize,
        /// What is wrong with it.
        #[source]
        cause: FileError,
    },
    /// A folder of keys cannot be used, or a file in it that others could read.
    #[error("the folder of keys cannot be read")]
    Folder(#[source] FileError),
    /// More files than are looked at.
    #[error("{} has more than {MAX_FOLDER_FILES} files: keep keys in a folder of their own", path.display())]
    FolderTooFull {
        /// The folder.
        path: PathBuf,
    },
    /// More than [`MAX_KEYS`].
    #[error("more than {MAX_KEYS} keys")]
    TooMany,
    /// A key file does not open.
    #[error("a key cannot be opened")]
    Locked(#[from] UnlockError),
}

/// The key that would be needed is not at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingKey {
    /// Whose key is needed.
    pub account: AccountId,
    /// What for, such as `lead of the distribution group`.
    pub role: String,
    /// Those that are at hand: name and account, the first few.
    pub at_hand: Vec<(String, AccountId)>,
    /// How many more there are.
    pub more_count: usize,
    /// The configuration file that could name it.
    pub origin: Option<PathBuf>,
}

/// Why nothing can be signed for an account.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Its key is not at hand.
    #[error(transparent)]
    Missing(#[from] MissingKey),
    /// It is, but it does not open.
    #[error(transparent)]
    Locked(#[from] UnlockError),
}

impl std::error::Error for MissingKey {}

impl fmt::Display for MissingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no key for {} ({}) among the keys at hand: ", self.account, self.role)?;
        for (at, (name, account)) in self.at_hand.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {account}")?;
        }
        match (self.at_hand.is_empty(), self.more_count) {
            (true, _) => f.write_str("there are none")?,
            (false, 0) => {}
            (false, more) => write!(f, " and {more} more")?,
        }
        match &self.origin {
            Some(path) => write!(f, "; add it to `keys` in {}, or give --keyfile", path.display()),
            None => f.write_str("; add it to `keys` in the configuration, or give --keyfile"),
        }
    }
}

impl KeysError {
    /// Whether a file is missing, as opposed to one that is of no use.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        match self {
            Self::File { cause, .. } | Self::Folder(cause) => cause.is_absent(),
            Self::Locked(error) => error.is_absent(),
            Self::Unreadable { .. } | Self::FolderTooFull { .. } | Self::TooMany => false,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("name", &self.name)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl Key {
    /// An open key.
    #[must_use]
    pub fn open(name: &str, pair: Keypair) -> Self {
        let (account, scheme) = (pair.account(), pair.scheme());
        Self { name: plain(name), account, scheme, open: OnceLock::from(pair), locked: None }
    }

    /// The key of a secret URI.
    ///
    /// # Errors
    /// [`KeyError`], which never repeats the text.
    pub fn from_uri(name: &str, scheme: KeyScheme, uri: &str) -> Result<Self, KeyError> {
        Keypair::from_uri(scheme, uri).map(|pair| Self::open(name, pair))
    }

    /// The key of a file, named after it. One that is not encrypted is open.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn from_file(path: &Path) -> Result<Self, FileError> {
        let stored = StoredKey::read(path)?;
        let name = plain(&path.file_stem().unwrap_or_default().to_string_lossy());
        let open = OnceLock::new();
        if !stored.is_encrypted() {
            let opened = stored.open(None).map_err(|error| match error {
                OpenError::Format(cause) => FileError::unusable(path, cause),
                OpenError::Wrong => FileError::unusable(path, FormatError::Content),
            });
            open.get_or_init({
                let (_, pair) = opened?;
                || pair
            });
        }
        let (account, scheme) = (stored.account(), stored.scheme());
        let locked = Some(Locked { path: path.to_owned(), stored, passphrases: None });
        Ok(Self { name, account, scheme, open, locked })
    }

    /// What people call it: the name of its file, or its place in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whose key it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The scheme of the key.
    #[must_use]
    pub fn scheme(&self) -> KeyScheme {
        self.scheme
    }

    /// What signs, once it is open.
    #[must_use]
    pub fn keypair(&self) -> Option<&Keypair> {
        self.open.get()
    }

    /// What signs. Asks for the passphrase of a locked key, once.
    ///
    /// Takes up to a second and may wait for somebody at the terminal: not for threads that others wait
    /// for.
    ///
    /// # Errors
    /// [`UnlockError`].
    pub fn unlock(&self, passphrases: &Passphrases) -> Result<&Keypair, UnlockError> {
        if let Some(pair) = self.keypair() {
            return Ok(pair);
        }
        let Some(Locked { stored, passphrases: own, .. }) = &self.locked else {
            unreachable!("a key without a file is open")
        };
        let (_, pair) = stored.unlock(&self.name, own.as_ref().unwrap_or(passphrases))?;
        Ok(self.open.get_or_init(|| pair))
    }
}

impl Keyring {
    /// Reads every source. Encrypted files stay locked.
    ///
    /// # Errors
    /// [`KeysError`], which never repeats a secret.
    pub fn read(sources: &[KeySource]) -> Result<Self, KeysError> {
        if sources.len() > MAX_KEYS {
            return Err(KeysError::TooMany);
        }
        let mut keyring = Self::default();
        for (position, source) in sources.iter().enumerate() {
            keyring.add(read_source(position, source)?);
        }
        Ok(keyring)
    }

    /// The same, with the configuration file that an error tells people to add keys to.
    #[must_use]
    pub fn with_origin(self, path: impl Into<PathBuf>) -> Self {
        Self { origin: Some(path.into()), ..self }
    }

    /// Adds a key. Of two keys of one account the first counts, unless only the second is open.
    pub fn add(&mut self, key: Key) {
        if let Some(Locked { path, stored, .. }) = &key.locked
            && let Some(mode) = stored.open_mode()
        {
            let path = path.display();
            self.warnings.push(format!(
                "others than its owner may read {path} (mode {mode:03o}), so that only its passphrase protects it: run chmod 600 {path}"
            ));
        }
        self.keys.push(key);
    }

    /// Adds every key file in a folder, ours and Polkadot-js'. Other files are passed over; what looks
    /// like a key file but is none leaves a warning.
    ///
    /// # Errors
    /// [`KeysError::Folder`] if the folder cannot be read, or a file without encryption is open to
    /// others; [`KeysError::FolderTooFull`].
    pub fn add_folder(&mut self, dir: &Path) -> Result<(), KeysError> {
        for path in folder_files(dir)? {
            match Key::from_file(&path) {
                Ok(key) => self.add(key),
                Err(error @ FileError::Unusable { cause: Unusable::OpenToOthers { .. }, .. }) => {
                    return Err(KeysError::Folder(error));
                }
                // Gone since the folder was listed.
                Err(FileError::Absent { .. }) => {}
                Err(FileError::Unusable { cause, .. }) => {
                    let path: String =
                        path.display().to_string().chars().filter(|char| !char.is_control()).collect();
                    self.warnings.push(format!("{path} is passed over: {cause}"));
                }
            }
        }
        Ok(())
    }

    /// What people should know about the files, though the keys can be used.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The keys, in the order in which they were named.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The accounts that can be signed for.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.keys.iter().map(Key::account)
    }

    /// The key of `account`, open or locked.
    #[must_use]
    pub fn of(&self, account: &AccountId) -> Option<&Key> {
        let mut found = self.keys.iter().filter(|key| key.account == *account);
        let first = found.next()?;
        if first.keypair().is_some() {
            Some(first)
        } else {
            found.find(|key| key.keypair().is_some()).or(Some(first))
        }
    }

    /// The key of `account` if it is open.
    #[must_use]
    pub fn open_of(&self, account: &AccountId) -> Option<&Keypair> {
        self.of(account).and_then(Key::keypair)
    }

    /// The key that signs as `role`, or an error that says which one is missing.
    ///
    /// # Errors
    /// [`MissingKey`].
    pub fn need(&self, account: &AccountId, role: &str) -> Result<&Key, MissingKey> {
        self.of(account).ok_or_else(|| MissingKey {
            account: *account,
            role: role.to_owned(),
            at_hand: self.keys.iter().take(MAX_LISTED).map(|key| (key.name.clone(), key.account)).collect(),
            more_count: self.keys.len().saturating_sub(MAX_LISTED),
            origin: self.origin.clone(),
        })
    }

    /// [`Keyring::need`] and [`Key::unlock`]: only the key that is needed asks for a passphrase.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn signer(
        &self,
        account: &AccountId,
        role: &str,
        passphrases: &Passphrases,
    ) -> Result<&Keypair, SignError> {
        Ok(self.need(account, role)?.unlock(passphrases)?)
    }

    /// Opens all keys, for a program that will sign later, when nobody can be asked.
    ///
    /// # Errors
    /// [`UnlockError`] of the first that does not open.
    pub fn unlock_all(&self, passphrases: &Passphrases) -> Result<(), UnlockError> {
        self.keys.iter().try_for_each(|key| key.unlock(passphrases).map(|_| ()))
    }

    /// [`Keyring::read`] and [`Keyring::unlock_all`], for a node: passphrases come from the files that
    /// the configuration names, or from the terminal.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn open(sources: &[KeySource]) -> Result<Self, KeysError> {
        let keyring = Self::read(sources)?;
        for warning in keyring.warnings() {
            tracing::warn!("{warning}");
        }
        keyring.unlock_all(&Passphrases::terminal())?;
        Ok(keyring)
    }
}

fn read_source(position: usize, source: &KeySource) -> Result<Key, KeysError> {
    let name = format!("keys[{position}]");
    let failed = |cause| KeysError::Unreadable { position, cause };
    match source {
        KeySource::Suri { suri, scheme } => {
            let scheme = scheme.scheme().ok_or(failed(KeyError::Scheme))?;
            Key::from_uri(&name, scheme, suri).map_err(failed)
        }
        KeySource::Mnemonic { mnemonic, scheme } => {
            let scheme = scheme.scheme().ok_or(failed(KeyError::Scheme))?;
            // A phrase and nothing else: what looks like a seed or a junction is a mistake.
            if mnemonic.starts_with("0x") || mnemonic.contains('/') {
                return Err(failed(KeyError::Uri));
            }
            Key::from_uri(&name, scheme, mnemonic).map_err(failed)
        }
        KeySource::File { keyfile, passphrase_file } => {
            let mut key = Key::from_file(keyfile).map_err(|cause| KeysError::File { position, cause })?;
            if let Some(locked) = &mut key.locked {
                locked.passphrases = passphrase_file.as_ref().map(Passphrases::file);
            }
            Ok(key)
        }
    }
}

/// The plain files of a folder, sorted; hidden ones are left out.
pub(crate) fn folder_files(dir: &Path) -> Result<Vec<PathBuf>, KeysError> {
    let failed = |error| KeysError::Folder(FileError::io(dir, error));
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if hidden || !path.is_file() {
            continue;
        }
        if files.len() == MAX_FOLDER_FILES {
            return Err(KeysError::FolderTooFull { path: dir.to_owned() });
        }
        files.push(path);
    }
    files.sort();
    Ok(files)
}

/// A name that can be printed on one line, whatever it came from.
fn plain(name: &str) -> String {
    name.chars().filter(|char| !char.is_control()).take(MAX_NAME_CHARS).collect()
}
