//! What storage buckets are charged with, told by events alone and counted the slow way.

use crate::{Event, State, call::ObjectsUpload, event::Voucher};
use argosy_domain::{BagId, DataObjectId, StorageBucketId, num::to_u64};
use std::collections::{BTreeMap, BTreeSet};

/// Bags as sets of sizes.
#[derive(Default)]
pub(super) struct Model {
    objects: BTreeMap<DataObjectId, (BagId, u64)>,
    stored_by: BTreeMap<BagId, BTreeSet<StorageBucketId>>,
    /// As last told.
    vouchers: BTreeMap<StorageBucketId, Voucher>,
}

impl Model {
    pub(super) fn of(state: &State) -> Self {
        let mut model = Self::default();
        for (id, bag) in state.bags() {
            model.stored_by.insert(id, bag.stored_by.keys().copied().collect());
            for object in state.bag_objects(&id) {
                model.objects.insert(object, (id, state.object(object).unwrap().size));
            }
        }
        model.vouchers = state.storage_buckets().map(|(id, bucket)| (id, bucket.voucher)).collect();
        model
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "no other event changes what a bucket keeps")]
    pub(super) fn follow(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::DynamicBagCreated { creation, ids } => {
                    let bag = BagId::Dynamic(creation.bag);
                    assert!(self.stored_by.insert(bag, creation.storage_buckets.clone()).is_none());
                    self.declare(bag, ids, &creation.upload);
                }
                Event::DynamicBagDeleted { bag } => {
                    let bag = BagId::Dynamic(*bag);
                    self.stored_by.remove(&bag).unwrap();
                    self.objects.retain(|_, (of, _)| *of != bag);
                }
                Event::DataObjectsUploaded { ids, bag, upload, .. } => self.declare(*bag, ids, upload),
                Event::DataObjectsDeleted { objects, .. } => self.delete(objects),
                Event::DataObjectsUpdated { bag, upload, ids, removed } => {
                    self.delete(removed);
                    self.declare(*bag, ids, upload);
                }
                Event::DataObjectsMoved { source, destination, objects } => {
                    for id in objects {
                        let bag = &mut self.objects.get_mut(id).unwrap().0;
                        assert_eq!(core::mem::replace(bag, *destination), *source);
                    }
                }
                Event::StorageBucketsUpdatedForBag { bag, added, removed } => {
                    let buckets = self.stored_by.entry(*bag).or_default();
                    buckets.retain(|id| !removed.contains(id));
                    buckets.extend(added);
                }
                Event::StorageBucketCreated { bucket, size_limit, objects_limit, .. } => {
                    let (size_limit, objects_limit) = (*size_limit, *objects_limit);
                    let voucher = Voucher { size_limit, objects_limit, ..Voucher::default() };
                    self.vouchers.insert(*bucket, voucher);
                }
                Event::StorageBucketDeleted { bucket } => drop(self.vouchers.remove(bucket).unwrap()),
                Event::StorageBucketVoucherLimitsSet { bucket, size_limit, objects_limit } => {
                    let voucher = self.vouchers.get_mut(bucket).unwrap();
                    (voucher.size_limit, voucher.objects_limit) = (*size_limit, *objects_limit);
                }
                Event::VoucherChanged { bucket, voucher } => drop(self.vouchers.insert(*bucket, *voucher)),
                _ => {}
            }
        }
    }

    fn declare(&mut self, bag: BagId, ids: &[DataObjectId], upload: &ObjectsUpload) {
        assert_eq!(ids.len(), upload.object_creation_list.len());
        for (id, creation) in ids.iter().zip(&upload.object_creation_list) {
            assert!(self.objects.insert(*id, (bag, creation.size)).is_none(), "an id is used once");
        }
    }

    fn delete(&mut self, objects: &BTreeSet<DataObjectId>) {
        for id in objects {
            self.objects.remove(id).unwrap();
        }
    }

    /// The state charges each bucket with what it must keep, and has told so.
    pub(super) fn compare(&self, state: &State) {
        for (id, bucket) in state.storage_buckets() {
            let kept = |bag: &BagId| self.stored_by.get(bag).is_some_and(|buckets| buckets.contains(&id));
            let sizes = self.objects.values().filter(|(bag, _)| kept(bag)).map(|(_, size)| *size);
            let (count, bytes) = sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size));
            assert_eq!((bucket.voucher.objects_used, bucket.voucher.size_used), (count, bytes), "{id}");
            let bags = self.stored_by.values().filter(|buckets| buckets.contains(&id)).count();
            assert_eq!(bucket.assigned_bags, to_u64(bags), "{id}");
            assert_eq!(self.vouchers.get(&id), Some(&bucket.voucher), "{id}");
        }
        assert_eq!(to_u64(self.vouchers.len()), to_u64(state.storage_buckets().count()));
    }
}
