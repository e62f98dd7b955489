//! Which network the node belongs to.

use crate::config::Config;
use argosy_api::{DirectoryClient, genesis::GenesisFile};
use argosy_directory::Genesis;
use argosy_http::Client;
use argosy_node::{
    config::DirectoryUrls,
    follower::{GenesisReadError, read_genesis},
    home::replace_file,
};
use std::{fs, io, path::PathBuf, time::Duration};

/// What was fetched, in the folder of the node's notes.
const KEPT: &str = "genesis.json";
/// Longest that a directory node is waited for that may not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why it is not known which network the node belongs to.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] GenesisReadError),
    /// No directory node told.
    #[error(
        "the configuration names no genesis, and none can be fetched ({reasons}): start a directory node, or set `genesis` to the network's genesis.json"
    )]
    NoAnswer {
        /// What went wrong with each of them.
        reasons: String,
    },
    /// What was fetched cannot be kept.
    #[error("cannot keep the genesis in {}", path.display())]
    Keep {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The configured genesis, else the one that was fetched at the first start, else the one that a
/// directory node tells, which is kept and believed from now on.
///
/// # Errors
/// [`GenesisError`].
pub(crate) async fn find(
    config: &Config,
    directories: &DirectoryUrls,
    client: &Client,
) -> Result<Genesis, GenesisError> {
    if let Some(path) = &config.genesis {
        return Ok(read_genesis(path)?);
    }
    let path = config.directories.cache_state.join(KEPT);
    if path.exists() {
        return Ok(read_genesis(&path)?);
    }
    let (url, genesis) = fetch(directories, client).await?;
    let file = GenesisFile::from(&genesis);
    let keep = || {
        fs::create_dir_all(&config.directories.cache_state)?;
        replace_file(&path, &serde_json::to_vec_pretty(&file)?)
    };
    keep().map_err(|source| GenesisError::Keep { path: path.clone(), source })?;
    tracing::warn!(
        url, network = %file.network, genesis = %file.hash, kept = %path.display(),
        "no genesis is configured: this directory node's is believed from now on"
    );
    Ok(genesis)
}

async fn fetch(directories: &DirectoryUrls, client: &Client) -> Result<(String, Genesis), GenesisError> {
    let mut reasons = Vec::new();
    for url in directories.as_slice() {
        let directory = DirectoryClient::new(client.clone(), url);
        let reason = match tokio::time::timeout(PATIENCE, directory.genesis()).await {
            Ok(Ok(file)) => match Genesis::try_from(file) {
                Ok(genesis) => return Ok((url.clone(), genesis)),
                Err(error) => format!("{url}: {error}"),
            },
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("{url} does not answer"),
        };
        reasons.push(reason);
    }
    Err(GenesisError::NoAnswer { reasons: reasons.join("; ") })
}
