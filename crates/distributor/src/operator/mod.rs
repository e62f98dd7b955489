//! The operator's port: Argus' operator API, signed requests that change a running node.
//!
//! | request | body | does |
//! |---|---|---|
//! | `POST /api/v1/stop-api`, `start-api` | `{}` | closes, opens the public port |
//! | `POST /api/v1/set-worker` | `{"workerId":3}` | delivers for that worker |
//! | `POST /api/v1/set-buckets` | `{"buckets":["0:1"]}`, or `{}` for all of the worker | delivers these buckets |
//! | `POST /api/v1/shutdown` | `{}` | ends the node, as SIGTERM does |
//! | `GET /api/v1/status` | | tells how the node does; the only one that needs no signature |
//!
//! A change is on disk before it is in force, and in force when the answer comes. Answers are those of
//! Argus: 200 with nothing, 400, 401, 409.

mod answers;
mod changes;
mod door;
pub mod token;

pub use changes::ChangesError;
pub(crate) use changes::{Changes, Duty};
pub(crate) use door::Door;

use crate::{
    config::BucketName,
    node::{Node, OnDuty},
};
use answers::Refusal;
use argosy_http::Shutdown;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Uri, header},
    response::{IntoResponse as _, Response},
    routing,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::Mutex;

/// Largest body of a request, in bytes: that of Argus.
const MAX_BODY_BYTES: usize = 100 * 1024;

/// What the operator's requests act on.
struct Operator {
    node: Arc<Node>,
    door: Door,
    /// Changes are made one after the other.
    changes: Mutex<Changes>,
    shutdown: Shutdown,
}

/// What is asked for.
#[derive(Clone, Copy)]
enum Action {
    StopApi,
    StartApi,
    Shutdown,
    SetWorker,
    SetBuckets,
}

/// The routes of the operator's port.
pub(crate) fn router(node: Arc<Node>, door: Door, changes: Changes, shutdown: Shutdown) -> Router {
    let operator = Arc::new(Operator { node, door, changes: Mutex::new(changes), shutdown });
    let status = async |State(operator): State<Arc<Operator>>| Json(operator.node.status());
    let mut router = Router::new().route("/api/v1/status", routing::get(status));
    for (name, action) in [
        ("stop-api", Action::StopApi),
        ("start-api", Action::StartApi),
        ("shutdown", Action::Shutdown),
        ("set-worker", Action::SetWorker),
        ("set-buckets", Action::SetBuckets),
    ] {
        let handler =
            async move |State(operator): State<Arc<Operator>>, uri: Uri, headers: HeaderMap, body: Bytes| {
                let url = uri.path_and_query().map_or(uri.path(), |url| url.as_str());
                operator.answer(action, url, &headers, &body).await
            };
        router = router.route(&format!("/api/v1/{name}"), routing::post(handler));
    }
    router.fallback(answers::not_found).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).with_state(operator)
}

impl Operator {
    async fn answer(&self, action: Action, url: &str, headers: &HeaderMap, body: &[u8]) -> Response {
        let done = match self.admit(url, headers, body) {
            Ok(body) => self.act(action, url, &body).await,
            Err(refusal) => Err(refusal),
        };
        match done {
            Ok(()) => ().into_response(),
            Err(refusal) => {
                tracing::warn!(url, refusal = %refusal, "a request of the operator was refused");
                refusal.answer(url)
            }
        }
    }

    /// The body of a request that the operator has signed.
    fn admit(&self, url: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
        let secret = self.node.config.operator_api.as_ref().and_then(|api| api.hmac_secret.as_deref());
        let Some(secret) = secret else { return Err(Refusal::NoSecret) };
        let body = match body {
            [] => Value::Object(serde_json::Map::new()),
            body => serde_json::from_slice(body).map_err(|error| Refusal::NoJson(error.to_string()))?,
        };
        let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        // A clock before 1970 lets no token through.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        token::verify(header, secret, url, &body, now)?;
        Ok(body)
    }

    async fn act(&self, action: Action, url: &str, body: &Value) -> Result<(), Refusal> {
        match action {
            Action::StopApi => self.stop().await?,
            Action::StartApi => self.start().await?,
            Action::Shutdown => {
                if self.shutdown.is_triggered() {
                    return Err(Refusal::Already("Already shutting down"));
                }
                self.shutdown.trigger();
            }
            Action::SetWorker => {
                let worker = worker_of(body)?;
                self.set_duty(|duty| Duty { worker_id: Some(worker), ..duty }).await?;
            }
            Action::SetBuckets => {
                let buckets = buckets_of(body)?;
                self.set_duty(|duty| Duty { buckets, ..duty }).await?;
            }
        }
        tracing::info!(url, %body, "done as the operator asked");
        Ok(())
    }

    async fn stop(&self) -> Result<(), Refusal> {
        let mut changes = self.changes.lock().await;
        if changes.is_stopped() {
            return Err(Refusal::Already("Already stopped"));
        }
        changes.set_stopped(true)?;
        Ok(self.door.close().await?)
    }

    async fn start(&self) -> Result<(), Refusal> {
        let mut changes = self.changes.lock().await;
        if !changes.is_stopped() {
            return Err(Refusal::Already("Already started"));
        }
        // First, because the port may have been taken meanwhile.
        self.door.open().await?;
        Ok(changes.set_stopped(false)?)
    }

    async fn set_duty(&self, change: impl FnOnce(Duty) -> Duty) -> Result<(), Refusal> {
        let mut changes = self.changes.lock().await;
        let duty = change(changes.duty().clone());
        let on_duty = OnDuty::new(&duty);
        changes.set_duty(duty)?;
        self.node.duty.store(Arc::new(on_duty));
        Ok(())
    }
}

fn worker_of(body: &Value) -> Result<u64, Refusal> {
    let place = "workerId";
    match body.get(place) {
        None => Err(Refusal::body("", "should have required property 'workerId'")),
        Some(worker) => match worker.as_u64() {
            Some(worker) => Ok(worker),
            None if worker.is_i64() => Err(Refusal::body(place, "should be >= 0")),
            None => Err(Refusal::body(place, "should be integer")),
        },
    }
}

/// The list of a body, or nothing for all buckets of the worker.
fn buckets_of(body: &Value) -> Result<Option<Vec<BucketName>>, Refusal> {
    let place = "buckets";
    let Some(list) = body.get(place) else { return Ok(None) };
    let list = list.as_array().ok_or_else(|| Refusal::body(place, "should be array"))?;
    if list.is_empty() {
        return Err(Refusal::body(place, "should NOT have fewer than 1 items"));
    }
    let mut buckets = BTreeSet::new();
    for (at, name) in list.iter().enumerate() {
        let wrong = |what| Refusal::body(&format!("{place}[{at}]"), what);
        let name = name.as_str().ok_or_else(|| wrong("should be string"))?;
        let bucket = name.parse().map_err(|_| wrong("should match pattern \"^[0-9]+:[0-9]+$\""))?;
        if !buckets.insert(bucket) {
            return Err(Refusal::body(place, "should NOT have duplicate items"));
        }
    }
    Ok(Some(buckets.into_iter().map(BucketName).collect()))
}
