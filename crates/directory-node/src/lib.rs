//! The directory as a program: the embedded ledger with its state, behind an HTTP API.

mod answer;
mod blocks;
pub mod config;
mod confirmations;
mod document;
mod entities;
mod events;
mod feed;
mod follow;
mod genesis;
mod graphql;
mod health;
mod index;
mod metrics;
mod peers;
mod record;
mod refusal;
mod refusals;
mod reply;
mod routes;
mod snapshot;
mod submitter;
mod transactions;
mod views;

pub use config::{
    BlockHash, Checkpoints, Config, ConfirmConfig, FollowConfig, FollowFrom, GraphqlConfig, KeySource,
    Retention, StandbysConfig,
};
pub use genesis::{GenesisReadError, read_genesis};
pub use index::IndexError;

use argosy_directory::Genesis;
use argosy_domain::Keypair;
use argosy_http::{BindError, Running, ServeConfig, Shutdown, Tasks, bind, serve_router};
use argosy_ledger::{Engine, EngineError, EngineTask, LedgerView, OpenError};
use argosy_node::follower::{FetchError, Link};
use config::{KeyError, Role, RoleError};
use confirmations::Confirmations;
use feed::Feed;
use follow::Followed;
use index::Index;
use metrics::Metrics;
use refusals::Refusals;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::Instant,
};
use submitter::Submitter;
use tokio::sync::Semaphore;

/// Why a directory node did not start. Nothing was begun then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No usable genesis.
    #[error(transparent)]
    Genesis(#[from] GenesisReadError),
    /// A configuration that contradicts itself.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// No ledger to begin with.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Another node orders transactions now.
    #[error(
        "the sequencing key was replaced: this ledger is at epoch {epoch}, {url} at epoch {newer}: follow that node, or ask the council"
    )]
    Fenced {
        /// The node that says so.
        url: String,
        /// Ours.
        epoch: u64,
        /// Theirs.
        newer: u64,
    },
    /// No usable sequencer key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] BindError),
    /// No usable data directory.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// No usable index for GraphQL.
    #[error(transparent)]
    Graphql(#[from] argosy_read_model::OpenError),
    /// The refusal log cannot be used.
    #[error("cannot open the refusal log in {}", path.display())]
    Refusals {
        /// Its folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No usable index of transactions.
    #[error("cannot open the index of transactions in {}", path.display())]
    Index {
        /// Its folder.
        path: PathBuf,
        /// Why not.
        source: IndexError,
    },
    /// A defect of the program.
    #[error("opening the ledger panicked: this is a defect of argosy")]
    Panicked,
}

/// Folder of the refusal log in the data directory.
const REFUSALS: &str = "refusals";
/// Folder of the index of transactions in the data directory.
const INDEX: &str = "transactions";

/// What every route sees.
#[derive(Clone)]
struct App {
    engine: LedgerView,
    submitter: Submitter,
    /// How following goes, if this node follows another.
    link: Option<Link>,
    genesis: Arc<Genesis>,
    started: Instant,
    shutdown: Shutdown,
    /// Nothing if it is switched off.
    graphql: Option<graphql::Graphql>,
    metrics: Arc<Metrics>,
    feed: Feed,
    index: Index,
    refusals: Arc<Refusals>,
    /// Long looks at the state that may run at once.
    scans: Arc<Semaphore>,
    /// Streams of blocks that are open.
    followers: Arc<AtomicU64>,
    /// Streams of events that are open.
    listeners: Arc<AtomicU64>,
}

/// Starts a directory node: replays its ledger, then answers.
///
/// # Errors
/// [`StartError`], whose chain of causes is one line for people.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let genesis = Arc::new(read_genesis(&config.genesis)?);
    let role = config.role()?;
    // A wrong key is found before anything is touched.
    let keys = [config.sequencer.as_ref(), config.confirm().map(|confirm| &confirm.key)];
    keys.into_iter().flatten().try_for_each(|key| key.keypair().map(drop))?;
    // Before the ledger is touched, so that a port in use leaves nothing behind. Until the replay is
    // done, clients wait in the socket's backlog.
    let listener = bind(config.listen)?;
    let endpoint = listener.local_addr().map_err(|source| BindError { address: config.listen, source })?;
    let shutdown = Shutdown::new();
    let mut tasks = Tasks::new(shutdown.clone());
    let opened = match role {
        Role::Sequencer(key) => open_sequencer(&config, key, &genesis, &mut tasks, &shutdown).await?,
        Role::Follower(follow) => open_follower(&config, follow, &genesis, &mut tasks, &shutdown).await?,
    };
    let Opened { engine, submitter, link, refusals, index: (index, index_writer) } = opened;
    let (graphql, feeder) = graphql::open(&config.graphql, &config.data, &genesis, &engine).await?.unzip();
    let tip = *engine.head().borrow();
    tracing::info!(network = %genesis.network, height = tip.height, %endpoint, "directory started");
    let app = App {
        metrics: Arc::default(),
        feed: Feed::new(engine.clone()),
        index,
        refusals: Arc::new(refusals),
        scans: Arc::new(Semaphore::new(answer::MAX_SCANS)),
        followers: Arc::default(),
        listeners: Arc::default(),
        engine,
        submitter,
        link,
        genesis,
        started: Instant::now(),
        shutdown: shutdown.clone(),
        graphql,
    };
    if let (Some(graphql), Some(opened)) = (app.graphql.clone(), feeder) {
        let (genesis, engine) = (Arc::clone(&app.genesis), app.engine.clone());
        tasks.spawn("graphql", graphql::feed(graphql, opened, genesis, engine, shutdown.clone()));
    }
    tasks.spawn("feed", app.feed.clone().run(shutdown.clone()));
    let indexing = app.index.clone();
    tasks.spawn("index", indexing.run(index_writer, app.feed.clone(), app.engine.clone(), shutdown.clone()));
    tasks.spawn("http", serve_router(listener, routes::router(app), ServeConfig::default(), shutdown));
    Ok(Running::new("directory", endpoint, tasks))
}

