//! The storage node: takes uploads, keeps them, repairs and replicates them, feeds distributors.
//!
//! ```text
//! owner ──PUT, proved group by group──┐
//! Joystream's clients ──multipart─────┼─> store ──> acceptances ──> directory
//! other storage nodes <──slices───────┤     ▲            reports ──────┘  │
//! distributors        <──slices───────┘     └──── replication <──blocks───┘
//! ```
//!
//! [`start`] wires it. `accept` and `report` write to the directory, `replicate` carries out plans made
//! from it, `repair` takes damaged bytes out of use, `routes` answers requests.

mod accept;
mod access;
mod background;
mod config;
mod node;
mod repair;
mod replicate;
mod report;
mod routes;
mod sign;
mod start;
mod uploads;

pub use config::{Config, Limits};
pub use start::{StartError, start};
