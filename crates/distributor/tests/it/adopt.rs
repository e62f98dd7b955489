//! A distributor that takes over the files of Argus.

use crate::{
    fake_source::{Behaviour, Sample},
    rig::{MIB, Rig},
};
use argosy_distributor::adopt::{AdoptOptions, AdoptReport, AdoptWatch, LeftBecause, adopt};
use argosy_http::Shutdown;
use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

#[derive(Default)]
struct Count {
    planned: AtomicU64,
    hashed: AtomicU64,
}

impl AdoptWatch for Count {
    fn planned(&self, _files: u64, bytes: u64) {
        self.planned.store(bytes, Relaxed);
    }

    fn hashed(&self, bytes: u64) {
        self.hashed.fetch_add(bytes, Relaxed);
    }
}

async fn run(rig: &Rig, options: AdoptOptions) -> AdoptReport {
    let watch = Arc::new(Count::default());
    let report =
        adopt(rig.config.clone(), options, Arc::<Count>::clone(&watch), Shutdown::new()).await.unwrap();
    assert_eq!(watch.planned.load(Relaxed), watch.hashed.load(Relaxed));
    report
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_right_becomes_a_hit_and_the_rest_is_left_and_told() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let samples: Vec<Arc<Sample>> = [(1, 3 * MIB + 7), (2, 1000), (3, 5000), (4, 5000), (5, 6000)]
        .map(|(seed, size)| Sample::random(seed, size))
        .into();
    let mut ids = Vec::new();
    for sample in &samples {
        ids.push(rig.put(sample).await);
    }
    let theirs = rig.put_elsewhere(&samples[1]).await;
    let gone = rig.put(&samples[1]).await;
    rig.delete(gone).await;
    let pending = rig.declare_only(&samples[1]).await;
    rig.stop().await;

    // The folder as Argus leaves it: nothing of ours in it.
    let argus = rig.config.directories.assets.with_file_name("argus");
    fs::create_dir(&argus).unwrap();
    rig.config.directories.assets = argus.clone();
    let put = |id: u64, bytes: &[u8]| fs::write(argus.join(id.to_string()), bytes).unwrap();
    put(ids[0], &samples[0].bytes);
    put(ids[1], &samples[1].bytes);
    put(ids[2], &samples[2].bytes[..4000]);
    put(ids[3], &samples[2].bytes);
    put(ids[4], &[&samples[4].bytes[..], b"!"].concat());
    for id in [theirs, gone, pending, 77] {
        put(id, &samples[1].bytes);
    }
    fs::write(argus.join("notes.txt"), "mine").unwrap();
    fs::write(argus.join("007"), "no id").unwrap();
    std::os::unix::fs::symlink(argus.join("notes.txt"), argus.join("78")).unwrap();
    let cache_json = format!(
        r#"{{"lruCacheGroups":[[["{}",{{"popularity":9,"lastAccessTime":1,"sizeKB":1}}],["77",{{"popularity":4,"lastAccessTime":1,"sizeKB":1}}]]],"mimeTypeByObjectId":[]}}"#,
        ids[1]
    );
    fs::write(rig.config.directories.cache_state.join("cache.json"), cache_json).unwrap();
    let before = names(&argus);

    let trial = run(&rig, AdoptOptions { dry_run: true, ..AdoptOptions::default() }).await;
    assert_eq!((trial.adopted, trial.popular), (2, 1));
    assert_eq!(names(&argus), before);
    let report = run(&rig, AdoptOptions::default()).await;
    assert_eq!((report.adopted, report.adopted_bytes), (2, samples[0].size() + 1000));
    assert_eq!((report.popular, report.cache_bytes), (1, report.adopted_bytes));
    assert_eq!(report.left, trial.left);
    let reasons = |name: &str| report.left.iter().find(|left| left.name == name).map(|left| left.reason);
    for (name, reason) in [
        (ids[2].to_string(), LeftBecause::Partial),
        (ids[3].to_string(), LeftBecause::WrongContent),
        (ids[4].to_string(), LeftBecause::TooLong),
        (theirs.to_string(), LeftBecause::NotOurs),
        (gone.to_string(), LeftBecause::Deleted),
        (pending.to_string(), LeftBecause::NotAccepted),
        ("77".to_owned(), LeftBecause::Unknown),
        ("78".to_owned(), LeftBecause::NotAnObject),
        ("007".to_owned(), LeftBecause::NotAnObject),
        ("notes.txt".to_owned(), LeftBecause::NotAnObject),
    ] {
        assert_eq!(reasons(&name), Some(reason), "{name}");
        assert!(argus.join(&name).symlink_metadata().is_ok(), "{name} is where it was");
    }
    assert_eq!(report.left.len(), 10);
    let again = run(&rig, AdoptOptions::default()).await;
    assert_eq!((again.adopted, again.left), (0, report.left));

    rig.start().await;
    rig.know().await;
    for (id, sample) in ids.iter().zip(&samples).take(2) {
        rig.assert_whole(*id, sample, "hit").await;
    }
    assert_eq!(rig.groups_sent(), 0);
    let popular = crate::browser::ask(rig.endpoint(), "GET", "/api/v1/popular", &[]).await.json();
    assert_eq!(popular["objects"][0]["id"], ids[1].to_string());
    assert!(popular["objects"][0]["count"].as_u64() >= Some(9), "{popular}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_is_continued_and_a_running_node_is_left_alone() {
    struct StopAfter(u64, AtomicU64, Shutdown);
    impl AdoptWatch for StopAfter {
        fn planned(&self, _files: u64, _bytes: u64) {}
        fn hashed(&self, bytes: u64) {
            if self.1.fetch_add(bytes, Relaxed) + bytes >= self.0 {
                self.2.trigger();
            }
        }
    }
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let mut ids = Vec::new();
    for seed in 0..20 {
        ids.push((rig.put(&Sample::random(seed, MIB)).await, seed));
    }
    let refused =
        adopt(rig.config.clone(), AdoptOptions::default(), Arc::new(Count::default()), Shutdown::new()).await;
    assert!(refused.unwrap_err().to_string().contains("must be stopped"));
    rig.stop().await;
    // Another folder of the same disk, and objects of which something is here already.
    let from = rig.config.directories.assets.with_file_name("elsewhere");
    fs::create_dir(&from).unwrap();
    for (id, seed) in &ids {
        fs::write(from.join(id.to_string()), &Sample::random(*seed, MIB).bytes).unwrap();
    }
    let options = AdoptOptions { from: Some(from.clone()), ..AdoptOptions::default() };
    let stop = Shutdown::new();
    let watch = Arc::new(StopAfter(5 * MIB as u64, AtomicU64::new(0), stop.clone()));
    let first = adopt(rig.config.clone(), options.clone(), watch, stop).await.unwrap();
    assert!(first.interrupted && first.left.is_empty() && first.adopted < 20, "{first:?}");
    assert_eq!(names(&from).len() as u64, 20 - first.adopted);
    let second = run(&rig, options).await;
    assert_eq!((first.adopted + second.adopted, second.left.len(), names(&from).len()), (20, 0, 0));
    rig.start().await;
    rig.know().await;
    rig.assert_whole(ids[19].0, &Sample::random(19, MIB), "hit").await;
    assert_eq!(rig.groups_sent(), 0);
}
