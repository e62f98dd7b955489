//! Writing records, and going back to a state that was kept.

use super::{AssetSet, DistributionBucket, Group, Lines, State};
use crate::change::Edit;
use alloc::{collections::BTreeSet, string::String};
use argosy_domain::{AssetSetId, BagId, BagType, DistributionBucketId, MemberId, WorkingGroup};

impl State {
    pub(super) fn write(&mut self, edit: Edit) {
        match edit {
            Edit::Settings(settings) => self.settings = settings,
            Edit::Params(params) => self.params = *params,
            Edit::Treasury(treasury) => self.treasury = treasury,
            Edit::Policy(BagType::Member, policy) => self.member_policy = policy,
            Edit::Policy(BagType::Channel, policy) => self.channel_policy = policy,
            Edit::Account(id, account) => self.accounts.put(id, account),
            Edit::Member(id, member) => {
                self.name_member(id, member.as_ref().map(|member| member.handle.clone()));
                self.members.put(id, member);
            }
            Edit::StakingAccount(id, member) => self.staking_accounts.put(id, member),
            Edit::Channel(id, channel) => self.channels.put(id, channel),
            Edit::AssetSet(id, set) => {
                let name = set.as_ref().map(|set| (BagId::Dynamic(set.bag), set.name.clone()));
                self.name_asset_set(id, name);
                self.asset_sets.put(id, set);
            }
            Edit::Bag(id, bag) => self.bags.put(id, bag),
            Edit::BagLoad(id, load) => self.bags.put_load(id, load),
            Edit::Object(id, object) => self.objects.put(id.0, object, &mut self.bags),
            Edit::Restriction(id, account) => self.restrictions.put(id, account),
            Edit::Moved(id, height) => self.moves.put(id, height),
            Edit::Blacklist(id, listed) => self.blacklist.put(id, listed.then_some(())),
            Edit::StorageBucket(id, bucket) => {
                self.lines.put_storage(id.0, bucket.and_then(|bucket| bucket.operator.active()));
                self.storage_buckets.put(id, bucket);
            }
            Edit::StorageMetadata(id, metadata) => self.storage_metadata.put(id, metadata),
            Edit::Holdings(id, report) => self.holdings.put(id, report),
            Edit::Family(id, family) => self.families.put(id, family),
            Edit::FamilyMetadata(id, metadata) => self.family_metadata.put(id, metadata),
            Edit::DistributionBucket(id, bucket) => {
                self.draw_line(id, bucket.as_ref());
                self.distribution_buckets.put(id, bucket);
            }
            Edit::DistributionMetadata(id, worker, metadata) => {
                self.distribution_metadata.put((id, worker), metadata);
            }
            Edit::Resignation(tie, time) => self.resignations.put(tie, time),
            Edit::Group(group, settings) => self.group_mut(group).settings = settings,
            Edit::Budget(group, budget) => self.group_mut(group).budget = budget,
            Edit::Worker(group, id, worker) => self.group_mut(group).workers.put(id, worker),
            Edit::Opening(group, id, opening) => self.group_mut(group).openings.put(id, opening),
            Edit::Application(group, id, application) => {
                self.group_mut(group).applications.put(id, application);
            }
            Edit::Council(council) => self.council = council,
            Edit::Proposal(id, proposal) => self.proposals.put(id, proposal.map(|proposal| *proposal)),
            Edit::Release(id, release) => self.releases.put(id, release),
        }
    }

    fn group_mut(&mut self, group: WorkingGroup) -> &mut Group {
        match group {
            WorkingGroup::Storage => &mut self.storage_group,
            WorkingGroup::Distribution => &mut self.distribution_group,
            WorkingGroup::Attestation => &mut self.attestation_group,
            WorkingGroup::Forum
            | WorkingGroup::Content
            | WorkingGroup::OperationsAlpha
            | WorkingGroup::App
            | WorkingGroup::OperationsBeta
            | WorkingGroup::OperationsGamma
            | WorkingGroup::Membership => {
                unreachable!("the directory does not run the {} group", group.name())
            }
        }
    }

    fn name_member(&mut self, id: MemberId, handle: Option<String>) {
        if let Some(before) = self.members.get(&id) {
            self.handles.remove(&before.handle);
        }
        if let Some(handle) = handle {
            self.handles.insert(handle, id);
        }
    }

    fn name_asset_set(&mut self, id: AssetSetId, name: Option<(BagId, String)>) {
        if let Some(before) = self.asset_sets.get(&id) {
            self.asset_names.remove(&(BagId::Dynamic(before.bag), before.name.clone()));
        }
        if let Some(name) = name {
            self.asset_names.insert(name, id);
        }
    }

    /// Notes who operates a distribution bucket, under the place by which bags know it.
    fn draw_line(&mut self, id: DistributionBucketId, bucket: Option<&DistributionBucket>) {
        let nobody = BTreeSet::new();
        if let Some(place) = self.bags.bucket_place(id) {
            self.lines.put_distribution(place, bucket.map_or(&nobody, |bucket| &bucket.operators));
        }
    }

    /// Makes anew what is derived from tables.
    pub(super) fn derive(&mut self) {
        self.handles = self.members.iter().map(|(id, member)| (member.handle.clone(), id)).collect();
        let name = |(id, set): (_, &AssetSet)| ((BagId::Dynamic(set.bag), set.name.clone()), id);
        self.asset_names = self.asset_sets.iter().map(name).collect();
        self.lines = Lines::new();
        for (id, bucket) in self.storage_buckets.iter() {
            self.lines.put_storage(id.0, bucket.operator.active());
        }
        for (id, bucket) in self.distribution_buckets.clone().iter() {
            self.draw_line(id, Some(bucket));
        }
    }

    /// The state is again what it was when `before` was cloned from it; there must have been no root
    /// in between, so that the hash trees, which a clone does not have, still fit.
    pub(super) fn restore(&mut self, before: Self) {
        let trees = self.take_trees();
        *self = before;
        self.set_trees(trees);
    }
}
