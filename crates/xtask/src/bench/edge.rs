//! Our distributor beside nginx's `proxy_cache` and Varnish, all in front of the same storage node: cold
//! objects, seeks, many clients at once, and how often each has what is asked for.
//!
//! The others fetch `GET /api/v1/files/{id}`, as Argus does.

mod cold;
pub(crate) mod origin;
mod replay;
pub(crate) mod subjects;
mod table;

use super::network::Network;
use anyhow::{Context as _, Result};
use clap::Args;
use origin::Origin;
use std::{
    fs,
    path::{Path, PathBuf},
};
use subjects::Kind;

/// Where the traces are, beside the repository.
const TRACE: &str = "../shared/data/traces/akamai-video-150k.csv.gz";

/// What to do.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds of the cold measurements; their medians are shown.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Bytes of the object that is read whole, in MiB.
    #[arg(long, default_value_t = 100)]
    middle_mib: u64,
    /// Bytes of the object that is sought in, in MiB.
    #[arg(long, default_value_t = 1024)]
    large_mib: u64,
    /// Requests to replay, `time,object,size` with sizes in KB, gzipped.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// One of so many of the trace's objects takes part.
    #[arg(long, default_value_t = 20)]
    one_of: u64,
    /// By how much the objects of the trace are made smaller.
    #[arg(long, default_value_t = 100)]
    shrink: u64,
    /// How long the replay takes. nginx looks every ten seconds whether its cache is too large.
    #[arg(long, default_value_t = 100)]
    seconds: u64,
    /// Only this one.
    #[arg(long)]
    only: Option<Kind>,
    /// Leave the cold measurements out.
    #[arg(long)]
    no_cold: bool,
    /// Leave the replay out.
    #[arg(long)]
    no_replay: bool,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let program = crate::crash::program(root)?;
    let folder = root.join("target/bench-edge");
    let mut kinds = Kind::present();
    kinds.retain(|kind| options.only.is_none_or(|only| only == *kind));
    if !options.no_cold {
        let origin = Origin::start(&program, &folder.join("network"), 1)?;
        cold::run(&origin, &folder, &kinds, options)?;
    }
    if !options.no_replay {
        let trace = options.trace.clone().unwrap_or_else(|| root.join(TRACE));
        if trace.exists() {
            let origin = Origin::start(&program, &folder.join("network"), 1)?;
            replay::run(&origin, &folder, &kinds, &trace, options)?;
        } else {
            say(&format!("no replay: {} is not there", trace.display()));
        }
    }
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
}

/// A line of the report.
#[expect(clippy::print_stdout, reason = "the report goes to standard output")]
fn say(line: &str) {
    println!("{line}");
}
