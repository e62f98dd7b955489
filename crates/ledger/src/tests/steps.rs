//! Crashes and failures between any two steps on the disk.

use super::{genesis, member};
use crate::{
    CheckpointConfig, EngineConfig, EngineError, EngineTask, Retention, SubmitError,
    data_dir::DataDir,
    engine::{Engine, SequencerKey},
    replay_from_newest,
    steps::{Step, Steps},
};
use argosy_directory::Genesis;
use argosy_domain::{KeyScheme, Keypair};
use std::{
    collections::BTreeMap,
    fs, io,
    num::{NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

const EVERY: u64 = 4;

fn sequencer() -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, "//Sequencer").unwrap()
}

/// Small segments, many checkpoints, few blocks kept, and no block of its own accord.
fn config(retention: Retention) -> EngineConfig {
    EngineConfig {
        block_interval: Duration::from_secs(3_600),
        checkpoints: CheckpointConfig {
            every_blocks: NonZeroU64::new(EVERY).unwrap(),
            every: Duration::from_secs(3_600),
            kept: NonZeroUsize::new(2).unwrap(),
            retry: Duration::ZERO,
        },
        retention,
        segment_bytes: 2_000,
        ..EngineConfig::default()
    }
}

fn few() -> Retention {
    Retention::Blocks(NonZeroU64::new(6).unwrap())
}

fn start(dir: &Path, retention: Retention, steps: Steps) -> (Engine, EngineTask, Genesis) {
    let genesis = genesis(&sequencer());
    let data_dir = DataDir::create(dir).unwrap();
    let log = data_dir.open_or_create_log(&genesis.hash()).unwrap();
    let key = SequencerKey::new(sequencer()).unwrap();
    let (engine, task) = Engine::start(data_dir, log, &genesis, key, config(retention), steps).unwrap();
    (engine, task, genesis)
}

/// Makes the block of each nonce, and lets each checkpoint be made before the next block.
async fn make_blocks(
    engine: &Engine,
    genesis: &Genesis,
    nonces: std::ops::Range<u64>,
    acknowledged: &AtomicU64,
) {
    for nonce in nonces {
        let receipt = engine.submit(member(&sequencer(), genesis, nonce)).await.unwrap();
        acknowledged.store(receipt.height, Ordering::SeqCst);
        if receipt.height.is_multiple_of(EVERY) {
            engine.checkpoint_height().wait_for(|height| *height == receipt.height).await.unwrap();
        }
    }
}

async fn close(engine: Engine, mut task: EngineTask) {
    drop(engine);
    task.stop();
    task.join().await.unwrap();
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[derive(Clone, Debug)]
struct Image {
    path: PathBuf,
    step: Step,
    acknowledged: u64,
}

/// What the disk has when the process is killed before any of the steps: every acknowledged block is
/// there after a start, the roots hold, and it goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_any_two_steps_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (dir, images_dir) = (root.path().join("data"), root.path().join("images"));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let images = Arc::new(Mutex::new(Vec::<Image>::new()));
    let steps = {
        let (dir, acknowledged, images) = (dir.clone(), Arc::clone(&acknowledged), Arc::clone(&images));
        Steps::looked_at(move |step| {
            let mut images = images.lock().unwrap();
            let path = images_dir.join(images.len().to_string());
            copy_dir(&dir, &path);
            images.push(Image { path, step, acknowledged: acknowledged.load(Ordering::SeqCst) });
            Ok(())
        })
    };
    let (engine, task, genesis) = start(&dir, few(), steps);
    make_blocks(&engine, &genesis, 0..40, &acknowledged).await;
    assert!(engine.oldest_block() > 20, "blocks were dropped: {}", engine.oldest_block());
    close(engine, task).await;

    let images = images.lock().unwrap().clone();
    let mut seen = BTreeMap::new();
    for image in &images {
        *seen.entry(format!("{:?}", image.step)).or_insert(0) += 1;
        let (engine, task, genesis) = start(&image.path, few(), Steps::default());
        let height = engine.head().borrow().height;
        // The block of the step may be on disk without having been acknowledged.
        assert!((image.acknowledged..=image.acknowledged + 1).contains(&height), "{image:?}: {height}");
        for nonce in height..height + 9 {
            engine.submit(member(&sequencer(), &genesis, nonce)).await.unwrap();
        }
        let head = *engine.head().borrow();
        close(engine, task).await;
        let report = replay_from_newest(&image.path, &genesis).unwrap();
        assert_eq!((report.height, report.hash), (head.height, head.hash), "{image:?}");
    }
    assert_eq!(seen.len(), 11, "every step was taken: {seen:?}");
}

