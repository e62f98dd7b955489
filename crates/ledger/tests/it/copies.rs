//! Backup and restore: copies of ledgers in use, at rest, and damaged.

use crate::support::{close, genesis, key, make_blocks};
use argosy_ledger::{
    Block, CheckpointConfig, Engine, EngineConfig, EngineTask, OpenError, ReadError, Retention, copy_ledger,
    read_blocks, replay_from_newest,
};
use std::{
    fs,
    num::{NonZeroU64, NonZeroUsize},
    path::Path,
    time::Duration,
};

const EVERY: u64 = 5;

fn open(dir: &Path, retention: Retention) -> (Engine, EngineTask) {
    let config = EngineConfig {
        block_interval: Duration::from_secs(3_600),
        checkpoints: CheckpointConfig {
            every_blocks: NonZeroU64::new(EVERY).unwrap(),
            kept: NonZeroUsize::new(2).unwrap(),
            ..CheckpointConfig::default()
        },
        retention,
        segment_bytes: 3_000,
        ..EngineConfig::default()
    };
    Engine::open(dir, &genesis(), key("//Sequencer"), config).unwrap()
}

fn few() -> Retention {
    Retention::Blocks(NonZeroU64::new(8).unwrap())
}

/// Makes blocks up to this height, and lets each checkpoint be made before the next block.
async fn grow(engine: &Engine, height: u64) {
    let mut checkpoint = engine.checkpoint_height();
    let next = engine.head().borrow().height;
    for nonce in next..height {
        let made = make_blocks(engine, "//Alice", nonce, 1).await[0].height;
        checkpoint.wait_for(|newest| newest + EVERY > made).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_ledger_in_use_has_the_same_root_and_goes_on() {
    for retention in [Retention::Archive, few()] {
        let root = tempfile::tempdir().unwrap();
        let (dir, backup, restored) =
            (root.path().join("data"), root.path().join("backup"), root.path().join("restored"));
        let (engine, task) = open(&dir, retention);
        grow(&engine, 27).await;
        let head = *engine.head().borrow();
        let report = copy_ledger(&dir, &backup, &genesis()).unwrap();
        assert_eq!((report.height, report.hash, report.state_root), (27, head.hash, head.state_root));
        assert!(report.from_height >= 15, "with a checkpoint: {}", report.from_height);
        grow(&engine, 30).await;
        close(engine, task).await;
        assert!(!backup.join("lock").exists() && !root.path().join("backup.partial").exists());

        // The disk is lost, and what came after the backup with it.
        fs::remove_dir_all(&dir).unwrap();
        fs::create_dir(&restored).unwrap();
        assert_eq!(copy_ledger(&backup, &restored, &genesis()).unwrap().hash, head.hash);
        let (engine, task) = open(&restored, retention);
        assert_eq!(*engine.head().borrow(), head);
        grow(&engine, 40).await;
        close(engine, task).await;
        assert_eq!(replay_from_newest(&restored, &genesis()).unwrap().height, 40);
    }
}

/// Submitters, checkpoints and dropping go on while copies are made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_made_under_load_hold_all_that_was_acknowledged_before() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    let (engine, task) = open(&dir, few());
    grow(&engine, 10).await;
    let load = {
        let engine = engine.clone();
        tokio::spawn(async move { grow(&engine, 200).await })
    };
    let mut copies = 0;
    while !load.is_finished() || copies == 0 {
        let (from, to) = (dir.clone(), root.path().join(format!("copy-{copies}")));
        let acknowledged = engine.head().borrow().height;
        let copied = tokio::task::spawn_blocking(move || copy_ledger(&from, &to, &genesis())).await.unwrap();
        match copied {
            Ok(report) => assert!(report.height >= acknowledged, "{} {acknowledged}", report.height),
            // Faster than any operator's: its checkpoint and the blocks after it are gone already.
            Err(error) => assert!(
                matches!(
                    error,
                    OpenError::NoCheckpoint { .. } | OpenError::MissingBlocks { .. } | OpenError::Io { .. }
                ),
                "{error}"
            ),
        }
        copies += 1;
    }
    load.await.unwrap();
    close(engine, task).await;
    let last = copy_ledger(&dir, &root.path().join("last"), &genesis()).unwrap();
    assert_eq!(last.height, 200);
}

#[tokio::test]
async fn a_copy_of_something_else_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (dir, to) = (root.path().join("data"), root.path().join("copy"));
    let (engine, task) = open(&dir, Retention::Archive);
    grow(&engine, 12).await;
    close(engine, task).await;
    let bytes = fs::read(dir.join("blocks.log")).unwrap();
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    fs::write(dir.join("blocks.log"), &damaged).unwrap();
    // Far behind the checkpoint, where a start does not look.
    assert!(matches!(copy_ledger(&dir, &to, &genesis()), Err(OpenError::Damaged { .. })));
    assert!(!to.exists() && !root.path().join("copy.partial").exists());
    fs::write(dir.join("blocks.log"), &bytes).unwrap();
    assert!(matches!(copy_ledger(&root.path().join("none"), &to, &genesis()), Err(OpenError::Io { .. })));
    copy_ledger(&dir, &to, &genesis()).unwrap();
    assert!(matches!(copy_ledger(&dir, &to, &genesis()), Err(OpenError::NotEmpty { .. })));
}

#[tokio::test]
async fn blocks_are_read_beside_the_engine() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path(), few());
    grow(&engine, 9).await;
    let heights = |from, to| {
        let mut seen = Vec::new();
        read_blocks(dir.path(), &genesis(), from..=to, |block: &Block| {
            seen.push(block.header.height);
            Ok(())
        })
        .map(|count| {
            assert_eq!(count, seen.len() as u64);
            seen
        })
    };
    assert_eq!(heights(0, 2).unwrap(), [0, 1, 2]);
    assert_eq!(heights(4, 5).unwrap(), [4, 5]);
    assert_eq!(heights(8, u64::MAX).unwrap(), [8, 9]);
    assert_eq!(heights(12, 13).unwrap(), [0_u64; 0]);
    for height in [20, 30, 40] {
        grow(&engine, height).await;
        engine.checkpoint_height().wait_for(|made| *made + 5 > height).await.unwrap();
    }
    let oldest = engine.oldest_block();
    assert!(oldest > 1);
    assert_eq!(heights(oldest, oldest + 1).unwrap(), [oldest, oldest + 1]);
    assert!(matches!(heights(1, 2), Err(OpenError::Read(ReadError::Gone { .. }))));
    close(engine, task).await;
}
