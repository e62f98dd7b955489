//! Files that were here before the store.

use crate::disk::{Disk, OpenMode};
use crate::error::{QuarantineError, StoreError};
use crate::store::{ObjectMeta, Store, StoreConfig};
use crate::tests::fake_disk::FakeDisk;
use crate::tests::objects::{DIR, GROUP, Object, open};
use crate::{PartialObject, RealDisk};
use argosy_content::GroupRange;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

fn flat(object: &Object) -> PathBuf {
    Path::new(DIR).join(object.id.to_string())
}

/// Puts the object's bytes beside the store, durable.
pub(super) fn put_flat(disk: &FakeDisk, object: &Object) {
    let file = disk.open(&flat(object), OpenMode::Create).unwrap();
    file.write_all_at(&object.data, 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(Path::new(DIR)).unwrap();
}

pub(super) fn adopt(store: &Store, object: &Object) -> Result<(), QuarantineError> {
    store.adopt(object.id, object.meta, &flat(object), &mut |_| Ok(())).map(drop)
}

#[test]
fn a_right_file_becomes_the_object_and_a_wrong_one_stays() {
    let disk = FakeDisk::new();
    let store = open(&disk).unwrap();
    let object = Object::new(7, 66 * GROUP + 1);
    put_flat(&disk, &object);
    let other = ObjectMeta { content_id: Object::new(8, 9).meta.content_id, ..object.meta };
    let refused = store.adopt(object.id, other, &flat(&object), &mut |_| Ok(())).unwrap_err();
    assert!(matches!(refused, QuarantineError::ContentDiffers { .. }), "{refused}");
    let longer = ObjectMeta { size: object.meta.size + 1, ..object.meta };
    let refused = store.adopt(object.id, longer, &flat(&object), &mut |_| Ok(())).unwrap_err();
    assert!(matches!(refused, QuarantineError::SizeDiffers { .. }), "{refused}");
    let mut seen = 0;
    let broken = store.adopt(object.id, object.meta, &flat(&object), &mut |bytes| {
        seen += bytes;
        Err(io::ErrorKind::Interrupted.into())
    });
    assert!(broken.is_err() && seen > 0 && seen < object.meta.size);
    assert!(disk.names().contains(&flat(&object)) && store.ids().is_empty());
    assert!(!disk.names().iter().any(|path| path.starts_with(Path::new(DIR).join("quarantine"))));

    // What a fill had begun makes way.
    let partial: Arc<PartialObject> = store.partial(object.id, object.meta).unwrap();
    object.fill(&partial, GroupRange::one(3)).unwrap();
    drop(partial);
    adopt(&store, &object).unwrap();
    object.assert_stored(&store.get(object.id).unwrap());
    assert!(!disk.names().contains(&flat(&object)) && store.partials().is_empty());
    assert_eq!(store.totals().object_bytes, object.meta.size);
    put_flat(&disk, &object);
    let again = adopt(&store, &object).unwrap_err();
    assert!(matches!(again, QuarantineError::Store(StoreError::AlreadyComplete(_))), "{again}");
    assert!(disk.names().contains(&flat(&object)), "a second copy is left alone");
}

#[test]
fn nothing_is_copied_on_a_real_disk() {
    use std::os::unix::fs::MetadataExt as _;
    let dir = tempfile::tempdir().unwrap();
    let object = Object::new(300, 3 * GROUP + 5);
    let path = dir.path().join("300");
    fs::write(&path, &object.data).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    let config = StoreConfig { capacity_bytes: None, disk_floor_bytes: 0 };
    // The folder of the files may be the store's own.
    let store = Store::open(dir.path(), Arc::new(RealDisk), config).unwrap();
    let stored = store.adopt(object.id, object.meta, &path, &mut |_| Ok(())).unwrap();
    object.assert_stored(&stored);
    assert!(!path.exists());
    assert_eq!(fs::metadata(dir.path().join("obj/2c/300.data")).unwrap().ino(), inode);
}
