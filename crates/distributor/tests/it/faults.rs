//! Faults of the distributor's catalogue, F-E2 to F-E7 (F-E1: `argus_defects/caching.rs`, defects 3 and 4).
//!
//! Source: `spec/reliability.md` 2.4. No request of these tests may go for 30 s without an answer.

use crate::{
    fake_source::{Behaviour, FakeSource, Sample},
    rig::{MIB, Rig, patient},
    steps::{png, watched},
};
use argosy_content::GroupRange;
use argosy_distributor::config::Limits;
use argosy_node::config::Size;
use std::sync::Arc;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, runtime::Handle, task::JoinSet};

const GROUP: usize = 16 * 1024;

/// F-E2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_in_the_middle_of_a_fill_costs_only_what_was_missing() {
    let mut rig = Rig::patient(&[Behaviour::Honest]).await;
    let sample = png(1, 8 * MIB);
    let id = rig.put(&sample).await;
    rig.sources[0].hold_back_all_but(id, &[GroupRange::new(0, 200)]);
    let mut reading = rig.begin(id, &[]).await;
    watched("the first groups", reading.until(200 * GROUP)).await;
    rig.wait_until("them on disk", |status| status["storageUsed"].as_u64() >= Some(200 * GROUP as u64)).await;
    let fetched = rig.groups_sent();
    rig.kill_and_start().await;
    rig.know().await;
    drop(reading);
    rig.sources[0].let_go(id);
    rig.assert_whole(id, &sample, "pending").await;
    assert_eq!(rig.groups_sent() - fetched, 512 - 200, "no verified group is fetched again");
    rig.wait_for_hit(id).await;
}

/// F-E3: the cache is full of objects in use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_for_which_there_is_no_room_goes_through() {
    let rig = Rig::with_limits(&[Behaviour::Honest], patient(2 << 20)).await;
    let mut readings = Vec::new();
    let mut used = Vec::new();
    for seed in 0..2 {
        let sample = Sample::random(seed, MIB);
        let id = rig.put(&sample).await;
        rig.sources[0].hold_back_all_but(id, &[GroupRange::new(0, 60)]);
        let mut reading = rig.begin(id, &[]).await;
        watched("most of it", reading.until(60 * GROUP)).await;
        readings.push(reading);
        used.push((id, sample));
    }
    rig.wait_until("a full cache", |status| status["storageUsed"].as_u64() >= Some(120 * GROUP as u64)).await;
    for seed in 10..13 {
        let sample = Sample::random(seed, MIB);
        let id = rig.put(&sample).await;
        let answer = watched("an object without room", rig.get(id, &[])).await;
        assert!(answer.status == 200 && answer.body == sample.bytes, "{}", answer.head());
        let bytes = rig.status().await["storageUsed"].as_u64().unwrap();
        assert!(bytes <= 2 << 20, "{bytes}");
    }
    for (reading, (id, sample)) in readings.into_iter().zip(used) {
        rig.sources[0].let_go(id);
        assert!(watched("the rest", reading.end()).await.body == sample.bytes);
    }
}

/// F-E3: the limit is lowered below what is there; then raised to let larger objects through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lowered_limit_is_kept_and_everything_is_still_answered() {
    let mut rig = Rig::with_limits(&[Behaviour::Honest], Limits::storage(8 << 20)).await;
    let mut all = Vec::new();
    for seed in 0..4 {
        let sample = png(seed, MIB + seed as usize);
        all.push((rig.put_and_fetch(&sample).await, sample));
    }
    rig.stop().await;
    rig.config.limits.storage = Size(2 * MIB as u64 + MIB as u64 / 2);
    watched("a start", rig.start()).await;
    rig.know().await;
    for (id, sample) in &all {
        assert!(rig.status().await["storageUsed"].as_u64().unwrap() <= rig.config.limits.storage.0);
        assert!(watched("an object", rig.get(*id, &[])).await.body == sample.bytes);
    }
    rig.stop().await;
    rig.config.limits.storage = Size(MIB as u64 / 2);
    watched("a start", rig.start()).await;
    rig.know().await;
    for (id, sample) in &all {
        assert!(watched("an object larger than the cache", rig.get(*id, &[])).await.body == sample.bytes);
    }
    assert!(rig.status().await["storageUsed"].as_u64().unwrap() <= MIB as u64 / 2);
}

/// F-E4.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_falls_silent_is_left_for_another() {
    let rig = Rig::new(&[Behaviour::Honest, Behaviour::Honest, Behaviour::Honest]).await;
    for (seed, silent) in (0..).zip([[0, 1], [1, 2], [0, 2]]) {
        let sample = png(seed, 2 * MIB);
        let id = rig.put(&sample).await;
        // Two of three say a little and then nothing.
        for source in silent {
            rig.sources[source].hold_back_all_but(id, &[GroupRange::new(0, 3)]);
        }
        let answer = watched("an object", rig.get(id, &[])).await;
        assert!(answer.status == 200 && answer.body == sample.bytes, "{}", answer.head());
    }
}

