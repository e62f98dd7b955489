//! What a store says and refuses when nothing breaks.

use crate::error::{QuarantineError, StoreError};
use crate::store::{Store, StoreConfig, Totals};
use crate::tests::fake_disk::FakeDisk;
use crate::tests::objects::{DIR, FREE, GROUP, Object, open};
use crate::{Disk, RealDisk};
use argosy_content::{GroupRange, SliceItem};
use argosy_domain::ContentId;
use std::path::Path;
use std::sync::Arc;

#[test]
fn a_real_directory_is_filled_reopened_and_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Store::open(dir.path(), Arc::new(RealDisk), FREE).unwrap();
    let objects = [1, GROUP - 1, GROUP, GROUP + 1, 64 * GROUP, 65 * GROUP + 7]
        .map(|size| Object::new(size as u64, size));
    let store = open();
    for object in &objects {
        object.assert_stored(&object.put(&store).unwrap());
    }
    let partial = Object::new(3, 10 * GROUP);
    let begun = store.partial(partial.id, partial.meta).unwrap();
    partial.fill(&begun, GroupRange::new(2, 5)).unwrap();
    drop((begun, store));

    let store = open();
    assert_eq!(store.ids(), objects.each_ref().map(|object| object.id));
    for object in &objects {
        object.assert_stored(&store.get(object.id).unwrap());
    }
    let info = store.partials();
    assert_eq!((info.len(), info[0].id, info[0].meta), (1, partial.id, Some(partial.meta)));
    assert_eq!(info[0].held_bytes, 3 * GROUP as u64);
    let object_bytes = objects.iter().map(|object| object.meta.size).sum();
    let totals =
        Totals { objects: 6, object_bytes, partials: 1, partial_bytes: 3 * GROUP as u64, promised_bytes: 0 };
    assert_eq!(store.totals(), totals);
    let resumed = store.partial(partial.id, partial.meta).unwrap();
    assert!(resumed.has(GroupRange::new(2, 5)), "the drop noted what was held");
    assert_eq!(resumed.read_verified(GroupRange::one(3)).unwrap()[0], partial.group(3));
    partial.assert_stored(&partial.finish(&resumed).unwrap());

    let open_reader = store.get(objects[4].id).unwrap();
    for id in store.ids() {
        assert!(store.remove(id).unwrap());
        assert!(!store.remove(id).unwrap());
        assert!(store.get(id).is_none());
    }
    objects[4].assert_stored(&open_reader);
    assert_eq!(store.totals(), Totals::default());
    for shard in std::fs::read_dir(dir.path().join("obj")).unwrap() {
        assert_eq!(std::fs::read_dir(shard.unwrap().path()).unwrap().count(), 0);
    }
    assert_eq!(std::fs::read_dir(dir.path().join("part")).unwrap().count(), 0);
}

#[test]
fn a_directory_belongs_to_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Store::open(dir.path(), Arc::new(RealDisk), FREE);
    let store = open().unwrap();
    let error = open().unwrap_err();
    assert!(matches!(&error, StoreError::AlreadyInUse(path) if path == dir.path()));
    assert!(error.to_string().contains("in use by another process"));
    drop(store);
    open().unwrap();
}

#[test]
fn a_newer_format_and_foreign_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Store::open(dir.path(), Arc::new(RealDisk), FREE);
    let format = dir.path().join("format");
    drop(open().unwrap());
    assert_eq!(std::fs::read_to_string(&format).unwrap(), "argosy-store 1\n");
    std::fs::write(&format, "argosy-store 2\n").unwrap();
    assert!(matches!(open(), Err(StoreError::NewerFormat { found: 2, known: 1, .. })));
    std::fs::write(&format, "something else").unwrap();
    assert!(matches!(open(), Err(StoreError::NotAStore(_))));
    std::fs::remove_file(&format).unwrap();
    std::fs::write(dir.path().join("part/notes.txt"), "mine").unwrap();
    assert!(matches!(open(), Err(StoreError::NotAStore(_))));
    // In a store, what nobody knows is left alone.
    std::fs::write(&format, "argosy-store 1\n").unwrap();
    std::fs::create_dir(dir.path().join("obj/zz")).unwrap();
    std::fs::write(dir.path().join("part/007.part"), "not a name of ours").unwrap();
    let store = open().unwrap();
    assert!(store.partials().is_empty());
    assert!(dir.path().join("part/notes.txt").exists() && dir.path().join("part/007.part").exists());
}

