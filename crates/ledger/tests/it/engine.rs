//! Submitting, reading back, restarting.

use crate::support::{DEADLINE, close, genesis, key, make_blocks, now_ms, open, transaction};
use argosy_directory::{Call, Event, MembershipCall, Reject, Transaction};
use argosy_domain::limits::MAX_TRANSACTION_LIFE_MS;
use argosy_ledger::{Block, Engine, EngineConfig, OpenError, SubmitError, replay};
use codec::Encode;
use std::time::Duration;

#[tokio::test]
async fn a_receipt_says_where_and_what() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path());
    let bytes = transaction(&key("//Alice"), 0, "alice");
    let receipt = engine.submit(bytes.clone()).await.unwrap();
    assert_eq!((receipt.height, receipt.index), (1, 0));
    assert_eq!(receipt.outcome.result, Ok(()));
    assert!(
        matches!(&receipt.outcome.events[..], [Event::MemberCreated { handle, .. }] if handle == "alice")
    );
    assert_eq!(receipt.hash, Transaction::decode(&bytes).unwrap().hash());

    let failed = engine.submit(transaction(&key("//Bob"), 0, "alice")).await.unwrap();
    assert!(failed.outcome.result.is_err(), "failed calls are recorded too");
    assert!(failed.outcome.events.is_empty());

    let block = Block::decode_bytes(&engine.block_bytes(1).unwrap().unwrap()).unwrap();
    assert_eq!(block.transactions, [bytes]);
    assert_eq!(block.outcomes, std::slice::from_ref(&receipt.outcome));
    assert_eq!(block.events().count(), 1);
    assert_eq!(engine.find_transaction(&receipt.hash).unwrap(), Some(receipt));
    assert_eq!(engine.find_transaction(&[0; 32]).unwrap(), None);
    assert_eq!(engine.block_bytes(3).unwrap(), None);
    let nonce = engine.read(|state| state.nonce(&key("//Alice").account())).await.unwrap();
    assert_eq!(nonce, 1);
    close(engine, task).await;
}

#[tokio::test]
async fn a_restart_gives_the_same_state() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path());
    let receipts = make_blocks(&engine, "//Alice", 0, 5).await;
    let before = *engine.head().borrow();
    assert!(matches!(replay(dir.path(), &genesis()), Err(OpenError::InUse { .. })));
    close(engine, task).await;

    let report = replay(dir.path(), &genesis()).unwrap();
    assert_eq!((report.height, report.state_root, report.hash), (5, before.state_root, before.hash));
    assert_eq!((report.transactions_count, report.unfinished_bytes), (5, 0));

    let (engine, task) = open(dir.path());
    assert_eq!(*engine.head().borrow(), before);
    assert_eq!(engine.find_transaction(&receipts[3].hash).unwrap().as_ref(), Some(&receipts[3]));
    assert!(engine.recent_blocks_bytes(5, usize::MAX).is_empty(), "only in the file");
    assert_eq!(make_blocks(&engine, "//Alice", 5, 70).await[0].height, 6);
    // Partly from the file, partly from memory: the same bytes.
    let all = engine.blocks_bytes(1, usize::MAX).unwrap();
    assert_eq!(all.len(), 75);
    assert_eq!(engine.recent_blocks_bytes(12, usize::MAX), all[11..], "the newest 64");
    assert!(engine.recent_blocks_bytes(11, usize::MAX).is_empty());
    close(engine, task).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_submitters_share_blocks_and_keep_their_order() {
    const SUBMITTERS: u64 = 32;
    const EACH: u64 = 20;
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path());
    let submitters: Vec<_> = (0..SUBMITTERS)
        .map(|n| {
            let engine = engine.clone();
            tokio::spawn(async move { make_blocks(&engine, &format!("//Submitter//{n}"), 0, EACH).await })
        })
        .collect();
    let mut places = Vec::new();
    for submitter in submitters {
        let receipts = submitter.await.unwrap();
        assert!(receipts.is_sorted_by_key(|receipt| (receipt.height, receipt.index)));
        for receipt in receipts {
            assert_eq!(engine.find_transaction(&receipt.hash).unwrap().as_ref(), Some(&receipt));
            places.push((receipt.height, receipt.index));
        }
    }
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len() as u64, SUBMITTERS * EACH, "each has its own place");
    let height = engine.head().borrow().height;
    assert!(height < SUBMITTERS * EACH / 2, "{height} blocks: submitters did not share them");
    let blocks = engine.blocks_bytes(0, usize::MAX).unwrap();
    assert_eq!(blocks.len() as u64, height + 1);
    assert_eq!(engine.blocks_bytes(1, 1).unwrap(), blocks[1..2], "at least one");
    assert_eq!(engine.recent_blocks_bytes(height, usize::MAX), blocks[blocks.len() - 1..]);
    assert!(engine.recent_blocks_bytes(height + 1, usize::MAX).is_empty());
    close(engine, task).await;
    assert_eq!(replay(dir.path(), &genesis()).unwrap().transactions_count, SUBMITTERS * EACH);
}

