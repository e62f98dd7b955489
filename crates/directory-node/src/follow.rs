//! A directory node that follows others: where its ledger begins, and who keeps it up.

use crate::{
    StartError,
    config::{Config, FollowConfig, FollowFrom},
};
use argosy_api::{
    Confirmation,
    client::{ClientError, DirectoryClient},
    genesis::GenesisFile,
};
use argosy_directory::Genesis;
use argosy_domain::{Keypair, num::to_u64};
use argosy_http::{AddressPolicy, Client, ClientConfig, Shutdown};
use argosy_ledger::{EngineTask, LedgerView, Replica, SnapshotError, install_snapshot};
use argosy_node::{
    config::DirectoryUrls,
    follower::{FollowTask, Link, ReplicaSink},
};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// A checkpoint of ten million objects has a tenth of this, in bytes.
const MAX_SNAPSHOT_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// How often the log says how far a snapshot has come.
const PROGRESS: Duration = Duration::from_secs(5);
/// From a confirmation that was not taken to the next attempt.
const RETRY: Duration = Duration::from_millis(500);

/// Why no ledger could be begun with a snapshot. Each text is one line.
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
    /// The file cannot be written.
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

/// A copy of the ledger and what keeps it up.
pub(crate) struct Followed {
    pub(crate) view: LedgerView,
    pub(crate) keeper: EngineTask,
    pub(crate) task: FollowTask<ReplicaSink>,
    pub(crate) link: Link,
    pub(crate) upstreams: Arc<[DirectoryClient]>,
}

/// The client with which a directory node reaches others: its operator names them, so any address will do.
pub(crate) fn client() -> Client {
    Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() })
}

/// Opens the copy, beginning it with a snapshot where that is wanted and there is none yet.
pub(crate) async fn open(
    config: &Config,
    follow: &FollowConfig,
    genesis: &Genesis,
) -> Result<Followed, StartError> {
    let client = client();
    let upstreams = clients(&client, &follow.upstreams);
    if follow.from == FollowFrom::Snapshot && !has_ledger(&config.data)? {
        begin_with_snapshot(config, follow, genesis, &upstreams).await?;
    }
    let opening = {
        let (config, genesis) = (config.clone(), genesis.clone());
        tokio::task::spawn_blocking(move || Replica::open(&config.data, &genesis, config.engine()))
    };
    let (replica, keeper) = opening.await.map_err(|_| StartError::Panicked)??;
    let view = LedgerView::clone(&replica);
    let hash = GenesisFile::from(genesis).hash;
    let (task, link) = FollowTask::new(ReplicaSink::new(replica), hash, &follow.upstreams, &client);
    Ok(Followed { view, keeper, task, link, upstreams })
}

pub(crate) fn clients(client: &Client, urls: &DirectoryUrls) -> Arc<[DirectoryClient]> {
    urls.as_slice().iter().map(|url| DirectoryClient::new(client.clone(), url)).collect()
}

fn has_ledger(data: &Path) -> Result<bool, StartError> {
    match fs::read_dir(data) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(FetchError::File { path: data.to_owned(), source }.into()),
    }
}

/// Asks one node after the other; what the last one had to say is told if none will do.
async fn begin_with_snapshot(
    config: &Config,
    follow: &FollowConfig,
    genesis: &Genesis,
    upstreams: &[DirectoryClient],
) -> Result<(), StartError> {
    let mut last = None;
    for upstream in upstreams {
        match fetch(&config.data, follow, genesis, upstream).await {
            Ok(height) => {
                tracing::info!(height, url = upstream.url(), "the ledger begins with a snapshot");
                return Ok(());
            }
            Err(error) => {
                tracing::warn!(%error, url = upstream.url(), "no snapshot from this node");
                last = Some(error);
            }
        }
    }
    last.map_or(Ok(()), |error| Err(error.into()))
}

async fn fetch(
    data: &Path,
    follow: &FollowConfig,
    genesis: &Genesis,
    upstream: &DirectoryClient,
) -> Result<u64, FetchError> {
    let url = || upstream.url().to_owned();
    let (found, expected) = (upstream.genesis().await?.hash, GenesisFile::from(genesis).hash);
    if found != expected {
        return Err(FetchError::OtherNetwork { url: url(), found, expected });
    }
    let mut name = data.to_owned().into_os_string();
    name.push(".snapshot");
    let path = PathBuf::from(name);
    let fetched = download(upstream, &path).await;
    let installed = match fetched {
        Ok(height) => install(data, follow, genesis, upstream, &path, height).await,
        Err(error) => Err(error),
    };
    if installed.is_err() {
        // The next attempt begins anew, whether it is there or not.
        let _ = fs::remove_file(&path);
    }
    installed
}

/// Writes the checkpoint to a file, and gives the height that it is said to have. Nothing else happens
/// in a node that begins, so that it may wait for the disk.
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

async fn install(
    data: &Path,
    follow: &FollowConfig,
    genesis: &Genesis,
    upstream: &DirectoryClient,
    path: &Path,
    height: u64,
) -> Result<u64, FetchError> {
    let block = upstream.blocks(height).await?.next_encoded().await?;
    let block = block.ok_or_else(|| FetchError::NoBlock { url: upstream.url().to_owned(), height })?;
    let (data, path, genesis, trust) =
        (data.to_owned(), path.to_owned(), genesis.clone(), follow.trust.map(|trust| trust.0));
    let installing =
        tokio::task::spawn_blocking(move || install_snapshot(&data, &path, &block, &genesis, trust.as_ref()));
    let installed = installing.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    Ok(installed?.height)
}

/// Tells the sequencer of every block that is on this disk.
pub(crate) async fn confirm(
    view: LedgerView,
    sequencer: DirectoryClient,
    key: Keypair,
    genesis: [u8; 32],
    shutdown: Shutdown,
) {
    let mut head = view.head();
    loop {
        let tip = *head.borrow_and_update();
        let said = Confirmation::sign(&key, genesis, tip.height, tip.hash);
        let confirmed = tokio::select! {
            confirmed = sequencer.confirm(&said) => confirmed,
            () = shutdown.triggered() => return,
        };
        let wait = async {
            match confirmed {
                Ok(()) => drop(head.changed().await),
                Err(error) => {
                    tracing::debug!(%error, height = tip.height, "a block could not be confirmed");
                    tokio::time::sleep(RETRY).await;
                }
            }
        };
        tokio::select! {
            () = wait => {}
            () = shutdown.triggered() => return,
        }
        if head.has_changed().is_err() {
            return;
        }
    }
}
