//! The file of blocks: appended to, synced, never changed.
//!
//! ```text
//! file    := magic (8) · format version (u16) · genesis hash (32) · BLAKE3 of these (32) · record*
//! record  := length (u32) · guard (4) · BLAKE3 of the block (32) · block (length bytes, SCALE)
//! ```
//!
//! Integers are little endian. The guard covers the length and the record's place in the file, so
//! that a damaged length is told from a write that a crash cut short. Block 1 comes first: block 0
//! follows from the genesis.

use crate::{
    block::MAX_ENCODED_BLOCK_BYTES,
    data_dir::io_error,
    error::{OpenError, ReadError},
};
use argosy_domain::num::{to_u64, to_usize};
use bytes::Bytes;
use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};
use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

/// The newest version of the file that this program reads, and the one that it writes.
pub(crate) const FORMAT_VERSION: u16 = 1;
const MAGIC: [u8; 8] = *b"ARGOBLKS";
const FILE_HEADER_BYTES: usize = 8 + 2 + 32 + 32;
const RECORD_HEADER_BYTES: usize = 4 + 4 + 32;
/// Most that one unfinished write can leave behind.
const MAX_RECORD_BYTES: u64 = to_u64(RECORD_HEADER_BYTES + MAX_ENCODED_BLOCK_BYTES);
/// Room on the disk that is taken at a time, ahead of what is written.
const RESERVED_BYTES: u64 = 2 * MAX_RECORD_BYTES;
/// Smallest piece that a disk writes whole or not at all.
const SECTOR_BYTES: u64 = 512;
/// The newest blocks that are kept in memory: bytes, and how many.
const MAX_RECENT_BYTES: usize = 1024 * 1024;
const MAX_RECENT_BLOCKS: usize = 64;
const GUARD_DOMAIN: &[u8] = b"argosy/log/guard/1";

/// An open log, its header checked.
#[derive(Debug)]
pub(crate) struct LogFile {
    file: File,
    path: PathBuf,
    allocate: Allocate,
}

/// Takes room on the disk for some bytes from some place on, without making the file longer.
pub(crate) type Allocate = fn(&File, u64, u64) -> Result<(), Errno>;

fn allocate(file: &File, from: u64, bytes: u64) -> Result<(), Errno> {
    fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes)
}

/// What a log has at some place.
#[derive(Debug)]
pub(crate) enum Found {
    /// A whole record.
    Record { next: u64, block: Vec<u8> },
    /// Nothing more.
    End,
    /// A last write that a crash cut short; it was never acknowledged.
    Unfinished { start: u64, bytes: u64 },
}

/// First bytes of a log of the network with this genesis.
pub(crate) fn file_header(genesis: &[u8; 32]) -> Vec<u8> {
    let mut header = [MAGIC.as_slice(), &FORMAT_VERSION.to_le_bytes(), genesis].concat();
    let checksum = blake3::hash(&header);
    header.extend_from_slice(checksum.as_bytes());
    header
}

