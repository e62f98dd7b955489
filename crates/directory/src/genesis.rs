//! Genesis: the state that a network starts from, and the parameters that it runs by.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use crate::call::Balance;
use alloc::{collections::BTreeSet, string::String, vec::Vec};
use argosy_domain::AccountId;
use codec::{Decode, Encode};

/// The only version of the genesis encoding that exists.
pub const GENESIS_VERSION: u16 = 1;

/// Which set of limits a network starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Profile {
    /// A small network works at once; endpoints on loopback and private addresses are allowed.
    Local,
    /// Joystream's constants and zero limits.
    Mainnet,
}

/// Limits that hold from genesis on.
///
/// Source: `spec` constants of Joystream's mainnet; see [`Params::mainnet`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Params {
    /// Fewest storage buckets that a policy or per-bag limit may ask for.
    pub min_storage_buckets_per_bag: u32,
    /// Most storage buckets of a bag.
    pub max_storage_buckets_per_bag: u32,
    /// Policy for members' bags until the lead sets one.
    pub default_member_storage_buckets: u32,
    /// Policy for channels' bags until the lead sets one.
    pub default_channel_storage_buckets: u32,
    /// Fewest distribution buckets that a policy or per-bag limit may ask for.
    pub min_distribution_buckets_per_bag: u32,
    /// Most distribution buckets of a bag, over all families.
    pub max_distribution_buckets_per_bag: u32,
    /// Most live families.
    pub max_distribution_bucket_families: u64,
    /// Most pending invitations of a distribution bucket.
    pub max_pending_invitations_per_distribution_bucket: u32,
    /// Most operators of a distribution bucket.
    pub max_operators_per_distribution_bucket: u32,
    /// Largest data object, in bytes, inclusive.
    pub max_data_object_size: u64,
    /// Storage buckets that one worker may operate or be invited to.
    pub max_storage_buckets_per_worker: u32,
    /// Initial limit of storage buckets per bag.
    pub storage_buckets_per_bag_limit: u32,
    /// Initial limit of distribution buckets per bag.
    pub distribution_buckets_per_bag_limit: u32,
    /// Initial maximum of a voucher, in bytes.
    pub voucher_max_size_limit: u64,
    /// Initial maximum of a voucher, in objects.
    pub voucher_max_objects_limit: u64,
    /// Initial fee per started megabyte of an upload.
    pub data_object_per_megabyte_fee: Balance,
    /// Initial bond per data object.
    pub data_object_state_bloat_bond: Balance,
    /// Most content ids on the blacklist.
    pub blacklist_size_limit: u64,
    /// Most objects of an asset set.
    pub max_assets_per_set: u32,
    /// Most objects of a bag that is deleted whole: that is one call, whose cost must have a bound.
    pub max_objects_of_deleted_bag: u64,
    /// Fee of every transaction.
    pub transaction_fee: Balance,
    /// Further fee per byte of it.
    pub transaction_byte_fee: Balance,
    /// Further fee per record that it may touch.
    pub transaction_weight_fee: Balance,
    /// Most workers of a group, the lead included.
    pub max_workers_per_group: u32,
    /// Rewards are paid this often, in milliseconds of block time.
    pub reward_period_ms: u64,
    /// Shortest unstaking period of an opening, in milliseconds.
    pub min_unstaking_period_ms: u64,
    /// Least stake that an opening may ask for.
    pub min_application_stake: Balance,
    /// Held back on the lead's staking account while an opening is open.
    pub opening_deposit: Balance,
    /// From an operator's resignation to its removal, in milliseconds.
    pub resignation_notice_ms: u64,
    /// A proposal of the council is void after this, in milliseconds.
    pub proposal_life_ms: u64,
}

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Base units of a thousandth of a cent, by Joystream's scale of 60 million dollars to 10^19 units.
const MILLICENT: Balance = 1_666_666;
/// Base units of a dollar on that scale.
const DOLLAR: Balance = 166_666_666_666;

