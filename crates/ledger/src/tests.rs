//! What cannot be provoked from outside: a disk that stops taking writes, and crashes between steps.

mod steps;

use crate::{
    EngineConfig, EngineError, Stopped, SubmitError,
    data_dir::DataDir,
    engine::{Engine, SequencerKey},
    steps::Steps,
};
use argosy_directory::{
    Call, Genesis, MembershipCall, Params, Profile, Transaction,
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup},
};
use argosy_domain::{KeyScheme, Keypair};
use codec::Encode;
use rustix::io::Errno;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

#[tokio::test]
async fn a_write_that_fails_stops_the_engine_and_shows_nobody_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let sequencer = Keypair::from_uri(KeyScheme::Sr25519, "//Sequencer").unwrap();
    let genesis = genesis(&sequencer);
    let data_dir = DataDir::create(dir.path()).unwrap();
    drop(data_dir.open_or_create_log(&genesis.hash()).unwrap());
    // Opened for reading only, so that the append is refused.
    let log = data_dir.open_log(&genesis.hash()).unwrap();
    let key = SequencerKey::new(sequencer.clone(), &genesis).unwrap();
    let (engine, mut task) =
        Engine::start(data_dir, log, &genesis, key, EngineConfig::default(), Steps::default()).unwrap();

    let transaction = transaction(&sequencer, &genesis);
    assert_eq!(engine.submit(transaction).await, Err(SubmitError::Stopped(Stopped)));
    assert!(matches!(task.join().await, Err(EngineError::Write { .. })));
    assert_eq!(engine.read(|state| state.nonce(&sequencer.account())).await, Err(Stopped));
    assert_eq!(engine.head().borrow().height, 0);
    assert_eq!(engine.block_bytes(1).unwrap(), None);
}

#[tokio::test]
async fn a_full_disk_refuses_transactions_until_there_is_room() {
    static FULL: AtomicBool = AtomicBool::new(true);
    let dir = tempfile::tempdir().unwrap();
    let sequencer = Keypair::from_uri(KeyScheme::Sr25519, "//Sequencer").unwrap();
    let genesis = genesis(&sequencer);
    let data_dir = DataDir::create(dir.path()).unwrap();
    let log = data_dir
        .open_or_create_log(&genesis.hash())
        .unwrap()
        .with_allocate(|_, _, _| if FULL.load(Ordering::Relaxed) { Err(Errno::NOSPC) } else { Ok(()) });
    let key = SequencerKey::new(sequencer.clone(), &genesis).unwrap();
    let (engine, mut task) =
        Engine::start(data_dir, log, &genesis, key, EngineConfig::default(), Steps::default()).unwrap();

    let transaction = transaction(&sequencer, &genesis);
    for _ in 0..3 {
        assert_eq!(engine.submit(transaction.clone()).await, Err(SubmitError::NoRoom));
    }
    assert_eq!(engine.read(|state| state.nonce(&sequencer.account())).await, Ok(0), "readers are served");
    assert_eq!((engine.head().borrow().height, engine.pool_count()), (0, 0));
    FULL.store(false, Ordering::Relaxed);
    // The round of refusals that answered last may take one more.
    let receipt = loop {
        match engine.submit(transaction.clone()).await {
            Err(SubmitError::NoRoom) => {}
            answer => break answer.unwrap(),
        }
    };
    assert_eq!(receipt.height, 1);
    task.stop();
    task.join().await.unwrap();
}

fn transaction(signer: &Keypair, genesis: &Genesis) -> Vec<u8> {
    member(signer, genesis, 0)
}

/// The transaction of `signer` with this nonce, which makes a member.
fn member(signer: &Keypair, genesis: &Genesis, nonce: u64) -> Vec<u8> {
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let call = Call::Membership(MembershipCall::CreateMember { handle: format!("member-{nonce}") });
    Transaction::sign(signer, genesis.hash(), nonce, now + 60_000, call).encode()
}

pub(crate) fn genesis(sequencer: &Keypair) -> Genesis {
    Genesis {
        version: GENESIS_VERSION,
        network: "ledger-unit-test".to_owned(),
        profile: Profile::Local,
        time_ms: 1_700_000_000_000,
        sequencer: sequencer.account(),
        params: Params::local(),
        members: Vec::new(),
        storage_group: GenesisGroup::default(),
        distribution_group: GenesisGroup::default(),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    }
}
