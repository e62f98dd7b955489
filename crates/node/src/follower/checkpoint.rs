//! The checkpoint file: the newest accepted block, and the index as of that block.
//!
//! ```text
//! magic (8) · length of the anchor u32 LE · anchor (SCALE) · BLAKE3 of all before (32) · sealed pieces of the index
//! ```
//!
//! Written and read piece by piece, from a snapshot: neither takes memory to speak of, and blocks are
//! applied meanwhile.

use super::{FollowError, Shared, sink::lock};
use crate::home;
use argosy_directory::Genesis;
use argosy_domain::{ContentId, num::to_u64, wire::decode_canonical};
use argosy_ledger::{Anchor, ChainVerifier};
use argosy_node_core::follow::{
    CHECKPOINT_VERSION, CheckpointError, CheckpointReader, Index, MAX_PIECE_BYTES, SEAL_BYTES,
};
use codec::Encode;
use std::{
    fs::File,
    io::{self, BufReader, Read, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{task::JoinHandle, time::Instant};

/// The last two digits are the version of this wrapping.
const MAGIC: &[u8; 8] = b"ARGFOL04";
const MAGIC_STEM: &[u8] = b"ARGFOL";
const HASH_BYTES: usize = 32;
/// Thousands of changes of sequencing keys.
const MAX_ANCHOR_BYTES: usize = 4 * 1024 * 1024;
/// An index of ten million objects takes about a thirtieth of this.
const MAX_CHECKPOINT_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// Bytes between two syncs, so that the disk never has all of it to write at once.
const BYTES_PER_SYNC: u64 = 16 * 1024 * 1024;
/// Shortest time between two checkpoints, and how much longer than writing one it must be.
const SAVE_INTERVAL: Duration = Duration::from_secs(3);
const SAVE_SHARE: u32 = 20;

/// What makes a checkpoint unusable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Missing,
    Unreadable(io::ErrorKind),
    Damaged,
    Older,
    Newer,
    OtherNetwork,
}

/// The index and verifier to go on with: from the checkpoint if it is sound, else from genesis.
pub(super) fn load_or_start(path: &Path, genesis: &Genesis) -> Result<(Index, ChainVerifier), FollowError> {
    let found = match File::open(path) {
        Ok(file) => read(BufReader::with_capacity(1 << 20, file), &genesis.hash()),
        Err(error) => Err(flaw_of(&error)),
    };
    let why = match found {
        Ok((anchor, index)) => {
            tracing::info!(height = anchor.tip.height, "resuming from the checkpoint");
            return Ok((index, ChainVerifier::resume(genesis, anchor)));
        }
        Err(Flaw::OtherNetwork) => return Err(FollowError::OtherNetwork { path: path.to_owned() }),
        Err(Flaw::Newer) => return Err(FollowError::Newer { path: path.to_owned() }),
        Err(Flaw::Missing) => None,
        Err(Flaw::Damaged) => Some("it is damaged".to_owned()),
        Err(Flaw::Older) => Some("an older argosy wrote it".to_owned()),
        Err(Flaw::Unreadable(kind)) => Some(kind.to_string()),
    };
    if let Some(why) = why {
        tracing::warn!(path = %path.display(), %why, "the checkpoint cannot be used; following from the start");
    }
    Ok((Index::from_genesis(genesis), ChainVerifier::new(genesis)?))
}

/// A file that ends early is damaged.
fn flaw_of(error: &io::Error) -> Flaw {
    let kind = error.kind();
    if kind == io::ErrorKind::NotFound {
        Flaw::Missing
    } else if kind == io::ErrorKind::UnexpectedEof {
        Flaw::Damaged
    } else {
        Flaw::Unreadable(kind)
    }
}

pub(super) fn read(file: impl Read, genesis: &[u8; 32]) -> Result<(Anchor, Index), Flaw> {
    let mut file = file.take(MAX_CHECKPOINT_BYTES);
    let anchor = read_anchor(&mut file)?;
    let mut reader = CheckpointReader::new(*genesis);
    let mut piece = Vec::new();
    while let Some(seal) = read_seal(&mut file)? {
        let length = CheckpointReader::length(&seal).map_err(flaw_of_index)?;
        piece.resize(length, 0);
        file.read_exact(&mut piece).map_err(|error| flaw_of(&error))?;
        reader.push(&seal, &piece).map_err(flaw_of_index)?;
    }
    let index = reader.finish().map_err(flaw_of_index)?;
    if agree(&anchor, &index) { Ok((anchor, index)) } else { Err(Flaw::Damaged) }
}

fn flaw_of_index(error: CheckpointError) -> Flaw {
    match error {
        CheckpointError::OtherNetwork => Flaw::OtherNetwork,
        CheckpointError::Version { found } if found > CHECKPOINT_VERSION => Flaw::Newer,
        CheckpointError::Version { .. } => Flaw::Older,
        CheckpointError::Damaged => Flaw::Damaged,
    }
}

fn read_anchor(file: &mut impl Read) -> Result<Anchor, Flaw> {
    let mut head = [0; MAGIC.len() + 4];
    file.read_exact(&mut head).map_err(|error| flaw_of(&error))?;
    let [magic @ .., a, b, c, d] = head;
    if magic != *MAGIC {
        let version = magic.strip_prefix(MAGIC_STEM).filter(|version| version.iter().all(u8::is_ascii_digit));
        return Err(match version {
            Some(_) if magic > *MAGIC => Flaw::Newer,
            Some(_) => Flaw::Older,
            None => Flaw::Damaged,
        });
    }
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).map_err(|_| Flaw::Damaged)?;
    if length > MAX_ANCHOR_BYTES {
        return Err(Flaw::Damaged);
    }
    let mut encoded = vec![0; length];
    let mut hash = [0; HASH_BYTES];
    let read = file.read_exact(&mut encoded).and_then(|()| file.read_exact(&mut hash));
    read.map_err(|error| flaw_of(&error))?;
    if ContentId::of(&[&head[..], &encoded].concat()).0 != hash {
        return Err(Flaw::Damaged);
    }
    decode_canonical(&encoded).map_err(|_| Flaw::Damaged)
}

