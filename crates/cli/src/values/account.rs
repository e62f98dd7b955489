//! Accounts and members.

use crate::{
    failure::{Failure, Outcome},
    network::{DevKey, Network},
};
use argosy_api::directory::MemberView;
use argosy_directory::Profile;
use argosy_domain::{AccountId, limits::MAX_HANDLE_BYTES};
use std::{fmt, str::FromStr};

/// An account: its address, or the name of a development key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountArg {
    account: AccountId,
    is_development: bool,
}

impl AccountArg {
    /// Which account it is. Everybody has the keys of development accounts, so that they are for local
    /// networks only.
    pub(crate) fn on(self, profile: Profile) -> Outcome<AccountId> {
        if self.is_development && profile != Profile::Local {
            return Err(Failure::usage_as(
                "DEVELOPMENT_ONLY",
                "names of development keys are for local networks: give the account's address",
            ));
        }
        Ok(self.account)
    }
}

impl FromStr for AccountArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("//") {
            return Ok(Self { account: text.parse::<DevKey>()?.pair.account(), is_development: true });
        }
        let account = text.parse().map_err(|_| "expected an SS58 address, or //NAME on a local network")?;
        Ok(Self { account, is_development: false })
    }
}

/// A member by its id or its handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberArg(String);

impl MemberArg {
    /// Looks the member up.
    pub(crate) async fn find(&self, network: &Network) -> Outcome<MemberView> {
        let found = network.directory.member(&self.0).await;
        found.map_err(|error| Failure::directory(&format!("member {}", self.0), &error))
    }
}

impl FromStr for MemberArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let is_handle = (1..=MAX_HANDLE_BYTES).contains(&text.len()) && text.bytes().all(plain);
        is_handle.then(|| Self(text.to_owned())).ok_or("expected a member's id or handle: a-z, 0-9, - and _")
    }
}

impl fmt::Display for MemberArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_names_are_for_local_networks() {
        let alice: AccountArg = "//Alice".parse().unwrap();
        let address = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        assert_eq!(alice.on(Profile::Mainnet).unwrap_err().code, "DEVELOPMENT_ONLY");
        let same: AccountArg = address.parse().unwrap();
        assert_eq!(same.on(Profile::Mainnet).unwrap(), alice.on(Profile::Local).unwrap());
        for bad in ["", "Alice", "//", "0x11", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ"] {
            assert!(bad.parse::<AccountArg>().is_err(), "{bad}");
        }
    }

    #[test]
    fn members_have_ids_and_handles() {
        for good in ["0", "17", "alice", "storage-lead", "a_b"] {
            assert_eq!(good.parse::<MemberArg>().unwrap().to_string(), good);
        }
        for bad in ["", "Alice", "../x", "a b", &"x".repeat(65)] {
            assert!(bad.parse::<MemberArg>().is_err(), "{bad}");
        }
    }
}
