//! Who signs for which bucket, and through which directory node.

use argosy_api::client::{DirectoryClient, Submitter};
use argosy_domain::{AccountId, StorageBucketId};
use argosy_http::Client;
use argosy_keys::Keyring;
use argosy_node::{Follower, config::DirectoryUrls};
use argosy_node_core::follow::Index;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The node's keys, each with the one place that keeps its transactions in order.
#[derive(Debug)]
pub(crate) struct Signers {
    keys: Arc<Keyring>,
    client: Client,
    directories: DirectoryUrls,
    follower: Follower,
    open: Mutex<BTreeMap<AccountId, Submitter>>,
}

/// Why nobody can sign for a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSigner {
    /// The bucket has no operator.
    #[error("bucket {0} has no active operator")]
    NoOperator(StorageBucketId),
    /// The key is not in the configuration.
    #[error("the key of {account}, the transactor of bucket {bucket}, is not among the node's keys")]
    KeyMissing {
        /// Whose key is missing.
        account: AccountId,
        /// For which bucket.
        bucket: StorageBucketId,
    },
}

impl Signers {
    pub(crate) fn new(
        keys: Arc<Keyring>,
        client: Client,
        directories: DirectoryUrls,
        follower: Follower,
    ) -> Self {
        Self { keys, client, directories, follower, open: Mutex::default() }
    }

    /// Whether the node can sign as the transactor of a bucket.
    pub(crate) fn transactor(&self, index: &Index, bucket: StorageBucketId) -> Result<AccountId, NoSigner> {
        let operator = index.storage_bucket(bucket).and_then(|entry| entry.operator.as_ref());
        let account = operator.ok_or(NoSigner::NoOperator(bucket))?.transactor;
        match self.keys.open_of(&account) {
            Some(_) => Ok(account),
            None => Err(NoSigner::KeyMissing { account, bucket }),
        }
    }

    /// Sends calls of `account` to the directory node that is being followed. None without its key.
    pub(crate) fn submitter(&self, account: &AccountId) -> Option<Submitter> {
        let key = self.keys.open_of(account)?;
        let followed = self.follower.status().url;
        let url = match self.directories.as_slice() {
            urls if urls.contains(&followed) => followed,
            urls => urls.first()?.clone(),
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(submitter) = open.get(account).filter(|submitter| submitter.directory().url() == url) {
            return Some(submitter.clone());
        }
        let directory = DirectoryClient::new(self.client.clone(), &url);
        let submitter = Submitter::new(directory, key.clone(), *self.follower.genesis_hash());
        open.insert(*account, submitter.clone());
        Some(submitter)
    }
}
