//! Calls of a working group.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use super::Balance;
use crate::state::OpeningKind;
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_domain::{AccountId, ApplicationId, MemberId, OpeningId, WorkerId};
use codec::{Decode, Encode};

/// A working group: openings, workers, stakes and rewards.
///
/// "The manager" is the lead where a regular worker or opening is concerned, and the council where
/// the lead is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum GroupCall {
    /// By the manager. Holds the genesis' deposit back on the lead's staking account.
    #[codec(index = 0)]
    AddOpening {
        /// Who is looked for.
        kind: OpeningKind,
        /// Hash of a description.
        description: [u8; 32],
        /// Least stake of an application.
        stake: Balance,
        /// From leaving to being gone, in milliseconds.
        unstaking_period_ms: u64,
        /// Earned in each full reward period.
        reward_per_period: Option<Balance>,
    },
    /// By the manager. Applications stay until they are withdrawn.
    #[codec(index = 1)]
    CancelOpening {
        /// Which opening.
        opening: OpeningId,
    },
    /// By the member's controller account.
    #[codec(index = 2)]
    ApplyOnOpening {
        /// Which opening.
        opening: OpeningId,
        /// Who applies.
        member: MemberId,
        /// Will sign role calls.
        role_account: AccountId,
        /// Will receive rewards.
        reward_account: AccountId,
        /// Whose balance holds the stake: the member's controller or root account, or one that was
        /// confirmed for the member.
        staking_account: AccountId,
        /// At least what the opening asks for.
        stake: Balance,
        /// Hash of a description.
        description: [u8; 32],
    },
    /// By the application's role account: the stake is free again.
    #[codec(index = 3)]
    WithdrawApplication {
        /// Which application.
        application: ApplicationId,
    },
    /// By the manager: hires the applicants.
    #[codec(index = 4)]
    FillOpening {
        /// Which opening.
        opening: OpeningId,
        /// Successful applications, all for this opening.
        applications: BTreeSet<ApplicationId>,
    },
    /// By the member's controller account.
    #[codec(index = 5)]
    UpdateRoleAccount {
        /// Which worker.
        worker: WorkerId,
        /// Signs role calls from now on.
        account: AccountId,
    },
    /// By the role account.
    #[codec(index = 6)]
    UpdateRewardAccount {
        /// Which worker.
        worker: WorkerId,
        /// Receives rewards from now on.
        account: AccountId,
    },
    /// By the manager.
    #[codec(index = 7)]
    UpdateRewardAmount {
        /// Which worker.
        worker: WorkerId,
        /// Earned in each full reward period from now on.
        reward_per_period: Option<Balance>,
    },
    /// By the role account.
    #[codec(index = 8)]
    IncreaseStake {
        /// Which worker.
        worker: WorkerId,
        /// How much more.
        amount: Balance,
    },
    /// By the manager.
    #[codec(index = 9)]
    DecreaseStake {
        /// Which worker.
        worker: WorkerId,
        /// How much less.
        amount: Balance,
    },
    /// By the manager, at any time: burns up to this much of the stake.
    #[codec(index = 10)]
    SlashStake {
        /// Which worker.
        worker: WorkerId,
        /// At most this much.
        amount: Balance,
    },
    /// By the manager, unless the worker operates a bucket: gone at once.
    #[codec(index = 11)]
    TerminateRole {
        /// Which worker.
        worker: WorkerId,
        /// Burns up to this much of the stake.
        slash: Option<Balance>,
    },
    /// By the role account, unless the worker operates a bucket: gone after the unstaking period.
    #[codec(index = 12)]
    LeaveRole {
        /// Which worker.
        worker: WorkerId,
    },
    /// By anybody: gives money to the group.
    #[codec(index = 13)]
    FundBudget {
        /// How much.
        amount: Balance,
    },
    /// By the lead.
    #[codec(index = 14)]
    SpendFromBudget {
        /// Who receives it.
        to: AccountId,
        /// How much.
        amount: Balance,
    },
    /// By the lead: hash of a text on the state of the group.
    #[codec(index = 15)]
    SetStatusText {
        /// None for no text.
        hash: Option<[u8; 32]>,
    },
    /// By the lead.
    #[codec(index = 16)]
    LeadRemark {
        /// Anything.
        message: Vec<u8>,
    },
    /// By the role account.
    #[codec(index = 17)]
    WorkerRemark {
        /// Which worker.
        worker: WorkerId,
        /// Anything.
        message: Vec<u8>,
    },
}
