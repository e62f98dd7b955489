//! Directory nodes that follow others.

use crate::support::{DEADLINE, Node, answer, config, genesis, key, now_ms, start_error};
use argosy_api::{Confirmation, client::DirectoryClient, genesis::GenesisFile};
use argosy_directory::{Call, Genesis, MembershipCall, Transaction, genesis::GenesisCouncil};
use argosy_directory_node::{
    Checkpoints, Config, ConfirmConfig, FollowConfig, FollowFrom, KeySource, StandbysConfig, StartError,
};
use argosy_domain::{BagId, DynamicBagId, MemberId};
use argosy_http::{AddressPolicy, Client, ClientConfig, Request};
use argosy_ledger::{EpochChange, install_change, plan_change};
use argosy_node::{
    config::DirectoryUrls,
    follower::{Follower, FollowerConfig, begin_with_snapshot},
};
use codec::Encode as _;
use std::{
    fs,
    num::{NonZeroU32, NonZeroU64},
    path::Path,
    time::Duration,
};
use tokio::time::{Instant, interval};

fn urls(urls: &[&str]) -> DirectoryUrls {
    DirectoryUrls::new(urls.iter().map(|url| (*url).to_owned()).collect()).unwrap()
}

/// A node with its own folder that follows these.
fn following(dir: &Path, upstreams: &[&str]) -> Config {
    let follow =
        FollowConfig { upstreams: urls(upstreams), from: FollowFrom::Genesis, trust: None, confirm: None };
    Config { sequencer: None, follow: Some(follow), ..config(dir) }
}

fn joining(signer: &str, nonce: u64, handle: &str) -> Transaction {
    let call = Call::Membership(MembershipCall::CreateMember { handle: handle.to_owned() });
    Transaction::sign(&key(signer), network().hash(), nonce, now_ms() + 60_000, call)
}

/// The test's network, with a council of two who decide together.
fn network() -> Genesis {
    let keys = ["//Ann", "//Ben"].map(|name| key(name).account());
    Genesis { council: GenesisCouncil { keys: keys.into(), threshold: 2 }, ..genesis() }
}

/// The same configuration in the network with a council.
fn in_network(config: Config) -> Config {
    fs::write(&config.genesis, serde_json::to_vec(&GenesisFile::from(&network())).unwrap()).unwrap();
    config
}

async fn reach(directory: &DirectoryClient, height: u64) {
    let deadline = Instant::now() + DEADLINE;
    let mut poll = interval(Duration::from_millis(5));
    loop {
        poll.tick().await;
        let status = directory.status().await.unwrap();
        if status.height >= height {
            return;
        }
        assert!(Instant::now() < deadline, "{status:?}");
    }
}

