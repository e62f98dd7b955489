//! A state on disk: written, damaged, replayed from.

use crate::support::{close, genesis, make_blocks, open};
use argosy_directory::Genesis;
use argosy_ledger::{
    Anchor, ChainTip, OpenError,
    checkpoint::{self, CheckpointError, Pace},
    error::ChainError,
    replay, replay_from,
};
use std::{fs, path::Path, sync::atomic::AtomicBool};

fn write(path: &Path, anchor: &Anchor, state: &argosy_directory::State) -> checkpoint::Written {
    checkpoint::write(path, anchor, state, Pace::default(), &AtomicBool::new(false)).unwrap()
}

/// Checkpoints of the first `count` blocks of one chain, which goes on to twice as many.
async fn checkpoints(dir: &Path, count: u64) {
    let (engine, task) = open(dir);
    for nonce in 0..count {
        make_blocks(&engine, "//Alice", nonce, 1).await;
        let (tip, state) = (*engine.head().borrow(), engine.snapshot().unwrap());
        let anchor = Anchor { tip, changes: Vec::new() };
        write(&dir.join(format!("{}.checkpoint", tip.height)), &anchor, &state);
    }
    make_blocks(&engine, "//Alice", count, count).await;
    close(engine, task).await;
}

#[tokio::test]
async fn a_replay_from_any_checkpoint_gives_the_same_state() {
    let dir = tempfile::tempdir().unwrap();
    checkpoints(dir.path(), 10).await;
    let whole = replay(dir.path(), &genesis()).unwrap();
    for height in 1..=10 {
        let path = dir.path().join(format!("{height}.checkpoint"));
        let (anchor, state) = checkpoint::load(&path, &genesis()).unwrap();
        assert_eq!(anchor.tip.height, height);
        let rest = replay_from(dir.path(), &genesis(), anchor, state).unwrap();
        assert_eq!((rest.hash, rest.state_root, rest.from_height), (whole.hash, whole.state_root, height));
        assert_eq!(rest.transactions_count, whole.transactions_count - height);
    }
}

#[tokio::test]
async fn a_checkpoint_of_another_chain_is_not_gone_on_from() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    checkpoints(dir.path(), 2).await;
    let (engine, task) = open(other.path());
    make_blocks(&engine, "//Bob", 0, 3).await;
    close(engine, task).await;
    let load = || checkpoint::load(&dir.path().join("2.checkpoint"), &genesis()).unwrap();
    let (anchor, state) = load();
    let error = replay_from(other.path(), &genesis(), anchor, state).unwrap_err();
    assert!(matches!(error, OpenError::Block { source: ChainError::OtherCheckpoint, .. }), "{error}");
    let (engine, task) = open(&other.path().join("short"));
    close(engine, task).await;
    let (anchor, state) = load();
    let error = replay_from(&other.path().join("short"), &genesis(), anchor, state).unwrap_err();
    assert!(matches!(error, OpenError::BehindCheckpoint { height: 2, .. }), "{error}");
}

/// Whatever byte is changed, and wherever the file is cut off.
#[tokio::test]
async fn damage_is_found_and_said() {
    let dir = tempfile::tempdir().unwrap();
    checkpoints(dir.path(), 3).await;
    let path = dir.path().join("3.checkpoint");
    let bytes = fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        checkpoint::load(&path, &genesis()).expect_err("damage must be found")
    };
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        let error = refused(&damaged);
        match place {
            0..8 => assert!(matches!(error, CheckpointError::NotACheckpoint { .. }), "{place}: {error}"),
            8..10 => assert!(matches!(error, CheckpointError::NewerFormat { .. }), "{place}: {error}"),
            _ => assert!(matches!(error, CheckpointError::Damaged { .. }), "{place}: {error}"),
        }
        assert!(error.to_string().contains("3.checkpoint"), "{error}");
        refused(&bytes[..place]);
    }
    refused(&[&bytes[..], &[0]].concat());
    fs::write(&path, &bytes).unwrap();
    let other = Genesis { network: "other".to_owned(), ..genesis() };
    assert!(matches!(checkpoint::load(&path, &other), Err(CheckpointError::OtherNetwork { .. })));
}

#[tokio::test]
async fn a_checkpoint_that_is_not_finished_leaves_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    checkpoints(dir.path(), 1).await;
    let path = dir.path().join("1.checkpoint");
    let (anchor, state) = checkpoint::load(&path, &genesis()).unwrap();
    let stopped = checkpoint::write(&path, &anchor, &state, Pace::default(), &AtomicBool::new(true));
    assert!(matches!(stopped, Err(CheckpointError::Stopped { .. })));
    assert!(!path.with_extension("new").exists());
    assert_eq!(checkpoint::load(&path, &genesis()).unwrap().0, anchor);
    let with = |tip| Anchor { tip, changes: Vec::new() };
    let later = with(ChainTip { height: 2, ..anchor.tip });
    let refused = checkpoint::write(&path, &later, &state, Pace::default(), &AtomicBool::new(false));
    assert!(matches!(refused, Err(CheckpointError::OtherBlock { height: 2 })));
    // Sound bytes, another root.
    let wrong = with(ChainTip { state_root: [0; 32], ..anchor.tip });
    write(&path, &wrong, &state);
    assert!(matches!(checkpoint::load(&path, &genesis()), Err(CheckpointError::StateRoot { height: 1, .. })));
}
