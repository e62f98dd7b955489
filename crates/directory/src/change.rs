//! What a call that was found valid does: records to write and events to tell.

use crate::{
    event::{Event, Voucher},
    state::{
        Bag, Channel, DataObject, DistributionBucket, Family, HoldingReport, Member, Policy, Settings,
        StorageBucket,
    },
};
use alloc::vec::Vec;
use argosy_domain::{
    BagId, BagType, ChannelId, DataObjectId, DistributionBucketId, FamilyId, MemberId, StorageBucketId,
    WorkerId, metadata::OperatorMetadata,
};

/// One record to write, or to remove where there is none.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Settings(Settings),
    Policy(BagType, Policy),
    Member(MemberId, Member),
    Channel(ChannelId, Option<Channel>),
    Bag(BagId, Option<Bag>),
    Object(DataObjectId, Option<DataObject>),
    StorageBucket(StorageBucketId, Option<StorageBucket>),
    StorageMetadata(StorageBucketId, Option<OperatorMetadata>),
    Holdings(StorageBucketId, Option<HoldingReport>),
    Family(FamilyId, Option<Family>),
    DistributionBucket(DistributionBucketId, Option<DistributionBucket>),
    DistributionMetadata(DistributionBucketId, WorkerId, Option<OperatorMetadata>),
}

/// Made by a check, carried out by [`crate::State::execute`]; cannot fail any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    /// At most one per record.
    pub(crate) edits: Vec<Edit>,
    /// In the order in which they are told.
    pub(crate) events: Vec<Event>,
}

impl Change {
    /// One record, one event.
    pub(crate) fn of(edit: Edit, event: Event) -> Self {
        Self { edits: alloc::vec![edit], events: alloc::vec![event] }
    }

    pub(crate) fn edit(&mut self, edit: Edit) {
        self.edits.push(edit);
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Writes a storage bucket whose use changed, or might have, and tells its voucher.
    pub(crate) fn voucher(&mut self, id: StorageBucketId, bucket: StorageBucket) {
        let voucher: Voucher = bucket.voucher;
        self.edit(Edit::StorageBucket(id, Some(bucket)));
        self.tell(Event::VoucherChanged { bucket: id, voucher });
    }
}
