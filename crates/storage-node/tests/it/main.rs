//! Storage nodes on loopback, with a real directory node.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod network;
mod plain;
mod replication;
mod rules;
mod serving;
mod verified;
