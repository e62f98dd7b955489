//! Approvals.

use super::told;
use crate::{
    failure::{Failure, Outcome},
    network::Network,
    send::Role,
    signed::Plan,
};
use argosy_api::directory::CouncilView;
use argosy_directory::{Call, CouncilCall, Event};
use argosy_domain::ProposalId;

/// A proposal to approve
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Approve {
    /// Id of the proposal
    #[arg(value_name = "ID")]
    proposal: ProposalId,
}

/// A proposal that is approved no longer
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Withdraw {
    /// Id of the proposal
    #[arg(value_name = "ID")]
    proposal: ProposalId,
}

impl Plan for Approve {
    async fn plan(&self, _network: &Network) -> Outcome<(Role, Call)> {
        let proposal = self.proposal;
        Ok((Role::Approver(proposal), Call::Council(CouncilCall::Approve { proposal })))
    }

    async fn after(&self, network: &Network, events: &[Event]) -> Outcome<Vec<String>> {
        told(network, Some(self.proposal), events).await
    }
}

impl Plan for Withdraw {
    async fn plan(&self, _network: &Network) -> Outcome<(Role, Call)> {
        let proposal = self.proposal;
        Ok((Role::Approved(proposal), Call::Council(CouncilCall::Withdraw { proposal })))
    }

    async fn after(&self, network: &Network, events: &[Event]) -> Outcome<Vec<String>> {
        told(network, Some(self.proposal), events).await
    }
}

pub(super) async fn council(network: &Network) -> Outcome<CouncilView> {
    let council = network.directory.reader().council().await;
    council.map_err(|error| Failure::directory("the council", &error))
}
