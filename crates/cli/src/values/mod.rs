//! Values on the command line: money, lengths of time, accounts, members, texts of which the directory
//! keeps a hash.

mod account;
mod amount;
mod hashed;
mod span;

pub(crate) use account::{AccountArg, MemberArg};
pub(crate) use amount::{Amount, Reward};
pub(crate) use hashed::{DescriptionArgs, hash_of};
pub(crate) use span::{Span, Time};

/// A network that nobody runs, of which only the genesis is known.
#[cfg(test)]
pub(crate) fn offline(profile: argosy_directory::Profile) -> crate::network::Network {
    use argosy_directory::{Genesis, Params, genesis};
    let genesis = Genesis {
        version: genesis::GENESIS_VERSION,
        network: "offline".to_owned(),
        profile,
        time_ms: 1,
        sequencer: argosy_domain::AccountId([1; 32]),
        params: Params::local(),
        members: Vec::new(),
        storage_group: genesis::GenesisGroup::default(),
        distribution_group: genesis::GenesisGroup::default(),
        attestation_group: genesis::GenesisGroup::default(),
        council: genesis::GenesisCouncil { keys: std::collections::BTreeSet::new(), threshold: 0 },
        balances: Vec::new(),
    };
    let client = argosy_http::Client::new(argosy_http::ClientConfig::default());
    let directory = crate::network::directory_client("http://127.0.0.1:1");
    crate::network::Network { directory, genesis, client }
}
