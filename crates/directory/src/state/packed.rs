//! Small forms of numbers, for records of which there are millions.

use super::paged::Slot;
use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};
use argosy_domain::num::to_usize;

/// A number below 2^40 - 1, or none, in five bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short([u8; 5]);

impl Short {
    pub(super) const NONE: Self = Self([u8::MAX; 5]);

    /// Nothing if the number is too large.
    pub(super) fn of(number: u64) -> Option<Self> {
        let [a, b, c, d, e, 0, 0, 0] = number.to_le_bytes() else { return None };
        let short = Self([a, b, c, d, e]);
        (short != Self::NONE).then_some(short)
    }

    /// For numbers of things that are in memory: as many would not fit into any.
    ///
    /// # Panics
    /// If the number is too large.
    pub(super) fn must(number: u64) -> Self {
        Self::of(number).expect("fewer than 2^40 - 1 objects and bags were ever made")
    }

    pub(super) fn get(self) -> Option<u64> {
        let [a, b, c, d, e] = self.0;
        (self != Self::NONE).then(|| u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]))
    }
}

impl Slot for Short {
    const BLANK: Self = Self::NONE;
}

/// Values that many records share, each by a place in two bytes. Places stay.
#[derive(Clone, Debug)]
pub(super) struct Interned<T> {
    values: Vec<T>,
    places: BTreeMap<T, u16>,
}

impl<T: Copy + Ord> Interned<T> {
    pub(super) const fn new() -> Self {
        Self { values: Vec::new(), places: BTreeMap::new() }
    }

    /// Nothing if there is no place left, and never `u16::MAX`.
    pub(super) fn place_of(this: &mut Arc<Self>, value: T) -> Option<u16> {
        if let Some(place) = this.places.get(&value) {
            return Some(*place);
        }
        let place = u16::try_from(this.values.len()).ok().filter(|place| *place < u16::MAX)?;
        let this = Arc::make_mut(this);
        this.values.push(value);
        this.places.insert(value, place);
        Some(place)
    }

    pub(super) fn get(&self, place: u16) -> Option<T> {
        self.values.get(to_usize(u64::from(place))).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_exact_or_refused() {
        for number in [0, 1, (1 << 40) - 2] {
            assert_eq!(Short::of(number).unwrap().get(), Some(number));
        }
        assert_eq!([(1 << 40) - 1, 1 << 40, u64::MAX].map(Short::of), [None; 3]);
        assert_eq!(Short::NONE.get(), None);
    }

    #[test]
    fn places_run_out_without_harm() {
        let mut interned = Arc::new(Interned::new());
        for value in 0..u32::from(u16::MAX) {
            assert!(Interned::place_of(&mut interned, value).is_some());
        }
        assert_eq!(Interned::place_of(&mut interned, u32::MAX), None);
        assert_eq!(Interned::place_of(&mut interned, 7), Some(7));
        assert_eq!((interned.get(7), interned.get(u16::MAX)), (Some(7), None));
    }
}
