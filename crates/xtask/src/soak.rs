//! A distributor of the release build under mixed traffic for as long as wanted: whether its memory, its open
//! files or its threads grow.
//!
//! Traffic is let in by turns. Between two turns all clients leave, and the node is looked at when it has
//! come to rest: what differs from rest to rest was not needed for any request. Source: fault F-E8 and
//! harness H13 of `spec/reliability.md`.

mod churn;
mod clients;
mod look;
mod slope;

use crate::{
    bench::edge::{
        origin::Origin,
        subjects::{configure, wait_until_followed},
    },
    crash::{
        self,
        node::{Node, TUNABLES},
        say,
    },
};
use anyhow::{Result, bail};
use churn::{Catalogue, Churn};
use clap::{Args, Subcommand};
use clients::{Counts, Gate};
use look::Look;
use slope::Slope;
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Objects that are there when it begins, and so many all along.
const OBJECTS: usize = 400;
const MIB: u64 = 1 << 20;
/// Looks that are left out of the slope at least.
const MIN_WARM_UP: usize = 4;
/// Allocator of one arena that gives memory back at once and asks for no huge pages: what grows then is held.
const TIGHT: &str = "glibc.malloc.arena_max=1:glibc.malloc.trim_threshold=131072:glibc.malloc.hugetlb=0";

/// What runs for long.
#[derive(Subcommand)]
pub(crate) enum Soak {
    /// A distributor: hits, misses, ranges, clients that leave or are slow, evictions, deletions, refusals.
    Edge(Options),
}

/// How it is done.
#[derive(Args)]
pub(crate) struct Options {
    /// How long.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Traffic between two looks.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Share of the time that is warm-up, which the slope leaves out, in percent.
    #[arg(long, default_value_t = 33)]
    warm_up: usize,
    /// Bytes of the cache, in MiB; the objects are about three times as many.
    #[arg(long, default_value_t = 64)]
    cache_mib: u64,
    /// Fail if memory grows by more than this, in MiB an hour.
    #[arg(long)]
    at_most: Option<f64>,
    /// An allocator that keeps nothing back: tells memory that is held from memory that is merely not returned.
    #[arg(long)]
    tight: bool,
    /// A program to look at; the one that is built like this if left out.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Of the traffic; drawn if left out.
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) fn run(root: &Path, what: &Soak) -> Result<()> {
    match what {
        Soak::Edge(options) => edge(root, options),
    }
}

fn edge(root: &Path, options: &Options) -> Result<()> {
    let program = options.program.clone().map_or_else(|| crash::program(root), Ok)?;
    // Two may run beside each other.
    let folder = root.join(format!("target/soak-edge-{}", std::process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(1..1 << 32));
    say(&format!("seed {seed}"));
    let origin = Origin::start(&program, &folder.join("network"), 1)?;
    let catalogue = Catalogue::fill(&origin, OBJECTS, seed)?;
    let node = start(&origin, &folder.join("node"), options)?;
    wait_until_followed(&origin, &node.endpoint)?;
    let done = soak(&node, &origin, &Arc::new(catalogue), options, seed);
    drop(node);
    drop(origin);
    fs::remove_dir_all(&folder)?;
    done
}

fn start(origin: &Origin, folder: &Path, options: &Options) -> Result<Node> {
    fs::create_dir_all(folder)?;
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let config = configure(origin, folder, port, options.cache_mib * MIB, "")?;
    let mut command = Command::new(&origin.program);
    command.args(["distribution", "start", "--config"]).arg(&config);
    // An empty one is the allocator as it comes.
    match options.tight {
        true => command.env(TUNABLES, TIGHT),
        // What it asks for by itself.
        false => command.env_remove(TUNABLES),
    };
    command.stderr(Stdio::null());
    let mut node = Node::begin(&mut command, format!("127.0.0.1:{port}"), false)?;
    node.must_be_ready()?;
    Ok(node)
}

fn soak(
    node: &Node,
    origin: &Origin,
    catalogue: &Arc<Catalogue>,
    options: &Options,
    seed: u64,
) -> Result<()> {
    let (gate, counts) = (Gate::default(), Counts::default());
    let churn = Churn::new(origin, catalogue, seed);
    let looks = thread::scope(|scope| {
        clients::spawn(scope, &node.endpoint, catalogue, &gate, &counts, seed);
        scope.spawn(|| churn.run(&gate, &counts));
        let looks = turns(node, &gate, &counts, options);
        gate.end();
        looks
    })?;
    say(&counts.summary());
    let judged = judge(&looks, options);
    if let Some(what) = counts.first_failure() {
        bail!("{} answers were not as they must be, the first: {what}", counts.failures());
    }
    judged
}

/// Lets traffic in and stops it, by turns; looks at the node each time.
fn turns(node: &Node, gate: &Gate, counts: &Counts, options: &Options) -> Result<Vec<Look>> {
    let started = Instant::now();
    let mut looks = Vec::new();
    say(Look::TITLE);
    while started.elapsed() < Duration::from_secs(options.minutes * 60) {
        gate.open();
        rest(Duration::from_secs(options.seconds));
        let busy = look::processes(node.id())?;
        gate.close();
        let look = Look::at_rest(node, started, busy, counts)?;
        say(&look.line());
        looks.push(look);
    }
    Ok(looks)
}

/// Tells what grows, and fails if it is memory by more than is allowed.
fn judge(looks: &[Look], options: &Options) -> Result<()> {
    let skipped = (looks.len() * options.warm_up / 100).max(MIN_WARM_UP);
    let of = |value: fn(&Look) -> f64| {
        let points: Vec<_> = looks.iter().skip(skipped).map(|look| (look.hours, value(look))).collect();
        Slope::of(&points)
    };
    let memory = of(|look| look.anonymous_mib);
    say(&format!("after {skipped} looks of warm-up, {} looks:", looks.len().saturating_sub(skipped)));
    let line = |what: &str, slope, unit| say(&format!("  {what:<42} {}", told(slope, unit)));
    line("RssAnon at rest", memory, "MiB/h");
    line("open files beyond two of each object held", of(|look| look.other_files), "/h");
    line("threads", of(|look| look.threads), "/h");
    let Some(limit) = options.at_most else { return Ok(()) };
    match memory {
        Some(slope) if slope.median <= limit => Ok(()),
        Some(slope) if slope.low <= limit => bail!(
            "memory grows by {:.2} MiB/h, more than {limit}; so short a run cannot tell it from none: let it run longer",
            slope.median
        ),
        Some(slope) => bail!("memory grows by {:.2} MiB/h, more than {limit}", slope.median),
        None => bail!("too few looks for a slope: let it run longer"),
    }
}

fn told(slope: Option<Slope>, unit: &str) -> String {
    slope.map_or_else(
        || "too few looks for a slope".to_owned(),
        |slope| format!("{:+.2} {unit}, 95 % within {:+.2} … {:+.2}", slope.median, slope.low, slope.high),
    )
}

#[expect(clippy::disallowed_methods, reason = "traffic goes on for a time, not up to a state")]
fn rest(time: Duration) {
    thread::sleep(time);
}
