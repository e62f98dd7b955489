#![allow(clippy::arithmetic_side_effects, reason = "tests may panic")]

mod models;
mod restart;

use super::*;
use argosy_domain::num::to_u64;
use proptest::prelude::*;
use std::vec::Vec;

fn id(n: u64) -> DataObjectId {
    DataObjectId(n)
}

fn lru(capacity_bytes: u64) -> CacheCore {
    CacheCore::new(capacity_bytes, PolicyName::Lru)
}

/// Ids in the order in which they would go.
fn order(cache: &mut CacheCore) -> Vec<DataObjectId> {
    let all = cache.standings(0);
    all.into_iter().map(|standing| standing.id).filter(|id| cache.contains(*id)).collect()
}

#[test]
fn the_least_recently_used_goes_first() {
    let mut cache = lru(100);
    for n in 0..4 {
        assert_eq!(cache.insert(id(n), 25, 0), Ok(Vec::new()));
    }
    cache.touch(id(0), 0);
    assert_eq!(cache.insert(id(4), 30, 0), Ok([id(1), id(2)].to_vec()));
    assert_eq!(cache.used_bytes(), 80);
    assert_eq!(order(&mut cache), [id(3), id(0), id(4)]);
}

#[test]
fn an_object_larger_than_the_cache_evicts_nothing() {
    for name in PolicyName::ALL {
        let mut cache = CacheCore::new(100, name);
        cache.insert(id(1), 100, 0).unwrap();
        assert_eq!(cache.insert(id(2), 101, 0), Err(Refusal::LargerThanCache));
        assert_eq!(cache.resize(id(1), 101, 0), Err(Refusal::LargerThanCache));
        assert!(cache.contains(id(1)) && !cache.contains(id(2)));
    }
}

#[test]
fn objects_in_use_stay() {
    for name in PolicyName::ALL {
        let mut cache = CacheCore::new(100, name);
        cache.insert(id(1), 60, 0).unwrap();
        assert!(cache.pin(id(1), 0));
        assert!(cache.pin(id(1), 0));
        assert_eq!(cache.insert(id(2), 60, 0), Err(Refusal::AllInUse));
        cache.unpin(id(1), 0);
        assert_eq!(cache.insert(id(2), 60, 0), Err(Refusal::AllInUse), "two readers, one left");
        cache.unpin(id(1), 0);
        assert_eq!(cache.insert(id(2), 60, 0), Ok([id(1)].to_vec()));
        assert!(!cache.pin(id(1), 0));
    }
}

#[test]
fn growing_makes_room_but_never_at_its_own_cost() {
    for name in PolicyName::ALL {
        let mut cache = CacheCore::new(100, name);
        cache.insert(id(1), 10, 0).unwrap();
        cache.insert(id(2), 50, 0).unwrap();
        assert_eq!(cache.resize(id(1), 60, 0), Ok([id(2)].to_vec()), "{name:?}");
        assert_eq!(cache.resize(id(9), 10, 0), Ok(Vec::new()));
        assert_eq!((cache.used_bytes(), cache.objects_count()), (60, 1));
        assert_eq!(cache.insert(id(1), 20, 0), Ok(Vec::new()));
        assert_eq!(cache.used_bytes(), 20);
        assert!(cache.remove(id(1), 0) && !cache.remove(id(1), 0));
        assert_eq!(cache.used_bytes(), 0);
    }
}

#[test]
fn a_lower_bound_evicts_and_spares_what_is_in_use() {
    for name in PolicyName::ALL {
        let mut cache = CacheCore::new(100, name);
        for n in 0..10 {
            cache.insert(id(n), 10, n).unwrap();
        }
        cache.pin(id(3), 10);
        assert_eq!(cache.set_capacity(35, 11).len(), 7, "{name:?}");
        assert!(cache.contains(id(3)) && cache.used_bytes() == 30);
        assert_eq!(cache.set_capacity(5, 11).len(), 2);
        assert_eq!(cache.used_bytes(), 10, "what is in use stays");
        cache.unpin(id(3), 12);
        assert_eq!(cache.set_capacity(5, 13), [id(3)]);
        assert_eq!(cache.set_capacity(100, 13), []);
        assert!(cache.insert(id(20), 100, 14).is_ok());
    }
}

#[test]
fn what_is_forgotten_leaves_nothing_behind() {
    for name in PolicyName::ALL {
        let mut cache = CacheCore::new(100, name);
        for n in 0..6 {
            cache.insert(id(n), 15, n).unwrap();
            (0..=n).for_each(|_| cache.touch(id(n), n));
        }
        cache.pin(id(4), 9);
        cache.remove(id(1), 9);
        // Held, in use, only remembered, and never seen.
        [5, 4, 1, 77].into_iter().for_each(|n| cache.forget(id(n), 10));
        assert_eq!([5, 4, 1].map(|n| cache.uses(id(n))), [0; 3], "{name:?}");
        let hottest: Vec<_> = cache.hottest(9).into_iter().map(|(id, _)| id).collect();
        assert_eq!(hottest, [id(3), id(2), id(0)]);
        assert_eq!((cache.objects_count(), cache.used_bytes()), (3, 45));
        assert_eq!(cache.standings(11).len(), 3);
        // Its place in the table serves others, and it may come again.
        for n in [20, 21, 22, 5] {
            cache.insert(id(n), 20, 12).unwrap();
        }
        assert!(cache.contains(id(5)) && cache.uses(id(5)) == 0 && cache.used_bytes() <= 100);
    }
}