/// What is on disk, and how it is kept up.
struct Opened {
    engine: LedgerView,
    submitter: Submitter,
    link: Option<Link>,
    refusals: Refusals,
    index: (Index, index::Writer),
}

/// Opens the ledger first: who has that has all of the data directory.
async fn open_sequencer(
    config: &Config,
    key: &KeySource,
    genesis: &Arc<Genesis>,
    tasks: &mut Tasks,
    shutdown: &Shutdown,
) -> Result<Opened, StartError> {
    let opening = {
        let (config, key, genesis) = (config.clone(), key.clone(), Arc::clone(genesis));
        tokio::task::spawn_blocking(move || {
            let (engine, task) = Engine::open(&config.data, &genesis, key.keypair()?, config.engine())?;
            let refusals = open_refusals(&config, Some(key.keypair()?), &genesis)?;
            let index = open_index(&config, &genesis, &engine)?;
            Ok::<_, StartError>((engine, task, refusals, index))
        })
    };
    let (engine, mut task, refusals, index) = opening.await.map_err(|_| StartError::Panicked)??;
    let view = LedgerView::clone(&engine);
    if let Some(peers) = &config.peers {
        let peers = follow::clients(&follow::client(), peers);
        if let Err(fenced) = peers::ensure_newest(&view, &peers).await {
            task.stop();
            // Whatever it says, the node does not start.
            let _ = task.join().await;
            return Err(fenced);
        }
        tasks.spawn_fallible("peers", peers::watch(view.clone(), peers, shutdown.clone()));
    }
    tasks.spawn_fallible("engine", keep_engine(task, shutdown.clone()));
    let confirmations = Arc::new(Confirmations::new(genesis.hash(), config.standbys.as_ref()));
    let submitter = Submitter::Here { ledger: Arc::new(engine), confirmations };
    Ok(Opened { engine: view, submitter, link: None, refusals, index })
}

/// Opens a copy of the ledger, and sees to it that it is kept up.
async fn open_follower(
    config: &Config,
    follow: &FollowConfig,
    genesis: &Arc<Genesis>,
    tasks: &mut Tasks,
    shutdown: &Shutdown,
) -> Result<Opened, StartError> {
    let Followed { view, keeper, task, link, upstreams } = follow::open(config, follow, genesis).await?;
    let refusals = open_refusals(config, None, genesis)?;
    let index = open_index(config, genesis, &view)?;
    tasks.spawn("follow", task.run(shutdown.clone()));
    tasks.spawn_fallible("ledger", keep_engine(keeper, shutdown.clone()));
    if let Some(confirm) = &follow.confirm {
        let to = follow::clients(&follow::client(), &confirm.to);
        let key = confirm.key.keypair()?;
        for sequencer in to.iter().cloned() {
            let (view, key, shutdown) = (view.clone(), key.clone(), shutdown.clone());
            tasks.spawn("confirm", follow::confirm(view, sequencer, key, genesis.hash(), shutdown));
        }
    }
    let submitter = Submitter::Elsewhere { upstreams, view: view.clone() };
    Ok(Opened { engine: view, submitter, link: Some(link), refusals, index })
}

fn open_refusals(config: &Config, key: Option<Keypair>, genesis: &Genesis) -> Result<Refusals, StartError> {
    let path = config.data.join(REFUSALS);
    Refusals::open(&path, key, genesis.hash()).map_err(|source| StartError::Refusals { path, source })
}

fn open_index(
    config: &Config,
    genesis: &Genesis,
    ledger: &LedgerView,
) -> Result<(Index, index::Writer), StartError> {
    let path = config.data.join(INDEX);
    Index::open(&path, genesis, ledger).map_err(|source| StartError::Index { path, source })
}

/// Ends with the engine, and stops it with the node.
async fn keep_engine(mut task: EngineTask, shutdown: Shutdown) -> Result<(), EngineError> {
    tokio::select! {
        ended = task.join() => return ended,
        () = shutdown.triggered() => task.stop(),
    }
    task.join().await
}
