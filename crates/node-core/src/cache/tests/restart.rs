//! What a note of before is good for after a restart.

use super::*;

fn filled(name: PolicyName, capacity_bytes: u64) -> CacheCore {
    let mut cache = CacheCore::new(capacity_bytes, name);
    for round in 0..5_000_u64 {
        // Low ids more often.
        let n = (round * 7919 % 97) * (round * 104_729 % 89) / 89;
        cache.touch(id(n), round * 1000);
        if !cache.contains(id(n)) {
            cache.insert(id(n), 10 + n % 40, round * 1000).unwrap();
        }
    }
    cache
}

fn held(cache: &CacheCore) -> BTreeMap<DataObjectId, u64> {
    cache.ids().map(|id| (id, cache.bytes_of(id).unwrap())).collect()
}

#[test]
fn the_order_is_as_before() {
    for name in PolicyName::ALL {
        let mut before = filled(name, 1000);
        let note = before.standings(6_000_000);
        let files = held(&before);
        let (mut after, gone) = CacheCore::restore(1000, name, (&note, true), files, 6_000_000);
        assert_eq!(gone, []);
        assert_eq!(order(&mut before), order(&mut after), "{name:?}");
        assert_eq!(before.hottest(20), after.hottest(20), "{name:?}");
        // And goes on the same way.
        let victims = |cache: &mut CacheCore| cache.set_capacity(500, 7_000_000);
        if name != PolicyName::Sieve {
            // Whose hand starts anew.
            assert_eq!(victims(&mut before), victims(&mut after), "{name:?}");
        }
    }
}

#[test]
fn files_win_over_any_note() {
    for name in PolicyName::ALL {
        let mut before = filled(name, 1000);
        let mut note = before.standings(6_000_000);
        let mut files = held(&before);
        // Twice, of things that are not there, and with rubbish.
        note.extend_from_within(..);
        note.extend((500..600).map(|n| Standing {
            id: id(n),
            use_parts: u32::MAX,
            hits: u32::MAX,
            list: u8::MAX,
            rank: u64::MAX,
        }));
        // Come and gone since.
        files.pop_first();
        files.insert(id(1_000), 1);
        files.insert(id(550), 1);
        let all = files.clone();
        let (after, gone) = CacheCore::restore(10_000, name, (&note, true), files, 6_000_000);
        assert_eq!((held(&after), gone), (all, Vec::new()), "{name:?}");
        let (after, _) = CacheCore::restore(10_000, name, (&[], false), held(&after), 0);
        assert_eq!(after.used_bytes(), held(&after).values().sum::<u64>());
    }
}

#[test]
fn a_note_of_another_policy_still_tells_who_is_popular() {
    for name in PolicyName::ALL {
        let mut before = filled(PolicyName::S3Fifo, 1000);
        let note = before.standings(6_000_000);
        let (after, gone) = CacheCore::restore(1000, name, (&note, false), held(&before), 6_000_000);
        assert_eq!(gone, []);
        assert_eq!(before.hottest(20), after.hottest(20), "{name:?}");
    }
}

#[test]
fn a_smaller_cache_takes_what_it_can() {
    for name in PolicyName::ALL {
        let mut before = filled(name, 1000);
        let note = before.standings(6_000_000);
        let last = order(&mut before).into_iter().last().unwrap();
        let mut files = held(&before);
        files.insert(id(77_777), 400);
        let bytes: u64 = files.values().sum();
        let (after, gone) = CacheCore::restore(300, name, (&note, true), files, 6_000_000);
        assert!(after.used_bytes() <= 300 && after.used_bytes() > 200, "{name:?}: {}", after.used_bytes());
        assert_eq!(gone[0], id(77_777), "what can never fit goes alone");
        // The others look for uses first.
        let by_order = matches!(name, PolicyName::Worth | PolicyName::Lru);
        assert!(bytes > 1000 && (after.contains(last) || !by_order), "{name:?} keeps {last}");
    }
}
