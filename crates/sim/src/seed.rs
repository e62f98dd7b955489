//! One seed makes a run; every part of it draws from a child of its own.
//!
//! A new draw in one part leaves the others alone, so that a failing run changes little while it is
//! being looked into.

use argosy_domain::num::{to_u64, to_usize};
use std::ops::Range;

/// Where a stream of random numbers comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed([u8; 32]);

impl Seed {
    /// The seed of a whole run.
    pub(crate) fn new(number: u64) -> Self {
        Self(blake3::derive_key("argosy sim 2026 run", &number.to_le_bytes()))
    }

    /// The seed of one part, by its name.
    pub(crate) fn child(&self, name: &str) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(name.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// The numbers of this part.
    pub(crate) fn rng(&self) -> Rng {
        let mut state = [0; 4];
        for (word, bytes) in state.iter_mut().zip(self.0.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        Rng { state }
    }
}

/// Random numbers, good enough for a simulation and the same on every machine.
///
/// Source: xoshiro256++ by Blackman and Vigna.
#[derive(Clone, Debug)]
pub(crate) struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// Any number.
    pub(crate) fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number in `range`; its start if the range is empty.
    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        let width = range.end.saturating_sub(range.start).max(1);
        range.start + self.next_u64() % width
    }

    /// True in `percent` of 100 draws.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.within(0..100) < percent
    }

    /// One of `items`; none if there are none.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(to_usize(self.within(0..to_u64(items.len()))))
    }

    /// 32 bytes.
    pub(crate) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_differ_by_name_and_repeat() {
        let seed = Seed::new(1);
        assert_eq!(seed.child("network").rng().next_u64(), seed.child("network").rng().next_u64());
        assert_ne!(seed.child("network").rng().next_u64(), seed.child("disk").rng().next_u64());
        assert_ne!(seed.child("network"), Seed::new(2).child("network"));
    }

    #[test]
    fn numbers_stay_within_and_fill_their_range() {
        let mut rng = Seed::new(7).rng();
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[to_usize(rng.within(0..10))] += 1;
        }
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
        assert_eq!(rng.within(5..5), 5);
        assert!(!rng.chance(0) && rng.chance(100));
        assert_eq!(rng.pick::<u8>(&[]), None);
    }
}
