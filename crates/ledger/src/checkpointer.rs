//! Checkpoints beside everything else: one thread writes them, and nobody waits for it.

use crate::{
    checkpoint::{self, Bounds, CheckpointError, Pace},
    data_dir::checkpoints_dir,
    engine::Retention,
    error::OpenError,
    generations,
    log::drop_before,
    steps::{Step, Steps},
    verify::{Anchor, ChainVerifier},
    view::Shared,
};
use argosy_directory::{Genesis, State};
use std::{
    fs, io,
    num::{NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// When checkpoints are made, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointConfig {
    /// One after this many blocks.
    pub every_blocks: NonZeroU64,
    /// One at least this often, if there were blocks.
    pub every: Duration,
    /// How many are kept.
    pub kept: NonZeroUsize,
    /// How long to wait after one that could not be made.
    pub retry: Duration,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            every_blocks: const { NonZeroU64::new(10_000).unwrap() },
            every: Duration::from_secs(60 * 60),
            kept: const { NonZeroUsize::new(3).unwrap() },
            retry: Duration::from_secs(60),
        }
    }
}

/// A state and the block after which it is.
type Job = (Anchor, Arc<State>);

/// Takes states from the engine's thread to the one that writes them. When it is dropped, writing ends
/// in mid-checkpoint, which leaves nothing, and the thread has ended.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    /// There until it is dropped, like the thread.
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    schedule: Arc<Schedule>,
    stop: Arc<AtomicBool>,
}

/// When the next checkpoint is due.
#[derive(Debug)]
struct Schedule {
    config: CheckpointConfig,
    last: Mutex<Last>,
}

/// What became of the last one.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// Height of the newest checkpoint.
    height: u64,
    at: Instant,
    /// When the last attempt failed, if it did.
    failed_at: Option<Instant>,
    /// One is being made.
    is_busy: bool,
}

impl Schedule {
    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one is due after the block of `height`; then it is taken as begun.
    fn take_due(&self, height: u64) -> bool {
        let mut last = self.last();
        let blocks = height.saturating_sub(last.height);
        let is_late = blocks > 0 && last.at.elapsed() >= self.config.every;
        let is_due = blocks >= self.config.every_blocks.get() || is_late;
        let may_try = last.failed_at.is_none_or(|at| at.elapsed() >= self.config.retry);
        let begins = is_due && may_try && !last.is_busy;
        last.is_busy |= begins;
        begins
    }

    fn end(&self, height: u64, is_made: bool) {
        let mut last = self.last();
        last.is_busy = false;
        last.failed_at = (!is_made).then(Instant::now);
        if is_made {
            (last.height, last.at) = (height, Instant::now());
        }
    }
}

impl Checkpointer {
    /// Starts the thread. The newest checkpoint is that of block `height`, 0 if there is none.
    pub(crate) fn start(
        dir: &Path,
        genesis: &Genesis,
        height: u64,
        shared: Arc<Shared>,
        steps: Steps,
    ) -> io::Result<Self> {
        let config = shared.config().checkpoints;
        let last = Last { height, at: Instant::now(), failed_at: None, is_busy: false };
        let schedule = Arc::new(Schedule { config, last: Mutex::new(last) });
        let stop = Arc::new(AtomicBool::new(false));
        let (jobs, received) = sync_channel(1);
        let writer = Writer {
            dir: checkpoints_dir(dir),
            genesis: genesis.clone(),
            shared,
            schedule: Arc::clone(&schedule),
            stop: Arc::clone(&stop),
            steps,
            has_failed: false,
        };
        let thread =
            thread::Builder::new().name("checkpoints".to_owned()).spawn(move || writer.run(&received))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), schedule, stop })
    }

    /// Has a checkpoint made of the state after a durable block, if one is due. Never waits.
    pub(crate) fn offer(&self, verifier: &ChainVerifier, state: &Arc<State>) {
        if let Some(jobs) = &self.jobs
            && self.schedule.take_due(verifier.tip().height)
        {
            // Room for one, and none is being made. Without the thread there are no checkpoints.
            let _ = jobs.try_send((verifier.anchor(), Arc::clone(state)));
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.jobs = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that makes checkpoints panicked: this is a defect of argosy");
        }
    }
}

