//! Everything that the node counts, as Prometheus reads it. The table in `docs/operating.md` explains it.

use crate::node::Node;
use argosy_domain::num::to_u64;
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
        self.expose_follower(&mut text);
        self.expose_connections(&mut text);
        expose_logs(&mut text);
        let up = self.started.elapsed().as_secs();
        text.single(Kind::Gauge, "argosy_distributor_uptime_seconds", "Seconds since the node started.", up);
        text.process();
        text.finish()
    }

    fn expose_cache(&self, text: &mut Exposition) {
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
