//! A distributor: delivers objects to very many users at once, from a cache that it fills itself.
//!
//! Every answer is decided from this node's own copy of the directory, so delivery goes on while the
//! directory is away. Only proved bytes leave: complete objects are sent by the kernel once their groups
//! have been checked, everything else as it is fetched.

mod access;
pub mod adopt;
mod answers;
mod asset;
mod assets;
mod cache;
pub mod config;
mod disposition;
mod fetches;
mod genesis;
mod ground;
mod health;
mod hit;
mod metrics;
mod miss;
mod node;
pub mod operator;
mod prefetch;
mod proof;
mod record;
mod scrub;
mod serve;
mod slices;
mod start;
mod status;
mod upkeep;
mod watch;

pub use config::Config;
pub use genesis::GenesisError;
pub use ground::GroundError;
pub use start::{StartError, start};
