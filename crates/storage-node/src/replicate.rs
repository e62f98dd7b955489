//! Fetches what the node must hold and does not; drops what the directory has deleted, and nothing else.
//!
//! What to do is decided by [`argosy_node_core::replicate::plan_sync`]; this carries it out.

use crate::node::Node;
use argosy_domain::{DataObjectId, StorageBucketId, num::to_u64};
use argosy_http::Shutdown;
use argosy_node::{BlockChanges, fill::FillError};
use argosy_node_core::{
    follow::IndexChange,
    replicate::{Local, Replica, SyncLimits, SyncPlan, plan_sync},
};
use argosy_store::ObjectMeta;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinSet,
    time::Instant,
};

/// Objects fetched at once.
const MAX_FETCHES: usize = 8;
/// A plan is made at least this often, whether anything seems to have changed or not.
const PLAN_INTERVAL: Duration = Duration::from_secs(30);
/// Shortest time between two plans, and how much longer than making one it must be.
const PLAN_PAUSE: Duration = Duration::from_millis(5);
const PLAN_SHARE: u32 = 5;
/// How long an object rests after a failed fetch: doubling, with up to half more.
const REST_FIRST: Duration = Duration::from_millis(250);
const REST_LONGEST: Duration = Duration::from_secs(30);

/// An object whose fetch has failed.
#[derive(Clone, Copy, Debug)]
struct Rest {
    until: Instant,
    failures: u32,
}

type Fetched = (DataObjectId, Result<(), FillError>);

struct Replication {
    node: Arc<Node>,
    fetches: JoinSet<Fetched>,
    running: BTreeSet<DataObjectId>,
    resting: BTreeMap<DataObjectId, Rest>,
}

