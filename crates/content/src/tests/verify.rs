//! Proofs of single groups, surveys, and encoders over damaged sources.

use super::reference::{GROUP, Object, sizes};
use crate::{
    GroupRange, PathVerifier, SliceEncoder, SlicePlan, SliceStep, VerifyError, WrongBytes, group_count,
    survey,
};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use bytes::Bytes;
use core::convert::Infallible;
use proptest::prelude::*;

type Outcome = Result<(), VerifyError<Infallible>>;

fn check(verifier: &mut PathVerifier, object: &Object, group: u64) -> Outcome {
    verifier.check(group, object.group(group), |index| Ok(object.pairs[index as usize]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn groups_are_proved_in_any_order(
        size in sizes(),
        order in prop::collection::vec(any::<u64>(), 1..40),
        damaged in any::<u64>(),
    ) {
        let mut object = Object::new(size);
        let count = group_count(object.size());
        let damaged = damaged % count;
        let at = damaged as usize * GROUP;
        object.data[at] ^= 1;
        let mut verifier = PathVerifier::new(object.content_id, object.size());
        for group in order.into_iter().map(|group| group % count) {
            let wrong = VerifyError::Wrong(WrongBytes::Group { index: group });
            let expected = if group == damaged { Err(wrong) } else { Ok(()) };
            prop_assert_eq!(check(&mut verifier, &object, group), expected);
        }
    }

    #[test]
    fn a_survey_finds_what_can_be_proved(
        size in sizes(),
        bad_groups in prop::collection::btree_set(any::<u64>(), 0..6),
        bad_pairs in prop::collection::btree_set(any::<u64>(), 0..4),
    ) {
        let mut object = Object::new(size);
        let count = group_count(object.size());
        let mut lost: BTreeSet<u64> = bad_groups.into_iter().map(|group| group % count).collect();
        for group in &lost {
            object.data[*group as usize * GROUP] ^= 1;
        }
        for pair in bad_pairs.into_iter().filter(|_| count > 1).map(|pair| pair % (count - 1)) {
            object.pairs[pair as usize] = [0; 64];
            // A group is lost if a slice of it alone holds the pair.
            lost.extend((0..count).filter(|group| {
                SlicePlan::new(object.size(), GroupRange::one(*group))
                    .any(|step| step == SliceStep::Pair { index: pair })
            }));
        }
        let found = survey(object.content_id, object.size(), &mut object.clone());
        let expected: Vec<_> = (0..count).filter(|group| !lost.contains(group)).collect();
        prop_assert_eq!((0..count).filter(|g| found.contains(*g)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_encoder_lets_nothing_wrong_out(size in sizes(), at in any::<prop::sample::Index>()) {
        let right = Object::new(size);
        let mut wrong = right.clone();
        let at = at.index(size);
        wrong.data[at] ^= 0x80;
        let whole = GroupRange::whole(right.size());
        let slice = right.slice(whole);
        let mut encoder = SliceEncoder::new(right.content_id, right.size(), whole);
        let mut sent = Vec::new();
        let end = loop {
            match encoder.next_chunk(&mut wrong) {
                Ok(Some(chunk)) => sent.extend_from_slice(&chunk),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let index = (at / GROUP) as u64;
        prop_assert_eq!(end, Err(VerifyError::Wrong(WrongBytes::Group { index })));
        prop_assert!(slice.starts_with(&sent));
    }
}

#[test]
fn a_verified_group_carries_its_proof() {
    let object = Object::new(3 * GROUP + 1);
    let mut verifier = PathVerifier::new(object.content_id, object.size());
    let read = |index: u64| Ok::<_, Infallible>(object.pairs[index as usize]);
    let bytes = Bytes::copy_from_slice(object.group(3));
    let group = verifier.verify(3, bytes.clone(), read).unwrap();
    assert_eq!((group.index(), group.content_id(), group.data().len()), (3, object.content_id, 1));
    assert_eq!(group.into_data(), bytes);
    // Past the end, or of another length: refused, not a panic.
    for (group, len) in [(4, 0), (4, 1), (3, 2), (0, 1), (u64::MAX, 0)] {
        let wrong = verifier.check(group, &object.data[..len], read);
        assert_eq!(wrong, Err(VerifyError::Wrong(WrongBytes::Group { index: group })));
    }
}

#[test]
fn a_pair_that_cannot_be_read_says_which_groups_it_costs() {
    let object = Object::new(4 * GROUP);
    let mut verifier = PathVerifier::new(object.content_id, object.size());
    // Pair 2 stands over groups 2 and 3.
    let mut read = |index: u64| if index == 2 { Err("gone") } else { Ok(object.pairs[index as usize]) };
    assert_eq!(verifier.check(1, object.group(1), &mut read), Ok(()));
    let lost = VerifyError::Read { groups: GroupRange::new(2, 4), source: "gone" };
    assert_eq!(verifier.check(3, object.group(3), &mut read), Err(lost));
    assert_eq!(verifier.check(0, object.group(0), &mut read), Ok(()));
}

#[test]
fn the_path_is_read_once_for_groups_in_sequence() {
    let object = Object::new(128 * GROUP);
    let mut verifier = PathVerifier::new(object.content_id, object.size());
    let mut reads = 0;
    for group in 0..128 {
        let read = |index: u64| {
            reads += 1;
            Ok::<_, Infallible>(object.pairs[index as usize])
        };
        verifier.check(group, object.group(group), read).unwrap();
    }
    assert_eq!(reads, 127);
}
