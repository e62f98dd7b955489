//! The keys at hand, and the one that a role needs.

use super::{Role, SendArgs};
use crate::{
    failure::{Failure, Outcome, chain},
    keys::FolderArgs,
    network::Network,
    screen, text,
};
use argosy_directory::Profile;
use argosy_domain::{AccountId, KeyScheme, Keypair};
use argosy_keys::{FileError, Key, KeySource, Keyring, KeysError, Passphrases, SignError};
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Development workers of each kind whose keys are tried on a local network.
const DEV_WORKERS: u32 = 50;

/// Keys, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct Ring {
    keys: Keyring,
    /// Where more keys are, in case none of these will do.
    folder: Option<PathBuf>,
    in_folder: OnceLock<Keyring>,
    /// Whether somebody named keys, so that no other one is meant.
    are_named: bool,
    passphrases: Passphrases,
}

impl Ring {
    /// These keys, and where the passphrases of locked ones are.
    pub(crate) const fn new(keys: Keyring, passphrases: Passphrases) -> Self {
        Self { keys, folder: None, in_folder: OnceLock::new(), are_named: false, passphrases }
    }

    /// Keys of the command line first, then those of the configuration `origin`.
    pub(crate) fn of(args: &SendArgs, sources: &[KeySource], origin: &Path) -> Outcome<Self> {
        let mut keys = Keyring::default().with_origin(origin);
        for key in &args.keys {
            keys.add(Key::open(&key.uri, key.pair.clone()));
        }
        for path in &args.key_files {
            keys.add(Key::from_file(path).map_err(|error| file_failure(&error))?);
        }
        let configured = Keyring::read(sources).map_err(|error| keys_failure(origin, &error))?;
        keys.add_all(configured);
        let passphrases = Passphrases::of_flags(args.passphrase_file.clone(), args.passphrase_fd);
        let are_named = !args.keys.is_empty() || !args.key_files.is_empty();
        Ok(Self::new(keys, passphrases).with_folder(&args.key_folder).only(are_named))
    }

    /// The same; if keys were named on the command line, a key that everybody knows does not stand in.
    pub(crate) fn only(self, are_named: bool) -> Self {
        Self { are_named, ..self }
    }

    /// The same, with the keys of the user's folder in case none of these will do.
    pub(crate) fn with_folder(self, folder: &FolderArgs) -> Self {
        // Without a home folder there are no keys in it.
        let path = folder.folder().ok().map(|folder| folder.path().to_owned());
        Self { folder: path.filter(|path| path.is_dir()), ..self }
    }

    /// The key of an account that holds the role: the first of those at hand, then of those in the user's
    /// folder, then a development key if the network is one for trying out.
    pub(crate) async fn signer(&self, network: &Network, role: Role) -> Outcome<Keypair> {
        let accounts = match role.accounts(network).await? {
            Some(accounts) => accounts,
            None => self.keys.accounts().take(1).collect(),
        };
        let Some(first) = accounts.first() else {
            let message = "no key is at hand to sign with: name one with --key or --keyfile";
            return Err(Failure::usage_as("NO_SUCH_KEY", message));
        };
        let has = |keys: &Keyring| accounts.iter().copied().find(|account| keys.of(account).is_some());
        let mut keys = &self.keys;
        let mut account = has(keys);
        let more = if account.is_none() { self.of_folder()? } else { None };
        if let Some((more, found)) = more.and_then(|more| Some((more, has(more)?))) {
            (keys, account) = (more, Some(found));
        }
        for warning in keys.warnings() {
            screen::note(&format!("argosy: {}", text::line(warning)));
        }
        let for_trying = network.genesis.profile == Profile::Local && account.is_none() && !self.are_named;
        if let Some(key) = for_trying.then(|| development_key(&accounts)).flatten() {
            return Ok(key);
        }
        let account = account.unwrap_or(*first);
        let unlock = || keys.signer(&account, &role.to_string(), &self.passphrases).cloned();
        tokio::task::block_in_place(unlock).map_err(|error| match error {
            SignError::Missing(missing) => Failure::refused("NO_SUCH_KEY", missing.to_string()),
            SignError::Locked(error) => Failure::usage_as("KEY_FILE_UNUSABLE", chain(&error)),
        })
    }

    /// The keys of the user's folder, read once and only if they are needed.
    fn of_folder(&self) -> Outcome<Option<&Keyring>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        if self.in_folder.get().is_none() {
            let mut keys = Keyring::default();
            keys.add_folder(folder).map_err(|error| keys_failure(folder, &error))?;
            return Ok(Some(self.in_folder.get_or_init(|| keys)));
        }
        Ok(self.in_folder.get())
    }
}

/// A key file that cannot be used, as Argus tells it apart from one that is not there.
pub(crate) fn file_failure(error: &FileError) -> Failure {
    let code = if error.is_absent() { "KEY_FILE_ABSENT" } else { "KEY_FILE_UNUSABLE" };
    Failure::usage_as(code, chain(error))
}

fn keys_failure(origin: &Path, error: &KeysError) -> Failure {
    let code = match error {
        _ if error.is_absent() => "KEY_FILE_ABSENT",
        KeysError::File { .. } | KeysError::Folder(_) | KeysError::FolderTooFull { .. } => {
            "KEY_FILE_UNUSABLE"
        }
        KeysError::Unreadable { .. } | KeysError::TooMany | KeysError::Locked(_) => "WRONG_CONFIG",
    };
    Failure::usage_as(code, format!("{}: {}", origin.display(), chain(error)))
}

/// A key that everybody knows, of the network that `argosy up` makes.
fn development_key(accounts: &[AccountId]) -> Option<Keypair> {
    let fixed =
        ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "Council", "storage-lead", "distribution-lead"];
    let workers = (0..DEV_WORKERS).flat_map(|n| [format!("storage-{n}"), format!("distributor-{n}")]);
    let names = fixed.into_iter().map(str::to_owned).chain(workers);
    names
        .filter_map(|name| Keypair::from_uri(KeyScheme::Sr25519, &format!("//{name}")).ok())
        .find(|key| accounts.contains(&key.account()))
}