/// C1 #2: one object that can never fit costs nothing of what is held.
#[test]
fn argus_2_an_object_that_does_not_fit_empties_nothing() {
    for name in PolicyName::ALL {
        let mut cache = CacheCore::new(100, name);
        for n in 0..5 {
            cache.insert(id(n), 20, 0).unwrap();
        }
        assert!(cache.insert(id(9), u64::MAX, 0).is_err());
        assert_eq!((cache.objects_count(), cache.used_bytes()), (5, 100), "{name:?}");
    }
}

/// C1 #24: with Argus, what was popular once stays for ever.
#[test]
fn argus_24_popularity_ages() {
    let mut cache = CacheCore::new(100 << 20, PolicyName::Worth);
    cache.insert(id(0), 10 << 20, 0).unwrap();
    for _ in 0..1000 {
        cache.touch(id(0), 0);
    }
    assert!(cache.uses(id(0)) > 900, "nearly all, so soon");
    // Others are asked for, again and again, and it is not.
    for round in 0..20_000 {
        let n = 1 + round % 20;
        cache.touch(id(n), round);
        cache.insert(id(n), 10 << 20, round).unwrap();
    }
    assert!(!cache.contains(id(0)), "{} uses left", cache.uses(id(0)));
}

/// C1 #24: one viewer who seeks asks very often, and means one use.
#[test]
fn argus_24_one_seeking_viewer_is_one_use() {
    let recent = RecentUses::default();
    let (film, viewer) = (id(7), 1234);
    let begun = (0..600).filter(|second| recent.begins(film, viewer, 1_000_000 + second)).count();
    assert_eq!(begun, 1, "ten minutes of requests, each within a minute of the last");
    assert!(recent.begins(film, 99, 1_000_600), "another viewer");
    assert!(recent.begins(id(8), viewer, 1_000_600), "another film");
    assert!(recent.begins(film, viewer, 1_000_700), "after a pause");
    assert!(recent.begins(film, viewer, 900_000), "when the clock has gone back");
    assert!(!recent.begins(film, viewer, 900_001));
}

/// C1 #24 and #31: what is empty or tiny goes as others do, by whatever policy.
#[test]
fn argus_24_and_31_empty_objects_go_too() {
    for name in PolicyName::ALL {
        let mut cache = CacheCore::new(1 << 20, name);
        for n in 0..10 {
            cache.insert(id(n), n % 2, 0).unwrap();
        }
        // Much younger, and used.
        for n in 100..130_u64 {
            let now_ms = n * 60_000 * 60 * 24;
            for round in 0..200_000 / 30 {
                cache.touch(id(n), now_ms + round);
            }
            cache.insert(id(n), 200 << 10, now_ms).unwrap();
        }
        let small = (0..10).filter(|n| cache.contains(id(*n))).count();
        cache.set_capacity(0, u64::MAX / 2);
        let left = (0..10).filter(|n| cache.contains(id(*n))).count();
        // An empty one takes no room, so that it may stay when all that takes room has gone.
        assert!(small <= 10 && left <= 5, "{name:?}: {small}, {left}");
        assert_eq!(cache.used_bytes(), 0);
    }
}

#[test]
fn what_goes_is_remembered_within_bounds() {
    let mut cache = CacheCore::new(1000, PolicyName::Worth);
    for n in 0..200_000 {
        cache.touch(id(n), n);
        cache.insert(id(n), 100, n).unwrap();
    }
    assert_eq!(cache.objects_count(), 10);
    assert_eq!(to_u64(cache.by_id.len()), LEAST_REMEMBERED + 10);
    assert_eq!(cache.uses(id(0)), 0, "forgotten");
    assert_eq!(cache.uses(id(199_000)), 1);
}

