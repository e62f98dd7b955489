//! Questions that the state answers.

use super::{
    Bag, BlockContext, Channel, DataObject, DistributionBucket, Family, Group, HoldingReport, Member, Policy,
    Settings, State, StorageBucket, StorageOperator, Worker,
};
use crate::{call::Balance, genesis::Params};
use alloc::vec::Vec;
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, DataObjectId, DistributionBucketId, FamilyId, MemberId,
    StorageBucketId, WorkerId, WorkingGroup, metadata::OperatorMetadata,
};

impl State {
    /// Context of the newest block begun.
    #[must_use]
    pub fn at(&self) -> &BlockContext {
        &self.at
    }

    /// Hash of the genesis, which names the network.
    #[must_use]
    pub fn genesis(&self) -> [u8; 32] {
        self.genesis
    }

    /// Limits that hold from genesis on.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// What leads set: limits, fee, bond, whether uploading is blocked; and the next ids.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether new objects are refused.
    #[must_use]
    pub fn uploading_blocked(&self) -> bool {
        self.settings.uploading_blocked
    }

    /// Fee per started megabyte, which an upload must quote.
    #[must_use]
    pub fn data_size_fee(&self) -> Balance {
        self.settings.data_object_per_megabyte_fee
    }

    /// Bond per object, which an upload must quote.
    #[must_use]
    pub fn data_object_bond(&self) -> Balance {
        self.settings.data_object_state_bloat_bond
    }

    /// Nonce that the account's next transaction must carry.
    #[must_use]
    pub fn nonce(&self, account: &AccountId) -> u64 {
        self.nonces.get(account).copied().unwrap_or(0)
    }

    /// A data object.
    #[must_use]
    pub fn object(&self, id: DataObjectId) -> Option<DataObject> {
        self.objects.get(id.0, &self.bags)
    }

    /// Data objects that exist.
    #[must_use]
    pub fn objects_count(&self) -> u64 {
        self.objects.count()
    }

    /// Id of the next data object; all lower ones exist or existed.
    #[must_use]
    pub fn next_object_id(&self) -> DataObjectId {
        self.settings.next_data_object
    }

    /// A bag. Static ones always exist, empty at first.
    #[must_use]
    pub fn bag(&self, id: &BagId) -> Option<Bag> {
        match id {
            BagId::Static(_) => Some(self.bags.get(id).unwrap_or_default()),
            BagId::Dynamic(_) => self.bags.get(id),
        }
    }

    /// Bags that have been written to, static ones first.
    pub fn bags(&self) -> impl Iterator<Item = (BagId, Bag)> {
        self.bags.iter()
    }

    /// Objects of a bag, ascending. Takes the time of reading each of them.
    #[must_use]
    pub fn bag_objects(&self, id: &BagId) -> Vec<DataObjectId> {
        let slot = self.bags.slot(id);
        let mut objects: Vec<_> = slot
            .into_iter()
            .flat_map(|slot| self.objects.of_bag(slot, &self.bags))
            .map(DataObjectId)
            .collect();
        objects.sort_unstable();
        objects
    }

    /// A storage bucket.
    #[must_use]
    pub fn storage_bucket(&self, id: StorageBucketId) -> Option<&StorageBucket> {
        self.storage_buckets.get(&id)
    }

    /// All storage buckets, ascending.
    pub fn storage_buckets(&self) -> impl Iterator<Item = (StorageBucketId, &StorageBucket)> {
        self.storage_buckets.iter()
    }

    /// What the operator of a storage bucket says of its node.
    #[must_use]
    pub fn storage_operator_metadata(&self, id: StorageBucketId) -> Option<&OperatorMetadata> {
        self.storage_metadata.get(&id)
    }

    /// The newest report of what a storage bucket holds, by its present operator.
    #[must_use]
    pub fn holding_report(&self, id: StorageBucketId) -> Option<&HoldingReport> {
        self.holdings.get(&id)
    }

    /// A family of distribution buckets.
    #[must_use]
    pub fn family(&self, id: FamilyId) -> Option<&Family> {
        self.families.get(&id)
    }

    /// All families, ascending.
    pub fn families(&self) -> impl Iterator<Item = (FamilyId, &Family)> {
        self.families.iter()
    }

    pub(crate) fn families_count(&self) -> u64 {
        self.families.len()
    }

