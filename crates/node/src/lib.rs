//! The shell that storage nodes and distributors share: follows the directory, fills objects from
//! sources, reads configuration.

pub mod config;
pub mod follower;
pub mod home;
pub mod mime;

pub use follower::{BlockChanges, FollowError, FollowHead, FollowTask, Follower, FollowerConfig};
