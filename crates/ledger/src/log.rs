//! The blocks on disk: appended to, synced, never changed.
//!
//! ```text
//! blocks.log       the first segment
//! blocks.H.log     a later segment, whose first block has height H
//! blocks.floor     how far old blocks were dropped, if any were
//!
//! segment := magic (8) · format version (u16) · genesis hash (32) · link · BLAKE3 of these (32) · record*
//! link    := nothing in version 3, which only blocks.log has; in version 4: height of the first block
//!            (u64) · first height (u64) and length in bytes (u64) of the segment before; these are
//!            1 and 0 where a ledger began with a checkpoint from elsewhere
//! record  := length (u32) · way back to the first record of its write (u32) · guard (4) · BLAKE3 of the
//!            block (32) · block (length bytes, SCALE)
//! floor   := magic (8) · format version (u16) · genesis hash (32) · height of the oldest block (u64) ·
//!            BLAKE3 of these (32)
//! ```
//!
//! Integers are little endian. The guard covers the length, the way back and the record's place in its
//! segment, so that a damaged length is told from a write that a crash cut short. Several records may be
//! written and synced together; a crash may leave any of them. Block 1 comes first: block 0
//! follows from the genesis. A segment is begun only when the one before is on disk to its end, which
//! is why only the last one may end in a write cut short, and why a missing or shortened segment is
//! seen without reading it.

mod floor;
mod reader;
mod record;
mod segment;
mod writer;

pub(crate) use floor::{drop_before, floor_bytes, floor_path, read_floor};
pub(crate) use reader::LogReader;
pub(crate) use segment::{Found, Link, Segment, segment_header};
pub(crate) use writer::{LogWriter, MAX_BATCH_BYTES, Rolled};

use crate::{
    data_dir::{io_error, sync_dir},
    error::OpenError,
};
use argosy_domain::num::{to_u64, to_usize};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The newest version of a segment that this program reads, and the one that it writes.
pub(crate) const FORMAT_VERSION: u16 = 4;
/// The first segment.
pub(crate) const FIRST_NAME: &str = "blocks.log";
/// Where a segment is made before it gets its name.
pub(crate) const NEW_NAME: &str = "blocks.log.new";

/// Path of the segment whose first block has this height, above 1.
pub(crate) fn later_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("blocks.{first}.log"))
}

/// A segment that need not be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFile {
    /// Height of its first block.
    pub(crate) first: u64,
    pub(crate) path: PathBuf,
}

/// The segments in `dir`, oldest first, by their names.
pub(crate) fn list_segments(dir: &Path) -> Result<Vec<SegmentFile>, OpenError> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir).map_err(io_error("list", dir))? {
        let entry = entry.map_err(io_error("list", dir))?;
        if let Some(first) = entry.file_name().to_str().and_then(first_height) {
            segments.push(SegmentFile { first, path: entry.path() });
        }
    }
    segments.sort_by_key(|segment| segment.first);
    Ok(segments)
}

/// What a file name says, if it is that of a segment.
fn first_height(name: &str) -> Option<u64> {
    if name == FIRST_NAME {
        return Some(1);
    }
    let number = name.strip_prefix("blocks.")?.strip_suffix(".log")?;
    let first = number.parse().ok().filter(|first| *first > 1)?;
    // One spelling for each height.
    (format!("{first}") == number).then_some(first)
}

/// A log whose segments are all there and follow one another.
#[derive(Debug)]
pub(crate) struct Log {
    /// Oldest first, at least one.
    segments: Vec<SegmentFile>,
    last: Arc<Segment>,
    genesis: [u8; 32],
}

/// Where a block begins, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    segment: usize,
    offset: u64,
    height: u64,
}

