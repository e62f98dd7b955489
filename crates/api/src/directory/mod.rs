//! What a directory node answers.

use argosy_domain::{
    AccountId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId, FamilyId, MemberId,
    StorageBucketId, WorkerId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Serde for anything that has a text form.
pub mod text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::{fmt::Display, str::FromStr};

    /// Writes the text form.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// If the text is not one of the type's.
    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }

    /// The same for lists.
    pub mod list {
        use serde::{Deserialize, Deserializer, Serializer, de::Error};
        use std::{fmt::Display, str::FromStr};

        /// Writes the text forms.
        ///
        /// # Errors
        /// The serializer's.
        pub fn serialize<T: Display, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(values.iter().map(ToString::to_string))
        }

        /// Reads the text forms.
        ///
        /// # Errors
        /// If a text is not one of the type's.
        pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Vec<T>, D::Error> {
            let texts = Vec::<String>::deserialize(deserializer)?;
            texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
        }
    }

    /// The same for optional values.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serializer, de::Error};
        use std::{fmt::Display, str::FromStr};

        /// Writes the text form or null.
        ///
        /// # Errors
        /// The serializer's.
        pub fn serialize<T: Display, S: Serializer>(
            value: &Option<T>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => serializer.collect_str(value),
                None => serializer.serialize_none(),
            }
        }

        /// Reads the text form or null.
        ///
        /// # Errors
        /// If the text is not one of the type's.
        pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<T>, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
        }
    }
}

/// `GET /api/v1/status` of a directory node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryStatus {
    /// Version of the program.
    pub version: String,
    /// Name of the network.
    pub network: String,
    /// Hash of the genesis, hexadecimal.
    pub genesis: String,
    /// Height of the newest block.
    pub height: u64,
    /// Its hash, hexadecimal.
    pub head: String,
    /// Root of the state after it, hexadecimal.
    pub state_root: String,
    /// Its time, in milliseconds since 1970.
    pub block_time_ms: u64,
    /// Seconds since the node started.
    pub uptime_seconds: u64,
    /// Transactions that wait for a block.
    pub pool_count: u64,
    /// Data objects in the directory.
    pub objects_count: u64,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptView {
    /// Hash of the transaction, hexadecimal.
    pub hash: String,
    /// Height of its block.
    pub height: u64,
    /// Position in the block.
    pub index: u32,
    /// Time of the block, in milliseconds since 1970.
    pub time_ms: u64,
    /// Nothing if the call succeeded, else why it was turned down.
    pub error: Option<RejectView>,
    /// SCALE encodings of the events, hexadecimal, in order.
    pub events: Vec<String>,
}

/// Why a call was turned down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectView {
    /// Stable number.
    pub number: u16,
    /// Stable name.
    pub code: String,
    /// One sentence.
    pub message: String,
}

/// `GET /api/v1/accounts/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// SS58 address.
    #[serde(with = "text")]
    pub account: AccountId,
    /// Nonce that its next transaction must carry.
    pub nonce: u64,
}

/// `GET /api/v1/objects/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptanceView {
    /// Height of the block.
    pub height: u64,
    /// The bucket.
    #[serde(with = "text")]
    pub bucket: StorageBucketId,
}

/// `GET /api/v1/bags/{bag}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BagView {
    /// The bag.
    #[serde(with = "text")]
    pub id: BagId,
    /// Objects in it.
    pub objects_number: u64,
    /// Their bytes.
    pub objects_total_size: u64,
    /// Who must keep it.
    #[serde(with = "text::list")]
    pub storage_buckets: Vec<StorageBucketId>,
    /// Who must deliver it.
    #[serde(with = "text::list")]
    pub distribution_buckets: Vec<DistributionBucketId>,
}

/// Whether a bucket has an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatorStatus {
    /// Invited, not yet accepted.
    Invited,
    /// Operates the bucket.
    Active,
}

/// The tie between a worker and a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorView {
    /// The worker.
    #[serde(with = "text")]
    pub worker: WorkerId,
    /// Whether it has accepted.
    pub status: OperatorStatus,
    /// Root URL of its node, if it has said so.
    pub endpoint: Option<String>,
    /// Account that signs acceptances; storage only.
    #[serde(default, with = "text::option", skip_serializing_if = "Option::is_none")]
    pub transactor: Option<AccountId>,
}

