//! Lines for Elasticsearch: a bounded queue in memory, and a thread that sends what is in it.
//!
//! ```text
//! events ──> Queue (bytes) ──every 5 s──> Shipper ──_bulk──> the endpoint
//!                                            └──while it is away──> Spool (bytes, on disk) ──later──┘
//! ```
//!
//! Whoever logs never waits: a full queue loses lines, and they are counted. Each line has an id of its
//! own, so that one that is sent twice stands in the index once.
//!
//! Source: what is sent where is `winston-elasticsearch` 0.17 as Argus sets it up: a data stream, flushed
//! every five seconds.

mod answer;
mod ship;
mod spool;

use std::{
    collections::VecDeque,
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::{
    InitError,
    entry::Entry,
    machine::{Sink, thread_ships},
};

/// Most bytes that wait in memory.
const MAX_QUEUE_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of one request, but for a single line that is longer.
const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// Most bytes that wait on disk while the endpoint is away; the oldest go first.
const MAX_SPOOL_BYTES: u64 = 64 * 1024 * 1024;
/// Longest name of a data stream, in bytes.
///
/// Source: Elasticsearch, "Index name criteria".
const MAX_STREAM_BYTES: usize = 255;

/// Where lines are sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ElasticPlan {
    /// Root URL of Elasticsearch, `http://host:port` or `https://host`.
    pub endpoint: String,
    /// Name of the data stream; see [`data_stream`].
    pub stream: String,
    /// Who sends.
    pub source: String,
    /// Name and password.
    pub auth: Option<(String, String)>,
    /// Folder of what waits while the endpoint is away. Created when missing.
    pub spool: PathBuf,
    /// How often lines are sent.
    pub interval: Duration,
}

impl fmt::Debug for ElasticPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Configurations end up in logs.
        f.debug_struct("ElasticPlan")
            .field("endpoint", &self.endpoint)
            .field("stream", &self.stream)
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}

/// How often Argus sends its lines.
pub const FLUSH_INTERVAL: Duration = Duration::from_secs(5);

/// The data stream of a node: `PREFIX-ID` in lower case; what Elasticsearch does not allow in a name, or
/// a URL would have to escape, becomes `_`.
#[must_use]
pub fn data_stream(prefix: Option<&str>, id: &str) -> String {
    let name = format!("{}-{id}", prefix.unwrap_or("logs-argus")).to_lowercase();
    let allowed = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-' | '+');
    let mut name: String = name.chars().map(|char| if allowed(char) { char } else { '_' }).collect();
    name.truncate(MAX_STREAM_BYTES);
    // The first character has rules of its own.
    if name.starts_with(['-', '_', '+', '.']) {
        name.replace_range(..1, "x");
    }
    name
}

impl ElasticPlan {
    /// Whether the endpoint is one that can be sent to: names and passwords do not belong into URLs.
    #[must_use]
    pub fn is_spoken(&self) -> bool {
        let rest = self.endpoint.strip_prefix("http://").or_else(|| self.endpoint.strip_prefix("https://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', '?', '#']))
    }

    fn url(&self) -> String {
        // Only what is looked at is asked for: the answer would repeat every line's place.
        let wanted = "filter_path=errors,items.*.status";
        format!("{}/{}/_bulk?{wanted}", self.endpoint.trim_end_matches('/'), self.stream)
    }

    fn authorization(&self) -> Option<String> {
        let (name, password) = self.auth.as_ref()?;
        Some(format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
    }
}

/// What became of lines for Elasticsearch.
#[derive(Debug, Default)]
pub(crate) struct ElasticCounters {
    pub(crate) sent: AtomicU64,
    /// Turned down by the endpoint, for good.
    pub(crate) rejected: AtomicU64,
    /// Lost because the queue, the spool or the disk was full.
    pub(crate) dropped: AtomicU64,
    /// Failed attempts to send.
    pub(crate) failures: AtomicU64,
    pub(crate) spooled_bytes: AtomicU64,
}

/// A document and the line of the bulk request before it, each with its end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Doc(String);

/// What waits in memory.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Enough for a request waits, or nothing more will come.
    wake: Notify,
    stopping: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    docs: VecDeque<Doc>,
    bytes: usize,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there was room.
    fn push(&self, doc: Doc) -> bool {
        let mut waiting = self.waiting();
        let bytes = waiting.bytes.saturating_add(doc.0.len());
        if bytes > MAX_QUEUE_BYTES {
            return false;
        }
        waiting.bytes = bytes;
        waiting.docs.push_back(doc);
        if bytes >= MAX_BATCH_BYTES {
            self.wake.notify_one();
        }
        true
    }

    fn take_all(&self) -> Vec<Doc> {
        let mut waiting = self.waiting();
        waiting.bytes = 0;
        waiting.docs.drain(..).collect()
    }
}

/// Takes lines for Elasticsearch.
pub(crate) struct ElasticSink {
    queue: Arc<Queue>,
    counters: Arc<ElasticCounters>,
    source: String,
    /// Of this process, at random: ids of lines begin with it.
    process: u64,
    next: AtomicU64,
}

impl Sink for ElasticSink {
    fn form(&self, entry: &Entry) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let document = entry.document(&self.source);
        format!("{{\"create\":{{\"_id\":\"{:016x}-{number}\"}}}}\n{document}\n", self.process)
    }

    fn take(&self, line: String) {
        if !self.queue.push(Doc(line)) {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_deaf(&self) -> bool {
        thread_ships()
    }
}

/// The thread that sends; dropping it sends or keeps what still waits, within two seconds.
#[derive(Debug)]
pub(crate) struct Shipping {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Shipping {
    fn drop(&mut self) {
        self.queue.stopping.store(true, Ordering::Release);
        self.queue.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Begins to send.
pub(crate) fn start(
    plan: ElasticPlan,
    counters: Arc<ElasticCounters>,
) -> Result<(ElasticSink, Shipping), InitError> {
    let failed = |source| InitError::Directory { directory: plan.spool.clone(), source };
    let spool = spool::Spool::open(&plan.spool, MAX_SPOOL_BYTES).map_err(failed)?;
    let queue = Arc::new(Queue::default());
    let sink = ElasticSink {
        queue: Arc::clone(&queue),
        counters: Arc::clone(&counters),
        source: plan.source.clone(),
        process: fastrand::u64(..),
        next: AtomicU64::new(0),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let directory = plan.spool.clone();
    let shipper = ship::Shipper::new(plan, Arc::clone(&queue), spool, counters);
    let run = move || {
        crate::machine::this_thread_ships();
        runtime.block_on(shipper.run());
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
    };
    let thread = thread::Builder::new().name("log-elastic".to_owned()).spawn(run);
    let thread = thread.map_err(|source| InitError::Directory { directory, source })?;
    Ok((sink, Shipping { queue, thread: Some(thread) }))
}

#[cfg(test)]
mod tests;
