//! Filling one object: which groups are asked of which source, and when to ask another.
//!
//! One core per object, however many readers. It never sees bytes: the shell verifies each group,
//! stores it, and only then says that it arrived.

mod plan;
mod state;

pub use state::{FillBounds, ReaderId, RequestId};

use crate::sources::{Observation, Quality, SourceId};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use argosy_content::{GroupRange, GroupSet};
use state::{Request, Source, Want};

/// Why groups are wanted; the first is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A reader waits for the first of them now.
    Urgent,
    /// A reader will come to them soon.
    ReadAhead,
    /// The object is to be held whole.
    Background,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestEnd {
    /// All that was asked for has arrived.
    Done,
    /// A group, or its proof, was wrong.
    Wrong,
    /// The source says that it does not have the object.
    NotThere,
    /// The source says that it is too busy.
    Busy,
    /// No connection, an error, or broken off.
    Failed,
    /// The shell's own deadlines cut it.
    Stalled,
}

/// All that can happen to a fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FillInput {
    /// This source may have the object, or may have it anew. A banned one stays banned.
    SourceAdded {
        /// Which source.
        source: SourceId,
        /// From the node's [`crate::sources::SourceMemory`].
        quality: Quality,
    },
    /// This source is no longer one of the object's.
    SourceGone {
        /// Which source.
        source: SourceId,
    },
    /// A reader wants groups. Replaces what this reader wanted with this priority before. Sources are
    /// to be added first: a want that nobody can serve ends at once.
    Want {
        /// Who.
        reader: ReaderId,
        /// What; cut to the object's end.
        groups: GroupRange,
        /// How soon.
        priority: Priority,
    },
    /// A reader has gone, with all its wants.
    Unwant {
        /// Who.
        reader: ReaderId,
    },
    /// A group was verified and written, by this request.
    GroupArrived {
        /// Which request.
        request: RequestId,
        /// Which group.
        group: u64,
    },
    /// A request is over. Not sent for abandoned ones; if it is, it changes nothing.
    RequestEnded {
        /// Which request.
        request: RequestId,
        /// How.
        end: RequestEnd,
    },
    /// The time given by [`FillCore::next_tick_ms`] has come.
    Tick,
}

/// All that a fill can ask for, to be carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FillEffect {
    /// Ask `source` for a verified slice of `groups`.
    Fetch {
        /// Name of the request; never used twice by one fill.
        request: RequestId,
        /// Whom to ask.
        source: SourceId,
        /// What for: not empty, at most a window.
        groups: GroupRange,
        /// A reader waits: may use the connection that is kept free for such.
        urgent: bool,
    },
    /// Break this request off. Groups that still arrive from it are welcome.
    Abandon {
        /// Which request.
        request: RequestId,
    },
    /// This source sent wrong bytes and is not asked again for this object.
    SourceBanned {
        /// Which source.
        source: SourceId,
    },
    /// For the node's [`crate::sources::SourceMemory`].
    Observed {
        /// Which source.
        source: SourceId,
        /// What was learnt.
        observation: Observation,
    },
    /// Every group is held. Comes once.
    Complete,
    /// No source is left that could supply what is wanted: all waiting readers fail, and all wants are
    /// forgotten. A later want tries again those sources that have rested for long enough.
    Exhausted,
}

/// Decides the fill of one object.
///
/// Invariant: a group in `have` is never asked for; a missing one is asked for twice only as a hedge.
#[derive(Clone, Debug)]
pub struct FillCore {
    groups: u64,
    have: GroupSet,
    bounds: FillBounds,
    jitter_seed: u64,
    now_ms: u64,
    sources: BTreeMap<SourceId, Source>,
    banned: BTreeSet<SourceId>,
    wants: BTreeMap<(ReaderId, Priority), Want>,
    requests: BTreeMap<RequestId, Request>,
    next_request: u64,
    completed: bool,
}

