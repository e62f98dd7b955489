//! Every operation is cut at every step, by a death of the process and by power cuts.

use crate::error::{QuarantineError, StoreError};
use crate::store::Store;
use crate::tests::adopt;
use crate::tests::fake_disk::{Ending, FakeDisk};
use crate::tests::objects::{DIR, GROUP, Object, open};
use crate::{Disk as _, OpenMode};
use argosy_content::GroupRange;
use std::path::Path;

/// Power cuts tried at each step, each keeping something else.
const SEEDS: u64 = 12;

/// Runs `act` on a store that `prepare` left, once for every step at which it can be cut, and
/// checks what is found after each ending. `check` is told whether `act` had returned success.
fn at_every_step(
    prepare: impl Fn(&FakeDisk),
    act: impl Fn(&Store) -> Result<(), StoreError>,
    check: impl Fn(&Store, bool),
) {
    let prepared = FakeDisk::new();
    prepare(&prepared);
    for step in 0.. {
        let disk = prepared.after(Ending::Kill);
        let store = open(&disk).unwrap();
        disk.cut_after(step);
        let done = act(&store).is_ok();
        let finished = !disk.is_dead();
        assert!(done || !finished, "it failed without a cut");
        let endings = [Ending::Kill].into_iter().chain((0..SEEDS).map(Ending::PowerCut));
        for ending in endings {
            let context = format!("step {step}, {ending:?}, done {done}");
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                check_after(&disk, ending, |store| check(store, done));
            }));
            if let Err(panic) = panicked {
                eprintln!("failed at {context}");
                std::panic::resume_unwind(panic);
            }
        }
        drop(store);
        if finished {
            assert!(step > 2, "nothing was cut");
            return;
        }
    }
}

fn check_after(disk: &FakeDisk, ending: Ending, check: impl Fn(&Store)) {
    let disk = disk.after(ending);
    let store = open(&disk).unwrap();
    assert_tidy(&disk, &store);
    let claimed = store.ids();
    drop(store);
    // What an opened store calls complete is complete for good.
    for seed in 0..3 {
        let store = open(&disk.after(Ending::PowerCut(seed))).unwrap();
        assert!(claimed.iter().all(|id| store.contains(*id)), "a claimed object vanished");
    }
    check(&open(&disk).unwrap());
}

/// Nothing temporary, and every object in one state.
fn assert_tidy(disk: &FakeDisk, store: &Store) {
    let (complete, partial) = (store.ids(), store.partials());
    for path in disk.names() {
        let name = path.strip_prefix(DIR).unwrap().to_str().unwrap();
        // A file that is not adopted yet has a name of digits alone.
        if name == "format" || name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let stem: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let known = match name.split_once('/').unwrap().0 {
            "obj" => complete.iter().any(|id| id.0 == stem),
            "part" => partial.iter().any(|info| info.id.0 == stem),
            _ => false,
        };
        assert!(known, "{name} is left over");
    }
}

fn sizes() -> [usize; 3] {
    [100, 3 * GROUP, 66 * GROUP + 1]
}

#[test]
fn completing_from_nothing() {
    for size in sizes() {
        let object = Object::new(7, size);
        at_every_step(
            |disk| drop(open(disk).unwrap()),
            |store| object.put(store).map(drop),
            |store, done| {
                assert!(!done || store.contains(object.id), "an acknowledged object vanished");
                object.assert_usable(store);
            },
        );
    }
}

#[test]
fn completing_what_was_partly_there() {
    let object = Object::new(300, 5 * GROUP + 9);
    at_every_step(
        |disk| {
            let store = open(disk).unwrap();
            let partial = store.partial(object.id, object.meta).unwrap();
            object.fill(&partial, GroupRange::new(1, 4)).unwrap();
        },
        |store| object.put(store).map(drop),
        |store, done| {
            assert!(!done || store.contains(object.id));
            object.assert_usable(store);
        },
    );
}

