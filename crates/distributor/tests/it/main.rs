//! A distributor over loopback, with a directory and storage nodes made for the purpose.

#![allow(clippy::unwrap_used, clippy::as_conversions, reason = "tests may panic, and know their numbers")]

mod adopt;
mod argus_defects;
mod browser;
mod delivery;
mod differential;
mod fake_directory;
#[path = "../../../node/tests/it/fake_source.rs"]
mod fake_source;
mod faults;
mod filling;
mod headers;
mod joystream_issues;
mod operator;
mod orders;
mod prefetch;
mod private_bags;
mod proofs;
mod public;
mod rig;
mod rules;
mod starting;
mod steps;
mod watching;
mod withdrawn;
