//! Writing records, and taking what was written back.

use super::{DataObject, Group, State, each_table};
use crate::change::Edit;
use alloc::{boxed::Box, string::String, vec::Vec};
use argosy_domain::{AssetSetId, BagId, BagType, DataObjectId, MemberId, WorkingGroup};

impl State {
    pub(super) fn write(&mut self, edit: Edit) {
        if self.undo.is_some() {
            let inverse = self.inverse(&edit);
            self.undo.get_or_insert_default().push(inverse);
        }
        self.put(edit);
    }

    /// From now on, until [`State::keep`] or [`State::rewind`], what is written can be taken back.
    pub(super) fn begin_undo(&mut self) {
        self.undo = Some(Vec::new());
        each_table!([&mut self], table => table.begin());
    }

    /// What was written stays.
    pub(super) fn keep(&mut self) {
        self.undo = None;
        each_table!([&mut self], table => table.keep());
    }

    /// The state is again what it was at [`State::begin_undo`].
    pub(super) fn rewind(&mut self) {
        for edit in self.undo.take().unwrap_or_default().into_iter().rev() {
            self.put(edit);
        }
        each_table!([&mut self], table => table.rewind());
        self.objects.rewind(self.settings.next_data_object.0);
    }

    fn put(&mut self, edit: Edit) {
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
            Edit::Object(id, object) => self.put_object(id, object),
            Edit::Restriction(id, account) => self.restrictions.put(id, account),
            Edit::Moved(id, height) => self.moves.put(id, height),
            Edit::Blacklist(id, listed) => self.blacklist.put(id, listed.then_some(())),
            Edit::StorageBucket(id, bucket) => self.storage_buckets.put(id, bucket),
            Edit::StorageMetadata(id, metadata) => self.storage_metadata.put(id, metadata),
            Edit::Holdings(id, report) => self.holdings.put(id, report),
            Edit::Family(id, family) => self.families.put(id, family),
            Edit::FamilyMetadata(id, metadata) => self.family_metadata.put(id, metadata),
            Edit::DistributionBucket(id, bucket) => self.distribution_buckets.put(id, bucket),
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

    /// What writes back what `edit` is about to replace.
    fn inverse(&self, edit: &Edit) -> Edit {
        match edit {
            Edit::Settings(_) => Edit::Settings(self.settings),
            Edit::Params(_) => Edit::Params(Box::new(self.params.clone())),
            Edit::Treasury(_) => Edit::Treasury(self.treasury),
            Edit::Policy(bag_type, _) => Edit::Policy(*bag_type, self.policy(*bag_type).clone()),
            Edit::Account(id, _) => Edit::Account(*id, self.accounts.get(id).copied()),
            Edit::Member(id, _) => Edit::Member(*id, self.members.get(id).cloned()),
            Edit::StakingAccount(id, _) => Edit::StakingAccount(*id, self.staking_accounts.get(id).copied()),
            Edit::Channel(id, _) => Edit::Channel(*id, self.channels.get(id).cloned()),
            Edit::AssetSet(id, _) => Edit::AssetSet(*id, self.asset_sets.get(id).cloned()),
            Edit::Bag(id, _) => Edit::Bag(*id, self.bags.get(id).cloned()),
            Edit::Object(id, _) => Edit::Object(*id, self.objects.get(id.0).copied()),
            Edit::Restriction(id, _) => Edit::Restriction(*id, self.restrictions.get(id).copied()),
            Edit::Moved(id, _) => Edit::Moved(*id, self.moves.get(id).copied()),
            Edit::Blacklist(id, _) => Edit::Blacklist(*id, self.blacklist.get(id).is_some()),
            Edit::StorageBucket(id, _) => Edit::StorageBucket(*id, self.storage_buckets.get(id).copied()),
            Edit::StorageMetadata(id, _) => {
                Edit::StorageMetadata(*id, self.storage_metadata.get(id).cloned())
            }
            Edit::Holdings(id, _) => Edit::Holdings(*id, self.holdings.get(id).cloned()),
            Edit::Family(id, _) => Edit::Family(*id, self.families.get(id).copied()),
            Edit::FamilyMetadata(id, _) => Edit::FamilyMetadata(*id, self.family_metadata.get(id).cloned()),
            Edit::DistributionBucket(id, _) => {
                Edit::DistributionBucket(*id, self.distribution_buckets.get(id).cloned())
            }
            Edit::DistributionMetadata(id, worker, _) => {
                let metadata = self.distribution_metadata.get(&(*id, *worker)).cloned();
                Edit::DistributionMetadata(*id, *worker, metadata)
            }
            Edit::Resignation(tie, _) => Edit::Resignation(*tie, self.resignations.get(tie).copied()),
            Edit::Council(_) => Edit::Council(self.council.clone()),
            Edit::Proposal(id, _) => Edit::Proposal(*id, self.proposals.get(id).cloned().map(Box::new)),
            Edit::Release(id, _) => Edit::Release(*id, self.releases.get(id).cloned()),
            Edit::Group(..)
            | Edit::Budget(..)
            | Edit::Worker(..)
            | Edit::Opening(..)
            | Edit::Application(..) => self.inverse_in_group(edit),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "called for the records of groups only")]
    fn inverse_in_group(&self, edit: &Edit) -> Edit {
        match edit {
            Edit::Group(group, _) => Edit::Group(*group, self.group_ref(*group).settings),
            Edit::Budget(group, _) => Edit::Budget(*group, self.group_ref(*group).budget),
            Edit::Worker(group, id, _) => {
                Edit::Worker(*group, *id, self.group_ref(*group).workers.get(id).copied())
            }
            Edit::Opening(group, id, _) => {
                Edit::Opening(*group, *id, self.group_ref(*group).openings.get(id).copied())
            }
            Edit::Application(group, id, _) => {
                Edit::Application(*group, *id, self.group_ref(*group).applications.get(id).copied())
            }
            other => unreachable!("no record of a group: {other:?}"),
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

    fn group_ref(&self, group: WorkingGroup) -> &Group {
        match self.group(group) {
            Some(group) => group,
            None => unreachable!("the directory does not run the {} group", group.name()),
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

    fn put_object(&mut self, id: DataObjectId, object: Option<DataObject>) {
        let before = self.objects.get(id.0).map(|object| object.bag);
        let after = object.as_ref().map(|object| object.bag);
        if before != after {
            if let Some(bag) = before {
                self.forget_content(bag, id);
            }
            if let Some(bag) = after {
                let contents = self.contents.entry(bag).or_default();
                if let Err(place) = contents.binary_search(&id) {
                    contents.insert(place, id);
                }
            }
        }
        self.objects.put(id.0, object);
    }

    fn forget_content(&mut self, bag: BagId, id: DataObjectId) {
        let contents = self.contents.entry(bag).or_default();
        if let Ok(place) = contents.binary_search(&id) {
            contents.remove(place);
        }
        if contents.is_empty() {
            self.contents.remove(&bag);
        }
    }
}