#[test]
fn adopting_a_file_loses_nothing() {
    for size in sizes() {
        let object = Object::new(7, size);
        at_every_step(
            |disk| {
                drop(open(disk).unwrap());
                adopt::put_flat(disk, &object);
            },
            |store| match adopt::adopt(store, &object) {
                Ok(()) => Ok(()),
                Err(QuarantineError::Store(error)) => Err(error),
                Err(other) => panic!("{other}"),
            },
            |store, done| {
                assert!(!done || store.contains(object.id), "an acknowledged object vanished");
                // Cut between two names, it is taken over the second time, or proved where it is.
                match adopt::adopt(store, &object) {
                    Ok(()) | Err(QuarantineError::Store(StoreError::AlreadyComplete(_))) => {}
                    Err(_) => {
                        let partial = store.partial(object.id, object.meta).unwrap();
                        assert_eq!(partial.first_missing(0), None, "bytes are lost");
                        partial.complete().unwrap();
                    }
                }
                object.assert_stored(&store.get(object.id).unwrap());
            },
        );
    }
}

#[test]
fn finishing_a_quarantine() {
    for size in sizes() {
        let object = Object::new(7, size);
        at_every_step(
            |disk| {
                // Something of the object is there as a partial one.
                let store = open(disk).unwrap();
                let partial = store.partial(object.id, object.meta).unwrap();
                object.fill(&partial, GroupRange::one(0)).unwrap();
            },
            |store| {
                let run = || {
                    let mut quarantine = store.quarantine(object.meta.size)?;
                    for piece in object.data.chunks(100_000) {
                        quarantine.write(piece)?;
                    }
                    quarantine.finish(object.id, object.meta)
                };
                match run() {
                    Ok(_) => Ok(()),
                    Err(QuarantineError::Store(error)) => Err(error),
                    Err(other) => panic!("{other}"),
                }
            },
            |store, done| {
                assert!(!done || store.contains(object.id));
                object.assert_usable(store);
            },
        );
    }
}

#[test]
fn removing() {
    let (object, partial, other) =
        (Object::new(7, 3 * GROUP), Object::new(8, 3 * GROUP), Object::new(263, GROUP));
    at_every_step(
        |disk| {
            let store = open(disk).unwrap();
            object.put(&store).unwrap();
            other.put(&store).unwrap();
            let begun = store.partial(partial.id, partial.meta).unwrap();
            partial.fill(&begun, GroupRange::one(1)).unwrap();
        },
        |store| {
            store.remove(partial.id)?;
            store.remove(object.id).map(drop)
        },
        |store, done| {
            if done {
                assert!(!store.contains(object.id));
                assert!(store.partials().is_empty());
            }
            object.assert_usable(store);
            partial.assert_usable(store);
            other.assert_stored(&store.get(other.id).unwrap());
        },
    );
}

#[test]
fn removing_leaves_no_earlier_name_to_come_back() {
    let object = Object::new(7, 3 * GROUP);
    at_every_step(
        |disk| drop(open(disk).unwrap()),
        |store| {
            drop(object.put(store)?);
            store.remove(object.id).map(drop)
        },
        |store, done| {
            assert!(!done || (store.ids().is_empty() && store.partials().is_empty()));
            object.assert_usable(store);
        },
    );
}

#[test]
fn demoting_and_mending() {
    let object = Object::new(7, 6 * GROUP + 5);
    let bad = 4;
    at_every_step(
        |disk| {
            object.put(&open(disk).unwrap()).unwrap();
            disk.corrupt(&Path::new(DIR).join("obj/07/7.data"), bad as usize * GROUP);
        },
        |store| {
            let partial = store.demote(object.id, GroupRange::one(bad))?;
            assert_eq!(partial.have().missing_in(object.whole()).collect::<Vec<_>>(), [bad]);
            object.finish(&partial).map(drop)
        },
        |store, done| {
            if let Some(stored) = store.get(object.id)
                && let Err(damaged) = stored.read_verified(object.whole())
            {
                assert!(!done, "a mended object is damaged");
                assert_eq!(damaged.groups, GroupRange::one(bad));
                store.demote(object.id, damaged.groups).unwrap();
            }
            object.assert_usable(store);
        },
    );
}

#[test]
fn opening_for_the_first_time() {
    for step in 0.. {
        let disk = FakeDisk::new();
        disk.cut_after(step);
        let opened = open(&disk).is_ok();
        for seed in 0..SEEDS {
            let store = open(&disk.after(Ending::PowerCut(seed))).unwrap();
            Object::new(1, 10).assert_usable(&store);
        }
        if opened {
            return;
        }
    }
}

