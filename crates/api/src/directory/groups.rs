//! Working groups.

use super::text;
use crate::wire::{Schema, Schemas, wire};
use argosy_domain::{AccountId, ApplicationId, MemberId, OpeningId, WorkerId, WorkingGroup};
use serde_json::Value;
use std::{fmt, str::FromStr};

/// A working group by its name, such as `distribution`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupName(pub WorkingGroup);

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl FromStr for GroupName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = WorkingGroup::ALL.into_iter().find(|group| group.name() == text);
        found.map(Self).ok_or("expected the name of a working group, such as storage or distribution")
    }
}

impl Schema for GroupName {
    fn schema(all: &mut Schemas) -> Value {
        WorkingGroup::schema(all)
    }
}

wire! {
    /// `GET /api/v1/groups/{group}`.
    pub struct GroupView {
        /// The group.
        #[serde(with = "text")]
        pub name: GroupName,
        /// Its lead, if it has one.
        #[serde(with = "text::option")]
        pub lead: Option<WorkerId>,
        /// The account that signs for the lead.
        #[serde(with = "text::option")]
        pub lead_account: Option<AccountId>,
        /// What it can pay, in base units.
        #[serde(with = "text")]
        pub budget: u128,
        /// Workers, leaving ones included.
        pub workers_count: u64,
        /// Openings that are neither filled nor cancelled.
        pub openings_count: u64,
        /// Applications that neither succeeded nor were withdrawn.
        pub applications_count: u64,
        /// Block time at or after which rewards are due, in milliseconds.
        pub next_reward_ms: u64,
        /// Hash of what the lead says of the state of the group, hexadecimal.
        pub status_text: Option<String>,
    }

    /// An element of `GET /api/v1/groups/{group}/workers`.
    pub struct WorkerView {
        /// The worker.
        #[serde(with = "text")]
        pub id: WorkerId,
        /// The member hired.
        #[serde(with = "text")]
        pub member: MemberId,
        /// Whether it leads the group.
        pub is_lead: bool,
        /// Signs the worker's role calls.
        #[serde(with = "text")]
        pub role_account: AccountId,
        /// Receives rewards.
        #[serde(with = "text")]
        pub reward_account: AccountId,
        /// Whose balance holds the stake.
        #[serde(with = "text")]
        pub staking_account: AccountId,
        /// Held back there, in base units.
        #[serde(with = "text")]
        pub stake: u128,
        /// Earned in each full reward period, in base units.
        #[serde(with = "text")]
        pub reward_per_period: u128,
        /// Earned, but not paid for want of budget, in base units.
        #[serde(with = "text")]
        pub missed_reward: u128,
        /// From leaving to being gone, in milliseconds.
        pub unstaking_period_ms: u64,
        /// Block time at which it is gone, in milliseconds, once it is leaving.
        pub leaves_ms: Option<u64>,
        /// Block time of hiring, in milliseconds.
        pub hired_ms: u64,
    }

    /// An element of `GET /api/v1/groups/{group}/openings`.
    pub struct OpeningView {
        /// The opening.
        #[serde(with = "text")]
        pub id: OpeningId,
        /// `Regular` (workers, hired by the lead) or `Leader` (hired by the council).
        pub kind: String,
        /// Hash of its description, hexadecimal.
        pub description: String,
        /// Least stake of an application, in base units.
        #[serde(with = "text")]
        pub stake: u128,
        /// From leaving to being gone, in milliseconds.
        pub unstaking_period_ms: u64,
        /// Earned in each full reward period, in base units.
        #[serde(with = "text")]
        pub reward_per_period: u128,
        /// Block time of its making, in milliseconds.
        pub created_ms: u64,
    }

    /// An element of `GET /api/v1/groups/{group}/applications`.
    pub struct ApplicationView {
        /// The application.
        #[serde(with = "text")]
        pub id: ApplicationId,
        /// For which opening; it may be filled or cancelled since.
        #[serde(with = "text")]
        pub opening: OpeningId,
        /// Who wants to be hired.
        #[serde(with = "text")]
        pub member: MemberId,
        /// Will sign role calls.
        #[serde(with = "text")]
        pub role_account: AccountId,
        /// Will receive rewards.
        #[serde(with = "text")]
        pub reward_account: AccountId,
        /// Whose balance holds the stake.
        #[serde(with = "text")]
        pub staking_account: AccountId,
        /// Held back, in base units.
        #[serde(with = "text")]
        pub stake: u128,
        /// Hash of its description, hexadecimal.
        pub description: String,
    }
}
