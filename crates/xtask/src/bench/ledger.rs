//! Durable transactions: the embedded engine under many submitters, the same one with a sync for each
//! transaction, and PostgreSQL inserting the same rows; all on the disk of this repository.

mod postgres;
mod world;

use super::{as_f64, percentile, say};
use anyhow::{Context as _, Result, ensure};
use argosy_domain::num::to_u64;
use argosy_ledger::{CheckpointConfig, Engine, EngineConfig, EngineTask};
use std::{
    fs,
    io::Write as _,
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, sync::Mutex, task::JoinSet};
use world::World;

/// Submitters at once, each with a key and a channel of its own.
pub(super) const SUBMITTERS: usize = 64;
/// Transactions a second that are signed before the clock starts; more are not measured.
const MOST_PER_SECOND: usize = 20_000;
/// The same where each transaction has a sync of its own.
const MOST_SERIAL_PER_SECOND: usize = 3_000;

/// What a run gives: transactions a second, and how long the submitters waited, in milliseconds.
pub(super) struct Figures {
    pub(super) rate: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Processor time of this process for each, in microseconds; none of another process's.
    processor_us: Option<f64>,
}

impl Figures {
    pub(super) fn new(mut waits_ms: Vec<f64>, seconds: f64) -> Self {
        let rate = as_f64(to_u64(waits_ms.len())) / seconds;
        let [p50, p99] = [50, 99].map(|share| percentile(&mut waits_ms, share));
        Self { rate, p50, p99, processor_us: None }
    }

    fn tell(&self, what: &str, target: &str) {
        say(&format!("{what}, durable transactions"), format!("{:.0}/s", self.rate), target);
        say("  p50 / p99", format!("{:.1} / {:.1} ms", self.p50, self.p99), "-");
        if let Some(time) = self.processor_us {
            // What it could be where nothing else runs; signatures are checked in it.
            say("  processor time of each, both cores", format!("{time:.0} µs"), "-");
        }
    }
}

pub(crate) fn run(root: &Path, seconds: u64, with_postgres: bool) -> Result<()> {
    let folder = Folder::new(root)?;
    say("a write of 4 KiB and its sync, p50", format!("{:.2} ms", sync_ms(&folder.0)?), "-");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut world = World::new();
    let (engine, mut task) = open(&folder.0.join("store"), &world)?;
    runtime.block_on(world.set_up(&engine))?;

    let height = engine.head().borrow().height;
    let count = MOST_PER_SECOND * usize::try_from(seconds)?;
    let together = measure(&runtime, &mut world, &engine, count, seconds, false)?;
    together.tell(&format!("engine, {SUBMITTERS} submitters"), ">= 5000/s, p99 < 25 ms");
    let blocks = engine.head().borrow().height - height;
    say("  transactions a block", format!("{:.1}", together.rate * as_f64(seconds) / as_f64(blocks)), "-");

    let count = MOST_SERIAL_PER_SECOND * usize::try_from(seconds)?;
    let alone = measure(&runtime, &mut world, &engine, count, seconds, true)?;
    alone.tell("the same, a sync for each transaction", "-");
    say("  engine: times as many", format!("{:.1}", together.rate / alone.rate), "-");
    let bytes = world.bytes_of_one();
    drop(engine);
    task.stop();
    runtime.block_on(task.join())?;
    if with_postgres {
        let figures = postgres::run(bytes, seconds)?;
        figures.tell(&format!("PostgreSQL 15, {SUBMITTERS} clients, the same rows"), "-");
        say("  engine: times as many", format!("{:.1}", together.rate / figures.rate), "-");
    }
    Ok(())
}

fn open(dir: &Path, world: &World) -> Result<(Engine, EngineTask)> {
    // A checkpoint in the middle would be measured with it, or not, by chance.
    let every_blocks = NonZeroU64::MAX;
    let checkpoints = CheckpointConfig { every_blocks, ..CheckpointConfig::default() };
    let config = EngineConfig { checkpoints, ..EngineConfig::default() };
    Ok(Engine::open(dir, &world.genesis, world.sequencer.clone(), config)?)
}

/// Lets every submitter send one transaction after the other, each as soon as it has the receipt of the
/// one before: for `seconds`, or until all are sent.
fn measure(
    runtime: &Runtime,
    world: &mut World,
    engine: &Engine,
    count: usize,
    seconds: u64,
    one_at_a_time: bool,
) -> Result<Figures> {
    world.catch_up(&*engine.snapshot()?);
    let signed = world.sign(count / SUBMITTERS)?;
    let turn = Arc::new(Mutex::new(()));
    let before = processor_seconds()?;
    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let waits = runtime.block_on(async {
        let mut submitters = JoinSet::new();
        for transactions in signed {
            let (engine, turn) = (engine.clone(), one_at_a_time.then(|| Arc::clone(&turn)));
            submitters.spawn(async move {
                let mut waits = Vec::with_capacity(transactions.len());
                for bytes in transactions {
                    if Instant::now() >= end {
                        break;
                    }
                    let sent = Instant::now();
                    let _turn = match &turn {
                        Some(turn) => Some(turn.lock().await),
                        None => None,
                    };
                    let receipt = engine.submit(bytes).await?;
                    waits.push(sent.elapsed().as_secs_f64() * 1e3);
                    receipt.outcome.result.context("a call failed")?;
                }
                anyhow::Ok(waits)
            });
        }
        let mut all = Vec::new();
        while let Some(waits) = submitters.join_next().await {
            all.push(waits??);
        }
        anyhow::Ok(all)
    })?;
    let elapsed = started.elapsed().as_secs_f64();
    let waits: Vec<f64> = waits.into_iter().flatten().collect();
    ensure!(!waits.is_empty(), "no transaction got through");
    let each = (processor_seconds()? - before) / as_f64(to_u64(waits.len()));
    Ok(Figures { processor_us: Some(each * 1e6), ..Figures::new(waits, elapsed) })
}

/// Seconds that all threads of this process have spent on a processor.
fn processor_seconds() -> Result<f64> {
    let mut seconds = 0.0;
    for thread in fs::read_dir("/proc/self/task")? {
        // A thread that has ended meanwhile is not counted.
        let text = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        seconds += text.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1e9;
    }
    Ok(seconds)
}

/// What the disk alone takes.
fn sync_ms(folder: &Path) -> Result<f64> {
    let path = folder.join("sync");
    let mut file = fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    fs::remove_file(path)?;
    Ok(percentile(&mut times, 50))
}

/// Removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(root: &Path) -> Result<Self> {
        let path = root.join("target/bench-ledger");
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
