//! Each known defect of Argus, with its number in `spec/argus-colossus.md` C1: a test named after it that
//! shows that this node does not have it. What operators are told of each stands in
//! `docs/argus-differences.md`.

mod caching;
mod operating;
pub(crate) mod serving;
mod sources;
