//! The shell that storage nodes and distributors share: follows the directory, fills objects from
//! sources, reads configuration.

pub mod access;
mod brought;
pub mod config;
pub mod fill;
pub mod follower;
pub mod held;
pub mod home;
pub mod mime;
pub mod passes;
pub mod proofs;
pub mod reader;

pub use access::{AccessError, Credentials};
pub use brought::Brought;
pub use fill::{
    DirectorySources, FillError, FillSource, Fills, FillsConfig, Keep, ReadRequest, Room, Sources, Unbounded,
};
pub use follower::{BlockChanges, FollowError, FollowHead, FollowTask, Follower, FollowerConfig};
pub use passes::{Passes, RoleKey};
pub use proofs::{Prover, RoleProofs};
pub use reader::ObjectReader;
