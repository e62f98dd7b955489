//! What every request sees.

use crate::{assets::Assets, cache::Cache, config::Config};
use argosy_node::{Fills, Follower};
use argosy_node_core::serve::Assignment;
use argosy_store::Store;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tracing::Span;

pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) assignment: Assignment,
    pub(crate) follower: Follower,
    pub(crate) store: Store,
    pub(crate) fills: Fills,
    pub(crate) cache: Arc<Cache>,
    pub(crate) assets: Arc<Assets>,
    pub(crate) bytes_sent: AtomicU64,
    /// Says in the logs which node speaks.
    pub(crate) span: Span,
    pub(crate) started: Instant,
}

impl Node {
    pub(crate) fn count_sent(&self, bytes: u64) {
        self.bytes_sent.fetch_add(bytes, Ordering::Relaxed);
    }
}
