//! Random lives of a store against a model of what it has promised.

use crate::store::Store;
use crate::tests::fake_disk::{Ending, FakeDisk};
use crate::tests::objects::{GROUP, Object, open};
use argosy_content::GroupRange;
use proptest::prelude::*;
use std::path::PathBuf;

#[derive(Clone, Debug)]
enum Step {
    Fill { object: usize, groups: GroupRange },
    Complete { object: usize },
    Upload { object: usize },
    Demote { object: usize, groups: GroupRange },
    Damage { object: usize, group: u64 },
    Discard { object: usize },
    Remove { object: usize },
    End(Ending),
}

/// What the store has promised of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    Complete,
    NotComplete,
}

const SIZES: [usize; 4] = [77, GROUP, 2 * GROUP + 1, 67 * GROUP];

fn steps() -> impl Strategy<Value = Step> {
    let object = 0..SIZES.len();
    let groups = (0..70u64, 1..70u64).prop_map(|(start, count)| GroupRange::new(start, start + count));
    prop_oneof![
        4 => (object.clone(), groups.clone()).prop_map(|(object, groups)| Step::Fill { object, groups }),
        4 => object.clone().prop_map(|object| Step::Complete { object }),
        2 => object.clone().prop_map(|object| Step::Upload { object }),
        2 => (object.clone(), groups).prop_map(|(object, groups)| Step::Demote { object, groups }),
        1 => (object.clone(), 0..70u64).prop_map(|(object, group)| Step::Damage { object, group }),
        1 => object.clone().prop_map(|object| Step::Discard { object }),
        2 => object.prop_map(|object| Step::Remove { object }),
        1 => Just(Step::End(Ending::Kill)),
        1 => any::<u64>().prop_map(|seed| Step::End(Ending::PowerCut(seed))),
    ]
}

struct Run {
    objects: Vec<Object>,
    promises: Vec<Promise>,
    disk: FakeDisk,
    store: Store,
}

impl Run {
    fn new() -> Self {
        let objects: Vec<Object> =
            SIZES.iter().enumerate().map(|(id, size)| Object::new(id as u64 * 300, *size)).collect();
        let disk = FakeDisk::new();
        let store = open(&disk).unwrap();
        let promises = vec![Promise::NotComplete; objects.len()];
        Self { objects, promises, disk, store }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Fill { object, groups } => {
                let object = &self.objects[object];
                if let Ok(partial) = self.store.partial(object.id, object.meta) {
                    object.fill(&partial, groups).unwrap();
                }
            }
            Step::Complete { object: number } => {
                let object = &self.objects[number];
                if let Ok(partial) = self.store.partial(object.id, object.meta) {
                    object.finish(&partial).unwrap();
                    self.promises[number] = Promise::Complete;
                }
            }
            Step::Upload { object: number } => {
                let object = &self.objects[number];
                let mut upload = self.store.quarantine(object.meta.size).unwrap();
                upload.write(&object.data).unwrap();
                let finished = upload.finish(object.id, object.meta).is_ok();
                assert_eq!(finished, self.promises[number] == Promise::NotComplete);
                self.promises[number] = Promise::Complete;
            }
            Step::Demote { object: number, groups } => {
                let object = &self.objects[number];
                let demoted = self.store.demote(object.id, groups);
                assert_eq!(demoted.is_ok(), self.promises[number] == Promise::Complete);
                self.promises[number] = Promise::NotComplete;
            }
            Step::Damage { object: number, group } => self.damage(number, group),
            Step::Discard { object } => {
                self.store.discard_partial(self.objects[object].id).unwrap();
            }
            Step::Remove { object: number } => {
                self.store.remove(self.objects[number].id).unwrap();
                self.promises[number] = Promise::NotComplete;
            }
            Step::End(ending) => {
                // The old life's handles go before the new one begins.
                let disk = self.disk.after(ending);
                self.store = open(&disk).unwrap();
                self.disk = disk;
            }
        }
        self.check();
    }

    /// The platter changes under a complete object; who reads it finds out and mends it.
    fn damage(&mut self, number: usize, group: u64) {
        let object = &self.objects[number];
        let Some(stored) = self.store.get(object.id) else { return };
        let group = group % object.groups();
        let name = format!("store/obj/{:02x}/{}.data", object.id.0 % 256, object.id);
        self.disk.corrupt(&PathBuf::from(name), group as usize * GROUP);
        let damaged = stored.read_verified(object.whole()).unwrap_err();
        assert_eq!(damaged.groups, GroupRange::one(group));
        let partial = self.store.demote(object.id, damaged.groups).unwrap();
        object.finish(&partial).unwrap();
    }

    fn check(&self) {
        for (object, promise) in self.objects.iter().zip(&self.promises) {
            assert_eq!(self.store.contains(object.id), *promise == Promise::Complete);
            if let Some(stored) = self.store.get(object.id) {
                object.assert_stored(&stored);
            }
        }
        let totals = self.store.totals();
        assert_eq!(totals.promised_bytes, 0);
        assert_eq!(self.store.core.room.used(), totals.object_bytes + totals.partial_bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn promises_are_kept_through_any_life(steps in prop::collection::vec(steps(), 1..40)) {
        let mut run = Run::new();
        for step in steps {
            run.step(step);
        }
        for object in &run.objects {
            object.assert_usable(&run.store);
        }
    }
}
