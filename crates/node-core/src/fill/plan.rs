//! The choices of a fill: which window next, from whom, when to hedge, when to rest.

use super::{
    FillCore, FillEffect, Priority, RequestId,
    state::{Request, Source, Want, jittered},
};
use crate::sources::{MAX_FAILURES_IN_ROW, Observation, SourceId, mix, rest_ms};
use alloc::vec::Vec;
use argosy_content::GroupRange;
use argosy_domain::limits::{GROUP_BYTES, WINDOW_GROUPS};

/// Groups in a request for which a reader waits: small, so that the first one comes soon.
const URGENT_GROUPS: u64 = 16;
/// Requests that may be out at once for a group that a reader waits for.
const MAX_HEDGED: usize = 3;
/// One request in so many goes to the source that was asked least, so that no judgement is for ever.
const EXPLORE_EVERY: u64 = 16;
/// Added to twice the time of the best source, beyond which another is not asked instead of it.
const MUCH_LATER_MS: u64 = 20;
/// How long a source that does not have the object is left alone.
const NOT_THERE_MS: u64 = 10_000;

const _: () = assert!(WINDOW_GROUPS.is_multiple_of(URGENT_GROUPS));

/// Groups to ask for next.
struct Window {
    groups: GroupRange,
    priority: Priority,
}

impl FillCore {
    /// Asks for what is wanted and nobody was asked for yet, as far as the bounds allow.
    pub(super) fn dispatch(&mut self, effects: &mut Vec<FillEffect>) {
        // Every round starts a request, and those are bounded.
        while self.may_ask_anybody() {
            let Some(window) = self.next_window() else { return };
            let Some((source, groups)) = self.choose_source(&window, &[]) else { return };
            self.start(source, groups, window.priority, effects);
        }
    }

    /// Whether it is worth looking for something to ask for.
    fn may_ask_anybody(&self) -> bool {
        !self.wants.is_empty()
            && self.has_slot(true)
            && self.sources.iter().any(|(id, source)| self.may_ask(*id, source, Priority::Urgent))
    }

    /// The first free window of the most pressing want; among equals the one that waits longest.
    fn next_window(&self) -> Option<Window> {
        for priority in [Priority::Urgent, Priority::ReadAhead, Priority::Background] {
            let mut best: Option<(u64, Window)> = None;
            for want in self.wants.iter().filter(|((_, of), _)| *of == priority).map(|(_, want)| want) {
                if best.as_ref().is_some_and(|(since_ms, _)| *since_ms <= want.since_ms) {
                    continue;
                }
                if let Some(window) = self.free_window(want, priority) {
                    best = Some((want.since_ms, window));
                }
            }
            if let Some((_, window)) = best {
                return Some(window);
            }
        }
        None
    }

    fn free_window(&self, want: &Want, priority: Priority) -> Option<Window> {
        let mut start = want.head;
        // Each round passes one request's claim.
        while let Some(claim_end) = self.claimed_to(start) {
            start = self.have.first_missing(claim_end).filter(|missing| *missing < want.end)?;
        }
        // Only what a reader waits for now is urgent; the rest of its want is ordinary bulk.
        let urgent = priority == Priority::Urgent && start == want.head;
        let unit = if urgent { URGENT_GROUPS } else { WINDOW_GROUPS };
        let limit = aligned_end(start, unit).min(want.end);
        let priority = if urgent { Priority::Urgent } else { priority.max(Priority::ReadAhead) };
        Some(Window { groups: self.free_run(start, limit), priority })
    }

    /// From `start`, which is free, to the next group that is held or asked for.
    fn free_run(&self, start: u64, limit: u64) -> GroupRange {
        let mut end = start.saturating_add(1);
        while end < limit && !self.have.contains(end) && self.claimed_to(end).is_none() {
            end = end.saturating_add(1);
        }
        GroupRange::new(start, end)
    }

    /// The end of a request that will bring `group`, if there is one.
    fn claimed_to(&self, group: u64) -> Option<u64> {
        self.requests.values().filter(|request| request.covers(group)).map(|request| request.groups.end).max()
    }

