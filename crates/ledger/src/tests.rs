//! What cannot be provoked from outside: a disk that stops taking writes.

use crate::{
    EngineConfig, EngineError, Stopped, SubmitError,
    data_dir::DataDir,
    engine::{Engine, SequencerKey},
};
use argosy_directory::{
    Call, Genesis, MembershipCall, Params, Profile, Transaction,
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup},
};
use argosy_domain::{KeyScheme, Keypair};
use codec::Encode;
use std::time::{SystemTime, UNIX_EPOCH};

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
    let (engine, mut task) = Engine::start(data_dir, log, &genesis, key, EngineConfig::default()).unwrap();

    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let call = Call::Membership(MembershipCall::CreateMember { handle: "alice".to_owned() });
    let transaction = Transaction::sign(&sequencer, genesis.hash(), 0, now + 60_000, call);
    assert_eq!(engine.submit(transaction.encode()).await, Err(SubmitError::Stopped(Stopped)));
    assert!(matches!(task.join().await, Err(EngineError::Write { .. })));
    assert_eq!(engine.read(|state| state.nonce(&sequencer.account())).await, Err(Stopped));
    assert_eq!(engine.head().borrow().height, 0);
    assert_eq!(engine.block_bytes(1).unwrap(), None);
}

fn genesis(sequencer: &Keypair) -> Genesis {
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
