//! `argosy group`: openings, applications, workers and money of a working group.

mod hiring;
mod manage;
mod money;
#[cfg(test)]
mod tests;
mod work;

pub(crate) use hiring::{FillOpening, OpeningTerms, TakenBack};
pub(crate) use manage::{ByLead, DecreaseStake, LeadOf, Managed, SetReward, Slash, Terminate, WorkerOf};

use crate::{
    complete,
    failure::{Failure, Outcome},
    network::{DirectoryArgs, Network},
    signed::Signed,
};
use argosy_api::{
    Wanted,
    directory::{GroupName, OpeningView, WorkerView},
};
use argosy_domain::{OpeningId, WorkerId, WorkingGroup};
use clap_complete::ArgValueCandidates;
use std::process::ExitCode;

/// Hire, pay and let go workers of a working group
#[derive(Debug, clap::Subcommand)]
pub(crate) enum GroupCommand {
    /// Look for workers (lead). Prints the opening's id
    #[command(
        after_help = "Example:\n  argosy group add-opening -g storage --stake 1000 --unstaking-period 7d --reward 50 --description-file opening.md"
    )]
    AddOpening(Signed<ByLead<OpeningTerms>>),
    /// Look for workers no longer (lead)
    #[command(after_help = "Example:\n  argosy group cancel-opening -g storage --opening 3")]
    CancelOpening(Signed<ByLead<TakenBack>>),
    /// Apply for an opening (member). Prints the application's id
    #[command(
        after_help = "Example:\n  argosy group apply -g storage --opening 3 --member alice --description 'Two racks in Lisbon'"
    )]
    Apply(Signed<hiring::Apply>),
    /// Take an application back (its role account)
    #[command(after_help = "Example:\n  argosy group withdraw-application -g storage --application 5")]
    WithdrawApplication(Signed<hiring::WithdrawApplication>),
    /// Hire applicants (lead). Prints the ids of the new workers
    #[command(after_help = "Example:\n  argosy group fill-opening -g storage --opening 3 --application 5 6")]
    FillOpening(Signed<ByLead<FillOpening>>),
    /// Change the account that signs for a worker (member)
    #[command(
        after_help = "Example:\n  argosy group set-role-account -g storage --worker 2 --account j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf"
    )]
    SetRoleAccount(Signed<work::SetRoleAccount>),
    /// Change the account that a worker is paid on (worker)
    #[command(
        after_help = "Example:\n  argosy group set-reward-account -g storage --worker 2 --account j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf"
    )]
    SetRewardAccount(Signed<work::SetRewardAccount>),
    /// Change what a worker earns (lead)
    #[command(after_help = "Example:\n  argosy group set-reward -g storage --worker 2 --reward 75")]
    SetReward(Signed<ByLead<SetReward<WorkerOf>>>),
    /// Stake more (worker)
    #[command(after_help = "Example:\n  argosy group increase-stake -g storage --worker 2 --amount 500")]
    IncreaseStake(Signed<work::IncreaseStake>),
    /// Give a part of a worker's stake back (lead)
    #[command(after_help = "Example:\n  argosy group decrease-stake -g storage --worker 2 --amount 500")]
    DecreaseStake(Signed<ByLead<DecreaseStake<WorkerOf>>>),
    /// Burn a part of a worker's stake (lead)
    #[command(after_help = "Example:\n  argosy group slash -g storage --worker 2 --amount 100")]
    Slash(Signed<ByLead<Slash<WorkerOf>>>),
    /// Let a worker go at once (lead)
    #[command(after_help = "Example:\n  argosy group terminate -g storage --worker 2 --slash 1000")]
    Terminate(Signed<ByLead<Terminate<WorkerOf>>>),
    /// Leave, to be gone after the unstaking period (worker)
    #[command(after_help = "Example:\n  argosy group leave -g storage --worker 2")]
    Leave(Signed<work::Leave>),
    /// Give money to a group (anybody)
    #[command(after_help = "Example:\n  argosy group fund-budget -g storage --amount 100000")]
    FundBudget(Signed<money::FundBudget>),
    /// Pay from the group's budget (lead)
    #[command(
        after_help = "Example:\n  argosy group spend -g storage --to j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf --amount 250"
    )]
    Spend(Signed<money::Spend>),
    /// Say what the state of the group is (lead); the directory keeps the hash of the text
    #[command(after_help = "Example:\n  argosy group set-status-text -g storage --file status.md")]
    SetStatusText(Signed<money::SetStatusText>),
    /// Put a remark into the ledger (lead)
    #[command(after_help = "Example:\n  argosy group lead-remark -g storage 'Maintenance on Sunday'")]
    LeadRemark(Signed<money::LeadRemark>),
    /// Put a remark into the ledger (worker)
    #[command(after_help = "Example:\n  argosy group remark -g storage --worker 2 'New disks are in'")]
    Remark(Signed<work::Remark>),
}

