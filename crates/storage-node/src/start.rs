//! Puts a storage node together.

use crate::{
    accept::{self, Acceptor},
    background::Background,
    config::Config,
    node::{Counters, Node},
    replicate, report, routes,
    sign::Signers,
    uploads::UploadSlots,
};
use argosy_directory::{Genesis, Profile};
use argosy_domain::{WorkerId, WorkingGroup};
use argosy_http::{
    AddressPolicy, Client, ClientConfig, Running, ServeConfig, Shutdown, Tasks, bind, serve_router,
};
use argosy_keys::{Keyring, KeysError};
use argosy_node::{
    FollowError, FollowTask, Follower, FollowerConfig, Passes, Prover, RoleProofs,
    fill::{DirectorySources, Fills, FillsConfig, Unbounded},
    follower::{GenesisReadError, begin_with_snapshot, read_genesis},
    home::{self, HomeError},
};
use argosy_store::{RealDisk, Store, StoreConfig, StoreError};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, runtime::Handle, sync::Notify};

const ROLE: &str = "storage";
const STORE_DIR: &str = "store";
const CHECKPOINT: &str = "directory.checkpoint";
/// The part of a disk that is left free, and the most that this may come to.
///
/// Source: `spec/reliability.md` T-23.
const FLOOR_PERCENT: u64 = 5;
const FLOOR_MOST_BYTES: u64 = 10 * 1024 * 1024 * 1024;
/// How long uploads and repairs may take to end after the stop signal.
const STOP_GRACE: Duration = Duration::from_millis(3_500);

