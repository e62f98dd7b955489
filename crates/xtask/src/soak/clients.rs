//! Those who ask.

use super::{
    churn::{Catalogue, Object},
    rest,
};
use crate::{
    bench::http::{Connection, Exchange, connect},
    pattern::{Comparison, Pattern},
};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    io::{Read as _, Write as _},
    net::Ipv4Addr,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::Scope,
    time::Duration,
};

/// Clients of each kind.
const VIEWERS: u64 = 4;
const STRANGERS: u64 = 1;
const LEAVERS: u64 = 2;
const SLOW: u64 = 12;
/// Requests on one connection before a client comes from elsewhere.
const SESSION: u32 = 50;
/// A node may not have heard of the newest block yet, or of a deletion that the client does not know of.
const SECOND_TRY: Duration = Duration::from_millis(500);
/// What a slow reader takes at a time, how often, and how much of an answer.
const SIP_BYTES: usize = 2048;
const SIP_PAUSE: Duration = Duration::from_millis(100);
const SIPS: usize = 60;
/// What somebody reads who then leaves.
const GLANCE_BYTES: usize = 64 << 10;
const PIECE_BYTES: u64 = 256 << 10;

/// Lets clients in, and tells them to leave.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    is_open: bool,
    is_over: bool,
    inside: usize,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits to be let in; false when it is over.
    pub(super) fn enter(&self) -> bool {
        let wait = |state: &mut GateState| !state.is_open && !state.is_over;
        let mut state = self.changed.wait_while(self.lock(), wait).unwrap_or_else(PoisonError::into_inner);
        if state.is_open {
            state.inside += 1;
        }
        state.is_open
    }

    pub(super) fn leave(&self) {
        self.lock().inside -= 1;
        self.changed.notify_all();
    }

    fn is_open(&self) -> bool {
        self.lock().is_open
    }

    pub(super) fn open(&self) {
        self.lock().is_open = true;
        self.changed.notify_all();
    }

    /// Waits until all have left.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_open = false;
        drop(self.changed.wait_while(state, |state| state.inside > 0));
    }

    pub(super) fn end(&self) {
        let mut state = self.lock();
        (state.is_open, state.is_over) = (false, true);
        self.changed.notify_all();
    }
}

/// What was done, and what went wrong.
#[derive(Default)]
pub(super) struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    refused: AtomicU64,
    busy: AtomicU64,
    left: AtomicU64,
    slow: AtomicU64,
    replaced: AtomicU64,
    failed: AtomicU64,
    first: Mutex<Option<String>>,
}

impl Counts {
    pub(super) fn requests(&self) -> u64 {
        [&self.hits, &self.misses, &self.refused, &self.busy, &self.left, &self.slow]
            .map(|count| count.load(Relaxed))
            .iter()
            .sum()
    }

    pub(super) fn failures(&self) -> u64 {
        self.failed.load(Relaxed)
    }

    pub(super) fn fail(&self, what: String) {
        self.failed.fetch_add(1, Relaxed);
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(what);
    }

    pub(super) fn first_failure(&self) -> Option<String> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn replaced(&self, count: usize) {
        self.replaced.fetch_add(u64::try_from(count).unwrap_or_default(), Relaxed);
    }

    pub(super) fn summary(&self) -> String {
        let of = |count: &AtomicU64| count.load(Relaxed);
        format!(
            "{} requests: {} answered from the cache, {} fetched, {} refused as they must be, {} told to come back, {} left amid the answer, {} read slowly; {} objects replaced; {} failures",
            self.requests(),
            of(&self.hits),
            of(&self.misses),
            of(&self.refused),
            of(&self.busy),
            of(&self.left),
            of(&self.slow),
            of(&self.replaced),
            of(&self.failed)
        )
    }
}

/// One client's own.
struct Client<'a> {
    endpoint: &'a str,
    catalogue: &'a Catalogue,
    gate: &'a Gate,
    counts: &'a Counts,
    random: fastrand::Rng,
}

/// What a client does before it comes again as another one.
type Session<'a> = fn(&mut Client<'a>) -> Result<()>;

