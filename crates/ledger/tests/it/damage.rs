//! Logs that crashes, people and disks have been at.

use crate::support::{close, genesis, key, make_blocks, open};
use argosy_ledger::{Engine, EngineConfig, OpenError, replay};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A log of three blocks, the file's length after each of them, and the roots.
struct Sample {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    roots: Vec<[u8; 32]>,
}

async fn sample() -> Sample {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path());
    let (mut ends, mut roots) = (Vec::new(), Vec::new());
    for nonce in 0..3 {
        make_blocks(&engine, "//Alice", nonce, 1).await;
        ends.push(fs::metadata(log_path(dir.path())).unwrap().len() as usize);
        roots.push(engine.head().borrow().state_root);
    }
    close(engine, task).await;
    Sample { bytes: fs::read(log_path(dir.path())).unwrap(), ends, roots }
}

fn log_path(dir: &Path) -> PathBuf {
    dir.join("blocks.log")
}

fn dir_with(bytes: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(log_path(dir.path()), bytes).unwrap();
    dir
}

fn open_error(dir: &Path) -> OpenError {
    Engine::open(dir, &genesis(), key("//Sequencer"), EngineConfig::default()).unwrap_err()
}

fn is_damaged_at(error: &OpenError, height: u64) -> bool {
    matches!(error, OpenError::Damaged { height: at, .. } if *at == height)
}

#[tokio::test]
async fn a_last_block_cut_at_any_byte_is_dropped_and_the_rest_kept() {
    let Sample { bytes, ends, roots } = sample().await;
    for len in ends[1]..ends[2] {
        let dir = dir_with(&bytes[..len]);
        let report = replay(dir.path(), &genesis()).unwrap();
        assert_eq!(report.unfinished_bytes as usize, len - ends[1]);
        let (engine, task) = open(dir.path());
        let head = *engine.head().borrow();
        assert_eq!((head.height, head.state_root), (2, roots[1]), "cut at {len}");
        // A few of them go on: the next block goes where the cut one was.
        if len % 97 == 0 {
            assert_eq!(make_blocks(&engine, "//Alice", 2, 1).await[0].height, 3);
        }
        close(engine, task).await;
        assert_eq!(replay(dir.path(), &genesis()).unwrap().unfinished_bytes, 0);
    }
}

#[tokio::test]
async fn a_last_block_whose_pages_were_never_written_is_dropped() {
    let Sample { bytes, ends, roots } = sample().await;
    // The size reached the disk, the bytes from some sector on did not.
    let sector = ends[1].next_multiple_of(512);
    assert!(sector < ends[2], "the block spans a sector");
    for from in [ends[1], sector] {
        let mut torn = bytes.clone();
        torn[from..].fill(0);
        let dir = dir_with(&torn);
        let (engine, task) = open(dir.path());
        assert_eq!(engine.head().borrow().state_root, roots[1], "zeros from {from}");
        close(engine, task).await;
    }
}

#[tokio::test]
async fn a_flipped_byte_anywhere_stops_with_its_place() {
    let Sample { bytes, ends, .. } = sample().await;
    let starts = [0, ends[0], ends[1]];
    for at in (0..bytes.len()).step_by(7).chain(ends[0]..ends[0] + 48).chain(ends[1]..ends[1] + 48) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        let dir = dir_with(&flipped);
        let error = open_error(dir.path());
        if at < 10 {
            assert!(
                matches!(error, OpenError::NotALog { .. } | OpenError::NewerFormat { .. }),
                "byte {at}: {error}"
            );
        } else {
            let block = starts.iter().filter(|start| at >= **start).count() as u64;
            let expected = if at < 74 { 0 } else { block };
            assert!(is_damaged_at(&error, expected), "byte {at}: {error}");
            assert!(!error.to_string().contains('\n'));
        }
        assert_eq!(fs::read(log_path(dir.path())).unwrap(), flipped, "nothing was changed");
    }
}

#[tokio::test]
async fn a_zeroed_block_in_the_middle_is_damage() {
    let Sample { mut bytes, ends, .. } = sample().await;
    bytes[ends[0]..ends[1]].fill(0);
    let dir = dir_with(&bytes);
    assert!(is_damaged_at(&open_error(dir.path()), 2));
}

#[tokio::test]
async fn a_block_that_is_missing_or_repeated_stops() {
    let Sample { bytes, ends, .. } = sample().await;
    let without_second = [&bytes[..ends[0]], &bytes[ends[1]..]].concat();
    let twice = [&bytes[..], &bytes[ends[1]..]].concat();
    for (bytes, height) in [(without_second, 2), (twice, 4)] {
        let error = open_error(dir_with(&bytes).path());
        assert!(is_damaged_at(&error, height), "{error}");
    }
}

#[tokio::test]
async fn each_unusable_directory_says_what_to_do() {
    let Sample { bytes, .. } = sample().await;
    let dir = dir_with(&bytes);
    let path = log_path(dir.path()).display().to_string();

    let mut other = genesis();
    other.network = "another".to_owned();
    let error = Engine::open(dir.path(), &other, key("//Sequencer"), EngineConfig::default()).unwrap_err();
    assert!(matches!(error, OpenError::OtherNetwork { .. }) && error.to_string().contains(&path), "{error}");

    let error = Engine::open(dir.path(), &genesis(), key("//Alice"), EngineConfig::default()).unwrap_err();
    assert!(matches!(error, OpenError::OtherKey { .. }), "{error}");

    let mut newer = bytes.clone();
    newer[8] = 5;
    let error = open_error(dir_with(&newer).path());
    assert!(matches!(error, OpenError::NewerFormat { found: 5, .. }), "{error}");

    let mut older = bytes.clone();
    older[8] = 2;
    let error = open_error(dir_with(&older).path());
    assert!(matches!(error, OpenError::OlderFormat { found: 2, .. }), "{error}");

    let error = open_error(dir_with(b"not a log").path());
    assert!(matches!(error, OpenError::NotALog { .. }), "{error}");

    let (engine, task) = open(dir.path());
    let error = open_error(dir.path());
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    close(engine, task).await;

    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(replay(empty.path(), &genesis()), Err(OpenError::Missing { .. })));
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0, "a replay makes nothing");
}

#[tokio::test]
async fn a_log_that_never_got_its_name_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("blocks.log.new"), b"half").unwrap();
    let (engine, task) = open(dir.path());
    close(engine, task).await;
    assert!(!dir.path().join("blocks.log.new").exists());
}
