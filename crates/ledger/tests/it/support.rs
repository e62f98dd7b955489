//! A network of one sequencer, and the transactions that tests send to it.

use argosy_directory::{
    Call, Genesis, MembershipCall, Params, Profile, Transaction,
    genesis::{GenesisCouncil, GenesisGroup},
};
use argosy_domain::{KeyScheme, Keypair};
use argosy_ledger::{Engine, EngineConfig, EngineTask, Receipt};
use codec::Encode;
use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Longest that a test waits for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn key(uri: &str) -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap()
}

pub(crate) fn genesis() -> Genesis {
    Genesis {
        version: argosy_directory::genesis::GENESIS_VERSION,
        network: "ledger-test".to_owned(),
        profile: Profile::Local,
        time_ms: 1_700_000_000_000,
        sequencer: key("//Sequencer").account(),
        params: Params::local(),
        members: Vec::new(),
        storage_group: GenesisGroup::default(),
        distribution_group: GenesisGroup::default(),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    }
}

/// The same network with a council of three, of whom two decide.
pub(crate) fn genesis_with_council() -> Genesis {
    let keys = ["//Ann", "//Ben", "//Cat"].map(|name| key(name).account());
    Genesis { council: GenesisCouncil { keys: keys.into(), threshold: 2 }, ..genesis() }
}

pub(crate) fn open(dir: &Path) -> (Engine, EngineTask) {
    Engine::open(dir, &genesis(), key("//Sequencer"), EngineConfig::default()).unwrap()
}

pub(crate) async fn close(engine: Engine, mut task: EngineTask) {
    drop(engine);
    task.stop();
    tokio::time::timeout(DEADLINE, task.join()).await.expect("the engine stops in time").unwrap();
}

pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// A call that succeeds once for each handle.
pub(crate) fn transaction(key: &Keypair, nonce: u64, handle: &str) -> Vec<u8> {
    let call = Call::Membership(MembershipCall::CreateMember { handle: handle.to_owned() });
    Transaction::sign(key, genesis().hash(), nonce, now_ms() + 60_000, call).encode()
}

/// Submits transactions of one key on a network, one after the other: one block each.
pub(crate) async fn make_blocks_of(
    engine: &Engine,
    genesis: &Genesis,
    signer: &str,
    nonces: std::ops::Range<u64>,
) {
    for nonce in nonces {
        let call = Call::Membership(MembershipCall::CreateMember { handle: format!("of-{nonce}") });
        let transaction = Transaction::sign(&key(signer), genesis.hash(), nonce, now_ms() + 60_000, call);
        engine.submit(transaction.encode()).await.unwrap();
    }
}

/// Submits `count` transactions of one key, one after the other: one block each.
pub(crate) async fn make_blocks(engine: &Engine, signer: &str, from_nonce: u64, count: u64) -> Vec<Receipt> {
    let signer = key(signer);
    let mut receipts = Vec::new();
    for nonce in from_nonce..from_nonce + count {
        let handle = format!("member-{nonce}");
        receipts.push(engine.submit(transaction(&signer, nonce, &handle)).await.unwrap());
    }
    receipts
}
