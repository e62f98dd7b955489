//! Cache policies: what they would have hit on the same requests, and what they cost.

mod published;
pub(crate) mod replay;
mod start;
pub(crate) mod trace;

use super::{as_f64, machine::cpu_seconds, say};
use anyhow::{Context as _, Result, bail};
use argosy_domain::DataObjectId;
use argosy_node_core::cache::{PolicyName, RecentUses};
use clap::Args;
use published::{Joint, akamai_video};
use replay::{Outcome, replay};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};
use trace::{Trace, Unrest, drawn, site};

/// Sizes of the cache, in percent of the footprint.
const SIZES: [u64; 3] = [1, 10, 50];
const SEED: u64 = 0x5eed;

#[derive(Args)]
pub(crate) struct Options {
    /// Folder of the published traffic; `../shared/data/traces` beside the repository if left out.
    #[arg(long)]
    traces: Option<PathBuf>,
    /// Requests of each trace that is made; the published one has 150 000.
    #[arg(long, default_value_t = 2_000_000)]
    requests: usize,
    /// Only traces whose name has this in it.
    #[arg(long)]
    only: Option<String>,
    /// Write the one trace that `--only` leaves to this file and measure nothing: a line for each request,
    /// object, its size, and the bytes wanted from its beginning.
    #[arg(long)]
    export: Option<PathBuf>,
    /// Divide all exported sizes by this, so that they fit on a disk.
    #[arg(long, default_value_t = 1)]
    scale: u64,
    /// Objects on disk to start with; 0 leaves that out.
    #[arg(long, default_value_t = 100_000)]
    start_objects: u64,
}

/// What a trace is made from; making one takes memory, so each is made when its turn comes.
struct Recipe<'a> {
    name: String,
    make: Box<dyn Fn() -> Result<Trace> + 'a>,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let beside = root.join("../shared/data/traces");
    let folder = options.traces.as_deref().unwrap_or(&beside);
    let mut all = recipes(folder, options.requests);
    if let Some(only) = &options.only {
        all.retain(|recipe| recipe.name.contains(only.as_str()));
    }
    if let Some(path) = &options.export {
        let [recipe] = &all[..] else {
            let names: Vec<&str> = all.iter().map(|recipe| recipe.name.as_str()).collect();
            bail!("--export needs --only with a part of one of these names: {}", names.join(", "));
        };
        return export(&(recipe.make)()?, path, options.scale.max(1));
    }
    for recipe in all {
        measure(&recipe.name, &(recipe.make)()?);
    }
    notes();
    if options.start_objects > 0 { start::run(root, options.start_objects) } else { Ok(()) }
}

/// What a request pays for telling whether it begins a use.
fn notes() {
    const CALLS: u64 = 10_000_000;
    let recent = RecentUses::default();
    for (what, objects) in [("one viewer of one object", 1), ("of 100 000 objects", 100_000)] {
        let started = cpu_seconds();
        let begun = (0..CALLS).filter(|n| recent.begins(DataObjectId(n % objects), 7, n / 100_000)).count();
        let ns = (cpu_seconds() - started) * 1e9 / as_f64(CALLS);
        say(&format!("telling whether a request is a use: {what}, {begun} uses"), format!("{ns:.1} ns"), "–");
    }
}

fn recipes(folder: &Path, requests: usize) -> Vec<Recipe<'_>> {
    let mut all: Vec<Recipe<'_>> = Vec::new();
    let published = folder.is_dir();
    if published {
        all.push(Recipe { name: "akamai video trace".to_owned(), make: Box::new(|| akamai_video(folder)) });
    } else {
        line(&format!("There is no {}: Akamai's traffic is left out.", folder.display()));
    }
    for (unrest, suffix) in [(Unrest::NONE, ""), (Unrest::SOME, ", drift and scans")] {
        for kind in ["v", "w", "tc"].into_iter().filter(|_| published) {
            let make = move || Ok(drawn(&Joint::read(folder, kind)?, requests / 8, requests, unrest, SEED));
            all.push(Recipe { name: format!("akamai {kind}{suffix}"), make: Box::new(make) });
        }
        let make = move || Ok(site(requests / 25, requests, unrest, SEED));
        all.push(Recipe { name: format!("site{suffix}"), make: Box::new(make) });
    }
    all
}

fn measure(name: &str, trace: &Trace) {
    let footprint = trace.footprint();
    line("");
    line(&format!(
        "{name}: {} requests, {} objects, footprint {:.1} GB",
        trace.requests.len(),
        trace.sizes.len(),
        as_f64(footprint) / 1e9
    ));
    line("| cache | policy | object hit ratio | byte hit ratio | written, GB | ns a request |");
    line("|---|---|---|---|---|---|");
    for size in SIZES {
        for policy in PolicyName::ALL {
            let outcome = replay(trace, footprint / 100 * size, policy);
            line(&row(size, policy, outcome));
        }
    }
}

fn row(size: u64, policy: PolicyName, outcome: Outcome) -> String {
    let ratio = |part: u64, whole: u64| as_f64(part) / as_f64(whole.max(1));
    format!(
        "| {size} % | {} | {:.4} | {:.4} | {:.1} | {} |",
        policy.as_str(),
        ratio(outcome.hits, outcome.requests),
        ratio(outcome.hit_bytes, outcome.wanted_bytes),
        as_f64(outcome.written_bytes) / 1e9,
        outcome.ns_per_request
    )
}

fn export(trace: &Trace, path: &Path, scale: u64) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    let mut file = BufWriter::new(file);
    writeln!(file, "object,size,wanted")?;
    for request in &trace.requests {
        let size = (trace.size(*request) / scale).max(1);
        let wanted = (trace.wanted(*request) / scale).clamp(1, size);
        writeln!(file, "{},{size},{wanted}", request.object)?;
    }
    file.flush().context("cannot write the trace")
}

#[expect(clippy::print_stdout, reason = "the report goes to standard output")]
fn line(text: &str) {
    println!("{text}");
}
