//! What workers do of their own.

use super::{GroupArg, worker};
use crate::{
    failure::Outcome,
    network::Network,
    send::Role,
    signed::Plan,
    values::{AccountArg, Amount},
};
use argosy_directory::{Call, GroupCall};
use argosy_domain::WorkerId;

/// A worker who signs
#[derive(Clone, Copy, Debug, clap::Args)]
struct Me {
    #[command(flatten)]
    group: GroupArg,
    /// Id of the worker
    #[arg(short, long, value_name = "ID")]
    worker: WorkerId,
}

impl Me {
    fn signs(self, call: GroupCall) -> (Role, Call) {
        let group = self.group.id();
        (Role::Worker(group, self.worker), Call::Group { group, call })
    }
}

/// Another role account
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct SetRoleAccount {
    #[command(flatten)]
    me: Me,
    /// Signs for the worker from now on
    #[arg(long, value_name = "ACCOUNT")]
    account: AccountArg,
}

impl Plan for SetRoleAccount {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let (group, id) = (self.me.group.id(), self.me.worker);
        let account = self.account.on(network.genesis.profile)?;
        // The role account may be lost: the member decides.
        let member = worker(network, group, id).await?.member;
        let call = GroupCall::UpdateRoleAccount { worker: id, account };
        Ok((Role::Member(member), Call::Group { group, call }))
    }
}

/// Another reward account
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct SetRewardAccount {
    #[command(flatten)]
    me: Me,
    /// Is paid from now on
    #[arg(long, value_name = "ACCOUNT")]
    account: AccountArg,
}

impl Plan for SetRewardAccount {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let account = self.account.on(network.genesis.profile)?;
        Ok(self.me.signs(GroupCall::UpdateRewardAccount { worker: self.me.worker, account }))
    }
}

/// More stake
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct IncreaseStake {
    #[command(flatten)]
    me: Me,
    /// How much more
    #[arg(long, value_name = "AMOUNT")]
    amount: Amount,
}

impl Plan for IncreaseStake {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let amount = self.amount.on(network.genesis.profile)?;
        Ok(self.me.signs(GroupCall::IncreaseStake { worker: self.me.worker, amount }))
    }
}

/// An end
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Leave {
    #[command(flatten)]
    me: Me,
}

impl Plan for Leave {
    async fn plan(&self, _network: &Network) -> Outcome<(Role, Call)> {
        Ok(self.me.signs(GroupCall::LeaveRole { worker: self.me.worker }))
    }
}

/// A remark
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Remark {
    #[command(flatten)]
    me: Me,
    /// Anything
    #[arg(value_name = "TEXT")]
    message: String,
}

impl Plan for Remark {
    async fn plan(&self, _network: &Network) -> Outcome<(Role, Call)> {
        let message = self.message.clone().into_bytes();
        Ok(self.me.signs(GroupCall::WorkerRemark { worker: self.me.worker, message }))
    }
}
