#![allow(clippy::arithmetic_side_effects, reason = "tests may panic")]

use super::*;

const MIB: u64 = 1024 * 1024;

#[test]
fn the_untried_come_before_the_slow_and_after_the_fast() {
    let untried = Quality::default().expected_ms(0, MIB);
    let (mut fast, mut slow) = (Quality::default(), Quality::default());
    for now in 0..10 {
        fast.note(now, Observation::Answered { after_ms: 1 });
        fast.note(now, Observation::Moved { bytes: MIB, in_ms: 5 });
        slow.note(now, Observation::Answered { after_ms: 300 });
        slow.note(now, Observation::Moved { bytes: MIB, in_ms: 2_000 });
    }
    assert!(fast.expected_ms(10, MIB) < untried);
    assert!(untried < slow.expected_ms(10, MIB));
}

#[test]
fn failures_are_forgiven_with_time() {
    let mut quality = Quality::default();
    let clean = quality.expected_ms(0, MIB);
    quality.note(0, Observation::Failed);
    assert_eq!(quality.expected_ms(0, MIB), clean * 2);
    assert_eq!(quality.expected_ms(PENALTY_HALVES_MS, MIB), clean * 3 / 2);
    assert_eq!(quality.expected_ms(100 * PENALTY_HALVES_MS, MIB), clean);
    quality.note(0, Observation::Wrong);
    assert_eq!(quality.expected_ms(0, MIB), clean * 11);
}

#[test]
fn patience_follows_what_was_measured() {
    let mut quality = Quality::default();
    assert_eq!(quality.hedge_after_ms(), HEDGE_MAX_MS);
    for now in 0..20 {
        quality.note(now, Observation::Answered { after_ms: 400 });
    }
    assert_eq!(quality.hedge_after_ms(), 400);
    for now in 20..60 {
        quality.note(now, Observation::Answered { after_ms: 1 });
    }
    assert_eq!(quality.hedge_after_ms(), HEDGE_MIN_MS);
}

#[test]
fn a_source_that_is_down_rests_for_all_objects_and_one_moment_counts_once() {
    let mut quality = Quality::default();
    for _ in 0..100 {
        quality.note(1_000, Observation::Failed);
    }
    assert_eq!(quality.rests_until_ms(), None, "a hundred requests died of one cause");
    for now in [1_200, 1_600, 2_400] {
        quality.note(now, Observation::Failed);
    }
    assert_eq!(quality.rests_until_ms(), Some(2_400 + 1_600));
    quality.note(60_000, Observation::Failed);
    assert_eq!(quality.rests_until_ms(), Some(60_000 + 3_200));
    quality.note(70_000, Observation::Failed);
    assert_eq!(quality.rests_until_ms(), Some(70_000 + 5_000), "never longer");
    quality.note(80_000, Observation::Answered { after_ms: 1 });
    assert_eq!(quality.rests_until_ms(), None);
}

#[test]
fn peers_are_asked_when_they_are_nearer_or_nobody_else_is_up() {
    let of = |after_ms: u64, in_ms: u64| {
        let mut quality = Quality::default();
        quality.note(0, Observation::Answered { after_ms });
        quality.note(0, Observation::Moved { bytes: MIB, in_ms });
        quality
    };
    let down = {
        let mut quality = Quality::default();
        (0..4).for_each(|n| quality.note(n * 200, Observation::Failed));
        quality
    };
    let (near, far, untried) = (of(2, 10), of(200, 300), Quality::default());
    let ask = |storage: &[&Quality], peers: &[&Quality], dice| {
        let own = |of: &[&Quality]| of.iter().map(|quality| (*quality).clone()).collect::<std::vec::Vec<_>>();
        use_of_peers(700, MIB, &own(storage), &own(peers), dice)
    };
    use PeerUse::{Beside, First, Leave};
    assert_eq!(ask(&[&near], &[&untried], 1), Leave, "storage nodes are fast");
    assert_eq!(ask(&[&near], &[&far], 0), Leave, "known to be no better");
    assert_eq!(ask(&[&far], &[&near], 1), First);
    assert_eq!(ask(&[&far], &[&untried], 1), Leave);
    assert_eq!(ask(&[&far], &[&untried], 0), Beside, "now and then, to find out");
    assert_eq!(ask(&[&down], &[&untried], 1), First);
    assert_eq!(ask(&[], &[&far], 1), First);
    assert_eq!(ask(&[&down], &[], 0), Leave);
    assert_eq!(ask(&[&down, &near], &[&far], 0), Leave);
}

#[test]
fn peers_have_names_of_their_own() {
    let mut names = std::collections::BTreeSet::new();
    for family in 0..10 {
        for index in 0..10 {
            for worker in 0..10 {
                let bucket = DistributionBucketId { family: argosy_domain::FamilyId(family), index };
                let peer = SourceId::of_peer(bucket, WorkerId(worker));
                assert!(peer.is_peer() && names.insert(peer));
            }
        }
    }
    for bucket in [0, 1, u64::MAX] {
        assert!(!SourceId::from(StorageBucketId(bucket)).is_peer());
    }
}

#[test]
fn memory_is_bounded_and_forgets_the_longest_silent() {
    let mut memory = SourceMemory::new();
    for n in 0..to_u64(MAX_REMEMBERED_SOURCES) + 1 {
        memory.note(n, SourceId(n), Observation::Failed);
    }
    assert_eq!(memory.sources_count(), to_u64(MAX_REMEMBERED_SOURCES));
    assert_eq!(memory.quality(SourceId(0)), Quality::default());
    assert_ne!(memory.quality(SourceId(1)), Quality::default());
}

#[test]
fn extreme_samples_do_not_overflow() {
    let mut quality = Quality::default();
    for observation in [
        Observation::Answered { after_ms: u64::MAX },
        Observation::Answered { after_ms: 0 },
        Observation::Overtaken { after_ms: u64::MAX },
        Observation::Moved { bytes: u64::MAX, in_ms: 0 },
        Observation::Moved { bytes: 0, in_ms: u64::MAX },
        Observation::Failed,
    ] {
        quality.note(u64::MAX, observation);
        let _ = (quality.expected_ms(u64::MAX, u64::MAX), quality.hedge_after_ms());
    }
}
