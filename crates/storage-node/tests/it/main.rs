//! Storage nodes on loopback, with a real directory node.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod network;
mod plain;
mod proofs;
mod replication;
mod rules;
mod serving;
mod verified;
