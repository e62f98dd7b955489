//! Both doors and the client over loopback sockets, with peers that misbehave in every way we know.
#![expect(clippy::as_conversions, reason = "patterns of bytes are cut from counters")]

mod client;
mod edge;
mod router;
mod running;
mod support;
