//! The data directory: who owns which data object, who must store it, who must deliver it.
//!
//! A deterministic state machine fed by signed transactions. Pure: no clock, float, hash map, thread
//! or I/O; the same blocks give the same state root on every machine.
#![no_std]
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(any(test, feature = "audit"))]
extern crate std;

mod accounts;
#[cfg(any(test, feature = "audit"))]
#[doc(hidden)]
pub mod audit;
pub mod call;
mod change;
mod check;
mod content;
mod council;
mod distribution;
pub mod event;
mod fees;
pub mod genesis;
mod groups;
mod membership;
mod placement;
mod purse;
pub mod reject;
pub mod state;
mod storage;
#[cfg(test)]
mod tests;
pub mod transaction;

pub use call::{
    AccountsCall, BatchCall, BatchMode, Call, ContentCall, CouncilAction, CouncilCall, DistributionCall,
    GroupCall, MembershipCall, StorageCall,
};
pub use event::Event;
pub use genesis::{Genesis, Params, Profile};
pub use reject::Reject;
pub use state::{BlockContext, GenesisError, Hasher, Outcome, Route, State, Unhashed};
pub use transaction::{Payload, Transaction};
