//! How good sources are: measured over all objects of a node, in integers, forgetting slowly.

use alloc::collections::BTreeMap;
use argosy_domain::{StorageBucketId, num::to_u64};

/// Most sources remembered; the one that was not heard of for longest makes room.
pub const MAX_REMEMBERED_SOURCES: usize = 4096;

/// A node that verified bytes can be fetched from. The shell knows its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u64);

impl From<StorageBucketId> for SourceId {
    fn from(bucket: StorageBucketId) -> Self {
        Self(bucket.0)
    }
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
    /// It failed, stalled or broke off.
    Failed,
    /// It sent a group that does not belong to the object.
    Wrong,
}

/// What is known of one source. The default is a source that nobody has tried yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Smoothed, times 8, as TCP keeps it; none before the first answer.
    latency_ms_x8: Option<u64>,
    /// Smoothed distance from it, times 4.
    deviation_ms_x4: u64,
    /// Smoothed; none before the first full answer.
    rate_bytes_per_s: Option<u64>,
    /// Points for failures as of `noted_ms`; halves every [`PENALTY_HALVES_MS`].
    penalty: u64,
    noted_ms: u64,
}

/// Assumed of a source that was never tried, so that it is tried: better than most.
const UNTRIED_LATENCY_MS: u64 = 20;
const UNTRIED_RATE_BYTES_PER_S: u64 = 64 * 1024 * 1024;
const FAILURE_POINTS: u64 = 100;
const MAX_PENALTY: u64 = 1_000;
const PENALTY_HALVES_MS: u64 = 60_000;
/// An urgent request is never doubled sooner …
const HEDGE_MIN_MS: u64 = 250;
/// … nor later than this, in milliseconds.
pub const HEDGE_MAX_MS: u64 = 2_000;

impl Quality {
    /// Takes one observation at `now_ms`.
    pub fn note(&mut self, now_ms: u64, observation: Observation) {
        self.penalty = self.penalty_at(now_ms);
        self.noted_ms = now_ms;
        match observation {
            Observation::Answered { after_ms } => self.note_latency(after_ms),
            Observation::Moved { bytes, in_ms } => {
                let sample = bytes.saturating_mul(1_000).checked_div(in_ms.max(1)).unwrap_or(0).max(1);
                self.rate_bytes_per_s = Some(match self.rate_bytes_per_s {
                    None => sample,
                    Some(rate) => rate.saturating_sub(rate >> 2).saturating_add(sample >> 2).max(1),
                });
            }
            Observation::Failed => {
                self.penalty = self.penalty.saturating_add(FAILURE_POINTS).min(MAX_PENALTY)
            }
            Observation::Wrong => self.penalty = MAX_PENALTY,
        }
    }

    /// Source: smoothed time and deviation as in RFC 6298, §2.
    fn note_latency(&mut self, sample_ms: u64) {
        match self.latency_ms_x8 {
            None => {
                self.latency_ms_x8 = Some(sample_ms.saturating_mul(8));
                self.deviation_ms_x4 = sample_ms.saturating_mul(2);
            }
            Some(smoothed) => {
                let distance = (smoothed >> 3).abs_diff(sample_ms);
                self.deviation_ms_x4 =
                    self.deviation_ms_x4.saturating_sub(self.deviation_ms_x4 >> 2).saturating_add(distance);
                self.latency_ms_x8 = Some(smoothed.saturating_sub(smoothed >> 3).saturating_add(sample_ms));
            }
        }
    }

    /// How long `bytes` from it should take, in milliseconds, failures counted as slowness.
    #[must_use]
    pub fn expected_ms(&self, now_ms: u64, bytes: u64) -> u64 {
        let latency = self.latency_ms_x8.map_or(UNTRIED_LATENCY_MS, |smoothed| smoothed >> 3);
        let rate = self.rate_bytes_per_s.unwrap_or(UNTRIED_RATE_BYTES_PER_S);
        let transfer = bytes.saturating_mul(1_000).checked_div(rate).unwrap_or(u64::MAX);
        let honest = latency.saturating_add(transfer).saturating_add(1);
        honest.saturating_mul(self.penalty_at(now_ms).saturating_add(100)) / 100
    }

    /// How long an urgent request may stay silent before a second source is asked, in milliseconds:
    /// later than nearly all its answers come.
    #[must_use]
    pub fn hedge_after_ms(&self) -> u64 {
        match self.latency_ms_x8 {
            None => HEDGE_MAX_MS,
            Some(smoothed) => {
                (smoothed >> 3).saturating_add(self.deviation_ms_x4).clamp(HEDGE_MIN_MS, HEDGE_MAX_MS)
            }
        }
    }

    fn penalty_at(&self, now_ms: u64) -> u64 {
        let halvings = now_ms.saturating_sub(self.noted_ms) / PENALTY_HALVES_MS;
        u32::try_from(halvings).ok().and_then(|halvings| self.penalty.checked_shr(halvings)).unwrap_or(0)
    }
}

/// A node's memory of its sources, which seeds each new fill.
#[derive(Clone, Debug, Default)]
pub struct SourceMemory {
    sources: BTreeMap<SourceId, Quality>,
}

impl SourceMemory {
    /// Remembers nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sources: BTreeMap::new() }
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
