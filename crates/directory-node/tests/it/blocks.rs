//! Following blocks.

use crate::support::{DEADLINE, Node, config, genesis};
use argosy_api::{client::BlockStream, directory::BlockView};
use argosy_directory::{Call, Event, MembershipCall};
use argosy_directory_node::Config;
use argosy_http::{Request, header};
use argosy_ledger::{Block, ChainVerifier};
use tokio::time::timeout;

async fn make_members(node: &Node, handles: &[&str]) {
    for handle in handles {
        let call = MembershipCall::CreateMember { handle: (*handle).to_owned() };
        node.call("//Carol", Call::Membership(call)).await;
    }
}

async fn next(stream: &mut BlockStream) -> Option<Block> {
    timeout(DEADLINE, stream.next()).await.expect("a block in time").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_catches_up_and_then_hears_of_each_block() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    make_members(&node, &["carol-1", "carol-2", "carol-3"]).await;
    let mut verifier = ChainVerifier::new(&genesis()).unwrap();
    let mut stream = node.directory.blocks(1).await.unwrap();
    for height in 1..=3 {
        let block = next(&mut stream).await.unwrap();
        assert_eq!(block.header.height, height);
        let _ = verifier.check(&block, None).unwrap();
    }
    make_members(&node, &["carol-4"]).await;
    let block = next(&mut stream).await.unwrap();
    let _ = verifier.check(&block, None).unwrap();
    assert!(
        block
            .events()
            .any(|event| matches!(event, Event::MemberCreated { handle, .. } if handle == "carol-4"))
    );

    // One that has everything already waits for what comes.
    let mut late = node.directory.blocks(verifier.tip().height + 1).await.unwrap();
    make_members(&node, &["carol-5"]).await;
    assert_eq!(next(&mut late).await.unwrap().header.height, 5);
    assert_eq!(next(&mut stream).await.unwrap().header.height, 5);

    // The stream ends between two blocks when the node stops.
    node.running.stop();
    assert_eq!(next(&mut late).await, None);
    assert_eq!(next(&mut stream).await, None);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_stream_is_kept_alive() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start_with(Config { block_interval: None, ..config(dir.path()) }).await;
    let mut response = node.get("/api/v1/blocks?from=1").await;
    // A keep-alive comes after 5 s of silence, an empty block 6 s after the one before: if asking has taken
    // more than a second, blocks come first.
    let (mut height, mut kept_alive) = (0, false);
    while !kept_alive || height == 0 {
        let frame = timeout(DEADLINE, response.frame()).await.unwrap().unwrap().unwrap();
        if frame[..] == [0; 4] {
            kept_alive = true;
        } else {
            height += 1;
            assert_eq!(Block::decode_bytes(&frame[4..]).unwrap().header.height, height);
        }
        assert!(height < 10, "no keep-alive came between the blocks");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_get_json_lines() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    make_members(&node, &["carol"]).await;
    let request =
        Request::get(node.url("/api/v1/blocks?from=0")).header(header::ACCEPT, "application/x-ndjson");
    let mut response = node.client.send(request).await.unwrap();
    assert_eq!(response.header(&header::CONTENT_TYPE), Some("application/x-ndjson"));
    let mut text = Vec::new();
    while text.iter().filter(|byte| **byte == b'\n').count() < 2 {
        text.extend_from_slice(&timeout(DEADLINE, response.frame()).await.unwrap().unwrap().unwrap());
    }
    let lines: Vec<BlockView> =
        text.split(|byte| *byte == b'\n').take(2).map(|line| serde_json::from_slice(line).unwrap()).collect();
    assert_eq!((lines[0].height, lines[0].transactions.len()), (0, 0));
    assert_eq!(lines[1].parent, lines[0].hash);
    let transaction = &lines[1].transactions[0];
    assert_eq!((transaction.nonce, transaction.events.len()), (0, 1));
    assert_eq!(transaction.error, None);
    node.stop().await;
}
