//! Chores: what keeps the repository in order, and the benchmarks.

mod bench;
mod check;
mod crash;
mod determinism;
mod directory_log;
mod pattern;
mod soak;
mod words;

use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(
    name = "xtask",
    about = "Chores of the Argosy repository",
    after_help = "Example: cargo run --release -p xtask -- bench skeleton"
)]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Compare the crate graph with docs/crate-graph.txt, look for words we do not use and for functions that grew.
    Check {
        /// Write docs/crate-graph.txt and docs/long-functions.txt anew instead of failing.
        #[arg(long)]
        write: bool,
    },
    /// Look for words that docs/glossary.md tells us not to use.
    Words,
    /// Apply one log on two threads and after a restart, and print the state root that all come to.
    Determinism {
        /// Transactions in the log.
        #[arg(long, default_value_t = 100_000)]
        transactions: u64,
    },
    /// Crash the real directory node in many ways, and look for what must not happen.
    Crash {
        #[command(subcommand)]
        how: crash::Crash,
    },
    /// Run a node for long, and look for what grows.
    Soak {
        #[command(subcommand)]
        what: soak::Soak,
    },
    /// Measure, and print the figures.
    Bench {
        #[command(subcommand)]
        what: bench::Bench,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let root = repository();
    let done = match args.chore {
        Chore::Check { write } => check::run(&root, write),
        Chore::Words => words::run(&root),
        Chore::Determinism { transactions } => determinism::run(&root, transactions),
        Chore::Crash { how } => crash::run(&root, &how),
        Chore::Soak { what } => soak::run(&root, &what),
        Chore::Bench { what } => {
            // As the program does it, so that what is measured here is what it does there.
            let _ = argosy_ledger::allocator::ask(argosy_ledger::allocator::HUGE_PAGES);
            bench::run(&root, &what)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn repository() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path.pop();
    path
}
