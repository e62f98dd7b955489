//! Signs with this node's role key: the passes that it shows to others when it fetches objects of private
//! bags, and the proofs that it gives to those who ask whose node it is.

use crate::follower::{Follower, now_ms};
use argosy_api::{NodePass, RoleProof, proof::Challenge};
use argosy_domain::{AccountId, BagId, DataObjectId, WorkerId, WorkingGroup};
use argosy_keys::{Keyring, Passphrases};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// Most accounts that a message names.
const MAX_NAMED: usize = 3;

/// Signs passes. Clones share keys and state.
///
/// Which of the keys at hand signs follows from the directory: that of an active operator of a bucket of
/// the bag. It stays locked until it is needed for the first time.
#[derive(Clone, Debug)]
pub struct Passes {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    follower: Follower,
    group: WorkingGroup,
    keys: Arc<Keyring>,
    /// One key is opened at a time: it takes up to a second of a processor.
    opening: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shown: RoleKey,
    /// Keys that did not open; they are not tried again.
    broken: BTreeSet<AccountId>,
}

/// How it stands with the key that private bags need, for the node's status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum RoleKey {
    /// No private bag has needed it so far.
    #[default]
    Unused,
    /// At hand and open.
    Ready,
    /// Not at hand, or it does not open.
    Missing {
        /// What to do about it.
        message: String,
    },
}

impl Passes {
    /// Signs with those of `keys` that are keys of workers of `group`.
    #[must_use]
    pub fn new(follower: Follower, group: WorkingGroup, keys: Arc<Keyring>) -> Self {
        let inner =
            Inner { follower, group, keys, opening: tokio::sync::Mutex::default(), state: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// A pass for an object at the node with the root URL `endpoint`. None if its bag is not private,
    /// or if this node has no key for it.
    pub async fn pass(&self, id: DataObjectId, endpoint: &str) -> Option<String> {
        let bag = self.inner.follower.with_index(|index| {
            index.object(id).map(|object| object.bag).filter(|bag| index.is_private(bag))
        })?;
        let account = self.prepare(&bag).await?;
        let key = self.inner.keys.open_of(&account)?;
        let genesis = self.inner.follower.genesis_hash();
        Some(NodePass::sign(key, genesis, id, endpoint, now_ms()).to_string())
    }

    /// Opens the key that this node signs with for a private bag, and gives its account. None if there
    /// is none; then the log and [`Passes::role_key`] say what is missing.
    pub async fn prepare(&self, bag: &BagId) -> Option<AccountId> {
        let candidates: Vec<(WorkerId, AccountId)> = self.inner.follower.with_index(|index| {
            let ours = index.serving_accounts(bag).filter(|(group, ..)| *group == self.inner.group);
            ours.map(|(_, worker, account)| (worker, account)).collect()
        });
        match self.opened(&candidates).await {
            Ok(account) => {
                self.show(RoleKey::Ready);
                Some(account)
            }
            Err(why) => {
                let known = match self.role_key() {
                    RoleKey::Missing { message } => Some(message),
                    RoleKey::Unused | RoleKey::Ready => None,
                };
                let message = why.or(known).unwrap_or_else(|| lacking(&candidates));
                self.show(RoleKey::Missing { message });
                None
            }
        }
    }

    /// Signs the answer to a challenge, by a key of this worker.
    ///
    /// # Errors
    /// What to do about the missing key.
    pub async fn prove(&self, worker: WorkerId, challenge: &Challenge) -> Result<RoleProof, String> {
        let candidates = self.keys_of(worker);
        let opened = self.opened(&candidates).await;
        let account = opened.map_err(|why| why.unwrap_or_else(|| lacking(&candidates)))?;
        let key = self.inner.keys.open_of(&account).ok_or_else(|| lacking(&candidates))?;
        let genesis = self.inner.follower.genesis_hash();
        Ok(RoleProof::sign(key, genesis, challenge, self.inner.group, worker))
    }

    /// Whether answers to challenges can be signed by a key of this worker. One that is locked counts until it
    /// did not open.
    ///
    /// # Errors
    /// What to do about the missing key.
    pub fn can_prove(&self, worker: WorkerId) -> Result<(), String> {
        let candidates = self.keys_of(worker);
        let broken = self.state().broken.clone();
        let usable = |account: &AccountId| self.inner.keys.of(account).is_some() && !broken.contains(account);
        let found = candidates.iter().any(|(_, account)| usable(account));
        if found { Ok(()) } else { Err(lacking(&candidates)) }
    }

    fn keys_of(&self, worker: WorkerId) -> Vec<(WorkerId, AccountId)> {
        let accounts =
            self.inner.follower.with_index(|index| index.accounts_of_worker(self.inner.group, worker));
        accounts.into_iter().map(|account| (worker, account)).collect()
    }

    /// The first of these whose key is open, or opens now; else why the last one does not, if that is news.
    async fn opened(&self, candidates: &[(WorkerId, AccountId)]) -> Result<AccountId, Option<String>> {
        let accounts = || candidates.iter().map(|(_, account)| *account);
        let is_open = |account: &AccountId| self.inner.keys.open_of(account).is_some();
        if let Some(open) = accounts().find(is_open) {
            return Ok(open);
        }
        let _one_at_a_time = self.inner.opening.lock().await;
        let mut why = None;
        for account in accounts().filter(|account| self.inner.keys.of(account).is_some()) {
            if self.state().broken.contains(&account) {
                continue;
            }
            match self.open(account).await {
                Ok(()) => return Ok(account),
                Err(error) => {
                    self.state().broken.insert(account);
                    why = Some(format!("the key of {account} cannot be opened: {error}"));
                }
            }
        }
        Err(why)
    }

    /// How it stands with the key.
    #[must_use]
    pub fn role_key(&self) -> RoleKey {
        self.state().shown.clone()
    }

    /// What is wrong with it, if something is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        match self.role_key() {
            RoleKey::Missing { message } => Some(message),
            RoleKey::Unused | RoleKey::Ready => None,
        }
    }

    async fn open(&self, account: AccountId) -> Result<(), String> {
        let keys = Arc::clone(&self.inner.keys);
        let opened = tokio::task::spawn_blocking(move || {
            let Some(key) = keys.of(&account) else { return Ok(()) };
            // Nobody sits at a node's terminal when a viewer comes: the configuration names the file.
            let failed = |error: &dyn std::error::Error| match error.source() {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            };
            key.unlock(&Passphrases::nowhere()).map(drop).map_err(|error| failed(&error))
        });
        opened.await.unwrap_or_else(|_| Err("opening it ended badly".to_owned()))
    }

    /// Notes how it stands; says so in the log when that is news.
    fn show(&self, now: RoleKey) {
        let mut state = self.state();
        if state.shown == now {
            return;
        }
        if let RoleKey::Missing { message } = &now {
            tracing::warn!("objects of private bags cannot be fetched: {message}");
        }
        state.shown = now;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lacking(candidates: &[(WorkerId, AccountId)]) -> String {
    let named: Vec<String> = candidates
        .iter()
        .take(MAX_NAMED)
        .map(|(worker, account)| format!("{account} (worker {worker})"))
        .collect();
    if named.is_empty() {
        return "the directory knows no worker whose key this could be".to_owned();
    }
    format!(
        "add the role key of this node's worker to `keys` in the configuration: one of {}",
        named.join(", ")
    )
}