/// What the thread works with.
struct Writer {
    dir: PathBuf,
    genesis: Genesis,
    shared: Arc<Shared>,
    schedule: Arc<Schedule>,
    stop: Arc<AtomicBool>,
    steps: Steps,
    /// So that the same trouble is said once.
    has_failed: bool,
}

impl Writer {
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok((anchor, state)) = jobs.recv() {
            let height = anchor.tip.height;
            let made = self.make(&anchor, &state);
            drop(state);
            if self.stop.load(Ordering::Acquire) {
                break;
            }
            self.tell(height, &made);
            if made.is_ok() {
                self.drop_blocks(height);
            }
            self.schedule.end(height, made.is_ok());
            if made.is_ok() {
                self.shared.checkpoint.send_replace(height);
            }
        }
    }

    fn tell(&mut self, height: u64, made: &Result<(), CheckpointError>) {
        match made {
            Ok(()) if self.has_failed => tracing::info!(height, "made a checkpoint again"),
            Ok(()) => tracing::debug!(height, "made a checkpoint"),
            Err(error) if !self.has_failed => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(%error, cause, "made no checkpoint: trying again later");
            }
            Err(_) => {}
        }
        self.has_failed = made.is_err();
    }

    /// Writes, reads back, and only then removes what is too old.
    fn make(&self, anchor: &Anchor, state: &State) -> Result<(), CheckpointError> {
        let io = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| CheckpointError::Io { doing, path, source }
        };
        fs::create_dir_all(&self.dir).map_err(io("create", &self.dir))?;
        let height = anchor.tip.height;
        let path = generations::path(&self.dir, height);
        let bounds = Bounds { pace: Pace::default(), stop: &self.stop, steps: &self.steps };
        checkpoint::write_by_steps(&path, anchor, state, bounds)?;
        let read = self.steps.at(Step::CheckpointRead).map_err(io("read", &path));
        if let Err(error) = read.and_then(|()| self.read_back(&path, anchor)) {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        // One too many does no harm.
        if let Err(error) = self.remove_old(height) {
            tracing::warn!(path = %self.dir.display(), %error, "cannot remove an old checkpoint");
        }
        Ok(())
    }

    /// Before blocks are dropped on a checkpoint's word, all of it is tried, which takes the memory of
    /// a second state.
    fn read_back(&self, path: &Path, anchor: &Anchor) -> Result<(), CheckpointError> {
        let found = match self.shared.config().retention {
            Retention::Archive => checkpoint::check(path, &self.genesis.hash())?,
            Retention::Blocks(_) => checkpoint::load(path, &self.genesis)?.0,
        };
        if found == *anchor { Ok(()) } else { Err(CheckpointError::OtherBlock { height: anchor.tip.height }) }
    }

    /// The checkpoints that count, newest first: none is newer than the one of block `height`.
    fn generations(&self, height: u64) -> Result<Vec<generations::Generation>, OpenError> {
        let mut found = generations::list(&self.dir)?;
        found.retain(|one| one.height <= height);
        Ok(found)
    }

    fn remove_old(&self, height: u64) -> Result<(), io::Error> {
        let found = self.generations(height).map_err(io::Error::other)?;
        for old in found.iter().skip(self.schedule.config.kept.get()) {
            self.steps.at(Step::CheckpointRemoved)?;
            fs::remove_file(&old.path)?;
        }
        Ok(())
    }

    /// Drops blocks that need not be kept and that lie before the oldest checkpoint, so that each of
    /// them can be gone on from.
    fn drop_blocks(&self, height: u64) {
        let Retention::Blocks(count) = self.shared.config().retention else { return };
        let Ok(found) = self.generations(height) else { return };
        let Some(oldest) = found.last() else { return };
        let needed = self.shared.needed_from.load(Ordering::Acquire);
        let kept_from = oldest.height.min(height.saturating_sub(count.get()).saturating_add(1)).min(needed);
        let reader = &self.shared.reader;
        let gone = |oldest| reader.forget_before(oldest);
        match drop_before(&self.genesis.hash(), &reader.segments(), kept_from, &self.steps, gone) {
            Ok(None) => {}
            Ok(Some(oldest)) => tracing::info!(oldest, "dropped the blocks before"),
            Err((path, error)) => {
                tracing::warn!(path = %path.display(), %error, "cannot drop old blocks: trying again later");
            }
        }
    }
}

/// Removes what an earlier run left of checkpoints that it did not finish.
pub(crate) fn remove_unfinished(dir: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(checkpoints_dir(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "new") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
