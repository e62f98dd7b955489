//! A directory node on a loopback socket, asked over HTTP.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod api;
mod blocks;
mod document;
mod entities;
mod events;
mod follow;
mod graphql;
mod record;
mod start;
mod support;
