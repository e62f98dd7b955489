//! `argosy distribution adopt`: takes over the files of a distributor that was Argus.

use super::ConfigArg;
use crate::{
    failure::{Failure, Outcome, chain},
    nodes, screen, text,
    up::running::StopSignal,
};
use argosy_distributor::{
    Config, GroundError,
    adopt::{AdoptError, AdoptOptions, AdoptReport, AdoptWatch, Left, LeftBecause, adopt},
};
use argosy_http::Shutdown;
use indicatif::ProgressBar;
use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, OnceLock},
};

/// Files that are named one by one to people.
const MAX_NAMED: usize = 20;

/// Take over the files of an Argus distributor, where they are
///
/// Every file is checked against the directory and its content id, and becomes an object of the cache
/// without being copied. What is wrong, unknown or incomplete stays where it is and is listed; nothing is
/// deleted. The distributor must not be running. An interrupted run is continued by the next one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy distribution adopt --config config.yml --dry-run
  argosy distribution adopt --config config.yml --from /data/assets

Exit codes: 0 all files are objects of the cache now, 1 some were left, 2 wrong usage, 3 no answer.")]
pub(crate) struct AdoptArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Folder with the files, on the disk of directories.assets; that folder itself if left out
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Argus' record of what is popular; cache.json in directories.cacheState if left out
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Check all files, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Taken, and of no effect: nothing is asked
    #[arg(short, long, hide = true)]
    yes: bool,
}

/// Shows how far it is.
struct Bar {
    quiet: bool,
    bar: OnceLock<ProgressBar>,
}

impl AdoptWatch for Bar {
    fn planned(&self, _files: u64, bytes: u64) {
        self.bar.get_or_init(|| screen::progress(self.quiet, "adopting", bytes));
    }

    fn hashed(&self, bytes: u64) {
        if let Some(bar) = self.bar.get() {
            bar.inc(bytes);
        }
    }
}

pub(super) async fn run(args: AdoptArgs) -> Outcome<ExitCode> {
    let config = nodes::read::<Config>(&args.config.config)?.config;
    let (stop, mut signal) = (Shutdown::new(), StopSignal::listen()?);
    let bar = Arc::new(Bar { quiet: args.json, bar: OnceLock::new() });
    let options = AdoptOptions { from: args.from, state: args.state, dry_run: args.dry_run };
    let work = adopt(config, options, Arc::<Bar>::clone(&bar), stop.clone());
    tokio::pin!(work);
    let report = loop {
        tokio::select! {
            report = &mut work => break report,
            () = signal.received() => stop.trigger(),
        }
    };
    if let Some(bar) = bar.bar.get() {
        bar.finish_and_clear();
    }
    let report = report.map_err(|error| failure(&error))?;
    if args.json {
        screen::json(&report);
    } else {
        show(&report);
    }
    let all = report.left.is_empty() && !report.interrupted;
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn failure(error: &AdoptError) -> Failure {
    match error {
        AdoptError::NoDirectory => Failure::no_answer(error.to_string()),
        AdoptError::Ground(GroundError::Endpoints(_)) => Failure::usage_as("WRONG_CONFIG", error.to_string()),
        AdoptError::Ground(_)
        | AdoptError::Follow(_)
        | AdoptError::Store(_)
        | AdoptError::Io { .. }
        | AdoptError::Broken(_) => Failure::refused("NOT_ADOPTED", chain(error)),
    }
}

fn show(report: &AdoptReport) {
    let what = if report.dry_run { "would be objects of the cache" } else { "are objects of the cache now" };
    screen::say(&format!(
        "{} files, {}, {what}; the popularity of {} is kept",
        report.adopted,
        text::bytes(report.adopted_bytes),
        report.popular
    ));
    for Left { name, reason, detail } in report.left.iter().take(MAX_NAMED) {
        let detail = detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        screen::note(&text::line(&format!("left {name}: {}{detail}", words(*reason))));
    }
    if report.left.len() > MAX_NAMED {
        screen::note(&format!("{} files are left in all; --json lists them", report.left.len()));
    }
    if report.cache_bytes > report.limit_bytes {
        screen::note(&format!(
            "the cache has {} and limits.storage is {}: raise it, or the distributor will drop what is least popular when it starts",
            text::bytes(report.cache_bytes),
            text::bytes(report.limit_bytes)
        ));
    }
    if report.interrupted {
        screen::note("interrupted; the same command goes on where it stopped");
    }
}

const fn words(reason: LeftBecause) -> &'static str {
    match reason {
        LeftBecause::NotAnObject => "is no file with the id of an object as its name",
        LeftBecause::Unknown => "the directory knows no such object",
        LeftBecause::Deleted => "the object was deleted",
        LeftBecause::NotAccepted => "no storage node has the object yet",
        LeftBecause::NotOurs => "the object is in no bucket of this distributor",
        LeftBecause::Blacklisted => "the content is blacklisted",
        LeftBecause::Partial => "is shorter than the object: a download that was cut off",
        LeftBecause::TooLong => "is longer than the object",
        LeftBecause::WrongContent => "the bytes are not those of the object",
        LeftBecause::HeldAlready => "the cache has the object already",
        LeftBecause::LargerThanCache => "the object is larger than limits.storage",
        LeftBecause::DiskError => "cannot be taken over",
    }
}
