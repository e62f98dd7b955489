//! What a distributor fetches before anybody asks for it: new objects of its bags, and, when it is new
//! itself, what others are asked for.
//!
//! Two queues. *New* objects go first, one by one as blocks accept them, and are tried again within
//! milliseconds, since their first holder may still be busy with the upload. *Warm-up* is a list in
//! order of popularity that fills what is free and never more than that, behind readers and new objects.

mod popularity;

pub use popularity::{MAX_REPORT_OBJECTS, Report, merge_popularity};

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};
use argosy_domain::{BagId, DataObjectId, num::to_u64};

/// New objects that wait at most; of the others only the height is remembered, for a survey.
pub const MAX_WAITING: usize = 64 * 1024;
/// Candidates of a warm-up that wait at most.
pub const MAX_CANDIDATES: usize = 1024 * 1024;
/// How often a new object is tried: about six minutes in all.
const MAX_ATTEMPTS: u32 = 24;
/// How often one of a warm-up is.
const MAX_WARM_ATTEMPTS: u32 = 3;
/// Rest after the first failure; doubles up to the longest, with up to half more.
const REST_FIRST_MS: u64 = 20;
const REST_LONGEST_MS: u64 = 30_000;
/// How far new objects may run ahead of the rate: they come in bursts, and somebody waits for them.
const NEW_BURST_MS: u64 = 10_000;
/// The same of a warm-up.
const WARM_BURST_MS: u64 = 500;
/// However busy readers keep the node, a warm-up fetches one object in this time.
const TRICKLE_MS: u64 = 5_000;

/// How much of an object is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// So many bytes from its start.
    First(u64),
}

impl Extent {
    const fn bytes(self, size: u64) -> u64 {
        match self {
            Self::Whole => size,
            Self::First(bytes) => bytes,
        }
    }
}

/// Which objects are fetched, and how much of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    None,
    /// The start of each.
    Head,
    /// All of an object below a size, the start of others.
    Full,
}

/// What the operator has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which objects.
    pub mode: Mode,
    /// Objects of fewer bytes are fetched whole by [`Mode::Full`].
    pub full_below_bytes: u64,
    /// What counts as the start of an object.
    pub head_bytes: u64,
    /// Larger objects are not cached, so that they are not fetched either.
    pub max_object_bytes: u64,
    /// Fetches at once; at least one.
    pub concurrent: usize,
    /// Mean rate of all of them, in bytes per second; at least one.
    pub bytes_per_second: u64,
}

impl Policy {
    /// How much of an object of `size` bytes is wanted; none if nothing.
    #[must_use]
    pub const fn extent(&self, size: u64) -> Option<Extent> {
        if size > self.max_object_bytes {
            return None;
        }
        match self.mode {
            Mode::None => None,
            Mode::Full if size < self.full_below_bytes => Some(Extent::Whole),
            Mode::Head | Mode::Full if size <= self.head_bytes => Some(Extent::Whole),
            Mode::Head | Mode::Full => Some(Extent::First(self.head_bytes)),
        }
    }
}

/// An object that a warm-up may fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The object.
    pub id: DataObjectId,
    /// Bytes.
    pub size: u64,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrefetchInput {
    /// The block at `height` says that an object which this node delivers can be had.
    New {
        /// The object.
        id: DataObjectId,
        /// Where it belongs.
        bag: BagId,
        /// Bytes.
        size: u64,
        /// Of the block.
        height: u64,
    },
    /// Candidates for the warm-up, the most popular first, instead of those that are left.
    Candidates(Vec<Candidate>),
    /// An object was deleted, or is no longer this node's.
    Gone(DataObjectId),
    /// There is a source for a new object that could not be fetched: no need to rest.
    Source(DataObjectId),
    /// What was asked for is here; so many bytes of it came just now.
    Fetched {
        /// The object.
        id: DataObjectId,
        /// Bytes that came.
        bytes: u64,
    },
    /// What was asked for did not come.
    Failed {
        /// The object.
        id: DataObjectId,
        /// Whether it may go better later. It does not if the cache will not keep it.
        again: bool,
    },
    /// How full the cache is, in bytes.
    Room {
        /// Can still come without anything being evicted.
        free_bytes: u64,
        /// Fit in all.
        capacity_bytes: u64,
    },
    /// The bags whose objects are asked for most.
    Popular(BTreeSet<BagId>),
    /// Readers that wait for bytes from other nodes now.
    Readers(usize),
    /// Time has passed.
    Tick,
}

/// What must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefetchEffect {
    /// Fetch; answer with `Fetched`, `Failed` or `Gone`.
    Fetch {
        /// The object.
        id: DataObjectId,
        /// How much of it.
        extent: Extent,
    },
    /// Nothing more is tried for a new object.
    GaveUp(DataObjectId),
    /// More new objects came than could wait: tell those of blocks above `height` again.
    Survey {
        /// Of the newest block none of whose objects were left out.
        height: u64,
    },
}

