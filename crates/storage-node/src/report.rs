//! Says in the directory what this node really holds, soon after it has changed.

use crate::node::Node;
use argosy_directory::{Call, StorageCall};
use argosy_domain::{DataObjectId, StorageBucketId};
use argosy_http::Shutdown;
use argosy_node::BlockChanges;
use argosy_node_core::{
    follow::IndexChange,
    replicate::{HoldingReport, holding_report, should_report},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};

/// How long a change waits for others, so that many replicas make one report.
///
/// Source: decision 16, 100 ms from completing a replica to the report.
const COALESCE: Duration = Duration::from_millis(40);
/// A report is considered at least this often.
const INTERVAL: Duration = Duration::from_secs(30);
/// How much longer than considering one the pause between reports must be.
const SHARE: u32 = 5;
/// Pauses after a failure: doubling.
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_LONGEST: Duration = Duration::from_secs(30);
/// How long the node's own copy may take to see the report.
const OWN_BLOCK_WAIT: Duration = Duration::from_secs(5);
/// A copy of the directory that is further behind says nothing about the present.
const CAUGHT_UP_MS: u64 = 30_000;

/// Reports until `shutdown`.
pub(crate) async fn run(node: Arc<Node>, shutdown: Shutdown) {
    let mut changes = node.follower.changes();
    let mut failures: u32 = 0;
    loop {
        let retry = match failures {
            0 => INTERVAL,
            _ => RETRY_FIRST.saturating_mul(1 << (failures - 1).min(16)).min(RETRY_LONGEST),
        };
        tokio::select! {
            () = shutdown.triggered() => return,
            () = wait(&node, &mut changes, retry) => {}
        }
        tokio::time::sleep(COALESCE).await;
        let started = Instant::now();
        let all_said = tokio::select! {
            () = shutdown.triggered() => return,
            all_said = report_all(&node) => all_said,
        };
        failures = if all_said { 0 } else { failures.saturating_add(1) };
        let pause = started.elapsed().min(INTERVAL) * SHARE;
        tokio::select! {
            () = shutdown.triggered() => return,
            () = tokio::time::sleep(pause.min(INTERVAL)) => {}
        }
    }
}

/// Waits until what is held, or should be, may have changed.
async fn wait(node: &Node, changes: &mut Receiver<Arc<BlockChanges>>, at_most: Duration) {
    let latest = Instant::now() + at_most;
    loop {
        tokio::select! {
            () = node.report_due.notified() => return,
            () = tokio::time::sleep_until(latest) => return,
            change = changes.recv() => match change {
                Ok(block) if !block.changes.iter().any(|change| matters(node, change)) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                // The follower lives as long as the node does.
                Err(RecvError::Closed) => return tokio::time::sleep_until(latest).await,
            },
        }
    }
}

fn matters(node: &Node, change: &IndexChange) -> bool {
    match change {
        // Of an object that is still to be fetched there is nothing to say.
        IndexChange::ObjectAccepted { id, .. } => node.store.contains(*id),
        IndexChange::BagBucketsChanged { .. } | IndexChange::StorageBucketChanged { .. } => true,
        // A report, ours or another's, must not cause the next one.
        IndexChange::HoldingsReported { .. }
        | IndexChange::ObjectDeclared { .. }
        | IndexChange::ObjectDeleted { .. }
        | IndexChange::BagCreated { .. }
        | IndexChange::BagDeleted { .. }
        | IndexChange::DistributionBucketChanged { .. }
        | IndexChange::BagPrivacyChanged { .. }
        | IndexChange::BlacklistChanged => false,
    }
}

/// Whether everything that should be said is said.
async fn report_all(node: &Arc<Node>) -> bool {
    let status = node.follower.status();
    if !status.connected || status.lag_ms > CAUGHT_UP_MS {
        return false;
    }
    let consider = Arc::clone(node);
    let due = match tokio::task::spawn_blocking(move || reports_due(&consider)).await {
        Ok(due) => due,
        Err(error) => {
            tracing::error!(%error, "considering what to report ended badly");
            return false;
        }
    };
    let mut all_said = true;
    for (bucket, report) in due {
        all_said &= send(node, bucket, report).await;
    }
    all_said
}

fn reports_due(node: &Node) -> Vec<(StorageBucketId, HoldingReport)> {
    // The store first: what is completed in between counts as missing, never the other way round.
    let held: BTreeSet<DataObjectId> = node.store.ids().into_iter().collect();
    let index = node.follower.index();
    let report = |bucket: StorageBucketId| {
        let report = holding_report(&index, bucket, &held);
        should_report(&index, bucket, &report).then_some((bucket, report))
    };
    node.buckets(&index).into_iter().filter_map(report).collect()
}

async fn send(node: &Node, bucket: StorageBucketId, report: HoldingReport) -> bool {
    let account = node.follower.with_index(|index| node.signers.transactor(index, bucket));
    let submitter = match account {
        Ok(account) => node.signers.submitter(&account),
        Err(reason) => {
            tracing::error!(%bucket, %reason, "holdings cannot be reported");
            return false;
        }
    };
    let Some(submitter) = submitter else { return false };
    let (height, except_count) = (report.height, report.except.len());
    let call = StorageCall::ReportHoldings { worker: node.worker, bucket, height, except: report.except };
    match submitter.submit(Call::Storage(call)).await {
        Ok(receipt) => {
            tracing::debug!(%bucket, height, except_count, "holdings reported");
            // Else the next look at the index would find the same report due again.
            node.follower.wait_for_height(receipt.height, OWN_BLOCK_WAIT).await
        }
        Err(error) => {
            tracing::warn!(%bucket, %error, "the directory does not take a holding report now");
            false
        }
    }
}
