//! What the parties of a simulation say to each other.

use crate::token::Token;
use argosy_content::GroupRange;
use argosy_directory::{Event, Outcome, Payload, Reject};
use argosy_domain::DataObjectId;
use argosy_node_core::fill::{RequestEnd, RequestId};
use std::rc::Rc;

/// A party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Address {
    /// The directory node.
    Directory,
    /// A storage node.
    Storage(usize),
    /// A distributor.
    Distributor(usize),
    /// A client.
    Client(usize),
}

impl Address {
    /// The endpoint that the operator puts into the directory.
    pub(crate) fn endpoint(self) -> String {
        match self {
            Self::Directory => "sim://directory".to_owned(),
            Self::Storage(n) => format!("https://storage-{n}.sim"),
            Self::Distributor(n) => format!("https://distributor-{n}.sim"),
            Self::Client(n) => format!("sim://client-{n}"),
        }
    }

    /// The storage node at an endpoint.
    pub(crate) fn of_storage(endpoint: &str) -> Option<Self> {
        let number = endpoint.strip_prefix("https://storage-")?.strip_suffix(".sim")?;
        number.parse().ok().map(Self::Storage)
    }
}

/// A block as followers get it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) height: u64,
    pub(crate) time_ms: u64,
    pub(crate) events: Vec<Event>,
}

/// Names a transaction: its signer's byte and nonce would do, but a retry must find its receipt.
pub(crate) type TransactionHash = [u8; 32];

/// What the directory answers to a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// It is in the block of this height.
    InBlock { height: u64, outcome: Outcome },
    /// It is not; this is the nonce to use.
    Refused { reject: Reject, nonce: u64 },
}

/// How an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadState {
    /// Send from this group on.
    Next(u64),
    /// Whole and durable; acceptance is under way.
    Durable,
    /// Durable and accepted.
    Accepted,
    /// This node does not know the object or must not keep it.
    Unknown,
}

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadEnd {
    Done,
    NotFound,
    NotAccepted,
    NotOurs,
    /// The bytes could not be had; try elsewhere.
    Failed,
}

/// A slice request: which fill of which life of the asker, and which request of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SliceKey {
    pub(crate) object: DataObjectId,
    pub(crate) fill: u64,
    pub(crate) request: RequestId,
}

#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// To the directory.
    Submit { hash: TransactionHash, payload: Rc<Payload> },
    /// From the directory.
    Answer { hash: TransactionHash, answer: Answer },
    /// To the directory: blocks from this height on, please.
    Follow { from: u64 },
    /// From the directory.
    Blocks(Vec<Rc<Block>>),
    /// To a storage node.
    Slice { key: SliceKey, groups: GroupRange },
    /// From a storage node.
    SliceData { key: SliceKey, groups: Vec<(u64, Token)> },
    /// From a storage node.
    SliceEnd { key: SliceKey, end: RequestEnd },
    /// To a storage node: an upload's next groups; none asks how it stands.
    Upload { object: DataObjectId, groups: Vec<(u64, Token)> },
    /// From a storage node.
    Uploaded { object: DataObjectId, state: UploadState },
    /// To a distributor.
    Read { read: u64, object: DataObjectId, groups: GroupRange },
    /// To a distributor: the reader has gone.
    Leave { read: u64 },
    /// From a distributor.
    ReadData { read: u64, groups: Vec<(u64, Token)> },
    /// From a distributor.
    ReadEnd { read: u64, end: ReadEnd },
}
