//! Crashes of real nodes: of a directory node, killed at every write-side system call, and cut off from
//! its disk by power cuts that are as real as a loop device allows; of a distributor that is filling.

pub(crate) mod checks;
mod fill;
mod image;
mod journal;
mod kills;
pub(crate) mod node;
mod points;
mod power;
pub(crate) mod room;
mod script;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// How the node is made to crash.
#[derive(Subcommand)]
pub(crate) enum Crash {
    /// kill -9 at every write-side system call of a scripted run.
    Kills(kills::Options),
    /// Power cuts at random moments, on xfs and on ext4 without its help for programs that do not sync.
    Power(power::Options),
    /// A distributor that is killed, or loses its power, while it fills objects.
    Fill(fill::Options),
}

pub(crate) fn run(root: &Path, how: &Crash) -> Result<()> {
    match how {
        Crash::Kills(options) => kills::run(root, options),
        Crash::Power(options) => power::run(root, options),
        Crash::Fill(options) => fill::run(root, options),
    }
}

/// The harness says what it did: a silent one proves nothing.
#[expect(clippy::print_stdout, reason = "the report goes to standard output")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// The program that is built like this one, and lies beside it.
pub(crate) fn program(root: &Path) -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    build.args(["build", "-q", "--locked", "-p", "argosy-cli"]).current_dir(root);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    // Inside, it was built a moment ago.
    if !room::is_inside() && !build.status().context("cannot run cargo")?.success() {
        bail!("the program cannot be built");
    }
    let program = env::current_exe()?.with_file_name("argosy");
    if program.exists() { Ok(program) } else { bail!("{} is not there", program.display()) }
}

/// Whether what a harness needs may not be missing, as in CI.
fn is_strict() -> bool {
    env::var_os("ARGOSY_REQUIRE_TOOLS").is_some()
}

/// Leaves a harness out for want of `what`, and says so; an error where nothing may be left out.
fn skip(what: &str, count: u64) -> Result<()> {
    if is_strict() {
        bail!("{what} is missing, and ARGOSY_REQUIRE_TOOLS is set");
    }
    say(&format!("SKIPPED {count}: {what} is missing"));
    Ok(())
}

pub(crate) fn is_there(tool: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .chain(["/sbin", "/usr/sbin"].map(PathBuf::from))
        .any(|folder| folder.join(tool).exists())
}

/// A seed that was given, or a fresh one.
fn seed(given: Option<u64>) -> u64 {
    given.unwrap_or_else(|| fastrand::u64(1..1 << 32))
}
