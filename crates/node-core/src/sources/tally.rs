//! What sources were asked for and what came of it, told apart for a bounded number of them.

use super::{Observation, SourceId};
use alloc::{collections::BTreeMap, vec::Vec};
use argosy_domain::{DistributionBucketId, StorageBucketId, WorkerId};
use core::fmt;

/// Most sources that are told apart; the others are summed up.
pub const MAX_NAMED_SOURCES: usize = 64;
/// Most others whose bytes are remembered, to see whether they have earned a name.
const MAX_UNNAMED_SOURCES: usize = 4096;
/// One of the others takes a name from the least of the named when it has brought so many times its bytes.
const TAKES_OVER: u64 = 2;

/// A source as the directory numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceName {
    /// The storage node of a bucket.
    Storage(StorageBucketId),
    /// Another distributor: one of its buckets, and its worker.
    Peer(DistributionBucketId, WorkerId),
}

impl SourceName {
    /// Its name in the node's memory.
    #[must_use]
    pub fn id(self) -> SourceId {
        match self {
            Self::Storage(bucket) => SourceId::from(bucket),
            Self::Peer(bucket, worker) => SourceId::of_peer(bucket, worker),
        }
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(bucket) => write!(f, "storage-{}", bucket.0),
            Self::Peer(bucket, worker) => write!(f, "distribution-{bucket}-{}", worker.0),
        }
    }
}

/// How a request to a source can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection, an error, or broken off.
    Failed,
    /// Too slow, or silent.
    Stalled,
    /// It said that it is too busy.
    Busy,
    /// It said that it does not have the object, or may not give it.
    NotThere,
    /// It sent wrong bytes.
    Wrong,
}

impl Failure {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Failed, Self::Stalled, Self::Busy, Self::NotThere, Self::Wrong];

    /// For those who read numbers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Stalled => "stalled",
            Self::Busy => "busy",
            Self::NotThere => "not_there",
            Self::Wrong => "wrong",
        }
    }

    pub(super) const fn of(observation: Observation) -> Option<Self> {
        match observation {
            Observation::Failed => Some(Self::Failed),
            Observation::Stalled => Some(Self::Stalled),
            Observation::Busy => Some(Self::Busy),
            Observation::NotThere => Some(Self::NotThere),
            Observation::Wrong => Some(Self::Wrong),
            Observation::Answered { .. } | Observation::Moved { .. } | Observation::Overtaken { .. } => None,
        }
    }
}

/// What was asked of a source, or of several, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Requests for groups.
    pub requests_count: u64,
    /// Verified bytes of objects that it brought.
    pub bytes: u64,
    failures: [u64; Failure::ALL.len()],
}

impl Figures {
    /// Requests that ended so.
    #[must_use]
    pub fn failures_count(&self, failure: Failure) -> u64 {
        let mut counts = Failure::ALL.iter().zip(self.failures);
        counts.find_map(|(kind, count)| (*kind == failure).then_some(count)).unwrap_or(0)
    }

