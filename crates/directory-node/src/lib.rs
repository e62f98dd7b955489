//! The directory as a program: the embedded ledger with its state, behind an HTTP API.

mod blocks;
pub mod config;
mod entities;
mod genesis;
mod reply;
mod routes;
mod transactions;
mod views;

pub use config::{Checkpoints, Config, KeySource, Retention};
pub use genesis::{GenesisReadError, read_genesis};

use argosy_directory::Genesis;
use argosy_http::{BindError, Running, ServeConfig, Shutdown, Tasks, bind, serve_router};
use argosy_ledger::{Engine, EngineError, EngineTask, OpenError};
use config::KeyError;
use std::{sync::Arc, time::Instant};

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
    /// A defect of the program.
    #[error("opening the ledger panicked: this is a defect of argosy")]
    Panicked,
}

/// What every route sees.
#[derive(Clone)]
struct App {
    engine: Engine,
    genesis: Arc<Genesis>,
    started: Instant,
    shutdown: Shutdown,
}

/// Starts a directory node: replays its ledger, then answers.
///
/// # Errors
/// [`StartError`], whose chain of causes is one line for people.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let genesis = read_genesis(&config.genesis)?;
    let key = config.sequencer.keypair()?;
    // Before the ledger is touched, so that a port in use leaves nothing behind. Until the replay is
    // done, clients wait in the socket's backlog.
    let listener = bind(config.listen)?;
    let endpoint = listener.local_addr().map_err(|source| BindError { address: config.listen, source })?;
    let opening = {
        let (data, genesis, engine) = (config.data.clone(), genesis.clone(), config.engine());
        tokio::task::spawn_blocking(move || Engine::open(&data, &genesis, key, engine))
    };
    let (engine, engine_task) = opening.await.map_err(|_| StartError::Panicked)??;
    let shutdown = Shutdown::new();
    let tip = *engine.head().borrow();
    tracing::info!(network = %genesis.network, height = tip.height, %endpoint, "directory started");
    let app = App { engine, genesis: Arc::new(genesis), started: Instant::now(), shutdown: shutdown.clone() };
    let mut tasks = Tasks::new(shutdown.clone());
    tasks.spawn_fallible("engine", keep_engine(engine_task, shutdown.clone()));
    tasks.spawn("http", serve_router(listener, routes::router(app), ServeConfig::default(), shutdown));
    Ok(Running::new("directory", endpoint, tasks))
}

/// Ends with the engine, and stops it with the node.
async fn keep_engine(mut task: EngineTask, shutdown: Shutdown) -> Result<(), EngineError> {
    tokio::select! {
        ended = task.join() => return ended,
        () = shutdown.triggered() => task.stop(),
    }
    task.join().await
}
