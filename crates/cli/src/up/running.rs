//! The nodes of `argosy up` while they run.

use super::configs::Configs;
use crate::{
    failure::{Failure, Outcome, chain},
    nodes,
};
use argosy_http::{NodeError, Running, Shutdown};
use std::time::Duration;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time::timeout,
};

/// Longest that stopping may take; nodes cut their own tasks off a little earlier.
const STOP: Duration = Duration::from_millis(4_700);

/// Ctrl-C, or a service manager's wish.
#[derive(Debug)]
pub(crate) struct StopSignal {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignal {
    /// From now on these signals do not end the process by themselves.
    pub(crate) fn listen() -> Outcome<Self> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Failure::refused("NO_SIGNALS", format!("cannot listen for signals: {error}"))
            })
        };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(crate) async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// All nodes that have been started.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    running: JoinSet<Ended>,
    shutdowns: Vec<Shutdown>,
}

/// How a node has ended.
#[derive(Debug)]
struct Ended {
    name: String,
    /// Somebody told it to: its operator, if not this program.
    asked: bool,
    result: Result<(), NodeError>,
}

impl Nodes {
    /// Starts every node; those that were started before one failed go on until `stop`.
    pub(super) async fn start(&mut self, configs: Configs) -> Outcome<()> {
        self.add(nodes::start_directory(configs.directory).await?);
        for config in configs.storage {
            self.add(nodes::start_storage(config).await?);
        }
        for config in configs.distributors {
            self.add(nodes::start_distributor(config).await?);
        }
        Ok(())
    }

    fn add(&mut self, mut node: Running) {
        self.shutdowns.push(node.shutdown());
        self.running.spawn(async move {
            let result = node.join().await;
            Ended { name: node.name().to_owned(), asked: node.shutdown().is_triggered(), result }
        });
    }

    /// Waits until a node ends that nobody asked to, or none is left.
    pub(super) async fn first_end(&mut self) -> Failure {
        let why = loop {
            match self.running.join_next().await {
                None => break "no node runs any more".to_owned(),
                Some(Err(error)) => break error.to_string(),
                Some(Ok(Ended { result: Err(error), .. })) => break chain(&error),
                Some(Ok(Ended { name, asked: false, .. })) => break format!("{name} has stopped by itself"),
                Some(Ok(Ended { name, .. })) => {
                    tracing::info!(node = name, "stopped, as its operator wished; the others go on");
                }
            }
        };
        Failure::refused("NODE_FAILED", format!("{why}: the logs in the data directory say more"))
    }

    /// Stops all and waits for them.
    pub(super) async fn stop(&mut self) {
        self.shutdowns.iter().for_each(Shutdown::trigger);
        let ended = async {
            while let Some(ended) = self.running.join_next().await {
                if let Ok(Ended { name, result: Err(error), .. }) = ended {
                    tracing::warn!(node = name, "did not stop well: {}", chain(&error));
                }
            }
        };
        if timeout(STOP, ended).await.is_err() {
            tracing::warn!("some nodes did not stop in time and are cut off");
        }
    }
}
