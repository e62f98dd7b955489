//! The keys at hand, and the one that a role needs.

use super::Role;
use crate::{
    failure::{Failure, Outcome},
    network::Network,
};
use argosy_directory::Profile;
use argosy_domain::{AccountId, KeyScheme, Keypair};

/// Keys that are named in a message.
const NAMED: usize = 8;
/// Development workers of each kind whose keys are tried on a local network.
const DEV_WORKERS: u32 = 50;

/// Keys, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    keys: Vec<Keypair>,
    /// Where a key that is missing belongs.
    hint: String,
}

/// The key that signs.
#[derive(Clone, Debug)]
pub(crate) struct Signer(Keypair);

impl Signer {
    pub(crate) fn account(&self) -> AccountId {
        self.0.account()
    }

    pub(super) fn pair(&self) -> Keypair {
        self.0.clone()
    }
}

impl Ring {
    /// These keys; `hint` says where a missing one is to be added.
    pub(crate) fn new(keys: Vec<Keypair>, hint: impl Into<String>) -> Self {
        Self { keys, hint: hint.into() }
    }

    /// The key of an account that holds the role.
    pub(super) async fn signer(&self, network: &Network, role: Role) -> Outcome<Signer> {
        let accounts = role.accounts(network).await?;
        let Some(accounts) = accounts else {
            return self
                .keys
                .first()
                .cloned()
                .map(Signer)
                .ok_or_else(|| Failure::usage(format!("no key is at hand to sign with: {}", self.hint)));
        };
        let ours = self.keys.iter().find(|key| accounts.contains(&key.account())).cloned();
        let found = ours.or_else(|| {
            let is_local = network.genesis.profile == Profile::Local;
            is_local.then(|| development_key(&accounts)).flatten()
        });
        found.map(Signer).ok_or_else(|| self.missing(role, &accounts))
    }

    fn missing(&self, role: Role, accounts: &[AccountId]) -> Failure {
        let needed: Vec<_> = accounts.iter().take(NAMED).map(ToString::to_string).collect();
        let at_hand: Vec<_> = self.keys.iter().take(NAMED).map(|key| key.account().to_string()).collect();
        let at_hand = if at_hand.is_empty() { "none".to_owned() } else { at_hand.join(", ") };
        Failure::refused(
            "NO_SUCH_KEY",
            format!(
                "the key of {} ({role}) is needed, and is not at hand; at hand: {at_hand}; {}",
                needed.join(" or "),
                self.hint
            ),
        )
    }
}

/// A key that everybody knows, of the network that `argosy up` makes.
fn development_key(accounts: &[AccountId]) -> Option<Keypair> {
    let fixed = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "storage-lead", "distribution-lead"];
    let workers = (0..DEV_WORKERS).flat_map(|n| [format!("storage-{n}"), format!("distributor-{n}")]);
    let names = fixed.into_iter().map(str::to_owned).chain(workers);
    names
        .filter_map(|name| Keypair::from_uri(KeyScheme::Sr25519, &format!("//{name}")).ok())
        .find(|key| accounts.contains(&key.account()))
}