/// A step that fails makes no checkpoint, drops no block too many, and stops nothing, but for the one
/// after which it is not known what is on disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_fails_stops_nothing() {
    use Step::{
        CheckpointNamed, CheckpointPart, CheckpointRead, CheckpointRemoved, CheckpointSynced, FloorWritten,
        NewCheckpoint, NewSegment, SegmentNamed, SegmentRemoved,
    };
    let makes_none = [NewCheckpoint, CheckpointPart, CheckpointSynced, CheckpointNamed, CheckpointRead];
    let others = [NewSegment, SegmentNamed, CheckpointRemoved, FloorWritten, SegmentRemoved];
    for failing in makes_none.into_iter().chain(others) {
        let dir = tempfile::tempdir().unwrap();
        let is_full = Arc::new(AtomicBool::new(true));
        let steps = {
            let is_full = Arc::clone(&is_full);
            Steps::looked_at(move |step| {
                if step == failing && is_full.load(Ordering::SeqCst) {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                Ok(())
            })
        };
        let (engine, task, genesis) = start(dir.path(), few(), steps);
        for nonce in 0..30 {
            engine.submit(member(&sequencer(), &genesis, nonce)).await.unwrap();
        }
        if makes_none.contains(&failing) {
            assert_eq!(*engine.checkpoint_height().borrow(), 0, "{failing:?}");
            assert_eq!(engine.oldest_block(), 1, "{failing:?}");
        }
        is_full.store(false, Ordering::SeqCst);
        let mut checkpoint = engine.checkpoint_height();
        let mut nonce = 30;
        while *checkpoint.borrow() < 30 {
            engine.submit(member(&sequencer(), &genesis, nonce)).await.unwrap();
            nonce += 1;
            // One that began before the disk had room may fail still.
            let _ = tokio::time::timeout(Duration::from_millis(20), checkpoint.changed()).await;
        }
        let head = *engine.head().borrow();
        close(engine, task).await;
        let left = fs::read_dir(dir.path().join("checkpoints")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().path()).collect();
        assert!(
            left.len() <= 2 && left.iter().all(|path| path.extension().unwrap() == "checkpoint"),
            "{left:?}"
        );
        let (engine, task, _) = start(dir.path(), few(), Steps::default());
        assert_eq!(*engine.head().borrow(), head, "{failing:?}");
        close(engine, task).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_segment_of_which_nothing_is_known_stops_the_engine() {
    let dir = tempfile::tempdir().unwrap();
    let steps =
        Steps::looked_at(
            |step| {
                if step == Step::SegmentSynced { Err(io::Error::other("broken")) } else { Ok(()) }
            },
        );
    let (engine, mut task, genesis) = start(dir.path(), Retention::Archive, steps);
    let mut acknowledged = 0;
    let error = loop {
        match engine.submit(member(&sequencer(), &genesis, acknowledged)).await {
            Ok(receipt) => acknowledged = receipt.height,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SubmitError::Stopped(_)), "{error}");
    assert!(matches!(task.join().await, Err(EngineError::Write { .. })));
    drop((engine, task));
    let (engine, task, _) = start(dir.path(), Retention::Archive, Steps::default());
    assert_eq!(engine.head().borrow().height, acknowledged);
    close(engine, task).await;
}
