//! The index as bytes: a checkpoint that a node starts from.

use super::Index;
use alloc::vec::Vec;
use argosy_domain::{ContentId, wire::decode_canonical};
use codec::Encode;
use thiserror::Error;

/// The only format that is read: an older checkpoint lacks what an index knows now.
const CHECKPOINT_VERSION: u16 = 2;
const HASH_BYTES: usize = 32;

/// Why bytes are not a checkpoint to start from. Start from genesis instead; nothing is lost but time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// Cut off, changed, or never a checkpoint.
    #[error("the checkpoint is damaged")]
    Damaged,
    /// Written by another version.
    #[error("the checkpoint has format {found}, this program reads format {CHECKPOINT_VERSION}")]
    Version {
        /// The format found.
        found: u16,
    },
    /// Of another network.
    #[error("the checkpoint belongs to another network")]
    OtherNetwork,
}

impl Index {
    /// The index as bytes, with a format version in front and a BLAKE3 hash behind: a flipped bit
    /// must never look like a deletion.
    #[must_use]
    pub fn to_checkpoint(&self) -> Vec<u8> {
        let mut bytes = CHECKPOINT_VERSION.encode();
        self.encode_to(&mut bytes);
        let hash = ContentId::of(&bytes);
        bytes.extend_from_slice(&hash.0);
        bytes
    }

    /// Reads what [`Self::to_checkpoint`] wrote, for the network with this genesis hash.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn from_checkpoint(bytes: &[u8], genesis: &[u8; 32]) -> Result<Self, CheckpointError> {
        let body_length = bytes.len().checked_sub(HASH_BYTES).ok_or(CheckpointError::Damaged)?;
        let (body, hash) = bytes.split_at(body_length);
        if ContentId::of(body).0 != hash {
            return Err(CheckpointError::Damaged);
        }
        let (version, encoded) = body.split_first_chunk::<2>().ok_or(CheckpointError::Damaged)?;
        let found = u16::from_le_bytes(*version);
        if found != CHECKPOINT_VERSION {
            return Err(CheckpointError::Version { found });
        }
        let index: Self = decode_canonical(encoded).map_err(|_| CheckpointError::Damaged)?;
        if index.genesis != *genesis {
            return Err(CheckpointError::OtherNetwork);
        }
        if index.damaged { Err(CheckpointError::Damaged) } else { Ok(index) }
    }
}
