//! The directory that a ledger lives in: one process at a time, one log.

use crate::{
    error::OpenError,
    log::{LogFile, file_header},
};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

const LOCK_NAME: &str = "lock";
const LOG_NAME: &str = "blocks.log";
/// Where a new log is made before it gets its name.
const NEW_LOG_NAME: &str = "blocks.log.new";

/// A data directory that no other process uses while this lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Holds the lock; closing it lets go.
    _lock: File,
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
        let log_path = path.join(LOG_NAME);
        if !log_path.try_exists().map_err(io_error("look for", &log_path))? {
            return Err(OpenError::Missing { path: log_path });
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
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io_error("lock", &lock_path)(source)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Path of the log.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.path.join(LOG_NAME)
    }

    /// Opens the log; where there is none, makes an empty one that appears whole or not at all.
    pub(crate) fn open_or_create_log(&self, genesis: &[u8; 32]) -> Result<LogFile, OpenError> {
        let path = self.log_path();
        let new_path = self.path.join(NEW_LOG_NAME);
        // A log that did not get its name in an earlier run holds nothing.
        match fs::remove_file(&new_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error("remove", &new_path)(error));
            }
            _ => {}
        }
        if !path.try_exists().map_err(io_error("look for", &path))? {
            let mut file = File::create_new(&new_path).map_err(io_error("create", &new_path))?;
            file.write_all(&file_header(genesis)).map_err(io_error("write", &new_path))?;
            file.sync_all().map_err(io_error("sync", &new_path))?;
            fs::rename(&new_path, &path).map_err(io_error("create", &path))?;
            File::open(&self.path).and_then(|dir| dir.sync_all()).map_err(io_error("sync", &self.path))?;
        }
        LogFile::open(path, genesis, true)
    }

    /// Opens the log for reading only.
    pub(crate) fn open_log(&self, genesis: &[u8; 32]) -> Result<LogFile, OpenError> {
        LogFile::open(self.log_path(), genesis, false)
    }
}
