//! Follows the directory: a stream of blocks, each proved, applied to this node's own index.
//!
//! ```text
//! directory nodes ──blocks──> ChainVerifier ──events──> Index ──changes──> whoever acts on them
//!                                                         └──now and then──> checkpoint file
//! ```
//!
//! Blocks are never skipped and the index never goes back: what does not prove itself stops the
//! following, with the reason in the status, while the node goes on answering from what it knows.

mod checkpoint;
mod compare;
mod link;
mod sink;
mod snapshot;
mod task;
#[cfg(test)]
mod tests;

pub use link::Link;
pub use sink::{IndexSink, Refusal, ReplicaSink, Sink};
pub use snapshot::{FetchError, begin_with_snapshot, fetch_snapshot};
pub use task::FollowTask;

use crate::config::DirectoryUrls;
use argosy_api::{genesis::GenesisFile, node::FollowStatus};
use argosy_directory::{Genesis, GenesisError};
use argosy_http::Client;
use argosy_node_core::follow::{Index, IndexChange};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{broadcast, watch};

/// Blocks whose changes are kept for receivers that are behind. One that falls further back is told
/// so, and plans anew from the index.
const CHANGES_KEPT: usize = 1024;

/// What a follower needs to know.
#[derive(Clone, Debug)]
pub struct FollowerConfig {
    /// The network.
    pub genesis: Genesis,
    /// Directory nodes, tried in turn.
    pub directories: DirectoryUrls,
    /// Where the checkpoint is kept. The folder must exist.
    pub checkpoint: PathBuf,
}

/// Why a follower cannot start.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The genesis contradicts itself.
    #[error("the genesis cannot be used")]
    Genesis(#[from] GenesisError),
    /// The checkpoint is of another network.
    #[error("{} belongs to another network: use another data directory", path.display())]
    OtherNetwork {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The checkpoint was written by a newer program.
    #[error("{} was written by a newer argosy: use that one, or remove the file to follow from the start", path.display())]
    Newer {
        /// The checkpoint.
        path: PathBuf,
    },
}

/// The newest block that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowHead {
    /// Its height.
    pub height: u64,
    /// Its time, in milliseconds since 1970.
    pub time_ms: u64,
}

/// What one block changed.
#[derive(Debug)]
pub struct BlockChanges {
    /// Height of the block.
    pub height: u64,
    /// In order of the block's events.
    pub changes: Vec<IndexChange>,
}

/// This node's copy of the directory. Cheap to clone; kept up to date by a [`FollowTask`].
#[derive(Clone)]
pub struct Follower {
    shared: Arc<Shared>,
    link: Link,
}

struct Shared {
    genesis: Genesis,
    genesis_hash: [u8; 32],
    index: RwLock<Index>,
    head: watch::Sender<FollowHead>,
    changes: broadcast::Sender<Arc<BlockChanges>>,
    epoch: AtomicU64,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("head", &*self.shared.head.borrow()).finish_non_exhaustive()
    }
}

impl Follower {
    /// Reads the checkpoint, or starts from genesis if there is none that can be used. Blocks the thread.
    ///
    /// The index stays as it is until the task runs.
    ///
    /// # Errors
    /// [`FollowError`]; a damaged checkpoint is not one of them, it only costs time.
    pub fn open(config: FollowerConfig, client: Client) -> Result<(Self, FollowTask), FollowError> {
        let (index, verifier) = checkpoint::load_or_start(&config.checkpoint, &config.genesis)?;
        let head = FollowHead { height: index.height(), time_ms: index.time_ms() };
        let shared = Arc::new(Shared {
            genesis_hash: config.genesis.hash(),
            genesis: config.genesis,
            index: RwLock::new(index),
            head: watch::Sender::new(head),
            changes: broadcast::Sender::new(CHANGES_KEPT),
            epoch: AtomicU64::new(verifier.epochs().number()),
        });
        let genesis = GenesisFile::from(&shared.genesis).hash;
        let sink = IndexSink::new(Arc::clone(&shared), verifier, config.checkpoint);
        let (task, link) = FollowTask::new(sink, genesis, &config.directories, &client);
        Ok((Self { shared, link }, task))
    }

    /// What the network started from.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.shared.genesis
    }

    /// Its hash: the network's name.
    #[must_use]
    pub fn genesis_hash(&self) -> &[u8; 32] {
        &self.shared.genesis_hash
    }

    /// The index, for a moment: while the guard lives, no block is applied. Never hold it across an
    /// `.await` or while touching the disk.
    pub fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.shared.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for one expression.
    pub fn with_index<T>(&self, read: impl FnOnce(&Index) -> T) -> T {
        read(&self.index())
    }

    /// The newest block applied, now and as it changes.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<FollowHead> {
        self.shared.head.subscribe()
    }

    /// What every block changes, from now on. A receiver that lags must plan anew from the index.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Arc<BlockChanges>> {
        self.shared.changes.subscribe()
    }

    /// Waits until the index says `ready`, at most `within`; whether it does.
    pub async fn wait_until(&self, within: Duration, mut ready: impl FnMut(&Index) -> bool) -> bool {
        let mut head = self.head();
        let wait = async {
            loop {
                head.mark_unchanged();
                if self.with_index(&mut ready) {
                    return true;
                }
                if head.changed().await.is_err() {
                    return false;
                }
            }
        };
        match tokio::time::timeout(within, wait).await {
            Ok(met) => met,
            // The last block may have come together with the deadline.
            Err(_) => self.with_index(ready),
        }
    }

    /// Waits until the block of this height is applied, at most `within`; whether it is.
    pub async fn wait_for_height(&self, height: u64, within: Duration) -> bool {
        self.wait_until(within, |index| index.height() >= height).await
    }

    /// How far behind this copy is, and why.
    #[must_use]
    pub fn status(&self) -> FollowStatus {
        let head = *self.shared.head.borrow();
        self.link.status(head.height, head.time_ms, self.shared.epoch.load(Ordering::Relaxed))
    }
}

/// This machine's clock, in milliseconds since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Reads a `genesis.json` and checks it against its own hash. Blocks the thread.
///
/// # Errors
/// [`GenesisReadError`].
pub fn read_genesis(path: &Path) -> Result<Genesis, GenesisReadError> {
    /// A genesis with every worker that a network of this size could have is far smaller.
    const MAX_GENESIS_BYTES: u64 = 16 * 1024 * 1024;
    let bytes = crate::home::read_bounded(path, MAX_GENESIS_BYTES)
        .map_err(|cause| GenesisReadError::Io { path: path.to_owned(), cause })?;
    let file: GenesisFile = serde_json::from_slice(&bytes)
        .map_err(|cause| GenesisReadError::Json { path: path.to_owned(), cause })?;
    Genesis::try_from(file).map_err(|cause| GenesisReadError::Content { path: path.to_owned(), cause })
}

/// Why a genesis file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GenesisReadError {
    /// It cannot be read.
    #[error("cannot read the genesis file {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// It is not a genesis.
    #[error("{} is not a genesis file", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: serde_json::Error,
    },
    /// It contradicts itself, or was made by a newer program.
    #[error("the genesis file {} cannot be used", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: argosy_api::genesis::GenesisFileError,
    },
}
