//! How long a source takes to its first verified group.

use argosy_domain::num::to_usize;

/// Latest samples that the percentile is taken from.
const SAMPLES: usize = 20;
/// Fewer say nothing about how late an answer may be.
const LEAST_SAMPLES: usize = 5;

/// Smoothed, for the choice among sources; and the latest samples themselves, for the percentile. In
/// milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Latency {
    /// Times 8, as TCP keeps it; none before the first sample.
    smoothed_x8: Option<u64>,
    latest: [u32; SAMPLES],
    count: u64,
}

impl Latency {
    pub(super) fn note(&mut self, sample_ms: u64) {
        // Source of the weight: RFC 6298, §2.
        self.smoothed_x8 = Some(match self.smoothed_x8 {
            None => sample_ms.saturating_mul(8),
            Some(smoothed) => smoothed.saturating_sub(smoothed >> 3).saturating_add(sample_ms),
        });
        let at = to_usize(self.count).checked_rem(SAMPLES).unwrap_or(0);
        if let Some(oldest) = self.latest.get_mut(at) {
            *oldest = u32::try_from(sample_ms).unwrap_or(u32::MAX);
        }
        self.count = self.count.saturating_add(1);
    }

    pub(super) fn smoothed_ms(&self) -> Option<u64> {
        self.smoothed_x8.map(|smoothed| smoothed >> 3)
    }

    /// The 95th percentile of the latest samples, by nearest rank: of 20 the second largest, of fewer
    /// the largest. None of too few.
    pub(super) fn p95_ms(&self) -> Option<u64> {
        let count = to_usize(self.count).min(SAMPLES);
        if count < LEAST_SAMPLES {
            return None;
        }
        let mut latest = self.latest;
        let samples = latest.get_mut(..count)?;
        samples.sort_unstable();
        let rank = count.saturating_mul(95).div_ceil(100);
        samples.get(rank.saturating_sub(1)).copied().map(u64::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentile_is_that_of_the_latest_samples() {
        let mut latency = Latency::default();
        for sample in 1..=4 {
            latency.note(sample);
            assert_eq!(latency.p95_ms(), None);
        }
        latency.note(900);
        assert_eq!(latency.p95_ms(), Some(900), "the largest of five");
        for _ in 0..19 {
            latency.note(10);
        }
        assert_eq!(latency.p95_ms(), Some(10), "one late answer in twenty is left out");
        latency.note(u64::MAX);
        latency.note(800);
        assert_eq!(latency.p95_ms(), Some(800));
    }
}
