//! What the council may do, but for parameters.

use super::propose::Act;
use crate::{
    failure::Outcome,
    groups::{GroupArg, OpeningTerms},
    network::{Network, now_ms},
    values::{AccountArg, Amount, Time},
};
use argosy_directory::{CouncilAction, state::OpeningKind};

/// A lead that is looked for
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LeadOpening {
    #[command(flatten)]
    terms: OpeningTerms,
}

impl Act for LeadOpening {
    async fn action(&self, network: &Network) -> Outcome<CouncilAction> {
        let (group, call) = self.terms.opening(OpeningKind::Leader, network)?;
        Ok(CouncilAction::Group { group, call })
    }
}

/// Money that is issued to a group
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct FundGroup {
    #[command(flatten)]
    group: GroupArg,
    /// How much is added
    #[arg(long, value_name = "AMOUNT")]
    amount: Amount,
}

impl Act for FundGroup {
    async fn action(&self, network: &Network) -> Outcome<CouncilAction> {
        let amount = self.amount.on(network.genesis.profile)?;
        Ok(CouncilAction::FundGroup { group: self.group.id(), amount })
    }
}

/// A group's budget
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct SetGroupBudget {
    #[command(flatten)]
    group: GroupArg,
    /// What the group has afterwards
    #[arg(long, value_name = "AMOUNT")]
    amount: Amount,
}

impl Act for SetGroupBudget {
    async fn action(&self, network: &Network) -> Outcome<CouncilAction> {
        let amount = self.amount.on(network.genesis.profile)?;
        Ok(CouncilAction::SetGroupBudget { group: self.group.id(), amount })
    }
}

/// Money that is issued to an account
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Grant {
    /// Who receives it
    #[arg(long, value_name = "ACCOUNT")]
    to: AccountArg,
    /// How much
    #[arg(long, value_name = "AMOUNT")]
    amount: Amount,
    /// For fees and bonds only
    #[arg(long)]
    locked: bool,
}

impl Act for Grant {
    async fn action(&self, network: &Network) -> Outcome<CouncilAction> {
        let profile = network.genesis.profile;
        let (to, amount) = (self.to.on(profile)?, self.amount.on(profile)?);
        Ok(CouncilAction::Grant { to, amount, locked: self.locked })
    }
}

/// A version that operators have to run
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PublishRelease {
    /// Name of the program
    #[arg(value_name = "PROGRAM")]
    program: String,
    /// Version of it
    #[arg(value_name = "VERSION")]
    version: String,
    /// When nodes have to run it: so long from now, or a day (UTC)
    #[arg(long, value_name = "TIME|YYYY-MM-DD")]
    run_by: Time,
}

impl PublishRelease {
    fn at(&self, now_ms: u64) -> Outcome<CouncilAction> {
        let run_by_ms = self.run_by.after(now_ms)?;
        let (program, version) = (self.program.clone(), self.version.clone());
        Ok(CouncilAction::PublishRelease { program, version, run_by_ms })
    }
}

impl Act for PublishRelease {
    async fn action(&self, _network: &Network) -> Outcome<CouncilAction> {
        self.at(now_ms())
    }
}

/// Keys of the council
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ReplaceKeys {
    /// All keys from now on
    #[arg(value_name = "ACCOUNT", required = true)]
    accounts: Vec<AccountArg>,
    /// Approvals that carry a proposal out
    #[arg(long, value_name = "N")]
    threshold: u32,
}

impl Act for ReplaceKeys {
    async fn action(&self, network: &Network) -> Outcome<CouncilAction> {
        let keys = self.accounts.iter().map(|key| key.on(network.genesis.profile)).collect::<Outcome<_>>()?;
        Ok(CouncilAction::ReplaceKeys { keys, threshold: self.threshold })
    }
}

/// Who acts for the council's bag
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SetSecretary {
    /// The secretary
    #[arg(value_name = "ACCOUNT")]
    account: Option<AccountArg>,
    /// There is none any more
    #[arg(long)]
    none: bool,
}

impl Act for SetSecretary {
    async fn action(&self, network: &Network) -> Outcome<CouncilAction> {
        let account = self.account.map(|account| account.on(network.genesis.profile)).transpose()?;
        Ok(CouncilAction::SetSecretary { account })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_due_so_long_from_now() {
        let release = |run_by: &str| PublishRelease {
            program: "argosy".into(),
            version: "1.2.0".into(),
            run_by: run_by.parse().unwrap(),
        };
        let due = |run_by: &str, run_by_ms| {
            let (program, version) = ("argosy".into(), "1.2.0".into());
            let expected = CouncilAction::PublishRelease { program, version, run_by_ms };
            assert_eq!(release(run_by).at(1_000).unwrap(), expected);
        };
        due("4h", 14_401_000);
        due("1970-01-02", 86_400_000);
    }
}