/// How far a warm-up is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WarmUp {
    /// Candidates so far.
    pub total: u64,
    /// Of these, those that need nothing more: fetched, here before, without room, or given up.
    pub done: u64,
    /// Bytes that it has fetched.
    pub bytes: u64,
    /// Whether it waits for readers to be served.
    pub paused: bool,
}

impl WarmUp {
    /// Whether nothing is left to do.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.done >= self.total
    }
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    bag: BagId,
    size: u64,
    height: u64,
    attempts: u32,
    ready_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Warm {
    candidate: Candidate,
    attempts: u32,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    New(Waiting),
    Warm(Warm),
}

#[derive(Clone, Copy, Debug)]
struct Running {
    kind: Kind,
    /// Bytes that it may still write.
    bytes: u64,
}

/// Decides what is fetched when.
///
/// Invariants: an object is running at most once, and never waiting at the same time; at most
/// `concurrent` run; a new object stays until it is fetched, gone, without room or given up.
#[derive(Clone, Debug)]
pub struct PrefetchCore {
    policy: Policy,
    jitter: u64,
    waiting: BTreeMap<DataObjectId, Waiting>,
    /// The same by time.
    due: BTreeSet<(u64, DataObjectId)>,
    warm: VecDeque<Warm>,
    running: BTreeMap<DataObjectId, Running>,
    progress: WarmUp,
    /// Lowest height of a block whose objects were left out.
    left_out: Option<u64>,
    /// When all that was begun so far would have come at the mean rate.
    paced_ms: u64,
    /// Before this no warm-up begins: its sources failed.
    warm_ready_ms: u64,
    warm_failures: u32,
    warm_started_ms: Option<u64>,
    free_bytes: u64,
    capacity_bytes: u64,
    popular: BTreeSet<BagId>,
    readers: usize,
}

impl PrefetchCore {
    /// Nothing to do yet. `seed` spreads retries and should differ between nodes.
    #[must_use]
    pub fn new(policy: Policy, seed: u64) -> Self {
        Self {
            policy,
            jitter: seed | 1,
            waiting: BTreeMap::new(),
            due: BTreeSet::new(),
            warm: VecDeque::new(),
            running: BTreeMap::new(),
            progress: WarmUp::default(),
            left_out: None,
            paced_ms: 0,
            warm_ready_ms: 0,
            warm_failures: 0,
            warm_started_ms: None,
            free_bytes: 0,
            capacity_bytes: 0,
            popular: BTreeSet::new(),
            readers: 0,
        }
    }

    /// Takes one input at `now_ms` and leaves in `effects`, in order, what must be done.
    pub fn handle(&mut self, now_ms: u64, input: PrefetchInput, effects: &mut Vec<PrefetchEffect>) {
        match input {
            PrefetchInput::New { id, bag, size, height } => self.on_new(now_ms, id, bag, size, height),
            PrefetchInput::Candidates(list) => self.on_candidates(list),
            PrefetchInput::Gone(id) => self.on_gone(id),
            PrefetchInput::Source(id) => self.on_source(now_ms, id),
            PrefetchInput::Fetched { id, bytes } => self.on_fetched(id, bytes),
            PrefetchInput::Failed { id, again } => self.on_failed(now_ms, id, again, effects),
            PrefetchInput::Room { free_bytes, capacity_bytes } => {
                self.free_bytes = free_bytes;
                self.capacity_bytes = capacity_bytes;
            }
            PrefetchInput::Popular(bags) => self.popular = bags,
            PrefetchInput::Readers(readers) => self.readers = readers,
            PrefetchInput::Tick => {}
        }
        self.start_what_may(now_ms, effects);
        if self.waiting.len() < MAX_WAITING / 2
            && let Some(height) = self.left_out.take()
        {
            effects.push(PrefetchEffect::Survey { height: height.saturating_sub(1) });
        }
    }

    /// When time alone changes something, in milliseconds; none if only an input can.
    #[must_use]
    pub fn next_tick_ms(&self) -> Option<u64> {
        if self.running.len() >= self.policy.concurrent.max(1) {
            return None;
        }
        let new = self.due.first().map(|(ready, _)| (*ready).max(self.paced_from(NEW_BURST_MS)));
        let warm = (!self.warm.is_empty()).then(|| {
            let ready = self.warm_ready_ms.max(self.paced_from(WARM_BURST_MS));
            if self.warm_slots() > self.warm_running() { ready } else { ready.max(self.trickle_ms()) }
        });
        // A warm-up with no slot but the trickle's waits for its own end.
        let warm = warm.filter(|_| self.warm_slots() > self.warm_running() || self.warm_running() == 0);
        new.into_iter().chain(warm).min()
    }

