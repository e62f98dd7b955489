//! Filling one object: which groups are asked of which source, and when to ask another.
//!
//! One core per object, however many readers. It never sees bytes: the shell verifies each group,
//! stores it, and only then says that it arrived.

mod pace;
mod plan;
mod state;
mod traffic;

pub use pace::Pace;
pub use state::{FillBounds, ReaderId, RequestId};
pub use traffic::{FillId, Grant, Traffic, TrafficBounds};

use crate::sources::{Observation, Quality, SourceId, mix};
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
    /// It was not sent: the node has enough under way ([`Traffic`]). The source is asked for nothing of
    /// this priority, or less, until [`FillInput::SourceFree`].
    Crowded,
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
    /// This source holds these groups of the object and no others, as of now. Without it, a source is
    /// taken to hold all: so it comes before [`FillInput::SourceAdded`].
    SourceHolds {
        /// Which source.
        source: SourceId,
        /// What it holds.
        groups: Vec<GroupRange>,
    },
    /// The node may ask this source again.
    SourceFree {
        /// Which source.
        source: SourceId,
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
        /// How soon they are wanted.
        priority: Priority,
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
    Exhausted {
        /// Some source failed or rests, rather than said that it does not have the object: later it may.
        unreachable: bool,
    },
}

/// A fill without readers goes on to the end if no more than this is missing. With the groups that a
/// range was rounded to, less than 1 MiB.
const NEARLY_GROUPS: u64 = argosy_domain::limits::WINDOW_GROUPS - 4;

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
    /// What sources hold, if they said; the others hold everything.
    holds: BTreeMap<SourceId, Vec<GroupRange>>,
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
            holds: BTreeMap::new(),
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
            FillInput::SourceHolds { source, groups } => {
                self.holds.insert(source, groups);
            }
            FillInput::SourceFree { source } => {
                if let Some(source) = self.sources.get_mut(&source) {
                    source.crowded = None;
                }
            }
            FillInput::SourceGone { source } => {
                self.sources.remove(&source);
                self.holds.remove(&source);
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
        let stalls = self.requests.values().flat_map(|request| request.deadlines_ms(self.bounds.stall_ms));
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

    /// Whether a reader waits for a group.
    #[must_use]
    pub fn is_waited_for(&self) -> bool {
        self.urgent_heads().next().is_some()
    }

    /// Whether so little is missing that a fill goes on though its readers have gone: at least three
    /// quarters are held, and less than a window is missing.
    #[must_use]
    pub fn is_nearly_complete(&self) -> bool {
        let held = self.have.count();
        let missing = self.groups.saturating_sub(held);
        missing > 0 && missing <= NEARLY_GROUPS && held / 3 >= missing
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
        match self.sources.get_mut(&id) {
            None => {
                let seed = self.jitter_seed ^ mix(id.0);
                self.sources.insert(id, Source::new(quality, now_ms, seed));
            }
            // A source that merely rests after a failure goes on resting.
            Some(source) if source.given_up => {
                source.ready_ms = now_ms;
                (source.given_up, source.not_there) = (false, false);
            }
            Some(_) => {}
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
        self.end_race(id, group, effects);
        if self.have.is_full() && !self.completed {
            self.completed = true;
            self.wants.clear();
            self.abandon_where(effects, |request| request.next < request.groups.end);
            effects.push(FillEffect::Complete);
        }
    }

    /// A hedge has two requests out for the same group, and one has brought it: another that has nothing
    /// left to bring goes, and so does one that was asked before and has brought nothing since.
    fn end_race(&mut self, first: RequestId, group: u64, effects: &mut Vec<FillEffect>) {
        let have = &self.have;
        let started_ms = self.requests.get(&first).map(|request| request.started_ms);
        let others =
            self.requests.iter().filter(|(other, request)| **other != first && request.covers(group));
        let losers: Vec<(RequestId, Option<SourceId>)> = others
            .filter_map(|(other, request)| {
                let overtaken =
                    *other < first && started_ms.is_some_and(|started| request.progress_ms < started);
                let goes = overtaken || request.is_held(have);
                goes.then_some((*other, overtaken.then_some(request.source)))
            })
            .collect();
        for (other, overtaken) in losers {
            let waited_ms = self.requests.get(&other).and_then(|request| request.silent_ms(self.now_ms));
            self.abandon(other, effects);
            match (overtaken, waited_ms) {
                (Some(source), Some(after_ms)) => {
                    self.observe(source, Observation::Overtaken { after_ms }, effects);
                }
                // It went silent in the middle of its answer.
                (Some(source), None) => self.failed(source, Observation::Failed, effects),
                (None, _) => {}
            }
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
            RequestEnd::Crowded => {
                if let Some(source) = self.sources.get_mut(&source) {
                    let refused = request.priority;
                    source.crowded = Some(source.crowded.map_or(refused, |before| before.min(refused)));
                }
            }
            RequestEnd::Wrong => self.ban(source, effects),
            RequestEnd::NotThere => {
                self.observe(source, Observation::NotThere, effects);
                self.rest(source, true);
            }
            RequestEnd::Busy => self.failed(source, Observation::Busy, effects),
            RequestEnd::Stalled => self.failed(source, Observation::Stalled, effects),
            // "Done" with groups missing is a source that broke off.
            RequestEnd::Done | RequestEnd::Failed => self.failed(source, Observation::Failed, effects),
        }
    }

    fn failed(&mut self, source: SourceId, observation: Observation, effects: &mut Vec<FillEffect>) {
        self.observe(source, observation, effects);
        self.rest(source, false);
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
        if self.wants.is_empty() || !self.requests.is_empty() {
            return;
        }
        let now_ms = self.now_ms;
        let hope = self
            .sources
            .iter()
            .any(|(id, source)| (!source.given_up || source.ready_ms <= now_ms) && self.could_help(*id));
        if !hope {
            self.wants.clear();
            let unreachable = self.sources.values().any(|source| !source.not_there);
            effects.push(FillEffect::Exhausted { unreachable });
        }
    }

    /// Whether a source holds anything that is wanted.
    fn could_help(&self, source: SourceId) -> bool {
        let Some(holds) = self.holds.get(&source) else { return true };
        let wants = self.wants.values().map(|want| GroupRange::new(want.head, want.end));
        let mut common = wants.flat_map(|want| holds.iter().map(move |held| held.intersection(want)));
        common.any(|groups| self.have.missing_in(groups).next().is_some())
    }
}

#[cfg(test)]
mod tests;
