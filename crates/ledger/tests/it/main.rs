//! The embedded engine and its log, on real files.
#![expect(clippy::as_conversions, reason = "test arithmetic on small numbers")]
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod checkpoints;
mod copies;
mod damage;
mod engine;
mod epochs;
mod pool;
mod replicas;
mod snapshots;
mod starts;
mod support;
mod verifier;