    /// How far the warm-up is.
    #[must_use]
    pub fn warm_up(&self) -> WarmUp {
        let paused = !self.progress.is_over() && self.warm_slots() == 0;
        WarmUp { paused, ..self.progress }
    }

    /// New objects that wait after a failure, for those who learn of sources.
    pub fn resting(&self) -> impl Iterator<Item = DataObjectId> {
        self.waiting.iter().filter(|(_, waiting)| waiting.attempts > 0).map(|(id, _)| *id)
    }

    /// Height of the newest block all of whose new objects are settled, if `height` is the newest block:
    /// where to go on after a restart.
    #[must_use]
    pub fn settled_height(&self, height: u64) -> u64 {
        let running = self.running.values().filter_map(|running| match running.kind {
            Kind::New(waiting) => Some(waiting.height),
            Kind::Warm(_) => None,
        });
        let open = self.waiting.values().map(|waiting| waiting.height).chain(running).chain(self.left_out);
        open.min().map_or(height, |open| height.min(open.saturating_sub(1)))
    }

    fn on_new(&mut self, now_ms: u64, id: DataObjectId, bag: BagId, size: u64, height: u64) {
        if self.waiting.contains_key(&id) || self.policy.extent(size).is_none() {
            return;
        }
        let waiting = Waiting { bag, size, height, attempts: 0, ready_ms: now_ms };
        if let Some(running) = self.running.get_mut(&id) {
            if matches!(running.kind, Kind::Warm(_)) {
                // Not to be lost if this fetch fails.
                running.kind = Kind::New(waiting);
                self.warm_done(0);
            }
            return;
        }
        if self.waiting.len() >= MAX_WAITING {
            self.left_out = Some(self.left_out.map_or(height, |lowest| lowest.min(height)));
            return;
        }
        self.wait(id, waiting);
    }

    fn wait(&mut self, id: DataObjectId, waiting: Waiting) {
        self.due.insert((waiting.ready_ms, id));
        self.waiting.insert(id, waiting);
    }

    fn stop_waiting(&mut self, id: DataObjectId) -> Option<Waiting> {
        let waiting = self.waiting.remove(&id)?;
        self.due.remove(&(waiting.ready_ms, id));
        Some(waiting)
    }

    fn on_candidates(&mut self, list: Vec<Candidate>) {
        let wanted = list.into_iter().filter(|candidate| self.policy.extent(candidate.size).is_some());
        self.warm = wanted.take(MAX_CANDIDATES).map(|candidate| Warm { candidate, attempts: 0 }).collect();
        if self.progress.is_over() {
            self.progress = WarmUp::default();
        }
        let open = to_u64(self.warm.len().saturating_add(self.warm_running()));
        self.progress.total = self.progress.done.saturating_add(open);
    }

    fn on_gone(&mut self, id: DataObjectId) {
        self.stop_waiting(id);
        if let Some(Running { kind: Kind::Warm(_), .. }) = self.running.remove(&id) {
            self.warm_done(0);
        }
    }

    fn on_source(&mut self, now_ms: u64, id: DataObjectId) {
        if let Some(waiting) = self.stop_waiting(id) {
            // In turn, so that many nodes do not ask the new source in the same moment.
            let ready_ms = now_ms.saturating_add(self.random_below(REST_FIRST_MS)).min(waiting.ready_ms);
            self.wait(id, Waiting { ready_ms, ..waiting });
        }
    }

    fn on_fetched(&mut self, id: DataObjectId, bytes: u64) {
        match self.running.remove(&id) {
            Some(Running { kind: Kind::Warm(_), .. }) => {
                self.warm_failures = 0;
                self.warm_done(bytes);
            }
            Some(Running { kind: Kind::New(_), .. }) | None => {}
        }
    }

    fn warm_done(&mut self, bytes: u64) {
        self.progress.done = self.progress.done.saturating_add(1);
        self.progress.bytes = self.progress.bytes.saturating_add(bytes);
    }

    fn on_failed(&mut self, now_ms: u64, id: DataObjectId, again: bool, effects: &mut Vec<PrefetchEffect>) {
        match self.running.remove(&id).map(|running| running.kind) {
            Some(Kind::New(waiting)) => {
                let attempts = waiting.attempts.saturating_add(1);
                if !again || attempts >= MAX_ATTEMPTS {
                    effects.push(PrefetchEffect::GaveUp(id));
                    return;
                }
                let ready_ms = now_ms.saturating_add(self.rest_ms(waiting.attempts));
                self.wait(id, Waiting { attempts, ready_ms, ..waiting });
            }
            Some(Kind::Warm(warm)) => {
                let attempts = warm.attempts.saturating_add(1);
                if !again || attempts >= MAX_WARM_ATTEMPTS {
                    self.warm_done(0);
                } else {
                    self.warm.push_back(Warm { attempts, ..warm });
                }
                if again {
                    // It is rather the sources than the object, so that the others wait, too.
                    self.warm_ready_ms = now_ms.saturating_add(self.rest_ms(self.warm_failures));
                    self.warm_failures = self.warm_failures.saturating_add(1);
                }
            }
            None => {}
        }
    }

