//! Checkpoints: a state on disk, so that a start need not execute every block there ever was.
//!
//! ```text
//! file   := magic (8) · format version (u16) · genesis hash (32) · length of the anchor (u32) · anchor ·
//!           BLAKE3 of these (32) · piece* · end
//! piece  := length (u32, not 0) · BLAKE3 of its number (u64) and the piece (32) · the piece
//! end    := 0 (u32) · number of pieces (u64) · BLAKE3 of the hashes of all pieces and of this number (32)
//! ```
//!
//! Integers are little endian; the anchor is an [`Anchor`] in SCALE. A checkpoint appears whole or not
//! at all. What a checkpoint says is believed only if its root is the one of the tip.

use crate::{
    data_dir::sync_dir,
    steps::{Step, Steps},
    verify::Anchor,
};
use argosy_directory::{
    Genesis, State,
    state::checkpoint::{CheckpointError as PieceError, MAX_PIECE_BYTES, Restore},
};
use argosy_domain::{
    num::{to_u64, to_usize},
    wire::decode_canonical,
};
use codec::Encode;
use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};
use thiserror::Error;

const MAGIC: [u8; 8] = *b"ARGOCHKP";
/// The newest version of the file that this program reads, and the one that it writes.
const FORMAT_VERSION: u16 = 2;
/// What comes before the anchor.
const START_BYTES: usize = 8 + 2 + 32 + 4;
/// Largest anchor: thousands of changes of keys.
const MAX_ANCHOR_BYTES: usize = 4 * 1024 * 1024;
/// Longest nap between two looks at the word to stop.
const NAP: Duration = Duration::from_millis(20);

/// Bytes between two syncs, so that the disk never has a whole checkpoint to write when a block is due.
const BYTES_PER_SYNC: u64 = 16 * 1024 * 1024;
/// Room on the disk that is left to blocks, in bytes.
const ROOM_FOR_BLOCKS: u64 = 64 * 1024 * 1024;

/// Bounds on the work of writing, which nobody waits for.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Bytes per second; the disk is needed for blocks.
    pub bytes_per_second: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { bytes_per_second: 100 * 1024 * 1024 }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Pieces.
    pub pieces_count: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a checkpoint was not written or cannot be used. Each text is one line that names the path.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The operating system refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done, for the middle of a sentence.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is left of the disk is for blocks. Nothing is left of it.
    #[error("no room for {}: its disk has less than 64 MiB left, which are kept for blocks", path.display())]
    NoRoom {
        /// The checkpoint.
        path: PathBuf,
    },
    /// Told to stop. Nothing is left of it.
    #[error("stopped while writing {}", path.display())]
    Stopped {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The state is not the one after the block of the tip.
    #[error("the state is not that of block {height}")]
    OtherBlock {
        /// Of the tip.
        height: u64,
    },
    /// A file of another kind.
    #[error("{} is not a checkpoint", path.display())]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error("{} has format {found}, this program knows format {FORMAT_VERSION}: use a newer argosy", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u16,
    },
    /// Written by an older program. The blocks, or another checkpoint, are gone on from instead.
    #[error("{} has format {found}, this program reads format {FORMAT_VERSION}: remove it", path.display())]
    OlderFormat {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u16,
    },
    /// Made on another network.
    #[error("{} is a checkpoint of another network", path.display())]
    OtherNetwork {
        /// The file.
        path: PathBuf,
    },
    /// Not the bytes that were written.
    #[error("{} is damaged at byte {offset} (piece {piece}): remove it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged piece begins.
        offset: u64,
        /// Its number, from 0.
        piece: u64,
    },
    /// Sound bytes that make no state.
    #[error("{} makes no state", path.display())]
    Pieces {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: PieceError,
    },
    /// Sound bytes that make another state than the block's.
    #[error("{} makes a state with another root than that of block {height}: remove it", path.display())]
    StateRoot {
        /// The file.
        path: PathBuf,
        /// Of the tip.
        height: u64,
    },
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CheckpointError {
    let path = path.to_owned();
    move |source| CheckpointError::Io { doing, path, source }
}

