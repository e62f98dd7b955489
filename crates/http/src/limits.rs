//! Deadlines and caps of listening sockets. Every value is configurable, so that tests can shorten it.
//!
//! Source of the defaults: `spec/reliability.md` T-40, T-41 and T-49.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{edge::Pace, who::Proxies};

/// Largest request head, in bytes, its closing empty line included.
pub(crate) const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Most header fields of a request.
pub(crate) const MAX_HEADERS: usize = 64;
/// Longest request target (path and query), in bytes.
pub(crate) const MAX_TARGET_BYTES: usize = 2 * 1024;
/// How long a refused connection is still read, so that the peer can see the answer before a reset.
pub(crate) const LINGER: Duration = Duration::from_secs(1);
/// Most bytes that are read and thrown away while a refused connection lingers.
pub(crate) const MAX_LINGER_BYTES: u64 = 32 * 1024 * 1024;

/// A stalled write is tried again so many times within its deadline, because the kernel reports room only
/// when about a third of its buffer is free, which a slow reader may take long to reach.
pub(crate) const WRITE_PROBES: u32 = 4;
/// Bytes that such trials must place before the reader counts as slow and not as stalled. The kernel takes
/// a little more than its buffer even when nothing moves.
pub(crate) const PROBE_PROGRESS_BYTES: u64 = 128 * 1024;

/// How long a peer may take for each step of a connection.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// From the accept to the first byte of the first request.
    pub first_byte: Duration,
    /// From the first byte of a request head to its end.
    pub head: Duration,
    /// Without a request on a connection that has had one.
    pub idle: Duration,
    /// Without any progress while an answer is being written.
    pub write_stall: Duration,
    /// Waiting for request body bytes that a peer has in hand when a body begins. Each byte that
    /// arrives buys more time, by `body_bytes_per_second`, up to `idle`.
    pub body_grace: Duration,
    /// Least rate of a request body, in bytes per second; not zero.
    pub body_bytes_per_second: u64,
    /// From the stop signal to the moment when open connections are cut.
    pub drain: Duration,
    /// Age at which a connection is closed after the request that it is serving.
    pub connection_age: Duration,
    /// Requests after which a connection is closed.
    pub connection_requests: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(5),
            head: Duration::from_secs(5),
            idle: Duration::from_secs(15),
            write_stall: Duration::from_secs(15),
            body_grace: Duration::from_secs(5),
            body_bytes_per_second: 1024,
            drain: Duration::from_secs(3),
            connection_age: Duration::from_secs(600),
            connection_requests: 1_000,
        }
    }
}

/// How many connections a listening socket holds at once. What comes above is closed at once and counted.
#[derive(Clone, Debug)]
pub struct ConnectionCaps {
    /// All peers together; lowered to the process's descriptor limit less a reserve of 256.
    pub total: usize,
    /// One IPv4 address, or one IPv6 /64.
    pub per_address: usize,
    /// The same for loopback addresses, where all nodes of a local network look alike.
    pub per_loopback_address: usize,
}

impl Default for ConnectionCaps {
    fn default() -> Self {
        Self { total: 16_384, per_address: 64, per_loopback_address: 4_096 }
    }
}

/// What a listening socket has met since it opened.
#[derive(Debug, Default)]
pub struct ServeCounters {
    accepted: AtomicU64,
    ended: AtomicU64,
    refused_connections: AtomicU64,
    refused_requests: AtomicU64,
    missed_deadlines: AtomicU64,
    accept_errors: AtomicU64,
    broken_answers: AtomicU64,
}

impl ServeCounters {
    /// Connections taken.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> u64 {
        // One that comes between the two reads has not ended before it came.
        let ended = self.ended.load(Ordering::Relaxed);
        self.accepted().saturating_sub(ended)
    }

    /// Connections closed at once because a cap was reached.
    #[must_use]
    pub fn refused_connections(&self) -> u64 {
        self.refused_connections.load(Ordering::Relaxed)
    }

    /// Requests refused before they reached a handler.
    #[must_use]
    pub fn refused_requests(&self) -> u64 {
        self.refused_requests.load(Ordering::Relaxed)
    }

    /// Connections closed because the peer missed a deadline, idleness included.
    #[must_use]
    pub fn missed_deadlines(&self) -> u64 {
        self.missed_deadlines.load(Ordering::Relaxed)
    }

    /// Failures of `accept`, such as a lack of descriptors.
    #[must_use]
    pub fn accept_errors(&self) -> u64 {
        self.accept_errors.load(Ordering::Relaxed)
    }

    /// Answers that were cut off, or replaced by 500, because their body could not be produced.
    #[must_use]
    pub fn broken_answers(&self) -> u64 {
        self.broken_answers.load(Ordering::Relaxed)
    }

    pub(crate) fn count_broken_answer(&self) {
        self.broken_answers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_ended(&self, connections: usize) {
        self.ended.fetch_add(argosy_domain::num::to_u64(connections), Ordering::Relaxed);
    }

    pub(crate) fn count_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_refused_connection(&self) {
        self.refused_connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_refused_request(&self) {
        self.refused_requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_missed_deadline(&self) {
        self.missed_deadlines.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_accept_error(&self) {
        self.accept_errors.fetch_add(1, Ordering::Relaxed);
    }
}

/// Everything that serving a socket needs besides the socket and what answers.
#[derive(Clone, Debug, Default)]
pub struct ServeConfig {
    /// How long peers may take.
    pub deadlines: Deadlines,
    /// How many may be connected.
    pub caps: ConnectionCaps,
    /// What happened, shared with whoever reports it.
    pub counters: Arc<ServeCounters>,
    /// How fast all bodies together may leave the edge loop; as fast as they can if not said.
    pub egress: Option<Arc<Pace>>,
    /// Who may speak for users.
    pub proxies: Arc<Proxies>,
}
