//! How far ahead of a reader to fetch.
//!
//! A viewer who leaves must not have cost more than he watched and a little; one who takes bytes as fast
//! as they come must never have to wait. So the distance follows what a reader takes while there is
//! something to take, and grows only with what it has taken already.

use argosy_domain::limits::{GROUP_BYTES, WINDOW_GROUPS};

/// Ahead of a reader of whom nothing is known, and of any that has not taken much yet. Together with the
/// group that it reads and those that fill up the last window this is less than 1 MiB.
const START_AHEAD_GROUPS: u64 = 3 * WINDOW_GROUPS / 4;
/// Ahead of the slowest: 256 KiB.
const LEAST_AHEAD_GROUPS: u64 = WINDOW_GROUPS / 4;
/// How many milliseconds of a reader's own pace are fetched ahead of it.
const AHEAD_MS: u64 = 2_000;
/// A sample of the pace spans at least so many groups …
const SAMPLE_GROUPS: u64 = 16;
/// … or at least this long, in microseconds.
const SAMPLE_US: u64 = 500_000;

/// The pace of one reader, in integers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Groups taken in all.
    taken_groups: u64,
    /// Smoothed; none before the first sample.
    bytes_per_s: Option<u64>,
    /// Of the sample that is being taken.
    sample_groups: u64,
    sample_us: u64,
}

impl Pace {
    /// A reader that has taken nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { taken_groups: 0, bytes_per_s: None, sample_groups: 0, sample_us: 0 }
    }

    /// The reader has taken `groups` more, for which it needed `own_us` microseconds: time in which it
    /// waited for this node is not its own, and is left out.
    pub fn took(&mut self, groups: u64, own_us: u64) {
        self.taken_groups = self.taken_groups.saturating_add(groups);
        self.sample_groups = self.sample_groups.saturating_add(groups);
        self.sample_us = self.sample_us.saturating_add(own_us);
        if self.sample_groups < SAMPLE_GROUPS && self.sample_us < SAMPLE_US {
            return;
        }
        let bytes = self.sample_groups.saturating_mul(GROUP_BYTES);
        let sample = bytes.saturating_mul(1_000_000).checked_div(self.sample_us.max(1)).unwrap_or(0);
        self.bytes_per_s = Some(match self.bytes_per_s {
            None => sample,
            // Sooner believed, since what is fetched in vain cannot be taken back.
            Some(smoothed) if sample < smoothed => (smoothed >> 1).saturating_add(sample >> 1),
            Some(smoothed) => smoothed.saturating_sub(smoothed >> 2).saturating_add(sample >> 2),
        });
        (self.sample_groups, self.sample_us) = (0, 0);
    }

    /// Groups to have or to fetch ahead of it, of at most `most`: two seconds of its pace, but no more
    /// than the start and a quarter of what it has taken.
    #[must_use]
    pub fn ahead_groups(&self, most: u64) -> u64 {
        let Some(bytes_per_s) = self.bytes_per_s else { return START_AHEAD_GROUPS.min(most) };
        let earned = START_AHEAD_GROUPS.saturating_add(self.taken_groups / 4);
        let groups = bytes_per_s.saturating_mul(AHEAD_MS) / 1_000 / GROUP_BYTES;
        groups.max(LEAST_AHEAD_GROUPS).min(earned).min(most)
    }

    /// How far it may move before what is fetched ahead of it is to be planned anew, in groups.
    #[must_use]
    pub fn step_groups(&self, most: u64) -> u64 {
        (self.ahead_groups(most) / 4).clamp(1, WINDOW_GROUPS / 2)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests may panic")]

    use super::*;
    use argosy_domain::limits::WINDOW_BYTES;

    const MOST: u64 = 256;
    const S: u64 = 1_000_000;

    /// A reader that has taken `mib` MiB at `bytes_per_s`, a group at a time.
    fn reader(mib: u64, bytes_per_s: u64) -> Pace {
        let mut pace = Pace::new();
        for _ in 0..mib * WINDOW_GROUPS {
            pace.took(1, GROUP_BYTES * S / bytes_per_s);
        }
        pace
    }

    #[test]
    fn the_distance_follows_the_pace() {
        let mib = WINDOW_BYTES;
        // MiB taken, bytes/s: groups ahead.
        let cases = [
            (0, 1, 48),
            (1, 20_000, 16),
            (1, 125_000, 16),
            (10, mib / 4, 32),
            (10, mib, 128),
            (10, 2 * mib, 208),
            (100, 2 * mib, 256),
            (1, 100 * mib, 64),
            (4, 100 * mib, 112),
            (100, 100 * mib, 256),
        ];
        for (taken, bytes_per_s, ahead) in cases {
            let pace = reader(taken, bytes_per_s);
            let found = pace.ahead_groups(MOST);
            assert!(found.abs_diff(ahead) <= 1, "{taken} MiB at {bytes_per_s}/s: {found}, not {ahead}");
        }
    }

    #[test]
    fn whoever_leaves_has_cost_little_more_than_he_took() {
        for bytes_per_s in [1, 50_000, 1 << 20, 1 << 30, 1 << 40] {
            let mut pace = Pace::new();
            for taken in 0..10_000_u64 {
                let bound = WINDOW_GROUPS + taken / 4;
                assert!(pace.ahead_groups(MOST) <= bound, "{taken} groups at {bytes_per_s}/s");
                pace.took(1, GROUP_BYTES * S / bytes_per_s);
            }
        }
    }

    #[test]
    fn a_reader_that_slows_down_is_believed_soon_and_one_that_speeds_up_too() {
        let mut pace = reader(100, 100 << 20);
        assert_eq!(pace.ahead_groups(MOST), MOST);
        let mut took = 0;
        while pace.ahead_groups(MOST) > LEAST_AHEAD_GROUPS {
            pace.took(1, GROUP_BYTES * S / 100_000);
            took += 1;
        }
        assert!(took <= 64, "{took} groups");
        let mut took = 0;
        while pace.ahead_groups(MOST) < MOST {
            pace.took(1, 100);
            took += 1;
        }
        assert!(took <= 64, "{took} groups");
    }

    #[test]
    fn a_reader_that_only_ever_waits_for_us_is_a_fast_one() {
        let mut pace = Pace::new();
        for _ in 0..2_000 {
            pace.took(1, 0);
        }
        assert_eq!(pace.ahead_groups(MOST), MOST);
        pace.took(u64::MAX, u64::MAX);
        pace.took(u64::MAX, 0);
        assert!(pace.ahead_groups(u64::MAX) >= LEAST_AHEAD_GROUPS && pace.step_groups(MOST) >= 1);
    }
}
