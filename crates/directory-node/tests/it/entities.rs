//! Lists in parts, single things, and what is not there.

use crate::support::{Node, answer, config, key};
use argosy_api::{HEIGHT_HEADER, NEXT_HEADER};
use argosy_directory::{
    Call, ContentCall, DistributionCall, GroupCall, MembershipCall, StorageCall,
    call::{ObjectCreation, ObjectsUpload},
    state::OpeningKind,
};
use argosy_directory_node::Config;
use argosy_domain::{
    ChannelId, ContentId, DynamicBagId, FamilyId, MemberId, StorageBucketId, WorkerId, WorkingGroup,
};
use serde_json::{Value, json};

fn upload(texts: &[&str]) -> ObjectsUpload {
    let object = |text: &&str| ObjectCreation {
        size: 10,
        ipfs_content_id: ContentId::of(text.as_bytes()).to_string().into_bytes(),
    };
    ObjectsUpload { object_creation_list: texts.iter().map(object).collect(), ..ObjectsUpload::default() }
}

/// Two storage buckets, the first for Alice; a channel of Bob's in both, with three objects.
async fn fill(node: &Node) {
    for invite_worker in [Some(WorkerId(0)), None] {
        let create = StorageCall::CreateStorageBucket {
            invite_worker,
            accepting_new_bags: true,
            size_limit: 1 << 30,
            objects_limit: 100,
        };
        node.call("//Alice", Call::Storage(create)).await;
    }
    let accept = StorageCall::AcceptStorageBucketInvitation {
        worker: WorkerId(0),
        bucket: StorageBucketId(0),
        transactor: key("//Alice").account(),
    };
    node.call("//Alice", Call::Storage(accept)).await;
    let family = DistributionCall::CreateDistributionBucketFamily;
    node.call("//Alice", Call::Distribution(family)).await;
    let bucket = DistributionCall::CreateDistributionBucket { family: FamilyId(0), accepting_new_bags: true };
    node.call("//Alice", Call::Distribution(bucket)).await;
    let create = ContentCall::CreateChannel {
        owner: MemberId(1),
        upload: upload(&["a", "b"]),
        storage_buckets: Some([StorageBucketId(0)].into()),
        distribution_buckets: None,
    };
    node.call("//Bob", Call::Content(create)).await;
    let bag = DynamicBagId::Channel(ChannelId(1));
    let set = ContentCall::CreateAssetSet { bag, name: "talk".to_owned(), upload: upload(&["c"]) };
    node.call("//Bob", Call::Content(set)).await;
}

/// A good answer, its height and the next part's `from`.
async fn get(node: &Node, path: &str) -> (Value, u64, Option<String>) {
    let response = node.get(path).await;
    let header =
        |name: &'static str| response.header(&argosy_http::HeaderName::from_static(name)).map(str::to_owned);
    let (height, next) = (header(HEIGHT_HEADER), header(NEXT_HEADER));
    let (status, body) = answer(response).await;
    assert_eq!(status, 200, "{path}: {body}");
    (body, height.unwrap_or_default().parse().unwrap_or(u64::MAX), next)
}

