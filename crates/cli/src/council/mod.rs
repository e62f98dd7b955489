//! `argosy council`: proposals and approvals. `argosy releases publish`: a proposal that is frequent.

mod actions;
mod parameters;
mod propose;
#[cfg(test)]
mod tests;
mod vote;

pub(crate) use propose::ProposeCommand;

use crate::{
    failure::Outcome,
    network::{DirectoryArgs, Network},
    signed::Signed,
};
use argosy_api::words;
use argosy_directory::Event;
use argosy_domain::ProposalId;
use propose::Propose;
use std::process::ExitCode;

/// Propose, approve and withdraw what the council does
#[derive(Debug, clap::Subcommand)]
pub(crate) enum CouncilCommand {
    /// Propose an action and approve it. Prints the proposal's id
    #[command(subcommand)]
    Propose(ProposeCommand),
    /// Approve a proposal. The approval that reaches the threshold carries it out
    #[command(after_help = "Example:\n  argosy council approve 4")]
    Approve(Signed<vote::Approve>),
    /// Take an approval back
    #[command(after_help = "Example:\n  argosy council withdraw 4")]
    Withdraw(Signed<vote::Withdraw>),
}

/// Tell operators which version of a program to run
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ReleaseCommand {
    /// Propose a release to the council, as `argosy council propose publish-release` does
    #[command(after_help = "Example:\n  argosy releases publish argosy 1.2.0 --run-by 2d")]
    Publish(Signed<Propose<actions::PublishRelease>>),
}

pub(crate) async fn run(directory: &DirectoryArgs, command: CouncilCommand) -> Outcome<ExitCode> {
    match command {
        CouncilCommand::Propose(command) => propose::run(directory, command).await,
        CouncilCommand::Approve(it) => it.run(directory).await,
        CouncilCommand::Withdraw(it) => it.run(directory).await,
    }
}

pub(crate) async fn releases(directory: &DirectoryArgs, command: ReleaseCommand) -> Outcome<ExitCode> {
    let ReleaseCommand::Publish(it) = command;
    it.run(directory).await
}

/// How a proposal stands after these events, for people.
async fn told(network: &Network, proposal: Option<ProposalId>, events: &[Event]) -> Outcome<Vec<String>> {
    let proposed = |event: &Event| {
        if let Event::CouncilProposed { proposal, .. } = event { Some(*proposal) } else { None }
    };
    let Some(id) = proposal.or_else(|| events.iter().find_map(proposed)) else { return Ok(Vec::new()) };
    if events.iter().any(|event| matches!(event, Event::CouncilExecuted { .. })) {
        return Ok(vec![format!("proposal {id} was carried out")]);
    }
    if events.iter().any(|event| matches!(event, Event::CouncilProposalLapsed { .. })) {
        return Ok(vec![format!("proposal {id} is gone: nobody approves it")]);
    }
    let council = vote::council(network).await?;
    let threshold = council.threshold;
    let open = council.proposals.into_iter().find(|open| open.id == id);
    // Somebody else may have been quicker than this look.
    let Some(open) = open else { return Ok(vec![format!("proposal {id} is not open any more")]) };
    Ok(vec![format!(
        "proposal {id} ({}) has {} of {threshold} approvals: others approve it with `argosy council approve {id}`",
        words::spaced(&open.action),
        open.approvals.len()
    )])
}
