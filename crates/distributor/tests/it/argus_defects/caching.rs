//! What is kept, and for how long.

use crate::{
    fake_directory::FakeDirectory,
    fake_source::{Behaviour, Sample},
    rig::{MIB, Rig},
    steps::{files_below, png, watched},
};
use argosy_distributor::config::{Endpoints, Limits, Proxy, Scrub};
use argosy_node::config::{DirectoryUrls, Size};
use std::{os::unix::fs::FileExt as _, path::Path, time::SystemTime};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_02_one_object_larger_than_the_cache_empties_it_and_waits_for_ever() {
    let rig = Rig::with_limits(&[Behaviour::Honest], Limits::storage(4 << 20)).await;
    let mut kept = Vec::new();
    for seed in 0..3 {
        let sample = png(seed, MIB);
        kept.push((rig.put_and_fetch(&sample).await, sample));
    }
    let large = png(9, 9 * MIB);
    let id = rig.put(&large).await;
    for _ in 0..3 {
        watched("the large object", rig.assert_whole(id, &large, "miss")).await;
        rig.assert_part(id, &large, 8 * MIB, 8 * MIB + 99).await;
    }
    for (id, sample) in &kept {
        rig.assert_whole(*id, sample, "hit").await;
    }
    assert_eq!(rig.status().await["objectsInCache"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_03_a_crash_loses_what_was_cached_since_the_last_save() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let mut whole = Vec::new();
    for seed in 0..4 {
        let sample = png(seed, 200_000 + seed as usize);
        whole.push((rig.put_and_fetch(&sample).await, sample));
    }
    let half = png(9, 4 * MIB);
    let half_id = rig.put(&half).await;
    rig.assert_part(half_id, &half, 0, MIB - 1).await;
    rig.wait_until("the first megabyte on disk", |status| {
        status["storageUsed"].as_u64() >= Some(MIB as u64 + 4 * 200_000)
    })
    .await;
    let fetched = rig.groups_sent();
    rig.kill_and_start().await;
    rig.know().await;
    for (id, sample) in &whole {
        rig.assert_whole(*id, sample, "hit").await;
    }
    assert_eq!(rig.x_cache(half_id).await, "pending");
    rig.assert_part(half_id, &half, 0, MIB - 1).await;
    assert_eq!(rig.groups_sent(), fetched, "nothing is fetched again");
    rig.assert_whole(half_id, &half, "pending").await;
    assert_eq!(rig.groups_sent() - fetched, 3 * 64, "only what was missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_popular_before_a_kill_is_not_evicted_before_its_turn() {
    let mut rig = Rig::configured(&[Behaviour::Honest], |config| {
        config.limits = Limits::storage(4 << 20);
        // So that one machine can be many viewers: each counts once.
        config.public_api.trusted_proxies = vec![Proxy("127.0.0.1/32".parse().unwrap())];
    })
    .await;
    let popular = png(1, MIB);
    let id = rig.put_and_fetch(&popular).await;
    let mut last_use = SystemTime::now();
    for viewer in 1..8 {
        last_use = SystemTime::now();
        let answer = rig.get(id, &[("X-Forwarded-For", &format!("10.0.0.{viewer}"))]).await;
        assert_eq!((answer.status, answer.header("x-cache")), (200, "hit"));
    }
    let note = rig.config.directories.cache_state.join("cache.note");
    let written = || std::fs::metadata(&note).and_then(|meta| meta.modified()).ok();
    rig.wait_until("a note, long before the next regular one", |_| written() > Some(last_use)).await;
    rig.kill_and_start().await;
    rig.know().await;
    for seed in 100..106 {
        rig.put_and_fetch(&png(seed, MIB)).await;
        rig.wait_for_rest().await;
        assert_eq!(rig.x_cache(id).await, "hit", "after {seed}");
    }
    assert!(rig.status().await["storageUsed"].as_u64().unwrap() <= 4 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_04_a_torn_state_file_wipes_the_cache() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = png(1, 300_000);
    let id = rig.put_and_fetch(&sample).await;
    rig.stop().await;
    let notes = rig.config.directories.cache_state.clone();
    let files = files_below(&notes);
    assert!(!files.is_empty());
    for file in files {
        let right = std::fs::read(&file).unwrap();
        let mut wrong = right.clone();
        wrong.iter_mut().for_each(|byte| *byte ^= 0x55);
        for damage in [&right[..right.len() / 2], &[], &wrong] {
            std::fs::write(&file, damage).unwrap();
            if let Err(refusal) = rig.try_start().await {
                // What cannot be done without is named, and nothing is touched meanwhile.
                let name = file.file_name().unwrap().to_str().unwrap();
                assert!(format!("{refusal} {refusal:?}").contains(name), "{name}: {refusal:?}");
                std::fs::write(&file, &right).unwrap();
                rig.start().await;
            }
            rig.know().await;
            rig.assert_whole(id, &sample, "hit").await;
            rig.stop().await;
        }
        std::fs::write(&file, &right).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_14_an_empty_answer_of_the_directory_deletes_the_cache() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = png(1, 300_000);
    let id = rig.put_and_fetch(&sample).await;
    let right = rig.config.endpoints.clone();
    rig.stop().await;
    // A directory that knows nothing yet, and a node that has forgotten.
    for file in files_below(&rig.config.directories.cache_state) {
        if file.to_string_lossy().contains("checkpoint") {
            std::fs::remove_file(file).unwrap();
        }
    }
    let unsynced = FakeDirectory::start().await;
    rig.config.endpoints = Endpoints::directory(DirectoryUrls::new(vec![unsynced.url.clone()]).unwrap());
    rig.start().await;
    rig.wait_until("the unsynced directory", |status| status["directory"]["connected"] == true).await;
    assert_eq!(rig.get(id, &[]).await.status, 404, "what is unknown is not served");
    assert_eq!(rig.data_files(), 1, "nor deleted");
    rig.stop().await;
    rig.config.endpoints = right;
    rig.start().await;
    rig.know().await;
    rig.assert_whole(id, &sample, "hit").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_24_one_seeking_viewer_pins_an_object_and_empty_ones_never_leave() {
    const ROUNDS: u64 = 100;
    let rig = Rig::with_limits(&[Behaviour::Honest], Limits::storage(4 << 20)).await;
    let empty = Sample::of(Vec::new());
    let empty_id = rig.put(&empty).await;
    rig.assert_is(empty_id, &empty).await;
    let sample = png(1, MIB);
    let pinned = rig.put_and_fetch(&sample).await;
    for start in 0..300 {
        rig.assert_part(pinned, &sample, start * 3_000, start * 3_000 + 99).await;
    }
    // Nobody comes back to it, and others are watched.
    let mut gone_after = None;
    for round in 0..ROUNDS {
        let other = png(100 + round, MIB / 2);
        let id = rig.put_and_fetch(&other).await;
        rig.assert_is(id, &other).await;
        if rig.x_cache(pinned).await == "miss" {
            gone_after = Some(round);
            break;
        }
    }
    println!("it went after {gone_after:?} other objects");
    assert!(gone_after.is_some(), "it is still here after {ROUNDS} others were watched");
    assert_eq!(rig.x_cache(empty_id).await, "miss", "what has no bytes takes no place");
    assert!(rig.status().await["storageUsed"].as_u64().unwrap() <= 4 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_31b_the_smallest_objects_are_never_dropped() {
    let rig = Rig::with_limits(&[Behaviour::Honest], Limits::storage(128 << 10)).await;
    for seed in 0..64 {
        let sample = png(seed, 8 << 10);
        let id = rig.put(&sample).await;
        rig.assert_is(id, &sample).await;
        rig.wait_for_rest().await;
        let used = rig.status().await["storageUsed"].as_u64().unwrap();
        assert!(used <= 128 << 10, "{used} bytes after {seed} objects");
    }
    assert!(rig.data_files() <= 16);
}

fn flip_byte(path: &Path, at: u64) {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x40], at).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_29_rot_on_disk_is_never_found() {
    let off = Scrub { bytes_per_second: Size(0) };
    let mut rig = Rig::configured(&[Behaviour::Honest], |config| config.scrub = off).await;
    let samples = [png(1, 3 * MIB), png(2, 100_000), png(3, MIB + 1)];
    for sample in &samples {
        rig.put_and_fetch(sample).await;
    }
    assert_eq!(rig.status().await["scrub"]["doing"], "off");
    rig.stop().await;
    let data: Vec<_> = files_below(&rig.config.directories.assets)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "data"))
        .collect();
    assert_eq!(data.len(), 3);
    let mut before: Vec<Vec<u8>> = data.iter().map(|path| std::fs::read(path).unwrap()).collect();
    flip_byte(&data[0], 50_000);
    flip_byte(&data[2], 99_000);
    let fetched = rig.groups_sent();
    rig.config.scrub = Scrub { bytes_per_second: Size(1 << 40) };
    rig.start().await;
    // Nobody reads, and it is found and mended all the same.
    let is_over = |scrub: &serde_json::Value| scrub["doing"] == "waiting" && scrub["repairedCount"] == 2;
    rig.wait_until("the end of the scrub", |status| is_over(&status["scrub"])).await;
    let scrub = rig.status().await["scrub"].clone();
    assert_eq!((&scrub["damagedCount"], &scrub["waitingCount"]), (&2.into(), &0.into()), "{scrub}");
    assert_eq!(rig.groups_sent() - fetched, 2, "the damaged groups and no others");
    let mut after: Vec<Vec<u8>> = files_below(&rig.config.directories.assets)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "data"))
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    before.sort();
    after.sort();
    assert!(before == after, "the files are as they were");
    for (id, sample) in (0..).zip(&samples) {
        rig.assert_whole(id, sample, "hit").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_that_is_found_while_the_sources_are_away_is_mended_when_they_are_back() {
    let off = Scrub { bytes_per_second: Size(0) };
    let mut rig = Rig::configured(&[Behaviour::Honest], |config| config.scrub = off).await;
    let sample = png(1, 3 * MIB);
    let id = rig.put_and_fetch(&sample).await;
    rig.stop().await;
    flip_byte(&rig.only_file(".data"), 50_000);
    rig.sources[0].behave(Behaviour::Absent);
    rig.config.scrub = Scrub { bytes_per_second: Size(1 << 40) };
    rig.start().await;
    rig.wait_until("a first attempt", |status| !status["scrub"]["lastFailure"].is_null()).await;
    let scrub = rig.status().await["scrub"].clone();
    assert_eq!((&scrub["waitingCount"], &scrub["repairedCount"]), (&1.into(), &0.into()), "{scrub}");
    let waiting = |text: &str| crate::watching::number(text, "argosy_distributor_scrub_waiting");
    assert_eq!(waiting(&crate::watching::metrics(&rig).await), 1.0);
    rig.sources[0].behave(Behaviour::Honest);
    rig.wait_until("the repair", |status| status["scrub"]["repairedCount"] == 1).await;
    rig.wait_until("nothing more", |status| status["scrub"]["waitingCount"] == 0).await;
    rig.assert_whole(id, &sample, "hit").await;
    assert_eq!(waiting(&crate::watching::metrics(&rig).await), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_that_waits_for_its_sources_is_mended_after_a_restart() {
    let off = Scrub { bytes_per_second: Size(0) };
    let mut rig = Rig::configured(&[Behaviour::Honest], |config| config.scrub = off).await;
    let sample = png(1, 3 * MIB);
    let id = rig.put_and_fetch(&sample).await;
    rig.stop().await;
    let right = std::fs::read(rig.only_file(".data")).unwrap();
    flip_byte(&rig.only_file(".data"), 50_000);
    rig.sources[0].behave(Behaviour::Absent);
    rig.config.scrub = Scrub { bytes_per_second: Size(1 << 40) };
    rig.start().await;
    rig.wait_until("a first attempt", |status| !status["scrub"]["lastFailure"].is_null()).await;
    let fetched = rig.groups_sent();
    rig.kill_and_start().await;
    rig.know().await;
    rig.wait_until("it is known again", |status| status["scrub"]["waitingCount"] == 1).await;
    assert_eq!(rig.x_cache(id).await, "pending", "what is damaged is not held");
    rig.sources[0].behave(Behaviour::Honest);
    // Nobody reads, and no pass is due.
    rig.wait_until("the repair", |status| status["scrub"]["repairedCount"] == 1).await;
    assert_eq!(rig.groups_sent() - fetched, 1, "the damaged group and no other");
    assert!(std::fs::read(rig.only_file(".data")).unwrap() == right);
    rig.assert_whole(id, &sample, "hit").await;
    rig.kill_and_start().await;
    rig.know().await;
    rig.wait_until("what is whole waits no more", |status| status["scrub"]["waitingCount"] == 0).await;
    rig.assert_whole(id, &sample, "hit").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrub_goes_on_after_a_restart_where_it_was() {
    // A window takes half a second, so that the end is far.
    let slow = Scrub { bytes_per_second: Size(2 << 20) };
    let mut rig =
        Rig::configured(&[Behaviour::Honest], |config| config.scrub.bytes_per_second = Size(0)).await;
    let sample = Sample::random(1, 32 * MIB);
    rig.put_and_fetch(&sample).await;
    rig.stop().await;
    rig.config.scrub = slow;
    rig.start().await;
    rig.wait_until("some progress", |status| status["scrub"]["provedBytes"].as_u64() >= Some(1)).await;
    rig.stop().await;
    let kept: serde_json::Value = serde_json::from_slice(
        &std::fs::read(rig.config.directories.cache_state.join("scrub.json")).unwrap(),
    )
    .unwrap();
    let proved = kept["provedBytes"].as_u64().unwrap();
    assert!(proved > 0 && proved < sample.size(), "{kept}");
    rig.start().await;
    rig.wait_until("the same pass", |status| status["scrub"]["beganMs"] == kept["beganMs"]).await;
    rig.wait_until("more of it", |status| status["scrub"]["provedBytes"].as_u64() > Some(proved)).await;
}
