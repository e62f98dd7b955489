//! What the node counts, and how that is told to those who watch it.

use crate::App;
use argosy_http::header;
use argosy_telemetry::metrics::{Exposition, Kind, MEDIA_TYPE};
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    collections::BTreeMap,
    future::{Ready, ready},
    sync::{Mutex, PoisonError},
};

/// Requests by route and status, and submissions by result.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Bounded by the routes that there are and the statuses that they answer.
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    /// Bounded by the codes that there are.
    submissions: Mutex<BTreeMap<String, u64>>,
}

impl Metrics {
    /// Counts a submission: `OK`, or the code of why it failed or was refused.
    pub(crate) fn count_submission(&self, code: &str) {
        bump(&self.submissions, code.to_owned());
    }
}

fn bump<K: Ord>(counts: &Mutex<BTreeMap<K, u64>>, key: K) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.entry(key).or_insert(0);
    *count = count.saturating_add(1);
}

/// Counts every request when it is answered. Paths that lead nowhere share one name: they are the
/// caller's texts.
pub(crate) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    bump(&app.metrics.requests, (route, response.status().as_u16()));
    response
}

pub(crate) fn show(State(app): State<App>) -> Ready<Response> {
    ready(([(header::CONTENT_TYPE, MEDIA_TYPE)], expose(&app)).into_response())
}

fn expose(app: &App) -> String {
    let mut text = Exposition::default();
    let status = crate::health::snapshot(app);
    for (name, help, value) in [
        ("argosy_directory_height", "Height of the newest block.", status.height),
        (
            "argosy_directory_block_time_ms",
            "Time of the newest block, in ms since 1970.",
            status.block_time_ms,
        ),
        ("argosy_directory_lag_ms", "Age of the newest block by this node's clock, in ms.", status.lag_ms),
        ("argosy_directory_pool_transactions", "Transactions that wait for a block.", status.pool_count),
        ("argosy_directory_pool_bytes", "Their bytes.", status.pool_bytes),
        ("argosy_directory_objects", "Data objects in the directory.", status.objects_count),
        ("argosy_directory_followers", "Streams of blocks that are open.", status.followers_count),
        ("argosy_directory_listeners", "Streams of events that are open.", status.listeners_count),
        ("argosy_directory_epoch", "Epoch of the sequencing keys.", status.epoch),
        ("argosy_directory_checkpoint_height", "Height of the newest checkpoint.", status.checkpoint_height),
        ("argosy_directory_oldest_block", "Height of the oldest block kept.", status.oldest_block),
        ("argosy_directory_uptime_seconds", "Seconds since the node started.", status.uptime_seconds),
    ] {
        text.single(Kind::Gauge, name, help, value);
    }
    if let Some(follow) = &status.follow {
        for (name, help, value) in [
            ("argosy_follow_connected", "Whether blocks arrive.", follow.connected),
            ("argosy_follow_halted", "Whether nothing is followed any more.", follow.halted.is_some()),
            ("argosy_follow_alarm", "Whether people should look at the status.", follow.alarm.is_some()),
        ] {
            text.single(Kind::Gauge, name, help, u8::from(value));
        }
    }
    if let Some(height) = status.confirmed_height {
        let help = "Height that enough standbys have confirmed.";
        text.single(Kind::Gauge, "argosy_directory_confirmed_height", help, height);
    }
    let name = "argosy_directory_submissions_total";
    text.family(Kind::Counter, name, "Transactions that were answered, by result.");
    for (code, count) in &*app.metrics.submissions.lock().unwrap_or_else(PoisonError::into_inner) {
        text.sample(name, &[("result", code)], count);
    }
    let name = "argosy_http_requests_total";
    text.family(Kind::Counter, name, "Requests that were answered, by route and status.");
    for ((route, status), count) in &*app.metrics.requests.lock().unwrap_or_else(PoisonError::into_inner) {
        text.sample(name, &[("route", route), ("status", &status.to_string())], count);
    }
    text.process();
    text.finish()
}
