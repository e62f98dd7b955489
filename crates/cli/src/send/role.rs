//! Whose signature a call needs, and which of the keys at hand gives it.

use crate::{
    failure::{Failure, Outcome},
    network::Network,
};
use argosy_api::directory::{ChannelView, CouncilView, GroupName, MemberView};
use argosy_domain::{
    AccountId, BagId, ChannelId, DynamicBagId, MemberId, ProposalId, StaticBagId, WorkerId, WorkingGroup,
};
use std::fmt;

/// Who has to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The lead of a group.
    Lead(WorkingGroup),
    /// A worker of a group.
    Worker(WorkingGroup, WorkerId),
    /// A member's controller account.
    Member(MemberId),
    /// A member's root account.
    MemberRoot(MemberId),
    /// Any key of the council.
    Council,
    /// A key of the council that has not approved this proposal.
    Approver(ProposalId),
    /// A key of the council that has approved this proposal.
    Approved(ProposalId),
    /// Whoever owns this bag.
    Owner(BagId),
    /// Whoever may declare and delete objects in this bag: its owner, or a collaborator.
    Editor(BagId),
    /// This account.
    Account(AccountId),
    /// Whoever has a key.
    Anybody,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lead(group) => write!(f, "lead of the {} group", group.name()),
            Self::Worker(group, worker) => write!(f, "worker {worker} of the {} group", group.name()),
            Self::Member(member) => write!(f, "member {member}"),
            Self::MemberRoot(member) => write!(f, "root account of member {member}"),
            Self::Council => f.write_str("key of the council"),
            Self::Approver(proposal) => {
                write!(f, "key of the council that has not approved proposal {proposal}")
            }
            Self::Approved(proposal) => write!(f, "key of the council that has approved proposal {proposal}"),
            Self::Owner(bag) => write!(f, "owner of {bag}"),
            Self::Editor(bag) => write!(f, "owner or collaborator of {bag}"),
            Self::Account(account) => write!(f, "account {account}"),
            Self::Anybody => f.write_str("any account"),
        }
    }
}

impl Role {
    /// Accounts that hold the role now; nothing if any account will do.
    pub(crate) async fn accounts(&self, network: &Network) -> Outcome<Option<Vec<AccountId>>> {
        let account = match *self {
            Self::Lead(group) => lead(network, group).await?,
            Self::Worker(group, worker) => worker_account(network, group, worker).await?,
            Self::Member(id) => member(network, id).await?.account,
            Self::MemberRoot(id) => {
                let found = member(network, id).await?;
                found.root.unwrap_or(found.account)
            }
            Self::Council => return council(network).await.map(|council| Some(council.keys)),
            Self::Approver(proposal) => return voters(network, proposal, false).await.map(Some),
            Self::Approved(proposal) => return voters(network, proposal, true).await.map(Some),
            Self::Owner(bag) => owner(network, bag).await?,
            Self::Editor(bag) => return editors(network, bag).await.map(Some),
            Self::Account(account) => account,
            Self::Anybody => return Ok(None),
        };
        Ok(Some(vec![account]))
    }
}

async fn worker_account(network: &Network, group: WorkingGroup, worker: WorkerId) -> Outcome<AccountId> {
    let thing = Role::Worker(group, worker).to_string();
    let found = network.directory.reader().worker(GroupName(group), worker).await;
    let found = found.map_err(|error| Failure::directory(&thing, &error))?;
    let missing = || missing("WORKER_DOES_NOT_EXIST", format!("there is no {thing}"));
    Ok(found.ok_or_else(missing)?.role_account)
}

async fn member(network: &Network, id: MemberId) -> Outcome<MemberView> {
    let found = network.directory.member(&id.to_string()).await;
    found.map_err(|error| Failure::directory(&format!("member {id}"), &error))
}

async fn council(network: &Network) -> Outcome<CouncilView> {
    let council = network.directory.reader().council().await;
    council.map_err(|error| Failure::directory("the council", &error))
}

/// Keys of the council that have approved a proposal, or the others.
async fn voters(network: &Network, id: ProposalId, approved: bool) -> Outcome<Vec<AccountId>> {
    let CouncilView { keys, proposals, .. } = council(network).await?;
    let open = proposals.into_iter().find(|open| open.id == id);
    let missing = || missing("PROPOSAL_DOESNT_EXIST", format!("no proposal {id} is open"));
    let approvals = open.ok_or_else(missing)?.approvals;
    Ok(keys.into_iter().filter(|key| approvals.contains(key) == approved).collect())
}

/// Source: the directory's rules on who may act for a bag, `content/owners.rs`.
async fn owner(network: &Network, bag: BagId) -> Outcome<AccountId> {
    match bag {
        BagId::Static(StaticBagId::Council) => council(network).await?.secretary.ok_or_else(|| {
            let message = "the council has no secretary: see `argosy council propose set-secretary --help`";
            missing("ACTOR_NOT_AUTHORIZED", message.to_owned())
        }),
        BagId::Static(StaticBagId::WorkingGroup(group)) => lead(network, group).await,
        BagId::Dynamic(DynamicBagId::Member(id)) => Ok(member(network, id).await?.account),
        BagId::Dynamic(DynamicBagId::Channel(id)) => {
            Ok(member(network, channel(network, id).await?.owner).await?.account)
        }
    }
}

async fn channel(network: &Network, id: ChannelId) -> Outcome<ChannelView> {
    let found = network.directory.channel(id).await;
    found.map_err(|error| Failure::directory(&format!("channel {id}"), &error))
}

/// The owner first, then collaborators.
async fn editors(network: &Network, bag: BagId) -> Outcome<Vec<AccountId>> {
    let BagId::Dynamic(DynamicBagId::Channel(id)) = bag else { return Ok(vec![owner(network, bag).await?]) };
    let channel = channel(network, id).await?;
    let mut accounts = vec![member(network, channel.owner).await?.account];
    for collaborator in channel.collaborators {
        accounts.push(member(network, collaborator).await?.account);
    }
    Ok(accounts)
}

async fn lead(network: &Network, group: WorkingGroup) -> Outcome<AccountId> {
    let name = group.name();
    let view = network.directory.reader().group(GroupName(group)).await;
    let view = view.map_err(|error| Failure::directory(&format!("the {name} group"), &error))?;
    view.lead_account.ok_or_else(|| {
        missing(
            "CURRENT_LEAD_NOT_SET",
            format!(
                "the {name} group has no lead: the council hires one, see `argosy council propose --help`"
            ),
        )
    })
}

fn missing(code: &str, message: String) -> Failure {
    Failure::refused(code, message)
}
