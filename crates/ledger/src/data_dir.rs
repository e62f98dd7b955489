//! The directory that a ledger lives in: one process at a time, one log, some checkpoints.

use crate::{
    epoch::EpochChange,
    error::OpenError,
    log::{FIRST_NAME, Link, Log, NEW_NAME, floor_path, list_segments, segment_header},
};
use argosy_domain::wire::decode_canonical;
use codec::Encode;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

const LOCK_NAME: &str = "lock";
const CHECKPOINTS_NAME: &str = "checkpoints";
/// A change of sequencing keys that the next start carries out.
const CHANGE_NAME: &str = "epoch.change";

/// A data directory that no other process uses while this lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Locked while this lives.
    lock: File,
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // Closing the file is not enough while a process that is just being started has a copy of it.
        let _ = self.lock.unlock();
    }
}

/// Adds what was being done, and to what, to an error of the operating system.
pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { doing, path, source }
}

impl DataDir {
    /// Makes the directory if need be, and locks it.
    pub(crate) fn create(path: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(path).map_err(io_error("create", path))?;
        Self::lock(path)
    }

    /// Locks a directory that has a log.
    pub(crate) fn lock_existing(path: &Path) -> Result<Self, OpenError> {
        if !has_ledger(path)? {
            return Err(OpenError::Missing { path: path.join(FIRST_NAME) });
        }
        Self::lock(path)
    }

    fn lock(path: &Path) -> Result<Self, OpenError> {
        let lock_path = path.join(LOCK_NAME);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(io_error("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io_error("lock", &lock_path)(source)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The change of sequencing keys that waits to be carried out, if there is one.
    pub(crate) fn change(&self) -> Result<Option<EpochChange>, OpenError> {
        let path = self.path.join(CHANGE_NAME);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &path)(error)),
            Ok(bytes) => decode_canonical(&bytes)
                .map(Some)
                .map_err(|_| OpenError::Change { path, why: "it is damaged" }),
        }
    }

    /// Path of the file of a change that waits.
    pub(crate) fn change_path(&self) -> PathBuf {
        self.path.join(CHANGE_NAME)
    }

    /// Leaves a change for the next start, durably.
    pub(crate) fn leave_change(&self, change: &EpochChange) -> Result<(), OpenError> {
        let path = self.change_path();
        replace(&path, &change.encode()).map_err(io_error("write", &path))
    }

    /// Removes a change that was carried out. One that stays is known by its epoch to be old.
    pub(crate) fn forget_change(&self) {
        let path = self.change_path();
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "cannot remove a change of keys that was carried out");
        }
    }

    /// Opens the log; where there is none, makes an empty one that appears whole or not at all.
    pub(crate) fn open_or_create_log(&self, genesis: &[u8; 32]) -> Result<Log, OpenError> {
        let new_path = self.path.join(NEW_NAME);
        // A segment that did not get its name in an earlier run holds nothing.
        match fs::remove_file(&new_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error("remove", &new_path)(error));
            }
            _ => {}
        }
        if !has_log(&self.path)? {
            let path = self.path.join(FIRST_NAME);
            replace(&path, &segment_header(genesis, Link::FIRST)).map_err(io_error("create", &path))?;
        }
        Log::open(&self.path, genesis, true)
    }

    /// Opens the log for reading only.
    pub(crate) fn open_log(&self, genesis: &[u8; 32]) -> Result<Log, OpenError> {
        Log::open(&self.path, genesis, false)
    }
}

/// Folder of the checkpoints of the ledger in `dir`.
pub(crate) fn checkpoints_dir(dir: &Path) -> PathBuf {
    dir.join(CHECKPOINTS_NAME)
}

/// Whether there is a log, or what is left of one.
/// Whether there is a ledger in a folder, which itself need not be there.
///
/// # Errors
/// [`OpenError::Io`] if that cannot be seen.
pub fn has_ledger(path: &Path) -> Result<bool, OpenError> {
    let is_there = path.try_exists().map_err(io_error("look for", path))?;
    Ok(is_there && has_log(path)?)
}

fn has_log(dir: &Path) -> Result<bool, OpenError> {
    let floor = floor_path(dir);
    Ok(!list_segments(dir)?.is_empty() || floor.try_exists().map_err(io_error("look for", &floor))?)
}

/// Makes a file of these bytes and syncs it. It has no lasting name before its folder is synced.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts a file of these bytes at `path`, durably: whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new_path = path.to_owned().into_os_string();
    new_path.push(".new");
    let new_path = PathBuf::from(new_path);
    let replaced = write_new(&new_path, bytes).and_then(|()| fs::rename(&new_path, path));
    if let Err(error) = replaced {
        // Of no use, and the next attempt begins anew whether it is there or not.
        let _ = fs::remove_file(&new_path);
        return Err(error);
    }
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Makes names in a folder last.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Removes the lock of a ledger that nobody has open.
pub(crate) fn remove_lock(dir: &Path) -> Result<(), OpenError> {
    let path = dir.join(LOCK_NAME);
    fs::remove_file(&path).map_err(io_error("remove", &path))
}