pub(crate) async fn run(directory: &DirectoryArgs, command: GroupCommand) -> Outcome<ExitCode> {
    match command {
        GroupCommand::AddOpening(it) => it.run(directory).await,
        GroupCommand::CancelOpening(it) => it.run(directory).await,
        GroupCommand::Apply(it) => it.run(directory).await,
        GroupCommand::WithdrawApplication(it) => it.run(directory).await,
        GroupCommand::FillOpening(it) => it.run(directory).await,
        GroupCommand::SetRoleAccount(it) => it.run(directory).await,
        GroupCommand::SetRewardAccount(it) => it.run(directory).await,
        GroupCommand::SetReward(it) => it.run(directory).await,
        GroupCommand::IncreaseStake(it) => it.run(directory).await,
        GroupCommand::DecreaseStake(it) => it.run(directory).await,
        GroupCommand::Slash(it) => it.run(directory).await,
        GroupCommand::Terminate(it) => it.run(directory).await,
        GroupCommand::Leave(it) => it.run(directory).await,
        GroupCommand::FundBudget(it) => it.run(directory).await,
        GroupCommand::Spend(it) => it.run(directory).await,
        GroupCommand::SetStatusText(it) => it.run(directory).await,
        GroupCommand::LeadRemark(it) => it.run(directory).await,
        GroupCommand::Remark(it) => it.run(directory).await,
    }
}

/// Which group
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct GroupArg {
    /// Working group: storage, distribution or attestation
    #[arg(short, long, value_name = "NAME", add = ArgValueCandidates::new(complete::groups))]
    group: GroupName,
}

impl GroupArg {
    pub(crate) const fn id(self) -> WorkingGroup {
        self.group.0
    }
}

/// The opening; a clear failure if there is none.
async fn opening(network: &Network, group: WorkingGroup, id: OpeningId) -> Outcome<OpeningView> {
    let thing = format!("opening {id} of the {} group", group.name());
    let page = network.directory.reader().openings(GroupName(group), &Wanted::first(1, Some(id))).await;
    let page = page.map_err(|error| Failure::directory(&thing, &error))?;
    let found = page.items.into_iter().find(|opening| opening.id == id);
    found.ok_or_else(|| Failure::refused("OPENING_DOES_NOT_EXIST", format!("there is no {thing}")))
}

/// The worker; a clear failure if there is none.
async fn worker(network: &Network, group: WorkingGroup, id: WorkerId) -> Outcome<WorkerView> {
    let thing = format!("worker {id} of the {} group", group.name());
    let found = network.directory.reader().worker(GroupName(group), id).await;
    let found = found.map_err(|error| Failure::directory(&thing, &error))?;
    found.ok_or_else(|| Failure::refused("WORKER_DOES_NOT_EXIST", format!("there is no {thing}")))
}

/// What the lead would ask for is the council's to decide.
fn council_decides(what: &str, command: &str) -> Failure {
    let message = format!("{what}: the council decides on that, see `argosy council propose {command}`");
    Failure::refused("BAD_ORIGIN", message)
}
