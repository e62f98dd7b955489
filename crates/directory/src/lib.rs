//! The data directory: who owns which data object, who must store it, who must deliver it.
//!
//! A deterministic state machine fed by signed transactions. Pure: no clock, float, hash map, thread
//! or I/O; the same blocks give the same state root on every machine.
#![no_std]
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod call;
mod change;
mod check;
mod content;
mod distribution;
pub mod event;
pub mod genesis;
mod groups;
mod membership;
mod placement;
pub mod reject;
pub mod state;
mod storage;
#[cfg(test)]
mod tests;
pub mod transaction;

pub use call::{Call, ContentCall, DistributionCall, MembershipCall, StorageCall};
pub use event::Event;
pub use genesis::{Genesis, Params, Profile};
pub use reject::Reject;
pub use state::{BlockContext, GenesisError, Outcome, Route, State};
pub use transaction::{Payload, Transaction};
