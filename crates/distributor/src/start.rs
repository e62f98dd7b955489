//! Puts a distributor together.

use crate::{
    adopt,
    assets::Assets,
    cache::{self, Cache, CacheConfig},
    config::{Config, OperatorApi},
    ground::{Ground, GroundError},
    node::{Node, OnDuty},
    operator::{self, Changes, Door},
    prefetch::{self, Popular, Progress},
    record::Record,
    scrub::{self, ScrubState},
    upkeep, watch,
};
use arc_swap::ArcSwap;
use argosy_directory::{Genesis, Profile};
use argosy_domain::{WorkerId, WorkingGroup};
use argosy_http::{
    AddressPolicy, BindError, Client, Pace, Running, ServeConfig, Shutdown, Tasks, bind, serve_router,
};
use argosy_keys::{Keyring, KeysError};
use argosy_node::{
    DirectorySources, Fills, FollowError, FollowTask, Follower, FollowerConfig, Passes, Prover, RoleProofs,
    follower::begin_with_snapshot,
};
use argosy_store::{RealDisk, Store, StoreConfig, StoreError};
use std::{
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, runtime::Handle};
use tracing::Instrument as _;

pub(crate) const CHECKPOINT: &str = "directory.checkpoint";
/// From the end of the last answer to the moment when tasks that still run are cut off: partial objects
/// are put on disk meanwhile.
const AFTER_DRAIN: Duration = Duration::from_millis(1_500);