    fn start_what_may(&mut self, now_ms: u64, effects: &mut Vec<PrefetchEffect>) {
        while self.running.len() < self.policy.concurrent.max(1) {
            let started = self.start_new(now_ms, effects) || self.start_warm(now_ms, effects);
            if !started {
                return;
            }
        }
    }

    /// Whether there was one that was settled either way.
    fn start_new(&mut self, now_ms: u64, effects: &mut Vec<PrefetchEffect>) -> bool {
        let Some((ready_ms, id)) = self.due.first().copied() else { return false };
        if ready_ms > now_ms || self.paced_from(NEW_BURST_MS) > now_ms {
            return false;
        }
        let Some(waiting) = self.stop_waiting(id) else { return false };
        let Some(extent) = self.policy.extent(waiting.size) else { return true };
        let bytes = extent.bytes(waiting.size);
        // A full cache is not turned over for what nobody may ever want.
        if bytes > self.unclaimed_bytes() && !self.popular.contains(&waiting.bag) {
            effects.push(PrefetchEffect::GaveUp(id));
            return true;
        }
        self.run(now_ms, id, Kind::New(waiting), bytes);
        effects.push(PrefetchEffect::Fetch { id, extent });
        true
    }

    fn start_warm(&mut self, now_ms: u64, effects: &mut Vec<PrefetchEffect>) -> bool {
        if self.warm.is_empty() || self.warm_ready_ms > now_ms || self.paced_from(WARM_BURST_MS) > now_ms {
            return false;
        }
        let trickles = self.warm_running() == 0 && self.trickle_ms() <= now_ms;
        if self.warm_running() >= self.warm_slots() && !trickles {
            return false;
        }
        let Some(warm) = self.warm.pop_front() else { return false };
        let Candidate { id, size } = warm.candidate;
        let extent = self.policy.extent(size);
        let busy = self.running.contains_key(&id) || self.waiting.contains_key(&id);
        let bytes = extent.map_or(0, |extent| extent.bytes(size));
        // Something stays free for new objects, and for readers.
        let reserve = self.capacity_bytes / 16;
        let fits = bytes.saturating_add(reserve) <= self.unclaimed_bytes();
        let (Some(extent), true, false) = (extent, fits, busy) else {
            self.warm_done(0);
            return true;
        };
        self.run(now_ms, id, Kind::Warm(warm), bytes);
        self.warm_started_ms = Some(now_ms);
        effects.push(PrefetchEffect::Fetch { id, extent });
        true
    }

    fn run(&mut self, now_ms: u64, id: DataObjectId, kind: Kind, bytes: u64) {
        let rate = self.policy.bytes_per_second.max(1);
        let takes_ms = bytes.saturating_mul(1_000).checked_div(rate).unwrap_or(0);
        self.paced_ms = self.paced_ms.max(now_ms).saturating_add(takes_ms);
        self.running.insert(id, Running { kind, bytes });
    }

    /// From when on something may begin that may run `burst_ms` ahead of the mean rate.
    const fn paced_from(&self, burst_ms: u64) -> u64 {
        self.paced_ms.saturating_sub(burst_ms)
    }

    /// Free bytes that nothing under way will take.
    fn unclaimed_bytes(&self) -> u64 {
        let claimed = self.running.values().fold(0_u64, |sum, running| sum.saturating_add(running.bytes));
        self.free_bytes.saturating_sub(claimed)
    }

    /// Warm-up fetches at once: all slots but one for new objects, and one less for each reader.
    fn warm_slots(&self) -> usize {
        self.policy.concurrent.saturating_sub(1).max(1).saturating_sub(self.readers)
    }

    fn warm_running(&self) -> usize {
        self.running.values().filter(|running| matches!(running.kind, Kind::Warm(_))).count()
    }

    fn trickle_ms(&self) -> u64 {
        self.warm_started_ms.map_or(0, |started| started.saturating_add(TRICKLE_MS))
    }

    fn rest_ms(&mut self, failures: u32) -> u64 {
        let doubled = REST_FIRST_MS.checked_shl(failures.min(32)).unwrap_or(REST_LONGEST_MS);
        let rest = doubled.min(REST_LONGEST_MS);
        rest.saturating_add(self.random_below(rest / 2))
    }

    /// Source: Marsaglia, "Xorshift RNGs" (2003).
    fn random_below(&mut self, bound: u64) -> u64 {
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        self.jitter.checked_rem(bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
