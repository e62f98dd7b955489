//! The embedded engine and its log, on real files.
#![expect(clippy::as_conversions, reason = "test arithmetic on small numbers")]

mod damage;
mod engine;
mod support;
mod verifier;
