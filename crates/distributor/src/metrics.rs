//! Everything that the node counts, as Prometheus reads it. The table in `docs/operating.md` explains it.

use crate::node::Node;
use argosy_domain::num::to_u64;
use argosy_node_core::sources::{Failure, Told};
use argosy_telemetry::{
    LogCounts,
    metrics::{Exposition, Kind},
};
use std::sync::atomic::Ordering;

impl Node {
    /// The answer to `GET /metrics`.
    pub(crate) fn metrics(&self) -> String {
        let mut text = Exposition::default();
        self.record.expose(&mut text);
        self.expose_cache(&mut text);
        expose_sources(&mut text, &self.fills.told_of_sources());
        self.scrub.expose(&mut text);
        self.expose_proofs(&mut text);
        self.expose_follower(&mut text);
        self.expose_connections(&mut text);
        expose_logs(&mut text);
        let up = self.started.elapsed().as_secs();
        text.single(Kind::Gauge, "argosy_distributor_uptime_seconds", "Seconds since the node started.", up);
        text.process();
        text.finish()
    }

    fn expose_cache(&self, text: &mut Exposition) {
        let (evicted_objects, evicted_bytes) = self.cache.evicted();
        for (name, help, value) in [
            (
                "argosy_distributor_fetched_bytes_total",
                "Bytes of objects that were fetched.",
                self.fills.bytes_fetched(),
            ),
            (
                "argosy_distributor_wrong_answers_total",
                "Answers of sources that held wrong bytes; none was let out.",
                self.fills.wrong_answers(),
            ),
            (
                "argosy_distributor_object_bytes_total",
                "Bytes of objects that were sent.",
                self.bytes_sent.load(Ordering::Relaxed),
            ),
            (
                "argosy_distributor_evicted_objects_total",
                "Objects that had to make room in the cache.",
                evicted_objects,
            ),
            (
                "argosy_distributor_evicted_bytes_total",
                "Bytes of objects that had to make room in the cache.",
                evicted_bytes,
            ),
        ] {
            text.single(Kind::Counter, name, help, value);
        }
        for (name, help, value) in [
            ("argosy_distributor_fills", "Fills under way.", to_u64(self.fills.active_count())),
            ("argosy_distributor_cache_bytes", "Bytes of the cache that are used.", self.cache.used_bytes()),
            (
                "argosy_distributor_cache_limit_bytes",
                "Bytes that the cache may use.",
                self.config.limits.storage.0,
            ),
            (
                "argosy_distributor_cache_objects",
                "Complete objects in the cache.",
                self.store.totals().objects,
            ),
        ] {
            text.single(Kind::Gauge, name, help, value);
        }
    }

    fn expose_proofs(&self, text: &mut Exposition) {
        let view = self.proofs.view();
        let name = "argosy_distributor_endpoints";
        text.family(Kind::Gauge, name, "Endpoints of others, by whether they have proved whose they are.");
        for (state, count) in [("proven", view.proven_count), ("unproven", view.unproven_count)] {
            text.sample(name, &[("state", state)], count);
        }
        let name = "argosy_distributor_challenges_total";
        text.family(Kind::Counter, name, "Challenges to endpoints of others, by what came of them.");
        let (proven, failed) = self.proofs.outcomes();
        for (outcome, count) in [("proven", proven), ("failed", failed)] {
            text.sample(name, &[("outcome", outcome)], count);
        }
        let (name, help) =
            ("argosy_distributor_proofs_given_total", "Challenges that this node has answered.");
        text.single(Kind::Counter, name, help, self.prover.answered_count());
    }

    fn expose_follower(&self, text: &mut Exposition) {
        let status = self.follower.status();
        for (name, help, value) in [
            ("argosy_distributor_directory_height", "Height of the newest block applied.", status.height),
            ("argosy_distributor_directory_lag_ms", "Age of that block, in ms.", status.lag_ms),
            ("argosy_distributor_directory_connected", "Whether blocks arrive.", u64::from(status.connected)),
            (
                "argosy_distributor_directory_halted",
                "Whether nothing is followed any more.",
                u64::from(status.halted.is_some()),
            ),
        ] {
            text.single(Kind::Gauge, name, help, value);
        }
    }