    fn count(&mut self, event: Event) {
        match event {
            Event::Asked => self.requests_count = self.requests_count.saturating_add(1),
            Event::Brought(bytes) => self.bytes = self.bytes.saturating_add(bytes),
            Event::Ended(failure) => {
                let counts = Failure::ALL.iter().zip(&mut self.failures);
                for (_, count) in counts.filter(|(kind, _)| **kind == failure) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.requests_count = self.requests_count.saturating_add(other.requests_count);
        self.bytes = self.bytes.saturating_add(other.bytes);
        for (count, more) in self.failures.iter_mut().zip(other.failures) {
            *count = count.saturating_add(more);
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Asked,
    Brought(u64),
    Ended(Failure),
}

#[derive(Clone, Debug)]
struct Named {
    name: SourceName,
    figures: Figures,
    /// What it brought before it had a name, too.
    all_bytes: u64,
}

/// Invariant: no figure ever goes down, neither of a source while it is named nor of the others, so that
/// rates can be made of them; and all of them together are what happened.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    named: BTreeMap<SourceId, Named>,
    unnamed_bytes: BTreeMap<SourceId, u64>,
    others: Figures,
}

impl Tally {
    pub(super) const fn new() -> Self {
        let others = Figures { requests_count: 0, bytes: 0, failures: [0; Failure::ALL.len()] };
        Self { named: BTreeMap::new(), unnamed_bytes: BTreeMap::new(), others }
    }

    /// Counts a request, which is how sources are met.
    pub(super) fn asked(&mut self, name: SourceName) {
        let id = name.id();
        let bytes = self.unnamed_bytes.get(&id).copied().unwrap_or(0);
        if !self.named.contains_key(&id) && self.has_name_for(bytes) {
            self.unnamed_bytes.remove(&id);
            self.named.insert(id, Named { name, figures: Figures::default(), all_bytes: bytes });
        }
        self.count(id, Event::Asked);
    }

    pub(super) fn count(&mut self, id: SourceId, event: Event) {
        if let Some(named) = self.named.get_mut(&id) {
            named.figures.count(event);
            if let Event::Brought(bytes) = event {
                named.all_bytes = named.all_bytes.saturating_add(bytes);
            }
            return;
        }
        self.others.count(event);
        if let Event::Brought(bytes) = event {
            self.note_unnamed(id, bytes);
        }
    }

    /// Whether a source that brought so many bytes may have a name now; the least of the others loses its
    /// own if need be.
    fn has_name_for(&mut self, bytes: u64) -> bool {
        if self.named.len() < MAX_NAMED_SOURCES {
            return true;
        }
        let least = self.named.iter().min_by_key(|(_, named)| named.all_bytes);
        let Some((least, least_bytes)) = least.map(|(id, named)| (*id, named.all_bytes)) else {
            return false;
        };
        if bytes <= least_bytes.saturating_mul(TAKES_OVER) {
            return false;
        }
        if let Some(gone) = self.named.remove(&least) {
            self.others.add(&gone.figures);
            self.note_unnamed(least, gone.all_bytes);
        }
        true
    }

    fn note_unnamed(&mut self, id: SourceId, bytes: u64) {
        if !self.unnamed_bytes.contains_key(&id) && self.unnamed_bytes.len() >= MAX_UNNAMED_SOURCES {
            let least = self.unnamed_bytes.iter().min_by_key(|(_, bytes)| **bytes).map(|(id, _)| *id);
            if let Some(least) = least {
                self.unnamed_bytes.remove(&least);
            }
        }
        let noted = self.unnamed_bytes.entry(id).or_default();
        *noted = noted.saturating_add(bytes);
    }

    /// Those that are told apart, by name.
    pub(super) fn named(&self) -> Vec<(SourceName, Figures)> {
        let mut all: Vec<_> = self.named.values().map(|named| (named.name, named.figures)).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    }

    /// All others together.
    pub(super) const fn others(&self) -> Figures {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    fn storage(bucket: u64) -> SourceName {
        SourceName::Storage(StorageBucketId(bucket))
    }

    fn bring(tally: &mut Tally, bucket: u64, bytes: u64) {
        tally.asked(storage(bucket));
        tally.count(storage(bucket).id(), Event::Brought(bytes));
    }

    fn sum(tally: &Tally) -> Figures {
        let mut all = tally.others();
        tally.named().iter().for_each(|(_, figures)| all.add(figures));
        all
    }

    #[test]
    fn each_source_has_its_own_figures() {
        let mut tally = Tally::default();
        let peer = SourceName::Peer("0:3".parse().unwrap(), WorkerId(9));
        bring(&mut tally, 7, 100);
        tally.asked(peer);
        tally.count(peer.id(), Event::Ended(Failure::Busy));
        tally.count(peer.id(), Event::Ended(Failure::Busy));
        let named = tally.named();
        assert_eq!(
            named.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>(),
            ["storage-7", "distribution-0:3-9"]
        );
        let [(_, storage), (_, peer)] = named[..] else { panic!("two") };
        assert_eq!((storage.requests_count, storage.bytes), (1, 100));
        let failures = |of: Figures| Failure::ALL.map(|kind| of.failures_count(kind));
        assert_eq!(failures(storage), [0; 5]);
        assert_eq!((peer.requests_count, peer.bytes, failures(peer)), (1, 0, [0, 0, 2, 0, 0]));
        assert_eq!(tally.others(), Figures::default());
    }

    #[test]
    fn there_are_never_more_than_so_many_and_nothing_gets_lost_or_goes_down() {
        let mut tally = Tally::default();
        let mut before: BTreeMap<SourceName, Figures> = BTreeMap::new();
        let mut others = Figures::default();
        let mut expected = Figures::default();
        for step in 0..20_000_u64 {
            // The later a source comes, the more it brings.
            let bucket = step % (step / 50 + 1);
            bring(&mut tally, bucket, bucket);
            expected.count(Event::Asked);
            expected.count(Event::Brought(bucket));
            assert_eq!(sum(&tally), expected);
            let now: BTreeMap<_, _> = tally.named().into_iter().collect();
            assert!(now.len() <= MAX_NAMED_SOURCES && tally.unnamed_bytes.len() <= MAX_UNNAMED_SOURCES);
            assert!(tally.others().bytes >= others.bytes);
            assert!(tally.others().requests_count >= others.requests_count);
            for (name, figures) in &now {
                assert!(before.get(name).is_none_or(|old| old.bytes <= figures.bytes));
            }
            (before, others) = (now, tally.others());
        }
    }

    #[test]
    fn who_brings_most_is_told_apart_however_late_it_comes() {
        let mut tally = Tally::default();
        (0..64).for_each(|bucket| bring(&mut tally, bucket, 1_000 + bucket));
        [500, 1_500, 1].into_iter().for_each(|bytes| bring(&mut tally, 99, bytes));
        assert!(tally.named().iter().all(|(name, _)| *name != storage(99)), "not twice as much yet");
        bring(&mut tally, 99, 10);
        let named = tally.named();
        let figures = named.iter().find_map(|(name, figures)| (*name == storage(99)).then_some(*figures));
        assert_eq!(figures.map(|figures| (figures.requests_count, figures.bytes)), Some((1, 10)));
        assert!(named.iter().all(|(name, _)| *name != storage(0)), "the least has made room");
    }
}