impl LogFile {
    /// Opens the file and checks that it is a log of this network.
    pub(crate) fn open(path: PathBuf, genesis: &[u8; 32], write: bool) -> Result<Self, OpenError> {
        let file = match OpenOptions::new().read(true).write(write).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(OpenError::Missing { path });
            }
            Err(error) => return Err(io_error("open", &path)(error)),
        };
        let log = Self { file, path, allocate };
        log.check_file_header(genesis)?;
        Ok(log)
    }

    fn check_file_header(&self, genesis: &[u8; 32]) -> Result<(), OpenError> {
        let path = || self.path.clone();
        let mut header = [0; FILE_HEADER_BYTES];
        let whole = self.file.read_exact_at(&mut header, 0);
        match whole {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(OpenError::NotALog { path: path() });
            }
            Err(error) => return Err(io_error("read", &self.path)(error)),
            Ok(()) => {}
        }
        let (body, checksum) = header.split_at(FILE_HEADER_BYTES - 32);
        if body[..8] != MAGIC {
            return Err(OpenError::NotALog { path: path() });
        }
        let found = u16::from_le_bytes([body[8], body[9]]);
        if found > FORMAT_VERSION {
            return Err(OpenError::NewerFormat { path: path(), found });
        }
        if found == 0 || blake3::hash(body).as_bytes() != checksum {
            return Err(OpenError::Damaged { path: path(), offset: 0, height: 0 });
        }
        if body[10..] != *genesis {
            return Err(OpenError::OtherNetwork {
                path: path(),
                found: hex(&body[10..]),
                expected: hex(genesis),
            });
        }
        Ok(())
    }

    /// Where the first record begins.
    pub(crate) const fn first_record() -> u64 {
        to_u64(FILE_HEADER_BYTES)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file.
    pub(crate) fn len(&self) -> Result<u64, OpenError> {
        Ok(self.file.metadata().map_err(io_error("look at", &self.path))?.len())
    }

    /// Reads what begins at `start` in a file of `len` bytes, where the block of `height` is due.
    pub(crate) fn read_next(&self, start: u64, len: u64, height: u64) -> Result<Found, OpenError> {
        if start == len {
            return Ok(Found::End);
        }
        if let Some(block) = self.read_record(start, len).map_err(io_error("read", &self.path))? {
            let next = start.saturating_add(to_u64(RECORD_HEADER_BYTES.saturating_add(block.len())));
            return Ok(Found::Record { next, block });
        }
        let bytes = len.saturating_sub(start);
        if bytes <= MAX_RECORD_BYTES {
            let mut rest = vec![0; to_usize(bytes)];
            self.file.read_exact_at(&mut rest, start).map_err(io_error("read", &self.path))?;
            if is_unfinished(start, &rest) {
                return Ok(Found::Unfinished { start, bytes });
            }
        }
        Err(OpenError::Damaged { path: self.path.clone(), offset: start, height })
    }

    /// The block of the record at `start`, if a whole and sound record begins there.
    fn read_record(&self, start: u64, len: u64) -> io::Result<Option<Vec<u8>>> {
        let room = len.saturating_sub(start);
        if room < to_u64(RECORD_HEADER_BYTES) {
            return Ok(None);
        }
        let mut header = [0; RECORD_HEADER_BYTES];
        self.file.read_exact_at(&mut header, start)?;
        let Some(length) = sound_length(start, &header) else { return Ok(None) };
        let body_start = start.saturating_add(to_u64(RECORD_HEADER_BYTES));
        if to_u64(length) > len.saturating_sub(body_start) {
            return Ok(None);
        }
        let mut block = vec![0; length];
        self.file.read_exact_at(&mut block, body_start)?;
        let sound = blake3::hash(&block).as_bytes() == &header[8..];
        Ok(sound.then_some(block))
    }

    /// Cuts off an unfinished last write, durably.
    pub(crate) fn truncate(&self, len: u64) -> Result<(), OpenError> {
        self.file
            .set_len(len)
            .and_then(|()| self.file.sync_all())
            .map_err(io_error("cut the unfinished end off", &self.path))
    }

    /// A second handle on the same file, to append with.
    pub(crate) fn writer(&self, end: u64) -> Result<LogWriter, OpenError> {
        let file = self.file.try_clone().map_err(io_error("open", &self.path))?;
        let (path, allocate) = (self.path.clone(), self.allocate);
        Ok(LogWriter { file, path, end, buffer: Vec::new(), reserved_to: end, allocate })
    }

    #[cfg(test)]
    pub(crate) fn with_allocate(self, allocate: Allocate) -> Self {
        Self { allocate, ..self }
    }
}

/// Appends records.
#[derive(Debug)]
pub(crate) struct LogWriter {
    file: File,
    path: PathBuf,
    end: u64,
    buffer: Vec<u8>,
    /// To where room is taken.
    reserved_to: u64,
    allocate: Allocate,
}

impl LogWriter {
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

