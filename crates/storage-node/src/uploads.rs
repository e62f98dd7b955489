//! How many uploads may run at once.

use argosy_domain::DataObjectId;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Places for uploads, counted per object and in all.
#[derive(Clone, Debug)]
pub(crate) struct UploadSlots {
    running: Arc<Mutex<Running>>,
    most: u32,
    most_per_object: u32,
}

#[derive(Debug, Default)]
struct Running {
    all: u32,
    by_object: BTreeMap<DataObjectId, u32>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Node,
    Object,
}

/// One upload's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: UploadSlots,
    id: DataObjectId,
}

impl UploadSlots {
    pub(crate) fn new(most: u32, most_per_object: u32) -> Self {
        Self { running: Arc::default(), most, most_per_object }
    }

    pub(crate) fn take(&self, id: DataObjectId) -> Result<Slot, Full> {
        let mut running = self.lock();
        if running.all >= self.most {
            return Err(Full::Node);
        }
        let of_object = running.by_object.get(&id).copied().unwrap_or(0);
        if of_object >= self.most_per_object {
            return Err(Full::Object);
        }
        running.all += 1;
        running.by_object.insert(id, of_object + 1);
        Ok(Slot { slots: self.clone(), id })
    }

    /// Objects that are being uploaded.
    pub(crate) fn objects(&self) -> Vec<DataObjectId> {
        self.lock().by_object.keys().copied().collect()
    }

    pub(crate) fn count(&self) -> u32 {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut running = self.slots.lock();
        running.all = running.all.saturating_sub(1);
        let left = running.by_object.get(&self.id).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            running.by_object.remove(&self.id);
        } else {
            running.by_object.insert(self.id, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_per_object_and_in_all() {
        let slots = UploadSlots::new(3, 2);
        let (a, b) = (DataObjectId(1), DataObjectId(2));
        let first = slots.take(a).unwrap();
        let second = slots.take(a).unwrap();
        assert_eq!(slots.take(a).unwrap_err(), Full::Object);
        let third = slots.take(b).unwrap();
        assert_eq!(slots.take(b).unwrap_err(), Full::Node);
        assert_eq!(slots.objects(), [a, b]);
        drop((first, third));
        assert_eq!(slots.objects(), [a]);
        let again = slots.take(a).unwrap();
        assert_eq!(slots.take(a).unwrap_err(), Full::Object);
        drop((second, again));
        assert_eq!((slots.count(), slots.objects().len()), (0, 0));
    }
}
