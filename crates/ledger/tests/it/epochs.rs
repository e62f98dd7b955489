//! Sequencing keys that change: handed over, decided by the council, and the old ones fenced.

use crate::support::{close, genesis, genesis_with_council, key, make_blocks_of};
use argosy_directory::Genesis;
use argosy_ledger::{
    Block, BlockError, ChainVerifier, Engine, EngineConfig, EpochChange, FinalityProof, OpenError,
    install_change, plan_change, read_blocks, replay,
};
use codec::Encode;
use std::path::Path;

/// Runs an engine for `count` blocks of one transaction each.
pub(crate) async fn run(dir: &Path, genesis: &Genesis, sequencer: &str, nonces: std::ops::Range<u64>) {
    let (engine, task) = Engine::open(dir, genesis, key(sequencer), EngineConfig::default()).unwrap();
    make_blocks_of(&engine, genesis, "//Alice", nonces).await;
    close(engine, task).await;
}

/// The change to `next`, as of the newest block in `dir`, with these approvals.
pub(crate) fn change(dir: &Path, genesis: &Genesis, next: &str, approvers: &[&str]) -> EpochChange {
    let terms = plan_change(dir, genesis, vec![key(next).account()]).unwrap();
    let mut change = EpochChange { terms, approvals: Vec::new() };
    approvers.iter().for_each(|name| change.add_approval(&key(name)));
    change
}

/// All blocks in `dir` from a height on.
pub(crate) fn blocks(dir: &Path, genesis: &Genesis, from: u64) -> Vec<Block> {
    let mut blocks = Vec::new();
    let read = read_blocks(dir, genesis, from..=u64::MAX, |block| {
        blocks.push(block.clone());
        Ok(())
    });
    read.unwrap();
    blocks
}

#[tokio::test]
async fn the_key_is_handed_over_and_the_old_one_is_fenced() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis();
    run(dir.path(), &genesis, "//Sequencer", 0..3).await;
    let change = change(dir.path(), &genesis, "//Next", &["//Sequencer"]);
    assert_eq!(install_change(dir.path(), &genesis, &change).unwrap().height, 3);
    let old = Engine::open(dir.path(), &genesis, key("//Sequencer"), EngineConfig::default()).unwrap_err();
    assert!(matches!(old, OpenError::OtherKey { .. }), "{old}");

    // It waits for no transaction.
    let (engine, task) = Engine::open(dir.path(), &genesis, key("//Next"), EngineConfig::default()).unwrap();
    engine.head().wait_for(|tip| tip.height == 4).await.unwrap();
    assert_eq!((engine.epochs().number(), engine.epochs().keys()), (1, &[key("//Next").account()][..]));
    close(engine, task).await;
    assert!(!dir.path().join("epoch.change").exists());
    run(dir.path(), &genesis, "//Next", 3..6).await;

    let report = replay(dir.path(), &genesis).unwrap();
    assert_eq!(report.height, 7);
    let all = blocks(dir.path(), &genesis, 1);
    let mut verifier = ChainVerifier::new(&genesis).unwrap();
    for block in &all {
        assert!(!verifier.check(block, None).unwrap().needs_council());
    }
    assert_eq!(verifier.anchor().changes, [change]);
    assert_eq!(blocks(dir.path(), &genesis, 6), all[5..], "read from the middle");

    // What the old key signs from there on counts for nothing.
    let mut forged = all[6].clone();
    forged.proof = FinalityProof::sign(&key("//Sequencer"), 0, &forged.header.hash());
    let mut verifier = ChainVerifier::new(&genesis).unwrap();
    for block in &all[..6] {
        let _ = verifier.check(block, None).unwrap();
    }
    assert_eq!(verifier.check(&forged, None), Err(BlockError::Fenced { epoch: 1, found: 0 }));
    forged.proof = FinalityProof::sign(&key("//Sequencer"), 1, &forged.header.hash());
    assert_eq!(verifier.check(&forged, None), Err(BlockError::Signature));
    forged.proof = FinalityProof::sign(&key("//Mallory"), 2, &forged.header.hash());
    assert_eq!(verifier.check(&forged, None), Err(BlockError::Epoch { epoch: 1 }));
}

#[tokio::test]
async fn the_council_replaces_a_key_that_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis_with_council();
    run(dir.path(), &genesis, "//Sequencer", 0..2).await;
    for too_few in [&["//Ann"][..], &["//Ann", "//Ann"], &["//Ann", "//Mallory"], &["//Next"], &[]] {
        let refused = install_change(dir.path(), &genesis, &change(dir.path(), &genesis, "//Next", too_few))
            .unwrap_err();
        assert!(matches!(refused, OpenError::Change { .. }), "{too_few:?}: {refused}");
    }
    let approved = change(dir.path(), &genesis, "//Next", &["//Ann", "//Cat"]);
    install_change(dir.path(), &genesis, &approved).unwrap();
    run(dir.path(), &genesis, "//Next", 2..3).await;
    assert!(replay(dir.path(), &genesis).unwrap().height >= 3);
    let all = blocks(dir.path(), &genesis, 1);
    let mut verifier = ChainVerifier::new(&genesis).unwrap();
    let checked: Vec<_> = all.iter().map(|block| verifier.check(block, None).unwrap()).collect();
    assert!(!checked[1].needs_council() && checked[2].needs_council());
    assert_eq!(checked[2].confirm(|_| false), Err(BlockError::Unapproved));
    let council = &genesis.council;
    assert_eq!(checked[2].confirm(|who| who.are_council(&council.keys, council.threshold)), Ok(()));
}

#[tokio::test]
async fn a_change_is_for_one_place_in_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis();
    run(dir.path(), &genesis, "//Sequencer", 0..1).await;
    let early = change(dir.path(), &genesis, "//Next", &["//Sequencer"]);
    run(dir.path(), &genesis, "//Sequencer", 1..2).await;
    let late = install_change(dir.path(), &genesis, &early).unwrap_err();
    assert!(late.to_string().contains("does not follow on the newest block"), "{late}");

    // Left there by hand, it stops the start instead of being dropped.
    let path = dir.path().join("epoch.change");
    std::fs::write(&path, early.encode()).unwrap();
    let stopped = Engine::open(dir.path(), &genesis, key("//Next"), EngineConfig::default()).unwrap_err();
    assert!(matches!(stopped, OpenError::Change { .. }), "{stopped}");
    std::fs::write(&path, b"nonsense").unwrap();
    let stopped =
        Engine::open(dir.path(), &genesis, key("//Sequencer"), EngineConfig::default()).unwrap_err();
    assert!(stopped.to_string().contains("is damaged"), "{stopped}");
    std::fs::remove_file(&path).unwrap();
    run(dir.path(), &genesis, "//Sequencer", 2..3).await;
}
