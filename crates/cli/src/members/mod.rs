//! `argosy member` and `argosy account`: members, their accounts, and money.

use crate::{
    failure::Outcome,
    network::{DirectoryArgs, Network},
    send::Role,
    signed::{Plan, Signed},
    values::{AccountArg, Amount, MemberArg},
};
use argosy_directory::{AccountsCall, Call, MembershipCall};
use std::process::ExitCode;

/// Make members, and name their accounts
#[derive(Debug, clap::Subcommand)]
pub(crate) enum MemberCommand {
    /// Make a member, whose accounts are the signer's. Prints the member's id
    #[command(after_help = "Example:\n  argosy member create carol --key //Carol")]
    Create(Signed<Create>),
    /// Replace a member's root or controller account (its root account)
    #[command(
        after_help = "Example:\n  argosy member update-accounts carol --controller j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf"
    )]
    UpdateAccounts(Signed<UpdateAccounts>),
    /// Let a member stake what the signing account has
    #[command(
        after_help = "Example:\n  argosy member confirm-staking-account carol --account //CarolsSavings"
    )]
    ConfirmStakingAccount(Signed<ConfirmStakingAccount>),
    /// Take that back; nothing may be staked
    #[command(after_help = "Example:\n  argosy member remove-staking-account --account //CarolsSavings")]
    RemoveStakingAccount(Signed<RemoveStakingAccount>),
}

/// Move money
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AccountCommand {
    /// Move money to another account
    #[command(
        after_help = "Example:\n  argosy account transfer j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf 2500 --from //Alice"
    )]
    Transfer(Signed<Transfer>),
}

impl AccountCommand {
    /// Whether standard output is for scripts.
    pub(crate) const fn json(&self) -> bool {
        let Self::Transfer(it) = self;
        it.json()
    }
}

pub(crate) async fn run(directory: &DirectoryArgs, command: MemberCommand) -> Outcome<ExitCode> {
    match command {
        MemberCommand::Create(it) => it.run(directory).await,
        MemberCommand::UpdateAccounts(it) => it.run(directory).await,
        MemberCommand::ConfirmStakingAccount(it) => it.run(directory).await,
        MemberCommand::RemoveStakingAccount(it) => it.run(directory).await,
    }
}

pub(crate) async fn account(directory: &DirectoryArgs, command: AccountCommand) -> Outcome<ExitCode> {
    let AccountCommand::Transfer(it) = command;
    it.run(directory).await
}

/// The account that signs
#[derive(Clone, Copy, Debug, clap::Args)]
struct Signer {
    /// Account that signs; that of the first key at hand unless given
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<AccountArg>,
}

impl Signer {
    fn role(self, network: &Network) -> Outcome<Role> {
        let account = self.account.map(|account| account.on(network.genesis.profile)).transpose()?;
        Ok(account.map_or(Role::Anybody, Role::Account))
    }
}

/// A new member
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Create {
    /// Unique name: a-z, 0-9, - and _
    #[arg(value_name = "HANDLE")]
    handle: String,
    #[command(flatten)]
    signer: Signer,
}

impl Plan for Create {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let call = MembershipCall::CreateMember { handle: self.handle.clone() };
        Ok((self.signer.role(network)?, Call::Membership(call)))
    }
}

/// Other accounts
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct UpdateAccounts {
    /// Which member
    #[arg(value_name = "ID|HANDLE")]
    member: MemberArg,
    #[command(flatten)]
    accounts: NewAccounts,
}

/// Accounts that are replaced
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct NewAccounts {
    /// May replace both accounts from now on
    #[arg(long, value_name = "ACCOUNT")]
    root: Option<AccountArg>,
    /// Acts for the member from now on
    #[arg(long, value_name = "ACCOUNT")]
    controller: Option<AccountArg>,
}

impl Plan for UpdateAccounts {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let on = |account: AccountArg| account.on(network.genesis.profile);
        let root = self.accounts.root.map(on).transpose()?;
        let controller = self.accounts.controller.map(on).transpose()?;
        let member = self.member.find(network).await?.id;
        let call = MembershipCall::UpdateMemberAccounts { member, root, controller };
        Ok((Role::MemberRoot(member), Call::Membership(call)))
    }
}

/// A staking account
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ConfirmStakingAccount {
    /// Which member
    #[arg(value_name = "ID|HANDLE")]
    member: MemberArg,
    #[command(flatten)]
    signer: Signer,
}

impl Plan for ConfirmStakingAccount {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let role = self.signer.role(network)?;
        let member = self.member.find(network).await?.id;
        Ok((role, Call::Membership(MembershipCall::ConfirmStakingAccount { member })))
    }
}

/// A staking account no longer
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct RemoveStakingAccount {
    #[command(flatten)]
    signer: Signer,
}

impl Plan for RemoveStakingAccount {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        Ok((self.signer.role(network)?, Call::Membership(MembershipCall::RemoveStakingAccount)))
    }
}

/// Money that moves
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Transfer {
    /// Who receives it
    #[arg(value_name = "TO")]
    to: AccountArg,
    /// How much
    #[arg(value_name = "AMOUNT")]
    amount: Amount,
    /// Account that pays; that of the first key at hand unless given
    #[arg(long, value_name = "ACCOUNT")]
    from: Option<AccountArg>,
}

impl Plan for Transfer {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let profile = network.genesis.profile;
        let call = AccountsCall::Transfer { to: self.to.on(profile)?, amount: self.amount.on(profile)? };
        let from = self.from.map(|account| account.on(profile)).transpose()?;
        Ok((from.map_or(Role::Anybody, Role::Account), Call::Accounts(call)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signed::planned;
    use argosy_domain::{AccountId, KeyScheme, Keypair};

    fn account(uri: &str) -> AccountId {
        Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap().account()
    }

    #[test]
    fn the_account_that_is_named_signs() {
        let (alice, bob) = (account("//Alice"), account("//Bob"));
        let call = Call::Accounts(AccountsCall::Transfer { to: bob, amount: 2_500 });
        let plan = planned::<Transfer>(&["//Bob", "2500"]).unwrap();
        assert_eq!(plan, (Role::Anybody, call.clone()));
        let plan = planned::<Transfer>(&["//Bob", "2500", "--from", "//Alice"]).unwrap();
        assert_eq!(plan, (Role::Account(alice), call));
        let call = Call::Membership(MembershipCall::CreateMember { handle: "carol".into() });
        assert_eq!(planned::<Create>(&["carol"]).unwrap(), (Role::Anybody, call));
        let call = Call::Membership(MembershipCall::RemoveStakingAccount);
        let plan = planned::<RemoveStakingAccount>(&["--account", "//Bob"]).unwrap();
        assert_eq!(plan, (Role::Account(bob), call));
        assert!(planned::<UpdateAccounts>(&["carol"]).is_err(), "one of both accounts");
        assert!(planned::<Transfer>(&["//Bob", "1JOY"]).is_err(), "not this network's money");
    }
}
