//! A directory node that follows others: where its ledger begins, and who keeps it up.

use crate::{
    StartError,
    config::{Config, FollowConfig, FollowFrom},
};
use argosy_api::{Confirmation, client::DirectoryClient, genesis::GenesisFile};
use argosy_directory::Genesis;
use argosy_domain::Keypair;
use argosy_http::{AddressPolicy, Client, ClientConfig, Shutdown};
use argosy_ledger::{EngineTask, LedgerView, Replica, has_ledger, install_snapshot};
use argosy_node::{
    config::DirectoryUrls,
    follower::{FetchError, FollowTask, Link, ReplicaSink, fetch_snapshot},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// From a confirmation that was not taken to the next attempt.
const RETRY: Duration = Duration::from_millis(500);

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
    let mut name = data.to_owned().into_os_string();
    name.push(".snapshot");
    let path = PathBuf::from(name);
    let block = fetch_snapshot(upstream, genesis, &path).await?;
    let installing = {
        let (data, path, genesis) = (data.to_owned(), path.clone(), genesis.clone());
        let trust = follow.trust.map(|trust| trust.0);
        tokio::task::spawn_blocking(move || install_snapshot(&data, &path, &block, &genesis, trust.as_ref()))
    };
    let installed = installing.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    // It was moved if it is of use.
    let _ = fs::remove_file(&path);
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
