//! Starting, stopping, starting again; and what stands in the way.

use crate::support::{Node, answer, chain, config, genesis, key, sign, start_error};
use argosy_api::genesis::GenesisFile;
use argosy_directory::{Call, MembershipCall};
use argosy_directory_node::{Checkpoints, Config, KeySource, Retention, StartError};
use argosy_ledger::{Engine, EngineConfig, replay};
use codec::Encode as _;
use std::{
    fs,
    num::{NonZeroU64, NonZeroUsize},
    path::Path,
};

fn create_member(handle: &str) -> Call {
    Call::Membership(MembershipCall::CreateMember { handle: handle.to_owned() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_where_the_node_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let status = node.directory.status().await.unwrap();
    assert_eq!((status.network.as_str(), status.height), ("node-test", 0));
    assert_eq!(status.genesis, hex::encode(genesis().hash()));
    node.call("//Carol", create_member("carol")).await;
    let before = node.directory.status().await.unwrap();
    assert_eq!((before.height, before.pool_count, before.objects_count), (1, 0, 0));
    node.stop().await;

    let report = replay(&config(dir.path()).data, &genesis()).unwrap();
    assert_eq!(hex::encode(report.state_root), before.state_root);

    let node = Node::start(dir.path()).await;
    let after = node.directory.status().await.unwrap();
    assert_eq!((after.height, after.head, after.state_root), (before.height, before.head, before.state_root));
    assert_eq!(node.directory.member("carol").await.unwrap().handle, "carol");
    node.stop().await;
}

/// Starts a node that cannot, and checks that the one line that it gives names `thing`.
async fn refused(config: Config, thing: &Path) -> StartError {
    let error = start_error(config).await;
    let line = chain(&error);
    assert!(line.contains(&thing.display().to_string()) && !line.contains('\n'), "{line}");
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_way_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let good = config(dir.path());
    let error = refused(good.clone(), &good.data).await;
    assert!(chain(&error).contains("in use by another process"), "{error}");

    let port_taken =
        Config { listen: node.running.endpoint(), data: dir.path().join("never"), ..good.clone() };
    let error = start_error(port_taken).await;
    assert!(chain(&error).contains(&node.running.endpoint().to_string()), "{error}");
    assert!(!dir.path().join("never").exists(), "nothing was begun");
    node.stop().await;

    let mut other = genesis();
    other.network = "other".to_owned();
    let other_path = dir.path().join("other.json");
    fs::write(&other_path, serde_json::to_vec(&GenesisFile::from(&other)).unwrap()).unwrap();
    let error = refused(Config { genesis: other_path.clone(), ..good.clone() }, &good.data).await;
    assert!(chain(&error).contains("belongs to network"), "{error}");

    let mut file = GenesisFile::from(&other);
    file.network = "changed".to_owned();
    fs::write(&other_path, serde_json::to_vec(&file).unwrap()).unwrap();
    refused(Config { genesis: other_path.clone(), ..good.clone() }, &other_path).await;
    fs::write(&other_path, "{}").unwrap();
    refused(Config { genesis: other_path.clone(), ..good.clone() }, &other_path).await;
    fs::remove_file(&other_path).unwrap();
    refused(Config { genesis: other_path.clone(), ..good.clone() }, &other_path).await;

    let wrong_key = Config { sequencer: Some(KeySource::Suri("//Alice".to_owned())), ..good.clone() };
    assert!(chain(&start_error(wrong_key).await).contains("signs blocks: give the key of that account"));

    let log = good.data.join("blocks.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes[8] = 9;
    fs::write(&log, bytes).unwrap();
    let error = refused(good, &log).await;
    assert!(chain(&error).contains("use a newer argosy"), "{error}");
}

/// Blocks that a node dropped are said to be gone, with a code that followers can act on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_that_were_dropped_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let few = NonZeroU64::new(4).unwrap();
    let engine_config = EngineConfig {
        segment_bytes: 1_000,
        ..Config {
            retention: Retention::Blocks(few),
            checkpoints: Checkpoints { blocks: few, kept: NonZeroUsize::MIN, ..Checkpoints::default() },
            ..config.clone()
        }
        .engine()
    };
    let (engine, mut task) =
        Engine::open(&config.data, &genesis(), key("//Sequencer"), engine_config).unwrap();
    for nonce in 0.. {
        let call = create_member(&format!("member-{nonce}"));
        engine.submit(sign(&key("//Carol"), nonce, call).encode()).await.unwrap();
        if engine.oldest_block() > 1 {
            break;
        }
    }
    drop(engine);
    task.stop();
    task.join().await.unwrap();

    let node = Node::start(dir.path()).await;
    for from in ["", "?from=0", "?from=1"] {
        let (status, body) = answer(node.get(&format!("/api/v1/blocks{from}")).await).await;
        assert_eq!(
            (status, body["code"].as_str(), body["retry"].as_str()),
            (410, Some("BLOCK_GONE"), Some("elsewhere"))
        );
    }
    let height = node.directory.status().await.unwrap().height;
    let block = node.directory.blocks(height).await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(block.header.height, height);
    node.stop().await;
}