/// Writes a snapshot of the state after the block of `anchor` to `path`, replacing what is there once the
/// new one is on disk. Blocks the thread, for as long as `pace` makes it, until `stop` is true.
///
/// # Errors
/// [`CheckpointError`]; what was at `path` is there still.
pub fn write(
    path: &Path,
    anchor: &Anchor,
    state: &State,
    pace: Pace,
    stop: &AtomicBool,
) -> Result<Written, CheckpointError> {
    write_by_steps(path, anchor, state, Bounds { pace, stop, steps: &Steps::default() })
}

/// What bounds the work of writing, and what looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<'a> {
    pub(crate) pace: Pace,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) steps: &'a Steps,
}

pub(crate) fn write_by_steps(
    path: &Path,
    anchor: &Anchor,
    state: &State,
    bounds: Bounds<'_>,
) -> Result<Written, CheckpointError> {
    let tip = &anchor.tip;
    if (state.at().height, state.at().time_ms) != (tip.height, tip.time_ms) {
        return Err(CheckpointError::OtherBlock { height: tip.height });
    }
    let new_path = new_path(path);
    let written = write_new(&new_path, anchor, state, bounds).and_then(|written| {
        let named = bounds.steps.at(Step::CheckpointNamed).and_then(|()| fs::rename(&new_path, path));
        named.map_err(io_error("create", path))?;
        let dir = path.parent().unwrap_or(Path::new("."));
        sync_dir(dir).map_err(io_error("sync", dir))?;
        Ok(written)
    });
    if written.is_err() {
        // It is of no use, and the next attempt begins anew whether it is there or not.
        let _ = fs::remove_file(&new_path);
    }
    written
}

/// Where a checkpoint is made before it gets its name.
pub(crate) fn new_path(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn write_new(
    path: &Path,
    anchor: &Anchor,
    state: &State,
    bounds: Bounds<'_>,
) -> Result<Written, CheckpointError> {
    bounds.steps.at(Step::NewCheckpoint).map_err(io_error("create", path))?;
    let mut file = PacedFile::create(path, bounds)?;
    let header = header(&state.genesis(), anchor);
    file.write(&header)?;
    let mut pieces_count = 0_u64;
    let mut all = blake3::Hasher::new();
    for piece in state.pieces() {
        let hash = piece_hash(pieces_count, &piece);
        all.update(&hash);
        // Pieces are far shorter than four gigabytes.
        file.write(&u32::try_from(piece.len()).unwrap_or(0).to_le_bytes())?;
        file.write(&hash)?;
        file.write(&piece)?;
        pieces_count = pieces_count.saturating_add(1);
        file.end_part()?;
    }
    let count = pieces_count.to_le_bytes();
    file.write(&[0; 4])?;
    file.write(&count)?;
    file.write(all.update(&count).finalize().as_bytes())?;
    let bytes = file.finish()?;
    Ok(Written { pieces_count, bytes })
}

/// A file written no faster than it may be, that leaves room for blocks.
struct PacedFile<'a> {
    path: &'a Path,
    file: File,
    bounds: Bounds<'a>,
    started: Instant,
    bytes: u64,
    synced: u64,
}

impl<'a> PacedFile<'a> {
    fn create(path: &'a Path, bounds: Bounds<'a>) -> Result<Self, CheckpointError> {
        let file = File::create(path).map_err(io_error("create", path))?;
        let paced = Self { path, file, bounds, started: Instant::now(), bytes: 0, synced: 0 };
        paced.find_room()?;
        Ok(paced)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CheckpointError> {
        self.file.write_all(bytes).map_err(io_error("write", self.path))?;
        self.bytes = self.bytes.saturating_add(to_u64(bytes.len()));
        Ok(())
    }

    fn find_room(&self) -> Result<(), CheckpointError> {
        let disk = rustix::fs::fstatvfs(&self.file)
            .map_err(|errno| io_error("look at the disk of", self.path)(errno.into()))?;
        let room = disk.f_bavail.saturating_mul(disk.f_frsize);
        // Some file systems do not know.
        if disk.f_blocks > 0 && room < ROOM_FOR_BLOCKS {
            return Err(CheckpointError::NoRoom { path: self.path.to_owned() });
        }
        Ok(())
    }

    /// Gives time and disk to others.
    fn end_part(&mut self) -> Result<(), CheckpointError> {
        self.bounds.steps.at(Step::CheckpointPart).map_err(io_error("write", self.path))?;
        if self.bytes.saturating_sub(self.synced) >= BYTES_PER_SYNC {
            self.file.sync_data().map_err(io_error("sync", self.path))?;
            self.synced = self.bytes;
            self.find_room()?;
        }
        if wait_for_turn(self.started, self.bytes, self.bounds.pace, self.bounds.stop) {
            Ok(())
        } else {
            Err(CheckpointError::Stopped { path: self.path.to_owned() })
        }
    }

    fn finish(self) -> Result<u64, CheckpointError> {
        let synced = self.bounds.steps.at(Step::CheckpointSynced).and_then(|()| self.file.sync_all());
        synced.map_err(io_error("sync", self.path))?;
        // So that reading it back reads the disk; where that cannot be asked for, memory is read.
        let _ = rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::DontNeed);
        Ok(self.bytes)
    }
}

