//! What viewers feel: ranges, first bytes, who gets what.

use crate::{
    browser,
    fake_directory::{genesis, key},
    fake_source::{Behaviour, Sample},
    rig::{MIB, OURS, Rig, distribution_bucket},
    steps::{png, watched},
};
use argosy_api::{ReadPermit, ReadScope};
use argosy_content::GroupRange;
use argosy_directory::Event;
use argosy_distributor::config::Proxy;
use argosy_domain::{BagId, ChannelId, DataObjectId};
use argosy_http::ConnectionCaps;
use argosy_node::follower::now_ms;
use serde_json::json;
use std::{path::Path, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

const GROUP: usize = 16 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_01_range_end_ignored_while_pending() {
    let rig = Rig::patient(&[Behaviour::Honest]).await;
    let sample = png(1, 3 * MIB);
    let id = rig.put(&sample).await;
    rig.sources[0].hold_back_all_but(id, &[GroupRange::new(0, 100)]);
    let mut reading = rig.begin(id, &[]).await;
    reading.until(90 * GROUP).await;
    for (first, last) in [(0, 0), (0, 1), (0, 1000), (100, 200), (1_000_000, 1_048_600)] {
        assert_eq!(rig.x_cache(id).await, "pending");
        rig.assert_part(id, &sample, first, last).await;
    }
    rig.sources[0].let_go(id);
    assert!(watched("the whole", reading.end()).await.body == sample.bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_07_readers_wait_for_a_megabyte_and_keep_others_waiting() {
    let rig = Arc::new(Rig::patient(&[Behaviour::Honest]).await);
    let small = png(2, 50_000);
    let hit = rig.put_and_fetch(&small).await;
    let before = rig.groups_sent();
    let sample = png(1, 2 * MIB);
    let id = rig.put(&sample).await;
    rig.sources[0].hold_back_all_but(id, &[GroupRange::one(0)]);
    let mut first = rig.begin(id, &[]).await;
    watched("the first group", first.until(GROUP)).await;
    assert_eq!(rig.groups_sent() - before, 1, "the second group has not left its source yet");

    // A hundred who wait for the rest keep nobody else waiting.
    let mut waiting = JoinSet::new();
    for _ in 0..100 {
        let mut reading = rig.begin(id, &[]).await;
        let sample = Arc::clone(&sample);
        waiting.spawn(async move {
            assert!(reading.until(GROUP).await[..GROUP] == sample.bytes[..GROUP]);
            assert!(reading.end().await.body == sample.bytes);
        });
    }
    for _ in 0..20 {
        rig.assert_whole(hit, &small, "hit").await;
    }
    assert_eq!(rig.groups_sent() - before, 1);
    rig.sources[0].let_go(id);
    assert!(watched("the whole", first.end()).await.body == sample.bytes);
    while let Some(done) = watched("all who waited", waiting.join_next()).await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_08_far_ranges_while_pending_are_fetched_each_time() {
    let rig = Arc::new(Rig::patient(&[Behaviour::Honest]).await);
    let sample = png(1, 8 * MIB);
    let id = rig.put(&sample).await;
    let (first, last) = (GroupRange::new(0, 64), GroupRange::new(448, 512));
    rig.sources[0].hold_back_all_but(id, &[first, last]);
    let mut reading = rig.begin(id, &[]).await;
    reading.until(MIB).await;
    let far = rig.sources[0].groups_asked(id, last);
    assert_eq!(far, 0);
    let mut readers = JoinSet::new();
    for _ in 0..8 {
        let (rig, sample) = (Arc::clone(&rig), Arc::clone(&sample));
        readers.spawn(async move {
            let answer = rig.part(id, 7 * MIB, 8 * MIB - 1).await;
            assert_eq!((answer.status, answer.header("x-cache")), (206, "pending"), "{}", answer.head());
            assert_eq!(answer.header("x-data-source"), "local");
            assert!(answer.body == sample.bytes[7 * MIB..]);
        });
    }
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
    assert_eq!(rig.sources[0].groups_asked(id, last), 64, "once for all");
    rig.assert_part(id, &sample, 8 * MIB - 10, 8 * MIB - 1).await;
    assert_eq!(rig.sources[0].groups_asked(id, last), 64, "and kept");
    rig.sources[0].let_go(id);
    assert!(watched("the whole", reading.end()).await.body == sample.bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_09_head_with_an_encoded_path_reveals_files() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let id = rig.put_and_fetch(&png(1, 50_000)).await;
    let inside = rig.only_file(".data");
    assert!(Path::new("/etc/passwd").exists() && inside.exists());
    let up = "..%2f".repeat(12);
    let paths = [
        format!("{up}etc%2fpasswd?1"),
        format!("{up}etc%2fpasswd%231"),
        format!("{up}{}", inside.to_str().unwrap().trim_start_matches('/').replace('/', "%2f")),
        format!("{up}{}", inside.to_str().unwrap().trim_start_matches('/')),
        format!("..%2fassets%2f{id}"),
        format!("..%5cassets%5c{id}"),
        format!("{id}%00"),
        format!("%2e%2e%2f{id}"),
        format!("../../../../etc/passwd{id}"),
    ];
    for path in paths {
        for method in ["HEAD", "GET"] {
            let ask = async |path: &str| {
                let path = format!("/api/v1/assets/{path}");
                browser::ask(rig.endpoint(), method, &path, &[]).await
            };
            let answer = ask(&path).await;
            assert!([400, 404].contains(&answer.status), "{method} {path}: {}", answer.head());
            assert_eq!(answer.header("x-cache"), "", "{path}");
            // A file that is there looks like one that is not.
            let other = ask(&path.replace("passwd", "passwx").replace(".data", ".datx")).await;
            assert_eq!(answer.head(), other.head(), "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_10_refusals_become_500_unless_in_production() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = png(1, 300_000);
    let id = rig.put(&sample).await;
    for x_cache in ["miss", "pending", "hit"] {
        assert_eq!(rig.x_cache(id).await, x_cache);
        let past = rig.get(id, &[("Range", "bytes=300000-")]).await;
        assert_eq!((past.status, past.header("content-range")), (416, "bytes */300000"), "{x_cache}");
        assert_eq!(past.json()["message"], "RangeNotSatisfiableError: Range Not Satisfiable");
        assert_eq!(rig.get(id, &[("If-Match", "\"x\"")]).await.status, 412, "{x_cache}");
        match x_cache {
            "miss" => rig.assert_part(id, &sample, 0, 9).await,
            _ => rig.assert_whole(id, &sample, x_cache).await,
        }
        if x_cache == "pending" {
            rig.wait_for_hit(id).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_13_deleted_and_reassigned_objects_are_served_for_a_day() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let (one, two) = (png(1, 100_000), png(2, 3 * MIB));
    let (gone, moved) = (rig.put_and_fetch(&one).await, rig.put_and_fetch(&two).await);
    rig.delete(gone).await;
    let answer = rig.get(gone, &[]).await;
    assert_eq!((answer.status, answer.json()), (404, json!({"message": "Data object does not exist"})));
    rig.assert_whole(moved, &two, "hit").await;

    reassign(&rig, 0, 1).await;
    let answer = rig.get(moved, &[]).await;
    assert_eq!(answer.status, 421);
    assert_eq!(
        answer.json()["distributors"],
        json!([format!("http://stranger.example/api/v1/assets/{moved}")])
    );
    // And back, without a byte fetched again.
    let fetched = rig.groups_sent();
    reassign(&rig, 1, 0).await;
    rig.assert_whole(moved, &two, "hit").await;
    assert_eq!(rig.groups_sent(), fetched);
}

/// Gives our channel's bag to another bucket.
pub(crate) async fn reassign(rig: &Rig, from: u64, to: u64) {
    rig.directory.block(vec![Event::DistributionBucketsUpdatedForBag {
        bag: BagId::channel(ChannelId(OURS)),
        family: distribution_bucket(0).family,
        added: [to].into(),
        removed: [from].into(),
    }]);
    rig.know().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_25_tags_and_types_change_from_miss_to_hit_and_from_node_to_node() {
    let sample = png(1, MIB);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut rig = Rig::new(&[Behaviour::Honest]).await;
        let id = rig.put(&sample).await;
        for step in ["miss", "pending", "hit", "after a restart", "fetched again"] {
            if step == "pending" {
                rig.assert_part(id, &sample, 500_000, 500_001).await;
            } else if step == "after a restart" {
                rig.stop().await;
                rig.start().await;
            } else if step == "fetched again" {
                rig.stop().await;
                std::fs::remove_dir_all(&rig.config.directories.assets).unwrap();
                rig.start().await;
                rig.know().await;
            }
            let head = rig.head(id, &[]).await;
            let answer = rig.get(id, &[]).await;
            assert_eq!(head.header("etag"), answer.header("etag"), "{step}");
            seen.push((answer.header("etag").to_owned(), answer.header("content-type").to_owned()));
            rig.wait_for_hit(id).await;
        }
    }
    let right = (format!("\"{}\"", sample.content_id), "image/png".to_owned());
    assert!(seen.iter().all(|one| *one == right), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_30_every_hit_costs_far_more_than_its_bytes() {
    // No timing here, that is for the benchmarks: a hit asks nobody, and one connection carries as many as
    // a client likes to send ahead.
    const REQUESTS: usize = 500;
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let samples = [png(1, 1_000), png(2, 300_000)];
    let mut ids = Vec::new();
    for sample in &samples {
        ids.push(rig.put_and_fetch(sample).await);
    }
    let fetched = rig.groups_sent();
    rig.directory.stop();
    rig.sources[0].kill();
    let sent = rig.status().await["bytesSent"].as_u64().unwrap();
    for (id, sample) in ids.iter().zip(&samples) {
        let mut stream = TcpStream::connect(rig.endpoint()).await.unwrap();
        let (mut read, mut write) = stream.split();
        let range = "Range: bytes=10-509";
        let request = format!("GET /api/v1/assets/{id} HTTP/1.1\r\nHost: x\r\n{range}\r\n\r\n");
        let ask = async { write.write_all(request.repeat(REQUESTS).as_bytes()).await.unwrap() };
        let answers = async {
            for _ in 0..REQUESTS {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(read.read_u8().await.unwrap());
                }
                assert!(head.starts_with(b"HTTP/1.1 206 "), "{}", String::from_utf8_lossy(&head));
                let mut body = [0; 500];
                read.read_exact(&mut body).await.unwrap();
                assert!(body == sample.bytes[10..510]);
            }
        };
        watched("hits on one connection", async { tokio::join!(ask, answers) }).await;
    }
    assert_eq!(rig.groups_sent(), fetched);
    let now = rig.status().await["bytesSent"].as_u64().unwrap();
    assert_eq!(now - sent, 2 * 500 * REQUESTS as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_31_objects_without_bytes_give_500_and_failed_downloads_stay_pending() {
    let rig = Rig::new(&[Behaviour::Absent]).await;
    let sample = Sample::random(1, 300_000);
    let unaccepted = rig.declare_only(&sample).await;
    let answer = rig.get(unaccepted, &[]).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json(), json!({"message": "Data object has not been uploaded yet"}));

    let id = rig.put(&sample).await;
    assert!(watched("a refusal", rig.get(id, &[])).await.status >= 500);
    rig.wait_for("the end of a failed download", async || rig.x_cache(id).await == "miss").await;
    rig.sources[0].behave(Behaviour::Honest);
    rig.wait_for("the object", async || rig.get(id, &[]).await.body == sample.bytes).await;
    rig.wait_for_hit(id).await;
    rig.wait_for_rest().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_11_one_address_may_take_all_connections() {
    let most = ConnectionCaps::default().per_address;
    let rig = Rig::configured(&[], |config| {
        config.public_api.trusted_proxies = vec![Proxy("127.0.0.1".parse().unwrap())];
        config.public_api.proxy_protocol = true;
    });
    let rig = rig.await;
    let connect = async |address: &str| {
        let mut stream = TcpStream::connect(rig.endpoint()).await.unwrap();
        let request =
            format!("PROXY TCP4 {address} 10.0.0.1 1 2\r\nHEAD /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
        // One that is refused may be closed before it has said anything.
        let _refused = stream.write_all(request.as_bytes()).await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return None,
            }
        }
        assert!(head.starts_with(b"HTTP/1.1 200 "));
        Some(stream)
    };
    let mut open = Vec::new();
    for _ in 0..most {
        open.push(connect("192.0.2.7").await.expect("a place"));
    }
    assert!(connect("192.0.2.7").await.is_none(), "one more than {most}");
    assert!(connect("192.0.2.8").await.is_some(), "others are not kept out");
    open.pop();
    rig_waits(async || connect("192.0.2.7").await.is_some()).await;
}

/// Waits for something of a node whose status cannot be asked for without a proxy.
async fn rig_waits(mut so: impl AsyncFnMut() -> bool) {
    watched("a state", async {
        while !so().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_12_anybody_can_take_any_object() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = png(1, 300_000);
    let id = rig.put_and_fetch(&sample).await;
    rig.make_private().await;
    for method in ["GET", "HEAD"] {
        let answer = browser::ask(rig.endpoint(), method, &format!("/api/v1/assets/{id}"), &[]).await;
        assert_eq!((answer.status, answer.header("cache-control")), (403, "no-store"), "{}", answer.head());
    }
    let ask = async |signer: &str, expires_ms: u64| {
        let scope = ReadScope::Object(DataObjectId(id));
        let permit = ReadPermit::sign(&key(signer), &genesis().hash(), scope, expires_ms);
        browser::ask(rig.endpoint(), "GET", &format!("/api/v1/assets/{id}?permit={permit}"), &[]).await
    };
    let shown = ask("//Alice", now_ms() + 60_000).await;
    assert!(shown.status == 200 && shown.body == sample.bytes, "the owner's URL opens it");
    assert_eq!(shown.header("cache-control"), "private, no-store");
    assert_eq!(ask("//Alice", now_ms() - 1).await.status, 403, "not for ever");
    assert_eq!(ask("//Bob", now_ms() + 60_000).await.status, 403, "nor does anybody else's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_21_nodes_that_do_not_distribute_keep_players_waiting() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let id = rig.put_and_fetch(&png(1, 300_000)).await;
    rig.add_peer(7, "http://peer.example");
    rig.know().await;
    let mode = async |index: u64, distributing: bool| {
        let bucket = distribution_bucket(index);
        rig.tell(vec![Event::DistributionBucketModeUpdated { bucket, distributing }]).await;
    };
    mode(0, false).await;
    let answer = watched("a refusal", rig.get(id, &[])).await;
    assert_eq!(answer.status, 421);
    let named = |answer: &browser::Answer| answer.json()["distributors"].clone();
    assert_eq!(named(&answer), json!([format!("http://peer.example/api/v1/assets/{id}")]));
    mode(17, false).await;
    assert_eq!(named(&rig.get(id, &[]).await), json!([]), "one that is off is not named either");
    mode(0, true).await;
    assert_eq!(rig.get(id, &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_23_nothing_for_adaptive_streaming() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let mut packets = vec![0; 188 * 20];
    packets.iter_mut().step_by(188).for_each(|byte| *byte = 0x47);
    let boxed = |kind: &[u8]| [&[0, 0, 0, 24][..], kind, &[0; 400]].concat();
    let cases = [
        (b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:4,\n7\n".to_vec(), "application/vnd.apple.mpegurl"),
        (
            b"<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">".to_vec(),
            "application/dash+xml",
        ),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n".to_vec(), "text/vtt"),
        (packets, "video/mp2t"),
        (boxed(b"ftypiso5"), "video/mp4"),
        (boxed(b"stypmsdh"), "video/mp4"),
        (boxed(b"moof"), "video/mp4"),
    ];
    for (bytes, mime) in cases {
        let sample = Sample::of(bytes);
        let id = rig.put(&sample).await;
        for x_cache in ["miss", "hit"] {
            let answer = rig.get(id, &[]).await;
            assert_eq!((answer.status, answer.header("x-cache")), (200, x_cache), "{mime}");
            assert_eq!(answer.header("content-type"), mime);
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            rig.wait_for_hit(id).await;
        }
    }
}
