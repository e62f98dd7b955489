//! When a network is ready, and how that is said.

use super::plan::{Ports, distribution_bucket, local_url};
use crate::{
    failure::{Failure, Outcome},
    network::Backoff,
    screen,
};
use argosy_api::{ClientError, DirectoryClient, DistributorClient, StorageClient, node::NodeStatus};
use argosy_http::{AddressPolicy, Client, ClientConfig};
use serde::Serialize;
use std::{path::Path, time::Duration};
use tokio::time::{Instant, timeout};

/// Longest wait until every node has caught up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest wait for one status.
const ANSWER: Duration = Duration::from_secs(2);
/// Where `argosy` looks for a directory unless told.
const DEFAULT_DIRECTORY_PORT: u16 = 4352;

/// Waits until every node answers, knows its bucket and has caught up with the directory.
pub(super) async fn wait(directory: &DirectoryClient, ports: &Ports) -> Outcome<()> {
    let height = directory.status().await.map_err(|error| Failure::directory("status", &error))?.height;
    let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
    let until = Instant::now() + PATIENCE;
    for (n, port) in ports.storage.iter().enumerate() {
        let node = StorageClient::new(client.clone(), &local_url(*port));
        let bucket = n.to_string();
        wait_for(node.url(), until, height, &bucket, async || node.status().await).await?;
    }
    let distributors = u16::try_from(ports.distributors.len()).unwrap_or(u16::MAX);
    for (n, own) in (0_u16..).zip(&ports.distributors) {
        let node = DistributorClient::new(client.clone(), &local_url(own.public));
        let bucket = distribution_bucket(n, distributors).to_string();
        wait_for(node.url(), until, height, &bucket, async || node.status().await).await?;
    }
    Ok(())
}

async fn wait_for(
    url: &str,
    until: Instant,
    height: u64,
    bucket: &str,
    ask: impl AsyncFn() -> Result<NodeStatus, ClientError>,
) -> Outcome<()> {
    let mut backoff = Backoff::default();
    loop {
        let why = match timeout(ANSWER, ask()).await {
            Ok(Ok(status)) => match not_ready(&status, height, bucket) {
                None => return Ok(()),
                Some(why) => why,
            },
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if Instant::now() >= until {
            return Err(Failure::no_answer(format!("{url} does not become ready: {why}")));
        }
        backoff.wait().await;
    }
}

fn not_ready(status: &NodeStatus, height: u64, bucket: &str) -> Option<String> {
    let follow = &status.directory;
    if let Some(why) = &follow.halted {
        return Some(format!("it has stopped following the directory: {why}"));
    }
    if !follow.connected || follow.height < height {
        return Some(format!("it has blocks up to {} of {height}", follow.height));
    }
    (!status.buckets.iter().any(|known| known == bucket))
        .then(|| format!("it does not serve bucket {bucket}"))
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Ready {
    directory: String,
    storage: Vec<StorageEntry>,
    distributors: Vec<DistributorEntry>,
    data: String,
}

#[derive(Debug, Serialize)]
struct StorageEntry {
    bucket: String,
    endpoint: String,
}

#[derive(Debug, Serialize)]
struct DistributorEntry {
    bucket: String,
    endpoint: String,
    operator_endpoint: String,
}

impl Ready {
    fn new(ports: &Ports, data: &Path) -> Self {
        let distributors = u16::try_from(ports.distributors.len()).unwrap_or(u16::MAX);
        Self {
            directory: local_url(ports.directory),
            storage: ports
                .storage
                .iter()
                .enumerate()
                .map(|(n, port)| StorageEntry { bucket: n.to_string(), endpoint: local_url(*port) })
                .collect(),
            distributors: (0_u16..)
                .zip(&ports.distributors)
                .map(|(n, own)| DistributorEntry {
                    bucket: distribution_bucket(n, distributors).to_string(),
                    endpoint: local_url(own.public),
                    operator_endpoint: local_url(own.operator),
                })
                .collect(),
            data: data.display().to_string(),
        }
    }
}

/// Says that the network is ready.
pub(super) fn announce(ports: &Ports, data: &Path, json: bool) {
    let ready = Ready::new(ports, data);
    if json {
        screen::json(&ready);
        return;
    }
    let mut rows = vec![row("directory", "-", &ready.directory, "-")];
    rows.extend(ready.storage.iter().map(|node| row("storage", &node.bucket, &node.endpoint, "-")));
    rows.extend(
        ready
            .distributors
            .iter()
            .map(|node| row("distribution", &node.bucket, &node.endpoint, &node.operator_endpoint)),
    );
    screen::say(&screen::table(&["role", "bucket", "url", "operator url"], rows, &["operator url"]));
    screen::say(&format!("\nThe network is ready; its data is in {}. Ctrl-C stops it. Try:\n", ready.data));
    let directory = if ports.directory == DEFAULT_DIRECTORY_PORT {
        String::new()
    } else {
        format!(" --directory {}", ready.directory)
    };
    for (command, what) in [
        ("put talk.mp4", "uploads a file, prints the URLs that play it"),
        ("get 0 -o copy.mp4", "downloads object 0 and verifies it"),
        ("status", "shows every node"),
    ] {
        screen::say(&format!("  {:<40}  # {what}", format!("argosy{directory} {command}")));
    }
}

fn row(role: &str, bucket: &str, url: &str, operator_url: &str) -> Vec<String> {
    [role, bucket, url, operator_url].map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::up::plan::PortChoice;

    #[test]
    fn the_json_object_has_the_promised_fields() {
        let ports = Ports::choose(PortChoice::From(7000), 1, 2).unwrap();
        let value = serde_json::to_value(Ready::new(&ports, Path::new("/d"))).unwrap();
        let expected = serde_json::json!({
            "directory": "http://127.0.0.1:7000",
            "storage": [{"bucket": "0", "endpoint": "http://127.0.0.1:7100"}],
            "distributors": [
                {"bucket": "0:0", "endpoint": "http://127.0.0.1:7200", "operator_endpoint": "http://127.0.0.1:7201"},
                {"bucket": "1:0", "endpoint": "http://127.0.0.1:7202", "operator_endpoint": "http://127.0.0.1:7203"},
            ],
            "data": "/d",
        });
        assert_eq!(value, expected);
    }
}
