//! That the very next request obeys the newest block, whatever was served, cached or decided before.

use crate::{
    browser,
    fake_source::{Behaviour, Sample},
    rig::{MIB, OURS, Rig, THEIRS, distribution_bucket},
};
use argosy_directory::Event;
use argosy_distributor::config::BucketName;
use argosy_domain::{BagId, ChannelId, DistributionBucketId, FamilyId};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

fn mode(bucket: DistributionBucketId, distributing: bool) -> Vec<Event> {
    vec![Event::DistributionBucketModeUpdated { bucket, distributing }]
}

/// Puts the bag of a channel into distribution buckets, or takes it out.
fn assign(channel: u64, added: &[u64], removed: &[u64]) -> Vec<Event> {
    vec![Event::DistributionBucketsUpdatedForBag {
        bag: BagId::channel(ChannelId(channel)),
        family: FamilyId(0),
        added: added.iter().copied().collect(),
        removed: removed.iter().copied().collect(),
    }]
}

fn blacklist(sample: &Sample, listed: bool) -> Vec<Event> {
    let text: BTreeSet<Vec<u8>> = [sample.content_id.to_string().into_bytes()].into();
    let (removed, added) = if listed { (BTreeSet::new(), text) } else { (text, BTreeSet::new()) };
    vec![Event::UpdateBlacklist { removed, added }]
}

