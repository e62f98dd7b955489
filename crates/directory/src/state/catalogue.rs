//! Bags and data objects alone, as the state keeps them: for nodes that know no more of the directory.

use super::{Bag, DataObject, State, bags, bags::Bags, objects::Objects, packed::Short};
use alloc::vec::Vec;
use argosy_domain::{BagId, DataObjectId, DistributionBucketId, StorageBucketId};

/// Bags and the data objects in them: some 75 bytes an object, if a bag has ten. A clone is a snapshot, as
/// one of a [`State`] is. Count and size in a [`Bag`] are whatever was written there.
#[derive(Clone, Debug)]
pub struct Catalogue {
    bags: Bags,
    objects: Objects,
}

/// A bag where it lies in a [`Catalogue`].
#[derive(Clone, Copy, Debug)]
pub struct BagRef<'a> {
    catalogue: &'a Catalogue,
    slot: u64,
    packed: &'a bags::Packed,
}

impl State {
    /// Its bags and objects as they are now, shared, not copied. Takes some microseconds.
    #[must_use]
    pub fn catalogue(&self) -> Catalogue {
        let mut catalogue = Catalogue { bags: self.bags.clone(), objects: self.objects.clone() };
        catalogue.forget_changes();
        catalogue
    }

    /// All objects that were moved and are still there, ascending, each with the height of the last time.
    pub fn moves(&self) -> impl Iterator<Item = (DataObjectId, u64)> {
        self.moves.iter().map(|(id, height)| (id, *height))
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self { bags: Bags::new(), objects: Objects::new() }
    }
}

impl Catalogue {
    /// A data object.
    #[must_use]
    pub fn object(&self, id: DataObjectId) -> Option<DataObject> {
        self.objects.get(id.0, &self.bags)
    }

    /// Whether there is such a data object. Cheaper than the object.
    #[must_use]
    pub fn has_object(&self, id: DataObjectId) -> bool {
        self.objects.find(id.0).is_some_and(|packed| packed.bag().is_some())
    }

    /// Data objects that are there.
    #[must_use]
    pub fn objects_count(&self) -> u64 {
        self.objects.count()
    }

    /// All data objects, ascending.
    pub fn objects(&self) -> impl Iterator<Item = (DataObjectId, DataObject)> {
        let ids = (0..self.objects.end()).map(DataObjectId);
        ids.filter_map(|id| Some((id, self.object(id)?)))
    }

    /// A bag that is there.
    #[must_use]
    pub fn bag(&self, id: &BagId) -> Option<BagRef<'_>> {
        self.bag_at(self.bags.slot(id)?)
    }

    /// The bag of a data object. Cheaper than to ask for the object and then for its bag.
    #[must_use]
    pub fn bag_of(&self, id: DataObjectId) -> Option<BagRef<'_>> {
        self.bag_at(self.objects.find(id.0)?.bag()?)
    }

    fn bag_at(&self, slot: u64) -> Option<BagRef<'_>> {
        let packed = self.bags.find(slot).filter(|packed| packed.is_bag())?;
        Some(BagRef { catalogue: self, slot, packed })
    }

    /// All bags, in the order of their ids.
    pub fn bags(&self) -> impl Iterator<Item = (BagId, BagRef<'_>)> {
        self.bags.slots_by_id().filter_map(|slot| {
            let bag = self.bag_at(slot)?;
            Some((bag.id()?, bag))
        })
    }

    /// Writes a data object, or removes it if there is none to write.
    ///
    /// # Panics
    /// If 2^40 objects were ever made, which would not fit into any memory.
    pub fn put_object(&mut self, id: DataObjectId, object: Option<DataObject>) {
        self.objects.put(id.0, object, &mut self.bags);
        self.forget_changes();
    }

    /// Writes a bag, or removes it if there is none to write; its objects must have been removed.
    ///
    /// # Panics
    /// If 2^40 bags were ever made, which would not fit into any memory.
    pub fn put_bag(&mut self, id: BagId, bag: Option<Bag>) {
        self.bags.put(id, bag);
        self.forget_changes();
    }

    /// Nobody asks for a root.
    fn forget_changes(&mut self) {
        self.bags.forget_changes();
        self.objects.forget_changes();
    }
}

impl<'a> BagRef<'a> {
    /// Its id; a bag that is there has one.
    #[must_use]
    pub fn id(self) -> Option<BagId> {
        self.packed.id()
    }

    /// Storage buckets that must keep it, ascending, each with the height at which it was assigned.
    pub fn stored_by(self) -> impl Iterator<Item = (StorageBucketId, u64)> + 'a {
        self.catalogue.bags.stored_at(self.slot, self.packed)
    }

    /// Distribution buckets that must deliver it, ascending.
    pub fn distributed_by(self) -> impl Iterator<Item = DistributionBucketId> + 'a {
        self.catalogue.bags.distributed_at(self.slot, self.packed)
    }

    /// Whether a storage bucket must keep it.
    #[must_use]
    pub fn is_stored_by(self, bucket: StorageBucketId) -> bool {
        self.stored_by().any(|(id, _)| id == bucket)
    }

    /// Whether nodes must not serve it to everybody.
    #[must_use]
    pub fn is_private(self) -> bool {
        self.catalogue.bags.is_private_at(self.slot, self.packed)
    }

    /// Ids of its objects, ascending. Takes the time of reading each of them.
    #[must_use]
    pub fn objects(self) -> Vec<DataObjectId> {
        let Catalogue { bags, objects } = self.catalogue;
        let mut ids: Vec<_> = objects.of_bag(self.slot, bags).map(DataObjectId).collect();
        ids.sort_unstable();
        ids
    }

    /// Whether it has no objects.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.catalogue.bags.newest(self.slot) == Short::NONE
    }

    /// The bag as a record of its own.
    #[must_use]
    pub fn to_bag(self) -> Bag {
        self.catalogue.bags.at(self.slot).unwrap_or_default()
    }
}
