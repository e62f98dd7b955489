//! That objects are here before anybody asks for them, and that nothing else is.

use crate::{
    browser,
    fake_source::{Behaviour, Sample},
    rig::{MIB, Rig, proof_of},
};
use argosy_distributor::config::{Limits, Prefetch};
use argosy_domain::{WorkerId, WorkingGroup};
use argosy_node::config::Size;
use std::{num::NonZeroU32, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

impl Rig {
    /// The same node with another policy.
    async fn prefetching(mut self, prefetch: Prefetch) -> Self {
        self.stop().await;
        self.config.prefetch = prefetch;
        self.start().await;
        self.wait_until("the present", |status| status["warmUp"]["state"] == "done").await;
        self
    }

    async fn wait_for_cache(&self, id: u64, state: &str) {
        self.wait_for(&format!("{state} of {id}"), async || self.x_cache(id).await == state).await;
    }
}

fn one_at_a_time() -> Prefetch {
    Prefetch { concurrent: NonZeroU32::MIN, ..Prefetch::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_objects_come_by_themselves_large_ones_in_part() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let prefetch =
        Prefetch { full_below: Size(1 << 20), head_bytes: Size(256 * 1024), ..Prefetch::default() };
    let rig = rig.prefetching(prefetch).await;
    let (small, large) = (Sample::random(1, MIB - 1), Sample::random(2, 3 * MIB));
    let (small_id, large_id) = (rig.put(&small).await, rig.put(&large).await);
    rig.wait_for_cache(small_id, "hit").await;
    rig.wait_for_cache(large_id, "pending").await;
    rig.wait_until("the start", |status| status["bytesFetched"] == MIB - 1 + 256 * 1024).await;
    rig.assert_whole(small_id, &small, "hit").await;
    rig.assert_whole(large_id, &large, "pending").await;
    assert_eq!(rig.groups_sent(), 64 + 3 * 64, "each group once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_policy_nothing_comes() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let id = rig.put(&Sample::random(1, 1000)).await;
    assert_eq!(rig.status().await["warmUp"]["state"], "off");
    assert_eq!(rig.head(id, &[]).await.header("x-cache"), "miss");
    assert_eq!(rig.groups_sent(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_late_is_asked_again() {
    let rig = Rig::new(&[Behaviour::Absent]).await.prefetching(Prefetch::default()).await;
    let sample = Sample::random(1, 100_000);
    let id = rig.put(&sample).await;
    rig.wait_until("a first attempt", |_| !rig.sources[0].asked().is_empty()).await;
    assert_ne!(rig.head(id, &[]).await.header("x-cache"), "hit");
    rig.sources[0].behave(Behaviour::Honest);
    rig.wait_for_cache(id, "hit").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_and_foreign_objects_are_not_fetched() {
    let rig = Rig::new(&[Behaviour::Absent]).await.prefetching(Prefetch::default()).await;
    let sample = Sample::random(1, 1000);
    rig.put_elsewhere(&sample).await;
    let id = rig.put(&sample).await;
    rig.delete(id).await;
    // What was under way when the block came is over.
    rig.wait_until("rest", |status| status["downloadsInProgress"] == 0).await;
    let asked = rig.sources[0].asked().len();
    rig.sources[0].behave(Behaviour::Honest);
    let last = rig.put(&Sample::random(2, 1000)).await;
    rig.wait_for_cache(last, "hit").await;
    let of_others = |rig: &Rig| rig.sources[0].asked().iter().filter(|(asked, _)| *asked != last).count();
    assert_eq!(of_others(&rig), asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_cache_is_not_turned_over_for_what_nobody_asks_for() {
    let limits = Limits::storage(3 * 1024 * 1024);
    let rig = Rig::with_limits(&[Behaviour::Honest], limits).await.prefetching(Prefetch::default()).await;
    let mut ids = Vec::new();
    for seed in 0..2 {
        ids.push(rig.put(&Sample::random(seed, MIB)).await);
        rig.wait_for_cache(ids[ids.len() - 1], "hit").await;
    }
    let third = rig.put(&Sample::random(3, 2 * MIB)).await;
    let small = rig.put(&Sample::random(4, 1000)).await;
    rig.wait_for_cache(small, "hit").await;
    assert_eq!(rig.head(third, &[]).await.header("x-cache"), "miss");
    for id in ids {
        assert_eq!(rig.head(id, &[]).await.header("x-cache"), "hit");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_node_fetches_what_it_is_to_deliver_and_goes_on_after_a_restart() {
    let mut rig = Rig::patient(&[Behaviour::Honest]).await;
    let mut ids = Vec::new();
    for seed in 0..30 {
        ids.push(rig.put(&Sample::random(seed, 20_000)).await);
    }
    // The newest come first, and no more than ten of them until the others are let go.
    for id in &ids[1..20] {
        rig.sources[0].hold_back_all_but(*id, &[]);
    }
    rig.stop().await;
    rig.config.prefetch = one_at_a_time();
    rig.start().await;
    rig.wait_until("some objects", |status| status["warmUp"]["done"].as_u64() >= Some(5)).await;
    let status = rig.status().await;
    assert_eq!((&status["warmUp"]["state"], &status["warmUp"]["total"]), (&"running".into(), &30.into()));
    // It answers meanwhile.
    rig.assert_whole(ids[0], &Sample::random(0, 20_000), "miss").await;
    rig.stop().await;
    for id in &ids[1..20] {
        rig.sources[0].let_go(*id);
    }
    rig.start().await;
    rig.wait_until("all objects", |status| status["warmUp"]["state"] == "done").await;
    let status = rig.status().await;
    assert_eq!(status["objectsCount"], 30);
    assert!(status["warmUp"]["total"].as_u64() < Some(26), "{status}");
    for id in ids {
        assert_eq!(rig.head(id, &[]).await.header("x-cache"), "hit");
    }
}

/// Another distributor that tells a list of ids and counts; ends with the test.
async fn peer(worker: u64, objects: &[(u64, u64)]) -> String {
    let proof = proof_of(WorkingGroup::Distribution, WorkerId(worker));
    let objects: Vec<String> =
        objects.iter().map(|(id, count)| format!(r#"{{"id":"{id}","count":{count}}}"#)).collect();
    let body = format!(r#"{{"objects":[{}]}}"#, objects.join(","));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let count = stream.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..count]);
            let challenge =
                request.strip_prefix("GET /api/v1/proof-of-role?").and_then(|it| it.split(' ').next());
            let (status, body) = match challenge {
                Some(query) => ("200 OK", proof(query)),
                None if request.starts_with("GET /api/v1/popular?limit=") => ("200 OK", body.clone()),
                None => ("404 Not Found", String::new()),
            };
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            let _gone = stream.write_all(answer.as_bytes()).await;
        }
    });
    endpoint
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_node_begins_with_what_is_popular_whatever_one_liar_says() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let samples: Vec<Arc<Sample>> = (0..10).map(|seed| Sample::random(seed, 1000)).collect();
    let mut ids = Vec::new();
    for sample in &samples {
        ids.push(rig.put(sample).await);
    }
    let honest = [(ids[3], 100), (ids[7], 50), (ids[5], 10)];
    let liar = [(ids[0], u64::MAX), (ids[1], u64::MAX / 2)];
    for (worker, told) in [(1, &honest[..]), (2, &honest[..]), (3, &liar[..])] {
        rig.add_peer(worker, &peer(worker, told).await);
    }
    rig.know().await;
    rig.stop().await;
    rig.config.prefetch = one_at_a_time();
    rig.start().await;
    rig.wait_until("all objects", |status| status["warmUp"]["state"] == "done").await;
    let asked: Vec<u64> = rig.sources[0].asked().into_iter().map(|(id, _)| id).collect();
    let newest_first = [9, 8, 6, 4, 2, 1, 0].map(|at: usize| ids[at]);
    assert_eq!(asked, [&[ids[3], ids[7], ids[5]][..], &newest_first[..]].concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_popular_is_told() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let (one, two) = (Sample::random(1, 1000), Sample::random(2, 1000));
    let (one_id, two_id) = (rig.put(&one).await, rig.put(&two).await);
    rig.assert_whole(one_id, &one, "miss").await;
    rig.assert_whole(two_id, &two, "miss").await;
    rig.wait_for_cache(two_id, "hit").await;
    rig.assert_whole(two_id, &two, "hit").await;
    let popular = |path| browser::ask(rig.endpoint(), "GET", path, &[]);
    let told = popular("/api/v1/popular").await.json();
    let ids: Vec<_> = told["objects"].as_array().unwrap().iter().map(|object| &object["id"]).collect();
    assert_eq!(ids, [&two_id.to_string(), &one_id.to_string()]);
    let first = popular("/api/v1/popular?limit=1").await.json();
    assert_eq!(first["objects"].as_array().unwrap().len(), 1);
    for wrong in ["/api/v1/popular?limit=0", "/api/v1/popular?limit=x", "/api/v1/popular?from=1"] {
        assert_eq!(popular(wrong).await.status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_private_is_not_told() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(1, 1000);
    let id = rig.put(&sample).await;
    rig.assert_whole(id, &sample, "miss").await;
    rig.make_private().await;
    let told = browser::ask(rig.endpoint(), "GET", "/api/v1/popular", &[]).await;
    assert_eq!(told.body, br#"{"objects":[]}"#);
}
