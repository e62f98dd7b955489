//! The council, its proposals and releases.

use super::text;
use crate::wire::wire;
use argosy_domain::{AccountId, ProposalId, ReleaseId};
use serde_json::{Map, Value};

wire! {
    /// `GET /api/v1/council`.
    pub struct CouncilView {
        /// Who may propose and approve.
        #[serde(with = "text::list")]
        pub keys: Vec<AccountId>,
        /// Approvals that carry a proposal out.
        pub threshold: u32,
        /// Acts for the council's static bag.
        #[serde(with = "text::option")]
        pub secretary: Option<AccountId>,
        /// Proposals that are open.
        pub proposals: Vec<ProposalView>,
    }

    /// An open proposal.
    pub struct ProposalView {
        /// The proposal.
        #[serde(with = "text")]
        pub id: ProposalId,
        /// What is to be done, such as `fundGroup`.
        pub action: String,
        /// Its arguments by name, written as the fields of events are.
        pub arguments: Map<String, Value>,
        /// Keys that approved.
        #[serde(with = "text::list")]
        pub approvals: Vec<AccountId>,
        /// Void from this block time on, in milliseconds.
        pub expires_ms: u64,
    }

    /// An element of `GET /api/v1/releases`: a version of a program that nodes must run.
    pub struct ReleaseView {
        /// The release.
        #[serde(with = "text")]
        pub id: ReleaseId,
        /// Which program.
        pub program: String,
        /// Which version of it.
        pub version: String,
        /// Block time of its publication, in milliseconds.
        pub published_ms: u64,
        /// Block time from which nodes are judged by it, in milliseconds.
        pub run_by_ms: u64,
    }
}
