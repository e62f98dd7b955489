//! What Joystream's developers wanted to see of a distributor and never wrote: J#2841, J#2842, J#2843.
//!
//! Source: `spec/argus-colossus.md` D.

use crate::{
    argus_defects::serving::reassign,
    fake_source::Behaviour,
    rig::{MIB, Rig},
    steps::{png, watched},
};
use argosy_content::GroupRange;
use argosy_distributor::config::{Limits, Policy, Proxy};
use serde_json::json;

/// J#2841: an object from the first question about it until it is here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_miss_over_pending_to_hit() {
    let rig = Rig::patient(&[Behaviour::Honest]).await;
    let source = &rig.sources[0];
    let sample = png(1, 8 * MIB);
    let id = rig.put(&sample).await;
    let (first, last) = (GroupRange::new(0, 64), GroupRange::new(448, 512));
    source.hold_back_all_but(id, &[first, last]);

    let head = rig.head(id, &[]).await;
    assert_eq!((head.status, head.header("x-cache")), (200, "miss"));
    assert_eq!(head.header("content-length"), sample.size().to_string());
    assert!(source.asked().is_empty(), "HEAD starts no download");

    let mut missed = rig.begin(id, &[]).await;
    assert_eq!((missed.answer.status, missed.answer.header("x-cache")), (200, "miss"));
    assert_eq!(missed.answer.header("content-length"), sample.size().to_string());
    assert!(watched("the first megabyte", missed.until(MIB)).await[..MIB] == sample.bytes[..MIB]);

    let head = rig.head(id, &[]).await;
    assert_eq!((head.status, head.header("x-cache")), (200, "pending"));
    let mut pending = rig.begin(id, &[]).await;
    assert_eq!((pending.answer.status, pending.answer.header("x-cache")), (200, "pending"));
    assert!(watched("the first megabyte", pending.until(MIB)).await[..MIB] == sample.bytes[..MIB]);

    // The first megabyte is here.
    let asked = source.groups_asked(id, first);
    let near = rig.part(id, 0, MIB - 1).await;
    assert_eq!(
        (near.status, near.header("x-cache"), near.header("x-data-source")),
        (206, "pending", "local")
    );
    assert!(near.body == sample.bytes[..MIB]);
    assert_eq!(source.groups_asked(id, first), asked, "nothing is fetched for it");

    // The last is not: Argus hands the request on (`x-data-source: external`), this node fetches it first
    // of all, proves and keeps it.
    let far = rig.part(id, 7 * MIB, 8 * MIB - 1).await;
    assert_eq!((far.status, far.header("x-cache"), far.header("x-data-source")), (206, "pending", "local"));
    assert_eq!(far.header("content-range"), format!("bytes {}-{}/{}", 7 * MIB, 8 * MIB - 1, 8 * MIB));
    assert!(far.body == sample.bytes[7 * MIB..]);
    assert_eq!(rig.x_cache(id).await, "pending", "the middle is still missing");

    source.let_go(id);
    assert!(watched("the whole", missed.end()).await.body == sample.bytes);
    assert!(watched("the whole", pending.end()).await.body == sample.bytes);
    rig.wait_for_hit(id).await;
    rig.assert_whole(id, &sample, "hit").await;
    assert_eq!(rig.head(id, &[]).await.header("x-cache"), "hit");
    assert_eq!(rig.status().await["bytesFetched"], sample.size(), "each byte once");
}

/// J#2843: what becomes of objects when the directory changes, without and with a restart between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_cleanup_kept_200_removed_404_unassigned_421() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let kept = png(1, 300_000);
    let removed = [png(2, 300_000), png(3, 300_000)];
    let kept_id = rig.put_and_fetch(&kept).await;
    let mut removed_ids = Vec::new();
    for sample in &removed {
        removed_ids.push(rig.put_and_fetch(sample).await);
    }
    let never = rig.put_elsewhere(&png(4, 1_000)).await;

    rig.delete(removed_ids[0]).await;
    rig.stop().await;
    // Deleted while the node was away.
    let id = removed_ids[1];
    rig.directory.block(vec![argosy_directory::Event::DataObjectsDeleted {
        refund_to: argosy_domain::AccountId([1; 32]),
        bag: argosy_domain::BagId::channel(argosy_domain::ChannelId(crate::rig::OURS)),
        objects: [argosy_domain::DataObjectId(id)].into(),
    }]);
    rig.start().await;
    rig.know().await;

    rig.assert_whole(kept_id, &kept, "hit").await;
    for id in removed_ids {
        let answer = rig.get(id, &[]).await;
        assert_eq!((answer.status, answer.json()), (404, json!({"message": "Data object does not exist"})));
    }
    rig.wait_until("one object", |status| status["objectsInCache"] == 1).await;
    assert_eq!(rig.data_files(), 1, "the files are gone, too");
    assert_eq!(rig.get(never, &[]).await.status, 421);

    reassign(&rig, 0, 1).await;
    let answer = rig.get(kept_id, &[]).await;
    assert_eq!(answer.status, 421);
    assert_eq!(answer.json()["message"], "Data object not served by this node");
    rig.stop().await;
    rig.start().await;
    rig.know().await;
    assert_eq!(rig.get(kept_id, &[]).await.status, 421);
}

/// J#2842: with Argus' own policy, the oldest of the group that costs most goes first: size and uses decide,
/// and age among equals.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_go_by_group_and_age() {
    let rig = Rig::configured(&[Behaviour::Honest], |config| {
        config.limits = Limits::storage(4 << 20);
        config.cache.policy = Policy::LruSp;
        // So that one machine can be many viewers: each counts once.
        config.public_api.trusted_proxies = vec![Proxy("127.0.0.1/32".parse().unwrap())];
    })
    .await;
    // Bytes and viewers, oldest first. Group 10 is of 1 MiB with one viewer; the others are in lower ones.
    let mut ids = Vec::new();
    for (seed, (size, viewers)) in (0..).zip([(MIB, 1), (MIB, 8), (64 << 10, 1), (512 << 10, 2), (MIB, 1)]) {
        let sample = png(seed, size);
        let id = rig.put_and_fetch(&sample).await;
        for viewer in 1..viewers {
            let answer = rig.get(id, &[("X-Forwarded-For", &format!("10.0.0.{viewer}"))]).await;
            assert_eq!((answer.status, answer.header("x-cache")), (200, "hit"));
        }
        ids.push(id);
    }
    // Each needs room for 1 MiB and is itself of group 10, its youngest.
    for (seed, gone) in (100..).zip([vec![0], vec![0, 4], vec![0, 4, 5]]) {
        ids.push(rig.put_and_fetch(&png(seed, MIB)).await);
        rig.wait_for_rest().await;
        for (at, id) in ids.iter().enumerate() {
            let expected = if gone.contains(&at) { "miss" } else { "hit" };
            assert_eq!(rig.x_cache(*id).await, expected, "number {at} after {seed}");
        }
    }
}
