//! Makes processes here believe that the machine was started anew.

use crate::crash::room;
use anyhow::Result;
use std::{
    fs,
    path::{Path, PathBuf},
};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A boot id of our own, in place of the system's. Only where mounts are our own.
pub(crate) struct Boot {
    file: PathBuf,
    draw: fastrand::Rng,
}

impl Boot {
    /// The first boot.
    pub(crate) fn first(place: &Path, seed: u64) -> Result<Self> {
        let mut boot = Self { file: place.join("boot_id"), draw: fastrand::Rng::with_seed(seed) };
        boot.again()?;
        room::mount(&["--bind", &boot.file.display().to_string(), BOOT_ID])?;
        Ok(boot)
    }

    /// Another boot.
    pub(crate) fn again(&mut self) -> Result<()> {
        let digits = format!("{:032x}", self.draw.u128(..));
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        // In place: the mount is of this file.
        Ok(fs::write(&self.file, parts.join("-") + "\n")?)
    }
}