/// Starts all of them; they end with the gate.
pub(super) fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    endpoint: &'scope str,
    catalogue: &'scope Catalogue,
    gate: &'scope Gate,
    counts: &'scope Counts,
    seed: u64,
) {
    let kinds: [(u64, Session<'scope>); 4] = [
        (VIEWERS, Client::watch),
        (STRANGERS, Client::disturb),
        (LEAVERS, Client::glance),
        (SLOW, Client::sip),
    ];
    let mut seeds = fastrand::Rng::with_seed(seed ^ 2);
    for (count, session) in kinds {
        for _ in 0..count {
            let random = seeds.fork();
            let mut client = Client { endpoint, catalogue, gate, counts, random };
            scope.spawn(move || {
                while client.gate.enter() {
                    if let Err(error) = session(&mut client) {
                        client.counts.fail(format!("{error:#}"));
                    }
                    client.gate.leave();
                }
            });
        }
    }
}

impl Client<'_> {
    /// Any address of this machine: each session is that of another client.
    fn address(&mut self) -> Ipv4Addr {
        Ipv4Addr::new(127, self.random.u8(1..), self.random.u8(..), self.random.u8(1..255))
    }

    /// Films and pictures, all bytes of which must be right.
    fn watch(&mut self) -> Result<()> {
        let from = self.address();
        let mut connection = Connection::open_from(self.endpoint, from)?;
        for _ in 0..SESSION {
            if !self.gate.is_open() {
                break;
            }
            let Some(object) = self.catalogue.pick(&mut self.random) else { bail!("there are no objects") };
            let (kind, draw) = (self.random.u32(..100), self.random.u64(..));
            let first = ask(&mut connection, &object, kind, draw);
            let Err(error) = first else {
                self.note(first?);
                continue;
            };
            let is_wrong = format!("{error:#}").contains("WRONG");
            rest(SECOND_TRY);
            connection = Connection::open_from(self.endpoint, from)?;
            if is_wrong || self.catalogue.has(&object) {
                let second = ask(&mut connection, &object, kind, draw);
                if is_wrong || (second.is_err() && self.catalogue.has(&object)) {
                    return Err(error.context(format!("object {}, request {kind}", object.id)));
                }
            }
        }
        Ok(())
    }

    fn note(&self, answer: Answer) {
        let count = match answer {
            Answer::Hit => &self.counts.hits,
            Answer::Miss => &self.counts.misses,
            Answer::Busy => &self.counts.busy,
            Answer::Refused => &self.counts.refused,
        };
        count.fetch_add(1, Relaxed);
    }

    /// Asks for what must be refused, some of it in a way that no browser has.
    fn disturb(&mut self) -> Result<()> {
        let from = self.address();
        let mut connection = Connection::open_from(self.endpoint, from)?;
        for _ in 0..SESSION {
            if !self.gate.is_open() {
                break;
            }
            let elsewhere = format!("/api/v1/assets/{}", self.catalogue.elsewhere);
            let (path, status) = match self.random.u32(..6) {
                0 => (format!("/api/v1/assets/{}", self.random.u32(1 << 30..)), 404),
                1 => (elsewhere, 421),
                2 => ("/api/v1/assets/none".to_owned(), 400),
                3 => (format!("/{}", self.random.u64(..)), 404),
                4 => {
                    let status = connection.post("/api/v1/assets/1", b"bytes")?.status;
                    ensure!(status == 405, "POST was answered with {status}");
                    self.note(Answer::Refused);
                    continue;
                }
                _ => {
                    self.speak_badly()?;
                    continue;
                }
            };
            let found = connection.get(&path, "")?.status;
            ensure!(found == status, "{path} was answered with {found} instead of {status}");
            self.note(Answer::Refused);
        }
        Ok(())
    }

    /// What is no request, or only half of one.
    fn speak_badly(&mut self) -> Result<()> {
        let words: [&[u8]; 5] = [
            b"GET / HTTP/1.1\nHost: a\n\n",
            b"GET /api/v1/status HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET /api/v1/assets/1 HTTP/1.1\r\nHos",
            b"",
        ];
        let words = words.get(self.random.usize(..words.len())).copied().unwrap_or_default();
        let mut stream = connect(self.endpoint, Some(self.address()))?;
        stream.write_all(words)?;
        if words.ends_with(b"\n") {
            let mut said = Vec::new();
            stream.read_to_end(&mut said).with_context(|| format!("after {words:?}"))?;
            ensure!(said.starts_with(b"HTTP/1.1 400"), "{words:?} was answered with {said:?}");
        }
        self.note(Answer::Refused);
        Ok(())
    }

    /// Begins to read something large, and leaves.
    fn glance(&mut self) -> Result<()> {
        let object = self.catalogue.pick_large(&mut self.random).context("there are no objects")?;
        let ended = self.glance_at(&object);
        self.unless_gone(&object, ended)?;
        self.counts.left.fetch_add(1, Relaxed);
        Ok(())
    }

    /// An answer breaks off when its object is deleted.
    fn unless_gone(&self, object: &Object, ended: Result<()>) -> Result<()> {
        match ended {
            Err(_) if !self.catalogue.has(object) => Ok(()),
            ended => ended.with_context(|| format!("object {} was begun", object.id)),
        }
    }

    fn glance_at(&mut self, object: &Object) -> Result<()> {
        let mut stream = connect(self.endpoint, Some(self.address()))?;
        write!(stream, "GET /api/v1/assets/{} HTTP/1.1\r\nHost: a\r\n\r\n", object.id)?;
        let (mut buffer, mut taken) = (vec![0; 16 << 10], 0);
        let enough = self.random.usize(1..GLANCE_BYTES);
        while taken < enough {
            match stream.read(&mut buffer)? {
                0 => break,
                read => taken += read,
            }
            // A small one is all there is.
            if u64::try_from(taken)? >= object.size {
                break;
            }
        }
        Ok(())
    }

    /// Reads a little of something large at a time, as over a bad line.
    fn sip(&mut self) -> Result<()> {
        let object = self.catalogue.pick_large(&mut self.random).context("there are no objects")?;
        let ended = self.sip_of(&object);
        self.unless_gone(&object, ended)?;
        self.counts.slow.fetch_add(1, Relaxed);
        Ok(())
    }

    fn sip_of(&mut self, object: &Object) -> Result<()> {
        let mut stream = connect(self.endpoint, Some(self.address()))?;
        rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 16 << 10)?;
        write!(stream, "GET /api/v1/assets/{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", object.id)?;
        let mut buffer = [0; SIP_BYTES];
        for _ in 0..SIPS {
            if !self.gate.is_open() || stream.read(&mut buffer)? == 0 {
                break;
            }
            rest(SIP_PAUSE);
        }
        Ok(())
    }
}

