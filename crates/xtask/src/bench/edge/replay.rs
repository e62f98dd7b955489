//! How often each has what is asked for: a trace of a real network's traffic, made smaller.
//!
//! Some of the objects take part with all of their requests, which keeps the shape of the traffic, and all
//! objects are made smaller by the same factor. All caches are asked at once, each by a client of its own.

use super::{
    Options,
    origin::Origin,
    say,
    subjects::{Kind, Subject},
    table::Table,
};
use crate::bench::{as_f64, http::Connection};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Sizes of the caches, in percent of all objects' bytes.
const SHARES: [u64; 3] = [1, 10, 50];
const BYTES_PER_KB: u64 = 1000;
/// The smallest cache that Varnish starts with.
const MIN_CACHE_BYTES: u64 = 1 << 20;

/// What is asked for.
struct Trace {
    /// Bytes of each object.
    sizes: Vec<u64>,
    /// Indexes of objects.
    requests: Vec<usize>,
}

impl Trace {
    fn read(path: &Path, options: &Options) -> Result<Self> {
        let output = Command::new("gzip").arg("-dc").arg(path).output().context("cannot run gzip")?;
        ensure!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
        let (mut known, mut trace) = (BTreeMap::new(), Self { sizes: Vec::new(), requests: Vec::new() });
        for line in String::from_utf8(output.stdout)?.lines() {
            let mut fields = line.split(',').skip(1).map(str::parse::<u64>);
            let (Some(Ok(object)), Some(Ok(kb))) = (fields.next(), fields.next()) else {
                bail!("{}: no `time,object,size`: {line}", path.display());
            };
            // Neighbours in the trace have neighbouring numbers.
            if !object.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32).is_multiple_of(options.one_of) {
                continue;
            }
            let index = *known.entry(object).or_insert_with(|| {
                trace.sizes.push((kb * BYTES_PER_KB / options.shrink).max(1));
                trace.sizes.len() - 1
            });
            trace.requests.push(index);
        }
        ensure!(!trace.requests.is_empty(), "no object of {} takes part", path.display());
        Ok(trace)
    }

    fn footprint(&self) -> u64 {
        self.sizes.iter().sum()
    }
}

/// What came of a replay.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    requests: u64,
    hits: u64,
    bytes: u64,
    hit_bytes: u64,
    failures: u64,
}

pub(super) fn run(
    origin: &Origin,
    folder: &Path,
    kinds: &[Kind],
    path: &Path,
    options: &Options,
) -> Result<()> {
    // In slices it is another cache's question: none of these objects is sought in.
    let kinds: Vec<Kind> = kinds.iter().copied().filter(|&kind| kind != Kind::NginxSlices).collect();
    let trace = Trace::read(path, options)?;
    let footprint = trace.footprint();
    let smallest = footprint * SHARES[0] / 100;
    ensure!(
        smallest >= MIN_CACHE_BYTES,
        "the smallest cache would have {smallest} bytes, and Varnish demands {MIN_CACHE_BYTES}: give a smaller --one-of \
         or --shrink"
    );
    say(&format!(
        "replay: {} requests for {} objects of {} bytes in all, in {} s",
        trace.requests.len(),
        trace.sizes.len(),
        footprint,
        options.seconds
    ));
    let started = Instant::now();
    let ids = origin.put(&trace.sizes, 1000)?;
    say(&format!("all objects put in {} s", started.elapsed().as_secs()));
    let mut table = Table::default();
    let mut subjects = Vec::new();
    for (column, &kind) in kinds.iter().enumerate() {
        for share in SHARES {
            let folder = folder.join(format!("replay-{column}-{share}"));
            let bound = footprint * share / 100;
            subjects.push((column, share, bound, Subject::start(kind, origin, &folder, bound)?));
        }
    }
    let counts = replay_on_all(&subjects, &trace, &ids, Duration::from_secs(options.seconds))?;
    for ((column, share, bound, subject), count) in subjects.iter().zip(counts) {
        let what = format!("cache of {share} %");
        let percent = |part: u64, whole: u64| 100.0 * as_f64(part) / as_f64(whole);
        table.note(&format!("{what}: objects hit, %"), *column, percent(count.hits, count.requests));
        table.note(&format!("{what}: bytes hit, %"), *column, percent(count.hit_bytes, count.bytes));
        table.note(
            &format!("{what}: held at the end, % of the bound"),
            *column,
            percent(subject.held()?, *bound),
        );
        table.note(&format!("{what}: requests that failed"), *column, as_f64(count.failures));
    }
    table.print("CDN traffic", &kinds);
    Ok(())
}

fn replay_on_all(
    subjects: &[(usize, u64, u64, Subject)],
    trace: &Trace,
    ids: &[String],
    takes: Duration,
) -> Result<Vec<Count>> {
    thread::scope(|scope| {
        let clients: Vec<_> = subjects
            .iter()
            .map(|(_, _, _, subject)| scope.spawn(|| replay(subject, trace, ids, takes)))
            .collect();
        clients.into_iter().map(|client| client.join().ok().context("a client panicked")?).collect()
    })
}

/// One request after the other, at an even pace.
fn replay(subject: &Subject, trace: &Trace, ids: &[String], takes: Duration) -> Result<Count> {
    let paths: Vec<String> = ids.iter().map(|id| subject.kind.path(id)).collect();
    let (started, mut count) = (Instant::now(), Count::default());
    let mut connection = Connection::open(&subject.endpoint)?;
    let each = takes / u32::try_from(trace.requests.len())?;
    for (number, &object) in (0..).zip(&trace.requests) {
        super::super::rest((each * number).saturating_sub(started.elapsed()));
        let size = trace.sizes[object];
        count.requests += 1;
        count.bytes += size;
        match connection.get(&paths[object], "") {
            Ok(answer) if answer.status == 200 && answer.body_bytes == size => {
                count.hits += u64::from(answer.is_hit);
                count.hit_bytes += if answer.is_hit { size } else { 0 };
            }
            Ok(_) => count.failures += 1,
            Err(_) => {
                count.failures += 1;
                connection = Connection::open(&subject.endpoint)?;
            }
        }
    }
    Ok(count)
}
