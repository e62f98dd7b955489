//! What a storage node says about itself.

use crate::node::Node;
use argosy_api::{
    ErrorBody,
    node::{NodeStatus, VersionView},
    proof::RoleProofView,
};
use argosy_http::{HeaderName, HeaderValue, Peer, header};
use argosy_node_core::follow::Index;
use axum::{
    Extension, Json,
    body::Body,
    extract::{Query, RawQuery, State, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
};
use futures_util::stream;
use serde::Deserialize;
use std::{convert::Infallible, fmt::Write as _, sync::Arc};

/// Version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Ids written at once.
const STEP_IDS: usize = 8192;

pub(super) async fn livez() -> &'static str {
    "ok"
}

pub(super) async fn version() -> Json<VersionView> {
    Json(VersionView { version: VERSION.to_owned(), user_agent: format!("argosy-storage/{VERSION}") })
}

pub(super) async fn status(State(node): State<Arc<Node>>) -> Json<NodeStatus> {
    let totals = node.store.totals();
    let buckets = node.follower.with_index(|index| node.buckets(index));
    Json(NodeStatus {
        version: VERSION.to_owned(),
        role: "storage".to_owned(),
        id: node.id.clone(),
        worker_id: Some(node.worker.0),
        buckets: buckets.iter().map(ToString::to_string).collect(),
        uptime_seconds: node.started.elapsed().as_secs(),
        directory: node.follower.status(),
        objects_count: totals.objects,
        bytes_used: totals.object_bytes.saturating_add(totals.partial_bytes),
        bytes_limit: node.capacity_bytes,
        missing_count: node.counters.missing_count(),
        transfers_count: node.counters.replicating_count().saturating_add(u64::from(node.uploads.count())),
        bytes_sent: node.counters.bytes_sent(),
        bytes_fetched: node.fills.bytes_fetched(),
        warm_up: None,
        proof_of_role: Some(node.prover.view(Some(node.worker), |index| node.own_endpoints(index))),
        endpoints: Some(node.proofs.view()),
    })
}

/// Whose node this is, signed.
pub(super) async fn proof_of_role(
    State(node): State<Arc<Node>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
) -> Result<([(HeaderName, HeaderValue); 1], Json<RoleProofView>), ErrorBody> {
    let own = |index: &Index| node.own_endpoints(index);
    let view = node.prover.answer(peer.client, query.as_deref(), Some(node.worker), own).await?;
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(view)))
}

/// A part of the list; without it, the whole list as Colossus gives it.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    /// Ids above this one only.
    after: Option<u64>,
    /// At most this many.
    limit: Option<usize>,
}

/// Ids of the complete objects, as texts, ascending.
pub(super) async fn data_objects(
    State(node): State<Arc<Node>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, ErrorBody> {
    let Query(page) = page.map_err(|error| super::bad_query(error.body_text()))?;
    let mut ids = node.store.ids();
    if let Some(after) = page.after {
        ids.drain(..ids.partition_point(|id| id.0 <= after));
    }
    ids.truncate(page.limit.unwrap_or(usize::MAX));
    // The text of ten million ids is written as it is sent, not before.
    let pieces = stream::unfold(Some(0), move |at: Option<usize>| {
        let piece = at.map(|at| {
            let mut text = String::from(if at == 0 { "[" } else { "" });
            let end = at.saturating_add(STEP_IDS).min(ids.len());
            for (index, id) in ids.iter().enumerate().take(end).skip(at) {
                let comma = if index == 0 { "" } else { "," };
                // Writing into a text cannot fail.
                let _written = write!(text, "{comma}\"{id}\"");
            }
            let next = (end < ids.len()).then_some(end);
            if next.is_none() {
                text.push(']');
            }
            (Ok::<_, Infallible>(text), next)
        });
        async move { piece }
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from_stream(pieces)).into_response())
}
