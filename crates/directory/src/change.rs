//! What a call that was found valid does: records to write and events to tell.

use crate::{
    call::Balance,
    event::{Event, Voucher},
    genesis::Params,
    state::{
        Account, Application, AssetSet, Bag, Channel, Council, DataObject, DistributionBucket, Family,
        GroupSettings, HoldingReport, Member, Opening, Policy, Proposal, Release, Settings, StorageBucket,
        Tie, Treasury, Worker,
    },
    storage::vouchers::Load,
};
use alloc::{boxed::Box, vec::Vec};
use argosy_domain::{
    AccountId, ApplicationId, AssetSetId, BagId, BagType, ChannelId, ContentId, DataObjectId,
    DistributionBucketId, FamilyId, MemberId, OpeningId, ProposalId, ReleaseId, StorageBucketId, WorkerId,
    WorkingGroup, family_metadata::FamilyMetadata, metadata::OperatorMetadata,
};

/// One record to write, or to remove where there is none.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Settings(Settings),
    Params(Box<Params>),
    Treasury(Treasury),
    Policy(BagType, Policy),
    Account(AccountId, Option<Account>),
    Member(MemberId, Option<Member>),
    StakingAccount(AccountId, Option<MemberId>),
    Channel(ChannelId, Option<Channel>),
    AssetSet(AssetSetId, Option<AssetSet>),
    Bag(BagId, Option<Bag>),
    /// Count and bytes of its objects, and nothing else of the bag.
    BagLoad(BagId, Load),
    Object(DataObjectId, Option<DataObject>),
    /// Whom alone the bond goes back to.
    Restriction(DataObjectId, Option<AccountId>),
    /// Height of the last move into another bag.
    Moved(DataObjectId, Option<u64>),
    Blacklist(ContentId, bool),
    StorageBucket(StorageBucketId, Option<StorageBucket>),
    StorageMetadata(StorageBucketId, Option<OperatorMetadata>),
    Holdings(StorageBucketId, Option<HoldingReport>),
    Family(FamilyId, Option<Family>),
    FamilyMetadata(FamilyId, Option<FamilyMetadata>),
    DistributionBucket(DistributionBucketId, Option<DistributionBucket>),
    DistributionMetadata(DistributionBucketId, WorkerId, Option<OperatorMetadata>),
    /// Block time at which the operator is let go, in milliseconds.
    Resignation(Tie, Option<u64>),
    Group(WorkingGroup, GroupSettings),
    Budget(WorkingGroup, Balance),
    Worker(WorkingGroup, WorkerId, Option<Worker>),
    Opening(WorkingGroup, OpeningId, Option<Opening>),
    Application(WorkingGroup, ApplicationId, Option<Application>),
    Council(Council),
    Proposal(ProposalId, Option<Box<Proposal>>),
    Release(ReleaseId, Option<Release>),
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
    /// With room for so many edits and events, where many are to be expected.
    pub(crate) fn with_room(edits: usize, events: usize) -> Self {
        Self { edits: Vec::with_capacity(edits), events: Vec::with_capacity(events) }
    }

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

    /// All of another change after this one. They must not write the same record.
    pub(crate) fn append(&mut self, other: Self) {
        self.edits.extend(other.edits);
        self.events.extend(other.events);
    }

    /// Writes a storage bucket whose use changed, or might have, and tells its voucher.
    pub(crate) fn voucher(&mut self, id: StorageBucketId, bucket: StorageBucket) {
        let voucher: Voucher = bucket.voucher;
        self.edit(Edit::StorageBucket(id, Some(bucket)));
        self.tell(Event::VoucherChanged { bucket: id, voucher });
    }
}
