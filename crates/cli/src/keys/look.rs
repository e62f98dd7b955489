//! `argosy keys list` and `argosy keys show`.

use super::{FolderArgs, Shown, file_failure, keys_failure, unlock_failure};
use crate::{
    failure::{Outcome, chain},
    screen, text,
};
use argosy_keys::{FileError, KeyName, Passphrases, StoredKey};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Name of the key
    #[arg(value_name = "NAME")]
    name: KeyName,
    /// Print the phrase or seed too
    #[arg(long)]
    secret: bool,
    /// File that holds the passphrase of the key; asked for unless given
    #[arg(long, value_name = "FILE", requires = "secret", conflicts_with = "passphrase_fd")]
    passphrase_file: Option<PathBuf>,
    /// Open descriptor that gives it
    #[arg(long, value_name = "N", requires = "secret")]
    passphrase_fd: Option<u32>,
    #[command(flatten)]
    folder: FolderArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Serialize)]
struct Listed {
    folder: String,
    keys: Vec<ListedKey>,
}

/// A key in the list: what it is, or why it cannot be read.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedKey {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownKey {
    #[serde(flatten)]
    key: Shown,
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl ListedKey {
    fn new(name: &KeyName, key: &Result<StoredKey, FileError>) -> Self {
        let name = name.to_string();
        match key {
            Ok(key) => Self {
                name,
                address: Some(key.account().to_string()),
                r#type: Some(key.scheme().to_string()),
                created: key.created().map(text::line),
                format: Some(key.format()),
                problem: None,
            },
            Err(error) => Self { name, problem: Some(text::line(&chain(error))), ..Self::default() },
        }
    }
}

pub(super) fn list(args: &ListArgs) -> Outcome<ExitCode> {
    let folder = args.folder.folder()?;
    let entries = folder.list().map_err(|error| keys_failure(&error))?;
    for entry in &entries {
        if let Ok(key) = &entry.key {
            warn(key, &folder.path_of(&entry.name));
        }
    }
    let keys: Vec<_> = entries.iter().map(|entry| ListedKey::new(&entry.name, &entry.key)).collect();
    let folder = folder.path().display().to_string();
    if args.json {
        screen::json(&Listed { folder, keys });
        return Ok(ExitCode::SUCCESS);
    }
    if keys.is_empty() {
        screen::note(&format!(
            "there are no keys in {}; make one with `argosy keys new NAME`",
            text::line(&folder)
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let row = |key: &ListedKey| {
        let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        vec![key.name.clone(), cell(&key.address), cell(&key.r#type), cell(&key.created)]
    };
    let rows = keys.iter().map(row).collect();
    screen::say(&screen::table(&["name", "address", "type", "created"], rows, &["created", "type"]));
    for key in &keys {
        if let Some(problem) = &key.problem {
            screen::note(&format!("{}: {problem}", key.name));
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show(args: &ShowArgs) -> Outcome<ExitCode> {
    let folder = args.folder.folder()?;
    let path = folder.path_of(&args.name);
    let key = StoredKey::read(&path).map_err(|error| file_failure(&error))?;
    warn(&key, &path);
    let secret = if args.secret {
        let passphrases = Passphrases::of_flags(args.passphrase_file.clone(), args.passphrase_fd);
        let (secret, _) =
            key.unlock(args.name.as_str(), &passphrases).map_err(|error| unlock_failure(&error))?;
        Some(secret.text().to_string())
    } else {
        None
    };
    let shown = ShownKey {
        key: Shown::new(args.name.as_str(), key.account(), key.scheme(), &path),
        format: key.format(),
        created: key.created().map(text::line),
        secret,
    };
    if args.json {
        screen::json(&shown);
        return Ok(ExitCode::SUCCESS);
    }
    let rows = [
        ("name", Some(&shown.key.name)),
        ("address", Some(&shown.key.address)),
        ("substrate", Some(&shown.key.substrate_address)),
        ("public key", Some(&shown.key.public_key)),
        ("type", Some(&shown.key.r#type)),
        ("created", shown.created.as_ref()),
        ("file", Some(&shown.key.file)),
        ("secret", shown.secret.as_ref()),
    ];
    for (title, value) in rows {
        if let Some(value) = value {
            screen::say(&format!("{title:<11} {}", text::line(value)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Only the passphrase protects a key file that others can read.
fn warn(key: &StoredKey, path: &Path) {
    if let Some(mode) = key.open_mode() {
        let path = text::line(&path.display().to_string());
        screen::note(&format!(
            "others than its owner may read {path} (mode {mode:03o}): run chmod 600 {path}"
        ));
    }
}