/// Replicates until `shutdown`.
pub(crate) async fn run(node: Arc<Node>, shutdown: Shutdown) {
    let mut changes = node.follower.changes();
    let mut work =
        Replication { node, fetches: JoinSet::new(), running: BTreeSet::new(), resting: BTreeMap::new() };
    loop {
        let started = Instant::now();
        work.plan_and_start().await;
        let pause = PLAN_PAUSE.max(started.elapsed() * PLAN_SHARE);
        tokio::select! {
            () = shutdown.triggered() => break,
            () = work.wait(&mut changes) => {}
        }
        tokio::select! {
            () = shutdown.triggered() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    work.fetches.shutdown().await;
}

impl Replication {
    async fn plan_and_start(&mut self) {
        let now = Instant::now();
        let node = Arc::clone(&self.node);
        let resting = self.resting.iter().filter(|(_, rest)| rest.until > now).map(|(id, _)| *id);
        let mut busy: BTreeSet<DataObjectId> = self.running.iter().copied().chain(resting).collect();
        busy.extend(node.uploads.objects());
        let max_fetches = MAX_FETCHES.saturating_sub(self.fetches.len());
        let planned = tokio::task::spawn_blocking(move || {
            let plan = make_plan(&node, &busy, max_fetches);
            carry_out_drops(&node, &plan);
            plan
        });
        let plan = match planned.await {
            Ok(plan) => plan,
            Err(error) => return tracing::error!(%error, "planning ended badly"),
        };
        self.forget_deleted(&plan);
        for replica in plan.fetch.iter().cloned() {
            self.start(replica);
        }
        if plan.short_of_room {
            tracing::warn!("there is no room for some objects that this node must hold");
        }
        let failed = self.resting.keys().filter(|id| !self.running.contains(id)).count();
        let missing = plan.postponed_count.saturating_add(to_u64(self.running.len() + failed));
        self.node.counters.set_missing(missing, to_u64(self.running.len()));
    }

    fn forget_deleted(&mut self, plan: &SyncPlan) {
        for id in &plan.drop {
            self.resting.remove(id);
        }
        // Those that have ceased to be ours need no rest either.
        let node = Arc::clone(&self.node);
        self.resting.retain(|id, _| node.follower.with_index(|index| index.object(*id).is_some()));
    }

    fn start(&mut self, replica: Replica) {
        let meta = ObjectMeta { content_id: replica.content_id, size: replica.size };
        let fills = self.node.fills.clone();
        self.running.insert(replica.id);
        tracing::debug!(id = %replica.id, bytes = replica.size, "fetching a replica");
        self.fetches.spawn(async move {
            let fetched = fills.complete(replica.id, meta).await;
            (replica.id, fetched.map(drop))
        });
    }

    /// Waits until there may be something to do.
    async fn wait(&mut self, changes: &mut Receiver<Arc<BlockChanges>>) {
        let now = Instant::now();
        let next_rest = self.resting.values().map(|rest| rest.until).filter(|until| *until > now).min();
        let latest = next_rest.unwrap_or(now + PLAN_INTERVAL).min(now + PLAN_INTERVAL);
        loop {
            tokio::select! {
                Some(first) = self.fetches.join_next() => {
                    let mut ended = Some(first);
                    while let Some(fetched) = ended {
                        match fetched {
                            Ok(fetched) => self.ended(fetched),
                            Err(error) => self.lost(&error),
                        }
                        ended = self.fetches.try_join_next();
                    }
                    return;
                }
                change = changes.recv() => match change {
                    Ok(block) if !self.matters(&block) => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return,
                    // The follower lives as long as the node does.
                    Err(RecvError::Closed) => return tokio::time::sleep_until(latest).await,
                },
                () = self.node.sync_due.notified() => return,
                () = tokio::time::sleep_until(latest) => return,
            }
        }
    }

    /// Whether a block changes what is to be fetched or dropped, or from where.
    fn matters(&mut self, block: &BlockChanges) -> bool {
        let node = Arc::clone(&self.node);
        block.changes.iter().any(|change| match change {
            IndexChange::ObjectAccepted { id, .. } => {
                let ours = |known: crate::node::KnownObject| !known.ours.is_empty();
                !node.store.contains(*id)
                    && node.follower.with_index(|index| node.known(index, *id)).is_some_and(ours)
            }
            IndexChange::ObjectDeleted { .. }
            | IndexChange::BagBucketsChanged { .. }
            | IndexChange::StorageBucketChanged { .. } => {
                // There may be a source now where there was none.
                let now = Instant::now();
                self.resting.values_mut().for_each(|rest| rest.until = now);
                true
            }
            IndexChange::BlacklistChanged => {
                self.end_blacklisted();
                true
            }
            // Nodes that refused before may give now.
            IndexChange::BagPrivacyChanged { .. } => {
                let now = Instant::now();
                self.resting.values_mut().for_each(|rest| rest.until = now);
                !self.resting.is_empty()
            }
            IndexChange::HoldingsReported { bucket } => self.wake_what_is_held_by(*bucket),
            IndexChange::ObjectDeclared { .. }
            | IndexChange::BagCreated { .. }
            | IndexChange::BagDeleted { .. }
            | IndexChange::DistributionBucketChanged { .. } => false,
        })
    }

    /// What is blacklisted is not fetched any further.
    fn end_blacklisted(&self) {
        let node = &self.node;
        for id in &self.running {
            let known = node.follower.with_index(|index| node.known(index, *id));
            if known.is_some_and(|known| known.blacklisted) {
                node.fills.cancel(*id);
            }
        }
    }

    /// A bucket that says it holds an object is a new chance for it; whether there was any.
    fn wake_what_is_held_by(&mut self, bucket: StorageBucketId) -> bool {
        let index = self.node.follower.index();
        let now = Instant::now();
        let mut any = false;
        for (id, rest) in &mut self.resting {
            if index.holds(bucket, *id) {
                rest.until = now;
                any = true;
            }
        }
        any
    }

    fn ended(&mut self, (id, fetched): Fetched) {
        self.running.remove(&id);
        match fetched {
            Ok(()) => {
                tracing::info!(%id, "replicated");
                self.resting.remove(&id);
                self.node.report_due.notify_one();
            }
            Err(FillError::Removed | FillError::Stopped) => {}
            Err(
                reason @ (FillError::NoSource
                | FillError::Unreachable
                | FillError::NoProgress
                | FillError::NotKept),
            ) => {
                let failures = self.resting.get(&id).map_or(0, |rest| rest.failures);
                let pause = REST_FIRST.saturating_mul(1 << failures.min(16)).min(REST_LONGEST);
                let until = Instant::now() + pause.mul_f64(1.0 + fastrand::f64() / 2.0);
                self.resting.insert(id, Rest { until, failures: failures.saturating_add(1) });
                tracing::warn!(%id, %reason, failures, "an object cannot be fetched now");
            }
        }
    }

    /// A fetch that panicked does not say which it was; the next plan finds out.
    fn lost(&mut self, error: &tokio::task::JoinError) {
        tracing::error!(%error, "a fetch ended badly");
        let fills = self.node.fills.clone();
        self.running.retain(|id| fills.is_filling(*id));
    }
}

/// Compares the store with the index. Blocks the thread.
fn make_plan(node: &Node, busy: &BTreeSet<DataObjectId>, max_fetches: usize) -> SyncPlan {
    let complete = node.store.ids().into_iter().collect();
    let partial = node.store.partials().iter().map(|partial| partial.id).collect();
    let limits = SyncLimits { room_bytes: room_bytes(node), max_fetches };
    let index = node.follower.index();
    let buckets = node.buckets(&index);
    plan_sync(&index, &buckets, Local { complete: &complete, partial: &partial, running: busy }, limits)
}

fn room_bytes(node: &Node) -> u64 {
    let totals = node.store.totals();
    let taken =
        totals.object_bytes.saturating_add(totals.partial_bytes).saturating_add(totals.promised_bytes);
    node.capacity_bytes.map_or(u64::MAX, |capacity| capacity.saturating_sub(taken))
}

/// The only place where a storage node removes objects.
fn carry_out_drops(node: &Node, plan: &SyncPlan) {
    for id in &plan.drop {
        node.fills.cancel(*id);
        match node.store.remove(*id) {
            Ok(true) => tracing::info!(%id, "dropped, since the directory has deleted it"),
            Ok(false) => {}
            Err(error) => tracing::error!(%id, %error, "a deleted object cannot be dropped"),
        }
    }
}
