//! The keys at hand, and the one that a role needs.

use super::{Role, SendArgs};
use crate::{
    failure::{Failure, Outcome, chain},
    network::Network,
    screen, text,
};
use argosy_directory::Profile;
use argosy_domain::{AccountId, KeyScheme, Keypair};
use argosy_keys::{FileError, Key, KeySource, Keyring, KeysError, Passphrases, SignError};
use std::path::{Path, PathBuf};

/// Development workers of each kind whose keys are tried on a local network.
const DEV_WORKERS: u32 = 50;

/// Keys, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct Ring {
    keys: Keyring,
    /// Where more keys are, in case none of these will do.
    folder: Option<PathBuf>,
    passphrases: Passphrases,
}

impl Ring {
    /// These keys, and where the passphrases of locked ones are.
    pub(crate) const fn new(keys: Keyring, passphrases: Passphrases) -> Self {
        Self { keys, folder: None, passphrases }
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
        // Without a home folder there are no keys in it.
        let folder = args.key_folder.folder().ok().map(|folder| folder.path().to_owned());
        Ok(Self { keys, folder: folder.filter(|path| path.is_dir()), passphrases })
    }

    /// The key of an account that holds the role: the first of those at hand, then of those in the user's
    /// folder, then a development key if the network is one for trying out.
    pub(super) async fn signer(&mut self, network: &Network, role: Role) -> Outcome<Keypair> {
        let accounts = match role.accounts(network).await? {
            Some(accounts) => accounts,
            None => self.keys.accounts().take(1).collect(),
        };
        let Some(first) = accounts.first() else {
            let message = "no key is at hand to sign with: name one with --key or --keyfile";
            return Err(Failure::usage_as("NO_SUCH_KEY", message));
        };
        let mut account = self.first_of(&accounts);
        if let (None, Some(folder)) = (account, self.folder.take()) {
            self.keys.add_folder(&folder).map_err(|error| keys_failure(&folder, &error))?;
            account = self.first_of(&accounts);
        }
        for warning in self.keys.warnings() {
            screen::note(&format!("argosy: {}", text::line(warning)));
        }
        let known = network.genesis.profile == Profile::Local && account.is_none();
        if let Some(key) = known.then(|| development_key(&accounts)).flatten() {
            return Ok(key);
        }
        let account = account.unwrap_or(*first);
        let unlock = || self.keys.signer(&account, &role.to_string(), &self.passphrases).cloned();
        tokio::task::block_in_place(unlock).map_err(|error| match error {
            SignError::Missing(missing) => Failure::refused("NO_SUCH_KEY", missing.to_string()),
            SignError::Locked(error) => Failure::usage_as("KEY_FILE_UNUSABLE", chain(&error)),
        })
    }

    fn first_of(&self, accounts: &[AccountId]) -> Option<AccountId> {
        accounts.iter().copied().find(|account| self.keys.of(account).is_some())
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
