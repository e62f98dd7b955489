//! Whose signature a call needs, and which of the keys at hand gives it.

use crate::{
    failure::{Failure, Outcome},
    network::Network,
};
use argosy_api::directory::GroupName;
use argosy_domain::{AccountId, MemberId, WorkerId, WorkingGroup};
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
            Self::Account(account) => write!(f, "account {account}"),
            Self::Anybody => f.write_str("any account"),
        }
    }
}

impl Role {
    /// Accounts that hold the role now; nothing if any account will do.
    pub(crate) async fn accounts(&self, network: &Network) -> Outcome<Option<Vec<AccountId>>> {
        let directory = &network.directory;
        let account = match *self {
            Self::Lead(group) => lead(network, group).await?,
            Self::Worker(group, worker) => {
                let found = directory.reader().worker(GroupName(group), worker).await;
                let found = found.map_err(|error| Failure::directory(&self.to_string(), &error))?;
                let missing = || missing("WORKER_DOES_NOT_EXIST", format!("there is no {self}"));
                found.ok_or_else(missing)?.role_account
            }
            Self::Member(member) | Self::MemberRoot(member) => {
                let found = directory.member(&member.to_string()).await;
                let found = found.map_err(|error| Failure::directory(&format!("member {member}"), &error))?;
                if matches!(self, Self::MemberRoot(_)) {
                    found.root.unwrap_or(found.account)
                } else {
                    found.account
                }
            }
            Self::Council => {
                let council = directory.reader().council().await;
                let council = council.map_err(|error| Failure::directory("the council", &error))?;
                return Ok(Some(council.keys));
            }
            Self::Account(account) => account,
            Self::Anybody => return Ok(None),
        };
        Ok(Some(vec![account]))
    }
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
