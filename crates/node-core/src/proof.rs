//! Which endpoints have proved whose node they are, and which may be asked to.
//!
//! A worker may name any URL as its endpoint, and every node of the network would ask it. So an endpoint is
//! asked for one thing only, the answer to a challenge, until it has proved that the worker's node is there.
//! How often that may be tried follows from what came of it: a stranger who answers is left alone for an hour.
//!
//! Source: `spec/reliability.md` T-33.

mod allowance;
#[cfg(test)]
mod tests;

pub use allowance::Allowance;

use crate::sources::mix;
use alloc::{
    borrow::ToOwned as _,
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use argosy_domain::{WorkerId, WorkingGroup};

/// Most workers remembered.
pub const MAX_WORKERS: usize = 4096;
/// Most endpoints of one worker that are asked; it may name others, which are not.
pub const MAX_ENDPOINTS_PER_WORKER: usize = 8;
/// The same with those that it does not name any more, and that are remembered so that to change the name
/// is no way to be asked more often.
const MAX_REMEMBERED_PER_WORKER: usize = 2 * MAX_ENDPOINTS_PER_WORKER;
/// A challenge that was asked so long ago has been lost, in milliseconds.
const LOST_MS: u64 = 60_000;
/// For how long a host counts that has answered wrongly, and after how many of such answers, to whatever
/// workers, it is left alone unless some endpoint there is proven.
const HOST_MEMORY_MS: u64 = HOUR_MS;
const MAX_WRONG_PER_HOST: usize = 4;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// A worker, by its group.
pub type Worker = (WorkingGroup, WorkerId);

/// An endpoint of a worker, as the directory has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Who names it.
    pub worker: Worker,
    /// Root URL.
    pub endpoint: String,
}

/// How often endpoints may be asked, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofBounds {
    /// Shortest time between two challenges; doubles with each failure in a row.
    pub pause_ms: u64,
    /// Longest one, and the one after a wrong answer of an endpoint that has never proved itself.
    pub longest_pause_ms: u64,
    /// Shortest time between two changes of a worker's endpoints that are honoured.
    pub change_ms: u64,
    /// Over which time the first challenges of a new endpoint are spread, if nobody waits for it.
    pub spread_ms: u64,
    /// After which time a proof is renewed; up to a third more.
    pub renew_ms: u64,
    /// For how long a proven endpoint may be asked if nothing is heard of it since.
    pub usable_ms: u64,
    /// For how long after the first wrong answer.
    pub usable_wrong_ms: u64,
}

impl ProofBounds {
    /// Those of a network of strangers.
    pub const STRANGERS: Self = Self {
        pause_ms: MINUTE_MS,
        longest_pause_ms: HOUR_MS,
        change_ms: 10 * MINUTE_MS,
        spread_ms: 10_000,
        renew_ms: 45 * MINUTE_MS,
        usable_ms: 3 * HOUR_MS,
        usable_wrong_ms: 10 * MINUTE_MS,
    };

    /// Those of a network on one machine, whose nodes all come and go at once: nobody is to be protected.
    pub const LOCAL: Self = Self {
        pause_ms: 500,
        longest_pause_ms: 2_000,
        change_ms: 0,
        spread_ms: 0,
        renew_ms: 45 * MINUTE_MS,
        usable_ms: 3 * HOUR_MS,
        usable_wrong_ms: 10 * MINUTE_MS,
    };
}

/// What came of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The worker's node is there.
    Proven,
    /// It is not, or does not say so.
    Failed(Trouble),
}

/// Why an endpoint is not proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Nobody answers, or a proxy says that nobody is behind it.
    Silent,
    /// A node of the network says that it cannot prove itself now, such as without its key.
    Unable,
    /// The node is that of another worker.
    OtherWorker,
    /// The key that has signed is none of the worker's.
    OtherKey,
    /// Whoever is there answers something else.
    Wrong,
    /// The worker changes its endpoints too often, or names too many: this one has to wait.
    Changed,
}

impl Trouble {
    /// Name of it, for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Unable => "unable",
            Self::OtherWorker => "other-worker",
            Self::OtherKey => "other-key",
            Self::Wrong => "wrong-answer",
            Self::Changed => "changed-too-often",
        }
    }
}

/// Whether an endpoint may be asked for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Proven,
    /// It is being challenged: wait for the outcome.
    Asked,
    /// The caller has to challenge it now, and to tell the outcome.
    Ask,
    /// No, not now.
    No,
    /// It was never named: tell what the worker names.
    Unknown,
}

/// One endpoint, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which one.
    pub subject: Subject,
    /// Whether it may be asked for things.
    pub is_proven: bool,
    /// What went wrong last.
    pub trouble: Option<Trouble>,
    /// When it may be challenged next.
    pub next_ms: u64,
}

