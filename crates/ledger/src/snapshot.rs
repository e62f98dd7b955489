//! A ledger that begins with a checkpoint from elsewhere, instead of the genesis.

use crate::{
    block::Block,
    checkpoint::{self, CheckpointError},
    data_dir::{checkpoints_dir, replace, sync_dir},
    epoch::Epochs,
    generations,
    log::{Link, Segment, floor_bytes, floor_path, later_path, segment_header},
    verify::{Anchor, ChainTip},
};
use argosy_directory::Genesis;
use bytes::Bytes;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// Why a ledger cannot begin with a checkpoint. Each text is one line.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The checkpoint is damaged, or of another network.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The block is not the one that the checkpoint was made after.
    #[error("the checkpoint is not of the block that was sent with it")]
    OtherBlock,
    /// The block is not signed by the keys of its epoch.
    #[error("the checkpoint's block {height} is not signed by the network's sequencer")]
    Signature {
        /// Its height.
        height: u64,
    },
    /// The keys were changed by a council that the genesis does not name.
    #[error(
        "the genesis does not prove who signed block {height}: compare its hash {hash} with an operator whom you trust and name it with --trust {hash}, or follow from the genesis"
    )]
    NeedsTrust {
        /// Its height.
        height: u64,
        /// Its hash, hexadecimal.
        hash: String,
    },
    /// It is not the block that is trusted.
    #[error("block {height} has hash {found}, not {trusted}, which is trusted: ask another directory node")]
    NotTrusted {
        /// Its height.
        height: u64,
        /// Its hash, hexadecimal.
        found: String,
        /// The one named, hexadecimal.
        trusted: String,
    },
    /// There is something already.
    #[error("{} exists and is not an empty folder: name another one", path.display())]
    NotEmpty {
        /// The data directory.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot make a ledger in {}", path.display())]
    Io {
        /// The data directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Makes a ledger in `dir`, which must not exist or be empty, that begins with the checkpoint in
/// `file` and the encoded `block` after which it was made. The file is moved. Blocks the thread.
///
/// Checks that the block is signed by keys that the genesis proves, or has the `trusted` hash, and that
/// the checkpoint says it is of this block. That its state has the block's root is checked when the
/// ledger is opened, before anything is done with it.
///
/// # Errors
/// [`SnapshotError`]; `dir` is as it was.
pub fn install_snapshot(
    dir: &Path,
    file: &Path,
    block: &Bytes,
    genesis: &Genesis,
    trusted: Option<&[u8; 32]>,
) -> Result<ChainTip, SnapshotError> {
    let io = |source| SnapshotError::Io { path: dir.to_owned(), source };
    let tip = check_snapshot(file, block, genesis, trusted)?.tip;
    let is_taken = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    if is_taken {
        return Err(SnapshotError::NotEmpty { path: dir.to_owned() });
    }
    let mut name = dir.to_owned().into_os_string();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let made = make(&partial, file, block, genesis, tip.height).and_then(|()| {
        fs::rename(&partial, dir)?;
        sync_dir(dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    });
    if made.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    made.map_err(io)?;
    Ok(tip)
}

/// Checks that the encoded `block` is signed by keys that the genesis proves, or has the `trusted` hash,
/// and that the checkpoint in `file` says it is of this block. The state is not looked at: who uses it
/// compares its root with the tip's.
///
/// # Errors
/// [`SnapshotError`].
pub fn check_snapshot(
    file: &Path,
    block: &Bytes,
    genesis: &Genesis,
    trusted: Option<&[u8; 32]>,
) -> Result<Anchor, SnapshotError> {
    let anchor = checkpoint::read_anchor(file, &genesis.hash())?;
    let block = Block::decode_bytes(block).map_err(|_| SnapshotError::OtherBlock)?;
    let tip = ChainTip::of(&block);
    if tip != anchor.tip || tip.height == 0 {
        return Err(SnapshotError::OtherBlock);
    }
    let height = tip.height;
    let epochs = Epochs::after(genesis, anchor.changes.clone());
    if block.proof.epoch != epochs.number() || !block.proof.holds_for(epochs.keys(), &tip.hash) {
        return Err(SnapshotError::Signature { height });
    }
    match trusted {
        Some(trusted) if *trusted == tip.hash => Ok(anchor),
        Some(trusted) => {
            let (found, trusted) = (hex::encode(tip.hash), hex::encode(trusted));
            Err(SnapshotError::NotTrusted { height, found, trusted })
        }
        None if epochs.are_proved(genesis) => Ok(anchor),
        None => Err(SnapshotError::NeedsTrust { height, hash: hex::encode(tip.hash) }),
    }
}

fn make(dir: &Path, file: &Path, block: &Bytes, genesis: &Genesis, height: u64) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let checkpoints = checkpoints_dir(dir);
    fs::create_dir_all(&checkpoints)?;
    let checkpoint = generations::path(&checkpoints, height);
    move_file(file, &checkpoint)?;
    sync_dir(&checkpoints)?;
    let hash = genesis.hash();
    let link = Link { first: height, previous: Some((1, 0)) };
    let path = later_path(dir, height);
    replace(&path, &segment_header(&hash, link))?;
    let segment = Segment::open(path, &hash, true).map_err(io::Error::other)?;
    let mut writer = segment.writer(segment.first_record()).map_err(io::Error::other)?;
    writer.append(std::slice::from_ref(block))?;
    replace(&floor_path(dir), &floor_bytes(&hash, height))?;
    sync_dir(dir)
}

/// By its name if it is on the same disk, else by copying it.
fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    if fs::rename(from, to).is_err() {
        fs::copy(from, to)?;
        fs::remove_file(from)?;
    }
    fs::File::open(to)?.sync_all()
}
