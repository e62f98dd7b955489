//! What can go wrong with a ledger on disk, and with a transaction on its way into it.

use crate::{log::FORMAT_VERSION, verify::BlockError};
use argosy_directory::{GenesisError, Reject, call::Balance};
use argosy_domain::AccountId;
use std::{io, path::PathBuf};
use thiserror::Error;

/// Why a transaction did not get into a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// The envelope is wrong: network, time, nonce or signature. Nothing was recorded.
    #[error(transparent)]
    Refused(#[from] Reject),
    /// Not the encoding of a transaction.
    #[error("the bytes are not an encoded transaction")]
    Malformed,
    /// More transactions wait than this node takes, and none of them is worth less.
    #[error("too many transactions wait for a block: try again later, or give a tip")]
    PoolFull,
    /// More transactions of this account wait than this node takes.
    #[error("too many transactions of this account wait for a block: wait for some of them")]
    AccountFull,
    /// Another transaction of the account with this nonce waits.
    #[error(
        "another transaction with this nonce waits: take the next nonce, or give a tip so that it costs {fee_needed} in all, which replaces the other"
    )]
    NonceTaken {
        /// The least fee, tip included, that replaces it, in base units.
        fee_needed: Balance,
    },
    /// The same transaction waits for others already.
    #[error("this transaction waits already, and enough submitters with it")]
    Waiting,
    /// A transaction with the same nonce and a higher fee took its place.
    #[error("another transaction of the account with this nonce and a higher fee took its place")]
    Replaced,
    /// The pool is full, and one that is worth more took its place.
    #[error(
        "too many transactions wait for a block, and one that pays more took this one's place: try again later, or give a tip"
    )]
    Displaced,
    /// More signatures are to be checked than this node takes. Later it may work.
    #[error("too many signatures are to be checked at once: try again later")]
    Busy,
    /// The ledger's disk is full. Once there is room it works again.
    #[error("the directory's disk is full: its operator must free some of it")]
    NoRoom,
    /// The engine has stopped. The transaction may or may not be in a block.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl SubmitError {
    /// The public name of the reason; never changes its meaning.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(reject) => reject.code(),
            Self::Malformed => "MALFORMED_TRANSACTION",
            Self::PoolFull => "POOL_FULL",
            Self::AccountFull => "ACCOUNT_FULL",
            Self::NonceTaken { .. } => "NONCE_TAKEN",
            Self::Waiting => "ALREADY_WAITING",
            Self::Replaced => "REPLACED",
            Self::Displaced => "DISPLACED",
            Self::Busy => "BUSY",
            Self::NoRoom => "NO_ROOM",
            Self::Stopped(Stopped) => "STOPPED",
        }
    }
}

/// The engine runs no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the directory's engine has stopped")]
pub struct Stopped;

/// Why a ledger in a data directory cannot be used. Each text is one line that names the path and
/// says what to do.
#[derive(Debug, Error)]
pub enum OpenError {
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
    /// Another process has it open.
    #[error("{} is in use by another process: stop that one, or choose another data directory", path.display())]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// There is no ledger to replay.
    #[error("{} does not exist: there is no ledger in this directory", path.display())]
    Missing {
        /// The log.
        path: PathBuf,
    },
    /// A file of another kind.
    #[error("{} is not a log of blocks: choose another data directory", path.display())]
    NotALog {
        /// The log.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error(
        "{} has format {found}, this program knows format {FORMAT_VERSION}: use a newer argosy",
        path.display()
    )]
    NewerFormat {
        /// The log.
        path: PathBuf,
        /// Its version.
        found: u16,
    },
    /// Written by an older program.
    #[error("{} has format {found}, which this program does not read: use the argosy that wrote it", path.display())]
    OlderFormat {
        /// The log.
        path: PathBuf,
        /// Its version.
        found: u16,
    },
    /// Made from another genesis.
    #[error(
        "{} belongs to network {found}, the genesis given is that of {expected}: choose another data directory or genesis",
        path.display()
    )]
    OtherNetwork {
        /// The log.
        path: PathBuf,
        /// Hash of the genesis in the file, hexadecimal.
        found: String,
        /// Hash of the genesis given, hexadecimal.
        expected: String,
    },
    /// Bytes that were once written whole are not what was written.
    #[error(
        "{} is damaged at byte {offset} (block {height}): restore it from a backup or from another directory node",
        path.display()
    )]
    Damaged {
        /// The log.
        path: PathBuf,
        /// Where the damaged record begins.
        offset: u64,
        /// Which block it should hold.
        height: u64,
    },
    /// A record that is whole, but does not hold the block that must come next.
    #[error("{}: block {height} is not valid: restore the file from a backup or from another directory node", path.display())]
    Block {
        /// The log.
        path: PathBuf,
        /// Which block.
        height: u64,
        /// What is wrong with it.
        source: ChainError,
    },
    /// Blocks that were not dropped are not there.
    #[error("blocks from {from} on are missing in {}: restore them from a backup or from another directory node", path.display())]
    MissingBlocks {
        /// The data directory.
        path: PathBuf,
        /// Height of the first one.
        from: u64,
    },
    /// Nothing to go on from.
    #[error(
        "{} has no checkpoint that can be used, and its blocks before {oldest} were dropped: restore it from a backup or from another directory node",
        path.display()
    )]
    NoCheckpoint {
        /// The data directory.
        path: PathBuf,
        /// Height of the oldest block.
        oldest: u64,
    },
    /// A copy goes into a folder of its own.
    #[error("{} exists and is not an empty folder: name another one", path.display())]
    NotEmpty {
        /// What is there.
        path: PathBuf,
    },
    /// A block cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log ends before the checkpoint.
    #[error("{} ends before block {height}, of which there is a checkpoint: restore the log, or remove the checkpoint", path.display())]
    BehindCheckpoint {
        /// The log.
        path: PathBuf,
        /// Block of the checkpoint.
        height: u64,
    },
    /// The genesis contradicts itself.
    #[error("the genesis cannot be used")]
    Genesis(#[from] GenesisError),
    /// Not the key that signs blocks: the one that the genesis names, or the last change of keys.
    #[error(
        "the sequencer key is that of {found}, but {expected} signs blocks: give the key of that account"
    )]
    OtherKey {
        /// Account of the key given.
        found: AccountId,
        /// The network's sequencer.
        expected: AccountId,
    },
    /// A change of sequencing keys that cannot be carried out.
    #[error("the change of the sequencing key in {} cannot be carried out: {why}: make it anew, or remove the file", path.display())]
    Change {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// A sequencer needs verifiable randomness.
    #[error("the sequencer key {found} is not an sr25519 key: give an sr25519 key")]
    KeyScheme {
        /// Account of the key given.
        found: AccountId,
    },
}

