//! What the lead decides of workers, and the council of the lead.

use super::{GroupArg, council_decides, worker};
use crate::{
    failure::{Failure, Outcome},
    network::Network,
    send::Role,
    signed::Plan,
    values::{Amount, Reward},
};
use argosy_api::directory::GroupName;
use argosy_directory::{Call, GroupCall};
use argosy_domain::{WorkerId, WorkingGroup};

/// Something that a group's manager decides: the lead of workers, the council of the lead.
pub(crate) trait Managed {
    /// Of which group, and what.
    async fn decision(&self, network: &Network) -> Outcome<(WorkingGroup, GroupCall)>;
}

/// Signed by the lead
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ByLead<A: clap::Args> {
    #[command(flatten)]
    what: A,
}

impl<A: clap::Args + Managed> Plan for ByLead<A> {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let (group, call) = self.what.decision(network).await?;
        Ok((Role::Lead(group), Call::Group { group, call }))
    }
}

/// Whom a decision is about.
pub(crate) trait Subject {
    /// The worker. `command` says what is decided.
    async fn find(&self, network: &Network, command: &str) -> Outcome<(WorkingGroup, WorkerId)>;
}

/// A worker that does not lead
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct WorkerOf {
    #[command(flatten)]
    group: GroupArg,
    /// Id of the worker
    #[arg(short, long, value_name = "ID")]
    worker: WorkerId,
}

/// The lead
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct LeadOf {
    #[command(flatten)]
    group: GroupArg,
}

impl Subject for WorkerOf {
    async fn find(&self, network: &Network, command: &str) -> Outcome<(WorkingGroup, WorkerId)> {
        let group = self.group.id();
        if worker(network, group, self.worker).await?.is_lead {
            let what = format!("worker {} leads the {} group", self.worker, group.name());
            return Err(council_decides(&what, command));
        }
        Ok((group, self.worker))
    }
}

impl Subject for LeadOf {
    async fn find(&self, network: &Network, _command: &str) -> Outcome<(WorkingGroup, WorkerId)> {
        let group = self.group.id();
        let thing = format!("the {} group", group.name());
        let view = network.directory.reader().group(GroupName(group)).await;
        let view = view.map_err(|error| Failure::directory(&thing, &error))?;
        let missing = || Failure::refused("CURRENT_LEAD_NOT_SET", format!("{thing} has no lead"));
        Ok((group, view.lead.ok_or_else(missing)?))
    }
}

/// What somebody earns
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SetReward<W: clap::Args> {
    #[command(flatten)]
    whose: W,
    /// Earned in each full reward period from now on
    #[arg(long, value_name = "AMOUNT|none")]
    reward: Reward,
}

impl<W: clap::Args + Subject> Managed for SetReward<W> {
    async fn decision(&self, network: &Network) -> Outcome<(WorkingGroup, GroupCall)> {
        let reward_per_period = self.reward.on(network.genesis.profile)?;
        let (group, worker) = self.whose.find(network, "set-reward").await?;
        Ok((group, GroupCall::UpdateRewardAmount { worker, reward_per_period }))
    }
}

/// Stake given back
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DecreaseStake<W: clap::Args> {
    #[command(flatten)]
    whose: W,
    /// How much less
    #[arg(long, value_name = "AMOUNT")]
    amount: Amount,
}

impl<W: clap::Args + Subject> Managed for DecreaseStake<W> {
    async fn decision(&self, network: &Network) -> Outcome<(WorkingGroup, GroupCall)> {
        let amount = self.amount.on(network.genesis.profile)?;
        let (group, worker) = self.whose.find(network, "decrease-stake").await?;
        Ok((group, GroupCall::DecreaseStake { worker, amount }))
    }
}

/// Stake burned
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Slash<W: clap::Args> {
    #[command(flatten)]
    whose: W,
    /// How much of the stake is burned, at most all of it
    #[arg(long, value_name = "AMOUNT")]
    amount: Amount,
}

impl<W: clap::Args + Subject> Managed for Slash<W> {
    async fn decision(&self, network: &Network) -> Outcome<(WorkingGroup, GroupCall)> {
        let amount = self.amount.on(network.genesis.profile)?;
        let (group, worker) = self.whose.find(network, "slash").await?;
        Ok((group, GroupCall::SlashStake { worker, amount }))
    }
}

/// Somebody let go
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Terminate<W: clap::Args> {
    #[command(flatten)]
    whose: W,
    /// How much of the stake is burned, at most all of it; none unless given
    #[arg(long, value_name = "AMOUNT")]
    slash: Option<Amount>,
}

impl<W: clap::Args + Subject> Managed for Terminate<W> {
    async fn decision(&self, network: &Network) -> Outcome<(WorkingGroup, GroupCall)> {
        let slash = self.slash.map(|amount| amount.on(network.genesis.profile)).transpose()?;
        let (group, worker) = self.whose.find(network, "terminate").await?;
        Ok((group, GroupCall::TerminateRole { worker, slash }))
    }
}