impl Params {
    /// Joystream's constants and zero limits, but one storage bucket per worker (seeds).
    #[must_use]
    pub const fn mainnet() -> Self {
        Self {
            min_storage_buckets_per_bag: 3,
            max_storage_buckets_per_bag: 13,
            default_member_storage_buckets: 5,
            default_channel_storage_buckets: 5,
            min_distribution_buckets_per_bag: 1,
            max_distribution_buckets_per_bag: 51,
            max_distribution_bucket_families: 200,
            max_pending_invitations_per_distribution_bucket: 20,
            max_operators_per_distribution_bucket: 20,
            max_data_object_size: argosy_domain::limits::MAX_OBJECT_BYTES,
            max_storage_buckets_per_worker: 1,
            storage_buckets_per_bag_limit: 0,
            distribution_buckets_per_bag_limit: 0,
            voucher_max_size_limit: 0,
            voucher_max_objects_limit: 0,
            data_object_per_megabyte_fee: 5 * MILLICENT,
            data_object_state_bloat_bond: 383_499_834,
            blacklist_size_limit: 1_000,
            max_assets_per_set: 20,
            max_objects_of_deleted_bag: 100_000,
            transaction_fee: MILLICENT,
            transaction_byte_fee: MILLICENT / 10,
            transaction_weight_fee: MILLICENT,
            max_workers_per_group: 50,
            // About the 14 400 blocks of six seconds between rewards.
            reward_period_ms: DAY_MS,
            min_unstaking_period_ms: 20 * DAY_MS,
            min_application_stake: 20 * DOLLAR,
            opening_deposit: 100 * DOLLAR,
            resignation_notice_ms: 7 * DAY_MS,
            proposal_life_ms: 7 * DAY_MS,
        }
    }

    /// A network of any size works at once.
    #[must_use]
    pub const fn local() -> Self {
        Self {
            min_storage_buckets_per_bag: 1,
            default_member_storage_buckets: 1,
            default_channel_storage_buckets: 1,
            storage_buckets_per_bag_limit: 13,
            distribution_buckets_per_bag_limit: 51,
            voucher_max_size_limit: 1 << 50,
            voucher_max_objects_limit: 1 << 32,
            max_workers_per_group: 200,
            data_object_per_megabyte_fee: 0,
            data_object_state_bloat_bond: 0,
            transaction_fee: 0,
            transaction_byte_fee: 0,
            transaction_weight_fee: 0,
            min_unstaking_period_ms: 0,
            min_application_stake: 0,
            opening_deposit: 0,
            resignation_notice_ms: 0,
            ..Self::mainnet()
        }
    }
}

/// A worker hired at genesis; ids follow the order of the list, from 0.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GenesisWorker {
    /// Handle of the member that the worker is; must be among the genesis members.
    pub member: String,
    /// Account that signs the worker's role calls.
    pub role_account: AccountId,
}

/// A working group at genesis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct GenesisGroup {
    /// Workers, the lead among them.
    pub workers: Vec<GenesisWorker>,
    /// Position of the lead in `workers`.
    pub lead: Option<u64>,
}

/// A member at genesis; ids follow the order of the list, from 0.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GenesisMember {
    /// Unique name.
    pub handle: String,
    /// Root and controller account, until the member replaces them.
    pub account: AccountId,
}

/// Everything that a network starts from. Its hash names the network.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Genesis {
    /// [`GENESIS_VERSION`].
    pub version: u16,
    /// Name for people.
    pub network: String,
    /// Profile for rules outside the directory (which endpoints are allowed, say).
    pub profile: Profile,
    /// Time of block 0, in milliseconds since 1970.
    pub time_ms: u64,
    /// sr25519 key of the embedded engine, which signs every block.
    pub sequencer: AccountId,
    /// Limits.
    pub params: Params,
    /// Members.
    pub members: Vec<GenesisMember>,
    /// The storage working group.
    pub storage_group: GenesisGroup,
    /// The distribution working group.
    pub distribution_group: GenesisGroup,
    /// The attestation working group.
    pub attestation_group: GenesisGroup,
    /// The council.
    pub council: GenesisCouncil,
    /// Balances; each account at most once.
    pub balances: Vec<GenesisBalance>,
}

/// The council at genesis. Without keys there is none, ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct GenesisCouncil {
    /// Keys that propose and approve.
    pub keys: BTreeSet<AccountId>,
    /// Approvals that carry a proposal out, from 1 to the number of keys; 0 without keys.
    pub threshold: u32,
}

/// An account's money at genesis.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GenesisBalance {
    /// Whose.
    pub account: AccountId,
    /// All of it.
    pub amount: Balance,
    /// Of this, for fees and bonds only.
    pub locked: Balance,
}

impl Genesis {
    /// The network's name for machines: hash of the canonical encoding.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"argosy/genesis/1");
        self.using_encoded(|bytes| hasher.update(bytes));
        *hasher.finalize().as_bytes()
    }
}
