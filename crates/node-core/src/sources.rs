//! How good sources are: measured over all objects of a node, in integers, forgetting slowly.

mod latency;
mod tally;

pub use tally::{Failure, Figures, MAX_NAMED_SOURCES, SourceName};

use alloc::{collections::BTreeMap, vec::Vec};
use argosy_domain::{DistributionBucketId, StorageBucketId, WorkerId, num::to_u64};
use latency::Latency;
use tally::{Event, Tally};

/// Most sources remembered; the one that was not heard of for longest makes room.
pub const MAX_REMEMBERED_SOURCES: usize = 4096;

/// A node that verified bytes can be fetched from. The shell knows its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u64);

/// Set in the names of peers. Ids of storage buckets are handed out one after the other from 0.
const PEER: u64 = 1 << 63;

impl From<StorageBucketId> for SourceId {
    fn from(bucket: StorageBucketId) -> Self {
        Self(bucket.0 & !PEER)
    }
}

impl SourceId {
    /// Another distributor, by one of its buckets and its worker. Never that of a storage bucket. Two
    /// peers that by an unlikely chance have one name share what is known of them, and nothing else.
    #[must_use]
    pub const fn of_peer(bucket: DistributionBucketId, worker: WorkerId) -> Self {
        Self(mix(mix(mix(bucket.family.0) ^ bucket.index) ^ worker.0) | PEER)
    }

    /// Whether this is another distributor rather than a storage bucket.
    #[must_use]
    pub const fn is_peer(self) -> bool {
        self.0 & PEER != 0
    }
}

/// Source: the finalizer of SplitMix64.
pub(crate) const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// One thing learnt about a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// Its first verified group came this long after the request, in milliseconds.
    Answered {
        /// Milliseconds.
        after_ms: u64,
    },
    /// A request was answered in full: verified bytes, and how long they took after the first group.
    Moved {
        /// Verified bytes after the first group.
        bytes: u64,
        /// Milliseconds from the first group to the last.
        in_ms: u64,
    },
    /// Another source that was asked later was first; this one had brought nothing by then.
    Overtaken {
        /// Milliseconds since the request: its latency is more than that.
        after_ms: u64,
    },
    /// It failed or broke off.
    Failed,
    /// It was too slow, or silent, and was cut off.
    Stalled,
    /// It said that it is too busy.
    Busy,
    /// It said that it does not have the object.
    NotThere,
    /// It sent a group that does not belong to the object.
    Wrong,
}

/// What is known of one source. The default is a source that nobody has tried yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    latency: Latency,
    /// Smoothed; none before the first full answer.
    rate_bytes_per_s: Option<u64>,
    /// Points for failures as of `penalty_ms`; halves every [`PENALTY_HALVES_MS`].
    penalty: u64,
    penalty_ms: u64,
    noted_ms: u64,
    /// Failures since the last answer, those of one moment counted once.
    failures_in_row: u32,
    failed_ms: u64,
}

/// Assumed of a source that was never tried, so that it is tried: better than most.
const UNTRIED_LATENCY_MS: u64 = 20;
const UNTRIED_RATE_BYTES_PER_S: u64 = 64 * 1024 * 1024;
const FAILURE_POINTS: u64 = 100;
const MAX_PENALTY: u64 = 1_000;
/// A source of wrong bytes costs whoever asks it: so much slower does it look that it is asked only if nobody
/// else is there, for some minutes.
const WRONG_PENALTY: u64 = 100_000;
const PENALTY_HALVES_MS: u64 = 60_000;
/// Failures that come closer together have one cause: a node that dies takes all its requests with it.
const FAILURES_APART_MS: u64 = 200;
/// Failures in a row after which a source is left alone for a while.
pub const MAX_FAILURES_IN_ROW: u32 = 4;
/// First rest after a failure; doubles with each.
const REST_MS: u64 = 200;
const MAX_REST_MS: u64 = 5_000;
/// One fill in so many asks peers that were never measured.
const EXPLORE_PEERS_EVERY: u64 = 32;
/// An urgent request is never doubled sooner …
const HEDGE_MIN_MS: u64 = 250;
/// … nor later than this, in milliseconds.
pub const HEDGE_MAX_MS: u64 = 2_000;

