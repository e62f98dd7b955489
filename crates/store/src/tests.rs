//! On a fake disk that forgets, and on the real one.

#![allow(clippy::as_conversions)]

mod adopt;
mod crash;
mod damage;
mod fake_disk;
mod model;
mod objects;
mod source;
mod store;