/// The endpoints of all workers that this node may ask.
#[derive(Clone, Debug)]
pub struct Proofs {
    bounds: ProofBounds,
    seed: u64,
    drawn: u64,
    workers: BTreeMap<Worker, Known>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    endpoints: BTreeMap<String, Endpoint>,
    /// When a change was honoured last.
    changed_ms: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Endpoint {
    /// The worker names it now.
    named: bool,
    /// It may be challenged: it was among the first, or a change that was honoured.
    honoured: bool,
    asked_ms: Option<u64>,
    ended_ms: Option<u64>,
    next_ms: u64,
    failures: u32,
    trouble: Option<Trouble>,
    /// Until when it may be asked for things; 0 if it has never proved itself.
    usable_until_ms: u64,
}

impl Endpoint {
    fn is_proven(&self, now_ms: u64) -> bool {
        now_ms < self.usable_until_ms
    }

    fn is_asked(&self, now_ms: u64) -> bool {
        self.asked_ms.is_some_and(|asked| now_ms < asked.saturating_add(LOST_MS))
    }

    /// Whether a stranger has answered here, within the time for which a host counts.
    fn is_strange(&self, now_ms: u64) -> bool {
        let lately = self.ended_ms.is_some_and(|ended| now_ms < ended.saturating_add(HOST_MEMORY_MS));
        self.usable_until_ms == 0 && self.trouble == Some(Trouble::Wrong) && lately
    }

    /// Whether it must not be forgotten yet.
    fn is_remembered(&self, now_ms: u64) -> bool {
        self.is_proven(now_ms)
            || self.is_asked(now_ms)
            || self.is_strange(now_ms)
            || (self.failures > 0 && now_ms < self.next_ms)
    }

    /// From when on it may be challenged. Who waits for it need not wait as long, if the last challenge
    /// reached nobody.
    fn not_before_ms(&self, bounds: &ProofBounds, demanded: bool) -> u64 {
        match (demanded, self.failures, self.ended_ms) {
            (true, 0, _) if self.usable_until_ms == 0 => 0,
            (true, _, Some(ended)) if self.trouble == Some(Trouble::Silent) => {
                self.next_ms.min(ended.saturating_add(bounds.pause_ms))
            }
            _ => self.next_ms,
        }
    }
}

impl Proofs {
    /// Nothing is known yet. `seed` spreads challenges, and should differ between nodes.
    #[must_use]
    pub const fn new(bounds: ProofBounds, seed: u64) -> Self {
        Self { bounds, seed, drawn: 0, workers: BTreeMap::new() }
    }

    /// Takes the endpoints that a worker names now; none when it has gone.
    pub fn named(&mut self, now_ms: u64, worker: Worker, endpoints: &BTreeSet<String>) {
        let is_new = !self.workers.contains_key(&worker);
        if is_new && (endpoints.is_empty() || !self.has_room(now_ms)) {
            return;
        }
        let (bounds, first_ms) = (self.bounds, now_ms.saturating_add(self.draw(self.bounds.spread_ms)));
        let known = self.workers.entry(worker).or_default();
        known.forget(now_ms, endpoints);
        for endpoint in endpoints {
            let full = known.endpoints.len() >= MAX_REMEMBERED_PER_WORKER;
            if !full || known.endpoints.contains_key(endpoint) {
                let entry = known.endpoints.entry(endpoint.clone()).or_default();
                entry.named = true;
                if entry.is_proven(now_ms) {
                    entry.honoured = true;
                }
            }
        }
        known.honour(now_ms, first_ms, &bounds, is_new);
        if known.endpoints.is_empty() && known.may_change(now_ms, &bounds) {
            self.workers.remove(&worker);
        }
    }

    /// Whether somebody who wants something of an endpoint may ask for it. [`Verdict::Ask`] counts as asked.
    pub fn wanted(&mut self, now_ms: u64, subject: &Subject) -> Verdict {
        let Some(known) = self.workers.get(&subject.worker) else { return Verdict::Unknown };
        let Some(endpoint) = known.endpoints.get(&subject.endpoint).filter(|endpoint| endpoint.named) else {
            return Verdict::Unknown;
        };
        if endpoint.is_proven(now_ms) {
            return Verdict::Proven;
        }
        let verdict = self.may_ask(now_ms, subject, true);
        if verdict == Verdict::Ask {
            self.mark_asked(now_ms, subject);
        }
        verdict
    }

    /// Whether an endpoint may be asked for something at once.
    #[must_use]
    pub fn is_proven(&self, now_ms: u64, subject: &Subject) -> bool {
        self.endpoint(subject).is_some_and(|endpoint| endpoint.named && endpoint.is_proven(now_ms))
    }

