//! The newest checkpoint of a directory node, fetched so that a new node need not read every block that
//! there ever was.

use super::{FollowerConfig, checkpoint};
use argosy_api::{
    client::{ClientError, DirectoryClient},
    genesis::GenesisFile,
};
use argosy_directory::Genesis;
use argosy_domain::num::to_u64;
use argosy_http::Client;
use argosy_ledger::{Anchor, SnapshotError, check_snapshot, checkpoint as ledger};
use argosy_node_core::follow::{Index, IndexRestore};
use bytes::Bytes;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::Instant;

/// A checkpoint of ten million objects has a tenth of this, in bytes.
const MAX_SNAPSHOT_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// How often the log says how far a snapshot has come.
const PROGRESS: Duration = Duration::from_secs(5);
/// Longest that a node is waited for that may not answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// A directory with fewer blocks is read from the genesis on: that takes a second or two.
const MIN_BLOCKS: u64 = 5_000;

/// Why no snapshot was fetched. Each text is one line.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The node cannot be reached, or has no snapshot.
    #[error(transparent)]
    Node(#[from] ClientError),
    /// It is of another network.
    #[error("{url} belongs to another network: its genesis is {found}, ours {expected}")]
    OtherNetwork {
        /// The node.
        url: String,
        /// Its genesis hash.
        found: String,
        /// Ours.
        expected: String,
    },
    /// More than a checkpoint has.
    #[error("{url} sends more than {MAX_SNAPSHOT_BYTES} bytes, which no snapshot has")]
    TooLong {
        /// The node.
        url: String,
    },
    /// It did not send the block that the snapshot is of.
    #[error("{url} does not send the block {height} that its snapshot was made after")]
    NoBlock {
        /// The node.
        url: String,
        /// Of the snapshot.
        height: u64,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What was sent is not proved.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// Fetches the newest checkpoint of a directory node into the file `path`, and the encoded block after
/// which it was made. Neither is checked yet.
///
/// Nothing else happens in a node that begins, so that this may wait for the disk.
///
/// # Errors
/// [`FetchError`]; nothing is left at `path`.
pub async fn fetch_snapshot(
    upstream: &DirectoryClient,
    genesis: &Genesis,
    path: &Path,
) -> Result<Bytes, FetchError> {
    let fetched = fetch(upstream, genesis, path).await;
    if fetched.is_err() {
        // The next attempt begins anew, whether it is there or not.
        let _ = fs::remove_file(path);
    }
    fetched
}

async fn fetch(upstream: &DirectoryClient, genesis: &Genesis, path: &Path) -> Result<Bytes, FetchError> {
    let url = || upstream.url().to_owned();
    let (found, expected) = (upstream.genesis().await?.hash, GenesisFile::from(genesis).hash);
    if found != expected {
        return Err(FetchError::OtherNetwork { url: url(), found, expected });
    }
    let height = download(upstream, path).await?;
    let block = upstream.blocks(height).await?.next_encoded().await?;
    block.ok_or_else(|| FetchError::NoBlock { url: url(), height })
}

/// Gives the height that the checkpoint is said to have.
async fn download(upstream: &DirectoryClient, path: &Path) -> Result<u64, FetchError> {
    let failed = |source| FetchError::File { path: path.to_owned(), source };
    let mut stream = upstream.snapshot().await?;
    let (height, length) = (stream.height(), stream.length());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut file = File::create(path).map_err(failed)?;
    let (mut received, mut told) = (0_u64, Instant::now());
    while let Some(bytes) = stream.next().await? {
        received = received.saturating_add(to_u64(bytes.len()));
        if received > MAX_SNAPSHOT_BYTES {
            return Err(FetchError::TooLong { url: upstream.url().to_owned() });
        }
        file.write_all(&bytes).map_err(failed)?;
        if told.elapsed() >= PROGRESS {
            tracing::info!(received, of = length, height, "fetching a snapshot");
            told = Instant::now();
        }
    }
    Ok(height)
}

/// Makes the first checkpoint of a node that has none, where that is quicker than following from the
/// genesis: of a directory node's snapshot, if the directory has many blocks or its first ones are gone.
///
/// The snapshot's block must be signed by keys that the genesis proves, and its state must have that
/// block's root. If it cannot be had from anybody, the log says why, and the node follows from the
/// genesis.
pub async fn begin_with_snapshot(config: &FollowerConfig, client: &Client) {
    if config.checkpoint.exists() {
        return;
    }
    for url in config.directories.as_slice() {
        let upstream = DirectoryClient::new(client.clone(), url);
        let Ok(Ok(status)) = tokio::time::timeout(PATIENCE, upstream.status()).await else { continue };
        if status.height < MIN_BLOCKS && status.oldest_block <= 1 {
            return;
        }
        match begin_with(config, &upstream).await {
            Ok(height) => {
                tracing::info!(height, url, "beginning with a snapshot");
                return;
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, url, "no snapshot from this node");
            }
        }
    }
}

async fn begin_with(config: &FollowerConfig, upstream: &DirectoryClient) -> Result<u64, FetchError> {
    let path = config.checkpoint.with_extension("snapshot");
    let block = fetch_snapshot(upstream, &config.genesis, &path).await?;
    let made = {
        let (path, genesis) = (path.clone(), config.genesis.clone());
        tokio::task::spawn_blocking(move || index_of(&path, &block, &genesis)).await
    };
    let _ = fs::remove_file(&path);
    let (anchor, index) = made.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    checkpoint::save(&config.checkpoint, &anchor, &index)
        .map_err(|source| FetchError::File { path: config.checkpoint.clone(), source })?;
    Ok(anchor.tip.height)
}

/// The index of a snapshot's state, which is never held as a whole.
fn index_of(path: &Path, block: &Bytes, genesis: &Genesis) -> Result<(Anchor, Index), SnapshotError> {
    let anchor = check_snapshot(path, block, genesis, None)?;
    let wrong = |source| ledger::CheckpointError::Pieces { path: path.to_owned(), source };
    let mut restore = IndexRestore::new(genesis).map_err(wrong)?;
    ledger::read_pieces(path, &genesis.hash(), |piece| restore.push(piece))?;
    let (index, root) = restore.finish().map_err(wrong)?;
    if root != anchor.tip.state_root {
        let height = anchor.tip.height;
        return Err(ledger::CheckpointError::StateRoot { path: path.to_owned(), height }.into());
    }
    Ok((anchor, index))
}
