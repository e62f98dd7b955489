#![allow(clippy::arithmetic_side_effects, reason = "tests may panic")]

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

fn id(n: u64) -> DataObjectId {
    DataObjectId(n)
}

#[test]
fn the_least_recently_used_goes_first() {
    let mut cache = CacheCore::new(100);
    for n in 0..4 {
        assert_eq!(cache.insert(id(n), 25), Ok(Vec::new()));
    }
    cache.touch(id(0));
    assert_eq!(cache.insert(id(4), 30), Ok([id(1), id(2)].to_vec()));
    assert_eq!(cache.used_bytes(), 80);
    assert_eq!(cache.ids().collect::<Vec<_>>(), [id(3), id(0), id(4)]);
}

#[test]
fn an_object_larger_than_the_cache_evicts_nothing() {
    let mut cache = CacheCore::new(100);
    cache.insert(id(1), 100).unwrap();
    assert_eq!(cache.insert(id(2), 101), Err(Refusal::LargerThanCache));
    assert!(cache.contains(id(1)) && !cache.contains(id(2)));
}

#[test]
fn objects_in_use_stay() {
    let mut cache = CacheCore::new(100);
    cache.insert(id(1), 60).unwrap();
    assert!(cache.pin(id(1)));
    assert!(cache.pin(id(1)));
    assert_eq!(cache.insert(id(2), 60), Err(Refusal::AllInUse));
    cache.unpin(id(1));
    assert_eq!(cache.insert(id(2), 60), Err(Refusal::AllInUse), "two readers, one left");
    cache.unpin(id(1));
    assert_eq!(cache.insert(id(2), 60), Ok([id(1)].to_vec()));
    assert!(!cache.pin(id(1)));
}

#[test]
fn growing_makes_room_but_never_at_its_own_cost() {
    let mut cache = CacheCore::new(100);
    cache.insert(id(1), 10).unwrap();
    cache.insert(id(2), 50).unwrap();
    assert_eq!(cache.resize(id(1), 60), Ok([id(2)].to_vec()));
    assert_eq!(cache.resize(id(1), 101), Err(Refusal::LargerThanCache));
    assert_eq!(cache.resize(id(9), 10), Ok(Vec::new()));
    assert_eq!((cache.used_bytes(), cache.objects_count()), (60, 1));
    assert_eq!(cache.insert(id(1), 20), Ok(Vec::new()));
    assert_eq!(cache.used_bytes(), 20);
    assert!(cache.remove(id(1)) && !cache.remove(id(1)));
    assert_eq!(cache.used_bytes(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64, u64),
    Resize(u64, u64),
    Touch(u64),
    Remove(u64),
    Pin(u64),
    Unpin(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..12_u64;
    prop_oneof![
        (n.clone(), 1..120_u64).prop_map(|(n, size)| Step::Insert(n, size)),
        (n.clone(), 1..120_u64).prop_map(|(n, size)| Step::Resize(n, size)),
        n.clone().prop_map(Step::Touch),
        n.clone().prop_map(Step::Remove),
        n.clone().prop_map(Step::Pin),
        n.prop_map(Step::Unpin),
    ]
}

proptest! {
    /// Against a plain list: never over capacity, sums right, pinned ones stay, order is recency.
    #[test]
    fn behaves_like_a_list(steps in prop::collection::vec(step(), 0..80)) {
        let mut cache = CacheCore::new(100);
        // Oldest first: id, size, pins.
        let mut list: Vec<(u64, u64, u32)> = Vec::new();
        for step in steps {
            let before = list.clone();
            let outcome = match step {
                Step::Insert(n, size) => {
                    let pins = list.iter().find(|entry| entry.0 == n).map_or(0, |entry| entry.2);
                    let outcome = cache.insert(id(n), size);
                    if outcome.is_ok() {
                        list.retain(|entry| entry.0 != n);
                        list.push((n, size, pins));
                    }
                    outcome
                }
                Step::Resize(n, size) => {
                    let outcome = cache.resize(id(n), size);
                    if outcome.is_ok() {
                        list.iter_mut().filter(|entry| entry.0 == n).for_each(|entry| entry.1 = size);
                    }
                    outcome
                }
                Step::Touch(n) => {
                    cache.touch(id(n));
                    if let Some(at) = list.iter().position(|entry| entry.0 == n) {
                        let entry = list.remove(at);
                        list.push(entry);
                    }
                    Ok(Vec::new())
                }
                Step::Remove(n) => {
                    prop_assert_eq!(cache.remove(id(n)), list.iter().any(|entry| entry.0 == n));
                    list.retain(|entry| entry.0 != n);
                    Ok(Vec::new())
                }
                Step::Pin(n) => {
                    cache.pin(id(n));
                    list.iter_mut().filter(|entry| entry.0 == n).for_each(|entry| entry.2 += 1);
                    Ok(Vec::new())
                }
                Step::Unpin(n) => {
                    cache.unpin(id(n));
                    list.iter_mut().filter(|entry| entry.0 == n).for_each(|entry| entry.2 = entry.2.saturating_sub(1));
                    Ok(Vec::new())
                }
            };
            for evicted in outcome.unwrap_or_default() {
                let entry = before.iter().find(|entry| entry.0 == evicted.0);
                prop_assert!(entry.is_some_and(|entry| entry.2 == 0), "pinned objects stay");
                list.retain(|entry| entry.0 != evicted.0);
            }
            let used: u64 = list.iter().map(|entry| entry.1).sum();
            prop_assert_eq!(cache.used_bytes(), used);
            prop_assert!(used <= cache.capacity_bytes());
            let ids: Vec<u64> = cache.ids().map(|id| id.0).collect();
            prop_assert_eq!(ids, list.iter().map(|entry| entry.0).collect::<Vec<_>>());
        }
    }
}
