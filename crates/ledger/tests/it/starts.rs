//! Starts from checkpoints, of logs in several segments, and of what damage leaves of them.

use crate::support::{close, genesis, key, make_blocks};
use argosy_ledger::{
    ChainTip, CheckpointConfig, Engine, EngineConfig, EngineTask, OpenError, ReadError, Retention, replay,
    replay_from_newest,
};
use std::{
    fs,
    num::{NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

fn config(kept: usize, retention: Retention) -> EngineConfig {
    EngineConfig {
        block_interval: Duration::from_secs(3_600),
        checkpoints: CheckpointConfig {
            every_blocks: NonZeroU64::new(5).unwrap(),
            kept: NonZeroUsize::new(kept).unwrap(),
            ..CheckpointConfig::default()
        },
        retention,
        segment_bytes: 3_000,
        ..EngineConfig::default()
    }
}

fn blocks(count: u64) -> Retention {
    Retention::Blocks(NonZeroU64::new(count).unwrap())
}

fn try_open(dir: &Path, config: EngineConfig) -> Result<(Engine, EngineTask), OpenError> {
    Engine::open(dir, &genesis(), key("//Sequencer"), config)
}

/// Makes blocks up to `height`, and each checkpoint before the next block.
async fn grow(engine: &Engine, height: u64) {
    let made = engine.head().borrow().height;
    for nonce in made..height {
        let made = make_blocks(engine, "//Alice", nonce, 1).await[0].height;
        if made.is_multiple_of(5) {
            engine.checkpoint_height().wait_for(|height| *height == made).await.unwrap();
        }
    }
}

async fn ledger(dir: &Path, config: EngineConfig, height: u64) -> ChainTip {
    let (engine, task) = try_open(dir, config).unwrap();
    grow(&engine, height).await;
    let head = *engine.head().borrow();
    close(engine, task).await;
    head
}

/// Names of files in a folder that end so, sorted by the number in them.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.to_str().unwrap().ends_with(ending));
    found.sort_by_key(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.chars().filter(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap_or(0)
    });
    found
}

fn checkpoints(dir: &Path) -> Vec<PathBuf> {
    files(&dir.join("checkpoints"), ".checkpoint")
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    files(dir, ".log")
}

#[tokio::test]
async fn a_start_from_a_checkpoint_is_a_replay_from_the_genesis() {
    let dir = tempfile::tempdir().unwrap();
    let head = ledger(dir.path(), config(3, Retention::Archive), 33).await;
    assert!(segments(dir.path()).len() > 3, "{:?}", segments(dir.path()));
    let names: Vec<_> =
        checkpoints(dir.path()).iter().map(|path| path.file_stem().unwrap().to_owned()).collect();
    assert_eq!(names, ["20", "25", "30"], "three generations");

    let whole = replay(dir.path(), &genesis()).unwrap();
    assert_eq!(
        (whole.height, whole.hash, whole.from_height, whole.transactions_count),
        (33, head.hash, 0, 33)
    );
    let short = replay_from_newest(dir.path(), &genesis()).unwrap();
    assert_eq!((short.height, short.hash, short.state_root), (33, whole.hash, whole.state_root));
    assert_eq!((short.from_height, short.transactions_count), (30, 3));

    let (engine, task) = try_open(dir.path(), config(3, Retention::Archive)).unwrap();
    assert_eq!((*engine.head().borrow(), *engine.checkpoint_height().borrow()), (head, 30));
    // Blocks and transactions from before the checkpoint are found, in all segments.
    for height in 1..=33 {
        let bytes = engine.block_bytes(height).unwrap().unwrap();
        let block = argosy_ledger::Block::decode_bytes(&bytes).unwrap();
        assert_eq!(block.header.height, height);
        let hash = argosy_ledger::block::transaction_hash(&block.transactions[0]);
        assert_eq!(engine.find_transaction(&hash).unwrap().unwrap().height, height);
    }
    assert_eq!(engine.blocks_bytes(1, usize::MAX).unwrap().len(), 33, "through all segments");
    assert_eq!(engine.block_bytes(34).unwrap(), None);
    grow(&engine, 40).await;
    close(engine, task).await;
    assert_eq!(replay(dir.path(), &genesis()).unwrap().height, 40);
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_used_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(3, Retention::Archive);
    let head = ledger(dir.path(), config, 17).await;
    let found = checkpoints(dir.path());
    for (path, from) in found.iter().rev().zip([10, 5, 0]) {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(replay_from_newest(dir.path(), &genesis()).unwrap().from_height, from);
        let (engine, task) = try_open(dir.path(), config).unwrap();
        assert_eq!((*engine.head().borrow(), *engine.checkpoint_height().borrow()), (head, from));
        close(engine, task).await;
    }
    // Sound ones, but of other chains.
    let other = tempfile::tempdir().unwrap();
    let (engine, task) = try_open(other.path(), config).unwrap();
    make_blocks(&engine, "//Bob", 0, 5).await;
    engine.checkpoint_height().wait_for(|height| *height == 5).await.unwrap();
    close(engine, task).await;
    fs::copy(&checkpoints(other.path())[0], &found[0]).unwrap();
    fs::copy(&checkpoints(other.path())[0], &found[1]).unwrap();
    assert_eq!(replay_from_newest(dir.path(), &genesis()).unwrap().from_height, 0);
    assert_eq!(replay_from_newest(dir.path(), &genesis()).unwrap().hash, head.hash);
}

/// Every file changed, cut, emptied and removed: the start is right or refused, and where it is right
/// it has all blocks. The newest checkpoint is that of the newest block, so that no cut is taken for a
/// write that never ended.
#[tokio::test]
async fn whatever_is_damaged_nothing_is_lost_silently() {
    for retention in [Retention::Archive, blocks(12)] {
        let dir = tempfile::tempdir().unwrap();
        let config = config(2, retention);
        let head = ledger(dir.path(), config, 30).await;
        let mut files = [segments(dir.path()), checkpoints(dir.path())].concat();
        files.extend(Some(dir.path().join("blocks.floor")).filter(|path| path.exists()));
        assert_eq!(files.len() > segments(dir.path()).len() + 2, retention != Retention::Archive);
        let (mut started, mut refused) = (0, 0);
        let mut judge = |what: String| match replay_from_newest(dir.path(), &genesis()) {
            Ok(report) => {
                assert_eq!((report.height, report.hash), (30, head.hash), "{what}");
                started += 1;
            }
            Err(error) => {
                assert!(!error.to_string().contains('\n'), "{what}: {error}");
                refused += 1;
            }
        };
        for path in &files {
            let bytes = fs::read(path).unwrap();
            let name = path.display();
            for at in (0..bytes.len()).step_by(53).chain(0..bytes.len().min(180)) {
                let mut flipped = bytes.clone();
                flipped[at] ^= 0x10;
                fs::write(path, &flipped).unwrap();
                judge(format!("{name}: byte {at} flipped"));
                fs::write(path, &bytes[..at]).unwrap();
                judge(format!("{name}: cut at {at}"));
            }
            fs::remove_file(path).unwrap();
            judge(format!("{name}: removed"));
            fs::write(path, &bytes).unwrap();
        }
        assert!(started > 100 && refused > 100, "{started} {refused}");
        // The same with the engine itself, for a few.
        for path in &files {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            if let Ok((engine, task)) = try_open(dir.path(), config) {
                assert_eq!(*engine.head().borrow(), head, "{}", path.display());
                close(engine, task).await;
            }
            fs::write(path, &bytes).unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_shorter_than_its_checkpoints_is_not_gone_on_from() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(2, Retention::Archive);
    ledger(dir.path(), config, 30).await;
    // The newest segment is lost; whether its checkpoints are sound or not makes no difference.
    fs::remove_file(segments(dir.path()).last().unwrap()).unwrap();
    for path in checkpoints(dir.path()).iter().rev() {
        let error = try_open(dir.path(), config).unwrap_err();
        assert!(matches!(error, OpenError::BehindCheckpoint { .. }), "{error}");
        fs::write(path, b"damaged").unwrap();
    }
    assert!(matches!(try_open(dir.path(), config), Err(OpenError::BehindCheckpoint { height: 30, .. })));
}

#[tokio::test]
async fn old_blocks_are_dropped_behind_checkpoints_only() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(2, blocks(12));
    let (engine, task) = try_open(dir.path(), config).unwrap();
    grow(&engine, 4).await;
    assert_eq!(engine.oldest_block(), 1);
    grow(&engine, 60).await;
    let oldest = engine.oldest_block();
    assert!((40..=49).contains(&oldest), "the last 12, and the segment that they begin in: {oldest}");
    assert!(matches!(engine.block_bytes(1), Err(ReadError::Gone { height: 1, oldest: at }) if at == oldest));
    assert!(matches!(engine.blocks_bytes(oldest - 1, 1), Err(ReadError::Gone { .. })));
    assert_eq!(engine.blocks_bytes(oldest, usize::MAX).unwrap().len() as u64, 61 - oldest);
    assert!(engine.block_bytes(0).unwrap().is_some(), "block 0 follows from the genesis");
    close(engine, task).await;

    // There is no way back to the genesis, and without a checkpoint none forward.
    assert!(matches!(replay(dir.path(), &genesis()), Err(OpenError::NoCheckpoint { .. })));
    assert_eq!(replay_from_newest(dir.path(), &genesis()).unwrap().height, 60);
    let (engine, task) = try_open(dir.path(), config).unwrap();
    assert_eq!((engine.head().borrow().height, engine.oldest_block()), (60, oldest));
    close(engine, task).await;
    for path in checkpoints(dir.path()) {
        fs::remove_file(path).unwrap();
    }
    let error = try_open(dir.path(), config).unwrap_err();
    assert!(matches!(error, OpenError::NoCheckpoint { oldest: at, .. } if at == oldest), "{error}");
}

#[tokio::test]
async fn a_missing_segment_is_named() {
    let dir = tempfile::tempdir().unwrap();
    ledger(dir.path(), config(3, Retention::Archive), 33).await;
    let segments = segments(dir.path());
    let first_of =
        |path: &Path| path.file_name().unwrap().to_str().unwrap()[7..].trim_end_matches(".log").parse();
    let cases = [(&segments[0], 1), (&segments[1], first_of(&segments[1]).unwrap())];
    for (path, first) in cases {
        let bytes = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        let error = try_open(dir.path(), config(3, Retention::Archive)).unwrap_err();
        assert!(matches!(error, OpenError::MissingBlocks { from, .. } if from == first), "{error}");
        fs::write(path, bytes).unwrap();
    }
    close_again(dir.path()).await;
}

async fn close_again(dir: &Path) {
    let (engine, task) = try_open(dir, config(3, Retention::Archive)).unwrap();
    close(engine, task).await;
}