#[test]
fn opening_after_a_crash_may_crash_too() {
    let (object, lost) = (Object::new(7, 3 * GROUP), Object::new(8, 2 * GROUP));
    // A fill cut between its two renames, and an upload cut in its middle.
    let broken = FakeDisk::new();
    let store = open(&broken).unwrap();
    let partial = store.partial(object.id, object.meta).unwrap();
    object.fill(&partial, object.whole()).unwrap();
    let mut upload = store.quarantine(lost.meta.size).unwrap();
    upload.write(&lost.data[..GROUP]).unwrap();
    let data = Path::new(DIR).join("obj/07/7.data");
    let tree = Path::new(DIR).join("part/7.obao");
    broken.fail_next_rename_to(&data);
    assert!(partial.complete().is_err());
    assert!(broken.names().contains(&tree), "the name was taken back");
    for cut in 0..30 {
        let disk = broken.after(Ending::Kill);
        disk.cut_after(cut);
        drop(open(&disk));
        for ending in [Ending::Kill, Ending::PowerCut(cut)] {
            check_after(&disk, ending, |store| object.assert_usable(store));
        }
    }
}

#[test]
fn a_dead_process_loses_no_full_window_and_trusts_only_its_own_boot() {
    let object = Object::new(9, 130 * GROUP);
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let partial = store.partial(object.id, object.meta).unwrap();
    object.fill(&partial, GroupRange::new(0, 70)).unwrap();
    // The process dies: nothing is noted at the end.
    let killed = disk.after(Ending::Kill);
    let resumed = open(&killed).unwrap().partial(object.id, object.meta).unwrap();
    assert_eq!(resumed.have().first_missing(0), Some(64));
    assert_eq!(resumed.held_bytes(), 64 * GROUP as u64);
    // What it had written beyond takes no room that nobody counts.
    let part = killed.open(&Path::new(DIR).join("part/9.part"), OpenMode::Read).unwrap();
    let mut beyond = vec![1; 66 * GROUP];
    assert_eq!(part.read_at(&mut beyond, 64 * GROUP as u64).unwrap(), 66 * GROUP);
    assert!(beyond.iter().all(|byte| *byte == 0), "it was cut off");
    // The machine dies: the bits are all there by luck, the bytes are not.
    let mut survivors = 0;
    for seed in 0..40 {
        let disk = disk.after(Ending::PowerCut(seed));
        let store = open(&disk).unwrap();
        survivors += store.partials().len();
        object.assert_usable(&store);
    }
    assert!(survivors > 0, "some power cut leaves something to resume");
}

#[test]
fn what_was_synced_survives_every_power_cut() {
    let object = Object::new(9, 20 * GROUP);
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let partial = store.partial(object.id, object.meta).unwrap();
    object.fill(&partial, GroupRange::new(0, 6)).unwrap();
    object.fill(&partial, GroupRange::new(15, 17)).unwrap();
    assert_eq!(partial.unsynced_bytes(), 8 * GROUP as u64);
    partial.sync().unwrap();
    assert_eq!(partial.unsynced_bytes(), 0);
    object.fill(&partial, GroupRange::new(6, 12)).unwrap();
    assert_eq!(partial.unsynced_bytes(), 6 * GROUP as u64);
    for seed in 0..60 {
        let disk = disk.after(Ending::PowerCut(seed));
        let store = open(&disk).unwrap();
        let resumed = store.partial(object.id, object.meta).unwrap();
        assert!(resumed.has(GroupRange::new(0, 6)) && resumed.has(GroupRange::new(15, 17)), "{seed}");
        object.assert_usable(&store);
    }
}

#[test]
fn syncing_may_be_cut_at_every_step() {
    let object = Object::new(7, 5 * GROUP + 1);
    at_every_step(
        |disk| drop(open(disk).unwrap()),
        |store| {
            let partial = store.partial(object.id, object.meta)?;
            object.fill(&partial, GroupRange::new(0, 2))?;
            partial.sync()?;
            object.fill(&partial, GroupRange::new(2, 4))?;
            // For those who only die.
            partial.save()
        },
        |store, done| {
            if done {
                let resumed = store.partial(object.id, object.meta).unwrap();
                assert!(resumed.has(GroupRange::new(0, 2)));
            }
            object.assert_usable(store);
        },
    );
}
