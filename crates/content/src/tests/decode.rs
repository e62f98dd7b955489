//! The decoder lets out what is right, in order, and nothing else.

use super::reference::{GROUP, Object, sizes_and_groups};
use crate::{GroupRange, SliceDecoder, SliceItem, SlicePlan, SliceStep, WrongBytes, group_count, group_len};
use alloc::vec::Vec;
use bytes::Bytes;
use proptest::prelude::*;

/// Feeds a slice in frames of these lengths, over and over; items until the first mistake.
fn decode(
    object: &Object,
    groups: GroupRange,
    slice: &[u8],
    frames: &[usize],
) -> (Vec<SliceItem>, Result<(), WrongBytes>) {
    let mut decoder = SliceDecoder::new(object.content_id, object.size(), groups);
    let mut items = Vec::new();
    let mut rest = slice;
    for len in frames.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (frame, after) = rest.split_at((*len).min(rest.len()));
        decoder.feed(Bytes::copy_from_slice(frame));
        rest = after;
        loop {
            match decoder.next() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(wrong) => {
                    assert_eq!(decoder.next(), Err(wrong), "a mistake stays");
                    assert!(!decoder.is_done());
                    return (items, decoder.finish());
                }
            }
        }
    }
    assert_eq!(decoder.is_done(), decoder.next_group().is_none());
    (items, decoder.finish())
}

/// Every item stands in the slice at its place and holds the object's own bytes.
fn assert_true_prefix(object: &Object, groups: GroupRange, items: &[SliceItem]) {
    for (item, step) in items.iter().zip(SlicePlan::new(object.size(), groups)) {
        match (item, step) {
            (SliceItem::Pair(pair), SliceStep::Pair { index }) => {
                assert_eq!(pair.index(), index);
                assert_eq!(pair.bytes(), &object.pairs[index as usize]);
                assert_eq!(pair.content_id(), object.content_id);
            }
            (SliceItem::Group(group), SliceStep::Group { index }) => {
                assert_eq!(group.index(), index);
                assert!(group.data() == object.group(index));
                assert_eq!(group.content_id(), object.content_id);
            }
            (SliceItem::Pair(_), SliceStep::Group { .. }) | (SliceItem::Group(_), SliceStep::Pair { .. }) => {
                panic!("out of order")
            }
        }
    }
}

/// The step of the plan that holds byte `at` of the slice, and how many steps come before it.
fn step_at(size: u64, groups: GroupRange, at: usize) -> (usize, SliceStep) {
    let mut end = 0;
    for (number, step) in SlicePlan::new(size, groups).enumerate() {
        end += match step {
            SliceStep::Pair { .. } => 64,
            SliceStep::Group { index } => group_len(index, size),
        };
        if at < end {
            return (number, step);
        }
    }
    panic!("past the end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_right_slice_comes_through_whole(
        (size, groups) in sizes_and_groups(),
        frames in prop::collection::vec(1..100_000usize, 1..6),
    ) {
        let object = Object::new(size);
        let (items, end) = decode(&object, groups, &object.slice(groups), &frames);
        prop_assert_eq!(end, Ok(()));
        prop_assert_eq!(items.len(), SlicePlan::new(object.size(), groups).count());
        assert_true_prefix(&object, groups, &items);
    }

    #[test]
    fn a_flipped_bit_is_refused_where_it_stands(
        (size, groups) in sizes_and_groups(),
        frames in prop::collection::vec(1..100_000usize, 1..4),
        at in any::<prop::sample::Index>(),
        in_a_pair in any::<bool>(),
        bit in 0..8u8,
    ) {
        let object = Object::new(size);
        let mut slice = object.slice(groups);
        let mut at = at.index(slice.len());
        if in_a_pair && object.pairs.len() > 1 {
            at %= 64; // A slice begins with the pair at the root.
        }
        slice[at] ^= 1 << bit;
        let (before, step) = step_at(object.size(), groups, at);
        let (items, end) = decode(&object, groups, &slice, &frames);
        prop_assert_eq!(items.len(), before);
        assert_true_prefix(&object, groups, &items);
        match (step, end) {
            (SliceStep::Pair { index: at }, Err(WrongBytes::Pair { index, groups })) => {
                prop_assert_eq!(index, at);
                prop_assert!(!groups.is_empty());
            }
            (SliceStep::Group { index: at }, Err(WrongBytes::Group { index })) => {
                prop_assert_eq!(index, at);
            }
            (step, end) => prop_assert!(false, "{:?} at {:?}", end, step),
        }
    }

    #[test]
    fn a_cut_slice_is_never_whole(
        (size, groups) in sizes_and_groups(),
        cut in any::<prop::sample::Index>(),
    ) {
        let object = Object::new(size);
        let slice = object.slice(groups);
        let (items, end) = decode(&object, groups, &slice[..cut.index(slice.len())], &[4096]);
        assert_true_prefix(&object, groups, &items);
        let given = items.iter().filter(|item| matches!(item, SliceItem::Group(_))).count() as u64;
        prop_assert_eq!(end, Err(WrongBytes::Truncated { group: groups.start + given }));
    }

    #[test]
    fn bytes_after_the_end_are_refused((size, groups) in sizes_and_groups(), frame in 1..50_000usize) {
        let object = Object::new(size);
        let mut slice = object.slice(groups);
        slice.push(0);
        let (items, end) = decode(&object, groups, &slice, &[frame]);
        prop_assert_eq!(end, Err(WrongBytes::Trailing));
        prop_assert_eq!(items.len(), SlicePlan::new(object.size(), groups).count());
    }
}

