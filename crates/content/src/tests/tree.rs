//! Shape and hashes.

use super::reference::{GROUP, Object, bytes, sizes, sizes_and_groups};
use crate::{GroupRange, SlicePlan, SliceStep, TreeBuilder, TreeError, group_count, outboard_len, slice_len};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use argosy_domain::ContentId;
use proptest::prelude::*;

type Pairs = BTreeMap<u64, [u8; 64]>;

/// Builds a tree from pieces of these lengths, over and over.
fn build(data: &[u8], pieces: &[usize]) -> (ContentId, Pairs) {
    let mut pairs = Pairs::new();
    let mut sink = |index: u64, pair: &[u8; 64]| {
        assert!(pairs.insert(index, *pair).is_none(), "pair {index} came twice");
    };
    let mut builder = TreeBuilder::new(data.len() as u64);
    let mut rest = data;
    for len in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*len).min(rest.len()));
        builder.push(piece, &mut sink).unwrap();
        rest = after;
    }
    (builder.finish().unwrap(), pairs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_builder_makes_the_plain_tree_and_blake3s_root(
        size in sizes(),
        pieces in prop::collection::vec(1..70_000usize, 1..5),
    ) {
        let object = Object::new(size);
        let (content_id, pairs) = build(&object.data, &pieces);
        prop_assert_eq!(content_id, ContentId::of(&object.data));
        prop_assert_eq!(content_id, object.content_id);
        let pairs: Vec<_> = pairs.into_values().collect();
        prop_assert_eq!(&pairs, &object.pairs);
        let bao = object.bao_outboard();
        prop_assert_eq!(pairs.concat(), bao.data);
        prop_assert_eq!(outboard_len(object.size()), pairs.len() as u64 * 64);
    }

    #[test]
    fn a_slice_is_what_bao_tree_makes((size, groups) in sizes_and_groups()) {
        let object = Object::new(size);
        let slice = object.slice(groups);
        prop_assert!(slice == object.bao_slice(groups));
        prop_assert_eq!(slice_len(object.size(), groups), slice.len() as u64);
    }

    #[test]
    fn a_plan_names_what_a_slice_holds((size, groups) in sizes_and_groups()) {
        let object = Object::new(size);
        let mut planned = Vec::new();
        for step in SlicePlan::new(object.size(), groups) {
            match step {
                SliceStep::Pair { index } => {
                    planned.extend_from_slice(&object.pairs[index as usize]);
                }
                SliceStep::Group { index } => planned.extend_from_slice(object.group(index)),
            }
        }
        prop_assert!(planned == object.slice(groups));
    }
}

#[test]
fn small_objects_have_the_trees_they_must() {
    for (size, groups) in [(0, 1), (1, 1), (GROUP - 1, 1), (GROUP, 1), (GROUP + 1, 2), (5 * GROUP, 5)] {
        let data = bytes(size);
        let (content_id, pairs) = build(&data, &[1000]);
        assert_eq!(content_id, ContentId::of(&data), "size {size}");
        assert_eq!(group_count(size as u64), groups);
        assert_eq!(pairs.len() as u64, groups - 1);
    }
}

#[test]
fn the_builder_wants_exactly_what_was_announced() {
    let mut sink = |_: u64, _: &[u8; 64]| {};
    let mut builder = TreeBuilder::new(10);
    assert_eq!(builder.push(&[0; 11], &mut sink), Err(TreeError::TooLong));
    builder.push(&[0; 6], &mut sink).unwrap();
    assert_eq!(builder.push(&[0; 5], &mut sink), Err(TreeError::TooLong));
    assert_eq!(builder.finish(), Err(TreeError::TooShort { missing_bytes: 4 }));
    assert_eq!(TreeBuilder::new(0).push(&[1], &mut sink), Err(TreeError::TooLong));
}

#[test]
fn lengths_of_the_largest_objects_are_known_at_once() {
    // Measured with bao-tree on 10 GiB: 1344 bytes of proof for an aligned 64 KiB slice.
    let ten_gib = 10 * 1024 * 1024 * 1024;
    let four = GroupRange::new(1024, 1028);
    assert_eq!(slice_len(ten_gib, four), 65_536 + 1_344);
    assert_eq!(slice_len(ten_gib, GroupRange::new(64, 128)), 1_048_576 + 4_928);
    // No size overflows.
    let whole = GroupRange::whole(u64::MAX);
    assert_eq!(slice_len(u64::MAX, whole), u64::MAX);
    assert_eq!(SlicePlan::new(u64::MAX, GroupRange::one(whole.end - 1)).count(), 51);
    assert_eq!(outboard_len(u64::MAX), ((1 << 50) - 1) * 64);
}

#[test]
fn the_widest_vector_unit_is_found_at_run_time() {
    // Without blake3's `std` feature it would be one lane on machines like this.
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        assert!(blake3::platform::Platform::detect().simd_degree() >= 8);
    }
}
