//! `argosy status`: who runs, who holds what, how far behind.

use crate::{
    failure::{Failure, Outcome},
    network::{DirectoryArgs, Network, now_ms},
    screen, text,
};
use argosy_api::{
    ClientError, DistributorClient, StorageClient,
    directory::{DirectoryStatus, DistributionBucketView, OperatorStatus, OperatorView, StorageBucketView},
    node::{NodeStatus, WarmUpView},
};
use serde::Serialize;
use std::{process::ExitCode, time::Duration};
use tokio::{task::JoinSet, time::timeout};

/// Longest wait for one node.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most nodes that are asked at once.
const ASKED_AT_ONCE: usize = 64;
/// A node whose newest block is older than this is behind: a block is made at least every 6 s.
const BEHIND_MS: u64 = 20_000;

/// Show every node: what it holds, how far behind it is, whether it is healthy
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy status\n\nThe exit code is 0 if every node is healthy, else 1.")]
pub(crate) struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Directory,
    Storage,
    Distribution,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Storage => "storage",
            Self::Distribution => "distribution",
        }
    }
}

/// One node, or a bucket that should have one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    role: Role,
    id: Option<String>,
    buckets: Vec<String>,
    endpoint: Option<String>,
    version: Option<String>,
    height: Option<u64>,
    lag_ms: Option<u64>,
    objects: Option<u64>,
    bytes: Option<u64>,
    uptime_seconds: Option<u64>,
    healthy: bool,
    /// What is wrong, or worth knowing.
    remark: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    network: String,
    healthy: bool,
    nodes: Vec<Row>,
}

