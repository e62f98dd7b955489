//! Sends what waits, and keeps it on disk while it cannot be sent.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use argosy_domain::num::to_u64;
use argosy_http::{AddressPolicy, Client, ClientConfig, HeaderValue, Request, header};
use tokio::time::{Instant, timeout};

use super::{
    Doc, ElasticCounters, ElasticPlan, MAX_BATCH_BYTES, Queue,
    answer::{self, MAX_ANSWER_BYTES, Verdict},
    spool::Spool,
};

/// Longest that a request may take, the answer included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The same when the process ends: what is not sent by then goes to disk.
const LAST_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause after the first failure; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A failure that lasts is told again after so long.
const TELL_AGAIN: Duration = Duration::from_secs(600);

/// Whether sending goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    All,
    Failed,
}

pub(super) struct Shipper {
    plan: ElasticPlan,
    queue: Arc<Queue>,
    spool: Spool,
    counters: Arc<ElasticCounters>,
    client: Client,
    authorization: Option<HeaderValue>,
    failing: Option<Failing>,
}

/// Since when, and what about it.
struct Failing {
    pause: Duration,
    until: Instant,
    told: Instant,
}

impl Shipper {
    pub(super) fn new(
        plan: ElasticPlan,
        queue: Arc<Queue>,
        spool: Spool,
        counters: Arc<ElasticCounters>,
    ) -> Self {
        // The operator's own choice; it may well be on this machine.
        let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
        let authorization = plan.authorization().and_then(|value| HeaderValue::try_from(value).ok());
        let authorization = authorization.map(|mut value| {
            value.set_sensitive(true);
            value
        });
        Self { plan, queue, spool, counters, client, authorization, failing: None }
    }

    /// Sends until the queue is closed, and what is left then once more.
    pub(super) async fn run(mut self) {
        while !self.queue.stopping.load(Ordering::Acquire) {
            let _ = timeout(self.plan.interval, self.queue.wake.notified()).await;
            self.round().await;
        }
        let rest = self.queue.take_all();
        let last = timeout(LAST_TIMEOUT, self.last(&rest)).await;
        if last != Ok(Sent::All) {
            self.keep(&rest);
        }
    }

    /// One attempt, if the last one did not fail.
    async fn last(&mut self, rest: &[Doc]) -> Sent {
        if rest.is_empty() {
            return Sent::All;
        }
        if self.failing.is_some() || !self.spool.is_empty() {
            return Sent::Failed;
        }
        for batch in batches(rest) {
            // What is sent again after a failure in the middle has the same ids.
            if self.post(batch).await != (Verdict::Taken { again: Vec::new(), rejected: 0 }) {
                return Sent::Failed;
            }
        }
        self.counters.sent.fetch_add(to_u64(rest.len()), Ordering::Relaxed);
        Sent::All
    }

    /// Sends what waits on disk and then what waits in memory, or puts the latter on disk.
    async fn round(&mut self) {
        let fresh = self.queue.take_all();
        if self.spool.is_empty() {
            let mut left = &fresh[..];
            while !left.is_empty() {
                let (batch, rest) = left.split_at(batch_len(left));
                if !self.may_send() || self.send(batch.to_vec()).await == Sent::Failed {
                    return self.keep(left);
                }
                left = rest;
            }
            return;
        }
        // Behind what is there already; the newest come last.
        self.keep(&fresh);
        while !self.spool.is_empty() && self.may_send() {
            let docs = self.spool.read_oldest();
            if self.send(docs).await == Sent::Failed {
                return;
            }
            self.spool.remove_oldest();
            self.note_spool();
        }
    }

    /// Not while the process ends, nor soon after a failure.
    fn may_send(&self) -> bool {
        let pauses = self.failing.as_ref().is_some_and(|failing| Instant::now() < failing.until);
        !pauses && !self.queue.stopping.load(Ordering::Acquire)
    }

    fn keep(&mut self, docs: &[Doc]) {
        let lost = self.spool.append(docs);
        self.counters.dropped.fetch_add(lost, Ordering::Relaxed);
        self.note_spool();
    }

    fn note_spool(&self) {
        self.counters.spooled_bytes.store(self.spool.bytes(), Ordering::Relaxed);
    }

