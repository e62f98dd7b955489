//! A disk that lies, fails or is tampered with.

use crate::error::{DamageCause, ReadError, StoreError};
use crate::store::{ObjectMeta, Store};
use crate::tests::fake_disk::{Ending, FakeDisk};
use crate::tests::objects::{DIR, FREE, GROUP, Object, open};
use crate::{OpenMode, RealDisk};
use argosy_content::{GroupRange, WrongBytes};
use argosy_domain::ContentId;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

#[test]
fn a_flipped_byte_is_never_read() {
    let object = Object::new(5, 40 * GROUP);
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let stored = object.put(&store).unwrap();
    disk.corrupt(&path("obj/05/5.data"), 20 * GROUP + 3);
    let damaged = stored.read_verified(object.whole()).unwrap_err();
    assert_eq!((damaged.id, damaged.groups), (object.id, GroupRange::one(20)));
    assert!(matches!(damaged.cause, DamageCause::Wrong(WrongBytes::Group { index: 20 })));
    assert!(stored.ensure_verified(GroupRange::new(19, 22)).is_err());
    stored.ensure_verified(GroupRange::new(0, 20)).unwrap();
    let mut slice = stored.encode_slice(object.whole());
    let mut sent = Vec::new();
    let end = loop {
        match slice.next_chunk() {
            Ok(chunk) => sent.extend_from_slice(&chunk.expect("it cannot end well")),
            Err(damaged) => break damaged,
        }
    };
    assert_eq!(end.groups, GroupRange::one(20));
    assert!(object.slice(object.whole()).starts_with(&sent));
    // Mended from elsewhere, and only that group.
    let partial = store.demote(object.id, damaged.groups).unwrap();
    assert_eq!(partial.held_bytes(), 39 * GROUP as u64);
    object.fill(&partial, GroupRange::one(20)).unwrap();
    object.assert_stored(&partial.complete().unwrap());
}

#[test]
fn what_is_doubted_is_proved_again() {
    let object = Object::new(5, 40 * GROUP);
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Arc::new(RealDisk), FREE).unwrap();
    let corrupt = |name: &str, at: usize| {
        let file = std::fs::OpenOptions::new().write(true).open(dir.path().join(name)).unwrap();
        file.write_all_at(&[!object.data[at]], at as u64).unwrap();
    };
    // Nothing is here, nothing is doubted.
    store.doubt(object.id).unwrap();
    let partial = store.partial(object.id, object.meta).unwrap();
    object.fill(&partial, GroupRange::new(0, 30)).unwrap();
    partial.save().unwrap();
    // Somebody works on it: left alone.
    store.doubt(object.id).unwrap();
    drop(partial);
    corrupt("part/5.part", 20 * GROUP + 3);
    store.doubt(object.id).unwrap();
    let partial = store.partial(object.id, object.meta).unwrap();
    assert_eq!(partial.held_bytes(), 29 * GROUP as u64);
    assert!(!partial.have().contains(20));
    object.assert_stored(&object.finish(&partial).unwrap());
    drop(partial);
    // A complete object, too.
    corrupt("obj/05/5.data", 3);
    store.doubt(object.id).unwrap();
    assert!(store.get(object.id).is_none());
    let partial = store.partial(object.id, object.meta).unwrap();
    assert_eq!(partial.have().first_missing(0), Some(0));
    assert_eq!(partial.held_bytes(), 39 * GROUP as u64);
    object.assert_stored(&object.finish(&partial).unwrap());
}

#[test]
fn a_flipped_hash_costs_the_groups_under_it_and_no_more() {
    let object = Object::new(5, 8 * GROUP);
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let stored = object.put(&store).unwrap();
    // Pair 4 stands over groups 4 to 7.
    disk.corrupt(&path("obj/05/5.tree"), 4 * 64);
    stored.ensure_verified(GroupRange::new(0, 4)).unwrap();
    let damaged = stored.read_verified(GroupRange::one(7)).unwrap_err();
    assert_eq!(damaged.groups, GroupRange::new(4, 8));
    let partial = store.demote(object.id, damaged.groups).unwrap();
    assert!(partial.has(GroupRange::new(0, 4)));
    object.assert_stored(&object.finish(&partial).unwrap());
}

