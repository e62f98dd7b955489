//! The state that a genesis describes.

use super::{
    Account, Bags, BlockContext, Council, Group, GroupSettings, Lines, Member, Objects, Ordered, Policy,
    Settings, State, Table, Treasury, Worker,
};
use crate::{
    call::Balance,
    council::threshold_is_valid,
    genesis::{GENESIS_VERSION, Genesis, GenesisBalance, GenesisCouncil, GenesisGroup, Params},
    membership::handle_is_valid,
};
use alloc::{borrow::ToOwned, collections::BTreeMap, string::String};
use argosy_domain::{
    AccountId, AssetSetId, ChannelId, DataObjectId, FamilyId, MemberId, StorageBucketId, WorkerId,
    WorkingGroup, num::to_u64,
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
    /// More workers than a group may have.
    #[error("the genesis has too many workers of the {group} group", group = .0.name())]
    Workers(WorkingGroup),
    /// The threshold is not from one to the number of keys, or there are too many keys.
    #[error("the genesis council has {0} keys and a threshold of {1}")]
    Council(usize, u32),
    /// An account appears twice, more is locked than there is, or the sum does not fit a number.
    #[error("the genesis balance of {0} appears twice, locks more than there is, or overflows the sum")]
    Balance(AccountId),
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
        let storage_group = group(genesis, &genesis.storage_group, WorkingGroup::Storage, &handles)?;
        let distribution_group =
            group(genesis, &genesis.distribution_group, WorkingGroup::Distribution, &handles)?;
        let attestation_group =
            group(genesis, &genesis.attestation_group, WorkingGroup::Attestation, &handles)?;
        let (accounts, issued) = accounts(genesis)?;
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
            attestation_group,
            council: council(genesis)?,
            treasury: Treasury { issued, ..Treasury::default() },
            accounts,
            members,
            staking_accounts: Table::new(),
            channels: Table::new(),
            asset_sets: Table::new(),
            bags: Bags::new(),
            objects: Objects::new(),
            restrictions: Table::new(),
            moves: Table::new(),
            blacklist: Table::new(),
            storage_buckets: Table::new(),
            storage_metadata: Table::new(),
            holdings: Table::new(),
            families: Table::new(),
            family_metadata: Table::new(),
            distribution_buckets: Table::new(),
            distribution_metadata: Table::new(),
            resignations: Table::new(),
            proposals: Table::new(),
            releases: Table::new(),
            handles,
            asset_names: Ordered::new(),
            lines: Lines::new(),
            handed_out: 0,
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
        (params.reward_period_ms > 0, "reward_period_ms"),
    ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        Some((_, name)) => Err(GenesisError::Params(name)),
        None => Ok(()),
    }
}

fn settings(params: &Params, members_count: u64) -> Settings {
    Settings {
        uploading_blocked: false,
        data_object_per_megabyte_fee: params.data_object_per_megabyte_fee,
        data_object_state_bloat_bond: params.data_object_state_bloat_bond,
        storage_buckets_per_bag_limit: params.storage_buckets_per_bag_limit,
        distribution_buckets_per_bag_limit: params.distribution_buckets_per_bag_limit,
        voucher_max_size_limit: params.voucher_max_size_limit,
        voucher_max_objects_limit: params.voucher_max_objects_limit,
        next_storage_bucket: StorageBucketId(0),
        next_data_object: DataObjectId(0),
        next_family: FamilyId(0),
        next_channel: ChannelId(1),
        next_member: MemberId(members_count),
        next_asset_set: AssetSetId(0),
    }
}

type Members = (Table<MemberId, Member>, Ordered<String, MemberId>);

fn members(genesis: &Genesis) -> Result<Members, GenesisError> {
    let mut members = Table::new();
    let mut handles = Ordered::new();
    for (member, id) in genesis.members.iter().zip(0..) {
        let id = MemberId(id);
        let handle = member.handle.clone();
        if !handle_is_valid(&handle) || handles.insert(handle.clone(), id).is_some() {
            return Err(GenesisError::Handle(handle));
        }
        members.put(id, Some(Member { handle, account: member.account, root: member.account }));
    }
    Ok((members, handles))
}

fn accounts(genesis: &Genesis) -> Result<(Table<AccountId, Account>, Balance), GenesisError> {
    let mut accounts = Table::new();
    let mut issued: Balance = 0;
    for &GenesisBalance { account, amount, locked } in &genesis.balances {
        let refused = GenesisError::Balance(account);
        if accounts.get(&account).is_some() || locked > amount {
            return Err(refused);
        }
        issued = issued.checked_add(amount).ok_or(refused)?;
        accounts.put(account, Some(Account { free: amount, locked, ..Account::default() }));
    }
    Ok((accounts, issued))
}

fn council(genesis: &Genesis) -> Result<Council, GenesisError> {
    let GenesisCouncil { keys, threshold } = genesis.council.clone();
    let none = keys.is_empty() && threshold == 0;
    if !none && !threshold_is_valid(&keys, threshold) {
        return Err(GenesisError::Council(keys.len(), threshold));
    }
    Ok(Council { keys, threshold, ..Council::default() })
}

fn group(
    genesis: &Genesis,
    group: &GenesisGroup,
    which: WorkingGroup,
    handles: &Ordered<String, MemberId>,
) -> Result<Group, GenesisError> {
    if to_u64(group.workers.len()) > u64::from(genesis.params.max_workers_per_group) {
        return Err(GenesisError::Workers(which));
    }
    let mut workers = Table::new();
    for (worker, id) in group.workers.iter().zip(0..) {
        let member = handles
            .get(&worker.member)
            .ok_or_else(|| GenesisError::Worker(worker.member.to_owned(), which))?;
        let worker = Worker {
            member: *member,
            role_account: worker.role_account,
            reward_account: worker.role_account,
            staking_account: worker.role_account,
            stake: 0,
            reward_per_period: 0,
            missed_reward: 0,
            rewarded_until_ms: genesis.time_ms,
            unstaking_period_ms: genesis.params.min_unstaking_period_ms,
            leaves_ms: None,
            hired_ms: genesis.time_ms,
        };
        workers.put(WorkerId(id), Some(worker));
    }
    let lead = group.lead.map(WorkerId);
    if lead.is_some_and(|lead| workers.get(&lead).is_none()) {
        return Err(GenesisError::Lead(which));
    }
    let settings = GroupSettings {
        lead,
        next_reward_ms: genesis.time_ms.saturating_add(genesis.params.reward_period_ms),
        next_worker: WorkerId(to_u64(group.workers.len())),
        ..GroupSettings::default()
    };
    let (openings, applications) = (Table::new(), Table::new());
    Ok(Group { settings, budget: 0, workers, openings, applications })
}
