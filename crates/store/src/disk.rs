//! The port to the disk. A fake one behind it loses what was not synced.

use argosy_domain::num::to_u64;
use std::any::Any;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, to be read.
    Read,
    /// An existing file, to be read and written.
    Write,
    /// As [`OpenMode::Write`], made if it does not exist.
    Create,
}

/// What is known about a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// Bytes.
    pub len: u64,
    /// Changes whenever somebody writes to the file.
    pub stamp: [u64; 4],
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name; one that is not Unicode is left out of listings.
    pub name: String,
    /// Bytes, of a file.
    pub len: u64,
}

/// Keeps a lock until dropped.
pub type DiskLock = Box<dyn Any + Send + Sync>;

/// An open file, read and written at positions, shared by all its readers and its writer.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Reads up to `buffer.len()` bytes; 0 at the end.
    ///
    /// # Errors
    /// As the disk says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes`. Not on disk for good before [`DiskFile::sync_data`].
    ///
    /// # Errors
    /// As the disk says.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the file, or lengthens it with zeros that take no room.
    ///
    /// # Errors
    /// As the disk says.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Length and stamp.
    ///
    /// # Errors
    /// As the disk says.
    fn stat(&self) -> io::Result<FileStat>;
    /// Returns when all bytes and the length are on disk for good.
    ///
    /// # Errors
    /// As the disk says; then any byte written since the last sync may be lost.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes the next reads come from the disk, as far as the system can.
    ///
    /// # Errors
    /// As the disk says.
    fn drop_cache(&self) -> io::Result<()>;
    /// The system's file, for sending without copying; `None` on a disk that is not real.
    fn std_file(&self) -> Option<&Arc<File>>;
}

/// Names, durability, room.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// As the disk says.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name, over whatever has it. Durable once both directories are synced.
    ///
    /// # Errors
    /// As the disk says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file's name. Durable once the directory is synced.
    ///
    /// # Errors
    /// As the disk says.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory and those above it, unless they exist.
    ///
    /// # Errors
    /// As the disk says.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Returns when the names in a directory are on disk for good.
    ///
    /// # Errors
    /// As the disk says.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// What is in a directory, in no order; nothing if it does not exist.
    ///
    /// # Errors
    /// As the disk says.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Locks a file, made if need be, against all others; `None` if another holds it.
    ///
    /// # Errors
    /// As the disk says.
    fn lock(&self, path: &Path) -> io::Result<Option<DiskLock>>;
    /// Bytes that may still be written to the file system of `path`.
    ///
    /// # Errors
    /// As the disk says.
    fn available_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Differs after every start of the machine.
    ///
    /// # Errors
    /// As the disk says.
    fn boot_id(&self) -> io::Result<[u8; 16]>;
}

/// Fills `buffer` from `offset` on.
pub(crate) fn read_exact_at(file: &dyn DiskFile, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.read_at(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer = &mut buffer[count..];
                offset += to_u64(count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// `Ok` also if there was nothing of that name.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
