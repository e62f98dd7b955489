//! GraphQL over HTTP, from an index that follows the ledger.

use crate::support::{DEADLINE, Node, answer, config, start_error};
use crate::support::{genesis, key, sign};
use argosy_directory::{Call, MembershipCall, StorageCall};
use argosy_directory_node::{StartError, start};
use argosy_domain::WorkerId;
use argosy_http::{AddressPolicy, Client, ClientConfig, Request};
use argosy_ledger::{CheckpointConfig, Engine, EngineConfig, Retention};
use codec::Encode;
use serde_json::{Value, json};
use std::{
    fs,
    num::{NonZeroU64, NonZeroUsize},
    path::Path,
    time::Duration,
};

async fn ask(node: &Node, query: &str) -> (u16, Value) {
    let body = json!({ "query": query }).to_string().into_bytes();
    answer(node.client.send(Request::post(node.url("/graphql")).bytes(body)).await.unwrap()).await
}

/// Waits until the index has the newest block.
async fn caught_up(node: &Node) {
    let caught_up = async {
        loop {
            let status = node.directory.status().await.unwrap();
            let graphql = status.graphql.unwrap();
            assert!(!graphql.failing);
            if graphql.lag_blocks == 0 && graphql.height > 0 && !graphql.preparing {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, caught_up).await.expect("the index catches up");
}

fn create_member(handle: &str) -> Call {
    Call::Membership(MembershipCall::CreateMember { handle: handle.to_owned() })
}

fn create_bucket() -> Call {
    Call::Storage(StorageCall::CreateStorageBucket {
        invite_worker: Some(WorkerId(0)),
        accepting_new_bags: true,
        size_limit: 1 << 40,
        objects_limit: 100,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_are_answered_from_an_index_that_follows_survives_and_is_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    node.call("//Carol", create_member("carol")).await;
    node.call("//Alice", create_bucket()).await;
    caught_up(&node).await;
    let query = "{ storageBuckets { id operatorStatus { __typename } } members(where: {handle_eq: \"carol\"}) { id } \
        transactions(orderBy: height_ASC) { call success } }";
    let expected = json!({ "data": {
        "storageBuckets": [{ "id": "0", "operatorStatus": { "__typename": "StorageBucketOperatorStatusInvited" } }],
        "members": [{ "id": "2" }],
        "transactions": [
            { "call": "membership.createMember", "success": true },
            { "call": "storage.createStorageBucket", "success": true },
        ],
    } });
    assert_eq!(ask(&node, query).await, (200, expected.clone()));
    node.stop().await;

    let node = Node::start(dir.path()).await;
    caught_up(&node).await;
    assert_eq!(ask(&node, query).await, (200, expected.clone()));
    node.stop().await;

    fs::remove_dir_all(dir.path().join("read-model")).unwrap();
    let node = Node::start(dir.path()).await;
    caught_up(&node).await;
    assert_eq!(ask(&node, query).await, (200, expected));
    node.stop().await;

    // A ledger that has less than the index, as after the restoring of a backup.
    fs::remove_dir_all(dir.path().join("data")).unwrap();
    let node = Node::start(dir.path()).await;
    node.call("//Dave", create_member("dave")).await;
    caught_up(&node).await;
    let (_, body) = ask(&node, "{ members(orderBy: id_ASC) { handle } storageBuckets { id } }").await;
    let handles = ["alice", "bob", "dave"].map(|handle| json!({ "handle": handle }));
    assert_eq!(body, json!({ "data": { "members": handles, "storageBuckets": [] } }));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_requests_are_told_apart_and_people_get_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let (status, body) = ask(&node, "{ nothing }").await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (400, &json!("INVALID_QUERY")));
    let (status, body) = ask(&node, "{{{").await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (400, &json!("INVALID_QUERY")));
    // More than a transaction may have, and still a query.
    let long = format!("{{ squidStatus {{ height }} }} #{}", "x".repeat(60_000));
    assert_eq!(ask(&node, &long).await.0, 200);
    let body = vec![b' '; 2 << 20];
    let response = node.client.send(Request::post(node.url("/graphql")).bytes(body)).await.unwrap();
    assert_eq!(answer(response).await.0, 413);
    let page = node.get("/graphql").await;
    assert_eq!(page.status().as_u16(), 200);
    let page = String::from_utf8(page.collect(1 << 16).await.unwrap().to_vec()).unwrap();
    assert!(page.contains("curl") && !page.contains("<script"), "{page}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_can_be_switched_off_and_an_index_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut off = config(dir.path());
    off.graphql.enabled = false;
    let running = start(off).await.unwrap();
    let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
    let url = format!("http://{}/graphql", running.endpoint());
    let (status, body) = answer(client.send(Request::post(url).bytes(b"{}".to_vec())).await.unwrap()).await;
    assert_eq!((status, &body["code"]), (404, &json!("GRAPHQL_DISABLED")));
    tokio::time::timeout(DEADLINE, running.stop_and_join()).await.expect("stops in time").unwrap();
    assert!(!dir.path().join("read-model").exists());

    let node = Node::start(dir.path()).await;
    let other = tempfile::tempdir().unwrap();
    let mut second = config(other.path());
    second.graphql.folder = Some(dir.path().join("read-model"));
    let error = start_error(second).await;
    assert!(matches!(error, StartError::Graphql(_)), "{error:?}");
    assert!(error.to_string().contains("in use"), "{error}");
    node.stop().await;
}

/// A ledger whose first blocks are gone, and how many members it has.
async fn prune(data: &Path) -> u64 {
    let checkpoints = CheckpointConfig {
        every_blocks: NonZeroU64::new(20).unwrap(),
        kept: NonZeroUsize::MIN,
        ..CheckpointConfig::default()
    };
    let config = EngineConfig {
        checkpoints,
        retention: Retention::Blocks(NonZeroU64::MIN),
        segment_bytes: 4_096,
        ..EngineConfig::default()
    };
    let (engine, mut task) = Engine::open(data, &genesis(), key("//Sequencer"), config).unwrap();
    let mut nonce = 0;
    let grow = async {
        while engine.oldest_block() < 10 {
            let transaction = sign(&key("//Carol"), nonce, create_member(&format!("carol-{nonce}")));
            engine.submit(transaction.encode()).await.unwrap();
            nonce += 1;
        }
    };
    tokio::time::timeout(DEADLINE, grow).await.expect("blocks are dropped");
    task.stop();
    task.join().await.unwrap();
    // Two of the genesis.
    nonce + 2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_first_blocks_the_index_begins_with_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let members = prune(&dir.path().join("data")).await;
    let height = members - 2;
    let node = Node::start(dir.path()).await;
    caught_up(&node).await;
    let status = node.directory.status().await.unwrap();
    assert_eq!(status.graphql.as_ref().map(|graphql| graphql.since), Some(height));
    assert_eq!(status.transaction_index.as_ref().map(|index| index.first_height), Some(height + 1));
    node.call("//Dave", create_member("dave")).await;
    caught_up(&node).await;
    let query = "{ membersConnection(orderBy: id_ASC, first: 1) { totalCount edges { node { handle createdAt } } } \
        members(where: {handle_eq: \"dave\"}) { id channels { id } } transactions { call } }";
    let expected = json!({ "data": {
        "membersConnection": {
            "totalCount": members + 1, "edges": [{ "node": { "handle": "alice", "createdAt": null } }],
        },
        "members": [{ "id": members.to_string(), "channels": [] }],
        "transactions": [{ "call": "membership.createMember" }],
    } });
    assert_eq!(ask(&node, query).await, (200, expected.clone()));
    node.stop().await;

    // It goes on from there.
    let node = Node::start(dir.path()).await;
    caught_up(&node).await;
    assert_eq!(ask(&node, query).await, (200, expected));
    assert_eq!(node.directory.status().await.unwrap().graphql.unwrap().since, height);
    node.stop().await;

    // An index that missed blocks which are gone is made anew.
    fs::remove_dir_all(dir.path().join("read-model")).unwrap();
    fs::create_dir(dir.path().join("read-model")).unwrap();
    let node = Node::start(dir.path()).await;
    caught_up(&node).await;
    assert_eq!(node.directory.status().await.unwrap().graphql.unwrap().since, height + 1);
    node.stop().await;
}