impl Quality {
    /// Takes one observation at `now_ms`.
    pub fn note(&mut self, now_ms: u64, observation: Observation) {
        self.forgive(now_ms);
        self.noted_ms = now_ms;
        match observation {
            Observation::Answered { after_ms } => {
                self.failures_in_row = 0;
                self.latency.note(after_ms);
            }
            Observation::Moved { bytes, in_ms } => {
                let sample = bytes.saturating_mul(1_000).checked_div(in_ms.max(1)).unwrap_or(0).max(1);
                self.rate_bytes_per_s = Some(match self.rate_bytes_per_s {
                    None => sample,
                    Some(rate) => rate.saturating_sub(rate >> 2).saturating_add(sample >> 2).max(1),
                });
            }
            Observation::Overtaken { after_ms } => self.latency.note(after_ms),
            Observation::Failed | Observation::Stalled => self.note_failure(now_ms),
            // Says something about now, or about an object.
            Observation::Busy | Observation::NotThere => {}
            Observation::Wrong => self.penalty = WRONG_PENALTY,
        }
    }

    fn note_failure(&mut self, now_ms: u64) {
        let apart = now_ms.saturating_sub(self.failed_ms) >= FAILURES_APART_MS;
        if self.failures_in_row > 0 && !apart {
            return;
        }
        let most = MAX_PENALTY.max(self.penalty);
        self.penalty = self.penalty.saturating_add(FAILURE_POINTS).min(most);
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        self.failed_ms = now_ms;
    }

    /// Until when a source that has failed again and again is not worth asking, whatever the object;
    /// none for one that may be asked.
    #[must_use]
    pub fn rests_until_ms(&self) -> Option<u64> {
        let rests = self.failures_in_row >= MAX_FAILURES_IN_ROW;
        rests.then(|| self.failed_ms.saturating_add(rest_ms(self.failures_in_row)))
    }

    /// How long `bytes` from it should take, in milliseconds, failures counted as slowness.
    #[must_use]
    pub fn expected_ms(&self, now_ms: u64, bytes: u64) -> u64 {
        let latency = self.latency.smoothed_ms().unwrap_or(UNTRIED_LATENCY_MS);
        let rate = self.rate_bytes_per_s.unwrap_or(UNTRIED_RATE_BYTES_PER_S);
        let transfer = bytes.saturating_mul(1_000).checked_div(rate).unwrap_or(u64::MAX);
        let honest = latency.saturating_add(transfer).saturating_add(1);
        honest.saturating_mul(self.penalty_at(now_ms).saturating_add(100)) / 100
    }

    /// How long an urgent request may stay silent before a second source is asked, in milliseconds: the
    /// 95th percentile of its latest times to the first verified group, once there are enough of them.
    #[must_use]
    pub fn hedge_after_ms(&self) -> u64 {
        self.latency.p95_ms().map_or(HEDGE_MAX_MS, |p95| p95.clamp(HEDGE_MIN_MS, HEDGE_MAX_MS))
    }

    /// Whether it has sent wrong bytes lately: asked only if nobody else is there.
    #[must_use]
    pub fn is_distrusted(&self, now_ms: u64) -> bool {
        self.penalty_at(now_ms) > MAX_PENALTY
    }

    /// Whether a full answer of it was measured.
    #[must_use]
    pub const fn is_measured(&self) -> bool {
        self.rate_bytes_per_s.is_some()
    }

    /// Halves the penalty as often as that is due, however often the source is heard of meanwhile.
    fn forgive(&mut self, now_ms: u64) {
        self.penalty = self.penalty_at(now_ms);
        let halvings = now_ms.saturating_sub(self.penalty_ms) / PENALTY_HALVES_MS;
        let forgiven_ms = self.penalty_ms.saturating_add(halvings.saturating_mul(PENALTY_HALVES_MS));
        self.penalty_ms = if self.penalty == 0 { now_ms } else { forgiven_ms };
    }

    fn penalty_at(&self, now_ms: u64) -> u64 {
        let halvings = now_ms.saturating_sub(self.penalty_ms) / PENALTY_HALVES_MS;
        u32::try_from(halvings).ok().and_then(|halvings| self.penalty.checked_shr(halvings)).unwrap_or(0)
    }
}

/// The rest after so many failures in a row, without jitter: doubles from 200 ms to 5 s.
pub(crate) fn rest_ms(failures_in_row: u32) -> u64 {
    let doublings = failures_in_row.saturating_sub(1).min(MAX_REST_MS.ilog2());
    REST_MS.checked_shl(doublings).unwrap_or(MAX_REST_MS).min(MAX_REST_MS)
}