/// All parts of a list.
async fn parts(node: &Node, path: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut next = None;
    loop {
        let from: String = next.map(|next| format!("&from={next}")).unwrap_or_default();
        let (body, _, more) = get(node, &format!("{path}limit={limit}{from}")).await;
        let items = body.as_array().unwrap();
        assert!(items.len() <= limit, "{path}");
        all.extend(items.iter().cloned());
        next = match more {
            Some(more) => Some(more),
            None => return all,
        };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_in_small_parts_are_the_whole_list() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    fill(&node).await;
    for (path, count) in [
        ("/api/v1/storage-buckets?", 2),
        ("/api/v1/distribution-buckets?", 1),
        ("/api/v1/families?", 1),
        ("/api/v1/bags/dynamic:channel:1/objects?", 3),
        ("/api/v1/bags/dynamic:channel:1/asset-sets?", 1),
        ("/api/v1/asset-sets?", 1),
        ("/api/v1/channels?", 1),
        ("/api/v1/members?", 2),
        ("/api/v1/accounts?", 2),
        ("/api/v1/groups/storage/workers?", 1),
        ("/api/v1/groups/storage/openings?", 0),
        ("/api/v1/releases?", 0),
        ("/api/v1/blacklist?", 0),
        // The static ones of the council and ten groups, and the channel's.
        ("/api/v1/bags?", 12),
        ("/api/v1/bags?storageBucket=0&", 1),
        ("/api/v1/bags?storageBucket=1&", 0),
    ] {
        let (whole, height, next) = get(&node, path.trim_end_matches(['?', '&'])).await;
        assert_eq!((whole.as_array().unwrap().len(), next), (count, None), "{path}");
        assert_eq!(height, node.directory.status().await.unwrap().height, "{path}");
        for limit in [1, 2, 100] {
            assert_eq!(json!(parts(&node, path, limit).await), whole, "{path} by {limit}");
        }
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_things_are_shown_in_full() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    fill(&node).await;
    let opening = GroupCall::AddOpening {
        kind: OpeningKind::Regular,
        description: [7; 32],
        stake: 5,
        unstaking_period_ms: 1_000,
        reward_per_period: Some(1 << 60),
    };
    node.call("//Alice", Call::Group { group: WorkingGroup::Distribution, call: opening }).await;
    let alice = key("//Alice").account().to_string();
    for (path, pointer, value) in [
        ("/api/v1/objects/2", "/assetSet", json!("0")),
        ("/api/v1/asset-sets/0", "/name", json!("talk")),
        ("/api/v1/asset-sets/0", "/objects", json!(["2"])),
        ("/api/v1/storage-buckets/0", "/operator/transactor", json!(alice)),
        ("/api/v1/storage-buckets/0", "/objectsUsed", json!(3)),
        ("/api/v1/storage-buckets/1", "/operator", Value::Null),
        ("/api/v1/storage-buckets/0/holdings", "/height", Value::Null),
        ("/api/v1/distribution-buckets/0:0", "/acceptingNewBags", json!(true)),
        ("/api/v1/families/0", "/buckets", json!(["0:0"])),
        ("/api/v1/channels/1", "/collaborators", json!([])),
        ("/api/v1/members/alice", "/root", json!(alice)),
        ("/api/v1/groups/distribution", "/lead", json!("0")),
        ("/api/v1/groups/distribution", "/leadAccount", json!(alice)),
        ("/api/v1/groups/distribution", "/openingsCount", json!(1)),
        ("/api/v1/groups/distribution/openings", "/0/stake", json!("5")),
        ("/api/v1/groups/distribution/openings", "/0/rewardPerPeriod", json!("1152921504606846976")),
        ("/api/v1/groups/distribution/workers", "/0/isLead", json!(true)),
        ("/api/v1/groups", "/2/name", json!("attestation")),
        ("/api/v1/council", "/threshold", json!(0)),
        ("/api/v1/limits", "/params/maxAssetsPerSet", json!(20)),
        ("/api/v1/limits", "/uploadingBlocked", json!(false)),
        ("/api/v1/fees", "/transactionFee", json!("0")),
        ("/api/v1/treasury", "/bonds", json!("0")),
        ("/api/v1/resignations", "", json!([])),
    ] {
        let (body, _, _) = get(&node, path).await;
        assert_eq!(body.pointer(pointer), Some(&value), "{path}{pointer}: {body}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_has_a_code() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    for (path, status, code) in [
        ("/api/v1/storage-buckets/7", 404, "STORAGE_BUCKET_DOESNT_EXIST"),
        ("/api/v1/storage-buckets/7/holdings", 404, "STORAGE_BUCKET_DOESNT_EXIST"),
        ("/api/v1/distribution-buckets/0:7", 404, "DISTRIBUTION_BUCKET_DOESNT_EXIST"),
        ("/api/v1/distribution-buckets/7", 400, "BAD_ID"),
        ("/api/v1/families/7", 404, "DISTRIBUTION_BUCKET_FAMILY_DOESNT_EXIST"),
        ("/api/v1/bags/dynamic:channel:7/objects", 404, "BAG_DOESNT_EXIST"),
        ("/api/v1/bags/dynamic:channel:7/asset-sets", 404, "BAG_DOESNT_EXIST"),
        ("/api/v1/asset-sets/7", 404, "ASSET_SET_DOES_NOT_EXIST"),
        ("/api/v1/groups/forum", 404, "NO_SUCH_GROUP"),
        ("/api/v1/groups/forum/workers", 404, "NO_SUCH_GROUP"),
        ("/api/v1/groups/nobody/workers", 400, "BAD_ID"),
        ("/api/v1/members?limit=0", 400, "BAD_QUERY"),
        ("/api/v1/bags?from=x", 400, "BAD_QUERY"),
        ("/api/v1/groups/storage/lead-log?from=1:2:3", 400, "BAD_QUERY"),
        ("/api/v1/events?bag=x", 400, "BAD_QUERY"),
        ("/api/v1/events?from=99", 409, "HEIGHT_AHEAD"),
    ] {
        let (found, body) = answer(node.get(path).await).await;
        assert_eq!((found, &body["code"]), (status, &code.into()), "{path}");
    }
    let (members, _, _) = get(&node, "/api/v1/members?from=18446744073709551615").await;
    assert_eq!(members, json!([]));
    node.call("//Carol", Call::Membership(MembershipCall::CreateMember { handle: "carol".to_owned() })).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_tells_how_it_is_doing() {
    let dir = tempfile::tempdir().unwrap();
    // It is ready as long as blocks are made.
    let node = Node::start_with(Config { block_interval: None, ..config(dir.path()) }).await;
    node.call("//Carol", Call::Membership(MembershipCall::CreateMember { handle: "carol".to_owned() })).await;
    let follower = node.directory.blocks(1).await.unwrap();
    let (status, _, _) = get(&node, "/api/v1/status").await;
    assert_eq!((&status["poolBytes"], &status["followersCount"]), (&json!(0), &json!(1)));
    assert!(status["lagMs"].as_u64().unwrap() < 60_000);
    assert_eq!(node.get("/readyz").await.status(), 200);
    assert_eq!(node.get("/api/v1/objects/7").await.status(), 404);
    assert_eq!(node.get("/api/v1/\"\\/x").await.status(), 404);

    let response = node.get("/metrics").await;
    assert!(
        response.header(&argosy_http::header::CONTENT_TYPE).unwrap().starts_with("text/plain; version=0.0.4")
    );
    let text = String::from_utf8(response.collect(1 << 20).await.unwrap().to_vec()).unwrap();
    let height = text.lines().find_map(|line| line.strip_prefix("argosy_directory_height "));
    assert!(height.unwrap().parse::<u64>().unwrap() >= 1, "{text}");
    for line in [
        "argosy_directory_followers 1",
        "argosy_directory_submissions_total{result=\"OK\"} 1",
        "argosy_http_requests_total{route=\"/api/v1/objects/{id}\",status=\"404\"} 1",
        "argosy_http_requests_total{route=\"none\",status=\"404\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    drop(follower);
    node.stop().await;
}
