//! That the right bytes arrive, whatever happens to sources, disk, cache and directory.

use crate::{
    browser,
    fake_source::{Behaviour, Sample},
    rig::{MIB, Rig},
};
use argosy_content::{GroupRange, SliceDecoder, SliceItem, slice_len};
use argosy_distributor::config::Limits;
use bytes::Bytes;
use std::{path::Path, sync::Arc};

fn flip_byte(path: &Path, at: u64) {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x40], at).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_ranges_of_a_cold_object_are_exact() {
    let rig = Rig::new(&[Behaviour::Honest, Behaviour::Honest]).await;
    let sample = Sample::random(3, 8 * MIB + 5);
    let id = rig.put(&sample).await;
    let seed = 0x5eed_0001;
    println!("seed {seed:#x}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let start = rng.u64(..sample.size());
        let last = (start + rng.u64(..300_000)).min(sample.size() - 1);
        let answer = rig.get(id, &[("Range", &format!("bytes={start}-{last}"))]).await;
        assert_eq!(answer.status, 206);
        let expected = &sample.bytes[start as usize..=last as usize];
        assert!(answer.body == expected, "{start}-{last}");
        assert_eq!(answer.header("content-length"), expected.len().to_string());
        assert_eq!(answer.header("content-range"), format!("bytes {start}-{last}/{}", sample.size()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_readers_fetch_each_byte_once() {
    let rig = Arc::new(Rig::new(&[Behaviour::Honest]).await);
    let sample = Sample::random(4, 6 * MIB);
    let id = rig.put(&sample).await;
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (rig, sample) = (Arc::clone(&rig), Arc::clone(&sample));
        readers.spawn(async move {
            let answer = rig.get(id, &[]).await;
            assert!(answer.status == 200 && answer.body == sample.bytes);
        });
    }
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
    assert_eq!(rig.groups_sent(), 6 * 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lying_source_costs_nothing_but_itself() {
    let rig = Rig::new(&[Behaviour::Lying, Behaviour::Honest, Behaviour::Lying]).await;
    for seed in 0..5 {
        let sample = Sample::random(seed, MIB + 3);
        let id = rig.put(&sample).await;
        rig.assert_whole(id, &sample, "miss").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_bad_sources_only_nothing_wrong_is_sent() {
    let rig = Rig::new(&[Behaviour::Lying, Behaviour::Lying]).await;
    let sample = Sample::random(5, MIB);
    let id = rig.put(&sample).await;
    let answer = rig.get(id, &[]).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["type"], "exception");
    assert_eq!(rig.status().await["bytesFetched"], 0);

    // Some right bytes, then nothing more: the answer ends short instead of being filled up.
    let rig = Rig::new(&[Behaviour::Truncating]).await;
    let id = rig.put(&sample).await;
    let answer = rig.get(id, &[]).await;
    if answer.status == 200 {
        assert!(answer.body.len() < sample.bytes.len());
        assert!(sample.bytes.starts_with(&answer.body));
        assert_eq!(answer.header("content-length"), sample.size().to_string());
    } else {
        assert_eq!(answer.status, 500);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_on_disk_never_reaches_a_reader() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    for size in [40_000, 700_000, 5 * MIB] {
        let sample = Sample::random(6, size);
        let id = rig.put(&sample).await;
        rig.assert_whole(id, &sample, "miss").await;
        rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
        rig.assert_whole(id, &sample, "hit").await;
        rig.assert_whole(id, &sample, "hit").await;
        // While the node runs, and while it does not.
        flip_byte(&rig.only_file(".data"), size as u64 / 2);
        let answer = rig.get(id, &[]).await;
        assert!(answer.body == sample.bytes, "{size}: {}", answer.head());
        rig.wait_until("the repaired object", |status| status["objectsInCache"] == 1).await;
        rig.stop().await;
        flip_byte(&rig.only_file(".data"), size as u64 / 2);
        rig.start().await;
        let answer = rig.get(id, &[]).await;
        assert!(answer.body == sample.bytes, "{size}: {}", answer.head());
        rig.wait_until("the repaired object", |status| status["objectsInCache"] == 1).await;
        rig.assert_whole(id, &sample, "hit").await;
        rig.delete(id).await;
        rig.wait_until("an empty cache", |status| status["objectsInCache"] == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cache_stays_within_its_bound() {
    let limits = Limits::storage(4 << 20);
    let rig = Rig::with_limits(&[Behaviour::Honest], limits).await;
    let mut put = Vec::new();
    for seed in 10..18 {
        let sample = Sample::random(seed, MIB);
        let id = rig.put(&sample).await;
        rig.assert_whole(id, &sample, "miss").await;
        rig.wait_until("the end of the fill", |status| status["downloadsInProgress"] == 0).await;
        let used = rig.status().await["bytesUsed"].as_u64().unwrap();
        assert!(used <= 4 << 20, "{used}");
        put.push((id, sample));
    }
    assert_eq!(rig.status().await["objectsInCache"], 4);
    rig.assert_whole(put[7].0, &put[7].1, "hit").await;
    rig.assert_whole(put[0].0, &put[0].1, "miss").await;
    rig.wait_until("the end of the fill", |status| status["downloadsInProgress"] == 0).await;

    // One that can never fit goes through, and costs the others nothing.
    let large = Sample::random(20, 9 * MIB);
    let id = rig.put(&large).await;
    rig.assert_whole(id, &large, "miss").await;
    let far = rig.get(id, &[("Range", "bytes=8000000-8000009")]).await;
    assert!(far.body == large.bytes[8_000_000..8_000_010]);
    assert_eq!(rig.status().await["objectsInCache"], 4);
    rig.assert_whole(put[0].0, &put[0].1, "hit").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_the_cache_and_needs_nobody() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let whole = Sample::random(30, 2 * MIB);
    let half = Sample::random(31, 2 * MIB);
    let (whole_id, half_id) = (rig.put(&whole).await, rig.put(&half).await);
    rig.assert_whole(whole_id, &whole, "miss").await;
    let range = [("Range", "bytes=0-1048575")];
    assert!(rig.get(half_id, &range).await.body == half.bytes[..MIB]);
    rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
    rig.stop().await;
    rig.directory.stop();
    rig.sources[0].behave(Behaviour::Absent);
    rig.start().await;
    rig.assert_whole(whole_id, &whole, "hit").await;
    let answer = rig.get(half_id, &range).await;
    assert_eq!((answer.status, answer.header("x-cache")), (206, "pending"));
    assert!(answer.body == half.bytes[..MIB]);
    // What is missing can still be fetched once a source is there.
    assert_eq!(rig.get(half_id, &[("Range", "bytes=2000000-")]).await.status, 500);
    rig.sources[0].behave(Behaviour::Honest);
    rig.wait_for("the rest", async || rig.get(half_id, &[]).await.body == half.bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_objects_stop_at_once_and_leave_the_disk() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(40, 300_000);
    let id = rig.put(&sample).await;
    rig.assert_whole(id, &sample, "miss").await;
    rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
    rig.delete(id).await;
    assert_eq!(rig.get(id, &[]).await.status, 404);
    rig.wait_until("an empty cache", |status| status["storageUsed"] == 0 && status["objectsInCache"] == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_come_with_their_proof() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(50, 3 * MIB + 100);
    let id = rig.put(&sample).await;
    let path = |query: &str| format!("/api/v1/objects/{id}/slices?{query}");
    for (from, to) in [(70, 80), (0, 193), (100, 193), (0, 1)] {
        let answer = browser::ask(rig.endpoint(), "GET", &path(&format!("from={from}&to={to}")), &[]).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.header("content-type"), argosy_api::SLICE_MEDIA_TYPE);
        let groups = GroupRange::new(from, to);
        assert_eq!(answer.body.len() as u64, slice_len(sample.size(), groups));
        let mut decoder = SliceDecoder::new(sample.content_id, sample.size(), groups);
        decoder.feed(Bytes::from(answer.body));
        let mut data = Vec::new();
        while let Some(item) = decoder.next().unwrap() {
            if let SliceItem::Group(group) = item {
                data.extend_from_slice(group.data());
            }
        }
        decoder.finish().unwrap();
        let start = from as usize * 16 * 1024;
        assert!(data == sample.bytes[start..(to as usize * 16 * 1024).min(sample.bytes.len())]);
    }
    // Damage breaks the answer off, and is gone the next time.
    rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
    flip_byte(&rig.only_file(".data"), 2 * MIB as u64);
    let whole = path("from=0&to=193");
    let broken = browser::ask(rig.endpoint(), "GET", &whole, &[]).await;
    assert_ne!(broken.body.len() as u64, slice_len(sample.size(), GroupRange::new(0, 193)));
    let mended = browser::ask(rig.endpoint(), "GET", &whole, &[]).await;
    assert_eq!(mended.body.len() as u64, slice_len(sample.size(), GroupRange::new(0, 193)));
    for (query, status) in [("from=0&to=194", 416), ("from=1&to=1", 400), ("", 400), ("from=0&to=400", 400)] {
        let answer = browser::ask(rig.endpoint(), "GET", &path(query), &[]).await;
        assert_eq!(answer.status, status, "{query}");
    }
    let unknown = browser::ask(rig.endpoint(), "GET", "/api/v1/objects/99/slices?from=0&to=1", &[]).await;
    assert_eq!((unknown.status, unknown.json()["code"].clone()), (404, "DATA_OBJECT_DOESNT_EXIST".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seek_fetches_little_and_the_first_byte_waits_for_nothing_else() {
    let rig = Rig::patient(&[Behaviour::Honest]).await;
    for seed in 60..70 {
        let sample = Sample::random(seed, 4 * MIB);
        let id = rig.put(&sample).await;
        let before = rig.groups_sent();
        // Nothing leaves the source but the group with the byte, and the first, which tells the media type.
        rig.sources[0].hold_back_all_but(id, &[GroupRange::one(0), GroupRange::one(3_000_000 / (16 * 1024))]);
        let answer = rig.part(id, 3_000_000, 3_000_000).await;
        assert!(answer.body == sample.bytes[3_000_000..3_000_001]);
        assert_eq!(rig.groups_sent() - before, 2);
    }
}
