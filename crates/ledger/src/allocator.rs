//! What a program asks of its allocator, before it has begun.
//!
//! glibc's reads an environment variable when the program is loaded, so that the program starts once more.

use std::{env, ffi::OsStr, io, os::unix::process::CommandExt as _, process::Command};

/// Read by glibc when a program is loaded.
const VARIABLE: &str = "GLIBC_TUNABLES";

/// Huge pages, for large states.
///
/// A look-up in a state of gigabytes waits for the page tables, too: on pages of 2 MiB it is a third
/// faster. The kernel gives them to those who ask (`/sys/kernel/mm/transparent_hugepage/enabled` says
/// `madvise`).
pub const HUGE_PAGES: &str = "glibc.malloc.hugetlb=1";

/// At most so many arenas, for programs with many threads.
///
/// Each has its own gaps, and there may be eight for each core, so that memory grows for hours though no more
/// is held: `docs/performance.md`.
#[must_use]
pub fn arenas(count: usize) -> String {
    format!("glibc.malloc.arena_max={count}")
}

/// Starts this program once more in its own place, with the same arguments and the same process id,
/// so that its allocator does what `tunables` say. Returns if that was done already, if the variable is
/// set to something else, or with another C library.
///
/// To be called first of all: what this process has done so far is lost.
///
/// # Errors
/// If the program could not be started; it may as well go on as it is.
pub fn ask(tunables: &str) -> io::Result<()> {
    if !cfg!(target_env = "gnu") || env::var_os(VARIABLE).is_some() {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let name = arguments.next();
    let mut command = Command::new(env::current_exe()?);
    command.arg0(name.as_deref().unwrap_or(OsStr::new("argosy"))).args(arguments).env(VARIABLE, tunables);
    Err(command.exec())
}