#[test]
fn what_was_checked_once_is_checked_again_after_a_write() {
    let object = Object::new(5, 3 * GROUP);
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Arc::new(RealDisk), FREE).unwrap();
    let stored = object.put(&store).unwrap();
    object.assert_stored(&stored);
    let file = stored.file().expect("a real disk has real files");
    let mut bytes = vec![0; object.data.len()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert!(bytes == object.data);
    let tampering = std::fs::OpenOptions::new().write(true).open(dir.path().join("obj/05/5.data"));
    tampering.unwrap().write_all_at(&[!object.data[GROUP]], GROUP as u64).unwrap();
    assert_eq!(stored.ensure_verified(object.whole()).unwrap_err().groups, GroupRange::one(1));
    assert_eq!(stored.read_verified(object.whole()).unwrap_err().groups, GroupRange::one(1));
    assert_eq!(stored.read_checked(object.whole()).unwrap_err().groups, GroupRange::one(1));
}

#[test]
fn what_was_proved_and_is_found_damaged_in_silence_is_trusted_no_more() {
    let object = Object::new(5, 3 * GROUP);
    let disk = FakeDisk::new();
    let stored = object.put(&open(&disk).unwrap()).unwrap();
    stored.ensure_verified(object.whole()).unwrap();
    // The disk does it, not somebody who writes: nothing tells of it.
    disk.corrupt(&path("obj/05/5.data"), GROUP + 7);
    assert!(stored.is_verified(object.whole()));
    assert_eq!(stored.read_verified(object.whole()).unwrap_err().groups, GroupRange::one(1));
    assert!(!stored.is_verified(object.whole()));
    assert!(stored.is_verified(GroupRange::one(0)) && stored.is_verified(GroupRange::one(2)));
    assert_eq!(stored.ensure_verified(object.whole()).unwrap_err().groups, GroupRange::one(1));
}

#[test]
fn what_was_not_checked_yet_is_checked_and_then_read_as_it_is() {
    let object = Object::new(5, 3 * GROUP + 1);
    let disk = FakeDisk::new();
    let stored = object.put(&open(&disk).unwrap()).unwrap();
    assert!(!stored.is_verified(object.whole()));
    for _ in 0..2 {
        assert_eq!(stored.read_checked(object.whole()).unwrap().concat(), object.data);
        assert!(stored.is_verified(object.whole()));
    }
    assert_eq!(stored.read_checked(GroupRange::new(3, 9)).unwrap().concat(), object.data[3 * GROUP..]);
}

#[test]
fn a_failed_sync_is_never_retried_on_trust() {
    let object = Object::new(5, 4 * GROUP);
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let partial = store.partial(object.id, object.meta).unwrap();
    object.fill(&partial, object.whole()).unwrap();
    disk.fail_next_sync();
    assert!(matches!(partial.complete(), Err(StoreError::Io { .. })));
    assert!(partial.have().is_empty(), "the disk has none of the bytes");
    assert_eq!(store.totals().partial_bytes, 0);
    assert!(matches!(partial.complete(), Err(StoreError::Incomplete { group: 0, .. })));
    object.assert_stored(&object.finish(&partial).unwrap());
    assert!(open(&disk.after(Ending::PowerCut(0))).unwrap().contains(object.id));
}

#[test]
fn a_sync_that_fails_on_the_way_is_no_ones_secret() {
    let object = Object::new(5, 4 * GROUP);
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let partial = store.partial(object.id, object.meta).unwrap();
    object.fill(&partial, GroupRange::new(0, 2)).unwrap();
    partial.sync().unwrap();
    object.fill(&partial, GroupRange::new(2, 4)).unwrap();
    disk.fail_next_sync();
    assert!(matches!(partial.sync(), Err(StoreError::Io { .. })));
    // The next sync would succeed; what the failed one has lost must not become part of a complete object.
    assert!(matches!(partial.complete(), Err(StoreError::Incomplete { group: 2, .. })));
    object.assert_stored(&object.finish(&partial).unwrap());
    assert!(open(&disk.after(Ending::PowerCut(0))).unwrap().contains(object.id));
}

