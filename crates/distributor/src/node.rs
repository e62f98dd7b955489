//! What every request sees.

use crate::{assets::Assets, cache::Cache, config::Config, operator::Duty, record::Record};
use arc_swap::ArcSwap;
use argosy_domain::WorkerId;
use argosy_http::ServeCounters;
use argosy_node::{Fills, Follower};
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
    pub(crate) duty: ArcSwap<OnDuty>,
    pub(crate) follower: Follower,
    pub(crate) store: Store,
    pub(crate) fills: Fills,
    pub(crate) cache: Arc<Cache>,
    pub(crate) assets: Arc<Assets>,
    pub(crate) bytes_sent: AtomicU64,
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
