//! Wire types, error body and typed clients of every node.
//!
//! JSON is camel-cased; ids of objects and buckets are decimal texts, as the systems that Argosy
//! replaces write them; amounts of bytes are numbers.

pub mod client;
pub mod confirmation;
pub mod directory;
pub mod epoch;
pub mod error;
pub mod genesis;
pub mod metadata;
pub mod node;
pub mod pass;
pub mod permit;
pub mod proof;
pub mod refusal;
mod signed;
pub mod text;
pub mod token;
pub mod wire;
pub mod words;

pub use client::{
    BlockStream, ClientError, ContentHead, DirectoryClient, DirectoryReader, DistributorClient, End, Journal,
    Listed, Page, SliceStream, SnapshotStream, StorageClient, SubmitError, Submitter, Wanted,
};
pub use confirmation::Confirmation;
pub use error::{ErrorBody, Fault, Retry};
pub use pass::NodePass;
pub use permit::{ReadPermit, ReadScope};
pub use proof::RoleProof;
pub use token::UploadToken;

/// Media type of a stream of blocks: frames of a little-endian `u32` length and a SCALE block; an
/// empty frame keeps the connection alive.
pub const BLOCKS_MEDIA_TYPE: &str = "application/vnd.argosy.blocks";
/// Media type of a checkpoint of the directory.
pub const SNAPSHOT_MEDIA_TYPE: &str = "application/vnd.argosy.checkpoint";
/// Media type of verified bytes: the interleaved bao slice of whole 16 KiB groups, without header.
pub const SLICE_MEDIA_TYPE: &str = "application/vnd.argosy.slice";
/// Header that says at which height an answer of a directory node is true.
pub const HEIGHT_HEADER: &str = "x-argosy-height";
/// Header that says which `from` gives the next part of a list; absent on the last one.
pub const NEXT_HEADER: &str = "x-argosy-next";
/// Header that says which group of an unfinished upload is wanted next.
pub const NEXT_GROUP_HEADER: &str = "x-argosy-next-group";
