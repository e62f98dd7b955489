//! What a configuration says about signing: keys, and where the directory is.

use crate::{
    failure::{Failure, Outcome},
    files,
    network::DirectoryUrl,
    nodes,
    send::{Ring, SendArgs},
};
use argosy_node::config::KeySource;
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
    for (position, source) in part.keys.iter().enumerate() {
        let key = source.keypair().map_err(|error| {
            Failure::usage_as("WRONG_CONFIG", format!("{}: keys[{position}]: {error}", path.display()))
        })?;
        keys.push(key);
    }
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
