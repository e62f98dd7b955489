//! `argosy keys`: a person's own keys.

mod look;
mod make;
mod rotate;

use crate::{
    failure::{Failure, Outcome, chain},
    network::DirectoryArgs,
};
use argosy_domain::KeyScheme;
use argosy_keys::{FileError, FolderError, KeyFolder, KeysError, PassphraseError, Passphrases, UnlockError};
use serde::Serialize;
use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Prefix of SS58 addresses that Substrate's tools show.
const SUBSTRATE_PREFIX: u16 = 42;

/// Make, keep and change your keys
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a new key
    #[command(after_help = "\
Examples:
  argosy keys new lead
  argosy keys new distributor-1 --passphrase-file /run/credentials/passphrase

Prints the address. Write the phrase down that a terminal shows: it is the key, should the file
be lost.")]
    New(make::NewArgs),
    /// Take over a key from Polkadot-js, or from a phrase
    #[command(after_help = "\
Examples:
  argosy keys import lead --from-file 5Grw….json
  argosy keys import lead --phrase-file phrase.txt
  argosy keys import lead

Without a file the phrase is asked for on the terminal.")]
    Import(make::ImportArgs),
    /// List the keys
    #[command(after_help = "Example:\n  argosy keys list")]
    List(look::ListArgs),
    /// Show one key
    #[command(after_help = "Examples:\n  argosy keys show lead\n  argosy keys show lead --secret")]
    Show(look::ShowArgs),
    /// Replace a key by a new one, and a worker's role key with it
    #[command(after_help = "\
Examples:
  argosy keys rotate lead
  argosy keys rotate distributor-1 --group distribution --worker 1

The new key is safe on disk before the directory hears of it, and the old one is kept as
NAME.old-1. Run it again if it was interrupted: it goes on where it stopped.")]
    Rotate(Box<rotate::RotateArgs>),
}

/// Where the keys are.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct FolderArgs {
    /// Folder of the keys; argosy/keys in the folder of configurations unless given
    #[arg(long, value_name = "DIR", env = "ARGOSY_KEYS", hide_env_values = true)]
    key_dir: Option<PathBuf>,
}

/// Where the passphrase of a new key file comes from.
#[derive(Debug, clap::Args)]
struct NewPassphraseArgs {
    /// File that holds the passphrase of the new key file; asked for unless given
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_fd")]
    passphrase_file: Option<PathBuf>,
    /// Open descriptor that gives it
    #[arg(long, value_name = "N")]
    passphrase_fd: Option<u32>,
}

/// A key as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    name: String,
    address: String,
    substrate_address: String,
    public_key: String,
    r#type: String,
    file: String,
}

impl KeysCommand {
    /// Whether standard output is for scripts.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::New(args) => args.json,
            Self::Import(args) => args.json,
            Self::List(args) => args.json,
            Self::Show(args) => args.json,
            Self::Rotate(args) => args.json,
        }
    }
}

pub(crate) async fn run(directory: &DirectoryArgs, command: KeysCommand) -> Outcome<ExitCode> {
    // Passphrases wait for people, and scrypt takes its time; nothing else runs meanwhile.
    match command {
        KeysCommand::New(args) => tokio::task::block_in_place(|| make::new(&args)),
        KeysCommand::Import(args) => tokio::task::block_in_place(|| make::import(&args)),
        KeysCommand::List(args) => tokio::task::block_in_place(|| look::list(&args)),
        KeysCommand::Show(args) => tokio::task::block_in_place(|| look::show(&args)),
        KeysCommand::Rotate(args) => rotate::rotate(directory, &args).await,
    }
}

impl FolderArgs {
    /// The folder, whether it is there or not.
    pub(crate) fn folder(&self) -> Outcome<KeyFolder> {
        if let Some(dir) = &self.key_dir {
            return Ok(KeyFolder::new(dir));
        }
        let absolute =
            |name| env::var_os(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
        let configurations =
            absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        let dir = configurations.ok_or_else(|| {
            Failure::usage("no folder for keys is known, since HOME is not set: name one with --key-dir")
        })?;
        Ok(KeyFolder::new(dir.join("argosy/keys")))
    }
}

impl NewPassphraseArgs {
    fn passphrases(&self) -> Passphrases {
        Passphrases::of_flags(self.passphrase_file.clone(), self.passphrase_fd)
    }
}

impl Shown {
    fn new(name: &str, account: argosy_domain::AccountId, scheme: KeyScheme, file: &Path) -> Self {
        Self {
            name: name.to_owned(),
            address: account.to_string(),
            substrate_address: account.to_ss58(SUBSTRATE_PREFIX),
            public_key: format!("0x{}", hex::encode(account.0)),
            r#type: scheme.to_string(),
            file: file.display().to_string(),
        }
    }
}

/// A key file that gave no key.
pub(crate) fn file_failure(error: &FileError) -> Failure {
    let code = if error.is_absent() { "KEY_FILE_ABSENT" } else { "KEY_FILE_UNUSABLE" };
    Failure::refused(code, chain(error))
}

/// Keys that cannot be read.
pub(crate) fn keys_failure(error: &KeysError) -> Failure {
    let code = if error.is_absent() { "KEY_FILE_ABSENT" } else { "KEY_FILE_UNUSABLE" };
    Failure::refused(code, chain(error))
}

/// A key that stays locked.
pub(crate) fn unlock_failure(error: &UnlockError) -> Failure {
    match error {
        UnlockError::Passphrase { cause, .. } => passphrase_failure(cause).saying(chain(error)),
        UnlockError::Closed { cause: argosy_keys::OpenError::Wrong, .. } => {
            Failure::refused("WRONG_PASSPHRASE", chain(error))
        }
        UnlockError::Closed { .. } => Failure::refused("KEY_FILE_UNUSABLE", chain(error)),
    }
}

/// No passphrase.
fn passphrase_failure(error: &PassphraseError) -> Failure {
    match error {
        PassphraseError::File(error) => file_failure(error),
        PassphraseError::NoTerminal
        | PassphraseError::Nowhere
        | PassphraseError::Terminal(_)
        | PassphraseError::Descriptor { .. }
        | PassphraseError::Empty
        | PassphraseError::TooMany
        | PassphraseError::NotOne
        | PassphraseError::TooShort
        | PassphraseError::Differ => Failure::refused("NO_PASSPHRASE", chain(error)),
    }
}

fn folder_failure(error: &FolderError) -> Failure {
    match error {
        FolderError::Exists(_) => Failure::refused("KEY_EXISTS", chain(error)),
        FolderError::Io { .. }
        | FolderError::Keys(_)
        | FolderError::Random(_)
        | FolderError::NoOldName(_) => Failure::refused("KEY_NOT_WRITTEN", chain(error)),
    }
}
