//! What the kernel says of this process and thread.

use anyhow::{Context as _, Result};
use std::fs;

/// Seconds that this thread has spent on a processor: what others do on the machine does not count.
pub(crate) fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|text| text.parse::<f64>().ok());
    nanoseconds.unwrap_or(f64::NAN) / 1e9
}

/// Memory that this process holds.
pub(crate) fn resident_bytes() -> Result<u64> {
    status("VmRSS:")
}

/// The most that it held since it started, or since [`reset_peak`].
pub(crate) fn peak_bytes() -> Result<u64> {
    status("VmHWM:")
}

/// Forgets what it held before.
pub(crate) fn reset_peak() -> Result<()> {
    fs::write("/proc/self/clear_refs", "5").context("cannot reset the peak")
}

fn status(key: &str) -> Result<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)).context("the kernel does not say")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1024)
}
