//! How the node is doing.

use crate::{App, reply};
use argosy_api::{ErrorBody, directory::DirectoryStatus};
use argosy_domain::{limits::MAX_BLOCK_INTERVAL_MS, num::to_u64};
use argosy_http::StatusCode;
use axum::{Json, extract::State};
use std::{
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// A node whose newest block is older than this is not ready, in milliseconds: three were missed.
const MAX_READY_LAG_MS: u64 = 3 * MAX_BLOCK_INTERVAL_MS;

/// One more of something, until it is dropped.
#[derive(Debug)]
pub(crate) struct Gauge(Arc<AtomicU64>);

impl Gauge {
    pub(crate) fn one_more(count: &Arc<AtomicU64>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The node's clock, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn status(State(app): State<App>) -> Ready<Result<Json<DirectoryStatus>, ErrorBody>> {
    ready(app.engine.snapshot().map(|_| Json(snapshot(&app))).map_err(reply::stopped))
}

/// The status, whether the engine runs or not.
pub(crate) fn snapshot(app: &App) -> DirectoryStatus {
    let tip = *app.engine.head().borrow();
    let (pool, epochs) = (app.submitter.pool(), app.engine.epochs());
    DirectoryStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        network: app.genesis.network.clone(),
        genesis: hex::encode(app.genesis.hash()),
        height: tip.height,
        head: hex::encode(tip.hash),
        state_root: hex::encode(tip.state_root),
        block_time_ms: tip.time_ms,
        lag_ms: now_ms().saturating_sub(tip.time_ms),
        uptime_seconds: app.started.elapsed().as_secs(),
        pool_count: to_u64(pool.count),
        pool_bytes: to_u64(pool.bytes),
        objects_count: app.engine.snapshot().map_or(0, |state| state.objects_count()),
        followers_count: app.followers.load(Ordering::Relaxed),
        listeners_count: app.listeners.load(Ordering::Relaxed),
        epoch: epochs.number(),
        sequencers: epochs.keys().iter().map(ToString::to_string).collect(),
        checkpoint_height: *app.engine.checkpoint_height().borrow(),
        oldest_block: app.engine.oldest_block(),
        follow: app.link.as_ref().map(|link| link.status(tip.height, tip.time_ms, epochs.number())),
        confirmed_height: app.submitter.confirmed_height(),
        transaction_index: Some(app.index.status(tip.height)),
        graphql: app.graphql.as_ref().map(|graphql| graphql.status(tip.height)),
    }
}

/// Ready: the ledger is replayed, which it is before the node answers at all, and blocks are made.
pub(crate) fn readyz(State(app): State<App>) -> Ready<Result<&'static str, ErrorBody>> {
    ready(ensure_ready(&app).map(|()| "ready\n"))
}

fn ensure_ready(app: &App) -> Result<(), ErrorBody> {
    app.engine.snapshot().map_err(reply::stopped)?;
    let status = snapshot(app);
    if let Some(why) = status.follow.and_then(|follow| follow.halted) {
        let message = format!("blocks are not followed any more: {why}");
        return Err(ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, "NOT_FOLLOWING", message));
    }
    let lag_ms = status.lag_ms;
    if lag_ms <= MAX_READY_LAG_MS {
        return Ok(());
    }
    let message = format!("the newest block is {} s old: see the node's log", lag_ms / 1_000);
    Err(ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, "NOT_READY", message))
}
