use super::*;
use argosy_store::StoreConfig;

const FLOOR: u64 = 1 << 20;

fn id(n: u64) -> DataObjectId {
    DataObjectId(n)
}

fn open(folder: &std::path::Path, capacity_bytes: u64) -> Arc<Cache> {
    let config = StoreConfig { capacity_bytes: None, disk_floor_bytes: FLOOR };
    let store = Store::open(folder, Arc::new(RealDisk), config).unwrap();
    Arc::new(Cache::open(store, folder.to_owned(), (capacity_bytes, FLOOR), |_| ()))
}

#[test]
fn popularity_is_known_before_an_object_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(dir.path(), 1000);
    cache.note_popularity(id(7), 5);
    cache.note_popularity(id(7), 3);
    cache.note_popularity(id(8), 2);
    drop(cache.admit(id(9)));
    assert_eq!(cache.hottest(2), [(id(7), 5), (id(8), 2)]);
    assert_eq!(cache.hottest(9), [(id(7), 5), (id(8), 2), (id(9), 1)]);
}

#[test]
fn room_is_what_is_left_of_the_cache_and_of_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(dir.path(), 1000);
    assert_eq!((cache.capacity_bytes(), cache.free_bytes()), (1000, 1000));
    assert!(cache.make_room(id(1), 400));
    assert_eq!(cache.free_bytes(), 600);
    drop(cache);
    let of_disk = open(dir.path(), u64::MAX).free_bytes();
    assert!(of_disk < u64::MAX, "the disk is smaller than that");
}
