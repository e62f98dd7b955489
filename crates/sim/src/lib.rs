//! The cores and the directory under one seed, on a virtual clock, network and disks.
//!
//! The parties here are thin shells around `argosy-directory` and `argosy-node-core`, as the real
//! nodes are; the decisions are the shipped ones. [`run`] makes one run from its seed.

mod check;
mod client;
mod context;
mod directory;
mod disk;
mod distributor;
mod faults;
mod fills;
mod follower;
mod judge;
mod log;
mod message;
mod network;
mod run;
mod seed;
mod setup;
mod storage;
mod submit;
mod token;
mod world;

pub use judge::Tally;
pub use run::{Report, RunConfig, run};

#[cfg(test)]
mod tests;
