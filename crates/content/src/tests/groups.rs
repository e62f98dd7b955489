//! Arithmetic and sets.

use super::reference::GROUP;
use crate::{GroupRange, GroupSet, byte_range, group_count, group_len, groups_of};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn groups_cover_exactly_the_bytes_asked_for(size in 1..1_000_000u64, a in any::<u64>(), b in any::<u64>()) {
        let start = a % size;
        let end = start + 1 + b % (size - start);
        let groups = groups_of(start..end);
        let bytes = byte_range(groups, size);
        prop_assert!(bytes.start <= start && end <= bytes.end);
        prop_assert!(start - bytes.start < GROUP as u64 && bytes.end - end < GROUP as u64);
        prop_assert!(groups.end <= group_count(size));
        let sum: usize = groups.iter().map(|group| group_len(group, size)).sum();
        prop_assert_eq!(sum as u64, bytes.end - bytes.start);
    }

    #[test]
    fn a_group_set_is_a_set(
        len in 1..300u64,
        steps in prop::collection::vec((any::<bool>(), 0..320u64), 0..200),
        from in 0..320u64,
        to in 0..320u64,
    ) {
        let (mut set, mut model) = (GroupSet::new(len), BTreeSet::new());
        for (insert, group) in steps {
            if insert {
                prop_assert_eq!(set.insert(group), group < len && model.insert(group));
            } else {
                prop_assert_eq!(set.remove(group), model.remove(&group));
            }
        }
        prop_assert_eq!(set.count(), model.len() as u64);
        prop_assert_eq!(set.is_full(), model.len() as u64 == len);
        prop_assert_eq!(set.first_held(from), model.range(from..).next().copied());
        prop_assert_eq!(set.first_missing(from), (from..len).find(|g| !model.contains(g)));
        let range = GroupRange::new(from, to);
        prop_assert_eq!(set.contains_range(range), (from..to).all(|g| model.contains(&g)));
        let missing: Vec<_> = (from..to.min(len)).filter(|g| !model.contains(g)).collect();
        prop_assert_eq!(set.missing_in(range).collect::<Vec<_>>(), missing);
        prop_assert_eq!(set.end(), model.last().map_or(0, |last| last + 1));
        prop_assert_eq!(GroupSet::from_words(len, set.words().to_vec()), set);
    }
}

#[test]
fn edges_of_ranges() {
    assert!(groups_of(5..5).is_empty());
    assert_eq!(groups_of(0..1), GroupRange::one(0));
    assert_eq!(groups_of(GROUP as u64..GROUP as u64 + 1), GroupRange::one(1));
    assert_eq!(groups_of(GROUP as u64 - 1..GROUP as u64 + 1), GroupRange::new(0, 2));
    assert_eq!(byte_range(GroupRange::new(3, 9), 10), 10..10);
    assert_eq!(byte_range(GroupRange::whole(u64::MAX), u64::MAX), 0..u64::MAX);
    assert_eq!(group_len(0, 0), 0);
    assert_eq!(group_len(u64::MAX, u64::MAX), 0);
}

#[test]
fn a_full_set_has_no_bits_past_its_end() {
    for len in [1, 63, 64, 65, 128, 130] {
        let set = GroupSet::full(len);
        assert!(set.is_full());
        assert_eq!((set.count(), set.first_missing(0)), (len, None));
        assert!(!set.contains(len));
    }
}
