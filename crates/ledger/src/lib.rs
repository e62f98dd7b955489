//! Blocks, their proofs, and the embedded engine that orders transactions durably.
//!
//! The pure part ([`block`], [`randomness`], [`verify`]) is what every follower checks blocks with.
//! The engine ([`engine`]) runs the directory inside one process: it orders transactions, writes
//! each block to a log, and answers only when the block is on disk.

pub mod block;
mod chain;
pub mod checkpoint;
mod checkpointer;
mod copies;
mod data_dir;
pub mod engine;
pub mod error;
mod generations;
pub mod huge_pages;
mod intake;
mod lanes;
mod log;
mod pool;
mod producer;
pub mod randomness;
mod replay;
mod roles;
mod start;
mod steps;
pub mod verify;

#[cfg(test)]
mod tests;

pub use block::{Block, FinalityProof, Header, genesis_block};
pub use checkpointer::CheckpointConfig;
pub use copies::{copy_ledger, read_blocks};
pub use engine::{Engine, EngineConfig, EngineTask, Receipt, Retention};
pub use error::{EngineError, OpenError, ReadError, Stopped, SubmitError};
pub use randomness::Vrf;
pub use replay::{ReplayReport, replay, replay_from, replay_from_newest};
pub use verify::{BlockError, ChainTip, ChainVerifier};
