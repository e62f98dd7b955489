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
    assert!((400..600).contains(&quality.hedge_after_ms()), "{}", quality.hedge_after_ms());
    for now in 20..60 {
        quality.note(now, Observation::Answered { after_ms: 1 });
    }
    assert_eq!(quality.hedge_after_ms(), HEDGE_MIN_MS);
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
        Observation::Moved { bytes: u64::MAX, in_ms: 0 },
        Observation::Moved { bytes: 0, in_ms: u64::MAX },
        Observation::Failed,
    ] {
        quality.note(u64::MAX, observation);
        let _ = (quality.expected_ms(u64::MAX, u64::MAX), quality.hedge_after_ms());
    }
}
