//! Very many readers of one cold object: what sources send, while they live and while they die.
//!
//! Sources and readers are in this process, the connections between them real. Bytes are counted where
//! they are sent, proofs included.

use super::{
    as_f64,
    fake_source::{Behaviour, FakeSource, Sample},
    percentile, say,
};
use anyhow::{Context as _, Result, ensure};
use argosy_domain::{DataObjectId, StorageBucketId};
use argosy_http::{AddressPolicy, Client, ClientConfig};
use argosy_node::{FillSource, Fills, FillsConfig, Keep, ReadRequest, Sources, Unbounded};
use argosy_node_core::sources::SourceName;
use argosy_store::{ObjectMeta, RealDisk, Store, StoreConfig};
use clap::Args;
use std::{
    ops::Range,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, sync::watch, task::JoinSet};

const ID: DataObjectId = DataObjectId(1);
const MIB: u64 = 1024 * 1024;

/// How large, how many.
#[derive(Args, Clone)]
pub(crate) struct Options {
    /// Bytes of the object, in MiB.
    #[arg(long, default_value_t = 200)]
    mib: u64,
    /// Readers at once: every other one reads it all, the rest random ranges.
    #[arg(long, default_value_t = 64)]
    readers: u64,
    /// Storage nodes.
    #[arg(long, default_value_t = 4)]
    sources: usize,
    /// How often a source dies, in milliseconds; it is back after as long.
    #[arg(long, default_value_t = 100)]
    kill_ms: u64,
    /// How long a source rests after each group in the run with deaths, in microseconds, so that it dies
    /// in mid-answer and the run lasts.
    #[arg(long, default_value_t = 4_000)]
    pause_us: u64,
}

struct Listed(Vec<FillSource>);

impl Sources for Listed {
    fn sources_of(&self, _id: DataObjectId) -> Vec<FillSource> {
        self.0.clone()
    }
}

/// One cold cache with its sources.
struct Stage {
    fills: Fills,
    sample: Arc<Sample>,
    sources: Vec<FakeSource>,
}

/// What a run took.
struct Run {
    bytes_sent: u64,
    kills: u64,
    total: Duration,
    first_bytes_ms: Vec<f64>,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let runtime = Runtime::new()?;
    let size = usize::try_from(options.mib.saturating_mul(MIB)).context("too large")?;
    let sample = Sample::random(1, size);
    let calm = runtime.block_on(measure(root, options, &sample, false))?;
    let deadly = runtime.block_on(measure(root, options, &sample, true))?;
    let size = as_f64(sample.size());
    let of = |run: &Run| format!("{:.4} times", as_f64(run.bytes_sent) / size);
    say("sources alive: sent, of the object", of(&calm), "≤ 1.05");
    say("sources alive: until all have read", format!("{:.2?}", calm.total), "-");
    say_first_bytes("sources alive", calm.first_bytes_ms);
    let extra =
        (as_f64(deadly.bytes_sent) - 1.05 * size).max(0.0) / as_f64(deadly.kills.max(1)) / as_f64(MIB);
    say("a source dies every moment: sent, of the object", of(&deadly), "-");
    say("a source dies every moment: times", deadly.kills.to_string(), "-");
    say("a source dies every moment: above 1.05, for each", format!("{extra:.3} MiB"), "≤ 4 MiB");
    say("a source dies every moment: until all have read", format!("{:.2?}", deadly.total), "-");
    say_first_bytes("a source dies every moment", deadly.first_bytes_ms);
    Ok(())
}

