//! `/graphql`: the index of the blocks beside the ledger, fed as they are made.
//!
//! The index decides nothing. While it lags, answers are older than the state; when it cannot be fed,
//! it stays as it is, and the rest of the node goes on.

use crate::{App, StartError, config::GraphqlConfig, reply};
use argosy_api::{ErrorBody, Retry, directory::GraphqlStatus};
use argosy_directory::Genesis;
use argosy_http::{Shutdown, StatusCode, header};
use argosy_ledger::{Block, LedgerView};
use argosy_read_model::{Answer, ApplyError, Fate, Feeder, Limits, MAX_BODY_BYTES, ReadModel};
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use std::{
    future::{Ready, ready},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Blocks that are read and applied at once, in bytes, unless a single block is larger.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// From a failure that may pass, a full disk say, to the next attempt.
const RETRY: Duration = Duration::from_secs(5);
/// Nothing from elsewhere is loaded: the page is one text.
const PAGE: &str = include_str!("graphql.html");
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The index as the routes see it.
#[derive(Clone)]
pub(crate) struct Graphql {
    model: ReadModel,
    progress: Arc<Progress>,
}

struct Progress {
    height: AtomicU64,
    failing: AtomicBool,
}

/// Opens the index, unless the configuration has switched it off.
pub(crate) async fn open(
    config: &GraphqlConfig,
    data: &Path,
    genesis: &Arc<Genesis>,
    engine: &LedgerView,
) -> Result<Option<(Graphql, Feeder)>, StartError> {
    if !config.enabled {
        return Ok(None);
    }
    let folder = config.folder(data);
    let (genesis, engine) = (Arc::clone(genesis), engine.clone());
    let opening = tokio::task::spawn_blocking(move || {
        let mut feeder = Feeder::open(&folder, &genesis)?;
        if !is_of_this_ledger(&feeder, &engine) {
            tracing::warn!(
                height = feeder.tip().height,
                "the GraphQL index is not of this ledger and is made anew"
            );
            feeder = feeder.start_over(&genesis)?;
        }
        let model = ReadModel::new(&feeder, Limits::default())?;
        let progress = Progress { height: feeder.tip().height.into(), failing: AtomicBool::new(false) };
        Ok((Graphql { model, progress: Arc::new(progress) }, feeder))
    });
    opening.await.map_err(|_| StartError::Panicked)?.map(Some)
}

/// Whether the ledger has the newest block of the index. One that was restored from a backup may not.
/// A ledger that cannot be read there says nothing.
fn is_of_this_ledger(feeder: &Feeder, engine: &LedgerView) -> bool {
    let tip = feeder.tip();
    match engine.block_bytes(tip.height) {
        Ok(Some(bytes)) => Block::decode_bytes(&bytes).is_ok_and(|block| block.header.hash() == tip.hash),
        // Perhaps below what the ledger still has.
        Ok(None) => tip.height <= engine.head().borrow().height,
        Err(_) => true,
    }
}

pub(crate) fn router() -> Router<App> {
    Router::new().route("/graphql", get(page).post(query).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)))
}

impl Graphql {
    pub(crate) fn status(&self, head: u64) -> GraphqlStatus {
        let height = self.progress.height.load(Ordering::Acquire);
        GraphqlStatus {
            height,
            lag_blocks: head.saturating_sub(height),
            failing: self.progress.failing.load(Ordering::Acquire),
        }
    }
}

/// Feeds the index until the node stops. An index that does not fit the chain is left alone.
pub(crate) async fn feed(graphql: Graphql, mut feeder: Feeder, engine: LedgerView, shutdown: Shutdown) {
    let mut head = engine.head();
    let progress = graphql.progress;
    loop {
        let newest = head.borrow_and_update().height;
        while feeder.tip().height < newest && !shutdown.is_triggered() {
            let (fed, outcome) = match apply_batch(feeder, engine.clone()).await {
                Ok(done) => done,
                // It panicked, which the log has: the index stays as it is.
                Err(_) => return give_up(&progress, &shutdown).await,
            };
            feeder = fed;
            progress.height.store(feeder.tip().height, Ordering::Release);
            progress.failing.store(outcome.is_err(), Ordering::Release);
            match outcome {
                Ok(()) => {}
                Err(Failure::Passing) => {
                    tokio::select! {
                        () = tokio::time::sleep(RETRY) => {}
                        () = shutdown.triggered() => return,
                    }
                }
                Err(Failure::Lasting) => return give_up(&progress, &shutdown).await,
            }
        }
        tokio::select! {
            changed = head.changed() => if changed.is_err() { return shutdown.triggered().await; },
            () = shutdown.triggered() => return,
        }
    }
}

async fn give_up(progress: &Progress, shutdown: &Shutdown) {
    progress.failing.store(true, Ordering::Release);
    shutdown.triggered().await;
}

/// Why blocks were not applied; the log says more.
enum Failure {
    /// It may work later.
    Passing,
    /// It will not: the index does not fit.
    Lasting,
}

async fn apply_batch(
    mut feeder: Feeder,
    engine: LedgerView,
) -> Result<(Feeder, Result<(), Failure>), tokio::task::JoinError> {
    tokio::task::spawn_blocking(move || {
        let outcome = read_and_apply(&mut feeder, &engine);
        (feeder, outcome)
    })
    .await
}

fn read_and_apply(feeder: &mut Feeder, engine: &LedgerView) -> Result<(), Failure> {
    let next = feeder.tip().height.saturating_add(1);
    let encoded = engine.blocks_bytes(next, BATCH_BYTES).map_err(|error| {
        reply::unreadable(&error);
        Failure::Passing
    })?;
    if encoded.is_empty() {
        tracing::error!(height = next, "the ledger no longer has a block that the GraphQL index needs");
        return Err(Failure::Lasting);
    }
    let blocks: Result<Vec<Block>, _> = encoded.iter().map(|bytes| Block::decode_bytes(bytes)).collect();
    let blocks = blocks.map_err(|error| {
        tracing::error!(%error, height = next, "a block of the ledger cannot be decoded; GraphQL stops here");
        Failure::Lasting
    })?;
    feeder.apply(&blocks).map(drop).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(%error, cause, height = next, "the GraphQL index was not fed");
        match error {
            ApplyError::Sql(_) => Failure::Passing,
            ApplyError::Gap { .. } | ApplyError::Fork { .. } | ApplyError::Missing { .. } => Failure::Lasting,
        }
    })
}

fn page() -> Ready<Response> {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    ready((headers, PAGE).into_response())
}

async fn query(State(app): State<App>, body: Result<Bytes, BytesRejection>) -> Result<Response, ErrorBody> {
    let body = body.map_err(|rejection| {
        let message = "the body is longer than a query may be, or ended too early";
        ErrorBody::caller(rejection.status(), "UNREADABLE_BODY", message)
    })?;
    let Some(graphql) = app.graphql else {
        let message = "this directory node has GraphQL switched off";
        return Err(reply::missing("GRAPHQL_DISABLED", message).with_retry(Retry::Elsewhere));
    };
    let asked = tokio::task::spawn_blocking(move || graphql.model.execute(&body));
    Ok(response(asked.await.map_err(|_| reply::internal())?))
}

fn response(Answer { fate, body }: Answer) -> Response {
    let status = match fate {
        Fate::Answered => StatusCode::OK,
        Fate::Refused => StatusCode::BAD_REQUEST,
        Fate::Busy => StatusCode::SERVICE_UNAVAILABLE,
    };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, Body::from(body)).into_response()
}
