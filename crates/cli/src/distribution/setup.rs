//! What a configuration says about signing: keys, and where the directory is.

use crate::{
    failure::{Failure, Outcome},
    files,
    network::DirectoryUrl,
    nodes,
    send::{Ring, SendArgs},
};
use argosy_keys::KeySource;
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
    let mut part: Part = if path.exists() {
        let text = files::short_text(path, MAX_CONFIG_BYTES)?;
        nodes::parse(&text)
            .map_err(|what| Failure::usage_as("WRONG_CONFIG", format!("{}:{what}", path.display())))?
    } else {
        Part::default()
    };
    let base = path.parent().unwrap_or(Path::new(""));
    part.keys.iter_mut().for_each(|source| source.resolve(base));
    let ring = Ring::of(args, &part.keys, path)?;
    let url = match part.endpoints.directory {
        Some(OneOrMore::One(url)) => Some(url),
        Some(OneOrMore::More(urls)) => urls.into_iter().next(),
        None => None,
    };
    let directory = url.map(|url| url.parse()).transpose().map_err(|what: &str| {
        Failure::usage_as("WRONG_CONFIG", format!("{}: endpoints.directory: {what}", path.display()))
    })?;
    Ok(Setup { ring, directory })
}
