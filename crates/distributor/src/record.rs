//! What the node writes down about every request: numbers always, a line if somebody wants it.

use crate::config::LogAddresses;
use argosy_http::{Answered, EdgeMethod, EdgeRequest, Refused};
use argosy_node::Brought;
use argosy_telemetry::{
    ACCESS, ACCESS_REFUSED,
    metrics::{Exposition, Histogram, Kind},
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tracing::{Level, Span};

/// What `x-cache` may say; answers that are no objects have none.
const CACHE: [&str; 4] = ["hit", "pending", "miss", "none"];
/// What answers are told apart by beside that: the first digit of their status.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Answers that told the same about the cache.
#[derive(Debug, Default)]
struct Answers {
    by_class: [AtomicU64; CLASSES.len()],
    sent_bytes: AtomicU64,
    /// Given up by one side before they were whole.
    cut: AtomicU64,
    waited: Histogram,
    total: Histogram,
}

impl Answers {
    fn count(&self, status: u16, sent_bytes: u64) {
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(count) = self.by_class.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sent_bytes.fetch_add(sent_bytes, Ordering::Relaxed);
    }
}

/// Numbers about requests. Nothing of a request's text is in them: there are as many as there are names here.
#[derive(Debug, Default)]
pub(crate) struct Record {
    answers: [Answers; CACHE.len()],
    decisions: Histogram,
    /// How lines have users' addresses.
    addresses: LogAddresses,
}

impl Record {
    pub(crate) fn new(addresses: LogAddresses) -> Self {
        Self { addresses, ..Self::default() }
    }

    /// Counts how long it took to look into the directory.
    pub(crate) fn decided(&self, took: Duration) {
        self.decisions.count(took);
    }

    /// Notes an answer that is over, in the logs of the node whose span this is.
    pub(crate) fn answered(&self, request: &EdgeRequest<'_>, outcome: &Answered, span: &Span) {
        let cache = outcome.headers.value("x-cache");
        let at = CACHE.iter().position(|name| cache == Some(name)).unwrap_or(CACHE.len() - 1);
        let Some(answers) = self.answers.get(at) else { return };
        answers.count(outcome.status.as_u16(), outcome.sent_bytes);
        answers.waited.count(outcome.waited);
        answers.total.count(outcome.total);
        if !outcome.whole {
            answers.cut.fetch_add(1, Ordering::Relaxed);
        }
        if tracing::event_enabled!(target: ACCESS, Level::DEBUG) {
            span.in_scope(|| self.log(request, outcome, cache));
        }
    }

    /// Notes a request that was turned down before anybody could look into it.
    pub(crate) fn refused(&self, refused: &Refused<'_>, span: &Span) {
        let status = refused.status.as_u16();
        let [.., none] = &self.answers;
        none.count(status, refused.sent_bytes);
        if tracing::event_enabled!(target: ACCESS_REFUSED, Level::DEBUG) {
            span.in_scope(|| {
                tracing::debug!(
                    target: ACCESS_REFUSED,
                    label = "PublicApi",
                    client.address = %self.addresses.of(refused.client),
                    http.request.method = refused.method,
                    http.response.status_code = status,
                    http.response.bytes = refused.sent_bytes,
                    url.path = refused.path,
                    event.outcome = "failure",
                    event.reason = refused.message,
                    meta.req.method = refused.method,
                    meta.req.url = refused.path,
                    meta.req.originalUrl = refused.path,
                    meta.res.statusCode = status,
                    "HTTP request refused: {}", refused.message
                );
            });
        }
    }

    fn log(&self, request: &EdgeRequest<'_>, outcome: &Answered, cache: Option<&str>) {
        let brought = outcome.note.as_ref().and_then(|note| note.downcast_ref::<Brought>());
        let brought = brought.filter(|brought| brought.bytes() > 0);
        let (sources, fetched) = brought.map(|brought| (brought.names(), brought.bytes())).unzip();
        let sources = sources.as_deref();
        /// The same line at two places: requests that are refused are anybody's to make, and bounded apart.
        macro_rules! line {
            ($target:expr, $method:expr, $client:expr) => {
                tracing::debug!(
                    target: $target,
                    label = "PublicApi",
                    client.address = %$client,
                    http.request.method = $method,
                    http.request.range = request.range,
                    http.response.status_code = outcome.status.as_u16(),
                    http.response.bytes = outcome.sent_bytes,
                    http.response.body.bytes = outcome.body_bytes,
                    http.response.mime_type = outcome.headers.value("content-type"),
                    url.path = request.path,
                    event.duration = nanoseconds(outcome.total),
                    event.outcome = if outcome.whole { "success" } else { "failure" },
                    argosy.cache = cache,
                    argosy.first_byte = nanoseconds(outcome.waited),
                    argosy.sources = sources,
                    argosy.fetched = fetched,
                    meta.req.method = $method,
                    meta.req.url = request.path,
                    meta.req.originalUrl = request.path,
                    meta.res.statusCode = outcome.status.as_u16(),
                    "meta.res.headers.x-cache" = cache,
                    meta.responseTime = nanoseconds(outcome.total) / 1_000_000,
                    meta.prematurelyClosed = !outcome.whole,
                    "HTTP {} {}", $method, request.path
                )
            };
        }
        let method = match request.method {
            EdgeMethod::Get => "GET",
            EdgeMethod::Head => "HEAD",
            EdgeMethod::Options => "OPTIONS",
        };
        let client = self.addresses.of(request.client);
        if outcome.status.is_client_error() {
            line!(ACCESS_REFUSED, method, client);
        } else {
            line!(ACCESS, method, client);
        }
    }

    /// The numbers, for Prometheus.
    pub(crate) fn expose(&self, text: &mut Exposition) {
        let all = || CACHE.iter().zip(&self.answers);
        let name = "argosy_distributor_requests_total";
        text.family(Kind::Counter, name, "Answers on the public port, by what x-cache says and by status.");
        for (cache, answers) in all() {
            for (class, count) in CLASSES.iter().zip(&answers.by_class) {
                let count = count.load(Ordering::Relaxed);
                text.sample(name, &[("cache", cache), ("status", class)], count);
            }
        }
        for (name, help, of) in COUNTERS {
            text.family(Kind::Counter, name, help);
            for (cache, answers) in all() {
                text.sample(name, &[("cache", cache)], of(answers).load(Ordering::Relaxed));
            }
        }
        for (name, help, of) in HISTOGRAMS {
            text.family(Kind::Histogram, name, help);
            for (cache, answers) in all() {
                text.histogram(name, &[("cache", cache)], of(answers));
            }
        }
        let name = "argosy_distributor_decision_seconds";
        text.family(Kind::Histogram, name, "Time to look into the copy of the directory.");
        text.histogram(name, &[], &self.decisions);
    }
}

type Family<T> = (&'static str, &'static str, fn(&Answers) -> &T);

const COUNTERS: [Family<AtomicU64>; 2] = [
    ("argosy_distributor_sent_bytes_total", "Bytes of answers, heads included.", |answers| {
        &answers.sent_bytes
    }),
    ("argosy_distributor_cut_total", "Answers that were given up before they were whole.", |answers| {
        &answers.cut
    }),
];

const HISTOGRAMS: [Family<Histogram>; 2] = [
    (
        "argosy_distributor_first_byte_seconds",
        "Time from a request to the first bytes of its answer.",
        |answers| &answers.waited,
    ),
    ("argosy_distributor_total_seconds", "Time from a request to the end of its answer.", |answers| {
        &answers.total
    }),
];

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
