//! One file of the log.

use super::{
    FORMAT_VERSION,
    record::{RECORD_HEADER_BYTES, is_unfinished, read_head},
    writer::{LogWriter, MAX_APPENDED_BYTES},
};
use crate::{data_dir::io_error, error::OpenError};
use argosy_domain::num::{to_u64, to_usize};
use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};
use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

const MAGIC: [u8; 8] = *b"ARGOBLKS";
/// Of the first segment, which follows nothing.
const FIRST_VERSION: u16 = 3;
const START_BYTES: usize = 8 + 2 + 32;
const LINK_BYTES: usize = 8 + 8 + 8;
const CHECKSUM_BYTES: usize = 32;

/// Where a segment stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Height of its first block.
    pub(crate) first: u64,
    /// First height and length in bytes of the segment before; nothing for the first segment.
    pub(crate) previous: Option<(u64, u64)>,
}

impl Link {
    /// Of the segment that every log begins with.
    pub(crate) const FIRST: Self = Self { first: 1, previous: None };

    const fn header_bytes(self) -> usize {
        match self.previous {
            None => START_BYTES + CHECKSUM_BYTES,
            Some(_) => START_BYTES + LINK_BYTES + CHECKSUM_BYTES,
        }
    }
}

/// An open segment, its header checked.
#[derive(Debug)]
pub(crate) struct Segment {
    file: File,
    path: PathBuf,
    link: Link,
    allocate: Allocate,
}

/// Takes room on the disk for some bytes from some place on, without making the file longer.
pub(crate) type Allocate = fn(&File, u64, u64) -> Result<(), Errno>;

fn allocate(file: &File, from: u64, bytes: u64) -> Result<(), Errno> {
    fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes)
}

/// What a segment has at some place.
#[derive(Debug)]
pub(crate) enum Found {
    /// A whole record.
    Record { next: u64, block: Vec<u8> },
    /// Nothing more.
    End,
    /// A last write that a crash cut short; it was never acknowledged.
    Unfinished { bytes: u64 },
}

/// First bytes of a segment of the network with this genesis.
pub(crate) fn segment_header(genesis: &[u8; 32], link: Link) -> Vec<u8> {
    let version = if link.previous.is_some() { FORMAT_VERSION } else { FIRST_VERSION };
    let mut header = [MAGIC.as_slice(), &version.to_le_bytes(), genesis].concat();
    if let Some((first, len)) = link.previous {
        for number in [link.first, first, len] {
            header.extend_from_slice(&number.to_le_bytes());
        }
    }
    let checksum = blake3::hash(&header);
    header.extend_from_slice(checksum.as_bytes());
    header
}

