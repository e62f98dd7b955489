//! The pool as submitters meet it.

use crate::support::{DEADLINE, close, genesis, key, now_ms};
use argosy_directory::{
    Call, Genesis, MembershipCall, Reject, Transaction,
    genesis::{GenesisBalance, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_domain::Keypair;
use argosy_ledger::{Engine, EngineConfig, EngineTask, Receipt, SubmitError};
use codec::Encode;
use std::{path::Path, pin::Pin};

const MINUTE: u64 = 60_000;

/// Rich can tip, Lead leads.
fn network() -> Genesis {
    let account = key("//Lead").account();
    Genesis {
        members: vec![GenesisMember { handle: "lead".to_owned(), account }],
        storage_group: GenesisGroup {
            workers: vec![GenesisWorker { member: "lead".to_owned(), role_account: account }],
            lead: Some(0),
        },
        balances: vec![GenesisBalance { account: key("//Rich").account(), amount: 100, locked: 0 }],
        ..genesis()
    }
}

fn open(dir: &Path, pool_count: usize) -> (Engine, EngineTask) {
    let config = EngineConfig { pool_count, ..EngineConfig::default() };
    Engine::open(dir, &network(), key("//Sequencer"), config).unwrap()
}

fn signed(key: &Keypair, nonce: u64, valid_ms: u64, tip: u128) -> Vec<u8> {
    let call = Call::Membership(MembershipCall::CreateMember { handle: format!("m-{nonce}-{tip}") });
    Transaction::sign_with_tip(key, network().hash(), nonce, now_ms() + valid_ms, tip, call).encode()
}

type Answer = Result<Receipt, SubmitError>;

/// Submits a transaction; gives the answer if there is one at once.
async fn try_begin(
    engine: &Engine,
    bytes: &[u8],
) -> Result<Pin<Box<impl Future<Output = Answer> + use<>>>, Answer> {
    let (engine, bytes) = (engine.clone(), bytes.to_vec());
    let mut submitted = Box::pin(async move { engine.submit(bytes).await });
    tokio::select! {
        biased;
        answer = &mut submitted => Err(answer),
        () = std::future::ready(()) => Ok(submitted),
    }
}

/// Submits a transaction that gets a place and cannot be in a block yet.
async fn begin(engine: &Engine, bytes: &[u8]) -> Pin<Box<impl Future<Output = Answer> + use<>>> {
    try_begin(engine, bytes).await.unwrap_or_else(|answer| panic!("answered at once: {answer:?}"))
}

async fn soon(submitted: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout(DEADLINE, submitted).await.unwrap()
}

#[tokio::test]
async fn a_higher_fee_replaces_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path(), 100);
    let rich = key("//Rich");
    let first = begin(&engine, &signed(&rich, 1, MINUTE, 20)).await;
    let dearer = engine.submit(signed(&rich, 1, MINUTE, 21)).await;
    assert_eq!(dearer, Err(SubmitError::NonceTaken { fee_needed: 22 }));
    let second = begin(&engine, &signed(&rich, 1, MINUTE, 22)).await;
    assert_eq!(soon(first).await, Err(SubmitError::Replaced));
    assert_eq!(engine.pool_count(), 1);
    engine.submit(signed(&rich, 0, MINUTE, 0)).await.unwrap();
    let receipt = soon(second).await.unwrap();
    assert_eq!((receipt.index, receipt.outcome.result), (1, Ok(())));
    let free = engine.read(|state| state.account(&rich.account()).free).await.unwrap();
    assert_eq!(free, 100 - 22);
    close(engine, task).await;
}

#[tokio::test]
async fn all_that_waits_of_an_account_must_be_payable() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path(), 100);
    let rich = key("//Rich");
    let waiting = begin(&engine, &signed(&rich, 1, MINUTE, 60)).await;
    let too_much = engine.submit(signed(&rich, 2, MINUTE, 41)).await;
    assert_eq!(too_much, Err(Reject::CannotPayFee.into()));
    engine.submit(signed(&rich, 0, MINUTE, 40)).await.unwrap();
    assert!(soon(waiting).await.is_ok());
    assert_eq!(engine.submit(signed(&key("//Alice"), 0, MINUTE, 1)).await, Err(Reject::CannotPayFee.into()));
    close(engine, task).await;
}

#[tokio::test]
async fn the_same_transaction_sent_again_gets_the_same_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path(), 100);
    let alice = key("//Alice");
    let bytes = signed(&alice, 1, MINUTE, 0);
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(begin(&engine, &bytes).await);
    }
    assert_eq!(engine.submit(bytes.clone()).await, Err(SubmitError::Waiting));
    // Who has gone makes room for another one.
    drop(all.remove(0));
    all.push(begin(&engine, &bytes).await);
    assert_eq!(engine.pool_count(), 1);
    engine.submit(signed(&alice, 0, MINUTE, 0)).await.unwrap();
    let mut receipts = Vec::new();
    for one in all {
        receipts.push(soon(one).await.unwrap());
    }
    receipts.dedup();
    assert_eq!(receipts.len(), 1);
    close(engine, task).await;
}

#[tokio::test]
async fn there_is_room_for_a_lead_where_there_is_none_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path(), 40);
    let mut all = Vec::new();
    for name in ["//1", "//2"] {
        all.push(begin(&engine, &signed(&key(name), 1, MINUTE, 0)).await);
    }
    // Of forty places two are for what is ahead of its nonce.
    assert_eq!(engine.submit(signed(&key("//3"), 1, MINUTE, 0)).await, Err(Reject::NonceFuture.into()));
    let lead = key("//Lead");
    for nonce in 1..=38 {
        all.push(begin(&engine, &signed(&lead, nonce, MINUTE, 0)).await);
    }
    // It is full now. Whoever is due finds no room, the lead does.
    assert_eq!(engine.submit(signed(&key("//4"), 0, MINUTE, 0)).await, Err(SubmitError::PoolFull));
    let first = soon(engine.submit(signed(&lead, 0, MINUTE, 0))).await.unwrap();
    assert_eq!(first.index, 0);
    close(engine, task).await;
    let displaced = [soon(all.remove(0)).await, soon(all.remove(0)).await];
    assert_eq!(displaced.iter().filter(|answer| **answer == Err(SubmitError::Displaced)).count(), 1);
    for nonce in all {
        assert_eq!(soon(nonce).await.map(|receipt| receipt.height), Ok(1));
    }
}

#[tokio::test]
async fn what_waits_for_too_long_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path(), 100);
    // One that lives shortly may have expired before it got a place.
    let mut life_ms = 300;
    let waiting = loop {
        match try_begin(&engine, &signed(&key("//Alice"), 1, life_ms, 0)).await {
            Ok(waiting) => break waiting,
            Err(answer) => assert!(answer == Err(Reject::Expired.into()) && life_ms < MINUTE, "{answer:?}"),
        }
        life_ms *= 2;
    };
    assert_eq!(soon(waiting).await, Err(Reject::Expired.into()));
    assert_eq!(engine.pool_count(), 0);
    close(engine, task).await;
}

/// A flood in the lead's name takes no place.
#[tokio::test]
async fn a_bad_signature_takes_no_place() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path(), 100);
    let mut forged = Transaction::decode(&signed(&key("//Alice"), 1, MINUTE, 0)).unwrap();
    forged.payload.signer = key("//Lead").account();
    for _ in 0..100 {
        assert_eq!(engine.submit(forged.encode()).await, Err(Reject::BadSignature.into()));
    }
    assert_eq!((engine.pool_count(), engine.pool_bytes()), (0, 0));
    close(engine, task).await;
}
