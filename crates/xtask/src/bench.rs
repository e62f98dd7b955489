//! Benchmarks that start the real program and measure it from outside.

mod http;
mod network;
mod skeleton;

use anyhow::Result;
use clap::Subcommand;
use std::path::Path;

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The whole network on this machine: start, put, replicate, deliver, receipts, memory.
    Skeleton {
        /// Bytes of the large object, in MiB.
        #[arg(long, default_value_t = 1024)]
        large_mib: u64,
    },
}

pub(crate) fn run(root: &Path, what: &Bench) -> Result<()> {
    match what {
        Bench::Skeleton { large_mib } => skeleton::run(root, *large_mib),
    }
}

/// The value below which `share` percent of the sorted `values` lie.
pub(crate) fn percentile(values: &mut [f64], share: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * share / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}
