//! `sim`: runs many seeds, or one again.

use anyhow::Result;
use argosy_sim::{Report, RunConfig, Tally, run};
use clap::Parser;
use std::{
    io::{self, Write},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Runs the network under many seeds, on a clock, network and disks of its own.
#[derive(Parser)]
#[command(name = "sim")]
struct Arguments {
    /// How many seeds to run, from --first on
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Run this one seed only
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Faults come for so many simulated seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// With --seed: print everything that happened
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Threads; 0 takes as many as there are processors
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let config =
        RunConfig { faults_ms: arguments.seconds * 1_000, traced: arguments.trace, ..RunConfig::default() };
    match arguments.seed {
        Some(seed) => one(seed, config),
        None => many(&arguments, config),
    }
}

fn one(seed: u64, config: RunConfig) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    let report = run(seed, config)?;
    for line in &report.lines {
        writeln!(out, "{line}")?;
    }
    let digest: String = report.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    writeln!(out, "seed {seed}: {} simulated seconds, digest {digest}", report.simulated_ms / 1_000)?;
    writeln!(out, "{:#?}", report.tally)?;
    Ok(match report.violation {
        None => ExitCode::SUCCESS,
        Some(what) => {
            writeln!(out, "FAILED: {what}")?;
            ExitCode::FAILURE
        }
    })
}

#[derive(Default)]
struct Sum {
    runs: u64,
    simulated_ms: u64,
    tally: Tally,
    failures: Vec<(u64, String)>,
}

fn many(arguments: &Arguments, config: RunConfig) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    let (first, count) = (arguments.first, arguments.seeds);
    let threads = match arguments.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    writeln!(out, "seeds {first} to {} on {threads} threads", first + count.saturating_sub(1))?;
    let began = Instant::now();
    let (next, sum) = (AtomicU64::new(first), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    add(&sum, seed, std::panic::catch_unwind(|| run(seed, config)));
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let sum = sum.into_inner()?;
    report(&mut out, &sum, config, seconds)?;
    Ok(if sum.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn add(sum: &Mutex<Sum>, seed: u64, outcome: std::thread::Result<Result<Report>>) {
    let failure = match &outcome {
        Ok(Ok(report)) => report.violation.clone(),
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(_) => Some("a panic, see above".to_owned()),
    };
    // A thread that panicked while it held the lock has printed why.
    let mut sum = sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    sum.runs += 1;
    if let Ok(Ok(report)) = outcome {
        sum.simulated_ms += report.simulated_ms;
        sum.tally.add(&report.tally);
    }
    sum.failures.extend(failure.map(|what| (seed, what)));
}

fn report(out: &mut impl Write, sum: &Sum, config: RunConfig, seconds: f64) -> Result<()> {
    for (seed, what) in &sum.failures {
        writeln!(out, "FAILED seed {seed}: {what}")?;
        let faults_s = config.faults_ms / 1_000;
        writeln!(
            out,
            "  again: cargo run --release -p argosy-sim -- --seed {seed} --seconds {faults_s} --trace"
        )?;
    }
    let simulated_s = sum.simulated_ms / 1_000;
    #[expect(clippy::as_conversions, reason = "a figure for people")]
    let speed = simulated_s as f64 / seconds;
    writeln!(out, "{:#?}", sum.tally)?;
    writeln!(
        out,
        "{} runs, {} failed; {simulated_s} simulated seconds in {seconds:.1} s: {speed:.0} per second",
        sum.runs,
        sum.failures.len()
    )?;
    Ok(())
}
