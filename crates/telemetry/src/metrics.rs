//! Numbers for those who watch a node: the Prometheus text format, version 0.0.4.

use std::fmt::{Display, Write};

/// Media type of an exposition.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a number can go down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only goes up while the process lives; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
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
    fn a_process_knows_its_memory() {
        let mut text = Exposition::default();
        text.process();
        let text = text.finish();
        let line = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap();
        assert!(line.parse::<u64>().unwrap() > 1_000_000);
    }
}