    /// Appends a block and returns where its record ends, once it is on disk.
    ///
    /// After an error nothing is known about the file's end: the writer must not be used again.
    pub(crate) fn append(&mut self, block: &[u8]) -> io::Result<u64> {
        let length = u32::try_from(block.len()).map_err(io::Error::other)?;
        let start = self.end;
        self.buffer.clear();
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(&guard(start, length));
        self.buffer.extend_from_slice(blake3::hash(block).as_bytes());
        self.buffer.extend_from_slice(block);
        self.file.write_all_at(&self.buffer, start)?;
        self.file.sync_data()?;
        self.end = start.saturating_add(to_u64(self.buffer.len()));
        // One large block must not hold its memory for ever.
        self.buffer.shrink_to(1 << 20);
        Ok(self.end)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads blocks that are on disk, while more are appended.
#[derive(Debug)]
pub(crate) struct LogReader {
    log: LogFile,
    /// Block 0, which the file does not have.
    genesis_block: Bytes,
    index: RwLock<Index>,
}

/// Where blocks are.
#[derive(Debug)]
struct Index {
    /// Where the records of blocks 1, 2, … begin, and last where the next one will.
    edges: Vec<u64>,
    /// The newest blocks, so that a thousand followers do not read the file a thousand times.
    recent: VecDeque<Bytes>,
    recent_bytes: usize,
}

/// What is known of a block without reading the file.
enum Place {
    Memory(Bytes),
    File { start: u64, end: u64 },
}

impl Index {
    fn find(&self, height: u64) -> Option<Place> {
        let at = to_usize(height.checked_sub(1)?);
        let (start, end) = (*self.edges.get(at)?, *self.edges.get(at.saturating_add(1))?);
        let above = self.edges.len().saturating_sub(2).saturating_sub(at);
        let recent = self.recent.len().checked_sub(above.saturating_add(1));
        match recent.and_then(|index| self.recent.get(index)) {
            Some(block) => Some(Place::Memory(block.clone())),
            None => Some(Place::File { start, end }),
        }
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

impl LogReader {
    pub(crate) fn new(log: LogFile, genesis_block: Bytes, edges: Vec<u64>) -> Self {
        let index = RwLock::new(Index { edges, recent: VecDeque::new(), recent_bytes: 0 });
        Self { log, genesis_block, index }
    }

    /// Makes one more block readable, whose record is on disk and ends at `end`.
    pub(crate) fn extend(&self, end: u64, block: Bytes) {
        self.index.write().unwrap_or_else(PoisonError::into_inner).push(end, block);
    }

    fn find(&self, height: u64) -> Option<Place> {
        if height == 0 {
            return Some(Place::Memory(self.genesis_block.clone()));
        }
        self.index.read().unwrap_or_else(PoisonError::into_inner).find(height)
    }

    /// Up to `max_bytes` of consecutive blocks from `from` on, but at least one if there is one.
    pub(crate) fn read(&self, from: u64, max_bytes: usize) -> Result<Vec<Bytes>, ReadError> {
        let mut blocks = Batch::new(max_bytes);
        for height in from.. {
            let block = match self.find(height) {
                Some(Place::Memory(block)) if blocks.fits(block.len()) => block,
                Some(Place::File { start, end }) if blocks.fits(to_usize(end.saturating_sub(start))) => {
                    self.read_file(height, start, end)?
                }
                Some(_) | None => break,
            };
            blocks.push(block);
        }
        Ok(blocks.blocks)
    }

    /// The same from memory only: nothing unless `from` is among the newest blocks.
    pub(crate) fn read_recent(&self, from: u64, max_bytes: usize) -> Vec<Bytes> {
        let mut blocks = Batch::new(max_bytes);
        for height in from.. {
            match self.find(height) {
                Some(Place::Memory(block)) if blocks.fits(block.len()) => blocks.push(block),
                Some(_) | None => break,
            }
        }
        blocks.blocks
    }

    fn read_file(&self, height: u64, start: u64, end: u64) -> Result<Bytes, ReadError> {
        let path = || self.log.path.clone();
        match self.log.read_record(start, end) {
            Ok(Some(block)) => Ok(Bytes::from(block)),
            Ok(None) => Err(ReadError::Damaged { path: path(), height }),
            Err(source) => Err(ReadError::Io { path: path(), source }),
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

/// Binds a length to its place, in 4 bytes.
fn guard(start: u64, length: u32) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(GUARD_DOMAIN).update(&start.to_le_bytes()).update(&length.to_le_bytes());
    let hash = hasher.finalize();
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

/// The length that a record's first bytes give, if their guard agrees and it is within bounds.
fn sound_length(start: u64, header: &[u8]) -> Option<usize> {
    let (length, rest) = header.split_first_chunk::<4>()?;
    let (found, _) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    let in_bounds = length > 0 && u64::from(length) <= to_u64(MAX_ENCODED_BLOCK_BYTES);
    (in_bounds && guard(start, length) == *found).then(|| to_usize(u64::from(length)))
}

/// Whether the bytes from `start` to the end of the file, which are no sound record, can only be a
/// write that a crash cut short.
///
/// That is so if no whole record follows, and the file ends too early or a sector was never written:
/// it reads as zeros. Anything else was once written whole and acknowledged, and is damage.
fn is_unfinished(start: u64, rest: &[u8]) -> bool {
    let record_at = |skip: usize| {
        let bytes = rest.get(skip..).unwrap_or_default();
        let place = start.saturating_add(to_u64(skip));
        let body = bytes.get(RECORD_HEADER_BYTES..).unwrap_or_default();
        // The cheap test first: most lengths at a wrong place are out of bounds.
        let plausible = bytes
            .first_chunk::<4>()
            .is_some_and(|length| to_usize(u64::from(u32::from_le_bytes(*length))) <= body.len());
        plausible
            && sound_length(place, bytes)
                .and_then(|length| body.get(..length))
                .is_some_and(|block| blake3::hash(block).as_bytes() == &bytes[8..RECORD_HEADER_BYTES])
    };
    if (1..rest.len()).any(record_at) {
        return false;
    }
    let cut_short = match sound_length(start, rest) {
        Some(length) => rest.len() < RECORD_HEADER_BYTES.saturating_add(length),
        None => rest.len() < 8,
    };
    cut_short || has_unwritten_sector(start, rest)
}

fn has_unwritten_sector(start: u64, bytes: &[u8]) -> bool {
    let first = to_usize(SECTOR_BYTES.saturating_sub(start % SECTOR_BYTES)).min(bytes.len());
    let (head, tail) = bytes.split_at(first);
    let unwritten = |sector: &[u8]| !sector.is_empty() && sector.iter().all(|byte| *byte == 0);
    unwritten(head) || tail.chunks(to_usize(SECTOR_BYTES)).any(unwritten)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
