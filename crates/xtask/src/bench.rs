//! Benchmarks: of the real program from outside, and of the directory at its full size.

mod cache;
mod cli;
mod directory;
pub(crate) mod edge;
#[path = "../../node/tests/it/fake_source.rs"]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of tests, which this measures with")]
mod fake_source;
mod fill;
mod follow;
mod followers;
pub(crate) mod http;
mod index;
mod junk;
mod ledger;
mod machine;
pub(crate) mod network;
mod prefetch;
mod restart;
mod skeleton;

use anyhow::Result;
use clap::Subcommand;
use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The whole network on this machine: start, put, replicate, deliver, receipts, memory.
    Skeleton {
        /// Bytes of the large object, in MiB.
        #[arg(long, default_value_t = 1024)]
        large_mib: u64,
    },
    /// Policies of a distributor's cache on made and published traffic; how long a full one takes to start.
    Cache(cache::Options),
    /// Commands of a lead: from start to exit.
    Cli,
    /// The directory's state: memory, calls, look-ups, checkpoints, and PostgreSQL beside it.
    Directory {
        /// Data objects; a tenth as many bags.
        #[arg(long, default_value_t = 10_000_000)]
        objects: u64,
        /// Leave PostgreSQL out.
        #[arg(long)]
        no_postgres: bool,
    },
    /// Followers of a directory node: catching up, and beginning with a snapshot.
    Follow {
        /// Blocks that a follower was away for.
        #[arg(long, default_value_t = 100_000)]
        blocks: u64,
        /// Data objects in the snapshot.
        #[arg(long, default_value_t = 10_000_000)]
        objects: u64,
    },
    /// New objects until they are hits at all distributors; a new distributor until it is full.
    Prefetch(prefetch::Options),
    /// Followers of one directory node: when all have a new block, and what each costs.
    Followers(followers::Options),
    /// Very many readers of one cold object: what sources send, while they live and while they die.
    Fill(fill::Options),
    /// Durable transactions: the embedded engine, a sync for each transaction, PostgreSQL beside it.
    Ledger {
        /// Of each of the three.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Leave PostgreSQL out.
        #[arg(long)]
        no_postgres: bool,
    },
    /// A directory node under a flood of junk, and a lead who has work to do.
    Junk {
        /// Of the flood.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Connections of each kind of junk.
        #[arg(long, default_value_t = 8)]
        connections: usize,
    },
    /// Part of that: the flood.
    #[command(hide = true)]
    JunkFlood {
        /// The directory node.
        #[arg(long)]
        directory: String,
        /// As there.
        #[arg(long)]
        seconds: u64,
        /// As there.
        #[arg(long)]
        connections: usize,
    },
    /// Part of the directory's: loads a checkpoint that it made.
    #[command(hide = true)]
    DirectoryLoad {
        /// Data objects in it.
        #[arg(long)]
        objects: u64,
        /// The file.
        #[arg(long)]
        checkpoint: PathBuf,
    },
    /// Our distributor, nginx and Varnish in front of the same storage node.
    Edge(edge::Options),
    /// A distributor that is killed: until it serves again, and its hit ratio before and after.
    Restart(restart::Options),
    /// What a distributor or a storage node knows of the directory: memory, blocks, look-ups, checkpoints.
    Index {
        /// Data objects; a tenth as many bags.
        #[arg(long, default_value_t = 10_000_000)]
        objects: u64,
    },
    /// Part of that: loads a checkpoint that it made.
    #[command(hide = true)]
    IndexLoad {
        /// The file.
        #[arg(long)]
        checkpoint: PathBuf,
    },
}

pub(crate) fn run(root: &Path, what: &Bench) -> Result<()> {
    match what {
        Bench::Skeleton { large_mib } => skeleton::run(root, *large_mib),
        Bench::Cache(options) => cache::run(root, options),
        Bench::Cli => cli::run(root),
        Bench::Directory { objects, no_postgres } => directory::run(root, *objects, !no_postgres),
        Bench::Follow { blocks, objects } => follow::run(root, *blocks, *objects),
        Bench::Followers(options) => followers::run(root, options),
        Bench::Fill(options) => fill::run(root, options),
        Bench::Prefetch(options) => prefetch::run(root, options),
        Bench::Ledger { seconds, no_postgres } => ledger::run(root, *seconds, !no_postgres),
        Bench::Junk { seconds, connections } => junk::run(root, *seconds, *connections),
        Bench::JunkFlood { directory, seconds, connections } => {
            junk::flood(directory, *seconds, *connections)
        }
        Bench::DirectoryLoad { objects, checkpoint } => directory::load(checkpoint, *objects),
        Bench::Edge(options) => edge::run(root, options),
        Bench::Restart(options) => restart::run(root, options),
        Bench::Index { objects } => index::run(root, *objects),
        Bench::IndexLoad { checkpoint } => index::load(checkpoint),
    }
}

pub(crate) fn say(what: &str, value: String, target: &str) {
    // The report is what this program is for.
    #[expect(clippy::print_stdout, reason = "the report goes to standard output")]
    {
        println!("{what:<72} {value:>22}   target {target}");
    }
}

#[expect(clippy::as_conversions, reason = "figures for people: rounding is fine")]
pub(crate) fn as_f64(n: u64) -> f64 {
    n as f64
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures at a time, it does not wait for a state")]
fn rest(time: Duration) {
    thread::sleep(time);
}

/// The value below which `share` percent of the sorted `values` lie.
pub(crate) fn percentile(values: &mut [f64], share: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * share / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}