/// F-E4: with one source there is nobody else; the stream goes on without a gap when it speaks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_on_without_a_gap_when_its_only_source_does() {
    let rig = Rig::patient(&[Behaviour::Honest]).await;
    let sample = png(1, 2 * MIB);
    let id = rig.put(&sample).await;
    rig.sources[0].hold_back_all_but(id, &[GroupRange::new(0, 3)]);
    let mut reading = rig.begin(id, &[]).await;
    for until in [3, 10, 70, 100] {
        rig.sources[0].hold_back_all_but(id, &[GroupRange::new(0, until)]);
        let count = until as usize * GROUP;
        assert!(watched("more of it", reading.until(count)).await[..count] == sample.bytes[..count]);
    }
    rig.sources[0].let_go(id);
    assert!(watched("the rest", reading.end()).await.body == sample.bytes);
}

/// F-E5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_deleted_while_it_is_served_ends_clean() {
    let rig = Rig::patient(&[Behaviour::Honest]).await;
    let cold = png(1, 4 * MIB);
    let cold_id = rig.put(&cold).await;
    rig.sources[0].hold_back_all_but(cold_id, &[GroupRange::new(0, 70)]);
    let mut reading = rig.begin(cold_id, &[]).await;
    watched("a part", reading.until(70 * GROUP)).await;
    let warm = png(2, 16 * MIB);
    let warm_id = rig.put_and_fetch(&warm).await;
    let mut sending = rig.begin(warm_id, &[]).await;
    sending.until(GROUP).await;

    rig.delete(cold_id).await;
    rig.delete(warm_id).await;
    for id in [cold_id, warm_id] {
        assert_eq!(rig.get(id, &[]).await.status, 404, "new answers stop at once");
        assert_eq!(rig.head(id, &[]).await.status, 404);
    }
    rig.sources[0].let_go(cold_id);
    let cut = watched("the end of a fill", reading.end()).await;
    assert!(cold.bytes.starts_with(&cut.body), "what came is right");
    let whole = watched("a hit", sending.end()).await;
    assert!(warm.bytes.starts_with(&whole.body), "what came is right");
    rig.wait_until("an empty cache", |status| {
        status["storageUsed"] == 0 && status["downloadsInProgress"] == 0
    })
    .await;
    assert_eq!(rig.data_files(), 0);
}

/// F-E6.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_go_away_leave_nothing_behind() {
    let rig = Rig::patient(&[Behaviour::Honest]).await;
    let film = Sample::random(1, 32 * MIB);
    rig.put_and_fetch(&png(2, 300_000)).await;
    let id = rig.put(&film).await;
    rig.wait_for_rest().await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let baseline = tasks();
    rig.sources[0].hold_back_all_but(id, &[GroupRange::new(0, 20)]);
    let mut gone = Vec::new();
    for round in 0..30 {
        let mut reading = rig.begin(id, &[("Range", &format!("bytes={}-", round * 1_000))]).await;
        reading.until(1_000).await;
        gone.push(reading);
    }
    assert!(tasks() >= baseline + 30);
    // Ten hang up, ten had closed their side, ten never said what they want.
    let mut half = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(rig.endpoint()).await.unwrap();
        let request = format!("GET /api/v1/assets/{id} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        half.push(stream);
        let mut stream = TcpStream::connect(rig.endpoint()).await.unwrap();
        stream.write_all(b"GET /api/v1/ass").await.unwrap();
        half.push(stream);
    }
    drop((gone, half));
    // Who has closed both sides looks like one who has closed his: the node sees the difference when it sends,
    // and a source that says nothing more would let it wait for as long as its readers are patient.
    rig.sources[0].hold_back_all_but(id, &[GroupRange::new(0, 60)]);
    rig.wait_for("the number of tasks before", async || tasks() <= baseline).await;
    rig.wait_for_rest().await;
    let asked = rig.sources[0].groups_asked(id, GroupRange::whole(film.size()));
    assert!(asked < 1024, "{asked} groups of 2048 were asked for though everybody left");
}

/// F-E7.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_all_storage_nodes_down_hits_go_on_and_misses_are_told_to_come_back() {
    const MISSES: u64 = 40;
    let rig = Arc::new(Rig::new(&[Behaviour::Honest, Behaviour::Honest]).await);
    let known = png(1, 300_000);
    let hit = rig.put_and_fetch(&known).await;
    let mut misses = Vec::new();
    for seed in 10..10 + MISSES {
        let sample = Sample::random(seed, 100_000);
        misses.push((rig.put(&sample).await, sample));
    }
    rig.sources.iter().for_each(FakeSource::kill);
    let mut asking = JoinSet::new();
    for (id, _) in &misses {
        let (asked, id) = (Arc::clone(&rig), *id);
        asking.spawn(async move {
            let answer = watched("a refusal", asked.get(id, &[])).await;
            assert!([500, 503].contains(&answer.status), "{}", answer.head());
            assert_eq!(answer.header("cache-control"), "no-store");
            if answer.status == 503 {
                assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{}", answer.head());
            }
        });
        rig.assert_whole(hit, &known, "hit").await;
    }
    while let Some(done) = asking.join_next().await {
        done.unwrap();
    }
    rig.sources.iter().for_each(FakeSource::revive);
    // All at once; sources that have failed may have to rest first.
    for (id, _) in &misses {
        let (asked, id) = (Arc::clone(&rig), *id);
        asking.spawn(async move {
            watched("an answer", asked.get(id, &[])).await;
        });
    }
    while let Some(done) = asking.join_next().await {
        done.unwrap();
    }
    for (id, sample) in &misses {
        rig.wait_for("an object", async || rig.get(*id, &[]).await.body == sample.bytes).await;
    }
    rig.wait_until("all objects", |status| status["objectsInCache"] == 1 + MISSES).await;
}
