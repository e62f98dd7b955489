//! Whom the node fetches from, and what it makes of them.

use crate::{
    browser,
    fake_source::{Behaviour, FakeSource, Sample},
    rig::{MIB, Rig, proof_of},
    steps::{png, watched},
};
use argosy_content::GroupRange;
use argosy_domain::{WorkerId, WorkingGroup};
use std::sync::Arc;
use tokio::{io::AsyncWriteExt as _, net::TcpSocket};

const GROUP: usize = 16 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_06_no_other_source_after_the_first_byte() {
    let rig = Rig::new(&[Behaviour::Honest, Behaviour::Honest]).await;
    let sample = png(1, 4 * MIB);
    let id = rig.put(&sample).await;
    // The first groups come from either; then that one is gone for good.
    for source in &rig.sources {
        source.hold_back_all_but(id, &[GroupRange::new(0, 8)]);
    }
    let mut readings = Vec::new();
    for _ in 0..3 {
        let mut reading = rig.begin(id, &[]).await;
        watched("the first groups", reading.until(8 * GROUP)).await;
        readings.push(reading);
    }
    let (gone, other) = if rig.sources[0].groups_sent() > 0 { (0, 1) } else { (1, 0) };
    let first = rig.sources[gone].groups_sent();
    rig.sources[gone].kill();
    rig.sources[other].let_go(id);
    for reading in readings {
        let answer = watched("the rest", reading.end()).await;
        assert!(answer.body == sample.bytes, "{} bytes of {}", answer.body.len(), sample.size());
    }
    let sent = rig.sources[other].groups_sent();
    assert!(first >= 8 && sent <= 256 - first + 8, "proved groups are not fetched again: {first} + {sent}");
    rig.wait_for_hit(id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_15_every_miss_waits_for_the_query_node() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let (one, two) = (png(1, 300_000), png(2, 300_000));
    let (hit, miss) = (rig.put_and_fetch(&one).await, rig.put(&two).await);
    rig.directory.hang(true);
    rig.stop().await;
    watched("a start", rig.start()).await;
    watched("a hit", rig.assert_whole(hit, &one, "hit")).await;
    watched("a miss", rig.assert_whole(miss, &two, "miss")).await;
    assert_eq!(watched("an unknown object", rig.get(999, &[])).await.status, 404);
    let status = watched("the status", rig.status()).await;
    assert_eq!(status["directory"]["connected"], false);
    rig.directory.hang(false);
    rig.know().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_17_memory_grows_with_slow_readers_and_slow_sources() {
    // What is fetched ahead of readers who do not read is bounded, however large the object.
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(1, 64 * MIB);
    let id = rig.put(&sample).await;
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let mut stream = socket.connect(rig.endpoint()).await.unwrap();
        let request = format!("GET /api/v1/assets/{id} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    // Until nothing more of it comes while others are served.
    let mut fetched = 0;
    for seed in 2.. {
        let other = Sample::random(seed, MIB);
        rig.put_and_fetch(&other).await;
        let now = rig.sources[0].groups_asked(id, GroupRange::whole(sample.size()));
        if now == fetched && now > 0 {
            break;
        }
        fetched = now;
        assert!(seed < 60, "it never comes to rest");
    }
    println!("{fetched} of 4096 groups were fetched for readers that do not read");
    assert!(fetched < 1024, "{fetched} groups for nobody");
    drop(stalled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_22_a_seek_buffers_and_far_nodes_are_asked() {
    // A viewer who seeks to the middle of a film gets those bytes, and leaves without having pulled it.
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Arc::new(png(1, 64 * MIB));
    let id = rig.put(&sample).await;
    let answer = rig.part(id, 32 * MIB, 32 * MIB + 99).await;
    assert!(answer.body == sample.bytes[32 * MIB..32 * MIB + 100]);
    assert_eq!(rig.groups_sent(), 2, "the group, and the one that tells the type");

    let mut reading = rig.begin(id, &[("Range", "bytes=40000000-")]).await;
    assert!(
        watched("a seek", reading.until(64 * 1024)).await[..65_536] == sample.bytes[40_000_000..40_065_536]
    );
    drop(reading);
    rig.wait_for_rest().await;
    let asked = rig.sources[0].groups_asked(id, GroupRange::whole(sample.size()));
    println!("{asked} groups for a seek of four groups");
    assert!(asked < 1024, "{asked} groups were fetched for a viewer who left");
    let path = format!("/api/v1/assets/{id}");
    let head = browser::ask(rig.endpoint(), "HEAD", &path, &[]).await;
    assert_eq!(head.header("x-cache"), "pending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_05_wrong_bytes_are_sent_and_their_source_is_asked_again() {
    let rig = Rig::new(&[Behaviour::Lying, Behaviour::Honest]).await;
    let mut asked = Vec::new();
    for seed in 0..6 {
        let sample = png(seed, 2 * MIB);
        let id = rig.put(&sample).await;
        rig.assert_whole(id, &sample, "miss").await;
        rig.wait_for_hit(id).await;
        asked.push(rig.sources[0].asked().iter().filter(|(asked, _)| *asked == id).count());
    }
    println!("the liar was asked, by object: {asked:?}");
    let before = asked.iter().position(|count| *count > 0).unwrap_or(0);
    let later: usize = asked[before + 1..].iter().sum();
    assert!(later <= 1, "once it has lied it is hardly asked: {asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_20_a_dead_source_keeps_its_good_name() {
    let rig = Rig::new(&[Behaviour::Honest, Behaviour::Honest]).await;
    for seed in 0..3 {
        rig.put_and_fetch(&png(seed, MIB)).await;
    }
    let mut asked = Vec::new();
    for seed in 10..18 {
        let sample = png(seed, 300_000);
        let id = rig.put(&sample).await;
        // Takes requests and says nothing, from now on.
        rig.sources[0].hold_back_all_but(id, &[]);
        watched("an object", rig.assert_whole(id, &sample, "miss")).await;
        rig.wait_for_hit(id).await;
        asked.push(rig.sources[0].asked().iter().filter(|(asked, _)| *asked == id).count());
    }
    println!("the silent source was asked, by object: {asked:?}");
    let last: usize = asked[4..].iter().sum();
    assert!(last <= 1, "a silent source is hardly asked any more: {asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_22b_nodes_that_hold_an_object_help_each_other() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = png(1, 3 * MIB);
    let id = rig.put(&sample).await;
    let peer = FakeSource::start(Behaviour::Honest).await;
    peer.put(id, &sample);
    peer.prove(proof_of(WorkingGroup::Distribution, WorkerId(7)));
    rig.add_peer(7, &peer.endpoint);
    rig.know().await;
    rig.sources[0].kill();
    rig.wait_for("the object from a peer", async || rig.get(id, &[]).await.body == sample.bytes).await;
    assert!(peer.groups_sent() >= 192);
}
