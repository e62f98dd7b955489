//! What storage nodes and distributors say about themselves.

use crate::{directory::text, wire::wire};
use argosy_domain::DataObjectId;
use serde::{Deserialize, Serialize};

wire! {
    /// How far a node's copy of the directory is behind.
    pub struct FollowStatus {
        /// Directory node that is being followed.
        pub url: String,
        /// Whether blocks arrive now.
        pub connected: bool,
        /// Height of the newest block applied.
        pub height: u64,
        /// Age of that block when the status was made, in milliseconds.
        pub lag_ms: u64,
        /// Epoch of the sequencing keys that signed it.
        #[serde(default)]
        pub epoch: u64,
        /// Why nothing is followed, if nothing is.
        pub halted: Option<String>,
        /// What people should look at, though following goes on.
        #[serde(default)]
        pub alarm: Option<String>,
        /// All directory nodes that it knows, in the order of its configuration.
        #[serde(default)]
        pub upstreams: Vec<UpstreamStatus>,
    }
}

wire! {
    /// A directory node as one sees it that could follow it.
    pub struct UpstreamStatus {
        /// Its root URL.
        pub url: String,
        /// Height of its newest block, when it was last asked.
        pub height: Option<u64>,
        /// Whether its blocks are the same as here, as far as both have them.
        pub agrees: Option<bool>,
        /// Why it is left alone for a while, or could not be asked.
        pub trouble: Option<String>,
    }
}

/// `GET /api/v1/status` of a storage node or distributor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// Version of the program.
    pub version: String,
    /// `storage` or `distribution`.
    pub role: String,
    /// Name that the operator gave the node.
    pub id: String,
    /// The worker that operates it; a distributor may be told its buckets instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<u64>,
    /// Buckets that it serves, as texts.
    pub buckets: Vec<String>,
    /// Seconds since the node started.
    pub uptime_seconds: u64,
    /// Its copy of the directory.
    pub directory: FollowStatus,
    /// Complete objects on its disk.
    pub objects_count: u64,
    /// Bytes on its disk, those of partial objects included.
    pub bytes_used: u64,
    /// Most bytes that it may use, if bounded.
    pub bytes_limit: Option<u64>,
    /// Accepted objects of its bags that it should hold and does not; storage nodes only.
    pub missing_count: u64,
    /// Transfers under way.
    pub transfers_count: u64,
    /// Bytes of objects that it has sent since it started, proofs not counted.
    pub bytes_sent: u64,
    /// Bytes of objects that it has fetched from other nodes since it started, proofs not counted.
    pub bytes_fetched: u64,
    /// How far it is with what it fetches before anybody asks for it; distributors only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUpView>,
}

wire! {
    /// How far a distributor is with fetching what it is to deliver and did not hold when it started, or
    /// when it got new buckets.
    pub struct WarmUpView {
        /// `off`, `waiting` for the directory, `asking` other distributors what is popular, `running`,
        /// `paused` while readers wait, or `done`.
        pub state: String,
        /// Objects to fetch, as far as known.
        pub total: u64,
        /// Of these, those that need nothing more: fetched, here already, without room, or given up.
        pub done: u64,
        /// Bytes fetched for it.
        pub bytes: u64,
    }
}

wire! {
    /// `GET /api/v1/popular` of a distributor: what it is asked for most.
    pub struct PopularView {
        /// The most popular first.
        pub objects: Vec<PopularObject>,
    }
}

wire! {
    /// An object and how often it was asked for.
    pub struct PopularObject {
        /// The object.
        #[serde(with = "text")]
        pub id: DataObjectId,
        /// Uses, as the node counts them; good for comparing with others of the same answer.
        pub count: u64,
    }
}

/// `GET /api/v1/version` of a storage node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    /// Version of the program.
    pub version: String,
    /// Name and version, as in a `User-Agent`.
    pub user_agent: String,
}

/// Answer to a finished upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedView {
    /// Content id of the object.
    pub id: String,
}
