//! Calls of the council.

use super::{
    Told, groups,
    phrases::{counted, grouped, named, period, quoted, size, time, units},
    told,
};
use argosy_directory::{CouncilAction, CouncilCall, call::Parameter};
use argosy_domain::AccountId;

told!(CouncilCall {
    Propose { action } => ("propose to the council: {}", action.told());
    Approve { proposal } => ("approve proposal {proposal} of the council");
    Withdraw { proposal } => ("take back the approval of proposal {proposal} of the council");
});

told!(CouncilAction {
    Group { group, call } => ("{}", groups::told(*group, call));
    FundGroup { group, amount } => ("issue {} into the budget of the {} group", units(*amount), group.name());
    SetGroupBudget { group, amount } => ("set the budget of the {} group to {}", group.name(), units(*amount));
    Grant { to, amount, locked } => ("issue {} to {to}{}", units(*amount), locked_or_not(*locked));
    PublishRelease { program, version, run_by_ms } => (
        "publish release {} of {}, to be run from {} on", quoted(version), quoted(program), time(*run_by_ms),
    );
    SetParameter { parameter } => ("set {}", parameter.told());
    ReplaceKeys { keys, threshold } => (
        "replace the council's keys by {}, with {} to carry a proposal out",
        named("key", keys), counted(*threshold, "approval"),
    );
    SetSecretary { account } => ("{}", secretary(*account));
});

impl Told for Parameter {
    fn told(&self) -> String {
        let (name, value) = match *self {
            Self::TransactionFee(fee) => ("the fee of a transaction", units(fee)),
            Self::TransactionByteFee(fee) => ("the fee for each byte of a transaction", units(fee)),
            Self::TransactionWeightFee(fee) => {
                ("the fee for each record that a transaction may touch", units(fee))
            }
            Self::MaxDataObjectSize(bytes) => ("the largest size of a data object", size(bytes)),
            Self::MaxDistributionBucketFamilies(count) => {
                ("the most distribution bucket families", number(count))
            }
            Self::BlacklistSizeLimit(count) => ("the most content ids on the blacklist", number(count)),
            Self::MaxStorageBucketsPerWorker(count) => {
                ("the most storage buckets of a worker", number(count))
            }
            Self::MaxAssetsPerSet(count) => ("the most objects of an asset set", number(count)),
            Self::MaxWorkersPerGroup(count) => ("the most workers of a group", number(count)),
            Self::RewardPeriodMs(time_ms) => ("the time between rewards", period(time_ms)),
            Self::MinUnstakingPeriodMs(time_ms) => {
                ("the shortest unstaking period of an opening", period(time_ms))
            }
            Self::MinApplicationStake(stake) => ("the least stake that an opening asks for", units(stake)),
            Self::OpeningDeposit(deposit) => ("the deposit for an opening", units(deposit)),
            Self::ResignationNoticeMs(time_ms) => ("the notice of an operator who resigns", period(time_ms)),
            Self::ProposalLifeMs(time_ms) => ("the life of a proposal", period(time_ms)),
        };
        format!("{name} to {value}")
    }
}

fn number(count: impl Into<u128>) -> String {
    grouped(count.into())
}

/// What issued money may be used for.
pub(super) const fn locked_or_not(locked: bool) -> &'static str {
    if locked { ", for fees and bonds only" } else { "" }
}

fn secretary(account: Option<AccountId>) -> String {
    match account {
        Some(account) => format!("make {account} the council's secretary"),
        None => "let the council have no secretary".to_owned(),
    }
}
