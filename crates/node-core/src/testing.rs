//! A small network told in events, for the tests of this crate.

#![allow(clippy::arithmetic_side_effects, reason = "tests may panic")]

use crate::follow::{Index, IndexChange};
use argosy_directory::{
    Event, Genesis, Params, Profile,
    call::{ObjectCreation, ObjectsUpload},
    event::DynamicBagCreation,
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_domain::{
    AccountId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId, DynamicBagId, FamilyId,
    MemberId, StorageBucketId, WorkerId, metadata::encode_operator_metadata,
};
use std::{format, string::ToString, vec, vec::Vec};

pub(crate) fn bag(channel: u64) -> BagId {
    BagId::channel(ChannelId(channel))
}

/// The content id that [`Book`] gives to the object with this id.
pub(crate) fn content_id(object: u64) -> ContentId {
    ContentId::of(&object.to_le_bytes())
}

pub(crate) fn genesis() -> Genesis {
    let worker = |n: u8| GenesisWorker { member: "alice".to_string(), role_account: AccountId([n; 32]) };
    Genesis {
        version: GENESIS_VERSION,
        network: "test".to_string(),
        profile: Profile::Local,
        time_ms: 1_000,
        sequencer: AccountId([99; 32]),
        params: Params::local(),
        members: vec![GenesisMember { handle: "alice".to_string(), account: AccountId([1; 32]) }],
        storage_group: GenesisGroup { workers: (10..14).map(worker).collect(), lead: Some(0) },
        distribution_group: GenesisGroup { workers: (20..24).map(worker).collect(), lead: Some(0) },
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: vec![],
    }
}

/// Writes blocks and keeps the index of them.
pub(crate) struct Book {
    pub(crate) index: Index,
    /// Of the newest block.
    pub(crate) changes: Vec<IndexChange>,
}

impl Book {
    pub(crate) fn new() -> Self {
        Self { index: Index::from_genesis(&genesis()), changes: vec![] }
    }

    pub(crate) fn block(&mut self, events: Vec<Event>) {
        let (height, time_ms) = (self.index.height() + 1, self.index.time_ms() + 10);
        self.changes = self.index.apply_block(height, time_ms, &events).expect("events that make sense");
    }

    /// Storage buckets 0 and 1 with nodes `http://s0` and `http://s1`, distribution bucket 0:0 with
    /// node `http://d0`, and channel 1, whose bag is in all of them.
    pub(crate) fn network(&mut self) {
        self.storage_node(StorageBucketId(0), WorkerId(0));
        self.storage_node(StorageBucketId(1), WorkerId(1));
        let bucket = self.distribution_bucket(0);
        let worker = WorkerId(0);
        self.block(vec![
            Event::DistributionBucketFamilyCreated { family: bucket.family },
            Event::DistributionBucketCreated { family: bucket.family, accepting_new_bags: true, bucket },
            Event::DistributionBucketOperatorInvited { bucket, worker },
            Event::DistributionBucketInvitationAccepted { worker, bucket },
            Event::DistributionBucketMetadataSet {
                worker,
                bucket,
                metadata: encode_operator_metadata("http://d0"),
            },
        ]);
        self.channel(1);
    }

    pub(crate) fn distribution_bucket(&self, index: u64) -> DistributionBucketId {
        DistributionBucketId { family: FamilyId(0), index }
    }

    pub(crate) fn storage_node(&mut self, bucket: StorageBucketId, worker: WorkerId) {
        let metadata = encode_operator_metadata(&format!("http://s{bucket}"));
        self.block(vec![
            Event::StorageBucketCreated {
                bucket,
                invited: Some(worker),
                accepting_new_bags: true,
                size_limit: 1 << 40,
                objects_limit: 1 << 20,
            },
            Event::StorageBucketInvitationAccepted { bucket, worker, transactor: AccountId([30; 32]) },
            Event::StorageOperatorMetadataSet { bucket, worker, metadata },
        ]);
    }

    pub(crate) fn channel(&mut self, channel: u64) {
        let creation = DynamicBagCreation {
            bag: DynamicBagId::Channel(ChannelId(channel)),
            upload: ObjectsUpload::default(),
            storage_buckets: [StorageBucketId(0), StorageBucketId(1)].into(),
            distribution_buckets: [self.distribution_bucket(0)].into(),
        };
        self.block(vec![
            Event::DynamicBagCreated { creation, ids: vec![] },
            Event::ChannelCreated { channel: ChannelId(channel), owner: MemberId(0) },
        ]);
    }

    pub(crate) fn creation(&self, sizes: &[u64]) -> ObjectsUpload {
        let next = self.index.next_object_id().0;
        let object_creation_list = (next..)
            .zip(sizes)
            .map(|(id, size)| ObjectCreation {
                size: *size,
                ipfs_content_id: content_id(id).to_string().into_bytes(),
            })
            .collect();
        ObjectsUpload { object_creation_list, ..ObjectsUpload::default() }
    }

    pub(crate) fn upload(&mut self, bag: BagId, sizes: &[u64]) -> Vec<DataObjectId> {
        let next = self.index.next_object_id().0;
        let ids: Vec<DataObjectId> = (next..).zip(sizes).map(|(id, _)| DataObjectId(id)).collect();
        let upload = self.creation(sizes);
        self.block(vec![Event::DataObjectsUploaded { ids: ids.clone(), bag, upload, bond: 0 }]);
        ids
    }

    pub(crate) fn accept(&mut self, bucket: StorageBucketId, bag: BagId, ids: &[DataObjectId]) {
        let objects = ids.iter().copied().collect();
        self.block(vec![Event::PendingDataObjectsAccepted {
            bucket,
            worker: WorkerId(bucket.0),
            bag,
            objects,
        }]);
    }

    pub(crate) fn delete(&mut self, bag: BagId, ids: &[DataObjectId]) {
        let objects = ids.iter().copied().collect();
        self.block(vec![Event::DataObjectsDeleted { refund_to: AccountId([1; 32]), bag, objects }]);
    }

    pub(crate) fn report(&mut self, bucket: StorageBucketId, height: u64, except: &[DataObjectId]) {
        let except = except.iter().copied().collect();
        self.block(vec![Event::HoldingsReported { bucket, worker: WorkerId(bucket.0), height, except }]);
    }
}
