//! How long a lead waits for a command: from start to exit, with a directory node on this machine.

use crate::bench::{network::Network, say};
use anyhow::{Result, ensure};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Times that each command runs.
const RUNS: usize = 20;

/// Commands that sign and send, and one that only looks.
const COMMANDS: [(&str, &str); 4] = [
    ("leader:create-bucket-family", "distribution leader:create-bucket-family --yes"),
    ("leader:create-bucket", "distribution leader:create-bucket -f 0 --yes"),
    ("leader:update-bucket-status", "distribution leader:update-bucket-status -B 0:0 -a yes --yes"),
    ("argosy bags", "bags"),
];

pub(crate) fn run(root: &Path) -> Result<()> {
    let network = Network::start(root)?;
    for (name, line) in COMMANDS {
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            times.push(time(&network, line)?);
        }
        times.sort();
        let middle = (times[RUNS / 2 - 1] + times[RUNS / 2]) / 2;
        let spread = format!("{:.1} ({:.1} to {:.1}) ms", ms(middle), ms(times[0]), ms(times[RUNS - 1]));
        say(&format!("{name}, from start to exit, median of {RUNS}"), spread, "<= 60 ms");
    }
    Ok(())
}

fn time(network: &Network, line: &str) -> Result<Duration> {
    let mut command = Command::new(network.program());
    command.args(line.split(' ')).env("ARGOSY_DIRECTORY", &network.directory);
    command.env("ARGOSY_STATE", network.folder.join("state")).current_dir(&network.folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status()?;
    let time = started.elapsed();
    ensure!(status.success(), "argosy {line} ended with {status}");
    Ok(time)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