impl Log {
    /// Opens the log in `dir`, and finishes what was begun of dropping old blocks if it may `write`.
    pub(crate) fn open(dir: &Path, genesis: &[u8; 32], write: bool) -> Result<Self, OpenError> {
        let mut segments = list_segments(dir)?;
        let oldest = read_floor(dir, genesis)?;
        let dropped = segments.partition_point(|segment| segment.first <= oldest).saturating_sub(1);
        let kept = segments.split_off(dropped);
        let Some(newest) = kept.last() else { return Err(OpenError::Missing { path: dir.join(FIRST_NAME) }) };
        if kept.first().is_none_or(|first| first.first != oldest) {
            return Err(OpenError::MissingBlocks { path: dir.to_owned(), from: oldest });
        }
        let last = Arc::new(Segment::open(newest.path.clone(), genesis, write)?);
        let log = Self { segments: kept, last, genesis: *genesis };
        log.check_links()?;
        if write {
            // An earlier run may have ended between giving names and syncing them. What is removed and
            // appended from here on relies on them.
            sync_dir(dir).map_err(io_error("sync", dir))?;
            for segment in &segments {
                fs::remove_file(&segment.path).map_err(io_error("remove", &segment.path))?;
            }
        }
        Ok(log)
    }

    /// Whether each segment is the one that it is called, and follows on the one before.
    fn check_links(&self) -> Result<(), OpenError> {
        let mut before: Option<(&SegmentFile, u64)> = None;
        for (at, file) in self.segments.iter().enumerate() {
            let segment = self.open_segment(at)?;
            let link = segment.link();
            if link.first != file.first {
                return Err(segment.damaged(0, file.first));
            }
            if let (Some((previous, len)), Some((first, end))) = (before, link.previous) {
                let height = file.first.saturating_sub(1);
                if previous.first != first {
                    return Err(OpenError::MissingBlocks { path: dir_of(&file.path), from: first });
                }
                if len != end {
                    let path = previous.path.clone();
                    return Err(OpenError::Damaged { path, offset: len.min(end), height });
                }
            }
            before = Some((file, segment.len()?));
        }
        Ok(())
    }

    fn open_segment(&self, at: usize) -> Result<Arc<Segment>, OpenError> {
        match self.segments.get(at) {
            Some(file) if at.saturating_add(1) < self.segments.len() => {
                Segment::open(file.path.clone(), &self.genesis, false).map(Arc::new)
            }
            _ => Ok(Arc::clone(&self.last)),
        }
    }

    /// Height of the oldest block that the log has, or will have first.
    pub(crate) fn oldest(&self) -> u64 {
        self.segments.first().map_or(1, |segment| segment.first)
    }

    pub(crate) fn segments(&self) -> &[SegmentFile] {
        &self.segments
    }

    pub(crate) const fn last(&self) -> &Arc<Segment> {
        &self.last
    }

    pub(crate) const fn genesis(&self) -> &[u8; 32] {
        &self.genesis
    }

    /// Path to name when something is said about the log as a whole.
    pub(crate) fn path(&self) -> &Path {
        self.last.path()
    }

    /// Where the oldest block begins.
    pub(crate) fn start(&self) -> Result<Mark, OpenError> {
        let offset = self.open_segment(0)?.first_record();
        Ok(Mark { segment: 0, offset, height: self.oldest() })
    }

    /// Where the first block of the last segment begins, or will.
    pub(crate) fn start_of_last(&self) -> Mark {
        let segment = self.segments.len().saturating_sub(1);
        Mark { segment, offset: self.last.first_record(), height: self.last.link().first }
    }

    /// Where the block of `height` begins, and where to begin reading to have seen about `run_up`
    /// bytes before it. Nothing if the log ends before that block.
    pub(crate) fn find(&self, height: u64, run_up: u64) -> Result<Option<(Mark, Mark)>, OpenError> {
        let above = self.segments.partition_point(|segment| segment.first <= height);
        let Some(at) = above.checked_sub(1) else { return Ok(None) };
        let edges = self.edges(at)?;
        let first = self.segments.get(at).map_or(1, |segment| segment.first);
        let place = to_usize(height.saturating_sub(first));
        // The last edge is an end, and nothing begins there.
        let Some(&offset) = edges.split_last().and_then(|(_, starts)| starts.get(place)) else {
            return Ok(None);
        };
        let mark = Mark { segment: at, offset, height };
        let start = edges.first().copied().unwrap_or(0);
        let missing = run_up.saturating_sub(offset.saturating_sub(start));
        if missing > 0 && at > 0 {
            return Ok(Some((mark, self.back_from_end(at.saturating_sub(1), missing)?)));
        }
        Ok(Some((mark, back_to(at, first, &edges, offset.saturating_sub(run_up)))))
    }