/// Why a distributor cannot start. Nothing half-done is left behind.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address is taken or not this machine's.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A key cannot be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// There is nothing to stand on.
    #[error(transparent)]
    Ground(#[from] GroundError),
    /// The secret of the operator's port is one that everybody knows.
    #[error(
        "operatorApi.hmacSecret is the secret of a sample configuration, which everybody knows: set one of your own, such as `openssl rand -hex 32` prints"
    )]
    SampleSecret,
    /// The cache cannot be used.
    #[error("the cache of objects cannot be opened")]
    Store(#[source] StoreError),
    /// The directory cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The program itself failed.
    #[error("starting the node ended badly")]
    Broken(#[source] tokio::task::JoinError),
}

/// Starts a distributor. It answers when this returns, even while no directory node does.
///
/// # Errors
/// [`StartError`].
pub async fn start(config: Config) -> Result<Running, StartError> {
    // Read so that a mistake shows at the start; opened when a private bag needs one.
    let keys = Keyring::read(&config.keys)?;
    for warning in keys.warnings() {
        tracing::warn!("{warning}");
    }
    if config.operator_api.as_ref().is_some_and(OperatorApi::has_sample_secret) {
        return Err(StartError::SampleSecret);
    }
    let public = bind(config.public_api.address())?;
    let operator = config.operator_api.as_ref().map(|api| bind(api.address())).transpose()?;
    let watch = config.metrics.as_ref().map(|api| bind(api.address())).transpose()?;
    let opened = tokio::task::spawn_blocking(move || open(config));
    let parts = opened.await.map_err(StartError::Broken)??;
    Ok(run(parts, keys, Ports { public, operator, watch }))
}

/// What is on disk.
struct Parts {
    config: Config,
    store: Store,
    cache: Arc<Cache>,
    assets: Arc<Assets>,
    follower: Follower,
    follow: FollowTask,
    /// For endpoints that strangers have written into the directory.
    guarded: Client,
    changes: Changes,
}

/// Opens the folders. Blocks the thread.
fn open(config: Config) -> Result<Parts, StartError> {
    let Ground { directories, trusted, genesis, changes } =
        Handle::current().block_on(Ground::of(&config))?;
    let notes = &config.directories.cache_state;
    // The cache keeps its own account of what it holds, so the store need not.
    // It stops later than the cache, which makes room first.
    let floor_bytes = config.cache.floor_bytes(&config.directories.assets);
    let limits = StoreConfig { capacity_bytes: None, disk_floor_bytes: floor_bytes / 2 };
    let store =
        Store::open(&config.directories.assets, Arc::new(RealDisk), limits).map_err(StartError::Store)?;
    tell_of_waiting_files(&config);
    let guarded = Client::new(config.limits.client(address_policy(&genesis)));
    let follower = FollowerConfig { genesis, directories, checkpoint: notes.join(CHECKPOINT) };
    Handle::current().block_on(begin_with_snapshot(&follower, &trusted));
    let (follower, follow) = Follower::open(follower, trusted)?;
    let rate = config.limits.egress_bytes_per_second_per_object;
    let assets = Arc::new(Assets::new(rate.and_then(|rate| NonZeroU64::new(rate.0))));
    let forgotten = Arc::clone(&assets);
    let cache = CacheConfig {
        folder: config.directories.assets.clone(),
        notes: notes.clone(),
        limit_bytes: config.limits.storage.0,
        floor_bytes,
        policy: config.cache.policy.into(),
    };
    let cache = Cache::open(store.clone(), cache, move |id| forgotten.forget(id));
    adopt::note_adopted(notes, &cache);
    Ok(Parts { config, store, cache: Arc::new(cache), assets, follower, follow, guarded, changes })
}

/// Says how files of Argus become objects of the cache, if there are any.
fn tell_of_waiting_files(config: &Config) {
    let folder = &config.directories.assets;
    let files = adopt::waiting_count(folder);
    if files > 0 {
        tracing::warn!(
            files, folder = %folder.display(),
            "there are files that look like those of Argus, which are not served as they are: stop the node and run `argosy distribution adopt` with its configuration to take them over"
        );
    }
}

fn address_policy(genesis: &Genesis) -> AddressPolicy {
    match genesis.profile {
        Profile::Local => AddressPolicy::Local,
        Profile::Mainnet => AddressPolicy::Public,
    }
}

/// What is listened on.
struct Ports {
    public: TcpListener,
    operator: Option<TcpListener>,
    watch: Option<TcpListener>,
}

/// The node before it does anything, and what runs beside it.
struct Assembled {
    node: Arc<Node>,
    follow: FollowTask,
    changes: Changes,
}

fn assemble(parts: Parts, keys: Keyring) -> Assembled {
    let Parts { config, store, cache, assets, follower, follow, guarded, changes } = parts;
    let passes = Passes::new(follower.clone(), WorkingGroup::Distribution, Arc::new(keys));
    let duty = Arc::new(ArcSwap::from_pointee(OnDuty::new(changes.duty())));
    let own = Arc::clone(&duty);
    let myself = move || own.load().worker_id.map(WorkerId);
    let asked = [WorkingGroup::Storage, WorkingGroup::Distribution];
    let proofs = RoleProofs::new(follower.clone(), guarded.clone(), &asked);
    let prover = Prover::new(follower.clone(), passes.clone());
    let sources = DirectorySources::new(follower.clone(), proofs.clone(), None)
        .with_passes(passes.clone())
        .with_peers(myself);
    let sources = Arc::new(sources);
    let room = Arc::clone(&cache);
    let record = Record::new(config.public_api.log_addresses);
    let span = tracing::info_span!("node", node = %config.id);
    let fills =
        span.in_scope(|| Fills::new(store.clone(), guarded.clone(), sources, room, config.limits.fills()));
    let egress = config.limits.egress_bytes_per_second.and_then(|rate| NonZeroU64::new(rate.0));
    let node = Arc::new(Node {
        duty,
        config,
        follower,
        store,
        fills,
        passes,
        proofs,
        prover,
        cache,
        assets,
        guarded,
        popular: Popular::default(),
        warm_up: Progress::new(),
        scrub: ScrubState::default(),
        bytes_sent: AtomicU64::new(0),
        egress: egress.map(|rate| Arc::new(Pace::new(rate))),
        record,
        public_port: Arc::default(),
        public_is_open: AtomicBool::new(!changes.is_stopped()),
        span,
        started: Instant::now(),
    });
    Assembled { node, follow, changes }
}

fn run(parts: Parts, keys: Keyring, ports: Ports) -> Running {
    let Ports { public, operator, watch } = ports;
    let Assembled { node, follow, changes } = assemble(parts, keys);
    // A socket that is listening has an address; asking for it cannot fail on a sound system.
    let endpoint = public.local_addr().unwrap_or(node.config.public_api.address());
    let (name, span) = (node.config.id.clone(), node.span.clone());
    let shutdown = Shutdown::new();
    let mut tasks = Tasks::new(shutdown.clone());
    tasks.spawn("following the directory", follow.run(shutdown.clone()).instrument(span.clone()));
    spawn_chores(&mut tasks, &node, &shutdown);
    let (door, doorkeeper) = Door::new(Arc::clone(&node), endpoint);
    let listener = (!changes.is_stopped()).then_some(public);
    tasks.spawn("serving", doorkeeper.run(listener, shutdown.clone()).instrument(span.clone()));
    span.in_scope(|| tracing::info!(%endpoint, "distributor listening"));
    if let Some(listener) = watch {
        let (router, shutdown) = (watch::router(Arc::clone(&node)), shutdown.clone());
        if let Ok(endpoint) = listener.local_addr() {
            span.in_scope(|| tracing::info!(%endpoint, "metrics listening"));
        }
        tasks.spawn("metrics port", serve_router(listener, router, ServeConfig::default(), shutdown));
    }
    let grace = node.config.limits.drain() + AFTER_DRAIN;
    let operator_endpoint = operator.as_ref().and_then(|listener| listener.local_addr().ok());
    if let Some(listener) = operator {
        let router = operator::router(node, door, changes, shutdown.clone());
        tasks.spawn("operator's port", serve_router(listener, router, ServeConfig::default(), shutdown));
    }
    let running = Running::new(name, endpoint, tasks).with_stop_grace(grace);
    match operator_endpoint {
        Some(endpoint) => running.with_operator_endpoint(endpoint),
        None => running,
    }
}

/// A node that only follows the directory, for tests of what it does beside that.
#[cfg(test)]
pub(crate) async fn following(config: Config, shutdown: Shutdown) -> Arc<Node> {
    let keys = Keyring::read(&config.keys).unwrap();
    let parts = tokio::task::spawn_blocking(move || open(config)).await.unwrap().unwrap();
    let Assembled { node, follow, .. } = assemble(parts, keys);
    tokio::spawn(node.proofs.clone().run(shutdown.clone()));
    tokio::spawn(follow.run(shutdown));
    node
}

/// What the node does beside answering.
fn spawn_chores(tasks: &mut Tasks, node: &Arc<Node>, shutdown: &Shutdown) {
    let span = &node.span;
    let save_every = node.config.intervals.unwrap_or_default().save_cache_state();
    let keeper = cache::keeper::run(Arc::clone(&node.cache), save_every, shutdown.clone());
    tasks.spawn("keeping the cache", keeper.instrument(span.clone()));
    tasks.spawn("upkeep", upkeep::run(Arc::clone(node), shutdown.clone()).instrument(span.clone()));
    let proofs = node.proofs.clone().run(shutdown.clone());
    tasks.spawn("proofs of others", proofs.instrument(span.clone()));
    tasks.spawn("prefetching", prefetch::run(Arc::clone(node), shutdown.clone()).instrument(span.clone()));
    tasks.spawn("scrub", scrub::run(Arc::clone(node), shutdown.clone()).instrument(span.clone()));
}
