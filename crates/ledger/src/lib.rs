//! Blocks, their proofs, and the embedded engine that orders transactions durably.
//!
//! The pure part ([`block`], [`randomness`], [`verify`]) is what every follower checks blocks with.
//! The engine ([`engine`]) runs the directory inside one process: it orders transactions, writes
//! each block to a log, and answers only when the block is on disk.

pub mod allocator;
pub mod block;
mod chain;
pub mod checkpoint;
mod checkpointer;
mod copies;
mod data_dir;
mod disk;
pub mod engine;
pub mod epoch;
pub mod error;
mod generations;
mod handover;
mod intake;
mod lanes;
mod log;
pub mod machine;
mod pool;
mod producer;
pub mod randomness;
mod replay;
mod replica;
mod roles;
mod snapshot;
mod start;
mod steps;
pub mod verify;
mod view;

#[cfg(test)]
mod tests;

pub use block::{Block, FinalityProof, Header, genesis_block};
pub use checkpointer::CheckpointConfig;
pub use copies::{copy_ledger, read_blocks};
pub use data_dir::has_ledger;
pub use engine::{Engine, EngineConfig, EngineTask, Receipt, Retention};
pub use epoch::{Approvers, EpochChange, EpochTerms, Epochs};
pub use error::{AppendError, EngineError, OpenError, ReadError, Stopped, SubmitError};
pub use handover::{install_change, plan_change};
pub use machine::{Ledger, StateMachine};
pub use randomness::Vrf;
pub use replay::{ReplayReport, replay, replay_from, replay_from_newest};
pub use replica::Replica;
pub use snapshot::{SnapshotError, check_snapshot, install_snapshot};
pub use verify::{Anchor, BlockError, ChainTip, ChainVerifier, Checked};
pub use view::LedgerView;
