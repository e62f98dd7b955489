//! The index against the directory itself, and its GraphQL against clients and attackers.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod bench;
mod calls;
mod clients;
mod examples;
mod feeding;
mod filters;
mod hostile;
mod kill;
mod schema;
mod seeding;
mod support;
