//! Which path leads where.

use crate::{App, blocks, entities, graphql, reply, transactions};
use argosy_api::{ErrorBody, directory::DirectoryStatus, genesis::GenesisFile};
use argosy_domain::{limits::MAX_TRANSACTION_BYTES, num::to_u64};
use argosy_http::StatusCode;
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    routing::{get, post},
};
use std::future::{Ready, ready};

pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/livez", get(|| ready("ok\n")))
        .route("/api/v1/genesis", get(genesis))
        .route("/api/v1/status", get(status))
        .route("/api/v1/transactions", post(transactions::submit))
        .route("/api/v1/transactions/{hash}", get(transactions::find))
        .route("/api/v1/blocks", get(blocks::stream))
        .route("/api/v1/accounts/{account}", get(entities::account))
        .route("/api/v1/objects/{id}", get(entities::object))
        .route("/api/v1/bags/{bag}", get(entities::bag))
        .route("/api/v1/storage-buckets", get(entities::storage_buckets))
        .route("/api/v1/distribution-buckets", get(entities::distribution_buckets))
        .route("/api/v1/families", get(entities::families))
        .route("/api/v1/policies", get(entities::policies))
        .route("/api/v1/channels", get(entities::channels))
        .route("/api/v1/channels/{id}", get(entities::channel))
        .route("/api/v1/members", get(entities::members))
        .route("/api/v1/members/{name}", get(entities::member))
        .merge(graphql::router())
        .fallback(|| ready(reply::missing("NO_SUCH_ROUTE", "a directory node has nothing at this path")))
        .method_not_allowed_fallback(|| {
            ready(ErrorBody::caller(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "this path does not take this method",
            ))
        })
        .layer(DefaultBodyLimit::max(MAX_TRANSACTION_BYTES))
        .with_state(app)
}

fn genesis(State(app): State<App>) -> Ready<Json<GenesisFile>> {
    ready(Json(GenesisFile::from(&*app.genesis)))
}

async fn status(State(app): State<App>) -> Result<Json<DirectoryStatus>, ErrorBody> {
    let objects_count = app.engine.read(|state| state.objects_count()).await.map_err(reply::stopped)?;
    let tip = *app.engine.head().borrow();
    Ok(Json(DirectoryStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        network: app.genesis.network.clone(),
        genesis: hex::encode(app.genesis.hash()),
        height: tip.height,
        head: hex::encode(tip.hash),
        state_root: hex::encode(tip.state_root),
        block_time_ms: tip.time_ms,
        uptime_seconds: app.started.elapsed().as_secs(),
        pool_count: to_u64(app.engine.pool_count()),
        objects_count,
        graphql: app.graphql.map(|graphql| graphql.status(tip.height)),
    }))
}
