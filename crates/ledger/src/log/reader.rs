//! Reading blocks that are on disk, while more are appended and old ones dropped.

use super::{Log, Segment, SegmentFile, whole_edges};
use crate::error::{OpenError, ReadError};
use argosy_domain::num::{to_u64, to_usize};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

/// The newest blocks that are kept in memory: bytes, and how many.
const MAX_RECENT_BYTES: usize = 1024 * 1024;
const MAX_RECENT_BLOCKS: usize = 64;
/// Older segments that are kept open, and places of blocks in them that are kept, 8 bytes each.
const MAX_OPEN_SEGMENTS: usize = 64;
const MAX_OPEN_EDGES: usize = 4 * 1024 * 1024;

/// Reads blocks that are on disk, while more are appended.
#[derive(Debug)]
pub(crate) struct LogReader {
    genesis: [u8; 32],
    /// Block 0, which no segment has.
    genesis_block: Bytes,
    index: RwLock<Index>,
    /// Older segments in the order of their last use.
    open: Mutex<VecDeque<Arc<OpenSegment>>>,
}

/// Where blocks are.
#[derive(Debug)]
struct Index {
    /// All segments, oldest first; the last one is the one that is appended to.
    segments: Vec<SegmentFile>,
    newest: Arc<OpenSegment>,
    /// Where the records of the newest segment begin, and last where the next one will.
    edges: Vec<u64>,
    /// The newest blocks, so that a thousand followers do not read the file a thousand times.
    recent: VecDeque<Bytes>,
    recent_bytes: usize,
}

/// A segment with where its blocks are; of the newest segment the index knows that.
#[derive(Debug)]
struct OpenSegment {
    segment: Arc<Segment>,
    edges: Vec<u64>,
}

/// What is known of a block without reading a file.
enum Place {
    Memory(Bytes),
    Newest { segment: Arc<OpenSegment>, start: u64, end: u64 },
    Older { file: SegmentFile, next: u64 },
}

impl Index {
    fn oldest(&self) -> u64 {
        self.segments.first().map_or(1, |segment| segment.first)
    }

    fn newest_height(&self) -> u64 {
        self.newest.segment.link().first.saturating_add(to_u64(self.edges.len())).saturating_sub(2)
    }

    fn find(&self, height: u64) -> Option<Place> {
        let above = self.newest_height().checked_sub(height)?;
        let recent = self.recent.len().checked_sub(to_usize(above).saturating_add(1));
        if let Some(block) = recent.and_then(|index| self.recent.get(index)) {
            return Some(Place::Memory(block.clone()));
        }
        if let Some(at) = height.checked_sub(self.newest.segment.link().first).map(to_usize) {
            let (start, end) = (*self.edges.get(at)?, *self.edges.get(at.saturating_add(1))?);
            return Some(Place::Newest { segment: Arc::clone(&self.newest), start, end });
        }
        let next = self.segments.partition_point(|segment| segment.first <= height);
        let file = self.segments.get(next.checked_sub(1)?)?.clone();
        Some(Place::Older { file, next: self.segments.get(next)?.first })
    }

    fn push(&mut self, end: u64, block: Bytes) {
        self.edges.push(end);
        self.recent_bytes = self.recent_bytes.saturating_add(block.len());
        self.recent.push_back(block);
        while self.recent_bytes > MAX_RECENT_BYTES || self.recent.len() > MAX_RECENT_BLOCKS {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.recent_bytes = self.recent_bytes.saturating_sub(oldest.len());
        }
    }
}

impl OpenSegment {
    fn read(&self, height: u64, start: u64, end: u64) -> Result<Bytes, ReadError> {
        let path = || self.segment.path().to_owned();
        match self.segment.read_record(start, end) {
            Ok(Some(block)) => Ok(Bytes::from(block)),
            Ok(None) => Err(ReadError::Damaged { path: path(), height }),
            Err(source) => Err(ReadError::Io { path: path(), source }),
        }
    }

    fn edges_of(&self, height: u64) -> Option<(u64, u64)> {
        let at = to_usize(height.checked_sub(self.segment.link().first)?);
        Some((*self.edges.get(at)?, *self.edges.get(at.saturating_add(1))?))
    }
}

impl LogReader {
    /// Of a log whose last segment ends soundly at `end`.
    pub(crate) fn new(log: &Log, genesis_block: Bytes, end: u64) -> Result<Self, OpenError> {
        let edges = log.last().edges(end, u64::MAX)?;
        let newest = Arc::new(OpenSegment { segment: Arc::clone(log.last()), edges: Vec::new() });
        let segments = log.segments().to_vec();
        let index = Index { segments, newest, edges, recent: VecDeque::new(), recent_bytes: 0 };
        Ok(Self {
            genesis: *log.genesis(),
            genesis_block,
            index: RwLock::new(index),
            open: Mutex::new(VecDeque::new()),
        })
    }

    /// Makes one more block readable, whose record is on disk and ends at `end`.
    pub(crate) fn extend(&self, end: u64, block: Bytes) {
        self.write().push(end, block);
    }

    /// The next block goes into this segment.
    pub(crate) fn begin(&self, segment: Arc<Segment>) {
        let edges = vec![segment.first_record()];
        let file = SegmentFile { first: segment.link().first, path: segment.path().to_owned() };
        let mut index = self.write();
        index.segments.push(file);
        index.edges = edges;
        index.newest = Arc::new(OpenSegment { segment, edges: Vec::new() });
    }