/// A complete object, whose bytes are in memory and on disk.
async fn cached(rig: &Rig, seed: u64, size: usize) -> (u64, Arc<Sample>) {
    let sample = Sample::random(seed, size);
    let before = rig.status().await["objectsInCache"].as_u64().unwrap();
    let id = rig.put(&sample).await;
    rig.assert_whole(id, &sample, "miss").await;
    rig.wait_until("the complete object", |status| status["objectsInCache"] == before + 1).await;
    rig.assert_whole(id, &sample, "hit").await;
    rig.assert_whole(id, &sample, "hit").await;
    (id, sample)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_stops_distributing_delivers_nothing_from_that_block_on() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let (id, sample) = cached(&rig, 1, 40_000).await;
    // All buckets of the worker, then the same bucket by configuration.
    for configured in [None, Some(vec![BucketName(distribution_bucket(0))])] {
        rig.stop().await;
        rig.config.buckets = configured;
        rig.start().await;
        rig.know().await;
        rig.assert_whole(id, &sample, "hit").await;
        rig.tell(mode(distribution_bucket(0), false)).await;
        let answer = rig.get(id, &[]).await;
        assert_eq!((answer.status, answer.header("link")), (421, ""), "nobody else delivers it");
        assert_eq!(answer.json()["distributors"], json!([]));
        assert_eq!(rig.head(id, &[]).await.status, 421);
        rig.tell(mode(distribution_bucket(0), true)).await;
        rig.assert_whole(id, &sample, "hit").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bag_is_delivered_from_its_assignment_to_its_removal_and_those_who_deliver_it_are_named() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(2, 3 * MIB);
    let id = rig.put_elsewhere(&sample).await;
    rig.sources[0].put(id, &sample);
    let elsewhere = format!("http://stranger.example/api/v1/assets/{id}");
    let misdirected = async |rig: &Rig| {
        for method in ["GET", "HEAD"] {
            let path = format!("/api/v1/assets/{id}");
            let answer = browser::ask(rig.endpoint(), method, &path, &[]).await;
            assert_eq!(answer.status, 421);
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("link"), format!("<{elsewhere}>; rel=\"alternate\""));
            assert!(answer.header("access-control-expose-headers").contains("link"));
        }
        let slices = format!("/api/v1/objects/{id}/slices?from=0&to=1");
        let slices = browser::ask(rig.endpoint(), "GET", &slices, &[]).await;
        assert_eq!((slices.status, slices.json()["code"].clone()), (421, "NOT_OURS".into()));
    };
    misdirected(&rig).await;
    rig.tell(assign(THEIRS, &[0], &[])).await;
    rig.assert_whole(id, &sample, "miss").await;
    rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
    rig.assert_whole(id, &sample, "hit").await;
    rig.tell(assign(THEIRS, &[], &[0])).await;
    misdirected(&rig).await;
    // What is held is kept for a while, and is no reason to deliver.
    assert_eq!(rig.status().await["objectsInCache"], 1);
    // A bucket that does not distribute is not named.
    rig.tell(mode(distribution_bucket(1), false)).await;
    assert_eq!(rig.get(id, &[]).await.json()["distributors"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_never_sent_back_to_this_node() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let id = rig.put_elsewhere(&Sample::random(3, 1_000)).await;
    // Worker 0 is to deliver the bag by another bucket, which this node's configuration leaves out.
    let (bucket, worker) = (distribution_bucket(2), argosy_domain::WorkerId(0));
    rig.tell(vec![
        Event::DistributionBucketCreated { family: FamilyId(0), accepting_new_bags: true, bucket },
        Event::DistributionBucketModeUpdated { bucket, distributing: true },
        Event::DistributionBucketOperatorInvited { bucket, worker },
        Event::DistributionBucketInvitationAccepted { worker, bucket },
        Event::DistributionBucketMetadataSet {
            worker,
            bucket,
            metadata: argosy_domain::metadata::encode_operator_metadata(crate::rig::OWN_ENDPOINT),
        },
    ])
    .await;
    rig.tell(assign(THEIRS, &[2], &[])).await;
    rig.stop().await;
    rig.config.buckets = Some(vec![BucketName(distribution_bucket(0))]);
    rig.start().await;
    rig.know().await;
    let answer = rig.get(id, &[]).await;
    assert_eq!(answer.status, 421);
    assert_eq!(answer.json()["distributors"], json!([format!("http://stranger.example/api/v1/assets/{id}")]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_blacklisted_is_451_from_that_block_on_and_is_not_lost() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    for (seed, size) in [(4, 40_000), (5, 2 * MIB)] {
        let (id, sample) = cached(&rig, seed, size).await;
        let sent = rig.groups_sent();
        rig.tell(blacklist(&sample, true)).await;
        let first = [("Range", "bytes=0-9")];
        for answer in [rig.get(id, &[]).await, rig.get(id, &first).await, rig.head(id, &[]).await] {
            assert_eq!(answer.status, 451);
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("link"), format!("<{}>; rel=\"blocked-by\"", crate::rig::OWN_ENDPOINT));
            assert_eq!(answer.header("access-control-allow-origin"), "*");
        }
        assert_eq!(rig.get(id, &[]).await.json(), json!({ "message": "Data object is blacklisted" }));
        let slices = format!("/api/v1/objects/{id}/slices?from=0&to=1");
        let slices = browser::ask(rig.endpoint(), "GET", &slices, &[]).await;
        assert_eq!((slices.status, slices.json()["code"].clone()), (451, "BLACKLISTED".into()));
        rig.tell(blacklist(&sample, false)).await;
        rig.assert_whole(id, &sample, "hit").await;
        assert_eq!(rig.groups_sent(), sent, "nothing had to be fetched again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_what_becomes_blacklisted_gets_no_more_of_it() {
    let rig = Rig::new(&[Behaviour::Stalling]).await;
    let sample = Sample::random(6, 8 * MIB);
    let id = rig.put(&sample).await;
    let endpoint = rig.endpoint();
    let path = format!("/api/v1/assets/{id}");
    let reader = tokio::spawn(async move { browser::ask(endpoint, "GET", &path, &[]).await });
    rig.wait_until("the fill", |status| status["downloadsInProgress"] == 1 && status["bytesFetched"] != 0)
        .await;
    rig.tell(blacklist(&sample, true)).await;
    let answer = reader.await.unwrap();
    assert!(answer.body.len() < sample.bytes.len(), "{}", answer.status);
    rig.wait_until("the end of the fill", |status| status["downloadsInProgress"] == 0).await;
    assert_eq!(rig.get(id, &[]).await.status, 451);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_object_is_gone_with_its_block_also_after_a_restart() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let (id, _) = cached(&rig, 7, 300_000).await;
    let other = cached(&rig, 8, 300_000).await.0;
    rig.stop().await;
    rig.directory.block(vec![Event::DataObjectsDeleted {
        refund_to: argosy_domain::AccountId([1; 32]),
        bag: BagId::channel(ChannelId(OURS)),
        objects: [argosy_domain::DataObjectId(id)].into(),
    }]);
    rig.start().await;
    rig.know().await;
    assert_eq!(rig.get(id, &[]).await.status, 404);
    rig.wait_until("the room of the deleted object", |status| status["objectsInCache"] == 1).await;
    assert_eq!(rig.get(other, &[]).await.status, 200);
}

/// F-E5: an object is deleted while it is being served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_what_is_deleted_meanwhile_gets_right_bytes_or_none_and_the_next_one_404() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let rig = Rig::new(&[Behaviour::Honest]).await;
    // Larger than what the kernel buffers of an answer that nobody reads.
    let (id, sample) = cached(&rig, 9, 24 * MIB).await;
    let mut reader = tokio::net::TcpStream::connect(rig.endpoint()).await.unwrap();
    let request = format!("GET /api/v1/assets/{id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    reader.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 1000];
    reader.read_exact(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
    rig.delete(id).await;
    assert_eq!(rig.get(id, &[]).await.status, 404);
    rig.wait_until("an empty cache", |status| status["storageUsed"] == 0 && status["objectsInCache"] == 0)
        .await;
    // Finished or broken off, either is well.
    let _end = reader.read_to_end(&mut answer).await;
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(sample.bytes.starts_with(&answer[head..]), "{} bytes", answer.len() - head);
}
