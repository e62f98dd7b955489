//! What the store holds, in memory.

use crate::object::{Checked, StoredObject};
use crate::partial::PartialObject;
use crate::store::ObjectMeta;
use argosy_domain::DataObjectId;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, Weak};

/// Complete objects kept open when nobody reads them; two file descriptors each.
const MAX_IDLE_OPEN: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) complete: BTreeMap<DataObjectId, Complete>,
    pub(crate) partial: BTreeMap<DataObjectId, Partial>,
    /// The objects opened last, oldest first.
    recent: VecDeque<Arc<StoredObject>>,
}

#[derive(Debug)]
pub(crate) struct Complete {
    pub(crate) size: u64,
    pub(crate) checked: Arc<Mutex<Checked>>,
    pub(crate) open: Weak<StoredObject>,
}

#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) meta: Option<ObjectMeta>,
    /// Shared with the open object, which counts in it.
    pub(crate) held_bytes: Arc<AtomicU64>,
    pub(crate) open: Weak<PartialObject>,
}

impl Complete {
    pub(crate) fn new(size: u64) -> Self {
        Self { size, checked: Arc::default(), open: Weak::new() }
    }
}

impl Partial {
    pub(crate) fn new(meta: Option<ObjectMeta>, held_bytes: u64) -> Self {
        Self { meta, held_bytes: Arc::new(AtomicU64::new(held_bytes)), open: Weak::new() }
    }
}

impl Index {
    /// Keeps an object open for the next reader.
    pub(crate) fn keep_open(&mut self, object: Arc<StoredObject>) {
        if self.recent.len() >= MAX_IDLE_OPEN {
            self.recent.pop_front();
        }
        self.recent.push_back(object);
    }

    /// Forgets a complete object, and closes its files once its readers are done.
    pub(crate) fn remove_complete(&mut self, id: DataObjectId) -> Option<Complete> {
        self.recent.retain(|object| object.id() != id);
        self.complete.remove(&id)
    }
}
