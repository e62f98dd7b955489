//! A file system on a loop device that loses its power.

use super::{node::wait_for, room};
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Room for a ledger. The smallest that mkfs.xfs makes is 300 MiB.
pub(crate) const LEDGER_BYTES: u64 = 512 * 1024 * 1024;

/// Which file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FileSystem {
    /// As it comes.
    Xfs,
    /// With `noauto_da_alloc`: without it, ext4 syncs by itself what programs forget to sync.
    Ext4,
}

impl FileSystem {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Xfs => "xfs",
            Self::Ext4 => "ext4",
        }
    }

    const fn options(self) -> &'static str {
        match self {
            Self::Xfs => "nodev",
            Self::Ext4 => "nodev,noauto_da_alloc",
        }
    }
}

/// A loop device with a file system. The image has no name any more, and the device lets go of it as
/// soon as nobody has it open: nothing is left, however this process ends.
pub(crate) struct Image {
    kind: FileSystem,
    device: String,
    /// Keeps the device between two mounts.
    _open: fs::File,
    pub(crate) mount_point: PathBuf,
    is_mounted: bool,
}

impl Image {
    /// Makes an image of so many bytes in `place`, and mounts it there.
    pub(crate) fn make(kind: FileSystem, place: &Path, bytes: u64) -> Result<Self> {
        let path = place.join("image");
        fs::File::create(&path)?.set_len(bytes)?;
        let name = path.display().to_string();
        match kind {
            FileSystem::Xfs => room::run("mkfs.xfs", &["-q", "-f", &name])?,
            FileSystem::Ext4 => room::run("mkfs.ext4", &["-q", "-F", &name])?,
        }
        let output = Command::new("losetup")
            .args(["--find", "--show", &name])
            .env("PATH", room::path_with_sbin())
            .output()?;
        ensure!(output.status.success(), "losetup: {}", String::from_utf8_lossy(&output.stderr));
        let device = String::from_utf8(output.stdout)?.trim().to_owned();
        let open = fs::File::open(&device).with_context(|| format!("cannot open {device}"));
        // While it is open this only says that it may go with its last user.
        room::run("losetup", &["--detach", &device])?;
        fs::remove_file(&path)?;
        let mount_point = place.join("disk");
        fs::create_dir_all(&mount_point)?;
        let mut image = Self { kind, device, _open: open?, mount_point, is_mounted: false };
        image.mount()?;
        Ok(image)
    }

    pub(crate) fn mount(&mut self) -> Result<()> {
        let point = self.mount_point.display().to_string();
        room::mount(&["-t", self.kind.name(), "-o", self.kind.options(), &self.device, &point])?;
        self.is_mounted = true;
        Ok(())
    }

    pub(crate) fn unmount(&mut self) -> Result<()> {
        let point = self.mount_point.display().to_string();
        // The kernel may be a moment behind with what a killed process had open.
        wait_for("the disk is not in use", || Ok(room::run("umount", &[&point]).ok()))?;
        self.is_mounted = false;
        Ok(())
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = room::run("umount", &["--lazy", &self.mount_point.display().to_string()]);
        }
    }
}

/// Something with its finger on the switch: ioctl `0x8004587d` with flag 2, by `xfs_io`, which does
/// that on any file system that can.
pub(crate) struct Switch {
    hand: Child,
}

impl Switch {
    /// Makes a file on the disk that has nothing to do with the node, and waits until it is there.
    pub(crate) fn ready(disk: &Path) -> Result<Self> {
        let unrelated = disk.join("unrelated");
        if unrelated.exists() {
            fs::remove_file(&unrelated)?;
        }
        let mut command = Command::new("xfs_io");
        command
            .args(["-x", "-f"])
            .arg(&unrelated)
            .env("PATH", room::path_with_sbin())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let hand = room::spawn(&mut command).context("cannot run xfs_io")?;
        let switch = Self { hand };
        wait_for("xfs_io opens a file", || Ok(unrelated.exists().then_some(())))?;
        Ok(switch)
    }

    /// Cuts the power, right after the unrelated file was synced if wished: that commits what the file
    /// system's journal has of others' changes, whose data may still be in memory only.
    pub(crate) fn cut(mut self, syncs_before: bool) -> Result<()> {
        let mut input = self.hand.stdin.take().context("no input")?;
        if syncs_before {
            writeln!(input, "pwrite -q 0 4096\nfsync")?;
        }
        writeln!(input, "shutdown\nquit")?;
        drop(input);
        ensure!(self.hand.wait()?.success(), "the power was not cut");
        Ok(())
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let _ = self.hand.kill();
        let _ = self.hand.wait();
    }
}