    /// Where to begin reading to have seen about `run_up` bytes when the segment at `at` ends.
    fn back_from_end(&self, mut at: usize, mut run_up: u64) -> Result<Mark, OpenError> {
        loop {
            let segment = self.open_segment(at)?;
            let bytes = segment.len()?.saturating_sub(segment.first_record());
            if at == 0 || bytes >= run_up {
                let edges = self.edges(at)?;
                let end = edges.last().copied().unwrap_or(0);
                return Ok(back_to(at, segment.link().first, &edges, end.saturating_sub(run_up)));
            }
            run_up = run_up.saturating_sub(bytes);
            at = at.saturating_sub(1);
        }
    }

    /// Edges of one segment; all of its blocks, unless it is the last.
    fn edges(&self, at: usize) -> Result<Vec<u64>, OpenError> {
        let segment = self.open_segment(at)?;
        match self.segments.get(at.saturating_add(1)) {
            None => segment.edges(segment.len()?, u64::MAX),
            Some(next) => whole_edges(&segment, next.first),
        }
    }

    /// Reads blocks one after the other from `mark` on.
    pub(crate) fn read_from(&self, mark: Mark) -> Result<Cursor<'_>, OpenError> {
        let segment = self.open_segment(mark.segment)?;
        let len = segment.len()?;
        Ok(Cursor { log: self, at: mark.segment, segment, len, offset: mark.offset, height: mark.height })
    }

    #[cfg(test)]
    pub(crate) fn with_allocate(mut self, allocate: segment::Allocate) -> Self {
        Arc::get_mut(&mut self.last).expect("nobody else has it yet").adopt(allocate);
        self
    }
}

/// Edges of a segment that is followed by one whose first block has height `next`.
pub(crate) fn whole_edges(segment: &Segment, next: u64) -> Result<Vec<u64>, OpenError> {
    let (len, first) = (segment.len()?, segment.link().first);
    let count = next.saturating_sub(first);
    let edges = segment.edges(len, count)?;
    let end = edges.last().copied().unwrap_or(0);
    let found = to_u64(edges.len().saturating_sub(1));
    if found == count && end == len {
        Ok(edges)
    } else {
        Err(segment.damaged(end, first.saturating_add(found)))
    }
}

/// The first record that does not begin before `from`, or the segment's last one.
fn back_to(segment: usize, first: u64, edges: &[u64], from: u64) -> Mark {
    let last = edges.len().saturating_sub(2);
    let place = edges.partition_point(|edge| *edge < from).min(last);
    let offset = edges.get(place).copied().unwrap_or(0);
    Mark { segment, offset, height: first.saturating_add(to_u64(place)) }
}

fn dir_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).to_owned()
}

/// Reads blocks one after the other, through all segments.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    log: &'a Log,
    at: usize,
    segment: Arc<Segment>,
    len: u64,
    offset: u64,
    height: u64,
}

impl Cursor<'_> {
    /// Height of the block that is due.
    pub(crate) const fn height(&self) -> u64 {
        self.height
    }

    /// Where in the present segment the next record begins.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// What comes next.
    pub(crate) fn next(&mut self) -> Result<Found, OpenError> {
        loop {
            let found = self.segment.read_next(self.offset, self.len, self.height)?;
            let next = self.log.segments.get(self.at.saturating_add(1));
            match (found, next) {
                (Found::Record { next, block }, _) => {
                    self.offset = next;
                    self.height = self.height.saturating_add(1);
                    return Ok(Found::Record { next, block });
                }
                (Found::End, Some(next)) if next.first == self.height => self.enter_next()?,
                (Found::End | Found::Unfinished { .. }, Some(_)) => {
                    return Err(self.segment.damaged(self.offset, self.height));
                }
                (found, None) => return Ok(found),
            }
        }
    }

    fn enter_next(&mut self) -> Result<(), OpenError> {
        self.at = self.at.saturating_add(1);
        self.segment = self.log.open_segment(self.at)?;
        self.len = self.segment.len()?;
        self.offset = self.segment.first_record();
        Ok(())
    }
}