/// Why a block of the log is refused on replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChainError {
    /// Not the encoding of a block.
    #[error("the record is not an encoded block")]
    Malformed,
    /// Does not follow from the block before.
    #[error(transparent)]
    Unproved(#[from] BlockError),
    /// A transaction that no sequencer may put into a block.
    #[error("transaction {index} may not be in this block")]
    Transaction {
        /// Position in the block.
        index: usize,
    },
    /// Executing it gives other outcomes or events than the block records.
    #[error("executing the block gives other results than it records")]
    Results,
    /// There is a checkpoint of another block at this height.
    #[error("the checkpoint is one of another block at this height: remove the checkpoint")]
    OtherCheckpoint,
    /// Executing it gives another state.
    #[error("executing the block gives another state root than its header has")]
    StateRoot,
}

/// Why a block from elsewhere was not taken into a copy of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// It is not the next block, or does not prove itself: whoever sent it is at fault.
    #[error("block {height} must not be taken")]
    Refused {
        /// The height that it says it has.
        height: u64,
        /// What is wrong with it.
        source: BlockError,
    },
    /// Not the encoding of a block: whoever sent it is at fault.
    #[error("what was sent is not an encoded block")]
    Malformed,
    /// It is signed, and breaks the rules: the sequencer is at fault, or this program. Nothing is taken
    /// any more.
    #[error("block {height} is signed by the sequencer and breaks the rules: no block is taken any more")]
    Wrong {
        /// Its height.
        height: u64,
        /// What is wrong with it.
        source: ChainError,
    },
    /// The disk is full. Once there is room it works again.
    #[error("the disk is full: free some of it")]
    NoRoom,
    /// Another call is at work.
    #[error("other blocks are being taken")]
    Busy,
    /// The copy is not kept up any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why a block cannot be read back from the log.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The operating system refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Dropped here to save room.
    #[error(
        "block {height} was dropped here, the oldest block kept is {oldest}: ask a node that keeps all blocks"
    )]
    Gone {
        /// Which block.
        height: u64,
        /// The oldest one that can be read.
        oldest: u64,
    },
    /// The bytes are not what was written.
    #[error("{} is damaged at block {height}", path.display())]
    Damaged {
        /// The log.
        path: PathBuf,
        /// Which block.
        height: u64,
    },
}

/// Why the engine stopped without being asked to. Nothing that was acknowledged is lost.
#[derive(Debug, Error)]
pub enum EngineError {
    /// A block could not be made durable, so nothing after it can be.
    #[error("cannot write {}: free or repair the disk, then start again", path.display())]
    Write {
        /// The log.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// One transaction had more results than a block may hold.
    #[error("block {height} would be larger than {} bytes", crate::block::MAX_ENCODED_BLOCK_BYTES)]
    BlockTooLarge {
        /// Its height.
        height: u64,
    },
    /// A defect of the program.
    #[error("the engine panicked: this is a defect of argosy")]
    Panicked,
}
