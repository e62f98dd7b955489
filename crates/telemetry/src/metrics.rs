//! Numbers for those who watch a node: the Prometheus text format, version 0.0.4.

use std::{
    fmt::{Display, Write},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Media type of an exposition.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a number can go down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only goes up while the process lives; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A [`Histogram`]; its name ends in `_seconds`.
    Histogram,
}

/// Upper bounds of the buckets of a histogram, in microseconds: a decision takes one, a film minutes.
const BOUNDS_US: [u64; 16] = [
    2,
    10,
    50,
    100,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    50_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    30_000_000,
    300_000_000,
];

/// How often something took how long. Counting takes two additions and no lock.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each bound, and one for all above; not summed up.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Counts one that took so long.
    pub fn count(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = BOUNDS_US.partition_point(|bound| *bound < us);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }
}

/// An answer in the making.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// A metric that is one number.
    pub fn single(&mut self, kind: Kind, name: &str, help: &str, value: impl Display) {
        self.family(kind, name, help);
        self.sample(name, &[], value);
    }

    /// Begins a metric that is several numbers, told apart by labels: [`Exposition::sample`] adds them.
    pub fn family(&mut self, kind: Kind, name: &str, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a text cannot fail.
        let _ = write!(self.text, "# HELP {name} {}\n# TYPE {name} {kind}\n", escaped(help, false));
    }

    /// One number of the family begun last. Label values may be any text.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        let mut separator = '{';
        for (label, text) in labels {
            let _ = write!(self.text, "{separator}{label}=\"{}\"", escaped(text, true));
            separator = ',';
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// One histogram of the family begun last.
    pub fn histogram(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        let mut count: u64 = 0;
        for (at, own) in histogram.buckets.iter().enumerate() {
            count = count.saturating_add(own.load(Ordering::Relaxed));
            let bound = BOUNDS_US.get(at).map_or_else(|| "+Inf".to_owned(), |bound| seconds(*bound));
            let labels: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.sample(&bucket, &labels, count);
        }
        self.sample(&format!("{name}_sum"), labels, seconds(histogram.sum_us.load(Ordering::Relaxed)));
        self.sample(&format!("{name}_count"), labels, count);
    }

    /// Memory, descriptors and threads of this process, as far as the system tells.
    pub fn process(&mut self) {
        if let Some(bytes) = status_number("VmRSS:").map(|kib| kib.saturating_mul(1024)) {
            let help = "Memory of the process that is in RAM, in bytes.";
            self.single(Kind::Gauge, "process_resident_memory_bytes", help, bytes);
        }
        if let Some(threads) = status_number("Threads:") {
            self.single(Kind::Gauge, "process_threads", "Threads of the process.", threads);
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            let help = "Files and sockets that the process has open.";
            self.single(Kind::Gauge, "process_open_fds", help, files.count());
        }
    }

    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

/// Microseconds as seconds, exactly.
fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number out of `/proc/self/status`.
fn status_number(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Backslashes and line breaks must not end a line; within labels, quotes must not end a value.
fn escaped(text: &str, in_label: bool) -> String {
    let mut clean = text.replace('\\', "\\\\").replace('\n', "\\n");
    if in_label {
        clean = clean.replace('"', "\\\"");
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_reads_them() {
        let mut text = Exposition::default();
        text.single(Kind::Gauge, "argosy_height", "Height of the newest block.", 7);
        text.family(Kind::Counter, "argosy_requests_total", "Requests.\nBy route.");
        text.sample("argosy_requests_total", &[("route", "/a\"b\\c\n"), ("status", "200")], 3);
        assert_eq!(
            text.finish(),
            "# HELP argosy_height Height of the newest block.\n# TYPE argosy_height gauge\nargosy_height 7\n\
             # HELP argosy_requests_total Requests.\\nBy route.\n# TYPE argosy_requests_total counter\n\
             argosy_requests_total{route=\"/a\\\"b\\\\c\\n\",status=\"200\"} 3\n"
        );
    }

    #[test]
    fn histograms_add_up() {
        let histogram = Histogram::default();
        for us in [1, 2, 3, 400, 2_500_000, 999_000_000_000] {
            histogram.count(Duration::from_micros(us));
        }
        let mut text = Exposition::default();
        text.family(Kind::Histogram, "argosy_x_seconds", "X.");
        text.histogram("argosy_x_seconds", &[("phase", "a")], &histogram);
        let text = text.finish();
        for line in [
            "# TYPE argosy_x_seconds histogram",
            "argosy_x_seconds_bucket{phase=\"a\",le=\"0.000002\"} 2",
            "argosy_x_seconds_bucket{phase=\"a\",le=\"0.00001\"} 3",
            "argosy_x_seconds_bucket{phase=\"a\",le=\"0.0005\"} 4",
            "argosy_x_seconds_bucket{phase=\"a\",le=\"5\"} 5",
            "argosy_x_seconds_bucket{phase=\"a\",le=\"300\"} 5",
            "argosy_x_seconds_bucket{phase=\"a\",le=\"+Inf\"} 6",
            "argosy_x_seconds_sum{phase=\"a\"} 999002.500406",
            "argosy_x_seconds_count{phase=\"a\"} 6",
        ] {
            assert!(text.lines().any(|own| own == line), "{line}: {text}");
        }
    }

    #[test]
    fn a_process_knows_its_memory() {
        let mut text = Exposition::default();
        text.process();
        let text = text.finish();
        let line = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap();
        assert!(line.parse::<u64>().unwrap() > 1_000_000);
    }
}