impl Segment {
    /// Opens the file and checks that it is a segment of this network's log.
    pub(crate) fn open(path: PathBuf, genesis: &[u8; 32], write: bool) -> Result<Self, OpenError> {
        let file = match OpenOptions::new().read(true).write(write).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(OpenError::Missing { path });
            }
            Err(error) => return Err(io_error("open", &path)(error)),
        };
        let link = read_header(&file, &path, genesis)?;
        Ok(Self { file, path, link, allocate })
    }

    pub(crate) const fn link(&self) -> Link {
        self.link
    }

    /// Where the first record begins.
    pub(crate) const fn first_record(&self) -> u64 {
        to_u64(self.link.header_bytes())
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
        if bytes <= MAX_APPENDED_BYTES {
            let mut rest = vec![0; to_usize(bytes)];
            self.file.read_exact_at(&mut rest, start).map_err(io_error("read", &self.path))?;
            if is_unfinished(start, &rest) {
                return Ok(Found::Unfinished { bytes });
            }
        }
        Err(self.damaged(start, height))
    }

    /// The block of the record at `start`, if a whole and sound record begins there.
    pub(crate) fn read_record(&self, start: u64, len: u64) -> io::Result<Option<Vec<u8>>> {
        let Some((length, hash)) = self.read_record_header(start, len)? else { return Ok(None) };
        let mut block = vec![0; length];
        self.file.read_exact_at(&mut block, start.saturating_add(to_u64(RECORD_HEADER_BYTES)))?;
        Ok((blake3::hash(&block) == hash).then_some(block))
    }

    /// Length and hash of the block of the record at `start`, if a record of a file of `len` bytes
    /// begins there.
    fn read_record_header(&self, start: u64, len: u64) -> io::Result<Option<(usize, [u8; 32])>> {
        let room = len.saturating_sub(start).checked_sub(to_u64(RECORD_HEADER_BYTES));
        let Some(room) = room else { return Ok(None) };
        let mut header = [0; RECORD_HEADER_BYTES];
        self.file.read_exact_at(&mut header, start)?;
        let head = read_head(start, &header).filter(|head| to_u64(head.length) <= room);
        Ok(head.map(|head| (head.length, head.hash)))
    }

    /// Where the records begin, and last where they end, from their headers alone: up to `count` of
    /// them in the first `len` bytes. Fewer if something else than a record follows.
    ///
    /// Each header says by its guard that it stands where it was written. That the blocks are what
    /// was written is seen when they are read.
    pub(crate) fn edges(&self, len: u64, count: u64) -> Result<Vec<u64>, OpenError> {
        let mut edges = vec![self.first_record()];
        let mut start = self.first_record();
        while to_u64(edges.len()) <= count {
            let header = self.read_record_header(start, len).map_err(io_error("read", &self.path))?;
            let Some((length, _)) = header else { break };
            start = start.saturating_add(to_u64(RECORD_HEADER_BYTES.saturating_add(length)));
            edges.push(start);
        }
        Ok(edges)
    }

    /// Something else than the block of `height` is at `offset`.
    pub(crate) fn damaged(&self, offset: u64, height: u64) -> OpenError {
        OpenError::Damaged { path: self.path.clone(), offset, height }
    }

    /// Cuts off an unfinished last write, durably.
    pub(crate) fn truncate(&self, len: u64) -> Result<(), OpenError> {
        self.file
            .set_len(len)
            .and_then(|()| self.file.sync_all())
            .map_err(io_error("cut the unfinished end off", &self.path))
    }

    /// Makes sure that what was appended last is on disk, which ends at `end`: an earlier run may have
    /// ended before it was synced, or because that failed. It is written once more, because after a
    /// failed sync the next one succeeds without writing anything.
    pub(crate) fn settle(&self, end: u64) -> Result<(), OpenError> {
        let start = end.saturating_sub(MAX_APPENDED_BYTES).max(self.first_record());
        let mut appended = vec![0; to_usize(end.saturating_sub(start))];
        self.file
            .read_exact_at(&mut appended, start)
            .and_then(|()| self.file.write_all_at(&appended, start))
            .and_then(|()| self.file.sync_all())
            .map_err(io_error("sync", &self.path))
    }

    /// A second handle on the same file, to append with.
    pub(crate) fn writer(&self, end: u64) -> Result<LogWriter, OpenError> {
        let file = self.file.try_clone().map_err(io_error("open", &self.path))?;
        Ok(LogWriter::new(file, self.path.clone(), self.link.first, end, self.allocate))
    }

    /// Takes room on the disk as the segment before did.
    pub(super) fn adopt(&mut self, allocate: Allocate) {
        self.allocate = allocate;
    }
}

/// Checks the header; gives where the segment stands.
fn read_header(file: &File, path: &Path, genesis: &[u8; 32]) -> Result<Link, OpenError> {
    let path = || path.to_owned();
    let mut bytes = [0; START_BYTES + LINK_BYTES + CHECKSUM_BYTES];
    let len = read_start(file, &mut bytes).map_err(io_error("read", &path()))?;
    let bytes = &bytes[..len];
    if bytes.len() < START_BYTES + CHECKSUM_BYTES || bytes[..8] != MAGIC {
        return Err(OpenError::NotALog { path: path() });
    }
    let found = u16::from_le_bytes([bytes[8], bytes[9]]);
    if found > FORMAT_VERSION {
        return Err(OpenError::NewerFormat { path: path(), found });
    }
    if found < FIRST_VERSION {
        return Err(OpenError::OlderFormat { path: path(), found });
    }
    let link = if found == FIRST_VERSION { Some(Link::FIRST) } else { read_link(&bytes[START_BYTES..]) };
    let sound = link.filter(|link| {
        let body = bytes.len().min(link.header_bytes()).saturating_sub(CHECKSUM_BYTES);
        let (body, rest) = bytes.split_at(body);
        rest.get(..CHECKSUM_BYTES) == Some(blake3::hash(body).as_bytes())
    });
    let link = sound.ok_or_else(|| OpenError::Damaged { path: path(), offset: 0, height: 0 })?;
    if bytes[10..START_BYTES] != *genesis {
        let (found, expected) = (hex::encode(&bytes[10..START_BYTES]), hex::encode(genesis));
        return Err(OpenError::OtherNetwork { path: path(), found, expected });
    }
    Ok(link)
}

/// Fills as much of `bytes` as the file has.
fn read_start(file: &File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut len = 0_usize;
    while let Some(rest) = bytes.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, to_u64(len)) {
            Ok(0) => break,
            Ok(read) => len = len.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// What a later segment says of itself and of the one before.
fn read_link(bytes: &[u8]) -> Option<Link> {
    let number = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    Some(Link { first: number(0)?, previous: Some((number(8)?, number(16)?)) })
}
