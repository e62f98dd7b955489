//! The state that a genesis describes.

use super::{Bags, BlockContext, Group, Lines, Member, Objects, Policy, Settings, State, Table, Worker};
use crate::{
    genesis::{GENESIS_VERSION, Genesis, GenesisGroup, Params},
    membership::handle_is_valid,
};
use alloc::{borrow::ToOwned, collections::BTreeMap, string::String};
use argosy_domain::{
    ChannelId, DataObjectId, FamilyId, MemberId, StorageBucketId, WorkerId, WorkingGroup, num::to_u64,
};
use thiserror::Error;

/// Why a genesis cannot be started from.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GenesisError {
    /// Written by a newer program.
    #[error("the genesis has format version {0}, and this program knows only {GENESIS_VERSION}")]
    Version(u16),
    /// A parameter lies outside of what another one allows.
    #[error("the genesis parameter {0} contradicts another one")]
    Params(&'static str),
    /// A member's handle is malformed, or appears twice.
    #[error("the genesis member {0:?} has a handle that is malformed or taken")]
    Handle(String),
    /// A worker is not a member.
    #[error("the genesis worker {0:?} of the {group} group is not among the members", group = .1.name())]
    Worker(String, WorkingGroup),
    /// The lead is not one of the workers.
    #[error("the genesis lead of the {group} group is not among its workers", group = .0.name())]
    Lead(WorkingGroup),
}

impl State {
    /// The state at height 0.
    ///
    /// # Errors
    /// [`GenesisError`], if the genesis contradicts itself.
    pub fn from_genesis(genesis: &Genesis) -> Result<Self, GenesisError> {
        if genesis.version != GENESIS_VERSION {
            return Err(GenesisError::Version(genesis.version));
        }
        check_params(&genesis.params)?;
        let (members, handles) = members(genesis)?;
        let storage_group = group(&genesis.storage_group, WorkingGroup::Storage, &handles)?;
        let distribution_group = group(&genesis.distribution_group, WorkingGroup::Distribution, &handles)?;
        let hash = genesis.hash();
        let params = genesis.params.clone();
        let policy =
            |number_of_storage_buckets| Policy { number_of_storage_buckets, families: BTreeMap::new() };
        Ok(Self {
            at: BlockContext { height: 0, time_ms: genesis.time_ms, randomness: hash },
            genesis: hash,
            settings: settings(&params, to_u64(genesis.members.len())),
            member_policy: policy(params.default_member_storage_buckets),
            channel_policy: policy(params.default_channel_storage_buckets),
            params,
            storage_group,
            distribution_group,
            nonces: Table::new(),
            members,
            channels: Table::new(),
            bags: Bags::new(),
            objects: Objects::new(),
            storage_buckets: Table::new(),
            storage_metadata: Table::new(),
            holdings: Table::new(),
            families: Table::new(),
            distribution_buckets: Table::new(),
            distribution_metadata: Table::new(),
            handles: handles.into_iter().collect(),
            lines: Lines::new(),
        })
    }
}

fn check_params(params: &Params) -> Result<(), GenesisError> {
    let storage = params.min_storage_buckets_per_bag..=params.max_storage_buckets_per_bag;
    let distribution = params.min_distribution_buckets_per_bag..=params.max_distribution_buckets_per_bag;
    // A limit of zero stands for "not set yet", as on Joystream's mainnet.
    let storage_limit = params.storage_buckets_per_bag_limit;
    let distribution_limit = params.distribution_buckets_per_bag_limit;
    let rules = [
        (!storage.is_empty(), "min_storage_buckets_per_bag"),
        (!distribution.is_empty(), "min_distribution_buckets_per_bag"),
        (storage.contains(&params.default_member_storage_buckets), "default_member_storage_buckets"),
        (storage.contains(&params.default_channel_storage_buckets), "default_channel_storage_buckets"),
        (storage_limit == 0 || storage.contains(&storage_limit), "storage_buckets_per_bag_limit"),
        (
            distribution_limit == 0 || distribution.contains(&distribution_limit),
            "distribution_buckets_per_bag_limit",
        ),
    ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        Some((_, name)) => Err(GenesisError::Params(name)),
        None => Ok(()),
    }
}

fn settings(params: &Params, members_count: u64) -> Settings {
    Settings {
        uploading_blocked: false,
        data_object_per_megabyte_fee: 0,
        data_object_state_bloat_bond: 0,
        storage_buckets_per_bag_limit: params.storage_buckets_per_bag_limit,
        distribution_buckets_per_bag_limit: params.distribution_buckets_per_bag_limit,
        voucher_max_size_limit: params.voucher_max_size_limit,
        voucher_max_objects_limit: params.voucher_max_objects_limit,
        next_storage_bucket: StorageBucketId(0),
        next_data_object: DataObjectId(0),
        next_family: FamilyId(0),
        next_channel: ChannelId(1),
        next_member: MemberId(members_count),
    }
}

type Members = (Table<MemberId, Member>, BTreeMap<String, MemberId>);

fn members(genesis: &Genesis) -> Result<Members, GenesisError> {
    let mut members = Table::new();
    let mut handles = BTreeMap::new();
    for (member, id) in genesis.members.iter().zip(0..) {
        let id = MemberId(id);
        let handle = member.handle.clone();
        if !handle_is_valid(&handle) || handles.insert(handle.clone(), id).is_some() {
            return Err(GenesisError::Handle(handle));
        }
        members.put(id, Some(Member { handle, account: member.account }));
    }
    Ok((members, handles))
}

fn group(
    group: &GenesisGroup,
    which: WorkingGroup,
    handles: &BTreeMap<String, MemberId>,
) -> Result<Group, GenesisError> {
    let mut workers = Table::new();
    for (worker, id) in group.workers.iter().zip(0..) {
        let member = handles
            .get(&worker.member)
            .ok_or_else(|| GenesisError::Worker(worker.member.to_owned(), which))?;
        let worker = Worker { member: *member, role_account: worker.role_account };
        workers.put(WorkerId(id), Some(worker));
    }
    let lead = group.lead.map(WorkerId);
    if lead.is_some_and(|lead| workers.get(&lead).is_none()) {
        return Err(GenesisError::Lead(which));
    }
    Ok(Group { lead, workers })
}
