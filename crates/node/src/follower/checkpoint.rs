//! The checkpoint file: the newest accepted block, and the index as of that block.
//!
//! ```text
//! magic (8) · length of the anchor u32 LE · anchor (SCALE) · BLAKE3 of all before (32) · index (its own format)
//! ```

use super::FollowError;
use crate::home;
use argosy_directory::Genesis;
use argosy_domain::{ContentId, num::to_u64, wire::decode_canonical};
use argosy_ledger::{Anchor, ChainVerifier};
use argosy_node_core::follow::{CheckpointError, Index};
use codec::Encode;
use std::{io, path::Path};

/// The last two digits are the version of this wrapping.
const MAGIC: &[u8; 8] = b"ARGFOL02";
const MAGIC_STEM: &[u8] = b"ARGFOL";
const HASH_BYTES: usize = 32;
/// Thousands of changes of sequencing keys.
const MAX_ANCHOR_BYTES: usize = 4 * 1024 * 1024;
/// An index of ten million objects takes about a tenth of this.
const MAX_CHECKPOINT_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// What makes a checkpoint unusable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Damaged,
    Newer,
    OtherNetwork,
}

/// The index and verifier to go on with: from the checkpoint if it is sound, else from genesis.
pub(super) fn load_or_start(path: &Path, genesis: &Genesis) -> Result<(Index, ChainVerifier), FollowError> {
    let found = match home::read_bounded(path, MAX_CHECKPOINT_BYTES) {
        Ok(bytes) => decode(&bytes, &genesis.hash()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Flaw::Damaged),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the checkpoint cannot be read; following from the start");
            Err(Flaw::Damaged)
        }
    };
    match found {
        Ok((anchor, index)) => {
            tracing::info!(height = anchor.tip.height, "resuming from the checkpoint");
            Ok((index, ChainVerifier::resume(genesis, anchor)))
        }
        Err(Flaw::OtherNetwork) => Err(FollowError::OtherNetwork { path: path.to_owned() }),
        Err(Flaw::Newer) => Err(FollowError::Newer { path: path.to_owned() }),
        Err(Flaw::Damaged) => {
            if path.exists() {
                tracing::warn!(path = %path.display(), "the checkpoint is damaged; following from the start");
            }
            Ok((Index::from_genesis(genesis), ChainVerifier::new(genesis)?))
        }
    }
}

/// The file's bytes. None if anchor and index are not of the same block, which only a failed block causes.
pub(super) fn encode(anchor: &Anchor, index: &Index) -> Option<Vec<u8>> {
    if !agree(anchor, index) {
        return None;
    }
    let encoded = anchor.encode();
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&u32::try_from(encoded.len()).ok()?.to_le_bytes());
    bytes.extend_from_slice(&encoded);
    let hash = ContentId::of(&bytes);
    bytes.extend_from_slice(&hash.0);
    bytes.append(&mut index.to_checkpoint());
    Some(bytes)
}

pub(super) fn decode(bytes: &[u8], genesis: &[u8; 32]) -> Result<(Anchor, Index), Flaw> {
    let Some((magic, rest)) = bytes.split_first_chunk::<8>() else { return Err(Flaw::Damaged) };
    if magic != MAGIC {
        let newer = magic.starts_with(MAGIC_STEM) && magic > MAGIC;
        return Err(if newer { Flaw::Newer } else { Flaw::Damaged });
    }
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(Flaw::Damaged)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Flaw::Damaged)?;
    if length > MAX_ANCHOR_BYTES {
        return Err(Flaw::Damaged);
    }
    let (encoded, rest) = rest.split_at_checked(length).ok_or(Flaw::Damaged)?;
    let (hash, index) = rest.split_first_chunk::<HASH_BYTES>().ok_or(Flaw::Damaged)?;
    let head = bytes.get(..MAGIC.len() + 4 + length).ok_or(Flaw::Damaged)?;
    if ContentId::of(head).0 != *hash {
        return Err(Flaw::Damaged);
    }
    let anchor: Anchor = decode_canonical(encoded).map_err(|_| Flaw::Damaged)?;
    let index = Index::from_checkpoint(index, genesis).map_err(|error| match error {
        CheckpointError::OtherNetwork => Flaw::OtherNetwork,
        CheckpointError::Version { .. } => Flaw::Newer,
        CheckpointError::Damaged => Flaw::Damaged,
    })?;
    if agree(&anchor, &index) { Ok((anchor, index)) } else { Err(Flaw::Damaged) }
}

fn agree(anchor: &Anchor, index: &Index) -> bool {
    (anchor.tip.height, anchor.tip.time_ms) == (index.height(), index.time_ms())
}

/// Writes the file durably. Blocks the thread.
pub(super) fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if to_u64(bytes.len()) > MAX_CHECKPOINT_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the index is too large for a checkpoint"));
    }
    home::replace_file(path, bytes)
}