impl FillCore {
    /// A fill of an object of `groups` groups, of which `have` are held already. `jitter_seed` should
    /// differ between nodes and objects: it spreads retries.
    #[must_use]
    pub fn new(groups: u64, have: GroupSet, bounds: FillBounds, jitter_seed: u64) -> Self {
        Self {
            groups,
            completed: have.is_full(),
            have,
            bounds,
            jitter_seed,
            now_ms: 0,
            sources: BTreeMap::new(),
            banned: BTreeSet::new(),
            wants: BTreeMap::new(),
            requests: BTreeMap::new(),
            next_request: 0,
        }
    }

    /// Takes one input at `now_ms` and leaves in `effects`, in order, what the shell must do.
    pub fn handle(&mut self, now_ms: u64, input: FillInput, effects: &mut Vec<FillEffect>) {
        self.now_ms = self.now_ms.max(now_ms);
        match input {
            FillInput::SourceAdded { source, quality } => self.source_added(source, quality),
            FillInput::SourceGone { source } => {
                self.sources.remove(&source);
                self.abandon_where(effects, |request| request.source == source);
            }
            FillInput::Want { reader, groups, priority } => self.want(reader, groups, priority),
            FillInput::Unwant { reader } => {
                self.wants.retain(|(who, _), _| *who != reader);
                self.abandon_unwanted(effects);
            }
            FillInput::GroupArrived { request, group } => self.group_arrived(request, group, effects),
            FillInput::RequestEnded { request, end } => self.request_ended(request, end, effects),
            FillInput::Tick => {}
        }
        self.cut_stalled(effects);
        self.dispatch(effects);
        self.hedge(effects);
        self.give_up_if_hopeless(effects);
    }

    /// When [`FillInput::Tick`] is due; none while only other inputs can change anything.
    #[must_use]
    pub fn next_tick_ms(&self) -> Option<u64> {
        let stalls = self.requests.values().flat_map(Request::deadlines_ms);
        let rests = self.sources.values().map(|source| source.ready_ms).filter(|_| !self.wants.is_empty());
        let hedges = self.urgent_heads().filter_map(|(head, want)| self.hedge_due_ms(head, want));
        stalls.chain(rests).chain(hedges).filter(|at| *at > self.now_ms).min()
    }

    /// The groups held.
    #[must_use]
    pub const fn have(&self) -> &GroupSet {
        &self.have
    }

