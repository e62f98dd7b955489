//! What a group can pay, and what its lead says of it.

use super::GroupArg;
use crate::{
    failure::Outcome,
    network::Network,
    send::Role,
    signed::Plan,
    values::{AccountArg, Amount, hash_of},
};
use argosy_directory::{Call, GroupCall};
use std::path::PathBuf;

/// Money for a group
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct FundBudget {
    #[command(flatten)]
    group: GroupArg,
    /// How much
    #[arg(long, value_name = "AMOUNT")]
    amount: Amount,
    /// Account that pays; that of the first key at hand unless given
    #[arg(long, value_name = "ACCOUNT")]
    from: Option<AccountArg>,
}

impl Plan for FundBudget {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let (group, profile) = (self.group.id(), network.genesis.profile);
        let call = GroupCall::FundBudget { amount: self.amount.on(profile)? };
        let from = self.from.map(|account| account.on(profile)).transpose()?;
        Ok((from.map_or(Role::Anybody, Role::Account), Call::Group { group, call }))
    }
}

/// Money from a group
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Spend {
    #[command(flatten)]
    group: GroupArg,
    /// Who receives it
    #[arg(long, value_name = "ACCOUNT")]
    to: AccountArg,
    /// How much
    #[arg(long, value_name = "AMOUNT")]
    amount: Amount,
}

impl Plan for Spend {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let (group, profile) = (self.group.id(), network.genesis.profile);
        let call = GroupCall::SpendFromBudget { to: self.to.on(profile)?, amount: self.amount.on(profile)? };
        Ok((Role::Lead(group), Call::Group { group, call }))
    }
}

/// The state of a group
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SetStatusText {
    #[command(flatten)]
    group: GroupArg,
    #[command(flatten)]
    status: Status,
}

/// Where the text is
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Status {
    /// The text; the directory keeps its BLAKE3 hash only
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// File with the text
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// There is no text any more
    #[arg(long)]
    clear: bool,
}

impl Plan for SetStatusText {
    async fn plan(&self, _network: &Network) -> Outcome<(Role, Call)> {
        let (group, Status { text, file, clear }) = (self.group.id(), &self.status);
        let hash = if *clear { None } else { Some(hash_of(text.as_deref(), file.as_deref())?) };
        Ok((Role::Lead(group), Call::Group { group, call: GroupCall::SetStatusText { hash } }))
    }
}

/// A remark
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LeadRemark {
    #[command(flatten)]
    group: GroupArg,
    /// Anything
    #[arg(value_name = "TEXT")]
    message: String,
}

impl Plan for LeadRemark {
    async fn plan(&self, _network: &Network) -> Outcome<(Role, Call)> {
        let (group, message) = (self.group.id(), self.message.clone().into_bytes());
        Ok((Role::Lead(group), Call::Group { group, call: GroupCall::LeadRemark { message } }))
    }
}