/// Why a storage node cannot start. Nothing half-done is left behind.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not this machine's.
    #[error(transparent)]
    Bind(#[from] argosy_http::BindError),
    /// A key cannot be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The genesis file cannot be used.
    #[error(transparent)]
    Genesis(#[from] GenesisReadError),
    /// The data folder belongs to something else, or cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store in it cannot be used.
    #[error("the store of objects cannot be opened")]
    Store(#[source] StoreError),
    /// The directory cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The program itself failed.
    #[error("starting the node ended badly")]
    Broken(#[source] tokio::task::JoinError),
}

/// Starts a storage node. It answers when this returns, even while no directory node does.
///
/// # Errors
/// [`StartError`].
pub async fn start(config: Config) -> Result<Running, StartError> {
    let sources = config.keys.clone();
    let keys = tokio::task::spawn_blocking(move || Keyring::open(&sources));
    let keys = keys.await.map_err(StartError::Broken)??;
    let listener = bind(config.listen)?;
    let parts = tokio::task::spawn_blocking({
        let config = config.clone();
        move || open(&config)
    });
    let parts = parts.await.map_err(StartError::Broken)??;
    Ok(run(config, keys, listener, parts))
}

/// What is on disk.
struct Parts {
    store: Store,
    follower: Follower,
    follow: FollowTask,
    /// For endpoints that the configuration names.
    trusted: Client,
    /// For endpoints that strangers have written into the directory.
    guarded: Client,
}

/// Opens the data folder. Blocks the thread.
fn open(config: &Config) -> Result<Parts, StartError> {
    let genesis = read_genesis(&config.genesis)?;
    let hash = argosy_api::genesis::GenesisFile::from(&genesis).hash;
    home::claim(&config.data, ROLE, &genesis.network, &hash)?;
    let limits = StoreConfig {
        capacity_bytes: config.limits.storage.map(|size| size.0),
        disk_floor_bytes: config.limits.disk_floor.map_or_else(|| floor_bytes(&config.data), |size| size.0),
    };
    let store =
        Store::open(&config.data.join(STORE_DIR), Arc::new(RealDisk), limits).map_err(StartError::Store)?;
    let guarded = client(address_policy(&genesis));
    let trusted = client(AddressPolicy::Local);
    let follower = FollowerConfig {
        genesis,
        directories: config.endpoints.directory.clone(),
        checkpoint: config.data.join(CHECKPOINT),
    };
    Handle::current().block_on(begin_with_snapshot(&follower, &trusted));
    let (follower, follow) = Follower::open(follower, trusted.clone())?;
    Ok(Parts { store, follower, follow, trusted, guarded })
}

fn address_policy(genesis: &Genesis) -> AddressPolicy {
    match genesis.profile {
        Profile::Local => AddressPolicy::Local,
        Profile::Mainnet => AddressPolicy::Public,
    }
}

fn client(addresses: AddressPolicy) -> Client {
    Client::new(ClientConfig { addresses, ..ClientConfig::default() })
}

/// What is left free of the disk that `dir` is on.
fn floor_bytes(dir: &Path) -> u64 {
    match rustix::fs::statvfs(dir) {
        Ok(disk) => (disk.f_blocks.saturating_mul(disk.f_frsize) / 100 * FLOOR_PERCENT).min(FLOOR_MOST_BYTES),
        Err(_) => FLOOR_MOST_BYTES,
    }
}

fn run(config: Config, keys: Keyring, listener: TcpListener, parts: Parts) -> Running {
    // A socket that is listening has an address; asking for it cannot fail on a sound system.
    let endpoint = listener.local_addr().unwrap_or(config.listen);
    let Parts { store, follower, follow, trusted, guarded } = parts;
    let worker = WorkerId(config.worker_id);
    let keys = Arc::new(keys);
    let passes = Passes::new(follower.clone(), WorkingGroup::Storage, Arc::clone(&keys));
    let proofs = RoleProofs::new(follower.clone(), guarded.clone(), &[WorkingGroup::Storage]);
    let prover = Prover::new(follower.clone(), passes.clone());
    let sources = DirectorySources::new(follower.clone(), proofs.clone(), Some(worker)).with_passes(passes);
    let sources = Arc::new(sources);
    let fills = Fills::new(store.clone(), guarded, sources, Arc::new(Unbounded), FillsConfig::default());
    let signers = Signers::new(keys, trusted, config.endpoints.directory.clone(), follower.clone());
    let (acceptor, orders) = Acceptor::new();
    let node = Arc::new(Node {
        worker,
        configured: config.bucket_ids().map(|ids| ids.into_iter().collect()),
        anonymous_uploads: config.anonymous_uploads,
        capacity_bytes: config.limits.storage.map(|size| size.0),
        follower,
        store,
        fills,
        proofs,
        prover,
        signers,
        acceptor,
        uploads: UploadSlots::new(config.limits.max_uploads(), config.limits.max_uploads_per_object()),
        background: Background::default(),
        counters: Counters::default(),
        sync_due: Notify::new(),
        report_due: Notify::new(),
        started: Instant::now(),
        id: config.id,
    });
    let shutdown = Shutdown::new();
    let mut tasks = Tasks::new(shutdown.clone());
    tasks.spawn("following the directory", follow.run(shutdown.clone()));
    tasks.spawn("acceptances", accept::run(Arc::clone(&node), orders, shutdown.clone()));
    tasks.spawn("proofs of others", node.proofs.clone().run(shutdown.clone()));
    tasks.spawn("replication", replicate::run(Arc::clone(&node), shutdown.clone()));
    tasks.spawn("holding reports", report::run(Arc::clone(&node), shutdown.clone()));
    tasks.spawn("uploads and repairs", end_in_order(Arc::clone(&node), shutdown.clone()));
    let name = node.id.clone();
    let router = routes::router(node);
    tasks.spawn("serving", serve_router(listener, router, ServeConfig::default(), shutdown));
    tracing::info!(node = %name, %endpoint, "storage node listening");
    Running::new(name, endpoint, tasks)
}

/// Lets fills, uploads and repairs write what they have before the node ends.
async fn end_in_order(node: Arc<Node>, shutdown: Shutdown) {
    shutdown.triggered().await;
    node.fills.stop().await;
    node.background.finish(STOP_GRACE).await;
}