/// An element of `GET /api/v1/storage-buckets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageBucketView {
    /// The bucket.
    #[serde(with = "text")]
    pub id: StorageBucketId,
    /// Its operator, if any.
    pub operator: Option<OperatorView>,
    /// Whether new bags may be assigned.
    pub accepting_new_bags: bool,
    /// Voucher: bytes.
    pub size_limit: u64,
    /// Voucher: objects.
    pub objects_limit: u64,
    /// Bytes used.
    pub size_used: u64,
    /// Objects used.
    pub objects_used: u64,
    /// Bags that it must keep.
    pub assigned_bags: u64,
    /// Height of its newest holding report.
    pub holdings_height: Option<u64>,
    /// Objects that the report excepts.
    pub holdings_except_count: u64,
}

/// An element of `GET /api/v1/distribution-buckets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DistributionBucketView {
    /// The bucket, `family:index`.
    #[serde(with = "text")]
    pub id: DistributionBucketId,
    /// Whether new bags may be assigned.
    pub accepting_new_bags: bool,
    /// Whether it serves.
    pub distributing: bool,
    /// Operators, invited and active.
    pub operators: Vec<OperatorView>,
    /// Bags that it must deliver.
    pub assigned_bags: u64,
}

/// An element of `GET /api/v1/families`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilyView {
    /// The family.
    #[serde(with = "text")]
    pub id: FamilyId,
    /// Its live buckets.
    #[serde(with = "text::list")]
    pub buckets: Vec<DistributionBucketId>,
}

/// `GET /api/v1/channels/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelView {
    /// The channel.
    #[serde(with = "text")]
    pub id: ChannelId,
    /// Who owns it.
    #[serde(with = "text")]
    pub owner: MemberId,
}

/// `GET /api/v1/members/{id or handle}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// The member.
    #[serde(with = "text")]
    pub id: MemberId,
    /// Unique name.
    pub handle: String,
    /// Root and controller account.
    #[serde(with = "text")]
    pub account: AccountId,
}

/// An element of `GET /api/v1/policies`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// `Member` or `Channel`.
    pub bag_type: String,
    /// Storage buckets of a new bag.
    pub storage_buckets: u32,
    /// Distribution buckets of a new bag, by family.
    pub families: BTreeMap<String, u32>,
    /// Fee per megabyte that an upload must quote, in base units.
    #[serde(with = "text")]
    pub data_size_fee: u128,
    /// Bond per object that an upload must quote, in base units.
    #[serde(with = "text")]
    pub data_object_state_bloat_bond: u128,
}

/// A line of `GET /api/v1/blocks` with `Accept: application/x-ndjson`.
///
/// For people and scripts: it cannot be verified, which the binary form can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockView {
    /// Its height.
    pub height: u64,
    /// Hash of its header, hexadecimal.
    pub hash: String,
    /// Hash of the header one below, hexadecimal.
    pub parent: String,
    /// Its time, in milliseconds since 1970.
    pub time_ms: u64,
    /// Version of the rules that it was executed by.
    pub rules_version: u32,
    /// Root of the state after it, hexadecimal.
    pub state_root: String,
    /// Its randomness, hexadecimal.
    pub randomness: String,
    /// SCALE encodings of the block's own events, hexadecimal, in order.
    pub events: Vec<String>,
    /// Its transactions in order, failed ones too.
    pub transactions: Vec<TransactionView>,
}

/// A transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionView {
    /// Its hash, hexadecimal.
    pub hash: String,
    /// SCALE encoding, hexadecimal.
    pub bytes: String,
    /// Who signed.
    #[serde(with = "text")]
    pub signer: AccountId,
    /// The signer's nonce.
    pub nonce: u64,
    /// Nothing if the call succeeded, else why it was turned down.
    pub error: Option<RejectView>,
    /// SCALE encodings of the events, hexadecimal, in order.
    pub events: Vec<String>,
}
