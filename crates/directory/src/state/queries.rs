//! Questions that the state answers.

use super::{
    Account, Application, AssetSet, Bag, BlockContext, Channel, Council, DataObject, DistributionBucket,
    Family, Group, GroupSettings, HoldingReport, Member, Opening, Policy, Proposal, Release, Settings, State,
    StorageBucket, StorageOperator, Tie, Treasury, Worker,
};
use crate::{call::Balance, genesis::Params, storage::vouchers::Load};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use argosy_domain::{
    AccountId, ApplicationId, AssetSetId, BagId, BagType, ChannelId, ContentId, DataObjectId,
    DistributionBucketId, FamilyId, MemberId, OpeningId, ProposalId, ReleaseId, StorageBucketId, WorkerId,
    WorkingGroup, family_metadata::FamilyMetadata, metadata::OperatorMetadata,
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
        self.account(account).nonce
    }

    /// An account; zeros, if nothing ever happened to it.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Account {
        self.accounts.get(id).copied().unwrap_or_default()
    }

    /// All accounts that something happened to, ascending.
    pub fn accounts(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        self.accounts.iter()
    }

    /// Bonds, and all that was issued and burned.
    #[must_use]
    pub fn treasury(&self) -> &Treasury {
        &self.treasury
    }

    /// Keys, threshold and secretary of the council.
    #[must_use]
    pub fn council(&self) -> &Council {
        &self.council
    }

    /// A proposal of the council that is open.
    #[must_use]
    pub fn proposal(&self, id: ProposalId) -> Option<&Proposal> {
        self.proposals.get(&id)
    }

    /// All open proposals, ascending.
    pub fn proposals(&self) -> impl Iterator<Item = (ProposalId, &Proposal)> {
        self.proposals.iter()
    }

    /// All releases, ascending.
    pub fn releases(&self) -> impl Iterator<Item = (ReleaseId, &Release)> {
        self.releases.iter()
    }

    /// Whether a content id is on the blacklist.
    #[must_use]
    pub fn is_blacklisted(&self, id: &ContentId) -> bool {
        self.blacklist.get(id).is_some()
    }

    /// Content ids on the blacklist, ascending.
    pub fn blacklist(&self) -> impl Iterator<Item = ContentId> {
        self.blacklist.iter().map(|(id, ())| id)
    }

    /// Length of the blacklist.
    #[must_use]
    pub fn blacklist_count(&self) -> u64 {
        self.blacklist.len()
    }

    /// The one account that the bond of an object goes back to, if it is tied to one.
    #[must_use]
    pub fn bond_restriction(&self, id: DataObjectId) -> Option<AccountId> {
        self.restrictions.get(&id).copied()
    }

    /// Height at which an object was moved into its bag, if it was.
    #[must_use]
    pub fn moved_at(&self, id: DataObjectId) -> Option<u64> {
        self.moves.get(&id).copied()
    }

    /// A named set of data objects.
    #[must_use]
    pub fn asset_set(&self, id: AssetSetId) -> Option<&AssetSet> {
        self.asset_sets.get(&id)
    }

    /// The set of this name in a bag.
    #[must_use]
    pub fn asset_set_by_name(&self, bag: BagId, name: &str) -> Option<AssetSetId> {
        self.asset_names.get(&(bag, name.to_owned())).copied()
    }

    /// The sets of a bag, by name.
    pub fn asset_sets_of(&self, bag: BagId) -> impl Iterator<Item = AssetSetId> {
        let sets = self.asset_names.range((bag, String::new())..);
        sets.take_while(move |((of, _), _)| *of == bag).map(|(_, id)| *id)
    }

    /// The member that a staking account was confirmed for.
    #[must_use]
    pub fn staking_account_member(&self, account: &AccountId) -> Option<MemberId> {
        self.staking_accounts.get(account).copied()
    }

    /// All staking accounts that were confirmed, each with its member, ascending.
    pub fn staking_accounts(&self) -> impl Iterator<Item = (AccountId, MemberId)> {
        self.staking_accounts.iter().map(|(account, member)| (account, *member))
    }

    /// Block time at which an operator who gave notice is let go, in milliseconds.
    #[must_use]
    pub fn resignation(&self, tie: &Tie) -> Option<u64> {
        self.resignations.get(tie).copied()
    }

    pub(crate) fn resignations(&self) -> impl Iterator<Item = (Tie, u64)> {
        self.resignations.iter().map(|(tie, time)| (tie, *time))
    }

    /// What the lead says of a family.
    #[must_use]
    pub fn family_metadata(&self, id: FamilyId) -> Option<&FamilyMetadata> {
        self.family_metadata.get(&id)
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

    /// Whether there is such a bag. Static ones always exist.
    #[must_use]
    pub fn has_bag(&self, id: &BagId) -> bool {
        matches!(id, BagId::Static(_)) || self.bags.contains(id)
    }

    /// Storage buckets that must keep a bag, ascending; nothing if there is no such bag. Cheaper than
    /// the bag.
    pub fn stored_by(&self, id: &BagId) -> Option<impl Iterator<Item = StorageBucketId>> {
        let buckets = self.bags.stored_by(id);
        let exists = buckets.is_some() || matches!(id, BagId::Static(_));
        exists.then(|| buckets.into_iter().flatten())
    }

    /// Count and bytes of a bag's objects; nothing if there is no such bag. Cheaper than the bag.
    pub(crate) fn load(&self, id: &BagId) -> Option<Load> {
        match id {
            BagId::Static(_) => Some(self.bags.load(id).unwrap_or_default()),
            BagId::Dynamic(_) => self.bags.load(id),
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

    /// Up to `most` objects of a bag, ascending, from `from` on.
    ///
    /// If `from` is an object of the bag that was never moved, as the one after a page mostly is, it takes
    /// the time of reading these, and of looking up objects between them that were moved; else that of
    /// reading all objects of the bag.
    #[must_use]
    pub fn bag_objects_from(&self, id: &BagId, from: DataObjectId, most: usize) -> Vec<DataObjectId> {
        let Some(slot) = self.bags.slot(id) else { return Vec::new() };
        if self.moved_at(from).is_some() || self.object(from).is_none_or(|object| object.bag != *id) {
            let mut objects = self.bag_objects(id);
            objects.retain(|object| *object >= from);
            objects.truncate(most);
            return objects;
        }
        // Objects enter the list of their bag when they are made, in the order of their ids, or when they
        // are moved, out of it.
        let in_order = self.objects.from(slot, from.0).map(DataObjectId);
        let mut objects: Vec<_> =
            in_order.filter(|object| self.moved_at(*object).is_none()).take(most).collect();
        let moved = if objects.len() == most { objects.last().copied() } else { None };
        let moved = self.moves.range(from..=moved.unwrap_or(DataObjectId(u64::MAX)));
        let is_here = |object: &DataObjectId| self.object(*object).is_some_and(|object| object.bag == *id);
        objects.extend(moved.map(|(object, _)| object).filter(is_here));
        objects.sort_unstable();
        objects.truncate(most);
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

    /// A worker, leaving ones included. Groups outside [`WORKING_GROUPS`](super::WORKING_GROUPS) have none.
    #[must_use]
    pub fn worker(&self, group: WorkingGroup, id: WorkerId) -> Option<&Worker> {
        self.group(group)?.workers.get(&id)
    }

    /// All workers of a group, ascending.
    pub fn workers(&self, group: WorkingGroup) -> impl Iterator<Item = (WorkerId, &Worker)> {
        self.group(group).into_iter().flat_map(|group| group.workers.iter())
    }

    pub(crate) fn workers_count(&self, group: WorkingGroup) -> u64 {
        self.group(group).map_or(0, |group| group.workers.len())
    }

    /// The lead of a group.
    #[must_use]
    pub fn lead(&self, group: WorkingGroup) -> Option<WorkerId> {
        self.group(group)?.settings.lead
    }

    /// What a group can pay, zero for one that the directory does not run.
    #[must_use]
    pub fn budget(&self, group: WorkingGroup) -> Balance {
        self.group(group).map_or(0, |group| group.budget)
    }

    /// Lead, next ids and the like of a group.
    #[must_use]
    pub fn group_settings(&self, group: WorkingGroup) -> Option<&GroupSettings> {
        self.group(group).map(|group| &group.settings)
    }

    /// An opening that was neither filled nor cancelled.
    #[must_use]
    pub fn opening(&self, group: WorkingGroup, id: OpeningId) -> Option<&Opening> {
        self.group(group)?.openings.get(&id)
    }

    /// All openings of a group, ascending.
    pub fn openings(&self, group: WorkingGroup) -> impl Iterator<Item = (OpeningId, &Opening)> {
        self.group(group).into_iter().flat_map(|group| group.openings.iter())
    }

    /// An application that neither succeeded nor was withdrawn.
    #[must_use]
    pub fn application(&self, group: WorkingGroup, id: ApplicationId) -> Option<&Application> {
        self.group(group)?.applications.get(&id)
    }

    /// All applications of a group, ascending.
    pub fn applications(&self, group: WorkingGroup) -> impl Iterator<Item = (ApplicationId, &Application)> {
        self.group(group).into_iter().flat_map(|group| group.applications.iter())
    }

    pub(super) fn group(&self, group: WorkingGroup) -> Option<&Group> {
        match group {
            WorkingGroup::Storage => Some(&self.storage_group),
            WorkingGroup::Distribution => Some(&self.distribution_group),
            WorkingGroup::Attestation => Some(&self.attestation_group),
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
        // Who accepted an object in another bag may have dropped it since.
        let moved = self.moved_at(object_id).unwrap_or(0);
        let due = accepted.height.max(assigned).max(moved);
        match self.holding_report(id) {
            Some(report) if report.height >= due => !report.except.contains(&object_id),
            Some(_) | None => accepted.bucket == id && accepted.height >= assigned.max(since).max(moved),
        }
    }
}