/// Whether to find out what peers hold before anything has gone wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerUse {
    /// Not worth the while.
    Leave,
    /// Beside the storage nodes, so that a peer that was never tried is measured.
    Beside,
    /// Before anybody else is asked: one of them was measured to need less than half the time of the best
    /// storage node, or every storage node rests.
    First,
}

/// Decides on peers for `bytes`; `dice` is any random number.
#[must_use]
pub fn use_of_peers(now_ms: u64, bytes: u64, storage: &[Quality], peers: &[Quality], dice: u64) -> PeerUse {
    let is_up = |quality: &&Quality| quality.rests_until_ms().is_none_or(|until| until <= now_ms);
    let best = |among: &[Quality], measured: bool| {
        let candidates = among.iter().filter(is_up).filter(|quality| !measured || quality.is_measured());
        candidates.map(|quality| quality.expected_ms(now_ms, bytes)).min()
    };
    let storage_ms = best(storage, false);
    let near = best(peers, true).is_some_and(|peer_ms| storage_ms.is_some_and(|own| peer_ms < own / 2));
    if near || (storage_ms.is_none() && !peers.is_empty()) {
        return PeerUse::First;
    }
    let curious = dice.is_multiple_of(EXPLORE_PEERS_EVERY) && peers.iter().any(|peer| !peer.is_measured());
    if curious { PeerUse::Beside } else { PeerUse::Leave }
}

/// A node's memory of its sources, which seeds each new fill.
#[derive(Clone, Debug, Default)]
pub struct SourceMemory {
    sources: BTreeMap<SourceId, Quality>,
    tally: Tally,
}

/// What is told of a source, or of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who; none for all others together.
    pub name: Option<SourceName>,
    /// What it was asked, and what came of it.
    pub figures: Figures,
    /// Smoothed time to the first verified group in milliseconds, if it ever answered; none of several.
    pub latency_ms: Option<u64>,
    /// Smoothed rate of full answers in bytes a second, if there was one; none of several.
    pub rate_bytes_per_s: Option<u64>,
}

impl SourceMemory {
    /// Remembers nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sources: BTreeMap::new(), tally: Tally::new() }
    }

    /// Takes what a fill observed.
    pub fn note(&mut self, now_ms: u64, source: SourceId, observation: Observation) {
        if !self.sources.contains_key(&source) && self.sources.len() >= MAX_REMEMBERED_SOURCES {
            let longest_silent =
                self.sources.iter().min_by_key(|(_, quality)| quality.noted_ms).map(|(id, _)| *id);
            if let Some(forgotten) = longest_silent {
                self.sources.remove(&forgotten);
            }
        }
        self.sources.entry(source).or_default().note(now_ms, observation);
        if let Some(failure) = Failure::of(observation) {
            self.tally.count(source, Event::Ended(failure));
        }
    }

    /// Counts a request for groups.
    pub fn asked(&mut self, source: SourceName) {
        self.tally.asked(source);
    }

    /// Counts verified bytes.
    pub fn brought(&mut self, source: SourceId, bytes: u64) {
        self.tally.count(source, Event::Brought(bytes));
    }

    /// What was asked and what came of it: of at most [`MAX_NAMED_SOURCES`], those that brought most, one
    /// by one, and last of all others together. Counts never go down while their source is told of.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        let named = self.tally.named().into_iter().map(|(name, figures)| {
            let quality = self.sources.get(&name.id());
            Told {
                name: Some(name),
                figures,
                latency_ms: quality.and_then(|quality| quality.latency.smoothed_ms()),
                rate_bytes_per_s: quality.and_then(|quality| quality.rate_bytes_per_s),
            }
        });
        let figures = self.tally.others();
        named.chain([Told { name: None, figures, latency_ms: None, rate_bytes_per_s: None }]).collect()
    }

    /// What is known of a source.
    #[must_use]
    pub fn quality(&self, source: SourceId) -> Quality {
        self.sources.get(&source).cloned().unwrap_or_default()
    }

    /// Sources remembered.
    #[must_use]
    pub fn sources_count(&self) -> u64 {
        to_u64(self.sources.len())
    }
}

#[cfg(test)]
mod tests;
