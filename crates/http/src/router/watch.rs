//! What a connection is doing, and until when it may go on doing it.
//!
//! The stream, the service and the answers note what happens; the connection's task asks for the
//! verdict after each poll. All of them run in that one task, so the lock is never contended.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use tokio::time::Instant;

use crate::{
    Deadlines,
    limits::{PROBE_PROGRESS_BYTES, WRITE_PROBES},
};

/// What the connection's task must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The peer missed a deadline.
    Late,
    /// A deadline, or a moment to try a stalled write again.
    LookAgain(Instant),
    /// A handler is at work and nothing is asked of the peer.
    NoDeadline,
}

/// The notes of one connection, shared by everything that takes part in it.
#[derive(Clone, Debug)]
pub(super) struct SharedWatch(Arc<Mutex<Watch>>);

#[derive(Debug)]
struct Watch {
    deadlines: Deadlines,
    opened: Instant,
    requests: u64,
    /// A head has been passed, and its answer has not been handed over in full.
    busy: bool,
    /// Reads the next request, which has come before the answer to this one.
    held_back: Option<Waker>,
    /// When the last answer was handed over.
    quiet_since: Instant,
    /// When the first byte of an unfinished head came.
    head_since: Option<Instant>,
    /// When the peer stopped taking our bytes, and when to try again.
    write_stall: Option<(Instant, Instant)>,
    /// A moment to try again has come.
    probe: bool,
    /// Bytes placed by trying since the stall began.
    probed: u64,
    /// Bytes of a request body are still to come.
    in_body: bool,
    refused: bool,
}

/// One request in progress; ends when dropped.
#[derive(Debug)]
pub(super) struct Busy(SharedWatch);

impl Busy {
    /// True when the connection takes no further request.
    pub(super) fn is_last(&self) -> bool {
        self.0.is_worn_out()
    }

    /// True while the peer has not sent all of the request's body.
    pub(super) fn is_body_coming(&self) -> bool {
        self.0.lock().in_body
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut watch = self.0.lock();
        watch.busy = false;
        watch.quiet_since = Instant::now();
        if let Some(waker) = watch.held_back.take() {
            waker.wake();
        }
    }
}

impl SharedWatch {
    pub(super) fn new(deadlines: Deadlines) -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(Watch {
            deadlines,
            opened: now,
            requests: 0,
            busy: false,
            held_back: None,
            quiet_since: now,
            head_since: None,
            write_stall: None,
            probe: false,
            probed: 0,
            in_body: false,
            refused: false,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Watch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request whose head was passed last; to be held until it is answered.
    pub(super) fn request(&self) -> Busy {
        Busy(self.clone())
    }

    /// Has `waker` woken when the request under way has been answered.
    pub(super) fn wake_when_answered(&self, waker: &Waker) {
        self.lock().held_back = Some(waker.clone());
    }

    /// True while a request is being received or answered; the next one must wait.
    pub(super) fn is_busy(&self) -> bool {
        self.lock().busy
    }

    pub(super) fn note_head_begun(&self) {
        self.lock().head_since.get_or_insert_with(Instant::now);
    }

    /// A whole head has come: from here the request is under way.
    pub(super) fn note_head_complete(&self) {
        let mut watch = self.lock();
        watch.head_since = None;
        watch.busy = true;
        watch.requests += 1;
    }

    pub(super) fn note_in_body(&self, in_body: bool) {
        self.lock().in_body = in_body;
    }

    pub(super) fn note_refused(&self) {
        let mut watch = self.lock();
        watch.refused = true;
        watch.head_since = None;
    }

    /// The kernel has taken bytes in the ordinary way, or has all that there are.
    pub(super) fn note_written(&self) {
        self.lock().end_stall();
    }

    /// The kernel takes nothing. True when the write should be tried all the same.
    pub(super) fn note_write_blocked(&self) -> bool {
        let mut watch = self.lock();
        if watch.write_stall.is_none() {
            let now = Instant::now();
            watch.write_stall = Some((now, now + watch.deadlines.write_stall / WRITE_PROBES));
        }
        watch.probe
    }

    /// A trial has placed so many bytes; none when the kernel refused it.
    pub(super) fn note_probed(&self, placed: Option<u64>) {
        let mut watch = self.lock();
        match placed {
            None => watch.probe = false,
            Some(count) => {
                watch.probed += count;
                if watch.probed >= PROBE_PROGRESS_BYTES {
                    watch.end_stall();
                }
            }
        }
    }

    /// The moment of the last verdict has come.
    pub(super) fn note_alarm(&self) {
        let mut watch = self.lock();
        let interval = watch.deadlines.write_stall / WRITE_PROBES;
        if let Some((_, again)) = &mut watch.write_stall {
            *again = Instant::now() + interval;
            watch.probe = true;
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let now = Instant::now();
        let watch = self.lock();
        let (due, look) = match (watch.write_stall, watch.busy) {
            (Some((since, again)), _) => (since + watch.deadlines.write_stall, again),
            (None, false) => {
                let due = watch.request_due();
                (due, due)
            }
            (None, true) => return Verdict::NoDeadline,
        };
        if now >= due { Verdict::Late } else { Verdict::LookAgain(look.min(due)) }
    }

    /// True when the connection should close after its current request, for its age or its use.
    pub(super) fn is_worn_out(&self) -> bool {
        let watch = self.lock();
        watch.requests >= watch.deadlines.connection_requests
            || watch.opened.elapsed() >= watch.deadlines.connection_age
    }

    /// True when no request is being received or answered, and all answers have been sent.
    pub(super) fn is_quiet(&self) -> bool {
        let watch = self.lock();
        !watch.busy && watch.head_since.is_none() && watch.write_stall.is_none() && !watch.refused
    }

    /// True when the connection ended although the peer may have been sending.
    pub(super) fn ended_in_request(&self) -> bool {
        let watch = self.lock();
        watch.refused || watch.in_body
    }

    pub(super) fn refused(&self) -> bool {
        self.lock().refused
    }
}

impl Watch {
    fn end_stall(&mut self) {
        self.write_stall = None;
        self.probe = false;
        self.probed = 0;
    }

    fn request_due(&self) -> Instant {
        match (self.head_since, self.requests) {
            (Some(since), _) => since.max(self.quiet_since) + self.deadlines.head,
            (None, 0) => self.opened + self.deadlines.first_byte,
            (None, _) => self.quiet_since + self.deadlines.idle,
        }
    }
}
