//! The shell that storage nodes and distributors share: follows the directory, fills objects from
//! sources, reads configuration.

pub mod config;
pub mod fill;
pub mod follower;
pub mod held;
pub mod home;
pub mod mime;
pub mod reader;

pub use fill::{
    DirectorySources, FillError, FillSource, Fills, FillsConfig, Keep, ReadRequest, Room, Sources, Unbounded,
};
pub use follower::{BlockChanges, FollowError, FollowHead, FollowTask, Follower, FollowerConfig};
pub use reader::ObjectReader;
