//! How often objects are used, with the past counting less and less.
//!
//! Source of the rule: Lee et al., "LRFU: a spectrum of policies that subsumes the least recently used and
//! least frequently used policies", IEEE Transactions on Computers 2001.

use super::records::Record;

/// A use, in the parts that are counted: fractions are what is left of old ones.
const USE: u32 = 1 << 10;
/// Steps of time in which what was counted before comes to count half.
const HALF_LIFE: u64 = 1 << 40;

/// The clock by which uses fade. It moves with every use of any object, not with time: a quiet night
/// changes nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Popularity {
    now: u64,
}

impl Popularity {
    /// Counts a use; what was counted before will count half after `half_life_uses` of all objects.
    pub(super) fn count(&mut self, record: &mut Record, half_life_uses: u64) {
        self.now = self.now.saturating_add(HALF_LIFE.checked_div(half_life_uses).unwrap_or(HALF_LIFE).max(1));
        record.uses = self.of(record).saturating_add(USE);
        record.counted_at = self.now;
    }

    /// At least so many parts of a use from now on.
    pub(super) fn raise(&self, record: &mut Record, parts: u32) {
        record.uses = self.of(record).max(parts);
        record.counted_at = self.now;
    }

    /// In parts of a use; only for comparison.
    pub(super) fn of(&self, record: &Record) -> u32 {
        let gone = self.now.saturating_sub(record.counted_at);
        let halvings = u32::try_from(gone / HALF_LIFE).unwrap_or(u32::MAX);
        let uses = record.uses.checked_shr(halvings).unwrap_or(0);
        // Between two halvings in a straight line, from the whole down to the half.
        let left = (2 * HALF_LIFE).saturating_sub(gone % HALF_LIFE);
        let uses = u64::from(uses).saturating_mul(left) / (2 * HALF_LIFE);
        u32::try_from(uses).unwrap_or(u32::MAX)
    }

    /// In uses, rounded up: what was used at all in living memory counts.
    pub(super) fn uses(&self, record: &Record) -> u32 {
        to_uses(self.of(record))
    }
}

/// Parts of so many uses.
pub(super) const fn to_parts(uses: u32) -> u32 {
    uses.saturating_mul(USE)
}

/// Rounds up.
pub(super) const fn to_uses(parts: u32) -> u32 {
    parts.div_ceil(USE)
}
