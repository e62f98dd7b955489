//! What an index must know, in plain ordered maps: what the real one is compared with.

mod apply;
mod buckets;

use super::super::{Holdings, Index, IndexChange, IndexError, ObjectEntry, StorageOperator};
use argosy_directory::{Event, Genesis};
use argosy_domain::{
    AccountId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId, MemberId, StaticBagId,
    StorageBucketId, WorkerId, WorkingGroup, num::to_u64,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

#[derive(Debug, Default)]
pub(super) struct BagEntry {
    /// Must keep it.
    pub(super) storage: BTreeSet<StorageBucketId>,
    /// Must deliver it.
    pub(super) distribution: BTreeSet<DistributionBucketId>,
    /// Pending and accepted ones.
    pub(super) objects: BTreeSet<DataObjectId>,
}

#[derive(Debug, Default)]
pub(super) struct StorageBucketEntry {
    /// None while nobody has accepted an invitation.
    pub(super) operator: Option<StorageOperator>,
    /// Root URL of the operator's node, as the operator wrote it.
    pub(super) endpoint: Option<String>,
    /// The present operator's newest report.
    pub(super) holdings: Option<Holdings>,
    /// Bags that it must keep, each with the height at which it was assigned.
    pub(super) bags: BTreeMap<BagId, u64>,
}

#[derive(Debug)]
pub(super) struct DistributionBucketEntry {
    /// Whether its lead wants it to be used.
    pub(super) distributing: bool,
    /// Active operators, with the root URLs of their nodes.
    pub(super) operators: BTreeMap<WorkerId, Option<String>>,
    /// Bags that it must deliver.
    pub(super) bags: BTreeSet<BagId>,
}

#[derive(Debug)]
pub(super) struct Model {
    height: u64,
    next_object: DataObjectId,
    objects: BTreeMap<DataObjectId, ObjectEntry>,
    bags: BTreeMap<BagId, BagEntry>,
    storage: BTreeMap<StorageBucketId, StorageBucketEntry>,
    distribution: BTreeMap<DistributionBucketId, DistributionBucketEntry>,
    members: BTreeMap<MemberId, AccountId>,
    channels: BTreeMap<ChannelId, MemberId>,
    collaborators: BTreeMap<ChannelId, BTreeSet<MemberId>>,
    private: BTreeSet<BagId>,
    blacklist: BTreeSet<ContentId>,
    moves: BTreeMap<DataObjectId, u64>,
    council: (BTreeSet<AccountId>, u32),
    secretary: Option<AccountId>,
    workers: BTreeMap<(WorkingGroup, WorkerId), AccountId>,
    leads: BTreeMap<WorkingGroup, WorkerId>,
}

impl Model {
    pub(super) fn from_genesis(genesis: &Genesis) -> Self {
        let mut model = Self {
            height: 0,
            next_object: DataObjectId(0),
            objects: BTreeMap::new(),
            bags: BTreeMap::new(),
            storage: BTreeMap::new(),
            distribution: BTreeMap::new(),
            members: BTreeMap::new(),
            channels: BTreeMap::new(),
            collaborators: BTreeMap::new(),
            private: BTreeSet::new(),
            blacklist: BTreeSet::new(),
            moves: BTreeMap::new(),
            council: (genesis.council.keys.clone(), genesis.council.threshold),
            secretary: None,
            workers: BTreeMap::new(),
            leads: BTreeMap::new(),
        };
        for (id, member) in (0..).zip(&genesis.members) {
            model.members.insert(MemberId(id), member.account);
        }
        for (group, hired) in [
            (WorkingGroup::Storage, &genesis.storage_group),
            (WorkingGroup::Distribution, &genesis.distribution_group),
            (WorkingGroup::Attestation, &genesis.attestation_group),
        ] {
            for (id, worker) in (0..).zip(&hired.workers) {
                model.workers.insert((group, WorkerId(id)), worker.role_account);
            }
            if let Some(lead) = hired.lead {
                model.leads.insert(group, WorkerId(lead));
            }
        }
        model.bags.insert(BagId::Static(StaticBagId::Council), BagEntry::default());
        for group in WorkingGroup::ALL {
            model.bags.insert(BagId::Static(StaticBagId::WorkingGroup(group)), BagEntry::default());
        }
        model
    }

    pub(super) fn apply_block(
        &mut self,
        height: u64,
        events: &[Event],
    ) -> Result<Vec<IndexChange>, IndexError> {
        let mut changes = Vec::new();
        for event in events {
            self.apply_event(height, event, &mut changes)?;
        }
        self.height = height;
        Ok(changes)
    }

    /// Panics unless the index says the same of everything.
    pub(super) fn compare(&self, index: &Index) {
        assert_eq!((index.height(), index.next_object_id()), (self.height, self.next_object));
        assert!(index.objects().eq(self.objects.iter().map(|(id, object)| (*id, *object))));
        assert_eq!(index.objects_count(), to_u64(self.objects.len()));
        for id in (0..self.next_object.0 + 2).map(DataObjectId) {
            assert_eq!(index.object(id), self.objects.get(&id).copied());
            assert_eq!(index.was_deleted(id), id < self.next_object && !self.objects.contains_key(&id));
            assert_eq!(
                index.bag_of(id).and_then(|bag| bag.id()),
                self.objects.get(&id).map(|object| object.bag)
            );
        }
        self.compare_bags(index);
        self.compare_buckets(index);
        assert!(index.members.iter().eq(&self.members));
        assert!(index.channels.iter().eq(&self.channels));
        assert!(index.collaborators.iter().eq(&self.collaborators));
        assert!(index.blacklist.iter().map(|(id, ())| id).eq(&self.blacklist));
        assert!(index.moves.iter().eq(&self.moves));
        assert!(index.workers.iter().eq(&self.workers));
        assert_eq!(index.council(), (&self.council.0, self.council.1));
        assert_eq!((index.secretary, &index.leads), (self.secretary, &self.leads));
    }

    fn compare_bags(&self, index: &Index) {
        assert!(index.bags().map(|(id, _)| id).eq(self.bags.keys().copied()));
        for (id, expected) in &self.bags {
            let bag = index.bag(id).unwrap();
            assert!(bag.stored_by().map(|(bucket, _)| bucket).eq(expected.storage.iter().copied()));
            assert!(bag.distributed_by().eq(expected.distribution.iter().copied()));
            assert!(bag.objects().into_iter().eq(expected.objects.iter().copied()));
            assert_eq!(bag.is_empty(), expected.objects.is_empty());
            assert_eq!((bag.id(), index.is_private(id)), (Some(*id), self.private.contains(id)));
            for (bucket, height) in bag.stored_by() {
                assert_eq!(self.storage[&bucket].bags.get(id), Some(&height));
            }
        }
    }

    fn compare_buckets(&self, index: &Index) {
        assert!(index.storage_buckets().map(|(id, _)| id).eq(self.storage.keys().copied()));
        for (id, entry) in index.storage_buckets() {
            let expected = &self.storage[&id];
            assert_eq!((&entry.operator, &entry.endpoint), (&expected.operator, &expected.endpoint));
            assert_eq!(entry.holdings.as_deref(), expected.holdings.as_ref());
            assert!(entry.bags.iter().eq(expected.bags.keys().copied()));
            let mut due: Vec<DataObjectId> = index.obligations(id).map(|(id, _)| id).collect();
            due.sort_unstable();
            let must = |(_, object): &(&DataObjectId, &ObjectEntry)| {
                object.accepted.is_some() && expected.bags.contains_key(&object.bag)
            };
            assert!(due.iter().eq(self.objects.iter().filter(must).map(|(id, _)| id)));
        }
        assert!(index.distribution_buckets().map(|(id, _)| id).eq(self.distribution.keys().copied()));
        for (id, entry) in index.distribution_buckets() {
            let expected = &self.distribution[&id];
            assert_eq!((entry.distributing, &entry.operators), (expected.distributing, &expected.operators));
            assert_eq!(entry.bags_count, to_u64(expected.bags.len()));
        }
    }
}