fn say_first_bytes(what: &str, mut times: Vec<f64>) {
    let (median, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
    say(&format!("{what}: first byte of a range, median and p99"), format!("{median:.1}, {p99:.1} ms"), "-");
}

async fn measure(root: &Path, options: &Options, sample: &Arc<Sample>, deadly: bool) -> Result<Run> {
    let folder = root.join("target").join(format!("bench-fill-{}", std::process::id()));
    let result = measure_in(&folder, options, sample, deadly).await;
    std::fs::remove_dir_all(&folder).context("the bench's folder stays")?;
    result
}

async fn measure_in(dir: &Path, options: &Options, sample: &Arc<Sample>, deadly: bool) -> Result<Run> {
    std::fs::create_dir_all(dir)?;
    let stage = Arc::new(Stage::open(dir, options, sample).await?);
    if deadly {
        let pause = Duration::from_micros(options.pause_us);
        stage.sources.iter().for_each(|source| source.pause(pause));
    }
    let started = Instant::now();
    let (over, ended) = watch::channel(false);
    let every = Duration::from_millis(options.kill_ms.max(1));
    let killer = deadly.then(|| tokio::spawn(kill(Arc::clone(&stage), every, ended)));
    let mut readers = JoinSet::new();
    for reader in 0..options.readers {
        readers.spawn(Arc::clone(&stage).reader(reader));
    }
    let mut first_bytes_ms = Vec::new();
    while let Some(done) = readers.join_next().await {
        first_bytes_ms.extend(done??);
    }
    let total = started.elapsed();
    over.send_replace(true);
    let kills = match killer {
        Some(killer) => killer.await?,
        None => 0,
    };
    stage.fills.stop().await;
    Ok(Run {
        bytes_sent: stage.sources.iter().map(FakeSource::bytes_sent).sum(),
        kills,
        total,
        first_bytes_ms,
    })
}

/// Kills one source after the other until all is over; how often it did.
async fn kill(stage: Arc<Stage>, every: Duration, mut over: watch::Receiver<bool>) -> u64 {
    let mut kills = 0;
    for source in stage.sources.iter().cycle() {
        source.kill();
        kills += 1;
        let ended = tokio::time::timeout(every, over.changed()).await.is_ok();
        source.revive();
        if ended {
            break;
        }
    }
    kills
}

impl Stage {
    async fn open(dir: &Path, options: &Options, sample: &Arc<Sample>) -> Result<Self> {
        let mut sources = Vec::new();
        let mut listed = Vec::new();
        for id in 0..options.sources.max(1) {
            let source = FakeSource::start(Behaviour::Honest).await;
            source.put(ID.0, sample);
            let name = SourceName::Storage(StorageBucketId(u64::try_from(id)?));
            listed.push(FillSource { id: name.id(), name, endpoint: source.endpoint.clone(), holds: true });
            sources.push(source);
        }
        let config = StoreConfig { capacity_bytes: None, disk_floor_bytes: 0 };
        let store = Store::open(dir, Arc::new(RealDisk), config)?;
        let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
        let room = Arc::new(Unbounded);
        let fills = Fills::new(store, client, Arc::new(Listed(listed)), room, FillsConfig::default());
        Ok(Self { fills, sample: Arc::clone(sample), sources })
    }

    /// Milliseconds to the first byte of each range.
    async fn reader(self: Arc<Self>, reader: u64) -> Result<Vec<f64>> {
        let size = self.sample.size();
        if reader.is_multiple_of(2) {
            return Ok(vec![self.read(0..size).await?]);
        }
        let mut rng = fastrand::Rng::with_seed(reader);
        let mut times = Vec::new();
        for _ in 0..8 {
            let start = rng.u64(..size);
            let len = rng.u64(1..=16 * MIB);
            times.push(self.read(start..(start + len).min(size)).await?);
        }
        Ok(times)
    }

    /// Reads and compares; milliseconds to the first byte.
    async fn read(&self, range: Range<u64>) -> Result<f64> {
        let meta = ObjectMeta { content_id: self.sample.content_id, size: self.sample.size() };
        let request = ReadRequest { id: ID, meta, range: range.clone(), keep: Keep::Stored };
        let mut reader = self.fills.reader(request);
        let (started, mut first, mut at) = (Instant::now(), None, usize::try_from(range.start)?);
        while let Some(chunk) = reader.next_chunk().await? {
            first.get_or_insert_with(|| started.elapsed());
            let expected = self.sample.bytes.get(at..at + chunk.len());
            ensure!(expected == Some(&*chunk), "wrong bytes at {at}");
            at += chunk.len();
        }
        ensure!(at == usize::try_from(range.end)?, "the range {range:?} ended at {at}");
        Ok(first.unwrap_or_default().as_secs_f64() * 1_000.0)
    }
}
