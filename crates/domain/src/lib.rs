//! Ids, units, limits, keys, signatures and metadata that every part of Argosy shares.
//!
//! Pure: no clock, file, socket, thread or random source. What needs randomness takes it as bytes.
#![no_std]
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod base58;

pub mod bag;
pub mod content_id;
pub mod countries;
pub mod family_metadata;
pub mod ids;
pub mod keys;
pub mod limits;
pub mod metadata;
pub mod num;
mod subdivisions;
pub mod wire;

pub use bag::{BagId, BagType, DynamicBagId, StaticBagId, WorkingGroup};
pub use content_id::ContentId;
pub use ids::{
    ApplicationId, AssetSetId, ChannelId, DataObjectId, DistributionBucketId, FamilyId, MemberId, ObjectSize,
    OpeningId, ProposalId, ReleaseId, StorageBucketId, WorkerId,
};
pub use keys::{AccountId, KeyScheme, Keypair, Signature};
