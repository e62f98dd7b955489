//! What a configuration says about signing: keys, and where the directory is.

use crate::{
    failure::{Failure, Outcome, chain},
    files,
    network::DirectoryUrl,
    nodes,
    send::{Ring, SendArgs},
};
use argosy_keys::{KeySource, Keyring, KeysError};
use serde::Deserialize;
use std::path::Path;

/// Longest configuration that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// What is needed to sign and send.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) ring: Ring,
    pub(crate) directory: Option<DirectoryUrl>,
}

/// The part of a configuration that commands look at. What else is in it, the node reads.
#[derive(Debug, Default, Deserialize)]
struct Part {
    #[serde(default)]
    keys: Vec<KeySource>,
    #[serde(default)]
    endpoints: Endpoints,
}

#[derive(Debug, Default, Deserialize)]
struct Endpoints {
    #[serde(default)]
    directory: Option<OneOrMore>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// Keys of the command line first, then those of the configuration. A file that is not there says
/// nothing.
pub(crate) fn read(path: &Path, args: &SendArgs) -> Outcome<Setup> {
    let part: Part = if path.exists() {
        let text = files::short_text(path, MAX_CONFIG_BYTES)?;
        nodes::parse(&text)
            .map_err(|what| Failure::usage_as("WRONG_CONFIG", format!("{}:{what}", path.display())))?
    } else {
        Part::default()
    };
    let mut keys: Vec<_> = args.keys.iter().map(|key| key.pair.clone()).collect();
    let keyring = open_keys(path, part.keys)?;
    keys.extend(keyring.keys().filter_map(argosy_keys::Key::keypair).cloned());
    let url = match part.endpoints.directory {
        Some(OneOrMore::One(url)) => Some(url),
        Some(OneOrMore::More(urls)) => urls.into_iter().next(),
        None => None,
    };
    let directory = url.map(|url| url.parse()).transpose().map_err(|what: &str| {
        Failure::usage_as("WRONG_CONFIG", format!("{}: endpoints.directory: {what}", path.display()))
    })?;
    let hint = format!("add it to `keys` in {}, or name it with --key or --key-file", path.display());
    Ok(Setup { ring: Ring::new(keys, hint), directory })
}

/// The configured keys, open. Relative paths start at the configuration's folder.
fn open_keys(path: &Path, mut sources: Vec<KeySource>) -> Outcome<Keyring> {
    let base = path.parent().unwrap_or(Path::new(""));
    sources.iter_mut().for_each(|source| source.resolve(base));
    Keyring::open(&sources).map_err(|error| {
        let code = match &error {
            KeysError::Unreadable { .. } | KeysError::TooMany => "WRONG_CONFIG",
            error if error.is_absent() => "KEY_FILE_ABSENT",
            KeysError::File { .. }
            | KeysError::Folder(_)
            | KeysError::FolderTooFull { .. }
            | KeysError::Locked(_) => "KEY_FILE_UNUSABLE",
        };
        Failure::usage_as(code, format!("{}: {}", path.display(), chain(&error)))
    })
}
