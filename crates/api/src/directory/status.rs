//! How a directory node is doing.

use crate::{node::FollowStatus, wire::wire};

wire! {
    /// `GET /api/v1/status` of a directory node.
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
        /// Its age by the node's clock, in milliseconds.
        #[serde(default)]
        pub lag_ms: u64,
        /// Seconds since the node started.
        pub uptime_seconds: u64,
        /// Transactions that wait for a block.
        pub pool_count: u64,
        /// Their bytes.
        #[serde(default)]
        pub pool_bytes: u64,
        /// Data objects in the directory.
        pub objects_count: u64,
        /// Streams of blocks that are open: who follows this node.
        #[serde(default)]
        pub followers_count: u64,
        /// Streams of events that are open.
        #[serde(default)]
        pub listeners_count: u64,
        /// Epoch of the sequencing keys.
        #[serde(default)]
        pub epoch: u64,
        /// Accounts whose keys sign blocks.
        #[serde(default)]
        pub sequencers: Vec<String>,
        /// Height of the newest checkpoint; 0 if there is none.
        #[serde(default)]
        pub checkpoint_height: u64,
        /// Height of the oldest block that is kept.
        #[serde(default)]
        pub oldest_block: u64,
        /// Whom this node follows; nothing of a sequencer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub follow: Option<FollowStatus>,
        /// Height that the standbys have confirmed; nothing if none are configured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub confirmed_height: Option<u64>,
        /// The index that transactions are found by: those of accounts, and the record of the leads.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub transaction_index: Option<TransactionIndexStatus>,
        /// The index that GraphQL is answered from; nothing if it is switched off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub graphql: Option<GraphqlStatus>,
    }
}

wire! {
    /// How far the index has come that GraphQL is answered from.
    pub struct GraphqlStatus {
        /// Height of the newest block in it.
        pub height: u64,
        /// Height of the state that it began with: what was before is not in it. 0 if nothing is missing.
        #[serde(default)]
        pub since: u64,
        /// Blocks of the ledger that are not in it yet.
        pub lag_blocks: u64,
        /// Whether it is being made anew; queries are then answered with an error.
        #[serde(default)]
        pub preparing: bool,
        /// Whether it could not be fed, as the node's log says.
        pub failing: bool,
    }
}

wire! {
    /// How far the index of transactions by account and lead has come.
    pub struct TransactionIndexStatus {
        /// Height of the newest block in it.
        pub height: u64,
        /// Height of the oldest block that was looked at; entries of older ones may be missing.
        pub first_height: u64,
        /// Blocks of the ledger that are not in it yet.
        pub lag_blocks: u64,
        /// Whether it could not be fed, as the node's log says.
        pub failing: bool,
    }
}