#[test]
fn popularity_may_be_learned_before_an_object_comes() {
    let mut cache = CacheCore::new(1000, PolicyName::Worth);
    cache.note_popularity(id(1), 50, 0);
    cache.note_popularity(id(1), 3, 0);
    cache.note_popularity(id(2), 7, 0);
    cache.insert(id(3), 10, 0).unwrap();
    cache.touch(id(3), 0);
    assert_eq!(cache.hottest(2), [(id(1), 50), (id(2), 7)]);
    assert_eq!(cache.hottest(9), [(id(1), 50), (id(2), 7), (id(3), 1)]);
    assert_eq!((cache.objects_count(), cache.used_bytes()), (1, 10));
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Insert(u64, u64),
    Resize(u64, u64),
    Touch(u64),
    Remove(u64),
    Pin(u64),
    Unpin(u64),
    Capacity(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..12_u64;
    prop_oneof![
        4 => (n.clone(), 0..60_u64).prop_map(|(n, size)| Step::Insert(n, size)),
        2 => (n.clone(), 1..120_u64).prop_map(|(n, size)| Step::Resize(n, size)),
        5 => n.clone().prop_map(Step::Touch),
        1 => n.clone().prop_map(Step::Remove),
        1 => n.clone().prop_map(Step::Pin),
        2 => n.prop_map(Step::Unpin),
        1 => (60..140_u64).prop_map(Step::Capacity),
    ]
}

fn name() -> impl Strategy<Value = PolicyName> {
    prop::sample::select(PolicyName::ALL.to_vec())
}

proptest! {
    /// Whatever the policy: never over capacity, sums right, pinned ones stay, and the policy knows
    /// exactly what is held and not pinned.
    #[test]
    fn what_holds_for_all_policies(name in name(), steps in prop::collection::vec(step(), 0..120)) {
        let mut cache = CacheCore::new(100, name);
        // Id, size, pins.
        let mut held: BTreeMap<u64, (u64, u32)> = BTreeMap::new();
        // What is let go of above a bound that was lowered stays until something comes.
        let mut let_go = 0;
        for (at, step) in steps.into_iter().enumerate() {
            let now_ms = to_u64(at) * 40_000;
            let before = held.clone();
            let pinned = |but: u64| -> u64 {
                before.iter().filter(|(n, held)| held.1 > 0 && **n != but).map(|(_, held)| held.0).sum()
            };
            let capacity = cache.capacity_bytes();
            let all_pinned: u64 = before.values().filter(|held| held.1 > 0).map(|held| held.0).sum();
            let_go = match &step {
                Step::Unpin(_) => all_pinned.max(let_go),
                Step::Capacity(_) => 0,
                Step::Insert(..) | Step::Resize(..) | Step::Touch(_) | Step::Remove(_) | Step::Pin(_) => let_go,
            };
            let may = |n: u64, size: u64| size <= capacity && pinned(n) + size <= capacity;
            let evicted = match step {
                Step::Insert(n, size) => {
                    let outcome = cache.insert(id(n), size, now_ms);
                    prop_assert_eq!(outcome.is_ok(), may(n, size));
                    if outcome.is_ok() {
                        held.entry(n).or_default().0 = size;
                    }
                    outcome.unwrap_or_default()
                }
                Step::Resize(n, size) => {
                    let outcome = cache.resize(id(n), size, now_ms);
                    prop_assert_eq!(outcome.is_ok(), !held.contains_key(&n) || may(n, size));
                    if let (true, Some(entry)) = (outcome.is_ok(), held.get_mut(&n)) {
                        entry.0 = size;
                    }
                    outcome.unwrap_or_default()
                }
                Step::Touch(n) => {
                    cache.touch(id(n), now_ms);
                    prop_assert!(cache.uses(id(n)) > 0);
                    Vec::new()
                }
                Step::Remove(n) => {
                    prop_assert_eq!(cache.remove(id(n), now_ms), held.remove(&n).is_some());
                    Vec::new()
                }
                Step::Pin(n) => {
                    prop_assert_eq!(cache.pin(id(n), now_ms), held.contains_key(&n));
                    held.entry(n).and_modify(|entry| entry.1 += 1);
                    Vec::new()
                }
                Step::Unpin(n) => {
                    cache.unpin(id(n), now_ms);
                    held.entry(n).and_modify(|entry| entry.1 = entry.1.saturating_sub(1));
                    Vec::new()
                }
                Step::Capacity(bytes) => cache.set_capacity(bytes, now_ms),
            };
            for victim in evicted {
                prop_assert_eq!(held.remove(&victim.0).map(|entry| entry.1), Some(0), "pinned objects stay");
            }
            let used: u64 = held.values().map(|entry| entry.0).sum();
            let pinned: u64 = held.values().filter(|entry| entry.1 > 0).map(|entry| entry.0).sum();
            prop_assert_eq!((cache.used_bytes(), cache.pinned_bytes), (used, pinned));
            prop_assert!(used <= cache.capacity_bytes().max(pinned).max(let_go));
            prop_assert!(cache.ids().map(|id| id.0).eq(held.keys().copied()));
            let mut known: Vec<Slot> = Vec::new();
            cache.with_policy(now_ms, |policy, view| known = policy.order(view));
            let mut known: Vec<u64> = known.iter().map(|slot| cache.records[*slot].id.0).collect();
            known.sort_unstable();
            let free = held.iter().filter(|(_, entry)| entry.1 == 0).map(|(n, _)| *n);
            prop_assert!(free.eq(known), "the policy knows what may go");
        }
    }
}
