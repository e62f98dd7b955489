//! `argosy call`: any call, as bytes.

use crate::{
    failure::{Failure, Outcome},
    files,
    network::{DirectoryArgs, Network},
    send::Role,
    signed::{Plan, Signed},
    values::{AccountArg, MemberArg},
};
use argosy_api::directory::GroupName;
use argosy_directory::Call;
use argosy_domain::{
    WorkerId, WorkingGroup, limits::MAX_TRANSACTION_BYTES, num::to_u64, wire::decode_canonical,
};
use std::{path::PathBuf, process::ExitCode, str::FromStr};

/// Sign and send any call that was encoded elsewhere, such as a batch
///
/// The call is decoded and shown in words before it is signed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy call --hex 06… --as account://Alice
  argosy call --file batch.hex --as lead:storage")]
pub(crate) struct CallArgs {
    #[command(flatten)]
    signed: Signed<Raw>,
}

/// An encoded call
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Raw {
    #[command(flatten)]
    bytes: Bytes,
    /// Who signs: lead:GROUP, worker:GROUP:ID, member:ID, root:ID, council, account:ACCOUNT or anybody
    #[arg(long = "as", value_name = "ROLE", default_value = "anybody")]
    role: RoleArg,
}

/// Where the call is
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Bytes {
    /// The call in SCALE, hexadecimal
    #[arg(long, value_name = "HEX")]
    hex: Option<String>,
    /// File with that
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// A role as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RoleArg {
    Lead(WorkingGroup),
    Worker(WorkingGroup, WorkerId),
    Member(MemberArg),
    Root(MemberArg),
    Council,
    Account(AccountArg),
    Anybody,
}

impl FromStr for RoleArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str =
            "expected lead:GROUP, worker:GROUP:ID, member:ID, root:ID, council, account:ACCOUNT or anybody";
        let group = |name: &str| name.parse().map(|GroupName(group)| group).map_err(|_| FORM);
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "lead" => group(rest).map(Self::Lead),
            "worker" => {
                let (name, worker) = rest.split_once(':').ok_or(FORM)?;
                Ok(Self::Worker(group(name)?, worker.parse().map_err(|_| FORM)?))
            }
            "member" => rest.parse().map(Self::Member).map_err(|_| FORM),
            "root" => rest.parse().map(Self::Root).map_err(|_| FORM),
            "account" => rest.parse().map(Self::Account).map_err(|_| FORM),
            "council" if rest.is_empty() => Ok(Self::Council),
            "anybody" if rest.is_empty() => Ok(Self::Anybody),
            _ => Err(FORM),
        }
    }
}

impl RoleArg {
    async fn role(&self, network: &Network) -> Outcome<Role> {
        Ok(match self {
            Self::Lead(group) => Role::Lead(*group),
            Self::Worker(group, worker) => Role::Worker(*group, *worker),
            Self::Member(member) => Role::Member(member.find(network).await?.id),
            Self::Root(member) => Role::MemberRoot(member.find(network).await?.id),
            Self::Council => Role::Council,
            Self::Account(account) => Role::Account(account.on(network.genesis.profile)?),
            Self::Anybody => Role::Anybody,
        })
    }
}

impl Bytes {
    fn call(&self) -> Outcome<Call> {
        // Two characters for each byte, and some for blanks around them.
        let most = 2 * to_u64(MAX_TRANSACTION_BYTES) + 1_024;
        let text = match (&self.hex, &self.file) {
            (None, Some(file)) => files::short_text(file, most)?,
            (hex, _) => hex.clone().unwrap_or_default(),
        };
        let plain = text.trim();
        let plain = plain.strip_prefix("0x").unwrap_or(plain);
        let call = hex::decode(plain).ok().and_then(|bytes| decode_canonical(&bytes).ok());
        call.ok_or_else(|| Failure::usage_as("WRONG_CALL", "these bytes are no call of the directory"))
    }
}

impl Plan for Raw {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let call = self.bytes.call()?;
        Ok((self.role.role(network).await?, call))
    }
}

impl CallArgs {
    /// Whether standard output is for scripts.
    pub(crate) const fn json(&self) -> bool {
        self.signed.json()
    }
}

pub(crate) async fn run(directory: &DirectoryArgs, args: CallArgs) -> Outcome<ExitCode> {
    args.signed.run(directory).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_directory::AccountsCall;
    use argosy_domain::AccountId;
    use codec::Encode as _;

    #[test]
    fn roles_are_named_by_what_they_are_for() {
        let storage = WorkingGroup::Storage;
        for (text, role) in [
            ("lead:storage", RoleArg::Lead(storage)),
            ("worker:storage:3", RoleArg::Worker(storage, WorkerId(3))),
            ("member:alice", RoleArg::Member("alice".parse().unwrap())),
            ("root:7", RoleArg::Root("7".parse().unwrap())),
            ("council", RoleArg::Council),
            ("account://Alice", RoleArg::Account("//Alice".parse().unwrap())),
            ("anybody", RoleArg::Anybody),
        ] {
            assert_eq!(text.parse(), Ok(role), "{text}");
        }
        for bad in
            ["", "lead", "lead:nobody", "worker:storage", "worker:storage:-1", "council:1", "account:x"]
        {
            assert!(bad.parse::<RoleArg>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_whole_calls_are_taken() {
        let call = Call::Accounts(AccountsCall::Transfer { to: AccountId([7; 32]), amount: 5 });
        let read = |hex: &str| Bytes { hex: Some(hex.to_owned()), file: None }.call();
        let hex = hex::encode(call.encode());
        for text in [hex.clone(), format!("0x{hex}\n"), hex.to_uppercase()] {
            assert_eq!(read(&text).unwrap(), call);
        }
        for text in [String::new(), hex[2..].to_owned(), format!("{hex}00"), "zz".to_owned()] {
            assert_eq!(read(&text).unwrap_err().code, "WRONG_CALL", "{text}");
        }
    }
}
