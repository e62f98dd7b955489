//! Tests over loopback sockets.

mod fake_source;
mod fills;