#[tokio::test]
async fn what_does_not_belong_into_a_block_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path());
    let alice = key("//Alice");
    let call = || Call::Membership(MembershipCall::CreateMember { handle: "alice".to_owned() });
    let signed = |genesis, nonce, until| Transaction::sign(&alice, genesis, nonce, until, call()).encode();
    let (ours, soon) = (genesis().hash(), now_ms() + 60_000);

    let once = signed(ours, 0, soon);
    engine.submit(once.clone()).await.unwrap();
    assert_eq!(engine.submit(once).await, Err(SubmitError::Refused(Reject::NonceStale)), "twice");
    assert_eq!(engine.submit(signed([1; 32], 1, soon)).await, Err(Reject::WrongNetwork.into()));
    assert_eq!(engine.submit(signed(ours, 1, now_ms() - 1_000)).await, Err(Reject::Expired.into()));
    let late = now_ms() + 2 * MAX_TRANSACTION_LIFE_MS;
    assert_eq!(engine.submit(signed(ours, 1, late)).await, Err(Reject::ValidTooLong.into()));
    let mut forged = Transaction::sign(&alice, ours, 1, soon, call());
    forged.payload.signer = key("//Bob").account();
    assert_eq!(engine.submit(forged.encode()).await, Err(Reject::BadSignature.into()));
    assert_eq!(engine.submit(vec![7; 40]).await, Err(SubmitError::Malformed));
    assert_eq!(engine.submit(vec![0; 70_000]).await, Err(SubmitError::Malformed));
    assert_eq!(engine.head().borrow().height, 1, "refusals make no block");
    assert_eq!(engine.pool_count(), 0);
    close(engine, task).await;
}

#[tokio::test]
async fn nonces_may_arrive_out_of_order() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path());
    let alice = key("//Alice");
    let early: Vec<_> = [2, 1]
        .map(|nonce| {
            let (engine, bytes) = (engine.clone(), transaction(&alice, nonce, &format!("alice-{nonce}")));
            tokio::spawn(async move { engine.submit(bytes).await })
        })
        .into();
    while engine.pool_count() < 2 {
        tokio::task::yield_now().await;
    }
    let first = engine.submit(transaction(&alice, 0, "alice-0")).await.unwrap();
    for (submitter, index) in early.into_iter().zip([2, 1]) {
        let receipt = submitter.await.unwrap().unwrap();
        assert_eq!((receipt.height, receipt.index), (first.height, index));
    }
    close(engine, task).await;
}

#[tokio::test]
async fn future_nonces_get_a_bounded_room() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path());
    let alice = key("//Alice");
    let mut submitters = tokio::task::JoinSet::new();
    for nonce in 1..=65 {
        let (engine, bytes) = (engine.clone(), transaction(&alice, nonce, "alice"));
        submitters.spawn(async move { engine.submit(bytes).await });
    }
    let refused = tokio::time::timeout(DEADLINE, submitters.join_next()).await.unwrap();
    assert_eq!(refused.unwrap().unwrap(), Err(Reject::NonceFuture.into()));
    assert_eq!(submitters.len(), 64);
    assert_eq!(engine.pool_count(), 64);
    // The others are told when the engine stops.
    close(engine, task).await;
    while let Some(answer) = submitters.join_next().await {
        assert!(matches!(answer.unwrap(), Err(SubmitError::Stopped(_))));
    }
}

#[tokio::test]
async fn a_full_pool_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let config = EngineConfig { pool_bytes: 100, ..EngineConfig::default() };
    let (engine, task) = Engine::open(dir.path(), &genesis(), key("//Sequencer"), config).unwrap();
    assert_eq!(engine.submit(transaction(&key("//Alice"), 0, "alice")).await, Err(SubmitError::PoolFull));
    close(engine, task).await;
}

#[tokio::test]
async fn a_block_is_made_even_when_nothing_happens() {
    let dir = tempfile::tempdir().unwrap();
    let config = EngineConfig { block_interval: Duration::from_millis(10), ..EngineConfig::default() };
    let (engine, task) = Engine::open(dir.path(), &genesis(), key("//Sequencer"), config).unwrap();
    let mut head = engine.head();
    let third = tokio::time::timeout(DEADLINE, head.wait_for(|head| head.height >= 3)).await;
    let tip = *third.unwrap().unwrap();
    assert!(tip.time_ms.abs_diff(now_ms()) < 30_000, "the time is the clock's");
    close(engine, task).await;
    assert_eq!(replay(dir.path(), &genesis()).unwrap().transactions_count, 0);
}

#[tokio::test]
async fn a_stopped_engine_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, mut task) = open(dir.path());
    task.stop();
    task.join().await.unwrap();
    let answer = engine.submit(transaction(&key("//Alice"), 0, "alice")).await;
    assert!(matches!(answer, Err(SubmitError::Stopped(_))));
    // The directory is free although a handle is still held.
    let (second, task) = open(dir.path());
    close(second, task).await;
    assert!(engine.read(|state| state.next_object_id()).await.is_ok(), "its last state may still be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_word_to_stop_is_never_missed() {
    // Only that word ends the wait for the next block: a missed one would run into the deadline.
    let config = EngineConfig { block_interval: Duration::from_secs(3_600), ..EngineConfig::default() };
    for round in 0..50 {
        let dir = tempfile::tempdir().unwrap();
        let (engine, task) = Engine::open(dir.path(), &genesis(), key("//Sequencer"), config).unwrap();
        let submitters: Vec<_> = (0..8)
            .map(|n| {
                let (engine, bytes) = (engine.clone(), transaction(&key(&format!("//{n}")), 0, "member"));
                tokio::spawn(async move { engine.submit(bytes).await })
            })
            .collect();
        while engine.head().borrow().height < round % 2 {
            tokio::task::yield_now().await;
        }
        close(engine, task).await;
        for submitter in submitters {
            assert!(matches!(submitter.await.unwrap(), Ok(_) | Err(SubmitError::Stopped(_))));
        }
    }
}
