//! How long a full cache takes to start.

use super::super::say;
use anyhow::{Context as _, Result};
use argosy_domain::{ContentId, DataObjectId};
use argosy_node_core::cache::{CacheCore, PolicyName};
use argosy_store::{ObjectMeta, RealDisk, Store, StoreConfig};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

const LIMITS: StoreConfig = StoreConfig { capacity_bytes: None, disk_floor_bytes: 0 };
const BYTES: &[u8] = b"an object";

/// What is made is removed, whatever happens.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about it here.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Opens a store of so many objects and orders them by a note, as a distributor does.
pub(super) fn run(root: &Path, objects: u64) -> Result<()> {
    let folder = Folder(root.join(format!("target/cache-start-{}", std::process::id())));
    fill(&folder.0, objects)?;
    let mut standings = {
        let mut cache = CacheCore::new(u64::MAX, PolicyName::default());
        for n in 0..objects {
            cache.touch(DataObjectId(n), n);
            cache.insert(DataObjectId(n), 9, n)?;
        }
        cache.standings(objects)
    };
    // A note is in another order than the files.
    fastrand::Rng::with_seed(super::SEED).shuffle(&mut standings);
    let started = Instant::now();
    let store = Store::open(&folder.0, Arc::new(RealDisk), LIMITS)?;
    let opened = started.elapsed();
    let held: BTreeMap<DataObjectId, u64> = store.objects().into_iter().collect();
    let (cache, gone) =
        CacheCore::restore(u64::MAX, PolicyName::default(), (&standings, true), held, objects);
    let all = started.elapsed();
    anyhow::ensure!(cache.objects_count() == objects && gone.is_empty(), "objects are missing");
    let seconds = |time: std::time::Duration| format!("{:.2} s", time.as_secs_f64());
    say(&format!("start of a cache of {objects} objects: the store"), seconds(opened), "–");
    say("the same, with its order", seconds(all), "≤ 2 s for 100 000");
    Ok(())
}

/// One object made as the store makes it, and copies of its files.
fn fill(folder: &Path, objects: u64) -> Result<()> {
    let store = Store::open(folder, Arc::new(RealDisk), LIMITS)?;
    let size = argosy_domain::num::to_u64(BYTES.len());
    let mut upload = store.quarantine(size)?;
    upload.write(BYTES)?;
    upload.finish(DataObjectId(0), ObjectMeta { content_id: ContentId::of(BYTES), size })?;
    drop(store);
    let file = |n: u64, kind: &str| folder.join(format!("obj/{:02x}/{n}.{kind}", n % 256));
    for n in 1..objects {
        let data = file(n, "data");
        fs::create_dir_all(data.parent().context("a file is in a folder")?)?;
        fs::write(data, BYTES)?;
        fs::copy(file(0, "tree"), file(n, "tree"))?;
    }
    Ok(())
}