    /// A distribution bucket.
    #[must_use]
    pub fn distribution_bucket(&self, id: DistributionBucketId) -> Option<&DistributionBucket> {
        self.distribution_buckets.get(&id)
    }

    /// All distribution buckets, by family, then index.
    pub fn distribution_buckets(&self) -> impl Iterator<Item = (DistributionBucketId, &DistributionBucket)> {
        self.distribution_buckets.iter()
    }

    /// The distribution buckets of one family, by index.
    pub fn family_buckets(
        &self,
        family: FamilyId,
    ) -> impl Iterator<Item = (DistributionBucketId, &DistributionBucket)> {
        let first = DistributionBucketId { family, index: 0 };
        let last = DistributionBucketId { family, index: u64::MAX };
        self.distribution_buckets.range(first..=last)
    }

    /// What an operator of a distribution bucket says of its node.
    #[must_use]
    pub fn distribution_operator_metadata(
        &self,
        id: DistributionBucketId,
        worker: WorkerId,
    ) -> Option<&OperatorMetadata> {
        self.distribution_metadata.get(&(id, worker))
    }

    /// How many buckets a new bag of this kind is given.
    #[must_use]
    pub fn policy(&self, bag_type: BagType) -> &Policy {
        match bag_type {
            BagType::Member => &self.member_policy,
            BagType::Channel => &self.channel_policy,
        }
    }

    /// A channel.
    #[must_use]
    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.get(&id)
    }

    /// All channels, ascending.
    pub fn channels(&self) -> impl Iterator<Item = (ChannelId, &Channel)> {
        self.channels.iter()
    }

    /// A member.
    #[must_use]
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.get(&id)
    }

    /// All members, ascending.
    pub fn members(&self) -> impl Iterator<Item = (MemberId, &Member)> {
        self.members.iter()
    }

    /// The member with this handle.
    #[must_use]
    pub fn member_by_handle(&self, handle: &str) -> Option<MemberId> {
        self.handles.get(handle).copied()
    }

    /// A worker. Only the storage and the distribution group have any yet.
    #[must_use]
    pub fn worker(&self, group: WorkingGroup, id: WorkerId) -> Option<&Worker> {
        self.group(group)?.workers.get(&id)
    }

    /// All workers of a group, ascending.
    pub fn workers(&self, group: WorkingGroup) -> impl Iterator<Item = (WorkerId, &Worker)> {
        self.group(group).into_iter().flat_map(|group| group.workers.iter())
    }

    /// The lead of a group.
    #[must_use]
    pub fn lead(&self, group: WorkingGroup) -> Option<WorkerId> {
        self.group(group)?.lead
    }

    fn group(&self, group: WorkingGroup) -> Option<&Group> {
        match group {
            WorkingGroup::Storage => Some(&self.storage_group),
            WorkingGroup::Distribution => Some(&self.distribution_group),
            WorkingGroup::Forum
            | WorkingGroup::Content
            | WorkingGroup::OperationsAlpha
            | WorkingGroup::App
            | WorkingGroup::OperationsBeta
            | WorkingGroup::OperationsGamma
            | WorkingGroup::Membership => None,
        }
    }

    /// Storage buckets whose operators claim to hold an accepted object, ascending.
    ///
    /// A report that is as new as the acceptance and the bag's assignment decides; without one, the
    /// first acceptance itself is a claim. What an earlier operator claimed does not count.
    #[must_use]
    pub fn holders(&self, id: DataObjectId) -> Vec<StorageBucketId> {
        let Some(object) = self.object(id) else { return Vec::new() };
        let Some(bag) = self.bag(&object.bag) else { return Vec::new() };
        let claims = |(&bucket, &assigned): (&StorageBucketId, &u64)| {
            self.claims(bucket, assigned, id, &object).then_some(bucket)
        };
        bag.stored_by.iter().filter_map(claims).collect()
    }

    fn claims(
        &self,
        id: StorageBucketId,
        assigned: u64,
        object_id: DataObjectId,
        object: &DataObject,
    ) -> bool {
        let Some(accepted) = object.accepted else { return false };
        let Some(bucket) = self.storage_bucket(id) else { return false };
        let StorageOperator::Active { since, .. } = bucket.operator else { return false };
        match self.holding_report(id) {
            Some(report) if report.height >= accepted.height.max(assigned) => {
                !report.except.contains(&object_id)
            }
            Some(_) | None => accepted.bucket == id && accepted.height >= assigned.max(since),
        }
    }
}
