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
    running: JoinSet<(String, Result<(), NodeError>)>,
    shutdowns: Vec<Shutdown>,
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
            let name = node.name().to_owned();
            let ended = node.join().await;
            (name, ended)
        });
    }

    /// Waits until a node ends that nobody asked to.
    pub(super) async fn first_end(&mut self) -> Failure {
        let why = match self.running.join_next().await {
            None => "no node runs".to_owned(),
            Some(Ok((name, Ok(())))) => format!("{name} has stopped by itself"),
            Some(Ok((_, Err(error)))) => chain(&error),
            Some(Err(error)) => error.to_string(),
        };
        Failure::refused("NODE_FAILED", format!("{why}: the logs in the data directory say more"))
    }

    /// Stops all and waits for them.
    pub(super) async fn stop(&mut self) {
        self.shutdowns.iter().for_each(Shutdown::trigger);
        let ended = async {
            while let Some(ended) = self.running.join_next().await {
                if let Ok((name, Err(error))) = ended {
                    tracing::warn!(node = name, "did not stop well: {}", chain(&error));
                }
            }
        };
        if timeout(STOP, ended).await.is_err() {
            tracing::warn!("some nodes did not stop in time and are cut off");
        }
    }
}
