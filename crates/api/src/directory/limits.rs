//! Limits, fees and where all money is.

use super::text;
use crate::wire::wire;
use argosy_directory::Params;

wire! {
    /// `GET /api/v1/limits`: what leads set, and the parameters of the network.
    pub struct LimitsView {
        /// Whether new objects are refused.
        pub uploading_blocked: bool,
        /// Most storage buckets that a lead may assign to a bag.
        pub storage_buckets_per_bag_limit: u32,
        /// Most distribution buckets that a lead may assign to a bag, over all families.
        pub distribution_buckets_per_bag_limit: u32,
        /// Largest size limit of a voucher, in bytes.
        pub voucher_max_size_limit: u64,
        /// Largest objects limit of a voucher.
        pub voucher_max_objects_limit: u64,
        /// Content ids on the blacklist.
        pub blacklist_count: u64,
        /// Parameters of the network, as the council left them.
        pub params: ParamsView,
    }

    /// Parameters of the network. Those called initial hold until a lead sets another value.
    pub struct ParamsView {
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
        #[serde(with = "text")]
        pub data_object_per_megabyte_fee: u128,
        /// Initial bond per data object.
        #[serde(with = "text")]
        pub data_object_state_bloat_bond: u128,
        /// Most content ids on the blacklist.
        pub blacklist_size_limit: u64,
        /// Most objects of an asset set.
        pub max_assets_per_set: u32,
        /// Most objects of a bag that is deleted whole: that is one call, whose cost must have a bound.
        pub max_objects_of_deleted_bag: u64,
        /// Fee of every transaction.
        #[serde(with = "text")]
        pub transaction_fee: u128,
        /// Further fee per byte of it.
        #[serde(with = "text")]
        pub transaction_byte_fee: u128,
        /// Further fee per record that it may touch.
        #[serde(with = "text")]
        pub transaction_weight_fee: u128,
        /// Most workers of a group, the lead included.
        pub max_workers_per_group: u32,
        /// Rewards are paid this often, in milliseconds of block time.
        pub reward_period_ms: u64,
        /// Shortest unstaking period of an opening, in milliseconds.
        pub min_unstaking_period_ms: u64,
        /// Least stake that an opening may ask for.
        #[serde(with = "text")]
        pub min_application_stake: u128,
        /// Held back on the lead's staking account while an opening is open.
        #[serde(with = "text")]
        pub opening_deposit: u128,
        /// From an operator's resignation to its removal, in milliseconds.
        pub resignation_notice_ms: u64,
        /// A proposal of the council is void after this, in milliseconds.
        pub proposal_life_ms: u64,
    }

    /// `GET /api/v1/fees`, in base units.
    pub struct FeesView {
        /// Fee of every transaction.
        #[serde(with = "text")]
        pub transaction_fee: u128,
        /// Further fee per byte of it.
        #[serde(with = "text")]
        pub transaction_byte_fee: u128,
        /// Further fee per record that it may touch.
        #[serde(with = "text")]
        pub transaction_weight_fee: u128,
        /// Fee per started megabyte, which an upload must quote.
        #[serde(with = "text")]
        pub data_size_fee: u128,
        /// Bond per object, which an upload must quote; paid back on deletion.
        #[serde(with = "text")]
        pub data_object_state_bloat_bond: u128,
    }

    /// `GET /api/v1/treasury`, in base units. Balances, stakes, budgets and bonds add up to what was
    /// issued less what was burned.
    pub struct TreasuryView {
        /// Sum of the bonds of all data objects.
        #[serde(with = "text")]
        pub bonds: u128,
        /// All that genesis and the council ever gave out.
        #[serde(with = "text")]
        pub issued: u128,
        /// All fees of transactions and all slashed stakes.
        #[serde(with = "text")]
        pub burned: u128,
    }
}

impl From<&Params> for ParamsView {
    fn from(params: &Params) -> Self {
        Self {
            min_storage_buckets_per_bag: params.min_storage_buckets_per_bag,
            max_storage_buckets_per_bag: params.max_storage_buckets_per_bag,
            default_member_storage_buckets: params.default_member_storage_buckets,
            default_channel_storage_buckets: params.default_channel_storage_buckets,
            min_distribution_buckets_per_bag: params.min_distribution_buckets_per_bag,
            max_distribution_buckets_per_bag: params.max_distribution_buckets_per_bag,
            max_distribution_bucket_families: params.max_distribution_bucket_families,
            max_pending_invitations_per_distribution_bucket: params
                .max_pending_invitations_per_distribution_bucket,
            max_operators_per_distribution_bucket: params.max_operators_per_distribution_bucket,
            max_data_object_size: params.max_data_object_size,
            max_storage_buckets_per_worker: params.max_storage_buckets_per_worker,
            storage_buckets_per_bag_limit: params.storage_buckets_per_bag_limit,
            distribution_buckets_per_bag_limit: params.distribution_buckets_per_bag_limit,
            voucher_max_size_limit: params.voucher_max_size_limit,
            voucher_max_objects_limit: params.voucher_max_objects_limit,
            data_object_per_megabyte_fee: params.data_object_per_megabyte_fee,
            data_object_state_bloat_bond: params.data_object_state_bloat_bond,
            blacklist_size_limit: params.blacklist_size_limit,
            max_assets_per_set: params.max_assets_per_set,
            max_objects_of_deleted_bag: params.max_objects_of_deleted_bag,
            transaction_fee: params.transaction_fee,
            transaction_byte_fee: params.transaction_byte_fee,
            transaction_weight_fee: params.transaction_weight_fee,
            max_workers_per_group: params.max_workers_per_group,
            reward_period_ms: params.reward_period_ms,
            min_unstaking_period_ms: params.min_unstaking_period_ms,
            min_application_stake: params.min_application_stake,
            opening_deposit: params.opening_deposit,
            resignation_notice_ms: params.resignation_notice_ms,
            proposal_life_ms: params.proposal_life_ms,
        }
    }
}
