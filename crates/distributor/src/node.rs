//! What every request sees.

use crate::{
    assets::Assets,
    cache::Cache,
    config::Config,
    operator::Duty,
    prefetch::{Popular, Progress},
    record::Record,
    scrub::ScrubState,
};
use arc_swap::ArcSwap;
use argosy_domain::WorkerId;
use argosy_http::{Client, Pace, ServeCounters};
use argosy_node::{Fills, Follower, Passes, Prover, RoleProofs};
use argosy_node_core::serve::Assignment;
use argosy_store::Store;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};
use tracing::Span;

pub(crate) struct Node {
    pub(crate) config: Config,
    /// Whom and what the node delivers for; the operator may change it at any time.
    pub(crate) duty: Arc<ArcSwap<OnDuty>>,
    pub(crate) follower: Follower,
    pub(crate) store: Store,
    pub(crate) fills: Fills,
    /// What it shows to others to be given objects of private bags.
    pub(crate) passes: Passes,
    /// Which endpoints of others have proved whose they are.
    pub(crate) proofs: RoleProofs,
    /// Proves it of this one.
    pub(crate) prover: Prover,
    pub(crate) cache: Arc<Cache>,
    pub(crate) assets: Arc<Assets>,
    /// For endpoints that strangers have written into the directory.
    pub(crate) guarded: Client,
    pub(crate) popular: Popular,
    /// How far the warm-up is.
    pub(crate) warm_up: Progress,
    pub(crate) scrub: ScrubState,
    pub(crate) bytes_sent: AtomicU64,
    /// How fast everything together may be sent to users.
    pub(crate) egress: Option<Arc<Pace>>,
    pub(crate) record: Record,
    /// What the public port has met, whoever opened it when.
    pub(crate) public_port: Arc<ServeCounters>,
    pub(crate) public_is_open: AtomicBool,
    /// Says in the logs which node speaks.
    pub(crate) span: Span,
    pub(crate) started: Instant,
}

/// What follows from a duty.
pub(crate) struct OnDuty {
    pub(crate) worker_id: Option<u64>,
    pub(crate) assignment: Assignment,
}

impl OnDuty {
    /// The buckets of a list, or all of the worker, or nothing.
    pub(crate) fn new(duty: &Duty) -> Self {
        let assignment = match (&duty.buckets, duty.worker_id) {
            (Some(buckets), _) => Assignment::Buckets(buckets.iter().map(|bucket| bucket.0).collect()),
            (None, Some(worker)) => Assignment::Worker(WorkerId(worker)),
            (None, None) => Assignment::Buckets([].into()),
        };
        Self { worker_id: duty.worker_id, assignment }
    }
}

impl Node {
    pub(crate) fn count_sent(&self, bytes: u64) {
        self.bytes_sent.fetch_add(bytes, Ordering::Relaxed);
    }
}
