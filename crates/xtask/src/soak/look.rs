//! What the kernel says of the node.

use super::{clients::Counts, rest};
use crate::{
    bench::{as_f64, http::Connection},
    crash::node::Node,
};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{
    fs,
    time::{Duration, Instant},
};

/// A node is at rest when its open files have stayed the same for so long.
const STILL: Duration = Duration::from_millis(500);
/// Tasks of clients that left must be gone by then. Source: F-E6 of `spec/reliability.md`.
const UNTIL_REST: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);

/// What a process has at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// Memory of its own, which no file backs, in MiB.
    anonymous_mib: f64,
    /// All that is in memory, pages of files included.
    resident_mib: f64,
    files: u32,
    threads: u32,
}

/// Of the process with this id.
///
/// Source: `RssAnon`, `VmRSS` and `Threads` of `/proc/PID/status`, and `/proc/PID/fd`.
pub(super) fn processes(id: u32) -> Result<Held> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let field = |name: &str| -> Result<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let value = line.with_context(|| format!("the kernel does not say {name}"))?;
        Ok(value.trim().trim_end_matches(" kB").trim().parse()?)
    };
    Ok(Held {
        anonymous_mib: f64::from(field("RssAnon:")?) / 1024.0,
        resident_mib: f64::from(field("VmRSS:")?) / 1024.0,
        threads: field("Threads:")?,
        files: u32::try_from(fs::read_dir(format!("/proc/{id}/fd"))?.count())?,
    })
}

/// The node under traffic, and when that had gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Since the beginning.
    pub(super) hours: f64,
    pub(super) anonymous_mib: f64,
    files: u32,
    /// Open files but those of objects that are held.
    pub(super) other_files: f64,
    pub(super) threads: f64,
    resident_mib: f64,
    busy: Held,
    /// Requests and evicted or added objects so far.
    requests: u64,
    objects: u64,
    /// It took so long to come to rest.
    settled: Duration,
}

impl Look {
    pub(super) const TITLE: &'static str = "  minute   requests  in cache |  busy: RssAnon   files  threads |  at rest: RssAnon      RSS  files  threads  after";

    /// Waits until the node is at rest, but no longer than it may take.
    pub(super) fn at_rest(node: &Node, started: Instant, busy: Held, counts: &Counts) -> Result<Self> {
        let began = Instant::now();
        let mut connection = Connection::open(&node.endpoint)?;
        let (mut files, mut since) = (0, Instant::now());
        let objects = loop {
            let status: Value = serde_json::from_slice(&connection.get_body("/api/v1/status")?.body)?;
            let now = processes(node.id())?.files;
            if now != files || status["transfersCount"] != 0 {
                (files, since) = (now, Instant::now());
            }
            if since.elapsed() >= STILL || began.elapsed() >= UNTIL_REST {
                break status["objectsCount"].as_u64().unwrap_or_default();
            }
            rest(LOOK);
        };
        let settled = began.elapsed();
        let held = processes(node.id())?;
        Ok(Self {
            hours: started.elapsed().as_secs_f64() / 3600.0,
            anonymous_mib: held.anonymous_mib,
            resident_mib: held.resident_mib,
            files: held.files,
            other_files: f64::from(held.files) - 2.0 * as_f64(objects),
            threads: f64::from(held.threads),
            busy,
            requests: counts.requests(),
            objects,
            settled,
        })
    }

    pub(super) fn line(&self) -> String {
        let busy = self.busy;
        format!(
            "{:>8.1} {:>10} {:>9} | {:>11.1} MiB {:>7} {:>8} | {:>13.1} MiB {:>4.0} MiB {:>6} {:>8} {:>4.1} s",
            self.hours * 60.0,
            self.requests,
            self.objects,
            busy.anonymous_mib,
            busy.files,
            busy.threads,
            self.anonymous_mib,
            self.resident_mib,
            self.files,
            self.threads,
            self.settled.as_secs_f64()
        )
    }
}
