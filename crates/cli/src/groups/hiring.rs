//! Openings and applications.

use super::{GroupArg, Managed, council_decides, opening};
use crate::{
    failure::{Failure, Outcome},
    network::Network,
    send::Role,
    signed::Plan,
    values::{AccountArg, Amount, DescriptionArgs, MemberArg, Reward, Span},
};
use argosy_api::{Wanted, directory::GroupName};
use argosy_directory::{Call, GroupCall, state::OpeningKind};
use argosy_domain::{ApplicationId, OpeningId, WorkingGroup};

/// Kind of the openings that the council makes, as the directory writes it.
const LEADER: &str = "Leader";

/// What is offered, and what is asked for
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct OpeningTerms {
    #[command(flatten)]
    group: GroupArg,
    /// Least stake of an application
    #[arg(long, value_name = "AMOUNT")]
    stake: Amount,
    /// From leaving to being gone, such as 7d
    #[arg(long, value_name = "TIME")]
    unstaking_period: Span,
    /// Earned in each full reward period
    #[arg(long, value_name = "AMOUNT|none", default_value = "none")]
    reward: Reward,
    #[command(flatten)]
    description: DescriptionArgs,
}

impl OpeningTerms {
    /// An opening for workers, or for a lead.
    pub(crate) fn opening(&self, kind: OpeningKind, network: &Network) -> Outcome<(WorkingGroup, GroupCall)> {
        let profile = network.genesis.profile;
        let call = GroupCall::AddOpening {
            kind,
            description: self.description.hash()?,
            stake: self.stake.on(profile)?,
            unstaking_period_ms: self.unstaking_period.ms,
            reward_per_period: self.reward.on(profile)?,
        };
        Ok((self.group.id(), call))
    }
}

impl Managed for OpeningTerms {
    async fn decision(&self, network: &Network) -> Outcome<(WorkingGroup, GroupCall)> {
        self.opening(OpeningKind::Regular, network)
    }
}

/// An opening
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct OpeningArg {
    #[command(flatten)]
    group: GroupArg,
    /// Id of the opening
    #[arg(long, value_name = "ID")]
    opening: OpeningId,
}

impl OpeningArg {
    /// A failure that names the council's command if the opening is for a lead.
    async fn ensure_regular(&self, network: &Network, command: &str) -> Outcome<()> {
        let group = self.group.id();
        if opening(network, group, self.opening).await?.kind != LEADER {
            return Ok(());
        }
        let what = format!("opening {} is for a lead of the {} group", self.opening, group.name());
        Err(council_decides(&what, command))
    }
}

/// An opening that is no longer one
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct TakenBack {
    #[command(flatten)]
    opening: OpeningArg,
}

impl TakenBack {
    /// The call, whoever makes it.
    pub(crate) const fn call(&self) -> (WorkingGroup, GroupCall) {
        let OpeningArg { group, opening } = self.opening;
        (group.id(), GroupCall::CancelOpening { opening })
    }
}

impl Managed for TakenBack {
    async fn decision(&self, network: &Network) -> Outcome<(WorkingGroup, GroupCall)> {
        self.opening.ensure_regular(network, "cancel-opening").await?;
        Ok(self.call())
    }
}

/// Applicants who are hired
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct FillOpening {
    #[command(flatten)]
    opening: OpeningArg,
    /// Ids of the successful applications
    #[arg(long, value_name = "ID", num_args = 1.., required = true)]
    application: Vec<ApplicationId>,
}

impl FillOpening {
    /// The call, whoever makes it.
    pub(crate) fn call(&self) -> (WorkingGroup, GroupCall) {
        let OpeningArg { group, opening } = self.opening;
        let applications = self.application.iter().copied().collect();
        (group.id(), GroupCall::FillOpening { opening, applications })
    }
}

impl Managed for FillOpening {
    async fn decision(&self, network: &Network) -> Outcome<(WorkingGroup, GroupCall)> {
        self.opening.ensure_regular(network, "hire-lead").await?;
        Ok(self.call())
    }
}

/// An application
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    opening: OpeningArg,
    /// Who applies
    #[arg(long, value_name = "ID|HANDLE")]
    member: MemberArg,
    /// Will sign for the worker; the member's controller account unless given
    #[arg(long, value_name = "ACCOUNT")]
    role_account: Option<AccountArg>,
    /// Will be paid; the member's controller account unless given
    #[arg(long, value_name = "ACCOUNT")]
    reward_account: Option<AccountArg>,
    /// Holds the stake; the member's controller account unless given
    #[arg(long, value_name = "ACCOUNT")]
    staking_account: Option<AccountArg>,
    /// How much is staked; what the opening asks for unless given
    #[arg(long, value_name = "AMOUNT")]
    stake: Option<Amount>,
    #[command(flatten)]
    description: DescriptionArgs,
}

impl Plan for Apply {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let profile = network.genesis.profile;
        let description = self.description.hash()?;
        let OpeningArg { group, opening: id } = self.opening;
        let member = self.member.find(network).await?;
        let account =
            |given: Option<AccountArg>| given.map_or(Ok(member.account), |account| account.on(profile));
        let stake = match self.stake {
            Some(stake) => stake.on(profile)?,
            None => opening(network, group.id(), id).await?.stake,
        };
        let call = GroupCall::ApplyOnOpening {
            opening: id,
            member: member.id,
            role_account: account(self.role_account)?,
            reward_account: account(self.reward_account)?,
            staking_account: account(self.staking_account)?,
            stake,
            description,
        };
        Ok((Role::Member(member.id), Call::Group { group: group.id(), call }))
    }
}

/// An application that is taken back
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct WithdrawApplication {
    #[command(flatten)]
    group: GroupArg,
    /// Id of the application
    #[arg(long, value_name = "ID")]
    application: ApplicationId,
}

impl Plan for WithdrawApplication {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let (group, application) = (self.group.id(), self.application);
        let thing = format!("application {application} to the {} group", group.name());
        let wanted = Wanted::first(1, Some(application));
        let page = network.directory.reader().applications(GroupName(group), &wanted).await;
        let page = page.map_err(|error| Failure::directory(&thing, &error))?;
        let found = page.items.into_iter().find(|found| found.id == application);
        let missing =
            || Failure::refused("WORKER_APPLICATION_DOES_NOT_EXIST", format!("there is no {thing}"));
        let role = Role::Account(found.ok_or_else(missing)?.role_account);
        Ok((role, Call::Group { group, call: GroupCall::WithdrawApplication { application } }))
    }
}
