//! A place of its own to work in, which is gone when the harness is, however that comes about.

use anyhow::{Context as _, Result, bail};
use std::{
    env,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{PoisonError, RwLock},
};

/// Says to the copy of this program that runs inside that it does.
const INSIDE: &str = "ARGOSY_CRASH_INSIDE";
/// Every system has it, and inside nobody else's files are seen there.
const PLACE: &str = "/mnt";

/// Whether this process runs in namespaces of its own.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs this program once more with `arguments`, with mounts and processes of its own: both end
/// with it, and it with this process.
pub(crate) fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Command> {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--", "unshare"])
        .args([
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
        ])
        .arg(env::current_exe()?)
        .args(arguments)
        .env(INSIDE, "1");
    Ok(command)
}

/// The same, with the arguments of this process.
pub(crate) fn run_again() -> Result<ExitStatus> {
    command(env::args_os().skip(1))?.status().context("cannot run unshare")
}

/// Where files go that a run makes: memory if this process has mounts of its own, else a folder.
pub(crate) fn make(root: &Path, name: &str) -> Result<PathBuf> {
    if is_inside() {
        mount(&["-t", "tmpfs", "-o", "size=4g", "tmpfs", PLACE])?;
        return Ok(PathBuf::from(PLACE));
    }
    let place = root.join("target/crash").join(name);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    Ok(place)
}

/// Held to write while a process begins: until it is another program, it has all files of this one open,
/// and with them the locks. Held to read by who locks something.
pub(crate) static BEGINNINGS: RwLock<()> = RwLock::new(());

/// Begins a process while nothing is locked.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    let _alone = BEGINNINGS.write().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

pub(crate) fn mount(arguments: &[&str]) -> Result<()> {
    run("mount", arguments)
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path_with_sbin()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = spawn(&mut command).with_context(|| format!("cannot run {program}"))?;
    let output = running.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim())
}

/// Programs that make file systems are often not where users look.
pub(crate) fn path_with_sbin() -> std::ffi::OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/sbin:/usr/sbin");
    path
}