/// None where the file ends.
fn read_seal(file: &mut impl Read) -> Result<Option<[u8; SEAL_BYTES]>, Flaw> {
    let mut seal = Vec::with_capacity(SEAL_BYTES);
    file.take(to_u64(SEAL_BYTES)).read_to_end(&mut seal).map_err(|error| flaw_of(&error))?;
    if seal.is_empty() {
        return Ok(None);
    }
    seal.try_into().map(Some).map_err(|_| Flaw::Damaged)
}

fn agree(anchor: &Anchor, index: &Index) -> bool {
    (anchor.tip.height, anchor.tip.time_ms) == (index.height(), index.time_ms())
}

/// Replaces the file durably. Blocks the thread. Does nothing if anchor and index are not of the
/// same block, which only a failed block causes.
pub(super) fn save(path: &Path, anchor: &Anchor, index: &Index) -> io::Result<()> {
    if !agree(anchor, index) {
        return Ok(());
    }
    let encoded = anchor.encode();
    let length = u32::try_from(encoded.len()).map_err(io::Error::other)?;
    let head = [&MAGIC[..], &length.to_le_bytes(), &encoded].concat();
    home::replace_file_with(path, |file| {
        file.write_all(&head)?;
        file.write_all(&ContentId::of(&head).0)?;
        let (mut bytes, mut synced) = (0_u64, 0_u64);
        for piece in index.pieces() {
            file.write_all(&piece)?;
            bytes = bytes.saturating_add(to_u64(piece.len()));
            if bytes > MAX_CHECKPOINT_BYTES - to_u64(MAX_PIECE_BYTES) {
                let reason = "the index is too large for a checkpoint";
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
            }
            if bytes.saturating_sub(synced) >= BYTES_PER_SYNC {
                file.sync_data()?;
                synced = bytes;
            }
        }
        Ok(())
    })
}

/// Saves checkpoints beside the following, one at a time and not too often.
pub(super) struct Saver {
    path: PathBuf,
    saved_height: u64,
    next: Instant,
    /// Since when, and what height it is of.
    running: Option<(Instant, u64, JoinHandle<io::Result<()>>)>,
}

impl Saver {
    pub(super) fn new(path: PathBuf, saved_height: u64) -> Self {
        Self { path, saved_height, next: Instant::now() + SAVE_INTERVAL, running: None }
    }

    /// Begins a checkpoint if it is time for one and there is anything new. Only takes the snapshot: some
    /// microseconds.
    pub(super) async fn save_if_due(&mut self, shared: &Shared, chain: &Mutex<ChainVerifier>) {
        if self.running.as_ref().is_some_and(|(_, _, task)| task.is_finished()) {
            self.finish().await;
        }
        if self.running.is_none() && Instant::now() >= self.next {
            self.begin(shared, chain);
        }
    }

    /// Waits for the checkpoint that is being written, then for one of what came after it.
    pub(super) async fn save_now(&mut self, shared: &Shared, chain: &Mutex<ChainVerifier>) {
        self.finish().await;
        self.begin(shared, chain);
        self.finish().await;
    }

    fn begin(&mut self, shared: &Shared, chain: &Mutex<ChainVerifier>) {
        let (anchor, index) = {
            let chain = lock(chain);
            // Only the task that asks for this ever writes, so no writer waits behind this guard.
            let index = shared.index.read().unwrap_or_else(PoisonError::into_inner);
            (chain.anchor(), index.clone())
        };
        let height = anchor.tip.height;
        if height == self.saved_height {
            return;
        }
        let path = self.path.clone();
        let task = tokio::task::spawn_blocking(move || save(&path, &anchor, &index));
        self.running = Some((Instant::now(), height, task));
    }

    /// Failures are told and tried again later.
    async fn finish(&mut self) {
        let Some((started, height, task)) = self.running.take() else { return };
        match task.await {
            Ok(Ok(())) => self.saved_height = height,
            Ok(Err(error)) => {
                tracing::error!(path = %self.path.display(), %error, "the checkpoint cannot be saved");
            }
            Err(error) => tracing::error!(%error, "saving the checkpoint did not finish"),
        }
        self.next = Instant::now() + SAVE_INTERVAL.max(started.elapsed() * SAVE_SHARE);
    }
}
