//! Verified data objects on disk: durable writes, partial objects, quarantine.
//!
//! What it promises: an object is *complete* only when every byte of it has been proved against its
//! content id and is on disk for good. Everything else is *partial*: a sparse file, a side tree and
//! a map of the groups that were proved. Bytes get in only as proved groups, or through a
//! [`Quarantine`] whose hash is compared at the end. Bytes get out checked again on the way.
//!
//! All calls block: shells reach them through blocking tasks.

mod adopt;
mod core;
mod disk;
mod error;
mod files;
mod identity;
mod index;
mod layout;
mod map;
mod object;
mod pairs;
mod partial;
mod quarantine;
mod real_disk;
mod recover;
mod room;
mod slice;
mod store;
mod sync;

#[cfg(test)]
mod tests;

pub mod source;

pub use disk::{Disk, DiskFile, DiskLock, Entry, FileStat, OpenMode};
pub use error::{DamageCause, Damaged, QuarantineError, ReadError, StoreError};
pub use object::StoredObject;
pub use partial::PartialObject;
pub use quarantine::Quarantine;
pub use real_disk::RealDisk;
pub use slice::ObjectSlice;
pub use store::{ObjectMeta, PartialInfo, Store, StoreConfig, Totals};