    /// At most `max` endpoints whose challenge is due, those that have waited longest first. They count as
    /// asked.
    pub fn due(&mut self, now_ms: u64, max: usize) -> Vec<Subject> {
        let mut waiting: Vec<(Option<u64>, Subject)> = self
            .all()
            .filter(|(_, endpoint)| endpoint.named && endpoint.honoured && endpoint.next_ms <= now_ms)
            .map(|(subject, endpoint)| (endpoint.ended_ms, subject))
            .collect();
        waiting.sort_unstable();
        let mut due = Vec::new();
        for (_, subject) in waiting {
            // Looked at one by one: those before count as asked by now.
            if due.len() < max && self.may_ask(now_ms, &subject, false) == Verdict::Ask {
                self.mark_asked(now_ms, &subject);
                due.push(subject);
            }
        }
        due
    }

    /// When a challenge is due next, if none of those that are due now is to be waited for.
    #[must_use]
    pub fn next_ms(&self, now_ms: u64) -> Option<u64> {
        let next = self.all().filter(|(_, endpoint)| endpoint.named && endpoint.honoured);
        next.map(|(_, endpoint)| endpoint.next_ms).filter(|next| *next > now_ms).min()
    }

    /// Takes what came of a challenge.
    pub fn ended(&mut self, now_ms: u64, subject: &Subject, outcome: Outcome) {
        let (bounds, dice) = (self.bounds, self.draw(u64::MAX));
        let Some(endpoint) = self
            .workers
            .get_mut(&subject.worker)
            .and_then(|known| known.endpoints.get_mut(&subject.endpoint))
        else {
            return;
        };
        let never_proven = endpoint.usable_until_ms == 0;
        endpoint.asked_ms = None;
        endpoint.ended_ms = Some(now_ms);
        match outcome {
            Outcome::Proven => {
                (endpoint.failures, endpoint.trouble) = (0, None);
                endpoint.usable_until_ms = now_ms.saturating_add(bounds.usable_ms);
                let renew = bounds.renew_ms.saturating_add(within(dice, bounds.renew_ms / 3));
                endpoint.next_ms = now_ms.saturating_add(renew);
            }
            Outcome::Failed(trouble) => {
                let doubled = bounds.pause_ms.saturating_mul(1 << endpoint.failures.min(16));
                let grave = trouble == Trouble::Wrong;
                let pause = if grave && never_proven { bounds.longest_pause_ms } else { doubled };
                let pause = pause.min(bounds.longest_pause_ms);
                // Never sooner: the bound holds whatever the dice say.
                let pause = pause.saturating_add(within(dice, pause / 8));
                endpoint.next_ms = now_ms.saturating_add(pause);
                endpoint.failures = endpoint.failures.saturating_add(1);
                endpoint.trouble = Some(trouble);
                if grave && !never_proven {
                    let latest = now_ms.saturating_add(bounds.usable_wrong_ms);
                    endpoint.usable_until_ms = endpoint.usable_until_ms.min(latest);
                }
            }
        }
    }

    /// How many of the endpoints that are named are proven, and how many are not.
    #[must_use]
    pub fn counts(&self, now_ms: u64) -> (usize, usize) {
        let named = self.all().filter(|(_, endpoint)| endpoint.named);
        named.fold((0, 0), |(proven, others), (_, endpoint)| match endpoint.is_proven(now_ms) {
            true => (proven.saturating_add(1), others),
            false => (proven, others.saturating_add(1)),
        })
    }

    /// At most `max` of the endpoints that are named and with which something is wrong.
    #[must_use]
    pub fn told(&self, now_ms: u64, max: usize) -> Vec<Told> {
        let named = self.all().filter(|(_, endpoint)| endpoint.named);
        let told = named.map(|(subject, endpoint)| Told {
            subject,
            is_proven: endpoint.is_proven(now_ms),
            trouble: endpoint.trouble.or_else(|| (!endpoint.honoured).then_some(Trouble::Changed)),
            next_ms: endpoint.next_ms,
        });
        told.filter(|told| told.trouble.is_some()).take(max).collect()
    }

    /// Workers that are remembered, so that those who have gone can be told of.
    #[must_use]
    pub fn workers(&self) -> Vec<Worker> {
        self.workers.keys().copied().collect()
    }

    fn all(&self) -> impl Iterator<Item = (Subject, &Endpoint)> {
        self.workers.iter().flat_map(|(worker, known)| {
            known
                .endpoints
                .iter()
                .map(|(endpoint, entry)| (Subject { worker: *worker, endpoint: endpoint.to_owned() }, entry))
        })
    }

    fn endpoint(&self, subject: &Subject) -> Option<&Endpoint> {
        self.workers.get(&subject.worker)?.endpoints.get(&subject.endpoint)
    }

    fn mark_asked(&mut self, now_ms: u64, subject: &Subject) {
        let known = self.workers.get_mut(&subject.worker);
        if let Some(endpoint) = known.and_then(|known| known.endpoints.get_mut(&subject.endpoint)) {
            endpoint.asked_ms = Some(now_ms);
        }
    }

