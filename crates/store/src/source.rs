//! Files that are about to be uploaded: hashed once, then read with their proof.

use crate::disk::{DiskFile, FileStat};
use crate::files::{TreeFiles, Unproved};
use crate::pairs::PairBuffer;
use crate::real_disk::RealFile;
use crate::slice::FileSlice;
use crate::store::ObjectMeta;
use argosy_content::{GroupRange, TreeBuilder, VerifyError};
use argosy_domain::limits::WINDOW_BYTES;
use argosy_domain::num::{to_u64, to_usize};
use bytes::Bytes;
use rustix::fs::{Mode, OFlags};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Why a file cannot be uploaded.
#[derive(Debug, Error)]
pub enum SourceError {
    /// It does not exist, or may not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory, a pipe or the like.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// It has no bytes.
    #[error("{} is empty: there is nothing to store", .0.display())]
    Empty(PathBuf),
    /// Somebody wrote to it after hashing began.
    #[error("{} changed while it was being read: try again when nobody writes to it", .0.display())]
    Changed(PathBuf),
    /// Its hashes, 0.4 % of its size, found no place in the directory for temporary files.
    #[error("cannot keep the hashes of {} in {}", path.display(), temporary.display())]
    Temporary {
        /// The file.
        path: PathBuf,
        /// The directory for temporary files.
        temporary: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A file whose content id is known and whose slices can be made.
#[derive(Debug)]
pub struct SourceFile {
    path: PathBuf,
    files: TreeFiles,
}

impl SourceFile {
    /// Reads and hashes a file. `progress` is told the bytes read so far, about once per MiB.
    /// Memory stays small whatever the file's size; nothing is left on disk.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn hash(path: &Path, progress: impl FnMut(u64)) -> Result<Self, SourceError> {
        let (data, before) = open(path)?;
        let tree = temporary_file().map_err(|source| SourceError::Temporary {
            path: path.to_owned(),
            temporary: std::env::temp_dir(),
            source,
        })?;
        let mut hashing = Hashing {
            path,
            data: &data,
            tree: &tree,
            builder: TreeBuilder::new(before.len),
            pairs: PairBuffer::default(),
        };
        hashing.run(before.len, progress)?;
        let changed = || SourceError::Changed(path.to_owned());
        let content_id = hashing.builder.finish().map_err(|_| changed())?;
        if data.stat().map_err(|source| unreadable(path, source))? != before {
            return Err(changed());
        }
        let meta = ObjectMeta { content_id, size: before.len };
        let files = TreeFiles { meta, data: Arc::new(data), tree: Arc::new(tree) };
        Ok(Self { path: path.to_owned(), files })
    }

    /// Content id and size.
    #[must_use]
    pub fn meta(&self) -> ObjectMeta {
        self.files.meta
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A slice of `groups`, proved while it is read.
    #[must_use]
    pub fn encode_slice(&self, groups: GroupRange) -> SourceSlice {
        SourceSlice { path: self.path.clone(), slice: FileSlice::new(self.files.clone(), groups) }
    }
}

/// A slice of a file being read. Owns what it needs.
#[derive(Debug)]
pub struct SourceSlice {
    path: PathBuf,
    slice: FileSlice,
}

impl SourceSlice {
    /// Bytes still to come; before the first step the exact length of the slice.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.slice.remaining()
    }

    /// The next chunk of at most 256 KiB; `None` at the end. Blocks.
    ///
    /// # Errors
    /// [`SourceError::Changed`], [`SourceError::Unreadable`].
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, SourceError> {
        self.slice.next_chunk().map_err(|unproved: Unproved| match unproved {
            VerifyError::Read { source, .. } if source.kind() != io::ErrorKind::UnexpectedEof => {
                unreadable(&self.path, source)
            }
            VerifyError::Read { .. } | VerifyError::Wrong(_) => SourceError::Changed(self.path.clone()),
        })
    }
}

struct Hashing<'a> {
    path: &'a Path,
    data: &'a RealFile,
    tree: &'a RealFile,
    builder: TreeBuilder,
    pairs: PairBuffer,
}

impl Hashing<'_> {
    /// Reads to the end of the file, at most one window past `size`.
    fn run(&mut self, size: u64, mut progress: impl FnMut(u64)) -> Result<(), SourceError> {
        let mut window = vec![0; to_usize(WINDOW_BYTES)];
        let mut offset = 0;
        loop {
            let count = match self.data.read_at(&mut window, offset) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(unreadable(self.path, source)),
            };
            let pairs = &mut self.pairs;
            self.builder
                .push(&window[..count], &mut |index, pair| pairs.push(index, pair))
                .map_err(|_| SourceError::Changed(self.path.to_owned()))?;
            if self.pairs.is_full() {
                self.write_pairs()?;
            }
            offset += to_u64(count);
            progress(offset.min(size));
        }
        self.write_pairs()
    }

    fn write_pairs(&mut self) -> Result<(), SourceError> {
        self.pairs.write_to(self.tree).map_err(|source| SourceError::Temporary {
            path: self.path.to_owned(),
            temporary: std::env::temp_dir(),
            source,
        })
    }
}

fn unreadable(path: &Path, source: io::Error) -> SourceError {
    SourceError::Unreadable { path: path.to_owned(), source }
}

fn open(path: &Path) -> Result<(RealFile, FileStat), SourceError> {
    // Looked at before it is opened: opening a pipe waits for its writer.
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    if !metadata.is_file() {
        return Err(SourceError::NotAFile(path.to_owned()));
    }
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    let file = RealFile(Arc::new(file));
    let stat = file.stat().map_err(|source| unreadable(path, source))?;
    if stat.len == 0 {
        return Err(SourceError::Empty(path.to_owned()));
    }
    Ok((file, stat))
}

/// A file without a name: it is gone when its last user is, however the process ends.
fn temporary_file() -> io::Result<RealFile> {
    let directory = std::env::temp_dir();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(&directory, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(RealFile(Arc::new(File::from(file)))),
        // A few file systems cannot; these hashes are small enough for memory.
        Err(_) => {
            let name = c"argosy-hashes";
            let file = rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC)?;
            Ok(RealFile(Arc::new(File::from(file))))
        }
    }
}
