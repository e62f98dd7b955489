//! An on-disk index of the directory's blocks, and the GraphQL schema on it.
//!
//! The index is fed by blocks with their events, is rebuilt from them whenever it is missing or of an
//! older layout, and decides nothing. See the crate's README.

mod entities;
mod entity;
pub mod error;
mod feed;
mod query;
mod store;
mod value;

pub use error::{ApplyError, OpenError};
pub use feed::Feeder;
pub use query::{
    Answer, Fate, ReadModel,
    limits::{Limits, MAX_BODY_BYTES},
};
pub use store::Tip;