/// How a request that was in order ended.
enum Answer {
    Hit,
    Miss,
    /// 503: it has too much to fetch just now.
    Busy,
    /// As it had to be.
    Refused,
}

/// One request for an object, and whether the answer is the right one.
fn ask(connection: &mut Connection, object: &Object, kind: u32, draw: u64) -> Result<Answer> {
    let path = format!("/api/v1/assets/{}", object.id);
    let start = draw % object.size;
    let end = (start + draw % PIECE_BYTES).min(object.size - 1);
    let pattern = Pattern(object.seed);
    let (found, status, bytes) = match kind {
        0..50 => (compare(connection, &path, "", pattern, 0)?, 200, Some(object.size)),
        50..75 => {
            let range = format!("Range: bytes={start}-{end}\r\n");
            (compare(connection, &path, &range, pattern, start)?, 206, Some(end - start + 1))
        }
        75..80 if object.size > 1000 => {
            let range = format!("Range: bytes=0-9,{}-{}\r\n", object.size / 2, object.size / 2 + 99);
            (connection.get(&path, &range)?, 206, None)
        }
        75..88 => {
            let is_hit = connection.is_hit(&path)?;
            return Ok(if is_hit { Answer::Hit } else { Answer::Miss });
        }
        88..95 => (connection.get(&path, "If-None-Match: *\r\n")?, 304, None),
        _ => (connection.get(&path, &format!("Range: bytes={}-\r\n", object.size))?, 416, None),
    };
    match found.status {
        503 => return Ok(Answer::Busy),
        other => ensure!(other == status, "answered with {other} instead of {status}"),
    }
    if let Some(bytes) = bytes {
        ensure!(found.body_bytes == bytes, "WRONG: {} bytes instead of {bytes}", found.body_bytes);
    }
    Ok(match (status, found.is_hit) {
        (416, _) => Answer::Refused,
        (_, true) => Answer::Hit,
        (_, false) => Answer::Miss,
    })
}

fn compare(
    connection: &mut Connection,
    path: &str,
    extra: &str,
    pattern: Pattern,
    start: u64,
) -> Result<Exchange> {
    let mut comparison = Comparison::new(pattern, start);
    connection.get_to(path, extra, |status, piece| {
        if status == 200 || status == 206 { comparison.next(piece) } else { Ok(()) }
    })
}