/// Waits until as many bytes may have been written. False if told to stop.
#[expect(clippy::disallowed_methods, reason = "pacing is about time: there is no state to wait for")]
fn wait_for_turn(started: Instant, bytes: u64, pace: Pace, stop: &AtomicBool) -> bool {
    let millis = bytes.saturating_mul(1_000).checked_div(pace.bytes_per_second).unwrap_or(0);
    let due = Duration::from_millis(millis);
    loop {
        if stop.load(Ordering::Acquire) {
            return false;
        }
        let early = due.saturating_sub(started.elapsed());
        if early.is_zero() {
            return true;
        }
        thread::sleep(early.min(NAP));
    }
}

fn header(genesis: &[u8; 32], anchor: &Anchor) -> Vec<u8> {
    let anchor = anchor.encode();
    // Bounded when it was read; each change adds less than a block's proof may have.
    let length = u32::try_from(anchor.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut header = [MAGIC.as_slice(), &FORMAT_VERSION.to_le_bytes(), genesis, &length, &anchor].concat();
    let checksum = blake3::hash(&header);
    header.extend_from_slice(checksum.as_bytes());
    header
}

fn piece_hash(number: u64, piece: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(piece);
    *hasher.finalize().as_bytes()
}

/// Reads a checkpoint of the network that starts from `genesis`, and checks every byte and the root.
/// Blocks the thread.
///
/// # Errors
/// [`CheckpointError`], at the first thing that is wrong.
pub fn load(path: &Path, genesis: &Genesis) -> Result<(Anchor, State), CheckpointError> {
    let pieces = |source| CheckpointError::Pieces { path: path.to_owned(), source };
    let mut restore = Restore::new(genesis).map_err(pieces)?;
    let anchor = read_pieces(path, &genesis.hash(), |piece| restore.push(piece))?;
    let mut state = restore.finish().map_err(pieces)?;
    if state.root() != anchor.tip.state_root {
        return Err(CheckpointError::StateRoot { path: path.to_owned(), height: anchor.tip.height });
    }
    Ok((anchor, state))
}

/// Reads a checkpoint of the network with this genesis, and checks that every byte is the one that
/// was written, but makes no state of it: this takes little memory. Blocks the thread.
///
/// # Errors
/// [`CheckpointError`], at the first thing that is wrong.
pub fn check(path: &Path, genesis: &[u8; 32]) -> Result<Anchor, CheckpointError> {
    read(path, genesis, |_| Ok(()))
}

/// Reads what a checkpoint says of its block, and no more. Blocks the thread for a short read.
///
/// # Errors
/// [`CheckpointError`]: no such file, or another kind, or one whose first part is damaged.
pub fn read_anchor(path: &Path, genesis: &[u8; 32]) -> Result<Anchor, CheckpointError> {
    Pieces::open(path)?.anchor(genesis)
}

/// Shows the pieces of a checkpoint (see [`State::pieces`]) one after the other, each checked to be the one
/// that was written. Blocks the thread.
///
/// # Errors
/// [`CheckpointError`], at the first thing that is wrong; [`CheckpointError::Pieces`] where `take` fails.
pub fn read_pieces(
    path: &Path,
    genesis: &[u8; 32],
    mut take: impl FnMut(&[u8]) -> Result<(), PieceError>,
) -> Result<Anchor, CheckpointError> {
    let pieces = |source| CheckpointError::Pieces { path: path.to_owned(), source };
    read(path, genesis, |piece| take(piece).map_err(pieces))
}

fn read(
    path: &Path,
    genesis: &[u8; 32],
    mut take: impl FnMut(&[u8]) -> Result<(), CheckpointError>,
) -> Result<Anchor, CheckpointError> {
    let mut reader = Pieces::open(path)?;
    let anchor = reader.anchor(genesis)?;
    let mut all = blake3::Hasher::new();
    while let Some(piece) = reader.next(&mut all)? {
        take(&piece)?;
    }
    Ok(anchor)
}

/// A file being read.
struct Pieces<'a> {
    path: &'a Path,
    file: BufReader<File>,
    /// Where the next piece begins.
    offset: u64,
    /// Its number.
    piece: u64,
}