    /// Sends lines until each is taken or turned down; a failure means that all are still to be kept.
    async fn send(&mut self, docs: Vec<Doc>) -> Sent {
        let queue = Arc::clone(&self.queue);
        let mut parts = vec![docs];
        while let Some(docs) = parts.pop() {
            if docs.is_empty() {
                continue;
            }
            let verdict = tokio::select! {
                verdict = self.post(&docs) => verdict,
                () = stopped(&queue) => return Sent::Failed,
            };
            match verdict {
                Verdict::Taken { again, rejected } => {
                    let (again_count, rejected) = (to_u64(again.len()), to_u64(rejected));
                    let taken = to_u64(docs.len()).saturating_sub(again_count + rejected);
                    self.counters.sent.fetch_add(taken, Ordering::Relaxed);
                    self.reject(rejected);
                    if !again.is_empty() {
                        // The others must not be held up by these.
                        let again: Vec<Doc> =
                            again.into_iter().filter_map(|at| docs.get(at).cloned()).collect();
                        self.failed("it takes some lines only later");
                        self.keep(&again);
                        continue;
                    }
                    self.recovered();
                }
                Verdict::TooMuch if docs.len() > 1 => {
                    let (first, second) = docs.split_at(docs.len() / 2);
                    parts.extend([second.to_vec(), first.to_vec()]);
                }
                Verdict::TooMuch | Verdict::Rejected => self.reject(to_u64(docs.len())),
                Verdict::Later => return Sent::Failed,
            }
        }
        Sent::All
    }

    fn reject(&self, lines: u64) {
        if lines > 0 {
            self.counters.rejected.fetch_add(lines, Ordering::Relaxed);
            tracing::warn!(lines, "Elasticsearch turns lines of the log down for good");
        }
    }

    async fn post(&mut self, docs: &[Doc]) -> Verdict {
        let body: String = docs.iter().map(|doc| doc.0.as_str()).collect();
        let mut request =
            Request::post(self.plan.url()).header(header::CONTENT_TYPE, "application/x-ndjson").bytes(body);
        if let Some(value) = &self.authorization {
            request = request.header(header::AUTHORIZATION, value.clone());
        }
        let exchange = async {
            let response = self.client.send(request).await.map_err(|error| error.to_string())?;
            let status = response.status();
            let body = response.collect(MAX_ANSWER_BYTES).await.map_err(|error| error.to_string())?;
            match answer::read(status, &body, docs.len()) {
                Verdict::Later if status.is_success() => {
                    Err("its answer is not one of Elasticsearch".to_owned())
                }
                Verdict::Later => Err(format!("it answers {}", status.as_u16())),
                verdict @ (Verdict::Taken { .. } | Verdict::TooMuch | Verdict::Rejected) => Ok(verdict),
            }
        };
        let result = timeout(REQUEST_TIMEOUT, exchange).await;
        match result.unwrap_or_else(|_| Err("it takes too long".to_owned())) {
            Ok(verdict) => verdict,
            Err(why) => {
                self.failed(&why);
                Verdict::Later
            }
        }
    }

    fn failed(&mut self, why: &str) {
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let told = self.failing.as_ref().map(|failing| failing.told);
        let pause = self.failing.as_ref().map_or(FIRST_PAUSE, |failing| failing.pause * 2).min(LONGEST_PAUSE);
        let told = match told {
            Some(told) if now < told + TELL_AGAIN => told,
            _ => {
                let stream = &self.plan.stream;
                tracing::warn!(stream, why, "the log cannot be sent to Elasticsearch: it is kept on disk");
                now
            }
        };
        // Nodes that lost the endpoint together do not come back together.
        let spread = pause.mul_f64(0.5 + fastrand::f64());
        self.failing = Some(Failing { pause, until: now + spread, told });
    }

    fn recovered(&mut self) {
        if self.failing.take().is_some() {
            tracing::info!(stream = self.plan.stream, "the log is sent to Elasticsearch again");
        }
    }
}

/// Comes back when the queue is closed.
async fn stopped(queue: &Queue) {
    loop {
        if queue.stopping.load(Ordering::Acquire) {
            return;
        }
        queue.wake.notified().await;
    }
}

/// How many of the first lines make one request; at least one.
fn batch_len(docs: &[Doc]) -> usize {
    let mut bytes = 0;
    let more = docs.iter().take_while(|doc| {
        bytes += doc.0.len();
        bytes <= MAX_BATCH_BYTES
    });
    more.count().max(1).min(docs.len())
}

fn batches(docs: &[Doc]) -> impl Iterator<Item = &[Doc]> {
    let mut left = docs;
    std::iter::from_fn(move || {
        if left.is_empty() {
            return None;
        }
        let (batch, rest) = left.split_at(batch_len(left));
        left = rest;
        Some(batch)
    })
}
