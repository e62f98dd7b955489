//! Both doors and the client over loopback sockets, with peers that misbehave in every way we know.
#![allow(clippy::as_conversions, clippy::unwrap_used, reason = "helpers of tests may end a test at once")]

mod answered;
mod client;
mod edge;
mod proxied;
mod router;
mod running;
mod smuggling;
mod support;
mod tls;
mod withdrawn;
