//! Ledgers that begin with a checkpoint from elsewhere.

use crate::{
    epochs::{blocks, change, run},
    support::{genesis, genesis_with_council, key, now_ms},
};
use argosy_directory::Genesis;
use argosy_ledger::{
    Anchor, Block, CheckpointConfig, Engine, EngineConfig, FinalityProof, OpenError, ReadError, Replica,
    SnapshotError,
    checkpoint::{self, Pace},
    install_change, install_snapshot, replay_from_newest,
};
use bytes::Bytes;
use codec::Encode;
use std::{
    fs,
    io::Read as _,
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

/// A ledger with blocks and a checkpoint, and where the checkpoint was copied to as another node would.
async fn ledger(dir: &Path, genesis: &Genesis) -> (PathBuf, u64) {
    run(&dir.join("whole"), genesis, "//Sequencer", 0..4).await;
    let checkpoints =
        CheckpointConfig { every_blocks: NonZeroU64::new(1).unwrap(), ..CheckpointConfig::default() };
    let config = EngineConfig { checkpoints, ..EngineConfig::default() };
    let (engine, mut task) = Engine::open(&dir.join("whole"), genesis, key("//Sequencer"), config).unwrap();
    crate::support::make_blocks_of(&engine, genesis, "//Bob", 0..1).await;
    let mut made = engine.checkpoint_height();
    made.wait_for(|height| *height > 0).await.unwrap();
    let (height, mut file) = engine.open_checkpoint().unwrap().unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    let copy = dir.join("sent.checkpoint");
    fs::write(&copy, bytes).unwrap();
    crate::support::make_blocks_of(&engine, genesis, "//Bob", 1..3).await;
    drop(engine);
    task.stop();
    task.join().await.unwrap();
    (copy, height)
}

fn block(dir: &Path, genesis: &Genesis, height: u64) -> Block {
    blocks(&dir.join("whole"), genesis, height).remove(0)
}

#[tokio::test]
async fn a_copy_begins_with_a_checkpoint_and_follows_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis();
    let (file, height) = ledger(dir.path(), &genesis).await;
    let copy = dir.path().join("copy");
    let sent: Bytes = block(dir.path(), &genesis, height).encode().into();
    let tip = install_snapshot(&copy, &file, &sent, &genesis, None).unwrap();
    assert_eq!(tip.height, height);
    assert!(!file.exists(), "moved");

    let (replica, mut task) = Replica::open(&copy, &genesis, EngineConfig::default()).unwrap();
    assert_eq!(*replica.head().borrow(), tip);
    let rest: Vec<Bytes> = blocks(&dir.path().join("whole"), &genesis, height + 1)
        .iter()
        .map(|block| block.encode().into())
        .collect();
    replica.append(rest, now_ms()).await.unwrap();
    assert_eq!(replica.oldest_block(), height);
    assert_eq!(replica.block_bytes(height).unwrap(), Some(sent.clone()));
    assert!(matches!(replica.block_bytes(1), Err(ReadError::Gone { oldest, .. }) if oldest == height));
    drop(replica);
    task.stop();
    task.join().await.unwrap();
    let whole = replay_from_newest(&dir.path().join("whole"), &genesis).unwrap();
    let again = replay_from_newest(&copy, &genesis).unwrap();
    assert_eq!((again.height, again.state_root), (whole.height, whole.state_root));
    let taken = install_snapshot(&copy, &file, &sent, &genesis, None);
    assert!(taken.is_err(), "nothing is overwritten");
}

#[tokio::test]
async fn what_is_not_proved_is_not_begun_with() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis();
    let (file, height) = ledger(dir.path(), &genesis).await;
    let good = block(dir.path(), &genesis, height);
    let copy = dir.path().join("copy");
    let install = |block: &Block, trusted: Option<[u8; 32]>| {
        install_snapshot(&copy, &file, &block.encode().into(), &genesis, trusted.as_ref())
    };
    let other = block(dir.path(), &genesis, height + 1);
    assert!(matches!(install(&other, None), Err(SnapshotError::OtherBlock)));
    let mut unsigned = good.clone();
    unsigned.proof = FinalityProof::sign(&key("//Mallory"), 0, &good.header.hash());
    assert!(matches!(install(&unsigned, None), Err(SnapshotError::Signature { .. })));
    assert!(matches!(install(&good, Some([9; 32])), Err(SnapshotError::NotTrusted { .. })));
    let elsewhere = Genesis { network: "other".to_owned(), ..genesis.clone() };
    let wrong = install_snapshot(&copy, &file, &good.encode().into(), &elsewhere, None).unwrap_err();
    assert!(matches!(wrong, SnapshotError::Checkpoint(_)), "{wrong}");
    assert!(file.exists() && !copy.exists(), "nothing was begun");

    // A sound file whose state is not the block's is found when the ledger is opened.
    let (anchor, _) = checkpoint::load(&file, &genesis).unwrap();
    let (_, state) = argosy_ledger::genesis_block(&genesis).unwrap();
    let forged = dir.path().join("forged.checkpoint");
    let at_genesis = Anchor {
        tip: argosy_ledger::ChainTip { height: 0, time_ms: genesis.time_ms, ..anchor.tip },
        changes: Vec::new(),
    };
    checkpoint::write(&forged, &at_genesis, &state, Pace::default(), &AtomicBool::new(false)).unwrap();
    assert!(install_snapshot(&copy, &forged, &good.encode().into(), &genesis, None).is_err());
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() - 100;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    install(&good, None).unwrap();
    let refused = Replica::open(&copy, &genesis, EngineConfig::default()).unwrap_err();
    assert!(matches!(refused, OpenError::NoCheckpoint { .. }), "{refused}");
}

#[tokio::test]
async fn a_change_of_keys_that_the_genesis_does_not_prove_needs_trust() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis_with_council();
    let whole = dir.path().join("whole");
    run(&whole, &genesis, "//Sequencer", 0..2).await;
    let approved = change(&whole, &genesis, "//Next", &["//Ann", "//Ben"]);
    install_change(&whole, &genesis, &approved).unwrap();
    let (engine, mut task) = Engine::open(&whole, &genesis, key("//Next"), EngineConfig::default()).unwrap();
    engine.head().wait_for(|tip| tip.height == 3).await.unwrap();
    let (tip, state) = (*engine.head().borrow(), engine.snapshot().unwrap());
    let sent: Bytes = engine.block_bytes(3).unwrap().unwrap();
    drop(engine);
    task.stop();
    task.join().await.unwrap();

    let file = dir.path().join("sent.checkpoint");
    let write = |approver: &str| {
        let change = match approver {
            "council" => approved.clone(),
            name => approved.terms.clone().approve(&key(name)),
        };
        let anchor = Anchor { tip, changes: vec![change] };
        checkpoint::write(&file, &anchor, &state, Pace::default(), &AtomicBool::new(false)).unwrap();
    };
    write("//LaterCouncil");
    let refused = install_snapshot(&dir.path().join("a"), &file, &sent, &genesis, None).unwrap_err();
    assert!(matches!(refused, SnapshotError::NeedsTrust { height: 3, .. }), "{refused}");
    install_snapshot(&dir.path().join("a"), &file, &sent, &genesis, Some(&tip.hash)).unwrap();
    write("council");
    install_snapshot(&dir.path().join("b"), &file, &sent, &genesis, None).unwrap();
}