    fn has_slot(&self, urgent: bool) -> bool {
        let spare = if urgent { self.bounds.urgent_spare } else { 0 };
        self.requests.len() < self.bounds.total.saturating_add(spare)
    }

    /// Whether a source has rested, and this fill and the node have room for a request to it.
    fn may_ask(&self, id: SourceId, source: &Source, priority: Priority) -> bool {
        let spare = if priority == Priority::Urgent { self.bounds.urgent_spare } else { 0 };
        let bound = self.bounds.per_source.saturating_add(spare);
        source.is_ready(self.now_ms, priority) && self.requests_to(id).count() < bound
    }

    /// The source that should have the window here soonest, among those that have rested and hold its
    /// beginning; and as much of the window as it holds. If that one has enough to do, another that needs
    /// not much longer; what a far one would bring much later is better waited for.
    fn choose_source(&self, window: &Window, not: &[SourceId]) -> Option<(SourceId, GroupRange)> {
        let urgent = window.priority == Priority::Urgent;
        if !self.has_slot(urgent) {
            return None;
        }
        let explore =
            !urgent && self.next_request.checked_rem(EXPLORE_EVERY) == Some(EXPLORE_EVERY.saturating_sub(1));
        let mut soonest_ms = u64::MAX;
        let mut best: Option<((u64, SourceId), u64, GroupRange)> = None;
        for (id, source) in self.sources.iter().filter(|(id, _)| !not.contains(id)) {
            let groups = self.held_of(*id, window.groups);
            if groups.is_empty() || !source.is_ready(self.now_ms, window.priority) {
                continue;
            }
            let due_ms = self.due_in_ms(*id, source, window);
            soonest_ms = soonest_ms.min(due_ms);
            let tried_out = explore && !source.quality.is_distrusted(self.now_ms);
            let rank = (if tried_out { source.requests_count } else { due_ms }, *id);
            if self.may_ask(*id, source, window.priority)
                && best.as_ref().is_none_or(|(best_rank, ..)| rank < *best_rank)
            {
                best = Some((rank, due_ms, groups));
            }
        }
        let ((_, id), due_ms, groups) = best?;
        let worth_it = explore || due_ms <= soonest_ms.saturating_mul(2).saturating_add(MUCH_LATER_MS);
        worth_it.then_some((id, groups))
    }

    /// As much of `groups`, from their start on, as a source holds.
    fn held_of(&self, source: SourceId, groups: GroupRange) -> GroupRange {
        let Some(holds) = self.holds.get(&source) else { return groups };
        let run = holds.iter().find(|held| held.contains(groups.start));
        GroupRange::new(groups.start, run.map_or(groups.start, |held| held.end.min(groups.end)))
    }

    /// When a source should have a window here, after all that it was asked for before: later by as much
    /// as it has been silent.
    fn due_in_ms(&self, id: SourceId, source: &Source, window: &Window) -> u64 {
        let (mut bytes, mut silent_ms) = (groups_bytes(window.groups), 0);
        for request in self.requests_to(id) {
            bytes = bytes.saturating_add(groups_bytes(request.remaining()));
            silent_ms = silent_ms.max(self.now_ms.saturating_sub(request.progress_ms));
        }
        source.quality.expected_ms(self.now_ms, bytes).saturating_add(silent_ms)
    }

    fn requests_to(&self, source: SourceId) -> impl Iterator<Item = &Request> {
        self.requests.values().filter(move |request| request.source == source)
    }

    fn start(
        &mut self,
        source: SourceId,
        groups: GroupRange,
        priority: Priority,
        effects: &mut Vec<FillEffect>,
    ) {
        let id = RequestId(self.next_request);
        self.next_request = self.next_request.saturating_add(1);
        if let Some(known) = self.sources.get_mut(&source) {
            known.requests_count = known.requests_count.saturating_add(1);
            known.given_up = false;
            known.not_there = false;
        }
        let request = Request::new(source, groups, priority, self.now_ms);
        self.requests.insert(id, request);
        effects.push(FillEffect::Fetch { request: id, source, groups, priority });
    }