async fn join(node: &Node, signer: &str, nonce: u64) -> u64 {
    let handle = format!("{}-{nonce}", signer.trim_start_matches('/').to_lowercase());
    let receipt = node.directory.submit(&joining(signer, nonce, &handle)).await.unwrap();
    assert_eq!(receipt.error, None);
    receipt.height
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_serves_the_same_passes_on_transactions_and_is_followed_itself() {
    let (a, b, c) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Node::start_with(in_network(config(a.path()))).await;
    join(&first, "//Bob", 0).await;
    let second = Node::start_with(in_network(following(b.path(), &[&first.url("")]))).await;
    let third = Node::start_with(in_network(following(c.path(), &[&second.url("")]))).await;
    let height = join(&third, "//Bob", 1).await;
    // Whoever sent it there sees at once what it did.
    assert_eq!(
        third.directory.member("bob-1").await.unwrap(),
        first.directory.member("bob-1").await.unwrap()
    );
    let (ours, theirs) = (third.directory.status().await.unwrap(), first.directory.status().await.unwrap());
    if ours.height == theirs.height {
        assert_eq!((&ours.head, &ours.state_root), (&theirs.head, &theirs.state_root));
    }
    let follow = ours.follow.unwrap();
    assert!(follow.connected && follow.halted.is_none() && follow.url == second.url(""));
    assert_eq!(theirs.follow, None);
    // What is refused up there is refused with the same words.
    let (status, body) = third.post(joining("//Bob", 1, "again").encode()).await;
    assert_eq!((status, body["code"].as_str()), (409, Some("NONCE_STALE")));
    let (status, body) = third.post(vec![1, 2, 3]).await;
    assert_eq!((status, body["code"].as_str()), (400, Some("MALFORMED_TRANSACTION")));
    let text =
        String::from_utf8(third.get("/metrics").await.collect(1 << 20).await.unwrap().to_vec()).unwrap();
    assert!(text.contains("argosy_follow_connected 1\n") && text.contains("argosy_follow_halted 0\n"));

    // Without those above, it answers what it knows, and says that transactions go nowhere.
    second.stop().await;
    first.stop().await;
    assert!(third.directory.member("bob-0").await.is_ok());
    let (status, body) = third.post(joining("//Bob", 2, "later").encode()).await;
    assert_eq!((status, body["code"].as_str()), (502, Some("UPSTREAM_UNREACHABLE")));
    third.stop().await;
    // And its ledger is whole.
    let report = argosy_ledger::replay(&c.path().join("data"), &network()).unwrap();
    assert!(report.height >= height);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_begins_with_a_snapshot() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let every = Checkpoints { blocks: NonZeroU64::new(5).unwrap(), ..Checkpoints::default() };
    let first = Node::start_with(in_network(Config { checkpoints: every, ..config(a.path()) })).await;
    let (status, body) = answer(first.get("/api/v1/snapshot").await).await;
    assert_eq!((status, body["code"].as_str()), (404, Some("NO_SNAPSHOT")));
    let mut height = 0;
    for nonce in 0..7 {
        height = join(&first, "//Bob", nonce).await;
    }
    let deadline = Instant::now() + DEADLINE;
    let mut poll = interval(Duration::from_millis(5));
    while first.directory.status().await.unwrap().checkpoint_height == 0 {
        poll.tick().await;
        assert!(Instant::now() < deadline);
    }
    let mut config = in_network(following(b.path(), &[&first.url("")]));
    config.follow.as_mut().unwrap().from = FollowFrom::Snapshot;
    let second = Node::start_with(config.clone()).await;
    reach(&second.directory, height).await;
    let status = second.directory.status().await.unwrap();
    assert!(status.oldest_block >= 5, "{status:?}");
    assert!(second.directory.member("bob-0").await.is_ok(), "what happened before the snapshot");
    let (status, body) = answer(second.get("/api/v1/blocks?from=1").await).await;
    assert_eq!((status, body["code"].as_str()), (410, Some("BLOCK_GONE")));
    let oldest = second.directory.status().await.unwrap().oldest_block;
    // A node that keeps only an index begins with what that one has: its first blocks are gone there.
    let index = FollowerConfig {
        genesis: network(),
        directories: urls(&[&second.url("")]),
        checkpoint: b.path().join("index.checkpoint"),
    };
    let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
    begin_with_snapshot(&index, &client).await;
    let (follower, _) = Follower::open(index, client).unwrap();
    let member = second.directory.member("bob-0").await.unwrap();
    let owned = BagId::Dynamic(DynamicBagId::Member(MemberId(member.id.0)));
    let (begun, owner) = follower.with_index(|index| (index.height(), index.owner_account(&owned)));
    assert_eq!((begun, owner), (oldest, Some(key("//Bob").account())));
    assert!(!b.path().join("index.snapshot").exists());
    second.stop().await;
    // Once begun it goes on from its own disk.
    let second = Node::start_with(config).await;
    reach(&second.directory, height).await;
    second.stop().await;
    first.stop().await;
    assert!(!b.path().join("data.snapshot").exists() && !b.path().join("data.partial").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_before_a_standby_has_it() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let standbys = StandbysConfig {
        accounts: vec![key("//Standby").account()],
        required: NonZeroU32::MIN,
        timeout_seconds: NonZeroU32::MIN,
    };
    let first =
        Node::start_with(in_network(Config { standbys: Some(standbys.clone()), ..config(a.path()) })).await;
    let lonely = first.post(joining("//Bob", 0, "bob-0").encode()).await;
    assert_eq!((lonely.0, lonely.1["code"].as_str()), (504, Some("NOT_CONFIRMED")));
    let status = first.directory.status().await.unwrap();
    assert_eq!(status.confirmed_height, Some(0));
    let said =
        |name: &str, hash: [u8; 32]| Confirmation::sign(&key(name), network().hash(), status.height, hash);
    let confirm = |said: Confirmation| {
        let request = Request::post(first.url("/api/v1/confirmations")).bytes(said.encode());
        async { answer(first.client.send(request).await.unwrap()).await }
    };
    let mut hash = [0; 32];
    hex::decode_to_slice(&status.head, &mut hash).unwrap();
    let (code, body) = confirm(said("//Mallory", hash)).await;
    assert_eq!((code, body["code"].as_str()), (403, Some("NOT_A_STANDBY")));
    let (code, body) = confirm(said("//Standby", [7; 32])).await;
    assert_eq!((code, body["code"].as_str()), (409, Some("ANOTHER_BLOCK")));
    assert_eq!(first.directory.status().await.unwrap().confirmed_height, Some(0));
    first.stop().await;

    // A standby that is there has the time that it needs.
    let standbys = StandbysConfig { timeout_seconds: NonZeroU32::new(60).unwrap(), ..standbys };
    let first = Node::start_with(in_network(Config { standbys: Some(standbys), ..config(a.path()) })).await;
    let mut config = in_network(following(b.path(), &[&first.url("")]));
    config.follow.as_mut().unwrap().confirm =
        Some(ConfirmConfig { key: KeySource::Suri("//Standby".to_owned()), to: urls(&[&first.url("")]) });
    let second = Node::start_with(config).await;
    let height = join(&first, "//Bob", 1).await;
    assert!(second.directory.status().await.unwrap().height >= height, "it has what was acknowledged");
    assert!(first.directory.status().await.unwrap().confirmed_height >= Some(height));
    second.stop().await;
    first.stop().await;
}

/// Submits until the node is gone; gives what was acknowledged.
async fn load(directory: DirectoryClient, signer: String) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for nonce in 0.. {
        let handle = format!("{}-{nonce}", signer.trim_start_matches('/').to_lowercase());
        match directory.submit(&joining(&signer, nonce, &handle)).await {
            Ok(receipt) => {
                assert_eq!(receipt.error, None);
                acknowledged.push(handle);
            }
            Err(_) => break,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_sequencers_disk_is_lost_under_load_a_standby_takes_over_with_all_that_was_acknowledged() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let standbys = StandbysConfig {
        accounts: vec![key("//Standby").account()],
        required: NonZeroU32::MIN,
        timeout_seconds: NonZeroU32::new(10).unwrap(),
    };
    let first_config = in_network(Config { standbys: Some(standbys), ..config(dirs[0].path()) });
    let first = Node::start_with(first_config.clone()).await;
    let mut standby = in_network(following(dirs[1].path(), &[&first.url("")]));
    standby.follow.as_mut().unwrap().confirm =
        Some(ConfirmConfig { key: KeySource::Suri("//Standby".to_owned()), to: urls(&[&first.url("")]) });
    let second = Node::start_with(standby.clone()).await;
    let loads: Vec<_> = (0..8)
        .map(|n| {
            tokio::spawn(load(
                DirectoryClient::new(first.client.clone(), &first.url("")),
                format!("//Load{n}"),
            ))
        })
        .collect();
    reach(&second.directory, 20).await;
    // The disk goes while transactions are under way; what runs on it follows.
    fs::remove_dir_all(&first_config.data).unwrap();
    drop(first);
    let mut acknowledged = Vec::new();
    for load in loads {
        acknowledged.extend(load.await.unwrap());
    }
    assert!(acknowledged.len() >= 20, "{}", acknowledged.len());
    second.stop().await;

    let terms = plan_change(&standby.data, &network(), vec![key("//Standby").account()]).unwrap();
    let mut change = EpochChange { terms, approvals: Vec::new() };
    change.add_approval(&key("//Ann"));
    assert!(install_change(&standby.data, &network(), &change).is_err(), "one of two");
    change.add_approval(&key("//Ben"));
    install_change(&standby.data, &network(), &change).unwrap();
    let promoted =
        Config { sequencer: Some(KeySource::Suri("//Standby".to_owned())), follow: None, ..standby };
    let second = Node::start_with(promoted).await;
    for handle in &acknowledged {
        assert!(second.directory.member(handle).await.is_ok(), "{handle} was acknowledged and is lost");
    }
    let status = second.directory.status().await.unwrap();
    assert_eq!((status.epoch, status.sequencers), (1, vec![key("//Standby").account().to_string()]));
    let height = join(&second, "//Bob", 0).await;

    // Who followed before goes on; the old sequencer, restored from anywhere, does not even start.
    let third = Node::start_with(in_network(following(dirs[2].path(), &[&second.url("")]))).await;
    reach(&third.directory, height).await;
    let fenced =
        start_error(Config { peers: Some(urls(&[&third.url("")])), standbys: None, ..first_config }).await;
    assert!(matches!(fenced, StartError::Fenced { epoch: 0, newer: 1, .. }), "{fenced}");
    third.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_histories_by_one_key_stop_who_follows_both() {
    let (a, b, c) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Node::start_with(in_network(config(a.path()))).await;
    let other = Node::start_with(in_network(config(b.path()))).await;
    join(&first, "//Bob", 0).await;
    join(&other, "//Carol", 0).await;
    let third = Node::start_with(in_network(following(c.path(), &[&first.url(""), &other.url("")]))).await;
    let deadline = Instant::now() + DEADLINE;
    let mut poll = interval(Duration::from_millis(20));
    let follow = loop {
        poll.tick().await;
        let follow = third.directory.status().await.unwrap().follow.unwrap();
        if follow.halted.is_some() {
            break follow;
        }
        assert!(Instant::now() < deadline, "{follow:?}");
    };
    let why = follow.halted.unwrap();
    assert!(why.contains("signed two histories") && why.contains(&other.url("")), "{why}");
    assert_eq!(follow.upstreams[1].agrees, Some(false));
    let (status, body) = answer(third.get("/readyz").await).await;
    assert_eq!((status, body["code"].as_str()), (503, Some("NOT_FOLLOWING")));
    assert!(third.directory.member("bob-0").await.is_ok(), "it keeps what it had and answers");
    for node in [third, other, first] {
        node.stop().await;
    }
}
