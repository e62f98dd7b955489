//! Calls of the council, by its keys, and what it may do.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use super::{Balance, GroupCall};
use alloc::{collections::BTreeSet, string::String};
use argosy_domain::{AccountId, ProposalId, WorkingGroup};
use codec::{Decode, Encode};

/// The council, by its keys.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CouncilCall {
    /// Proposes an action and approves it. With a threshold of one it is carried out at once.
    #[codec(index = 0)]
    Propose {
        /// What is to be done.
        action: CouncilAction,
    },
    /// Approves. The approval that reaches the threshold carries the action out, and fails with its
    /// reason if that is not possible now.
    #[codec(index = 1)]
    Approve {
        /// Which proposal.
        proposal: ProposalId,
    },
    /// Takes an approval back. A proposal that nobody approves is gone.
    #[codec(index = 2)]
    Withdraw {
        /// Which proposal.
        proposal: ProposalId,
    },
}

/// What the council may do.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CouncilAction {
    /// Acts as the manager of a group's lead.
    #[codec(index = 0)]
    Group {
        /// Which group.
        group: WorkingGroup,
        /// What is asked of it.
        call: GroupCall,
    },
    /// Issues money into a group's budget.
    #[codec(index = 1)]
    FundGroup {
        /// Which group.
        group: WorkingGroup,
        /// How much.
        amount: Balance,
    },
    /// Sets a group's budget, issuing or burning the difference.
    #[codec(index = 2)]
    SetGroupBudget {
        /// Which group.
        group: WorkingGroup,
        /// What it has afterwards.
        amount: Balance,
    },
    /// Issues money to an account.
    #[codec(index = 3)]
    Grant {
        /// Who receives it.
        to: AccountId,
        /// How much.
        amount: Balance,
        /// Whether it is for fees and bonds only.
        locked: bool,
    },
    /// Tells which version of a program nodes must run.
    #[codec(index = 4)]
    PublishRelease {
        /// Name of the program: 1 to 64 bytes.
        program: String,
        /// Its version: 1 to 64 bytes.
        version: String,
        /// Block time from which nodes are judged by it, in milliseconds.
        run_by_ms: u64,
    },
    /// Changes a parameter of the genesis that is meant to change.
    #[codec(index = 5)]
    SetParameter {
        /// Which one, and to what.
        parameter: Parameter,
    },
    /// Replaces the keys. Open proposals lose the approvals of keys that go.
    #[codec(index = 6)]
    ReplaceKeys {
        /// All keys from now on.
        keys: BTreeSet<AccountId>,
        /// Approvals that carry a proposal out, from 1 to the number of keys.
        threshold: u32,
    },
    /// Names who acts for the council's static bag.
    #[codec(index = 7)]
    SetSecretary {
        /// None for nobody.
        account: Option<AccountId>,
    },
}

/// A parameter that the council may change, with its new value. See [`crate::Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[expect(missing_docs, reason = "named as the fields of the parameters, whose docs say what they are")]
pub enum Parameter {
    #[codec(index = 0)]
    TransactionFee(Balance),
    #[codec(index = 1)]
    TransactionByteFee(Balance),
    #[codec(index = 2)]
    TransactionWeightFee(Balance),
    #[codec(index = 3)]
    MaxDataObjectSize(u64),
    #[codec(index = 4)]
    MaxDistributionBucketFamilies(u64),
    #[codec(index = 5)]
    BlacklistSizeLimit(u64),
    #[codec(index = 6)]
    MaxStorageBucketsPerWorker(u32),
    #[codec(index = 7)]
    MaxAssetsPerSet(u32),
    #[codec(index = 8)]
    MaxWorkersPerGroup(u32),
    #[codec(index = 9)]
    RewardPeriodMs(u64),
    #[codec(index = 10)]
    MinUnstakingPeriodMs(u64),
    #[codec(index = 11)]
    MinApplicationStake(Balance),
    #[codec(index = 12)]
    OpeningDeposit(Balance),
    #[codec(index = 13)]
    ResignationNoticeMs(u64),
    #[codec(index = 14)]
    ProposalLifeMs(u64),
}