    /// The groups that readers wait for now.
    pub(super) fn urgent_heads(&self) -> impl Iterator<Item = (u64, &Want)> {
        self.wants
            .iter()
            .filter(|((_, priority), _)| *priority == Priority::Urgent)
            .map(|(_, want)| (want.head, want))
    }

    /// When another source should be asked for the group that this want waits for; none if nobody was
    /// asked yet or enough were.
    pub(super) fn hedge_due_ms(&self, head: u64, want: &Want) -> Option<u64> {
        let mut asked: usize = 0;
        let mut due: Option<u64> = None;
        for request in self.requests.values().filter(|request| request.covers(head)) {
            asked = asked.saturating_add(1);
            let measured_ms = self.sources.get(&request.source)?.quality.hedge_after_ms();
            let patience = measured_ms.max(self.bounds.hedge_after_ms);
            due = due.max(Some(request.started_ms.max(want.since_ms).saturating_add(patience)));
        }
        due.filter(|_| asked < MAX_HEDGED)
    }

    /// Asks a second source for what a reader has waited for too long.
    pub(super) fn hedge(&mut self, effects: &mut Vec<FillEffect>) {
        let late: Vec<(u64, u64)> = self
            .urgent_heads()
            .filter(|(head, want)| self.hedge_due_ms(*head, want).is_some_and(|due| due <= self.now_ms))
            .map(|(head, want)| (head, want.end))
            .collect();
        for (head, end) in late {
            let asked: Vec<SourceId> = self
                .requests
                .values()
                .filter(|request| request.covers(head))
                .map(|request| request.source)
                .collect();
            // Two readers may wait for one group: the first has hedged for both.
            if asked.len() >= MAX_HEDGED || self.started_now(head) {
                continue;
            }
            let limit = aligned_end(head, URGENT_GROUPS).min(end);
            let held_from = (head..limit).find(|group| self.have.contains(*group)).unwrap_or(limit);
            let window = Window { groups: GroupRange::new(head, held_from), priority: Priority::Urgent };
            if let Some((source, groups)) = self.choose_source(&window, &asked) {
                self.start(source, groups, window.priority, effects);
            }
        }
    }

    fn started_now(&self, group: u64) -> bool {
        self.requests.values().any(|request| request.covers(group) && request.started_ms == self.now_ms)
    }

    /// Cuts requests that have gone silent or crawl.
    pub(super) fn cut_stalled(&mut self, effects: &mut Vec<FillEffect>) {
        let (now_ms, stall_ms) = (self.now_ms, self.bounds.stall_ms);
        let stalled: Vec<(RequestId, SourceId)> = self
            .requests
            .iter()
            .filter(|(_, request)| request.is_stalled(now_ms, stall_ms))
            .map(|(id, request)| (*id, request.source))
            .collect();
        for (id, source) in stalled {
            self.abandon(id, effects);
            self.failed(source, Observation::Stalled, effects);
        }
    }

    /// Leaves a source alone for a while: longer with each failure, and given up after a few, or at
    /// once if it does not have the object.
    pub(super) fn rest(&mut self, id: SourceId, not_there: bool) {
        let seed = mix(self.jitter_seed ^ mix(id.0) ^ self.next_request);
        let Some(source) = self.sources.get_mut(&id) else { return };
        if !not_there && source.ready_ms > self.now_ms {
            // It rests already: a node that dies takes all its requests with it, and that counts once.
            return;
        }
        source.failures_in_row = source.failures_in_row.saturating_add(1);
        source.given_up = not_there || source.failures_in_row >= MAX_FAILURES_IN_ROW;
        source.not_there = not_there;
        let rest_ms = if not_there { NOT_THERE_MS } else { rest_ms(source.failures_in_row) };
        source.ready_ms = self.now_ms.saturating_add(jittered(rest_ms, seed));
    }
}

const fn groups_bytes(groups: GroupRange) -> u64 {
    groups.count().saturating_mul(GROUP_BYTES)
}

/// The first multiple of `unit` after `start`.
fn aligned_end(start: u64, unit: u64) -> u64 {
    start.checked_div(unit).unwrap_or(0).saturating_add(1).saturating_mul(unit)
}
