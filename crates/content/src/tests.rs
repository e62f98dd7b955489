//! Against a plain reference of the tree, and against `bao-tree`.

#![allow(clippy::as_conversions)]

mod decode;
mod groups;
mod reference;
mod tree;
mod verify;
