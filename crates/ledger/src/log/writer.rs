//! Appending to the newest segment, and beginning a new one when it is full.

use super::{
    later_path,
    record::{MAX_RECORD_BYTES, record_head},
    segment::{Allocate, Link, Segment, segment_header},
};
use crate::{
    data_dir::{sync_dir, write_new},
    steps::{Step, Steps},
};
use argosy_domain::num::to_u64;
use bytes::Bytes;
use rustix::io::Errno;
use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Room on the disk that is taken at a time, ahead of what is written.
const RESERVED_BYTES: u64 = 2 * MAX_RECORD_BYTES;

/// Blocks that are appended with one sync, in bytes, unless a single one has more.
pub(crate) const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// What one write has, at most: such a batch with the heads of its records, which are shorter than
/// blocks, and one block that began below the bound.
pub(super) const MAX_APPENDED_BYTES: u64 = 2 * to_u64(MAX_BATCH_BYTES) + MAX_RECORD_BYTES;

/// Appends records.
#[derive(Debug)]
pub(crate) struct LogWriter {
    file: File,
    path: PathBuf,
    /// Height of the segment's first block.
    first: u64,
    end: u64,
    buffer: Vec<u8>,
    /// To where room is taken.
    reserved_to: u64,
    allocate: Allocate,
}

/// What came of beginning a new segment.
#[derive(Debug)]
pub(crate) enum Rolled {
    /// The next block goes there.
    New(Arc<Segment>),
    /// It could not be made; the next block goes where the last one went.
    NotNow(io::Error),
}

impl LogWriter {
    pub(super) fn new(file: File, path: PathBuf, first: u64, end: u64, allocate: Allocate) -> Self {
        Self { file, path, first, end, buffer: Vec::new(), reserved_to: end, allocate }
    }

    /// Takes room for the largest block there can be, so that a block once begun can be written.
    ///
    /// # Errors
    /// The disk is full. A file system that cannot promise room counts as having it.
    pub(crate) fn reserve(&mut self) -> io::Result<()> {
        if self.end.saturating_add(MAX_RECORD_BYTES) <= self.reserved_to {
            return Ok(());
        }
        match (self.allocate)(&self.file, self.end, RESERVED_BYTES) {
            Err(error @ (Errno::NOSPC | Errno::DQUOT)) => Err(error.into()),
            Ok(()) | Err(_) => {
                self.reserved_to = self.end.saturating_add(RESERVED_BYTES);
                Ok(())
            }
        }
    }

    /// Whether the segment has reached `bytes`, and has a block.
    pub(crate) fn is_full(&self, bytes: u64, next_height: u64) -> bool {
        self.end >= bytes && next_height > self.first
    }

    /// Begins a new segment, in which the block of `height` will be the first.
    ///
    /// # Errors
    /// It is not known whether the new segment is on disk: the writer must not be used again.
    pub(crate) fn roll(&mut self, genesis: &[u8; 32], height: u64, steps: &Steps) -> io::Result<Rolled> {
        let dir = self.path.parent().unwrap_or(Path::new(".")).to_owned();
        let (path, new_path) = (later_path(&dir, height), dir.join(super::NEW_NAME));
        let link = Link { first: height, previous: Some((self.first, self.end)) };
        let made = steps
            .at(Step::NewSegment)
            .and_then(|()| write_new(&new_path, &segment_header(genesis, link)))
            .and_then(|()| steps.at(Step::SegmentNamed))
            .and_then(|()| fs::rename(&new_path, &path));
        if let Err(error) = made {
            // A rename that failed has renamed nothing.
            let _ = fs::remove_file(&new_path);
            return Ok(Rolled::NotNow(error));
        }
        steps.at(Step::SegmentSynced)?;
        sync_dir(&dir)?;
        let mut segment = Segment::open(path, genesis, true).map_err(io::Error::other)?;
        segment.adopt(self.allocate);
        let next = segment.writer(segment.first_record()).map_err(io::Error::other)?;
        // Gives back the room that was taken ahead. The length stays, so that nothing hangs on it.
        let _ = self.file.set_len(self.end);
        *self = next;
        Ok(Rolled::New(Arc::new(segment)))
    }

    /// Appends blocks and returns where their records end, once all are on disk. One sync for all: that
    /// is what makes many short blocks cheap.
    ///
    /// After an error nothing is known about the file's end: the writer must not be used again.
    pub(crate) fn append(&mut self, blocks: &[Bytes]) -> io::Result<Vec<u64>> {
        let start = self.end;
        self.buffer.clear();
        let mut ends = Vec::with_capacity(blocks.len());
        for block in blocks {
            let place = start.saturating_add(to_u64(self.buffer.len()));
            self.buffer.extend_from_slice(&record_head(place, start, block)?);
            self.buffer.extend_from_slice(block);
            ends.push(start.saturating_add(to_u64(self.buffer.len())));
        }
        self.file.write_all_at(&self.buffer, start)?;
        self.file.sync_data()?;
        self.end = ends.last().copied().unwrap_or(start);
        // One large block must not hold its memory for ever.
        self.buffer.shrink_to(1 << 20);
        Ok(ends)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
