//! Blocks, transactions, events, and what a lead did.

use super::text;
use crate::wire::wire;
use argosy_domain::AccountId;
use serde_json::{Map, Value};

wire! {
    /// What became of a transaction.
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

    /// What a transaction would do if it were the first of the next block.
    pub struct CheckView {
        /// Time of the newest block, in milliseconds since 1970.
        pub block_time_ms: u64,
        /// Its age by the node's clock, in milliseconds.
        pub lag_ms: u64,
        /// What it would cost its signer, tip included, in base units.
        #[serde(with = "text")]
        pub fee: u128,
        /// Whether it would get into a block. If not, it would cost nothing.
        pub enters: bool,
        /// Nothing if the call would succeed, else why not.
        pub error: Option<RejectView>,
        /// SCALE encodings of the events that there would be, hexadecimal, in order. What is chosen by
        /// chance, such as the buckets of a new bag, may come out otherwise.
        pub events: Vec<String>,
    }

    /// Why a call was turned down.
    pub struct RejectView {
        /// Stable number.
        pub number: u16,
        /// Stable name.
        pub code: String,
        /// One sentence.
        pub message: String,
    }

    /// A line of `GET /api/v1/blocks` with `Accept: application/x-ndjson`.
    ///
    /// For people and scripts: it cannot be verified, which the binary form can.
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
        /// Paid beside the fee, in base units.
        #[serde(with = "text")]
        pub tip: u128,
        /// Nothing if the call succeeded, else why it was turned down.
        pub error: Option<RejectView>,
        /// SCALE encodings of the events, hexadecimal, in order.
        pub events: Vec<String>,
    }

    /// The data of a message of `GET /api/v1/events`.
    pub struct EventView {
        /// Height of its block.
        pub height: u64,
        /// Position among all events of the block, from 0.
        pub index: u32,
        /// Time of the block, in milliseconds since 1970.
        pub time_ms: u64,
        /// Hash of the transaction that caused it, hexadecimal; nothing if the block itself did.
        pub transaction: Option<String>,
        /// What happened, such as `DataObjectsUploaded`.
        pub kind: String,
        /// The event's fields by name. Integers beyond 2^53 are texts; bytes are their text if they are
        /// one, else `0x` and hexadecimal digits.
        pub fields: Map<String, Value>,
    }

    /// A transaction that an account signed: an element of `GET /api/v1/accounts/{address}/transactions`,
    /// and of a lead's record.
    pub struct RecordView {
        /// Hash of the transaction, hexadecimal.
        pub hash: String,
        /// Height of its block; for one that was refused before, of the newest block then.
        pub height: u64,
        /// Position in the block; nothing for one that was refused before.
        pub index: Option<u32>,
        /// Number in the refusal log; nothing for one in a block.
        pub refusal: Option<u64>,
        /// Time of the block, or of the refusal, in milliseconds since 1970.
        pub time_ms: u64,
        /// Who signed.
        #[serde(with = "text")]
        pub signer: AccountId,
        /// The signer's nonce.
        pub nonce: u64,
        /// Paid beside the fee, in base units; of a refused one, offered.
        #[serde(with = "text")]
        pub tip: u128,
        /// The call by module and name, such as `distribution.createDistributionBucket`.
        pub call: String,
        /// The call in words, such as `create distribution bucket`.
        pub words: String,
        /// The call's arguments by name, written as the fields of events are.
        pub arguments: Map<String, Value>,
        /// `succeeded`, `failed` (in a block, without effect) or `refused` (in no block).
        pub result: String,
        /// Why it failed or was refused.
        pub error: Option<RejectView>,
        /// Of a refusal: the signed entry of the refusal log, hexadecimal.
        pub proof: Option<String>,
    }

    /// `GET /api/v1/groups/{group}/lead-log`.
    pub struct LeadLogView {
        /// Entries by height, those of blocks first.
        pub entries: Vec<RecordView>,
        /// Height of the first block that was searched.
        pub first_height: u64,
        /// Height of the last one; entries of later blocks are still to come.
        pub last_height: u64,
        /// Whether older entries had to be forgotten, or blocks cannot be read any more.
        pub truncated: bool,
        /// `from` of the next page, if there is more.
        pub next: Option<String>,
    }
}