pub(crate) async fn run(directory: &DirectoryArgs, args: StatusArgs) -> Outcome<ExitCode> {
    let network = Network::connect(directory).await?;
    let client = &network.directory;
    let failed = |error: ClientError| Failure::directory("status", &error);
    let head = client.status().await.map_err(failed)?;
    let mut wanted = storage_rows(&client.storage_buckets().await.map_err(failed)?);
    wanted.extend(distribution_rows(&client.distribution_buckets().await.map_err(failed)?));

    let mut nodes = vec![directory_row(&head, client.url())];
    nodes.extend(ask_all(&network, wanted, head.height).await);
    let report = Report { network: head.network, healthy: nodes.iter().all(|node| node.healthy), nodes };
    if args.json {
        screen::json(&report);
    } else {
        show(&report);
    }
    Ok(if report.healthy { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn directory_row(status: &DirectoryStatus, url: &str) -> Row {
    let lag_ms = now_ms().saturating_sub(status.block_time_ms);
    // Right after a start the newest block is as old as the stop before it.
    let stuck = lag_ms > BEHIND_MS && status.uptime_seconds * 1000 > BEHIND_MS;
    Row {
        role: Role::Directory,
        id: Some(status.network.clone()),
        buckets: Vec::new(),
        endpoint: Some(url.to_owned()),
        version: Some(status.version.clone()),
        height: Some(status.height),
        lag_ms: Some(lag_ms),
        objects: Some(status.objects_count),
        bytes: None,
        uptime_seconds: Some(status.uptime_seconds),
        healthy: !stuck,
        remark: stuck
            .then(|| format!("has made no block for {}", text::duration(Duration::from_millis(lag_ms)))),
    }
}

/// A row of which only the directory's side is known.
fn wanted(role: Role, bucket: String, operator: Option<&OperatorView>) -> Row {
    let active = operator.filter(|operator| operator.status == OperatorStatus::Active);
    let remark = match (operator, active.map(|operator| operator.endpoint.is_some())) {
        (None, _) => Some("the bucket has no operator".to_owned()),
        (Some(operator), None) => Some(format!("worker {} has not accepted its invitation", operator.worker)),
        (Some(operator), Some(false)) => {
            Some(format!("worker {} has not said where its node is", operator.worker))
        }
        (Some(_), Some(true)) => None,
    };
    Row {
        role,
        id: None,
        buckets: vec![bucket],
        endpoint: active.and_then(|operator| operator.endpoint.clone()),
        version: None,
        height: None,
        lag_ms: None,
        objects: None,
        bytes: None,
        uptime_seconds: None,
        healthy: false,
        remark,
    }
}

fn storage_rows(buckets: &[StorageBucketView]) -> Vec<Row> {
    merged(
        buckets.iter().map(|bucket| wanted(Role::Storage, bucket.id.to_string(), bucket.operator.as_ref())),
    )
}

fn distribution_rows(buckets: &[DistributionBucketView]) -> Vec<Row> {
    merged(buckets.iter().flat_map(|bucket| {
        let id = bucket.id.to_string();
        let operators: Vec<Option<&OperatorView>> = if bucket.operators.is_empty() {
            vec![None]
        } else {
            bucket.operators.iter().map(Some).collect()
        };
        operators.into_iter().map(move |operator| wanted(Role::Distribution, id.clone(), operator))
    }))
}

/// One row per node, whatever number of buckets it operates.
fn merged(rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut nodes: Vec<Row> = Vec::new();
    for row in rows {
        let same = nodes.iter_mut().find(|node| row.endpoint.is_some() && node.endpoint == row.endpoint);
        match same {
            Some(node) => node.buckets.extend(row.buckets),
            None => nodes.push(row),
        }
    }
    nodes
}

async fn ask_all(network: &Network, rows: Vec<Row>, height: u64) -> Vec<Row> {
    let mut answers = JoinSet::new();
    let mut nodes: Vec<(usize, Row)> = Vec::with_capacity(rows.len());
    for (place, row) in rows.into_iter().enumerate() {
        if answers.len() >= ASKED_AT_ONCE {
            nodes.extend(answers.join_next().await.and_then(Result::ok));
        }
        let client = network.client.clone();
        answers.spawn(async move {
            let Some(url) = row.endpoint.clone() else { return (place, row) };
            let asked = async {
                match row.role {
                    Role::Distribution => DistributorClient::new(client, &url).status().await,
                    Role::Storage | Role::Directory => StorageClient::new(client, &url).status().await,
                }
            };
            let answer = timeout(PATIENCE, asked).await;
            (place, judged(row, answer.ok(), height))
        });
    }
    nodes.extend(answers.join_all().await);
    nodes.sort_by_key(|(place, _)| *place);
    nodes.into_iter().map(|(_, row)| row).collect()
}

/// The row with what the node has said; nothing stands for no answer in time.
fn judged(row: Row, answer: Option<Result<NodeStatus, ClientError>>, height: u64) -> Row {
    let status = match answer {
        Some(Ok(status)) => status,
        Some(Err(error)) => return Row { remark: Some(reason(&error)), ..row },
        None => {
            let remark = format!("no answer within {}", text::duration(PATIENCE));
            return Row { remark: Some(remark), ..row };
        }
    };
    let trouble = trouble(&row, &status, height);
    let healthy = trouble.is_none();
    let remark = trouble
        .or_else(|| {
            (status.missing_count > 0).then(|| format!("has {} objects to fetch", status.missing_count))
        })
        .or_else(|| warming_up(status.warm_up.as_ref()?));
    Row {
        id: Some(status.id),
        version: Some(status.version),
        height: Some(status.directory.height),
        lag_ms: Some(status.directory.lag_ms),
        objects: Some(status.objects_count),
        bytes: Some(status.bytes_used),
        uptime_seconds: Some(status.uptime_seconds),
        healthy,
        remark,
        ..row
    }
}

/// How far a distributor is that has not all that it wants to have.
fn warming_up(warm_up: &WarmUpView) -> Option<String> {
    let under_way = matches!(warm_up.state.as_str(), "running" | "paused");
    under_way.then(|| format!("warms up: {} of {} objects", warm_up.done, warm_up.total))
}

fn reason(error: &ClientError) -> String {
    match error {
        ClientError::NoAnswer { reason, .. } => format!("no answer: {reason}"),
        ClientError::Status { body, .. } => format!("answers {}: {body}", body.status),
        ClientError::Protocol { what, .. } => what.clone(),
    }
}

/// Why the node is not healthy, if it is not.
fn trouble(row: &Row, status: &NodeStatus, height: u64) -> Option<String> {
    let follow = &status.directory;
    if status.role != row.role.name() {
        return Some(format!("is a node of another role, {}", status.role));
    }
    if let Some(why) = &follow.halted {
        return Some(format!("has stopped following the directory: {why}"));
    }
    if let Some(what) = &follow.alarm {
        return Some(format!("raises an alarm about the directory: {what}"));
    }
    if !follow.connected {
        return Some(format!("gets no blocks from {}", follow.url));
    }
    let behind = height.saturating_sub(follow.height);
    if behind > 0 && follow.lag_ms > BEHIND_MS {
        return Some(format!(
            "is {behind} blocks behind, {}",
            text::duration(Duration::from_millis(follow.lag_ms))
        ));
    }
    let absent: Vec<&str> =
        row.buckets.iter().filter(|bucket| !status.buckets.contains(bucket)).map(String::as_str).collect();
    (!absent.is_empty()).then(|| format!("does not serve bucket {}", absent.join(", ")))
}

fn show(report: &Report) {
    let head = [
        "role", "id", "buckets", "endpoint", "version", "height", "lag", "objects", "bytes", "uptime",
        "healthy",
    ];
    let dispensable = ["version", "uptime", "height", "bytes", "objects", "lag"];
    screen::say(&screen::table(&head, report.nodes.iter().map(cells).collect(), &dispensable));
}

fn cells(node: &Row) -> Vec<String> {
    let known = |text: Option<String>| text.map_or_else(|| "-".to_owned(), |text| text::line(&text));
    let number = |number: Option<u64>| known(number.map(|number| number.to_string()));
    let healthy = match (node.healthy, &node.remark) {
        (true, None) => "yes".to_owned(),
        (true, Some(remark)) => format!("yes; {}", text::line(remark)),
        (false, remark) => format!("NO: {}", text::line(remark.as_deref().unwrap_or("unknown"))),
    };
    vec![
        node.role.name().to_owned(),
        known(node.id.clone()),
        if node.buckets.is_empty() { "-".to_owned() } else { text::line(&node.buckets.join(" ")) },
        known(node.endpoint.clone()),
        known(node.version.clone()),
        number(node.height),
        known(node.lag_ms.map(|lag| text::duration(Duration::from_millis(lag)))),
        number(node.objects),
        known(node.bytes.map(text::bytes)),
        known(node.uptime_seconds.map(|uptime| text::duration(Duration::from_secs(uptime)))),
        healthy,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_api::node::FollowStatus;
    use argosy_domain::WorkerId;

    fn operator(status: OperatorStatus, endpoint: Option<&str>) -> OperatorView {
        OperatorView {
            worker: WorkerId(4),
            status,
            endpoint: endpoint.map(str::to_owned),
            transactor: None,
            metadata: None,
            leaves_ms: None,
        }
    }

    fn node() -> NodeStatus {
        NodeStatus {
            version: "1".into(),
            role: "storage".into(),
            id: "storage-0".into(),
            worker_id: Some(4),
            buckets: vec!["0".into(), "7".into()],
            uptime_seconds: 1,
            directory: FollowStatus {
                url: "http://d".into(),
                connected: true,
                height: 10,
                lag_ms: 3,
                epoch: 0,
                halted: None,
                alarm: None,
                upstreams: Vec::new(),
            },
            objects_count: 2,
            bytes_used: 3,
            bytes_limit: None,
            missing_count: 0,
            transfers_count: 0,
            bytes_sent: 0,
            bytes_fetched: 0,
            warm_up: None,
            proof_of_role: None,
            endpoints: None,
        }
    }

    #[test]
    fn a_node_of_several_buckets_has_one_row_and_a_bucket_without_node_says_why() {
        let active = operator(OperatorStatus::Active, Some("http://a"));
        let rows = merged(
            [
                wanted(Role::Storage, "0".into(), Some(&active)),
                wanted(Role::Storage, "1".into(), Some(&operator(OperatorStatus::Invited, Some("http://a")))),
                wanted(Role::Storage, "2".into(), Some(&operator(OperatorStatus::Active, None))),
                wanted(Role::Storage, "3".into(), None),
                wanted(Role::Storage, "7".into(), Some(&active)),
            ]
            .into_iter(),
        );
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0].buckets, ["0", "7"]);
        let remarks: Vec<_> = rows[1..].iter().map(|row| row.remark.clone().unwrap()).collect();
        assert!(
            remarks[0].contains("invitation")
                && remarks[1].contains("where")
                && remarks[2].contains("no operator")
        );
    }

    #[test]
    fn a_node_is_healthy_only_if_it_follows_and_serves_its_buckets() {
        let row = Row {
            buckets: vec!["0".into()],
            ..wanted(Role::Storage, "0".into(), Some(&operator(OperatorStatus::Active, Some("http://a"))))
        };
        let judge = |change: fn(&mut NodeStatus)| {
            let mut status = node();
            change(&mut status);
            let row = judged(row.clone(), Some(Ok(status)), 20);
            (row.healthy, row.remark.unwrap_or_default())
        };
        assert_eq!(judge(|_| ()), (true, String::new()));
        assert_eq!(judge(|status| status.missing_count = 2), (true, "has 2 objects to fetch".into()));
        let warming = |status: &mut NodeStatus| {
            status.warm_up = Some(WarmUpView { state: "paused".into(), total: 9, done: 3, bytes: 1 });
        };
        assert_eq!(judge(warming), (true, "warms up: 3 of 9 objects".into()));
        assert_eq!(
            judge(|status| status.directory.lag_ms = 30_000),
            (false, "is 10 blocks behind, 30 s".into())
        );
        let idle = |status: &mut NodeStatus| {
            status.directory.lag_ms = 30_000;
            status.directory.height = 20;
        };
        assert_eq!(judge(idle), (true, String::new()), "nothing new was there to follow");
        assert!(!judge(|status| status.directory.connected = false).0);
        assert!(judge(|status| status.directory.halted = Some("forked".into())).1.contains("forked"));
        assert!(!judge(|status| status.role = "distribution".into()).0);
        assert_eq!(judge(|status| status.buckets.clear()), (false, "does not serve bucket 0".into()));
        assert!(judged(row.clone(), None, 20).remark.unwrap().contains("no answer"));
    }
}