    /// [`Verdict::Ask`] if it may be challenged now, [`Verdict::Asked`] if that depends on a challenge which is
    /// under way, else [`Verdict::No`].
    fn may_ask(&self, now_ms: u64, subject: &Subject, demanded: bool) -> Verdict {
        let Some(known) = self.workers.get(&subject.worker) else { return Verdict::No };
        let Some(endpoint) = known.endpoints.get(&subject.endpoint) else { return Verdict::No };
        let waits = |endpoint: &Endpoint| now_ms < endpoint.not_before_ms(&self.bounds, demanded);
        if endpoint.is_asked(now_ms) {
            return Verdict::Asked;
        }
        if !endpoint.honoured || waits(endpoint) {
            return Verdict::No;
        }
        // Other names of one place are no way to have it asked more often …
        let host = host_of(&subject.endpoint);
        let siblings = || known.endpoints.iter().filter(|(url, _)| host_of(url) == host).map(|(_, it)| it);
        if siblings().any(|other| other.is_proven(now_ms)) {
            return Verdict::Ask;
        }
        if siblings().any(|other| other.failures > 0 && !other.is_asked(now_ms) && waits(other)) {
            return Verdict::No;
        }
        if siblings().any(|other| other.is_asked(now_ms)) {
            return Verdict::Asked;
        }
        // … nor are many workers, beyond a few.
        match self.strangers_at(now_ms, host) {
            (strangers, _) if strangers >= MAX_WRONG_PER_HOST => Verdict::No,
            (strangers, asked) if strangers.saturating_add(asked) >= MAX_WRONG_PER_HOST => Verdict::Asked,
            _ => Verdict::Ask,
        }
    }

    /// How many endpoints at a host have lately answered as strangers do, and how many are being challenged;
    /// none if one there is proven.
    fn strangers_at(&self, now_ms: u64, host: &str) -> (usize, usize) {
        let entries = self.workers.values().flat_map(|known| known.endpoints.iter());
        let (mut strangers, mut asked): (usize, usize) = (0, 0);
        for (_, endpoint) in entries.filter(|(url, _)| host_of(url) == host) {
            if endpoint.is_proven(now_ms) {
                return (0, 0);
            }
            if endpoint.is_asked(now_ms) {
                asked = asked.saturating_add(1);
            } else if endpoint.is_strange(now_ms) {
                strangers = strangers.saturating_add(1);
            }
        }
        (strangers, asked)
    }

    /// Whether one more worker can be remembered; forgets what need not be.
    fn has_room(&mut self, now_ms: u64) -> bool {
        if self.workers.len() >= MAX_WORKERS {
            self.workers
                .retain(|_, known| known.endpoints.values().any(|it| it.named || it.is_remembered(now_ms)));
        }
        self.workers.len() < MAX_WORKERS
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        within(mix(self.seed ^ mix(self.drawn)), below)
    }
}

impl Known {
    /// Notes what is not named any more, and forgets what may be forgotten.
    fn forget(&mut self, now_ms: u64, named: &BTreeSet<String>) {
        self.endpoints.retain(|url, endpoint| {
            endpoint.named = named.contains(url);
            endpoint.honoured &= endpoint.named;
            endpoint.named || endpoint.is_remembered(now_ms)
        });
    }

    fn may_change(&self, now_ms: u64, bounds: &ProofBounds) -> bool {
        self.changed_ms.is_none_or(|changed| now_ms >= changed.saturating_add(bounds.change_ms))
    }

    /// Lets what is named be challenged: all of it of a worker that is new, else one change at a time.
    fn honour(&mut self, now_ms: u64, first_ms: u64, bounds: &ProofBounds, is_new: bool) {
        let mut honoured = self.endpoints.values().filter(|endpoint| endpoint.honoured).count();
        let waiting = |endpoint: &&mut Endpoint| endpoint.named && !endpoint.honoured;
        let mut may_change = is_new || self.may_change(now_ms, bounds);
        for endpoint in self.endpoints.values_mut().filter(waiting) {
            if !may_change || honoured >= MAX_ENDPOINTS_PER_WORKER {
                continue;
            }
            endpoint.honoured = true;
            honoured = honoured.saturating_add(1);
            endpoint.next_ms = endpoint.next_ms.max(first_ms);
            if !is_new {
                self.changed_ms = Some(now_ms);
                may_change = bounds.change_ms == 0;
            }
        }
    }
}

/// The host of a root URL, without its port.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        // What stands in brackets has colons of its own.
        Some((host, port)) if !port.ends_with(']') => host,
        Some(_) | None => authority,
    }
}

/// A number below `below`, or 0.
fn within(dice: u64, below: u64) -> u64 {
    dice.checked_rem(below).unwrap_or(0)
}
