use super::*;
use argosy_domain::ContentId;
use argosy_store::{ObjectMeta, StoreConfig};
use std::net::Ipv4Addr;

fn id(n: u64) -> DataObjectId {
    DataObjectId(n)
}

struct Opened {
    dir: tempfile::TempDir,
    cache: Arc<Cache>,
}

fn config(dir: &tempfile::TempDir, limit_bytes: u64) -> CacheConfig {
    CacheConfig {
        folder: dir.path().join("assets"),
        notes: dir.path().join("notes"),
        limit_bytes,
        floor_bytes: 1 << 20,
        policy: PolicyName::default(),
    }
}

impl Opened {
    fn new(limit_bytes: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("notes")).unwrap();
        let cache = open(&config(&dir, limit_bytes));
        Self { dir, cache }
    }

    /// As after a crash, or `saved`.
    fn again(self, limit_bytes: u64, saved: bool) -> Self {
        if saved {
            self.cache.save();
        }
        let Self { dir, cache } = self;
        drop(cache);
        let cache = open(&config(&dir, limit_bytes));
        Self { dir, cache }
    }

    /// Stores a complete object.
    fn keep(&self, n: u64, bytes: &[u8]) {
        let size = bytes.len().try_into().unwrap();
        assert!(self.cache.make_room(id(n), size));
        let mut quarantine = self.cache.store.quarantine(size).unwrap();
        quarantine.write(bytes).unwrap();
        drop(quarantine.finish(id(n), ObjectMeta { content_id: ContentId::of(bytes), size }).unwrap());
    }
}

fn open(config: &CacheConfig) -> Arc<Cache> {
    let limits = StoreConfig { capacity_bytes: None, disk_floor_bytes: 0 };
    let store = Store::open(&config.folder, Arc::new(RealDisk), limits).unwrap();
    Arc::new(Cache::open(store, config.clone(), |_| ()))
}

fn visitor(n: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, n).into()
}

#[test]
fn popularity_is_known_before_an_object_is_held() {
    let opened = Opened::new(1000);
    let cache = &opened.cache;
    cache.note_popularity(id(7), 5);
    cache.note_popularity(id(7), 3);
    cache.note_popularity(id(8), 2);
    drop(cache.admit(id(9)));
    assert_eq!(cache.hottest(2), [(id(7), 5), (id(8), 2)]);
    assert_eq!(cache.hottest(9), [(id(7), 5), (id(8), 2), (id(9), 1)]);
}

#[test]
fn room_is_what_is_left_of_the_cache_and_of_the_disk() {
    let opened = Opened::new(1000);
    let cache = &opened.cache;
    assert_eq!((cache.capacity_bytes(), cache.free_bytes()), (1000, 1000));
    assert!(cache.make_room(id(1), 400));
    assert_eq!(cache.free_bytes(), 600);
    let opened = Opened::new(u64::MAX);
    assert!(opened.cache.free_bytes() < u64::MAX, "the disk is smaller than that");
    assert!(opened.cache.capacity_bytes() < u64::MAX, "so that the cache is, too");
}

#[test]
fn every_visitor_is_one_use() {
    let opened = Opened::new(1000);
    for n in 0..5 {
        // Ranges, one after the other.
        (0..100).for_each(|_| opened.cache.used(id(1), visitor(n)));
    }
    assert_eq!(opened.cache.hottest(1), [(id(1), 5)]);
}

#[test]
fn who_asks_for_what_is_not_here_is_one_use() {
    let opened = Opened::new(1000);
    let cache = &opened.cache;
    cache.used(id(1), visitor(1));
    drop(cache.admit(id(1)));
    assert_eq!(cache.hottest(9), [(id(1), 1)]);
}

#[test]
fn what_was_known_is_known_after_a_restart() {
    let opened = Opened::new(10_000);
    for n in 0..10 {
        opened.keep(n, &[1; 900]);
        (0..n).for_each(|by| opened.cache.used(id(n), visitor(by.try_into().unwrap())));
    }
    let hottest = opened.cache.hottest(5);
    let opened = opened.again(10_000, true);
    assert_eq!(opened.cache.hottest(5), hottest);
    assert_eq!((opened.cache.ids().len(), opened.cache.used_bytes()), (10, 9_000));
}

/// C1 #3 and #4: Argus deletes what its note does not know, and everything if the note is damaged.
#[test]
fn argus_3_and_4_files_outlive_any_note() {
    let mut opened = Opened::new(10_000);
    for n in 0..4 {
        opened.keep(n, &[1; 900]);
    }
    // Never saved; then old; then damaged in several ways.
    opened = opened.again(10_000, false);
    assert_eq!(opened.cache.ids().len(), 4);
    opened = opened.again(10_000, true);
    opened.keep(4, &[1; 900]);
    opened = opened.again(10_000, false);
    assert_eq!(opened.cache.ids().len(), 5);
    let note = opened.dir.path().join("notes/cache.note");
    let whole = std::fs::read(&note).unwrap();
    for bytes in [&b""[..], &whole[..whole.len() / 2], b"{}", &[0xff; 5000]] {
        std::fs::write(&note, bytes).unwrap();
        opened = opened.again(10_000, false);
        assert_eq!((opened.cache.ids().len(), opened.cache.used_bytes()), (5, 4_500));
    }
}

#[test]
fn a_limit_below_what_is_used_evicts_at_the_start() {
    let opened = Opened::new(10_000);
    for n in 0..10 {
        opened.keep(n, &[1; 900]);
        (0..n).for_each(|by| opened.cache.used(id(n), visitor(by.try_into().unwrap())));
    }
    let opened = opened.again(2_000, true);
    assert_eq!(opened.cache.ids(), [id(8), id(9)], "the most popular stay");
    assert_eq!(opened.cache.store.ids(), [id(8), id(9)]);
}

/// F-E3: nothing ever waits for room.
#[test]
fn what_does_not_fit_is_refused_at_once() {
    let opened = Opened::new(1_000);
    opened.keep(1, &[1; 900]);
    let reader = opened.cache.admit(id(1));
    assert!(!opened.cache.make_room(id(2), 1_001), "larger than the cache");
    assert!(!opened.cache.make_room(id(2), 500), "all that could go is read");
    drop(reader);
    assert!(opened.cache.make_room(id(2), 500));
    assert_eq!(opened.cache.store.ids(), [], "gone from the disk, too");
}

/// C1 #24: nothing is left of objects of which nothing came.
#[test]
fn argus_24_what_is_empty_leaves_with_its_last_reader() {
    let opened = Opened::new(1_000);
    let (one, other) = (opened.cache.admit(id(1)), opened.cache.admit(id(1)));
    drop(one);
    assert!(opened.cache.contains(id(1)));
    drop(other);
    assert!(!opened.cache.contains(id(1)));
}

#[test]
fn others_who_fill_the_disk_make_the_cache_smaller() {
    let opened = Opened::new(10_000);
    for n in 0..10 {
        opened.keep(n, &[1; 900]);
    }
    let Opened { dir, cache } = opened;
    drop(cache);
    // A floor that the disk is below already.
    let config = CacheConfig { floor_bytes: u64::MAX / 2, ..config(&dir, 10_000) };
    let cache = open(&config);
    assert_eq!((cache.ids().len(), cache.free_bytes(), cache.capacity_bytes()), (0, 0, 0));
    assert!(!cache.make_room(id(1), 1));
}
