//! Verified data objects on disk: durable writes, partial objects, quarantine.
//!
//! What it promises: an object is *complete* only when every byte of it has been proved against its
//! content id and is on disk for good. Everything else is *partial*: a sparse file, a side tree and
//! a map of the groups that were proved. Bytes get in only as proved groups, or through a
//! [`Quarantine`] whose hash is compared at the end. Bytes get out checked again on the way.
//!
//! All calls block: shells reach them through blocking tasks.

mod disk;
mod error;
mod object;
mod partial;
mod quarantine;
mod slice;
mod store;

pub mod source;

pub use disk::{Disk, DiskFile, DiskLock, Entry, FileStat, OpenMode, RealDisk};
pub use error::{DamageCause, Damaged, QuarantineError, ReadError, StoreError};
pub use object::StoredObject;
pub use partial::PartialObject;
pub use quarantine::Quarantine;
pub use slice::ObjectSlice;
pub use store::{ObjectMeta, PartialInfo, Store, StoreConfig, Totals};
