//! `argosy distribution`: what the operators of distributors do.

pub(crate) mod node;
