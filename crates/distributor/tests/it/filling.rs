//! What is fetched for whom, from whom, and what users are told when nobody can be reached.

use crate::{
    browser,
    fake_source::{Behaviour, Sample},
    rig::{MIB, Rig},
};
use argosy_distributor::config::Limits;
use argosy_keys::KeySource;
use std::{num::NonZeroU32, sync::Arc, time::Duration};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_of_a_cold_object_fetches_at_most_a_mebibyte_more() {
    let rig = Rig::new(&[Behaviour::Honest, Behaviour::Honest]).await;
    let seed = 0x5eed_0200;
    println!("seed {seed:#x}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut cases = Vec::new();
    for case in 0..30 {
        let sample = Sample::random(case, rng.usize(1..3 * MIB));
        let id = rig.put(&sample).await;
        let start = if case % 4 == 0 { 0 } else { rng.u64(..sample.size()) };
        let last = if case % 3 == 0 { start } else { rng.u64(start..sample.size()) };
        let answer = rig.get(id, &[("Range", &format!("bytes={start}-{last}"))]).await;
        assert!(answer.body == sample.bytes[start as usize..=last as usize]);
        cases.push((id, sample.size(), start, last));
    }
    // What goes on after the reader has gone counts, too.
    rig.wait_until("the end of the fills", |status| status["downloadsInProgress"] == 0).await;
    for (id, size, start, last) in cases {
        let fetched: u64 = rig.sources.iter().map(|source| source.bytes_sent_of(id)).sum();
        let served = last - start + 1;
        // Pairs over all groups once, and the paths to each window that was asked for.
        let proof = size / 256 + (served / MIB as u64 + 4) * 64 * 12;
        let bound = served + MIB as u64 + proof;
        assert!(fetched <= bound, "bytes={start}-{last} of {size}: {fetched}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_nodes_ask_for_takes_no_room_from_what_viewers_want() {
    let rig = Rig::with_limits(&[Behaviour::Honest], Limits::storage(3 << 20)).await;
    let (wanted, others) = (Sample::random(1, 2 * MIB), Sample::random(2, 2 * MIB));
    let (wanted_id, other_id) = (rig.put(&wanted).await, rig.put(&others).await);
    rig.assert_whole(wanted_id, &wanted, "miss").await;
    rig.wait_until("the object", |status| status["objectsInCache"] == 1).await;
    for number in 0..50 {
        for (id, status) in [(wanted_id, 200), (other_id, 404)] {
            let path = format!("/api/v1/objects/{id}/slices?held=1&from={number}&to={}", number + 1);
            assert_eq!(browser::ask(rig.endpoint(), "GET", &path, &[]).await.status, status);
        }
        let path = format!("/api/v1/objects/{other_id}/slices?held=1");
        assert_eq!(browser::ask(rig.endpoint(), "HEAD", &path, &[]).await.status, 404);
    }
    assert_eq!(rig.head(other_id, &[]).await.header("x-cache"), "miss", "nothing of it has come");
    rig.assert_whole(wanted_id, &wanted, "hit").await;
    let text = crate::watching::metrics(&rig).await;
    assert_eq!(crate::watching::number(&text, "argosy_distributor_evicted_objects_total"), 0.0);
    let popular = browser::ask(rig.endpoint(), "GET", "/api/v1/popular", &[]).await.json();
    let objects = popular["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 1, "{popular}");
    assert_eq!((&objects[0]["id"], &objects[0]["count"]), (&wanted_id.to_string().into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_distributor_helps_another_with_what_it_holds_and_fetches_nothing_for_it() {
    let key = KeySource::sr25519("//Distributor0");
    let rig = Rig::configured(&[Behaviour::Honest], |config| config.keys = vec![key]).await;
    let second = rig.second().await;
    let (whole, part, cold) =
        (Sample::random(1, 3 * MIB + 7), Sample::random(2, 4 * MIB), Sample::random(3, MIB));
    let mut ids = Vec::new();
    for sample in [&whole, &part, &cold] {
        ids.push(rig.put(sample).await);
    }
    rig.assert_whole(ids[0], &whole, "miss").await;
    assert!(rig.get(ids[1], &[("Range", "bytes=0-1048575")]).await.body == part.bytes[..MIB]);
    rig.wait_until("the end of the fills", |status| status["downloadsInProgress"] == 0).await;
    let path = |id: u64, query: &str| format!("/api/v1/objects/{id}/slices?{query}");
    let held = async |id: u64| browser::ask(rig.endpoint(), "HEAD", &path(id, "held=1"), &[]).await;
    assert_eq!(held(ids[0]).await.header("argosy-held"), "0-193");
    assert_eq!(held(ids[1]).await.header("argosy-held"), "0-64");
    assert_eq!(held(ids[2]).await.status, 404);
    let before = rig.bytes_sent();
    for (id, query, status) in [
        (ids[0], "held=1&from=0&to=193", 200),
        (ids[1], "from=0&to=64&held=1", 200),
        (ids[1], "from=0&to=65&held=1", 404),
        (ids[2], "from=0&to=1&held=1", 404),
    ] {
        let answer = browser::ask(rig.endpoint(), "GET", &path(id, query), &[]).await;
        assert_eq!(answer.status, status, "{query}");
        assert!(status == 200 || answer.json()["code"] == "NOT_HELD");
    }
    assert_eq!(rig.bytes_sent(), before, "nothing was fetched for that");
    // What viewers want is the one viewer of each; the object that only others asked for is unknown.
    let popular = browser::ask(rig.endpoint(), "GET", "/api/v1/popular", &[]).await.json();
    let counts: Vec<_> = popular["objects"].as_array().unwrap().iter().map(|one| &one["count"]).collect();
    assert_eq!(counts, [1, 1], "{popular}");
    assert!(!popular.to_string().contains(&format!("\"id\":\"{}\"", ids[2])), "{popular}");

    // All storage nodes are gone: the second lives on what the first holds.
    rig.sources.iter().for_each(|source| source.kill());
    let asset = |id: u64| format!("/api/v1/assets/{id}");
    let answer = second.ask("GET", &asset(ids[0])).await;
    assert!(answer.status == 200 && answer.body == whole.bytes, "{}", answer.head());
    let range = [("Range", "bytes=100000-999999")];
    let answer = browser::ask(second.endpoint(), "GET", &asset(ids[1]), &range).await;
    assert!(answer.status == 206 && answer.body == part.bytes[100_000..1_000_000], "{}", answer.head());
    let answer = second.ask("GET", &asset(ids[2])).await;
    assert_eq!(answer.status, 503, "{}", answer.head());
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_an_outage_hits_are_served_and_misses_told_to_come_again() {
    let rig = Rig::new(&[Behaviour::Honest, Behaviour::Honest]).await;
    let (warm, cold) = (Sample::random(1, 300_000), Sample::random(2, 300_000));
    let (warm_id, cold_id) = (rig.put(&warm).await, rig.put(&cold).await);
    rig.assert_whole(warm_id, &warm, "miss").await;
    rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
    rig.sources.iter().for_each(|source| source.kill());
    let answer = rig.get(cold_id, &[]).await;
    assert_eq!(answer.status, 503);
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=15).contains(&seconds), "{seconds}");
    assert_eq!(answer.json()["type"], "exception");
    rig.assert_whole(warm_id, &warm, "hit").await;
    rig.sources.iter().for_each(|source| source.revive());
    rig.wait_for("the storage nodes", async || rig.get(cold_id, &[]).await.body == cold.bytes).await;
    // That nobody has it is another matter.
    let rig = Rig::new(&[Behaviour::Absent, Behaviour::Absent]).await;
    let id = rig.put(&Sample::random(3, 1_000)).await;
    let answer = rig.get(id, &[]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (500, ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limits_of_argus_on_connections_hold() {
    let limits = Limits {
        max_concurrent_storage_node_downloads: NonZeroU32::new(3),
        max_concurrent_outbound_connections: NonZeroU32::new(2),
        outbound_requests_timeout_ms: Some(5_000),
        pending_download_timeout_sec: Some(60),
        ..Limits::storage(1 << 30)
    };
    let rig = Arc::new(Rig::with_limits(&[Behaviour::Honest; 3], limits).await);
    rig.sources.iter().for_each(|source| source.delay(Duration::from_millis(3)));
    let mut readers = tokio::task::JoinSet::new();
    for seed in 0..12 {
        let sample = Sample::random(seed, 2 * MIB);
        let id = rig.put(&sample).await;
        let rig = Arc::clone(&rig);
        readers.spawn(async move { rig.assert_whole(id, &sample, "miss").await });
    }
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
    for source in &rig.sources {
        assert!(source.most_answers_at_once() <= 2, "{}", source.most_answers_at_once());
    }
}