#[test]
fn capacity_counts_what_is_held_and_what_is_promised() {
    let group = GROUP as u64;
    let config = StoreConfig { capacity_bytes: Some(10 * group), disk_floor_bytes: 0 };
    let disk: Arc<dyn Disk> = Arc::new(FakeDisk::new());
    let store = Store::open(Path::new(DIR), Arc::clone(&disk), config).unwrap();
    let (first, second) = (Object::new(1, 8 * GROUP), Object::new(2, 6 * GROUP));
    // As held: the second begins, and meets the end of the room.
    let begun = store.partial(second.id, second.meta).unwrap();
    second.fill(&begun, GroupRange::new(0, 2)).unwrap();
    let whole = store.partial(first.id, first.meta).unwrap();
    whole.reserve().unwrap();
    whole.reserve().unwrap();
    assert_eq!(store.totals().promised_bytes, 8 * group);
    assert!(matches!(begun.reserve(), Err(StoreError::NoRoom { .. })));
    let refused = second.fill(&begun, GroupRange::new(2, 3));
    assert!(matches!(refused, Err(StoreError::NoRoom { needed_bytes }) if needed_bytes == group));
    assert!(matches!(store.quarantine(1), Err(StoreError::NoRoom { .. })));
    // The promise holds, and is used up.
    first.finish(&whole).unwrap();
    assert_eq!(store.totals().promised_bytes, 0);
    assert!(store.discard_partial(second.id).unwrap());
    assert!(!store.discard_partial(second.id).unwrap());
    assert!(matches!(second.fill(&begun, second.whole()), Err(StoreError::Gone(_))));
    assert!(matches!(begun.complete(), Err(StoreError::Gone(_))));
    let upload = store.quarantine(2 * group).unwrap();
    assert!(matches!(store.quarantine(1), Err(StoreError::NoRoom { .. })));
    drop(upload);
    drop(store.quarantine(2 * group).unwrap());
    // A dropped fill gives back what it was promised.
    store.remove(first.id).unwrap();
    let begun = store.partial(second.id, second.meta).unwrap();
    begun.reserve().unwrap();
    second.fill(&begun, GroupRange::one(0)).unwrap();
    drop(begun);
    assert_eq!((store.totals().promised_bytes, store.totals().partial_bytes), (0, group));
}

#[test]
fn the_disk_keeps_its_floor() {
    let group = GROUP as u64;
    let disk = FakeDisk::new();
    disk.set_available(100 * group);
    let config = StoreConfig { capacity_bytes: None, disk_floor_bytes: 90 * group };
    let store = Store::open(Path::new(DIR), Arc::new(disk.clone()), config).unwrap();
    assert!(matches!(store.quarantine(11 * group), Err(StoreError::NoRoom { .. })));
    let upload = store.quarantine(8 * group).unwrap();
    assert!(matches!(store.quarantine(3 * group), Err(StoreError::NoRoom { .. })));
    drop(upload);
    disk.set_available(90 * group);
    let object = Object::new(1, 1000 * GROUP);
    let begun = store.partial(object.id, object.meta).unwrap();
    let refused = object.fill(&begun, GroupRange::new(0, 300));
    assert!(matches!(refused, Err(StoreError::NoRoom { .. })));
}

