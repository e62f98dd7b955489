//! What those who watch the node are answered, on the operator's port and on one of their own.

use crate::node::Node;
use argosy_api::ErrorBody;
use argosy_telemetry::metrics::MEDIA_TYPE;
use axum::{Router, extract::State, http::header, routing::get};
use std::{future::ready, sync::Arc};

/// `/metrics`, `/livez`, `/healthz` and `/readyz`.
pub(crate) fn router(node: Arc<Node>) -> Router {
    let metrics =
        |State(node): State<Arc<Node>>| ready(([(header::CONTENT_TYPE, MEDIA_TYPE)], node.metrics()));
    let is_ready = |State(node): State<Arc<Node>>| {
        ready(node.ensure_ready().map(|()| "ready\n").map_err(|error: ErrorBody| error))
    };
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(|| ready("ok\n")))
        .route("/healthz", get(|| ready("ok\n")))
        .route("/readyz", get(is_ready))
        .with_state(node)
}