    /// Height of the oldest block that can be read, apart from block 0.
    pub(crate) fn oldest(&self) -> u64 {
        self.read_index().oldest()
    }

    /// All segments, oldest first.
    pub(crate) fn segments(&self) -> Vec<SegmentFile> {
        self.read_index().segments.clone()
    }

    /// Forgets the segments before the one that begins with block `oldest`.
    pub(crate) fn forget_before(&self, oldest: u64) {
        self.write().segments.retain(|segment| segment.first >= oldest);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|one| one.segment.link().first >= oldest);
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_index(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, height: u64) -> Result<Option<Place>, ReadError> {
        if height == 0 {
            return Ok(Some(Place::Memory(self.genesis_block.clone())));
        }
        let index = self.read_index();
        match index.oldest() {
            oldest if height < oldest => Err(ReadError::Gone { height, oldest }),
            _ => Ok(index.find(height)),
        }
    }

    /// Up to `max_bytes` of consecutive blocks from `from` on, but at least one if there is one.
    pub(crate) fn read(&self, from: u64, max_bytes: usize) -> Result<Vec<Bytes>, ReadError> {
        let mut blocks = Batch::new(max_bytes);
        for height in from.. {
            let found = match self.find(height) {
                // What follows on block 0 may be gone.
                Err(ReadError::Gone { .. }) if height > from => break,
                found => found?,
            };
            let Some(place) = found else { break };
            let Some(block) = self.read_place(height, place, &blocks)? else { break };
            blocks.push(block);
        }
        Ok(blocks.blocks)
    }

    /// The same from memory only: nothing unless `from` is among the newest blocks.
    pub(crate) fn read_recent(&self, from: u64, max_bytes: usize) -> Vec<Bytes> {
        let mut blocks = Batch::new(max_bytes);
        for height in from.. {
            match self.find(height) {
                Ok(Some(Place::Memory(block))) if blocks.fits(block.len()) => blocks.push(block),
                Ok(_) | Err(_) => break,
            }
        }
        blocks.blocks
    }

    /// A block, if it fits.
    fn read_place(&self, height: u64, place: Place, batch: &Batch) -> Result<Option<Bytes>, ReadError> {
        let (segment, start, end) = match place {
            Place::Memory(block) => return Ok(batch.fits(block.len()).then_some(block)),
            Place::Newest { segment, start, end } => (segment, start, end),
            Place::Older { file, next } => {
                let segment = self.open_older(height, file, next)?;
                let (start, end) = segment
                    .edges_of(height)
                    .ok_or_else(|| ReadError::Damaged { path: segment.segment.path().to_owned(), height })?;
                (segment, start, end)
            }
        };
        if !batch.fits(to_usize(end.saturating_sub(start))) {
            return Ok(None);
        }
        segment.read(height, start, end).map(Some)
    }

    /// An older segment with where its blocks are, from its headers if it was not in use lately.
    fn open_older(&self, height: u64, file: SegmentFile, next: u64) -> Result<Arc<OpenSegment>, ReadError> {
        if let Some(found) = self.use_again(file.first) {
            return Ok(found);
        }
        let path = file.path.clone();
        let opened = Segment::open(file.path, &self.genesis, false)
            .and_then(|segment| Ok((whole_edges(&segment, next)?, segment)));
        let (edges, segment) = opened.map_err(|error| self.unreadable(height, path, error))?;
        let opened = Arc::new(OpenSegment { segment: Arc::new(segment), edges });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.push_back(Arc::clone(&opened));
        let mut edges: usize = open.iter().map(|one| one.edges.len()).sum();
        while open.len() > 1 && (open.len() > MAX_OPEN_SEGMENTS || edges > MAX_OPEN_EDGES) {
            edges = edges.saturating_sub(open.pop_front().map_or(0, |one| one.edges.len()));
        }
        Ok(opened)
    }

    fn use_again(&self, first: u64) -> Option<Arc<OpenSegment>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let at = open.iter().position(|one| one.segment.link().first == first)?;
        let found = open.remove(at)?;
        open.push_back(Arc::clone(&found));
        Some(found)
    }

    /// A segment that cannot be opened may have been dropped a moment ago.
    fn unreadable(&self, height: u64, path: PathBuf, error: OpenError) -> ReadError {
        let oldest = self.oldest();
        if height < oldest {
            return ReadError::Gone { height, oldest };
        }
        if let OpenError::Io { source, .. } = error {
            ReadError::Io { path, source }
        } else if let OpenError::Missing { .. } = error {
            ReadError::Io { path, source: io::ErrorKind::NotFound.into() }
        } else {
            ReadError::Damaged { path, height }
        }
    }
}

/// Consecutive blocks up to a number of bytes, the first one always.
struct Batch {
    blocks: Vec<Bytes>,
    room: usize,
}

impl Batch {
    const fn new(room: usize) -> Self {
        Self { blocks: Vec::new(), room }
    }

    fn fits(&self, len: usize) -> bool {
        self.blocks.is_empty() || len <= self.room
    }

    fn push(&mut self, block: Bytes) {
        self.room = self.room.saturating_sub(block.len());
        self.blocks.push(block);
    }
}
