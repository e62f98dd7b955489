//! `argosy keys new` and `argosy keys import`.

use super::{
    FolderArgs, NewPassphraseArgs, Shown, file_failure, folder_failure, passphrase_failure, unlock_failure,
};
use crate::{
    failure::{Failure, Outcome},
    screen,
};
use argosy_domain::KeyScheme;
use argosy_keys::{Kdf, KeyFile, KeyFolder, KeyName, Passphrases, Secret, StoredKey, ask, read_secret_text};
use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// Name of the key: a-z, 0-9, '.', '_' and '-'
    #[arg(value_name = "NAME")]
    name: KeyName,
    /// Signature scheme: sr25519 or ed25519
    #[arg(long = "type", value_name = "TYPE", default_value = "sr25519")]
    scheme: KeyScheme,
    /// Print the phrase on standard error, even if that is no terminal
    #[arg(long)]
    show_phrase: bool,
    #[command(flatten)]
    passphrase: NewPassphraseArgs,
    #[command(flatten)]
    folder: FolderArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// Name of the key: a-z, 0-9, '.', '_' and '-'
    #[arg(value_name = "NAME")]
    name: KeyName,
    /// Key file of Polkadot-js, or of argosy
    #[arg(long, value_name = "FILE", conflicts_with_all = ["phrase_file", "scheme"])]
    from_file: Option<PathBuf>,
    /// File that holds a phrase or a seed; asked for unless given
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
    /// File that holds the passphrase of --from-file; asked for unless given
    #[arg(long, value_name = "FILE", requires = "from_file", conflicts_with = "from_passphrase_fd")]
    from_passphrase_file: Option<PathBuf>,
    /// Open descriptor that gives it
    #[arg(long, value_name = "N", requires = "from_file")]
    from_passphrase_fd: Option<u32>,
    /// Signature scheme: sr25519 or ed25519
    #[arg(long = "type", value_name = "TYPE", default_value = "sr25519")]
    scheme: KeyScheme,
    #[command(flatten)]
    passphrase: NewPassphraseArgs,
    #[command(flatten)]
    folder: FolderArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) fn new(args: &NewArgs) -> Outcome<ExitCode> {
    let folder = args.folder.folder()?;
    let (key, secret) =
        new_key(&folder, &args.name, &args.name, args.scheme, &args.passphrase.passphrases())?;
    tell(&folder, &args.name, &key, args.json);
    show_phrase(&secret, args.show_phrase);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn import(args: &ImportArgs) -> Outcome<ExitCode> {
    let folder = args.folder.folder()?;
    ensure_free(&folder, &args.name)?;
    let (scheme, secret) = match (&args.from_file, &args.phrase_file) {
        (Some(path), _) => open_file(path, args)?,
        (None, Some(path)) => (args.scheme, read_phrase(path, args.scheme)?),
        (None, None) => (args.scheme, ask_phrase(args.scheme)?),
    };
    let key = seal(&folder, &args.name, &args.name, scheme, &secret, &args.passphrase.passphrases())?;
    tell(&folder, &args.name, &key, args.json);
    Ok(ExitCode::SUCCESS)
}

/// Makes a key in the file of `name`, labelled `label`. Durable when it returns.
pub(super) fn new_key(
    folder: &KeyFolder,
    name: &KeyName,
    label: &KeyName,
    scheme: KeyScheme,
    passphrases: &Passphrases,
) -> Outcome<(KeyFile, Secret)> {
    ensure_free(folder, name)?;
    let secret = Secret::random().map_err(|error| Failure::refused("NO_RANDOMNESS", error.to_string()))?;
    let key = seal(folder, name, label, scheme, &secret, passphrases)?;
    Ok((key, secret))
}

/// Shows people the phrase of a new key, which they must write down.
pub(super) fn show_phrase(secret: &Secret, wanted: bool) {
    if wanted || io::stderr().is_terminal() {
        screen::note(
            "Write this phrase down and keep it safe: whoever has it has the key, and nobody can restore it.",
        );
        screen::note("");
        screen::note(&format!("  {}", *secret.text()));
    }
}

/// Before anybody is asked for a passphrase in vain.
fn ensure_free(folder: &KeyFolder, name: &KeyName) -> Outcome<()> {
    if folder.has(name) {
        return Err(folder_failure(&argosy_keys::FolderError::Exists(name.clone())));
    }
    Ok(())
}

fn seal(
    folder: &KeyFolder,
    name: &KeyName,
    label: &KeyName,
    scheme: KeyScheme,
    secret: &Secret,
    passphrases: &Passphrases,
) -> Outcome<KeyFile> {
    let passphrase = passphrases.for_new(name.as_str()).map_err(|error| passphrase_failure(&error))?;
    let key = KeyFile::seal(label.as_str(), scheme, secret, passphrase.as_str(), Kdf::NEW)
        .map_err(|error| Failure::refused("KEY_NOT_MADE", error.to_string()))?;
    folder.add(name, &key).map_err(|error| folder_failure(&error))?;
    Ok(key)
}

fn open_file(path: &Path, args: &ImportArgs) -> Outcome<(KeyScheme, Secret)> {
    let stored = StoredKey::read(path).map_err(|error| file_failure(&error))?;
    let passphrases = Passphrases::of_flags(args.from_passphrase_file.clone(), args.from_passphrase_fd);
    let label = path.file_name().unwrap_or_default().to_string_lossy();
    let (secret, _) = stored.unlock(&label, &passphrases).map_err(|error| unlock_failure(&error))?;
    Ok((stored.scheme(), secret))
}

fn read_phrase(path: &Path, scheme: KeyScheme) -> Outcome<Secret> {
    let text = read_secret_text(path).map_err(|error| file_failure(&error))?;
    Secret::parse(scheme, &text).map_err(|error| {
        Failure::refused("KEY_FILE_UNUSABLE", format!("{} cannot be used: {error}", path.display()))
    })
}

fn ask_phrase(scheme: KeyScheme) -> Outcome<Secret> {
    let text = ask("Phrase or seed").map_err(|error| {
        passphrase_failure(&error)
            .saying("there is no terminal to ask for the phrase: name a file with --phrase-file".to_owned())
    })?;
    Secret::parse(scheme, text.as_str().trim())
        .map_err(|error| Failure::refused("BAD_PHRASE", error.to_string()))
}

fn tell(folder: &KeyFolder, name: &KeyName, key: &KeyFile, json: bool) {
    let shown = Shown::new(name.as_str(), key.account(), key.scheme(), &folder.path_of(name));
    if json {
        screen::json(&shown);
    } else {
        screen::say(&shown.address);
        screen::note(&format!("key {name} is in {}", shown.file));
    }
}
