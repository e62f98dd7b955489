//! What a fill keeps of its sources, wants and requests.

use crate::sources::{Observation, Quality, SourceId};
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
}

impl Default for FillBounds {
    fn default() -> Self {
        Self { per_source: 2, total: 6, urgent_spare: 1 }
    }
}

/// A request that brings no group for this long is cut, in milliseconds.
pub(super) const STALL_MS: u64 = 5_000;
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
    /// Requests so far, so that each source is tried now and then.
    pub(super) requests_count: u64,
}

impl Source {
    pub(super) const fn new(quality: Quality, now_ms: u64) -> Self {
        Self { quality, ready_ms: now_ms, failures_in_row: 0, given_up: false, requests_count: 0 }
    }
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
    /// The group that comes next: those before have arrived.
    pub(super) next: u64,
    pub(super) started_ms: u64,
    pub(super) progress_ms: u64,
    first_ms: Option<u64>,
}

impl Request {
    pub(super) const fn new(source: SourceId, groups: GroupRange, now_ms: u64) -> Self {
        Self { source, next: groups.start, groups, started_ms: now_ms, progress_ms: now_ms, first_ms: None }
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

    pub(super) fn is_stalled(&self, now_ms: u64) -> bool {
        let age_ms = now_ms.saturating_sub(self.started_ms);
        let bytes = self.next.saturating_sub(self.groups.start).saturating_mul(GROUP_BYTES);
        let expected = age_ms.saturating_mul(MIN_RATE_BYTES_PER_S) / 1_000;
        now_ms.saturating_sub(self.progress_ms) >= STALL_MS || (age_ms >= SLOW_AFTER_MS && bytes < expected)
    }

    /// When it may have to be cut.
    pub(super) fn deadlines_ms(&self) -> [u64; 2] {
        [self.progress_ms.saturating_add(STALL_MS), self.started_ms.saturating_add(SLOW_AFTER_MS)]
    }
}
