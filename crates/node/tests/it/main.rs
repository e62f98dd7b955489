//! Tests over loopback sockets.

#![allow(clippy::unwrap_used, clippy::as_conversions, reason = "tests may panic, and know their numbers")]

mod fake_source;
mod fills;
mod handover;
mod pace;
mod peers;
mod rig;
mod sharing;
mod storm;