impl<'a> Pieces<'a> {
    fn open(path: &'a Path) -> Result<Self, CheckpointError> {
        let file = File::open(path).map_err(io_error("open", path))?;
        Ok(Self { path, file: BufReader::with_capacity(1 << 20, file), offset: 0, piece: 0 })
    }

    fn anchor(&mut self, genesis: &[u8; 32]) -> Result<Anchor, CheckpointError> {
        let path = || self.path.to_owned();
        let mut start = [0; START_BYTES];
        match self.file.read_exact(&mut start) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(CheckpointError::NotACheckpoint { path: path() });
            }
            read => read.map_err(io_error("read", self.path))?,
        }
        if start[..8] != MAGIC {
            return Err(CheckpointError::NotACheckpoint { path: path() });
        }
        let found = u16::from_le_bytes([start[8], start[9]]);
        if found > FORMAT_VERSION {
            return Err(CheckpointError::NewerFormat { path: path(), found });
        }
        if found < FORMAT_VERSION {
            return Err(CheckpointError::OlderFormat { path: path(), found });
        }
        let length = to_usize(u64::from(u32::from_le_bytes([start[42], start[43], start[44], start[45]])));
        if length > MAX_ANCHOR_BYTES {
            return Err(self.damaged());
        }
        let mut header = start.to_vec();
        let rest = (&mut self.file).take(to_u64(length.saturating_add(32))).read_to_end(&mut header);
        rest.map_err(io_error("read", self.path))?;
        let (body, checksum) = header.split_at(header.len().saturating_sub(32));
        if body.len() != START_BYTES + length || blake3::hash(body).as_bytes() != checksum {
            return Err(self.damaged());
        }
        if start[10..42] != *genesis {
            return Err(CheckpointError::OtherNetwork { path: path() });
        }
        self.offset = to_u64(header.len());
        decode_canonical(&body[START_BYTES..]).map_err(|_| self.damaged())
    }

    /// The next piece, its hash added to that of all; nothing after the last.
    fn next(&mut self, all: &mut blake3::Hasher) -> Result<Option<Vec<u8>>, CheckpointError> {
        let length = to_usize(u64::from(u32::from_le_bytes(self.read()?)));
        if length == 0 {
            let count: [u8; 8] = self.read()?;
            let sound = u64::from_le_bytes(count) == self.piece
                && self.read::<32>()? == *all.update(&count).finalize().as_bytes()
                && self.file.read(&mut [0]).map_err(io_error("read", self.path))? == 0;
            return if sound { Ok(None) } else { Err(self.damaged()) };
        }
        if length > MAX_PIECE_BYTES {
            return Err(self.damaged());
        }
        let hash: [u8; 32] = self.read()?;
        // Memory is taken as bytes arrive: a damaged length must not ask for much.
        let mut piece = Vec::new();
        let read = (&mut self.file).take(to_u64(length)).read_to_end(&mut piece);
        read.map_err(io_error("read", self.path))?;
        if piece.len() != length || piece_hash(self.piece, &piece) != hash {
            return Err(self.damaged());
        }
        all.update(&hash);
        self.piece = self.piece.saturating_add(1);
        self.offset = self.offset.saturating_add(to_u64(length.saturating_add(4 + 32)));
        Ok(Some(piece))
    }

    fn read<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let mut bytes = [0; N];
        match self.file.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.damaged()),
            Err(error) => Err(io_error("read", self.path)(error)),
            Ok(()) => Ok(bytes),
        }
    }

    fn damaged(&self) -> CheckpointError {
        CheckpointError::Damaged { path: self.path.to_owned(), offset: self.offset, piece: self.piece }
    }
}