#[test]
fn a_failed_rename_leaves_a_partial_object_that_can_try_again() {
    let object = Object::new(5, 4 * GROUP);
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let partial = store.partial(object.id, object.meta).unwrap();
    object.fill(&partial, object.whole()).unwrap();
    for name in ["obj/05/5.tree", "obj/05/5.data"] {
        disk.fail_next_rename_to(&path(name));
        assert!(matches!(partial.complete(), Err(StoreError::Io { .. })));
        assert!(!store.contains(object.id));
    }
    object.assert_stored(&partial.complete().unwrap());
}

#[test]
fn damage_in_a_partial_object_is_found_and_forgotten() {
    let object = Object::new(5, 4 * GROUP);
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let partial = store.partial(object.id, object.meta).unwrap();
    object.fill(&partial, GroupRange::new(0, 3)).unwrap();
    assert!(matches!(partial.read_verified(object.whole()), Err(ReadError::Missing(3))));
    assert!(matches!(partial.encode_slice(GroupRange::new(2, 9)), Err(ReadError::Missing(3))));
    partial.save().unwrap();
    // The platter of a running disk goes bad.
    let disk_file = crate::Disk::open(&disk, &path("part/5.part"), OpenMode::Write).unwrap();
    disk_file.write_all_at(&[!object.data[GROUP]], GROUP as u64).unwrap();
    let Err(ReadError::Damaged(damaged)) = partial.read_verified(GroupRange::new(0, 3)) else {
        panic!("wrong bytes were read");
    };
    assert_eq!(damaged.groups, GroupRange::one(1));
    partial.forget(damaged.groups).unwrap();
    assert_eq!(partial.held_bytes(), 2 * GROUP as u64);
    assert_eq!(store.totals().partial_bytes, 2 * GROUP as u64);
    object.assert_stored(&object.finish(&partial).unwrap());
}

#[test]
fn an_object_that_lost_its_tree_makes_it_anew() {
    for size in [50, 2 * GROUP, 70 * GROUP + 1] {
        let object = Object::new(5, size);
        let disk = FakeDisk::new();
        object.put(&open(&disk).unwrap()).unwrap();
        disk.delete(&path("obj/05/5.tree"));
        let store = open(&disk).unwrap();
        assert!(!store.contains(object.id));
        let partial = store.partial(object.id, object.meta).unwrap();
        assert!(partial.have().is_full(), "every byte is there");
        object.assert_stored(&partial.complete().unwrap());
    }
}

#[test]
fn an_object_that_lost_its_identity_is_proved_again() {
    let object = Object::new(5, 4 * GROUP);
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    drop(object.put(&store).unwrap());
    drop(store);
    disk.corrupt(&path("obj/05/5.tree"), 3 * 64 + 20);
    disk.corrupt(&path("obj/05/5.data"), 0);
    let store = open(&disk).unwrap();
    assert!(store.contains(object.id) && store.get(object.id).is_none());
    let partial = store.partial(object.id, object.meta).unwrap();
    assert_eq!(partial.have().missing_in(object.whole()).collect::<Vec<_>>(), [0]);
    object.assert_stored(&object.finish(&partial).unwrap());
    // A truncated file shows at once.
    disk.delete(&path("obj/05/5.data"));
    assert!(!open(&disk.after(Ending::Kill)).unwrap().contains(object.id));
}

#[test]
fn nothing_of_another_content_is_mixed_in() {
    let (object, other) = (Object::new(5, 4 * GROUP), Object::new(6, 4 * GROUP));
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let partial = store.partial(object.id, object.meta).unwrap();
    let refused = other.fill(&partial, other.whole());
    assert!(matches!(refused, Err(StoreError::OtherContent { .. })));
    let wrong = ObjectMeta { content_id: ContentId([1; 32]), ..object.meta };
    assert!(matches!(store.partial(object.id, wrong), Err(StoreError::OtherContent { .. })));
    drop(partial);
    assert!(matches!(store.partial(object.id, wrong), Err(StoreError::OtherContent { .. })));
    object.put(&store).unwrap();
    assert!(matches!(store.partial(object.id, wrong), Err(StoreError::OtherContent { .. })));
    assert!(matches!(
        store.partial(object.id, object.meta),
        Err(StoreError::AlreadyComplete(id)) if id == object.id
    ));
}
