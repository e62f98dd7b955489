//! The operator's port: Argus' operator API, signed requests that change a running node.
//!
//! | request | body | does |
//! |---|---|---|
//! | `POST /api/v1/stop-api`, `start-api` | `{}` | closes, opens the public port |
//! | `POST /api/v1/set-worker` | `{"workerId":3}` | delivers for that worker |
//! | `POST /api/v1/set-buckets` | `{"buckets":["0:1"]}`, or `{}` for all of the worker | delivers these buckets |
//! | `POST /api/v1/shutdown` | `{}` | ends the node, as SIGTERM does |
//! | `POST /api/v1/drop` | `{"object":7}` | takes an object out of the cache |
//! | `POST /api/v1/log-level` | `{"output":"file","level":"debug"}` | logs more or less, until the process ends |
//! | `GET /api/v1/status` | | tells how the node does |
//! | `GET /api/v1/operator` | | tells what a strong token needs to know |
//! | `GET /metrics`, `/livez`, `/healthz`, `/readyz` | | for those who watch |
//!
//! `GET` needs no signature. The first five are Argus', and are done for its tokens ([`token`]) and for ours
//! ([`strong`]); `drop` and `log-level` for ours only.
//!
//! A change is on disk before it is in force, and in force when the answer comes. Answers are those of
//! Argus: 200 with nothing, 400, 401, 409.

mod answers;
mod changes;
mod door;
pub mod strong;
pub mod token;

pub use changes::ChangesError;
pub(crate) use changes::{Changes, Duty};
pub(crate) use door::Door;

use crate::{
    config::{BucketName, Config, Requirement, operator::accounts},
    node::{Node, OnDuty},
    upkeep, watch,
};
use answers::Refusal;
use argosy_domain::DataObjectId;
use argosy_http::Shutdown;
use argosy_node::config::LogLevel;
use argosy_telemetry::Output;
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
use strong::{Guard, Signed};
use tokio::sync::Mutex;

/// Largest body of a request, in bytes: that of Argus.
const MAX_BODY_BYTES: usize = 100 * 1024;

/// What the operator's requests act on.
struct Operator {
    node: Arc<Node>,
    door: Door,
    guard: Guard,
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
    Drop,
    LogLevel,
}

impl Action {
    /// Whether it is none of Argus'; those are done for strong tokens only.
    const fn is_ours(self) -> bool {
        matches!(self, Self::Drop | Self::LogLevel)
    }
}

/// The routes of the operator's port.
pub(crate) fn router(node: Arc<Node>, door: Door, changes: Changes, shutdown: Shutdown) -> Router {
    let operator = Arc::new(Operator {
        guard: guard_of(&node.config),
        node: Arc::clone(&node),
        door,
        changes: Mutex::new(changes),
        shutdown,
    });
    let status = async |State(operator): State<Arc<Operator>>| Json(operator.node.status());
    let hello = async |State(operator): State<Arc<Operator>>| Json(operator.guard.hello(now_ms()));
    let mut router = Router::new()
        .route("/api/v1/status", routing::get(status))
        .route("/api/v1/operator", routing::get(hello));
    for (name, action) in [
        ("stop-api", Action::StopApi),
        ("start-api", Action::StartApi),
        ("shutdown", Action::Shutdown),
        ("set-worker", Action::SetWorker),
        ("set-buckets", Action::SetBuckets),
        ("drop", Action::Drop),
        ("log-level", Action::LogLevel),
    ] {
        let handler =
            async move |State(operator): State<Arc<Operator>>, uri: Uri, headers: HeaderMap, body: Bytes| {
                let url = uri.path_and_query().map_or(uri.path(), |url| url.as_str());
                operator.answer(action, url, &headers, &body).await
            };
        router = router.route(&format!("/api/v1/{name}"), routing::post(handler));
    }
    router
        .with_state(operator)
        .merge(watch::router(node))
        .fallback(answers::not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

fn guard_of(config: &Config) -> Guard {
    let api = config.operator_api.as_ref();
    // What is no address was told when the configuration was read.
    let keys = api.and_then(|api| accounts(&api.keys).ok()).unwrap_or_default();
    Guard::new(config.id.clone(), api.and_then(|api| api.hmac_secret.clone()), keys)
}

/// Milliseconds since 1970. A clock before that lets no token through.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Operator {
    async fn answer(&self, action: Action, url: &str, headers: &HeaderMap, body: &[u8]) -> Response {
        let done = match self.admit(action, url, headers, body) {
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
    fn admit(&self, action: Action, url: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
        let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = header.and_then(|header| header.split_once(' ')).unwrap_or_default();
        if scheme.eq_ignore_ascii_case(strong::SCHEME) {
            self.guard.check(token, Signed { method: "POST", path: url, body }, now_ms())?;
            return json_of(body);
        }
        let api = self.node.config.operator_api.as_ref();
        if action.is_ours() || api.is_some_and(|api| api.require == Requirement::Strong) {
            return Err(Refusal::Weak);
        }
        let secret = api.and_then(|api| api.hmac_secret.as_deref()).ok_or(Refusal::NoSecret)?;
        let body = json_of(body)?;
        token::verify(header, secret, url, &body, now_ms() / 1_000)?;
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
            Action::Drop => {
                let id = number_of(body, "object")?;
                upkeep::drop_object(&self.node, DataObjectId(id)).await;
            }
            Action::LogLevel => set_log_level(body)?,
        }
        tracing::info!(url, %body, "done as the operator asked");
        Ok(())
    }

    async fn stop(&self) -> Result<(), Refusal> {
        {
            let mut changes = self.changes.lock().await;
            if changes.is_stopped() {
                return Err(Refusal::Already("Already stopped"));
            }
            changes.set_stopped(true)?;
        }
        // Answers may go on for a while; other requests of the operator need not wait for that.
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

fn json_of(body: &[u8]) -> Result<Value, Refusal> {
    match body {
        [] => Ok(Value::Object(serde_json::Map::new())),
        body => serde_json::from_slice(body).map_err(|error| Refusal::NoJson(error.to_string())),
    }
}

/// Until the process ends; the configuration counts again then.
fn set_log_level(body: &Value) -> Result<(), Refusal> {
    let output = match body.get("output").and_then(Value::as_str) {
        Some("console") => Output::Console,
        Some("file") => Output::File,
        Some("elastic") => Output::Elastic,
        _ => return Err(Refusal::body("output", "should be equal to one of the allowed values")),
    };
    let level = body.get("level").cloned().unwrap_or_default();
    let level = serde_json::from_value::<LogLevel>(level)
        .map_err(|_| Refusal::body("level", "should be equal to one of the allowed values"))?;
    match argosy_telemetry::set_filter(output, level.filter()) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Refusal::body("output", "should be one that the configuration has")),
    }
}

fn worker_of(body: &Value) -> Result<u64, Refusal> {
    number_of(body, "workerId")
}

fn number_of(body: &Value, place: &'static str) -> Result<u64, Refusal> {
    match body.get(place) {
        None => Err(Refusal::body(
            "",
            match place {
                "workerId" => "should have required property 'workerId'",
                _ => "should have required property 'object'",
            },
        )),
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
