//! Who can deliver an object, best first.

use crate::{failure::Outcome, network::Network};
use argosy_api::{
    ClientError, DistributorClient, ReadPermit, SliceStream, StorageClient, directory::ObjectView,
};
use argosy_content::GroupRange;
use argosy_domain::DataObjectId;
use argosy_http::Client;
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

/// Longest wait for a node's first answer; slower ones come last.
const PROBE: Duration = Duration::from_secs(2);
/// Most nodes that are asked beforehand.
const MAX_PROBED: usize = 64;
/// Failures of a source that has sent wrong bytes: it is not asked again.
const BANNED: u32 = u32::MAX;

/// A node that may deliver the object.
#[derive(Debug)]
pub(super) struct Source {
    node: Node,
    /// Requests that failed; [`BANNED`] is for ever.
    failures: AtomicU32,
}

#[derive(Clone, Debug)]
enum Node {
    Distributor(DistributorClient),
    Storage(StorageClient),
}

impl Source {
    fn new(node: Node) -> Self {
        Self { node, failures: AtomicU32::new(0) }
    }

    pub(super) fn url(&self) -> &str {
        match &self.node {
            Node::Distributor(client) => client.url(),
            Node::Storage(client) => client.url(),
        }
    }

    pub(super) async fn slice(
        &self,
        id: DataObjectId,
        groups: GroupRange,
    ) -> Result<SliceStream, ClientError> {
        match &self.node {
            Node::Distributor(client) => client.slice(id, groups).await,
            Node::Storage(client) => client.slice(id, groups).await,
        }
    }

    pub(super) fn note_failure(&self) {
        let more =
            |failures: u32| Some(failures.saturating_add(1).min(BANNED - 1)).filter(|_| failures != BANNED);
        // Fails only for a banned source, which stays banned.
        let _ = self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    pub(super) fn ban(&self) {
        self.failures.store(BANNED, Ordering::Relaxed);
    }
}

/// All sources of one object.
#[derive(Debug)]
pub(super) struct Sources {
    all: Vec<Source>,
}

impl Sources {
    /// Asks the directory who must deliver or keep the object, and the distributors how fast they
    /// answer. `preferred` is a node that the caller named, `permit` what is shown to all of them.
    pub(super) async fn find(
        network: &Network,
        view: &ObjectView,
        preferred: Option<&str>,
        permit: Option<&ReadPermit>,
    ) -> Outcome<Self> {
        let distributors = network.distributors(&view.distribution_buckets).await?;
        let mut storage = network.storage_nodes(&view.storage_buckets).await?;
        // Buckets that claim to hold it come first.
        storage.sort_by_key(|node| !view.holders.contains(&node.bucket));
        let distributor = |url: &str| {
            let client = DistributorClient::new(network.client.clone(), url);
            permit.map_or_else(|| client.clone(), |permit| client.clone().with_permit(permit))
        };
        let keeper = |url: &str| {
            let client = StorageClient::new(network.client.clone(), url);
            permit.map_or_else(|| client.clone(), |permit| client.clone().with_permit(permit))
        };
        let distributors = distributors.iter().map(|node| distributor(&node.url)).collect();
        let mut all: Vec<Source> = fastest_first(distributors, view.id)
            .await
            .into_iter()
            .map(|client| Source::new(Node::Distributor(client)))
            .collect();
        all.extend(storage.iter().map(|node| Source::new(Node::Storage(keeper(&node.url)))));
        if let Some(url) = preferred {
            match all.iter().position(|source| source.url() == url) {
                Some(at) => all.swap(0, at),
                // A node that the directory does not name is as good as any: its bytes are verified.
                None => all.insert(0, Source::new(Node::Distributor(distributor(url)))),
            }
        }
        Ok(Self { all })
    }

    /// These storage nodes, in this order.
    pub(super) fn storage_nodes(client: &Client, urls: &[String]) -> Self {
        let source = |url: &String| Source::new(Node::Storage(StorageClient::new(client.clone(), url)));
        Self { all: urls.iter().map(source).collect() }
    }

    /// Sources in the order in which they should be asked now: those that failed less come first.
    pub(super) fn ranked(&self) -> Vec<&Source> {
        let mut ranked: Vec<(u32, &Source)> =
            self.all.iter().map(|source| (source.failures.load(Ordering::Relaxed), source)).collect();
        ranked.retain(|(failures, _)| *failures != BANNED);
        ranked.sort_by_key(|(failures, _)| *failures);
        ranked.into_iter().map(|(_, source)| source).collect()
    }
}

/// Distributors by the time that a `HEAD` takes; those that do not answer come last.
async fn fastest_first(nodes: Vec<DistributorClient>, id: DataObjectId) -> Vec<DistributorClient> {
    let mut probes = JoinSet::new();
    let mut unknown = Vec::new();
    for (place, node) in nodes.into_iter().enumerate() {
        if place >= MAX_PROBED {
            unknown.push(node);
            continue;
        }
        probes.spawn(async move {
            let started = Instant::now();
            let answer = timeout(PROBE, node.head_asset(id)).await;
            let time = if matches!(answer, Ok(Ok(_))) { started.elapsed() } else { Duration::MAX };
            (time, place, node)
        });
    }
    let mut probed = probes.join_all().await;
    probed.sort_by_key(|(time, place, _)| (*time, *place));
    probed.into_iter().map(|(_, _, node)| node).chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_http::ClientConfig;

    #[test]
    fn failures_move_a_source_back_and_lies_remove_it() {
        let source = |url: &str| {
            Source::new(Node::Distributor(DistributorClient::new(Client::new(ClientConfig::default()), url)))
        };
        let sources = Sources { all: vec![source("http://a"), source("http://b"), source("http://c")] };
        let order = || sources.ranked().iter().map(|source| source.url().to_owned()).collect::<Vec<_>>();
        assert_eq!(order(), ["http://a", "http://b", "http://c"]);
        sources.all[0].note_failure();
        assert_eq!(order(), ["http://b", "http://c", "http://a"]);
        sources.all[1].ban();
        sources.all[1].note_failure();
        assert_eq!(order(), ["http://c", "http://a"]);
    }
}