    /// Whether every group is held.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.completed
    }

    /// Whether anything is wanted or under way. An idle fill may be dropped.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.wants.is_empty() && self.requests.is_empty()
    }

    /// Requests under way: source and what is still to come of each.
    pub fn in_flight(&self) -> impl Iterator<Item = (RequestId, SourceId, GroupRange)> {
        self.requests.iter().map(|(id, request)| (*id, request.source, request.remaining()))
    }

    /// Whether a source was banned for wrong bytes.
    #[must_use]
    pub fn is_banned(&self, source: SourceId) -> bool {
        self.banned.contains(&source)
    }

    fn source_added(&mut self, id: SourceId, quality: Quality) {
        if self.banned.contains(&id) {
            return;
        }
        let now_ms = self.now_ms;
        let source = self.sources.entry(id).or_insert_with(|| Source::new(quality, now_ms));
        // A source that merely rests after a failure goes on resting.
        if source.given_up {
            source.ready_ms = now_ms;
            source.given_up = false;
        }
    }

    fn want(&mut self, reader: ReaderId, groups: GroupRange, priority: Priority) {
        let end = groups.end.min(self.groups);
        let head = self.have.first_missing(groups.start).unwrap_or(end);
        if head >= end {
            self.wants.remove(&(reader, priority));
            return;
        }
        let now_ms = self.now_ms;
        let want = self.wants.entry((reader, priority)).or_insert(Want { head, end, since_ms: now_ms });
        if want.head != head {
            want.since_ms = now_ms;
        }
        (want.head, want.end) = (head, end);
    }

    fn group_arrived(&mut self, id: RequestId, group: u64, effects: &mut Vec<FillEffect>) {
        if group >= self.groups {
            return;
        }
        let now_ms = self.now_ms;
        if let Some(request) = self.requests.get_mut(&id) {
            let answered = request.arrived(group, now_ms);
            if let Some(source) = self.sources.get_mut(&request.source) {
                source.failures_in_row = 0;
            }
            if let Some(after_ms) = answered {
                let source = request.source;
                self.observe(source, Observation::Answered { after_ms }, effects);
            }
        }
        if !self.have.contains(group) {
            self.have.insert(group);
            self.advance_wants(group);
        }
        // A hedge has two requests out for the same groups: the one that has nothing left to bring goes.
        let have = &self.have;
        let idle: Vec<RequestId> = self
            .requests
            .iter()
            .filter(|(other, request)| **other != id && request.covers(group) && request.is_held(have))
            .map(|(other, _)| *other)
            .collect();
        for other in idle {
            self.abandon(other, effects);
        }
        if self.have.is_full() && !self.completed {
            self.completed = true;
            self.wants.clear();
            self.abandon_where(effects, |request| request.next < request.groups.end);
            effects.push(FillEffect::Complete);
        }
    }

    fn advance_wants(&mut self, arrived: u64) {
        let (have, now_ms) = (&self.have, self.now_ms);
        self.wants.retain(|_, want| {
            if want.head == arrived {
                want.head = have.first_missing(arrived).unwrap_or(want.end);
                want.since_ms = now_ms;
            }
            want.head < want.end
        });
    }

    fn request_ended(&mut self, id: RequestId, end: RequestEnd, effects: &mut Vec<FillEffect>) {
        let Some(request) = self.requests.remove(&id) else { return };
        let source = request.source;
        match end {
            RequestEnd::Done if request.next >= request.groups.end => {
                if let Some(observation) = request.moved(self.now_ms) {
                    self.observe(source, observation, effects);
                }
            }
            RequestEnd::Wrong => self.ban(source, effects),
            RequestEnd::NotThere => self.rest(source, true),
            RequestEnd::Busy => self.rest(source, false),
            // "Done" with groups missing is a source that broke off.
            RequestEnd::Done | RequestEnd::Failed | RequestEnd::Stalled => {
                self.observe(source, Observation::Failed, effects);
                self.rest(source, false);
            }
        }
    }

    fn ban(&mut self, source: SourceId, effects: &mut Vec<FillEffect>) {
        self.observe(source, Observation::Wrong, effects);
        self.sources.remove(&source);
        self.banned.insert(source);
        self.abandon_where(effects, |request| request.source == source);
        effects.push(FillEffect::SourceBanned { source });
    }

    fn observe(&mut self, source: SourceId, observation: Observation, effects: &mut Vec<FillEffect>) {
        if let Some(known) = self.sources.get_mut(&source) {
            known.quality.note(self.now_ms, observation);
        }
        effects.push(FillEffect::Observed { source, observation });
    }

    fn abandon(&mut self, id: RequestId, effects: &mut Vec<FillEffect>) {
        if self.requests.remove(&id).is_some() {
            effects.push(FillEffect::Abandon { request: id });
        }
    }

    fn abandon_where(&mut self, effects: &mut Vec<FillEffect>, matches: impl Fn(&Request) -> bool) {
        let found: Vec<RequestId> =
            self.requests.iter().filter(|(_, request)| matches(request)).map(|(id, _)| *id).collect();
        for id in found {
            self.abandon(id, effects);
        }
    }

    /// Requests for what nobody wants any more, like the read-ahead of a reader that has gone.
    fn abandon_unwanted(&mut self, effects: &mut Vec<FillEffect>) {
        let wants: Vec<(u64, u64)> = self.wants.values().map(|want| (want.head, want.end)).collect();
        self.abandon_where(effects, |request| {
            !wants.iter().any(|(head, end)| request.next < *end && *head < request.groups.end)
        });
    }

    /// No wanted group can come any more: nothing is under way and nobody is left to ask.
    fn give_up_if_hopeless(&mut self, effects: &mut Vec<FillEffect>) {
        let now_ms = self.now_ms;
        let hope = self.sources.values().any(|source| !source.given_up || source.ready_ms <= now_ms);
        if !self.wants.is_empty() && self.requests.is_empty() && !hope {
            self.wants.clear();
            effects.push(FillEffect::Exhausted);
        }
    }
}

#[cfg(test)]
mod tests;
