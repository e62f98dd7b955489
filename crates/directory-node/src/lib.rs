//! The directory as a program: the embedded ledger with its state, behind an HTTP API.

mod answer;
mod blocks;
pub mod config;
mod document;
mod entities;
mod events;
mod feed;
mod genesis;
mod graphql;
mod health;
mod index;
mod metrics;
mod record;
mod refusals;
mod reply;
mod routes;
mod transactions;
mod views;

pub use config::{Checkpoints, Config, GraphqlConfig, KeySource, Retention};
pub use genesis::{GenesisReadError, read_genesis};
pub use index::IndexError;

use argosy_directory::Genesis;
use argosy_http::{BindError, Running, ServeConfig, Shutdown, Tasks, bind, serve_router};
use argosy_ledger::{Engine, EngineError, EngineTask, OpenError};
use config::KeyError;
use feed::Feed;
use index::Index;
use metrics::Metrics;
use refusals::Refusals;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::Instant,
};
use tokio::sync::Semaphore;

/// Why a directory node did not start. Nothing was begun then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No usable genesis.
    #[error(transparent)]
    Genesis(#[from] GenesisReadError),
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
    engine: Engine,
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
    let genesis = read_genesis(&config.genesis)?;
    // A wrong key is found before anything is touched.
    config.sequencer.keypair()?;
    // Before the ledger is touched, so that a port in use leaves nothing behind. Until the replay is
    // done, clients wait in the socket's backlog.
    let listener = bind(config.listen)?;
    let endpoint = listener.local_addr().map_err(|source| BindError { address: config.listen, source })?;
    let opening = {
        let (config, genesis) = (config.clone(), genesis.clone());
        tokio::task::spawn_blocking(move || open(&config, &genesis))
    };
    let Opened { engine, engine_task, refusals, index, index_writer } =
        opening.await.map_err(|_| StartError::Panicked)??;
    let genesis = Arc::new(genesis);
    let (graphql, feeder) = graphql::open(&config.graphql, &config.data, &genesis, &engine).await?.unzip();
    let shutdown = Shutdown::new();
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
        genesis,
        started: Instant::now(),
        shutdown: shutdown.clone(),
        graphql,
    };
    let mut tasks = Tasks::new(shutdown.clone());
    if let (Some(graphql), Some(opened)) = (app.graphql.clone(), feeder) {
        let (genesis, engine) = (Arc::clone(&app.genesis), app.engine.clone());
        tasks.spawn("graphql", graphql::feed(graphql, opened, genesis, engine, shutdown.clone()));
    }
    tasks.spawn_fallible("engine", keep_engine(engine_task, shutdown.clone()));
    tasks.spawn("feed", app.feed.clone().run(shutdown.clone()));
    let indexing = app.index.clone();
    tasks.spawn("index", indexing.run(index_writer, app.feed.clone(), app.engine.clone(), shutdown.clone()));
    tasks.spawn("http", serve_router(listener, routes::router(app), ServeConfig::default(), shutdown));
    Ok(Running::new("directory", endpoint, tasks))
}

/// What is on disk.
struct Opened {
    engine: Engine,
    engine_task: EngineTask,
    refusals: Refusals,
    index: Index,
    index_writer: index::Writer,
}

/// Opens what is on disk. The ledger first: who has that has all of the data directory.
fn open(config: &Config, genesis: &Genesis) -> Result<Opened, StartError> {
    let key = || config.sequencer.keypair();
    let (engine, engine_task) = Engine::open(&config.data, genesis, key()?, config.engine())?;
    let path = config.data.join(REFUSALS);
    let refusals = Refusals::open(&path, key()?, genesis.hash())
        .map_err(|source| StartError::Refusals { path, source })?;
    let path = config.data.join(INDEX);
    let (index, index_writer) =
        Index::open(&path, genesis, &engine).map_err(|source| StartError::Index { path, source })?;
    Ok(Opened { engine, engine_task, refusals, index, index_writer })
}

/// Ends with the engine, and stops it with the node.
async fn keep_engine(mut task: EngineTask, shutdown: Shutdown) -> Result<(), EngineError> {
    tokio::select! {
        ended = task.join() => return ended,
        () = shutdown.triggered() => task.stop(),
    }
    task.join().await
}
