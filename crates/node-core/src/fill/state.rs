//! What a fill keeps of its sources, wants and requests.

use super::Priority;
use crate::sources::{MAX_FAILURES_IN_ROW, Observation, Quality, SourceId};
use argosy_content::{GroupRange, GroupSet};
use argosy_domain::limits::GROUP_BYTES;

/// A reader of the object, named by the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub u64);

/// A request, named by the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// How much one fill may have under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillBounds {
    /// Requests to one source, for all but urgent wants.
    pub per_source: usize,
    /// Requests to all sources, for all but urgent wants.
    pub total: usize,
    /// More of each for urgent wants only, so that bulk never keeps a reader waiting.
    pub urgent_spare: usize,
    /// A request that brings no group for this long is cut, in milliseconds.
    pub stall_ms: u64,
    /// Another source is asked for what a reader waits for no sooner than this, whatever was measured, in
    /// milliseconds.
    pub hedge_after_ms: u64,
}

impl Default for FillBounds {
    fn default() -> Self {
        Self { per_source: 2, total: 6, urgent_spare: 1, stall_ms: 5_000, hedge_after_ms: 0 }
    }
}

/// From this age on, in milliseconds, a request must have brought [`MIN_RATE_BYTES_PER_S`].
///
/// Source: T-27 of the reliability specification.
const SLOW_AFTER_MS: u64 = 10_000;
const MIN_RATE_BYTES_PER_S: u64 = 64 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) quality: Quality,
    /// Not asked before this time.
    pub(super) ready_ms: u64,
    /// Reset by every group that arrives from it.
    pub(super) failures_in_row: u32,
    /// Too many failures, or it does not have the object: no hope before `ready_ms`.
    pub(super) given_up: bool,
    /// The last it said is that it does not have the object.
    pub(super) not_there: bool,
    /// The node has enough under way to it for wants of this priority, and of lesser ones.
    pub(super) crowded: Option<Priority>,
    /// Requests so far, so that each source is tried now and then.
    pub(super) requests_count: u64,
}

impl Source {
    /// One that has failed again and again with other objects is not asked before it has rested.
    pub(super) fn new(quality: Quality, now_ms: u64, seed: u64) -> Self {
        let rest_ms = quality.rests_until_ms().map_or(0, |until| until.saturating_sub(now_ms));
        Self {
            quality,
            ready_ms: if rest_ms > 0 { now_ms.saturating_add(jittered(rest_ms, seed)) } else { now_ms },
            failures_in_row: if rest_ms > 0 { MAX_FAILURES_IN_ROW } else { 0 },
            given_up: rest_ms > 0,
            not_there: false,
            crowded: None,
            requests_count: 0,
        }
    }

    /// Whether it may be asked for something of this priority now.
    pub(super) fn is_ready(&self, now_ms: u64, priority: Priority) -> bool {
        self.ready_ms <= now_ms && self.crowded.is_none_or(|crowded| priority < crowded)
    }
}

/// Up to a quarter more or less.
pub(super) fn jittered(rest_ms: u64, seed: u64) -> u64 {
    let half = (rest_ms / 2).saturating_add(1);
    rest_ms.saturating_sub(rest_ms / 4).saturating_add(seed.checked_rem(half).unwrap_or(0))
}

/// Groups from `head`, which is missing, to `end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    pub(super) head: u64,
    pub(super) end: u64,
    /// Since when `head` is waited for.
    pub(super) since_ms: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) source: SourceId,
    pub(super) groups: GroupRange,
    pub(super) priority: Priority,
    /// The group that comes next: those before have arrived.
    pub(super) next: u64,
    pub(super) started_ms: u64,
    pub(super) progress_ms: u64,
    first_ms: Option<u64>,
}

impl Request {
    pub(super) const fn new(source: SourceId, groups: GroupRange, priority: Priority, now_ms: u64) -> Self {
        let next = groups.start;
        Self { source, groups, priority, next, started_ms: now_ms, progress_ms: now_ms, first_ms: None }
    }

    /// Notes a group; gives the latency if it is the first.
    pub(super) fn arrived(&mut self, group: u64, now_ms: u64) -> Option<u64> {
        if !self.covers(group) {
            return None;
        }
        self.next = group.saturating_add(1);
        self.progress_ms = now_ms;
        if self.first_ms.is_some() {
            return None;
        }
        self.first_ms = Some(now_ms);
        Some(now_ms.saturating_sub(self.started_ms))
    }

    pub(super) fn remaining(&self) -> GroupRange {
        GroupRange::new(self.next, self.groups.end)
    }

    pub(super) fn covers(&self, group: u64) -> bool {
        self.remaining().contains(group)
    }

    /// Whether nothing that it could still bring is missing.
    pub(super) fn is_held(&self, have: &GroupSet) -> bool {
        have.first_missing(self.next).is_none_or(|missing| missing >= self.groups.end)
    }

    /// The rate of a request that is over; none for one too short to say anything.
    pub(super) fn moved(&self, now_ms: u64) -> Option<Observation> {
        let groups =
            self.next.saturating_sub(self.groups.start).checked_sub(1).filter(|groups| *groups > 0)?;
        let in_ms = now_ms.saturating_sub(self.first_ms?);
        Some(Observation::Moved { bytes: groups.saturating_mul(GROUP_BYTES), in_ms })
    }

    /// For how long it has been without an answer; none if it was answered.
    pub(super) fn silent_ms(&self, now_ms: u64) -> Option<u64> {
        self.first_ms.is_none().then(|| now_ms.saturating_sub(self.started_ms))
    }

    pub(super) fn is_stalled(&self, now_ms: u64, stall_ms: u64) -> bool {
        let age_ms = now_ms.saturating_sub(self.started_ms);
        let bytes = self.next.saturating_sub(self.groups.start).saturating_mul(GROUP_BYTES);
        let expected = age_ms.saturating_mul(MIN_RATE_BYTES_PER_S) / 1_000;
        now_ms.saturating_sub(self.progress_ms) >= stall_ms || (age_ms >= SLOW_AFTER_MS && bytes < expected)
    }

    /// When it may have to be cut.
    pub(super) fn deadlines_ms(&self, stall_ms: u64) -> [u64; 2] {
        [self.progress_ms.saturating_add(stall_ms), self.started_ms.saturating_add(SLOW_AFTER_MS)]
    }
}
