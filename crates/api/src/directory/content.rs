//! Bags and what is in them.

use super::text;
use crate::wire::wire;
use argosy_domain::{
    AssetSetId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId, MemberId, StorageBucketId,
};

wire! {
    /// `GET /api/v1/objects/{id}`.
    pub struct ObjectView {
        /// The object.
        #[serde(with = "text")]
        pub id: DataObjectId,
        /// BLAKE3 multihash of its bytes.
        #[serde(with = "text")]
        pub content_id: ContentId,
        /// Bytes.
        pub size: u64,
        /// Where it is.
        #[serde(with = "text")]
        pub bag: BagId,
        /// Its first acceptance, if any.
        pub accepted: Option<AcceptanceView>,
        /// Set of its bag that it belongs to, if any.
        #[serde(default, with = "text::option")]
        pub asset_set: Option<AssetSetId>,
        /// What is paid back when it is deleted, in base units.
        #[serde(default, with = "text")]
        pub bond: u128,
        /// Height at which it was moved into its bag, if it was.
        #[serde(default)]
        pub moved_height: Option<u64>,
        /// Whether its content is on the blacklist.
        #[serde(default)]
        pub blacklisted: bool,
        /// Storage buckets of its bag.
        #[serde(with = "text::list")]
        pub storage_buckets: Vec<StorageBucketId>,
        /// Distribution buckets of its bag.
        #[serde(with = "text::list")]
        pub distribution_buckets: Vec<DistributionBucketId>,
        /// Storage buckets that claim to hold it.
        #[serde(with = "text::list")]
        pub holders: Vec<StorageBucketId>,
    }

    /// Who accepted an object first.
    pub struct AcceptanceView {
        /// Height of the block.
        pub height: u64,
        /// The bucket.
        #[serde(with = "text")]
        pub bucket: StorageBucketId,
    }

    /// `GET /api/v1/bags/{bag}`.
    pub struct BagView {
        /// The bag.
        #[serde(with = "text")]
        pub id: BagId,
        /// Objects in it.
        pub objects_number: u64,
        /// Their bytes.
        pub objects_total_size: u64,
        /// Whether nodes ask for a signed URL or a role key.
        #[serde(default)]
        pub private: bool,
        /// Who must keep it.
        #[serde(with = "text::list")]
        pub storage_buckets: Vec<StorageBucketId>,
        /// Who must deliver it.
        #[serde(with = "text::list")]
        pub distribution_buckets: Vec<DistributionBucketId>,
    }

    /// `GET /api/v1/asset-sets/{id}`.
    pub struct AssetSetView {
        /// The set.
        #[serde(with = "text")]
        pub id: AssetSetId,
        /// The bag of all its objects.
        #[serde(with = "text")]
        pub bag: BagId,
        /// Unique in the bag.
        pub name: String,
        /// Which objects.
        #[serde(with = "text::list")]
        pub objects: Vec<DataObjectId>,
    }

    /// `GET /api/v1/channels/{id}`.
    pub struct ChannelView {
        /// The channel.
        #[serde(with = "text")]
        pub id: ChannelId,
        /// Who owns it.
        #[serde(with = "text")]
        pub owner: MemberId,
        /// Members who may declare and delete its objects, too.
        #[serde(default, with = "text::list")]
        pub collaborators: Vec<MemberId>,
    }
}
