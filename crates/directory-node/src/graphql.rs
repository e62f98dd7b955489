//! `/graphql`: the index of the blocks beside the ledger, fed as they are made.
//!
//! The index decides nothing. While it lags, answers are older than the state; when it cannot be fed,
//! it stays as it is, and the rest of the node goes on.

use crate::{App, StartError, config::GraphqlConfig, index::newest_state, reply};
use argosy_api::{
    ErrorBody, Retry,
    directory::GraphqlStatus,
    wire::{Schema, Schemas},
};
use argosy_directory::Genesis;
use argosy_http::{Shutdown, StatusCode, header};
use argosy_ledger::{Block, LedgerView};
use argosy_read_model::{Answer, ApplyError, Fate, Feeder, Limits, OpenError, ReadModel};
use axum::{
    body::Body,
    extract::{State, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::{
    future::{Ready, ready},
    path::Path,
    sync::{
        Arc, PoisonError, RwLock,
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
    /// Nothing while it is being made anew.
    model: Arc<RwLock<Option<ReadModel>>>,
    limits: Limits,
    progress: Arc<Progress>,
}

struct Progress {
    height: AtomicU64,
    since: AtomicU64,
    failing: AtomicBool,
}

/// The one that writes, and whether what it has must be thrown away first.
pub(crate) struct Opened {
    feeder: Feeder,
    is_foreign: bool,
}

/// Opens the index, unless the configuration has switched it off.
pub(crate) async fn open(
    config: &GraphqlConfig,
    data: &Path,
    genesis: &Arc<Genesis>,
    engine: &LedgerView,
) -> Result<Option<(Graphql, Opened)>, StartError> {
    if !config.enabled {
        return Ok(None);
    }
    let (folder, limits) = (config.folder(data), Limits::from(config));
    let (genesis, engine) = (Arc::clone(genesis), engine.clone());
    let opening = tokio::task::spawn_blocking(move || {
        let feeder = Feeder::open(&folder, &genesis)?;
        let is_foreign = !is_of_this_ledger(&feeder, &engine);
        let progress = Progress { height: 0.into(), since: 0.into(), failing: AtomicBool::new(false) };
        let graphql = Graphql { model: Arc::default(), limits, progress: Arc::new(progress) };
        let opened = Opened { feeder, is_foreign };
        if !opened.must_begin(&engine) {
            graphql.show(&opened.feeder)?;
        }
        Ok((graphql, opened))
    });
    opening.await.map_err(|_| StartError::Panicked)?.map(Some)
}

impl Opened {
    /// Whether what is there leads nowhere: it is of another ledger, or the next block is gone.
    fn must_begin(&self, engine: &LedgerView) -> bool {
        self.is_foreign || self.feeder.tip().height.saturating_add(1) < engine.oldest_block()
    }

    /// Makes it anew: from the genesis if the ledger has all blocks, else from the newest state.
    fn begin(
        &mut self,
        genesis: &Genesis,
        engine: &LedgerView,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Failure> {
        let made = if engine.oldest_block() <= 1 {
            tracing::warn!("the GraphQL index is not of this ledger and is made anew");
            self.feeder.start_over(genesis)
        } else {
            let (state, hash) = newest_state(engine).map_err(|error| {
                tracing::error!(%error, "no GraphQL index without a state");
                Failure::Passing
            })?;
            tracing::info!(height = state.at().height, "the GraphQL index is made from the state");
            self.feeder.seed(genesis, &state, hash, stop)
        };
        made.map_err(|error| {
            if !matches!(error, OpenError::Stopped) {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the GraphQL index cannot be made");
            }
            Failure::Passing
        })?;
        self.is_foreign = false;
        Ok(())
    }
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

impl Graphql {
    pub(crate) fn status(&self, head: u64) -> GraphqlStatus {
        let height = self.progress.height.load(Ordering::Acquire);
        GraphqlStatus {
            height,
            since: self.progress.since.load(Ordering::Acquire),
            lag_blocks: head.saturating_sub(height),
            preparing: self.model().is_none(),
            failing: self.progress.failing.load(Ordering::Acquire),
        }
    }

    fn model(&self) -> Option<ReadModel> {
        self.model.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers from what `feeder` writes from now on.
    fn show(&self, feeder: &Feeder) -> Result<(), OpenError> {
        let model = ReadModel::new(feeder, self.limits)?;
        self.progress.height.store(feeder.tip().height, Ordering::Release);
        self.progress.since.store(feeder.since(), Ordering::Release);
        *self.model.write().unwrap_or_else(PoisonError::into_inner) = Some(model);
        Ok(())
    }

    fn hide(&self) {
        *self.model.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.progress.height.store(0, Ordering::Release);
    }
}

/// Feeds the index until the node stops. An index that does not fit the chain is left alone.
pub(crate) async fn feed(
    graphql: Graphql,
    mut opened: Opened,
    genesis: Arc<Genesis>,
    engine: LedgerView,
    shutdown: Shutdown,
) {
    let mut head = engine.head();
    let progress = Arc::clone(&graphql.progress);
    loop {
        let newest = head.borrow_and_update().height;
        while (opened.feeder.tip().height < newest || opened.must_begin(&engine)) && !shutdown.is_triggered()
        {
            let step =
                Step { graphql: graphql.clone(), genesis: Arc::clone(&genesis), engine: engine.clone() };
            let (back, outcome) = match step.run(opened, shutdown.clone()).await {
                Ok(done) => done,
                // It panicked, which the log has: the index stays as it is.
                Err(_) => return give_up(&progress, &shutdown).await,
            };
            opened = back;
            progress.failing.store(outcome.is_err(), Ordering::Release);
            match outcome {
                Ok(()) => progress.height.store(opened.feeder.tip().height, Ordering::Release),
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

/// What one step of feeding needs.
struct Step {
    graphql: Graphql,
    genesis: Arc<Genesis>,
    engine: LedgerView,
}

impl Step {
    async fn run(
        self,
        mut opened: Opened,
        shutdown: Shutdown,
    ) -> Result<(Opened, Result<(), Failure>), tokio::task::JoinError> {
        tokio::task::spawn_blocking(move || {
            let outcome = self.feed(&mut opened, &|| shutdown.is_triggered());
            (opened, outcome)
        })
        .await
    }

    fn feed(&self, opened: &mut Opened, stop: &dyn Fn() -> bool) -> Result<(), Failure> {
        if !opened.must_begin(&self.engine) {
            return read_and_apply(&mut opened.feeder, &self.engine);
        }
        self.graphql.hide();
        opened.begin(&self.genesis, &self.engine, stop)?;
        self.graphql.show(&opened.feeder).map_err(|error| {
            tracing::error!(%error, "GraphQL cannot be answered");
            Failure::Lasting
        })
    }
}

fn read_and_apply(feeder: &mut Feeder, engine: &LedgerView) -> Result<(), Failure> {
    let next = feeder.tip().height.saturating_add(1);
    let encoded = engine.blocks_bytes(next, BATCH_BYTES).map_err(|error| {
        reply::unreadable(&error);
        Failure::Passing
    })?;
    if encoded.is_empty() {
        tracing::warn!(height = next, "a block that the GraphQL index needs is not there");
        return Err(Failure::Passing);
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

pub(crate) fn page() -> Ready<Response> {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    ready((headers, PAGE).into_response())
}

pub(crate) async fn query(
    State(app): State<App>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ErrorBody> {
    let body = body.map_err(|rejection| {
        let message = "the body is longer than a query may be, or ended too early";
        ErrorBody::caller(rejection.status(), "UNREADABLE_BODY", message)
    })?;
    let Some(graphql) = app.graphql else {
        let message = "this directory node has GraphQL switched off";
        return Err(reply::missing("GRAPHQL_DISABLED", message).with_retry(Retry::Elsewhere));
    };
    let Some(model) = graphql.model() else {
        let message = "the index that GraphQL is answered from is being made: ask again later";
        return Err(ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, "GRAPHQL_PREPARING", message)
            .with_retry(Retry::Later));
    };
    let asked = tokio::task::spawn_blocking(move || model.execute(&body));
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

/// What a query is asked with.
pub(crate) struct GraphqlRequest;

impl Schema for GraphqlRequest {
    fn schema(_: &mut Schemas) -> Value {
        json!({
            "type": "object",
            "required": ["query"],
            "properties": {
                "query": {"type": "string", "description": "A document of GraphQL; only queries are answered."},
                "operationName": {"type": ["string", "null"], "description": "Which of its operations."},
                "variables": {"type": ["object", "null"], "description": "Values of its variables, by name."},
            },
        })
    }
}

/// What is answered, errors of the query included.
pub(crate) struct GraphqlResponse;

impl Schema for GraphqlResponse {
    fn schema(_: &mut Schemas) -> Value {
        let error = json!({
            "type": "object",
            "required": ["message"],
            "properties": {
                "message": {"type": "string"},
                "extensions": {"type": "object", "properties": {"code": {"type": "string"}}},
            },
        });
        json!({
            "type": "object",
            "required": ["data"],
            "properties": {"data": {"type": ["object", "null"]}, "errors": {"type": "array", "items": error}},
        })
    }
}
