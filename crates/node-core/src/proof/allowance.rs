//! How often strangers may ask for something that costs this node an effort.

use alloc::collections::BTreeMap;

/// Most askers that are told apart; where there are more, all that is left is the bound on all together.
const MAX_ASKERS: usize = 1024;

/// So many at once, and so many more a second: of one asker, and of all together.
#[derive(Clone, Debug)]
pub struct Allowance<K> {
    each: (u64, u64),
    all: Bucket,
    all_bounds: (u64, u64),
    askers: BTreeMap<K, Bucket>,
}

/// What was taken and has not come back, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    taken: u64,
    at_ms: u64,
}

impl Bucket {
    /// As of `now_ms`, with so many coming back each second.
    fn at(self, now_ms: u64, per_second: u64) -> Self {
        let back = now_ms.saturating_sub(self.at_ms).saturating_mul(per_second);
        Self { taken: self.taken.saturating_sub(back), at_ms: now_ms }
    }

    fn has_room(self, burst: u64) -> bool {
        self.taken.saturating_add(1_000) <= burst.saturating_mul(1_000)
    }
}

impl<K: Ord> Allowance<K> {
    /// Both bounds are at once, and each second.
    #[must_use]
    pub fn new(each: (u64, u64), all: (u64, u64)) -> Self {
        Self { each, all: Bucket::default(), all_bounds: all, askers: BTreeMap::new() }
    }

    /// Takes one for an asker, if there is one left.
    pub fn take(&mut self, now_ms: u64, asker: K) -> bool {
        let (each, all) = (self.each, self.all_bounds);
        self.all = self.all.at(now_ms, all.1);
        if self.askers.len() >= MAX_ASKERS {
            self.askers.retain(|_, bucket| bucket.at(now_ms, each.1).taken > 0);
        }
        let known = self.askers.get(&asker).map(|bucket| bucket.at(now_ms, each.1));
        if !self.all.has_room(all.0) || known.is_some_and(|bucket| !bucket.has_room(each.0)) {
            return false;
        }
        self.all.taken = self.all.taken.saturating_add(1_000);
        if known.is_some() || self.askers.len() < MAX_ASKERS {
            let mut bucket = known.unwrap_or(Bucket { taken: 0, at_ms: now_ms });
            bucket.taken = bucket.taken.saturating_add(1_000);
            self.askers.insert(asker, bucket);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_and_all_have_their_bounds() {
        let mut allowance = Allowance::new((2, 1), (5, 2));
        let mut take = |now_ms, asker| allowance.take(now_ms, asker);
        assert_eq!([take(0, 1), take(0, 1), take(0, 1)], [true, true, false]);
        assert_eq!([take(0, 2), take(0, 3), take(0, 4), take(0, 5)], [true, true, true, false]);
        assert!(!take(499, 6), "two a second for all");
        assert!(take(500, 6));
        assert!(!take(500, 6));
        assert!(take(1_000, 1) && !take(1_000, 1), "one a second for each");
        assert!(take(10_000, 1) && take(10_000, 1) && !take(10_000, 1), "and no more than at once");
    }

    #[test]
    fn askers_without_number_are_not_remembered() {
        let mut allowance = Allowance::new((1, 1), (u64::MAX / 1_000, 1));
        for asker in 0..3 * MAX_ASKERS {
            assert!(allowance.take(0, asker));
        }
        assert!(allowance.askers.len() <= MAX_ASKERS);
        assert!(!allowance.take(0, 0), "the first are still known");
        assert!(allowance.take(2_000, 0));
        assert!(allowance.askers.len() <= 2);
    }
}