    fn expose_connections(&self, text: &mut Exposition) {
        let port = &self.public_port;
        let help = "Connections to the public port that are open.";
        text.single(Kind::Gauge, "argosy_distributor_connections", help, port.open());
        for (name, help, value) in [
            ("argosy_distributor_connections_accepted_total", "Connections taken.", port.accepted()),
            (
                "argosy_distributor_connections_refused_total",
                "Connections closed at once because too many were open.",
                port.refused_connections(),
            ),
            (
                "argosy_distributor_requests_refused_total",
                "Requests that were turned down before they were looked at.",
                port.refused_requests(),
            ),
            (
                "argosy_distributor_deadlines_missed_total",
                "Connections closed because the other side was too slow, or idle.",
                port.missed_deadlines(),
            ),
            (
                "argosy_distributor_accept_errors_total",
                "Connections that could not be taken.",
                port.accept_errors(),
            ),
            (
                "argosy_distributor_broken_answers_total",
                "Answers whose bytes could not be had.",
                port.broken_answers(),
            ),
        ] {
            text.single(Kind::Counter, name, help, value);
        }
    }
}

/// Bounded by how many sources are told apart; what they are called is the directory's numbers, and nothing
/// that their operators wrote.
fn expose_sources(text: &mut Exposition, told: &[Told]) {
    let names: Vec<String> = told
        .iter()
        .map(|told| told.name.map_or_else(|| "other".to_owned(), |name| name.to_string()))
        .collect();
    let all = || names.iter().zip(told);
    for (name, help, of) in SOURCE_COUNTERS {
        text.family(Kind::Counter, name, help);
        for (source, told) in all() {
            text.sample(name, &[("source", source)], of(told));
        }
    }
    let name = "argosy_distributor_source_failures_total";
    text.family(Kind::Counter, name, "Requests to sources that went wrong, by how.");
    for (source, told) in all() {
        for failure in Failure::ALL {
            let labels = [("source", source.as_str()), ("failure", failure.name())];
            text.sample(name, &labels, told.figures.failures_count(failure));
        }
    }
    for (name, help, of) in SOURCE_ESTIMATES {
        text.family(Kind::Gauge, name, help);
        for (source, told) in all() {
            if let Some(value) = of(told) {
                text.sample(name, &[("source", source)], value);
            }
        }
    }
}

type OfSource<T> = (&'static str, &'static str, fn(&Told) -> T);

const SOURCE_COUNTERS: [OfSource<u64>; 2] = [
    ("argosy_distributor_source_requests_total", "Requests to sources for parts of objects.", |told| {
        told.figures.requests_count
    }),
    ("argosy_distributor_source_bytes_total", "Bytes of objects that sources have brought.", |told| {
        told.figures.bytes
    }),
];

const SOURCE_ESTIMATES: [OfSource<Option<u64>>; 2] = [
    (
        "argosy_distributor_source_latency_ms",
        "Time from a request to the first proved bytes that is expected of a source, in ms.",
        |told| told.latency_ms,
    ),
    (
        "argosy_distributor_source_rate_bytes_per_second",
        "Rate that is expected of a source, in bytes a second.",
        |told| told.rate_bytes_per_s,
    ),
];

/// The logs belong to the process: several nodes in one tell the same.
fn expose_logs(text: &mut Exposition) {
    let counts: LogCounts = argosy_telemetry::counts();
    for (name, help, value) in [
        (
            "argosy_log_lost_total",
            "Lines lost because console or disk was too slow or full.",
            counts.queue_lost.saturating_add(counts.file_lost),
        ),
        (
            "argosy_log_suppressed_total",
            "Lines not written because their cause had written enough.",
            counts.suppressed,
        ),
        ("argosy_log_elastic_sent_total", "Lines that Elasticsearch has taken.", counts.elastic_sent),
        ("argosy_log_elastic_rejected_total", "Lines that it turned down for good.", counts.elastic_rejected),
        (
            "argosy_log_elastic_dropped_total",
            "Lines lost because too many waited for it.",
            counts.elastic_dropped,
        ),
        ("argosy_log_elastic_failures_total", "Attempts to send that failed.", counts.elastic_failures),
    ] {
        text.single(Kind::Counter, name, help, value);
    }
    let help = "Bytes of lines that wait on disk for Elasticsearch.";
    text.single(Kind::Gauge, "argosy_log_elastic_spooled_bytes", help, counts.elastic_spooled_bytes);
}