#[test]
fn a_slice_of_another_object_gives_nothing() {
    let (object, mut other) = (Object::new(3 * GROUP), Object::new(3 * GROUP));
    other.content_id.0[0] ^= 1;
    let whole = GroupRange::whole(object.size());
    let (items, end) = decode(&other, whole, &object.slice(whole), &[1000]);
    assert!(items.is_empty());
    assert_eq!(end, Err(WrongBytes::Pair { index: 0, groups: whole }));
}

#[test]
fn a_wrong_size_never_proves_the_last_group() {
    let object = Object::new(5 * GROUP + 100);
    let whole = GroupRange::whole(object.size());
    let slice = object.slice(whole);
    for size in [object.size() - 1, object.size() + 1, object.size() + GROUP as u64] {
        let mut decoder = SliceDecoder::new(object.content_id, size, GroupRange::whole(size));
        decoder.feed(Bytes::copy_from_slice(&slice));
        let mut end = Ok(());
        while end.is_ok() {
            match decoder.next() {
                Ok(Some(SliceItem::Group(group))) => {
                    assert!(group.index() < group_count(object.size()) - 1);
                    assert!(group.data() == object.group(group.index()));
                }
                Ok(Some(SliceItem::Pair(_))) => {}
                Ok(None) => end = Err(WrongBytes::Truncated { group: 5 }),
                Err(wrong) => end = Err(wrong),
            }
        }
        assert!(!decoder.is_done(), "size {size}");
    }
}

#[test]
fn one_group_and_no_group() {
    let object = Object::new(100);
    let one = GroupRange::one(0);
    let (items, end) = decode(&object, one, &object.data, &[7]);
    assert_eq!((items.len(), end), (1, Ok(())));
    // Nothing asked, and what is past the end: nothing comes.
    for groups in [GroupRange::new(0, 0), GroupRange::new(1, 9)] {
        let decoder = SliceDecoder::new(object.content_id, object.size(), groups);
        assert!(decoder.is_done());
        assert_eq!(crate::slice_len(object.size(), groups), 0);
        assert_eq!(object.slice(groups), b"");
    }
    // An empty object has one group without bytes.
    let empty = Object::new(0);
    let mut decoder = SliceDecoder::new(empty.content_id, 0, one);
    assert!(matches!(decoder.next(), Ok(Some(SliceItem::Group(group))) if group.data().is_empty()));
    assert!(decoder.is_done());
}

#[test]
fn groups_are_views_into_the_frame() {
    let object = Object::new(GROUP);
    let frame = Bytes::from(object.data.clone());
    let mut decoder = SliceDecoder::new(object.content_id, object.size(), GroupRange::one(0));
    decoder.feed(frame.clone());
    let Ok(Some(SliceItem::Group(group))) = decoder.next() else { panic!("no group") };
    assert_eq!(group.data().as_ptr(), frame.as_ptr());
}