#[test]
fn a_quarantined_upload_is_believed_only_if_all_of_it_is_right() {
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let object = Object::new(1, 20 * GROUP + 3);
    let size = object.meta.size;
    let upload = |data: &[u8]| {
        let mut upload = store.quarantine(size)?;
        for piece in data.chunks(7_777) {
            upload.write(piece)?;
        }
        upload.finish(object.id, object.meta)
    };
    let short = upload(&object.data[1..]).unwrap_err();
    assert!(matches!(short, QuarantineError::SizeDiffers { expected_bytes, received_bytes }
        if expected_bytes == size && received_bytes == size - 1));
    let long = upload(&[&object.data[..], &[0]].concat()).unwrap_err();
    assert!(matches!(long, QuarantineError::SizeDiffers { .. }));
    let mut wrong = object.data.clone();
    wrong[5 * GROUP] ^= 1;
    let found = ContentId::of(&wrong);
    assert!(matches!(upload(&wrong), Err(QuarantineError::ContentDiffers { expected, found: f })
        if expected == object.meta.content_id && f == found));
    assert_eq!(store.totals(), Totals::default());
    assert_eq!(disk.names(), [Path::new(DIR).join("format")]);

    object.assert_stored(&upload(&object.data).unwrap());
    assert_eq!(store.totals().object_bytes, size);
    let again = upload(&object.data).unwrap_err();
    assert!(matches!(again, QuarantineError::Store(StoreError::AlreadyComplete(_))));
    assert_eq!(store.totals().object_bytes, size);
    object.assert_stored(&store.get(object.id).unwrap());
}

#[test]
fn one_object_is_filled_by_many_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Arc::new(RealDisk), FREE).unwrap();
    let object = Object::new(1, 300 * GROUP + 5);
    let groups = object.groups();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (store, object) = (store.clone(), &object);
            scope.spawn(move || {
                let partial = store.partial(object.id, object.meta).unwrap();
                // Overlapping parts, from different ends.
                let start = worker * groups / 5;
                for item in object.items(GroupRange::new(start, groups.min(start + groups / 2))) {
                    match item {
                        SliceItem::Pair(pair) => partial.write_pair(&pair).unwrap(),
                        SliceItem::Group(group) => {
                            partial.write_group(&group).unwrap();
                            let index = GroupRange::one(group.index());
                            assert_eq!(partial.read_verified(index).unwrap()[0], group.data());
                        }
                    }
                }
            });
        }
    });
    let partial = store.partial(object.id, object.meta).unwrap();
    assert!(partial.have().is_full());
    let totals = store.totals();
    assert_eq!((totals.partial_bytes, totals.promised_bytes), (object.meta.size, 0));
    let stored = std::thread::scope(|scope| {
        let finishers = [(); 3].map(|()| scope.spawn(|| partial.complete().unwrap()));
        finishers.map(|finisher| finisher.join().unwrap())
    });
    for stored in stored {
        object.assert_stored(&stored);
    }
    assert_eq!((store.totals().objects, store.totals().partials), (1, 0));
    assert!(store.existing_partial(object.id, object.meta).is_err());
    let absent = Object::new(2, 1);
    assert!(store.existing_partial(absent.id, absent.meta).unwrap().is_none());
    assert!(matches!(store.demote(absent.id, absent.whole()), Err(StoreError::Absent(_))));
}

#[test]
fn many_small_objects_do_not_keep_their_files_open() {
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let objects: Vec<Object> = (0..600).map(|id| Object::new(id, 10 + id as usize)).collect();
    for object in &objects {
        object.put(&store).unwrap();
    }
    for object in &objects {
        object.assert_stored(&store.get(object.id).unwrap());
    }
    let held = store.get(objects[0].id).unwrap();
    assert!(Arc::ptr_eq(&held, &store.get(objects[0].id).unwrap()));
    assert_eq!(store.objects().len(), 600);
}

#[test]
fn an_empty_object_harms_nobody() {
    let object = Object::new(1, 0);
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    object.assert_stored(&object.put(&store).unwrap());
    assert!(store.remove(object.id).unwrap());
    let upload = store.quarantine(0).unwrap();
    object.assert_stored(&upload.finish(object.id, object.meta).unwrap());
}
