//! Proposals: one subcommand for each action.

use super::{
    actions::{FundGroup, Grant, LeadOpening, PublishRelease, ReplaceKeys, SetGroupBudget, SetSecretary},
    parameters::SetParameter,
    told,
};
use crate::{
    failure::Outcome,
    groups::{DecreaseStake, FillOpening, LeadOf, Managed, SetReward, Slash, TakenBack, Terminate},
    network::{DirectoryArgs, Network},
    send::Role,
    signed::{Plan, Signed},
};
use argosy_directory::{Call, CouncilAction, CouncilCall, Event};
use std::process::ExitCode;

/// Propose an action and approve it
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ProposeCommand {
    /// Look for a lead of a group
    #[command(
        after_help = "Example:\n  argosy council propose add-opening -g storage --stake 5000 --unstaking-period 21d --reward 200 --description-file lead.md"
    )]
    AddOpening(Signed<Propose<LeadOpening>>),
    /// Look for a lead no longer
    #[command(after_help = "Example:\n  argosy council propose cancel-opening -g storage --opening 0")]
    CancelOpening(Signed<Propose<OfOpening<TakenBack>>>),
    /// Hire an applicant as the lead
    #[command(
        alias = "fill-opening",
        after_help = "Example:\n  argosy council propose hire-lead -g storage --opening 0 --application 2"
    )]
    HireLead(Signed<Propose<OfOpening<FillOpening>>>),
    /// Change what a lead earns
    #[command(after_help = "Example:\n  argosy council propose set-reward -g storage --reward 250")]
    SetReward(Signed<Propose<OfLead<SetReward<LeadOf>>>>),
    /// Give a part of a lead's stake back
    #[command(after_help = "Example:\n  argosy council propose decrease-stake -g storage --amount 500")]
    DecreaseStake(Signed<Propose<OfLead<DecreaseStake<LeadOf>>>>),
    /// Burn a part of a lead's stake
    #[command(after_help = "Example:\n  argosy council propose slash -g storage --amount 500")]
    Slash(Signed<Propose<OfLead<Slash<LeadOf>>>>),
    /// Let a lead go at once
    #[command(after_help = "Example:\n  argosy council propose terminate -g storage --slash 5000")]
    Terminate(Signed<Propose<OfLead<Terminate<LeadOf>>>>),
    /// Issue money into a group's budget
    #[command(after_help = "Example:\n  argosy council propose fund-group -g storage --amount 100000")]
    FundGroup(Signed<Propose<FundGroup>>),
    /// Set a group's budget, issuing or burning the difference
    #[command(after_help = "Example:\n  argosy council propose set-group-budget -g storage --amount 100000")]
    SetGroupBudget(Signed<Propose<SetGroupBudget>>),
    /// Issue money to an account
    #[command(
        after_help = "Example:\n  argosy council propose grant --to j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf --amount 10000 --locked"
    )]
    Grant(Signed<Propose<Grant>>),
    /// Tell operators which version of a program to run
    #[command(after_help = "Example:\n  argosy council propose publish-release argosy 1.2.0 --run-by 2d")]
    PublishRelease(Signed<Propose<PublishRelease>>),
    /// Change a parameter of the network
    #[command(
        after_help = "Examples:\n  argosy council propose set-parameter max-workers-per-group 50\n  argosy council propose set-parameter reward-period-ms 12h"
    )]
    SetParameter(Signed<Propose<SetParameter>>),
    /// Replace the council's keys
    #[command(
        after_help = "Example:\n  argosy council propose replace-keys --threshold 2 j4W7rV… j4UYhD… j4RUGR…"
    )]
    ReplaceKeys(Signed<Propose<ReplaceKeys>>),
    /// Name who acts for the council's bag
    #[command(
        after_help = "Example:\n  argosy council propose set-secretary j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf"
    )]
    SetSecretary(Signed<Propose<SetSecretary>>),
}

/// Something that the council may do.
pub(super) trait Act {
    async fn action(&self, network: &Network) -> Outcome<CouncilAction>;
}

/// Proposed by a key of the council
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Propose<A: clap::Args> {
    #[command(flatten)]
    action: A,
}

impl<A: clap::Args + Act> Plan for Propose<A> {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let action = self.action.action(network).await?;
        Ok((Role::Council, Call::Council(CouncilCall::Propose { action })))
    }

    async fn after(&self, network: &Network, events: &[Event]) -> Outcome<Vec<String>> {
        told(network, None, events).await
    }
}

/// About the lead of a group
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct OfLead<A: clap::Args> {
    #[command(flatten)]
    decision: A,
}

impl<A: clap::Args + Managed> Act for OfLead<A> {
    async fn action(&self, network: &Network) -> Outcome<CouncilAction> {
        let (group, call) = self.decision.decision(network).await?;
        Ok(CouncilAction::Group { group, call })
    }
}

/// About an opening for a lead
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct OfOpening<A: clap::Args> {
    #[command(flatten)]
    decision: A,
}

impl Act for OfOpening<TakenBack> {
    async fn action(&self, _network: &Network) -> Outcome<CouncilAction> {
        let (group, call) = self.decision.call();
        Ok(CouncilAction::Group { group, call })
    }
}

impl Act for OfOpening<FillOpening> {
    async fn action(&self, _network: &Network) -> Outcome<CouncilAction> {
        let (group, call) = self.decision.call();
        Ok(CouncilAction::Group { group, call })
    }
}

pub(super) async fn run(directory: &DirectoryArgs, command: ProposeCommand) -> Outcome<ExitCode> {
    match command {
        ProposeCommand::AddOpening(it) => it.run(directory).await,
        ProposeCommand::CancelOpening(it) => it.run(directory).await,
        ProposeCommand::HireLead(it) => it.run(directory).await,
        ProposeCommand::SetReward(it) => it.run(directory).await,
        ProposeCommand::DecreaseStake(it) => it.run(directory).await,
        ProposeCommand::Slash(it) => it.run(directory).await,
        ProposeCommand::Terminate(it) => it.run(directory).await,
        ProposeCommand::FundGroup(it) => it.run(directory).await,
        ProposeCommand::SetGroupBudget(it) => it.run(directory).await,
        ProposeCommand::Grant(it) => it.run(directory).await,
        ProposeCommand::PublishRelease(it) => it.run(directory).await,
        ProposeCommand::SetParameter(it) => it.run(directory).await,
        ProposeCommand::ReplaceKeys(it) => it.run(directory).await,
        ProposeCommand::SetSecretary(it) => it.run(directory).await,
    }
}
