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
    /// Whether it can prove to others whose node it is; those whom it cannot convince do not ask it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_of_role: Option<OwnProofView>,
    /// Which endpoints of others have proved it to this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<EndpointsView>,
}

wire! {
    /// Whether a node can prove whose it is.
    pub struct OwnProofView {
        /// Whether it can, as far as it knows.
        pub can_prove: bool,
        /// What is missing, if it cannot.
        pub trouble: Option<String>,
        /// Proofs given since the node started.
        pub answered_count: u64,
    }
}

wire! {
    /// What a node knows of the endpoints that others name in the directory.
    pub struct EndpointsView {
        /// Those that have proved whose they are.
        pub proven_count: u64,
        /// Those that have not, and are asked for nothing else.
        pub unproven_count: u64,
        /// Some of those with which something is wrong, at most 32.
        pub troubled: Vec<UnprovenView>,
    }
}

wire! {
    /// An endpoint that did not prove whose it is when it was last challenged.
    pub struct UnprovenView {
        /// Working group of the worker who names it.
        pub group: String,
        /// The worker.
        pub worker: u64,
        /// The root URL.
        pub endpoint: String,
        /// Whether it is still used, since it was proven not long ago.
        pub usable: bool,
        /// `silent`, `unable`, `other-worker`, `other-key`, `wrong-answer` or `changed-too-often`.
        pub why: String,
        /// When it may be challenged next, in seconds from now.
        pub next_in_seconds: u64,
    }
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
