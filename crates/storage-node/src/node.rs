//! What every part of a storage node shares: its copy of the directory, its store, its keys.

use crate::{accept::Acceptor, background::Background, sign::Signers, uploads::UploadSlots};
use argosy_domain::{AccountId, BagId, DataObjectId, StorageBucketId, WorkerId};
use argosy_node::{Follower, Prover, RoleProofs, fill::Fills};
use argosy_node_core::follow::Index;
use argosy_store::{ObjectMeta, Store};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How long a request waits for this node's copy of the directory to hear of a new object.
const NEW_OBJECT_WAIT: Duration = Duration::from_secs(5);

/// A storage node from the inside.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) worker: WorkerId,
    /// Buckets named in the configuration; none means every bucket of the worker.
    pub(crate) configured: Option<BTreeSet<StorageBucketId>>,
    pub(crate) anonymous_uploads: bool,
    pub(crate) capacity_bytes: Option<u64>,
    pub(crate) follower: Follower,
    pub(crate) store: Store,
    pub(crate) fills: Fills,
    /// Which endpoints of others have proved whose they are.
    pub(crate) proofs: RoleProofs,
    /// Proves it of this one.
    pub(crate) prover: Prover,
    pub(crate) signers: Signers,
    pub(crate) acceptor: Acceptor,
    pub(crate) uploads: UploadSlots,
    pub(crate) background: Background,
    pub(crate) counters: Counters,
    /// Something may have to be fetched or dropped.
    pub(crate) sync_due: Notify,
    /// What is held has changed.
    pub(crate) report_due: Notify,
    pub(crate) started: Instant,
}

/// What the status tells.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    bytes_sent: AtomicU64,
    missing_count: AtomicU64,
    replicating_count: AtomicU64,
}

impl Counters {
    pub(crate) fn add_sent(&self, bytes: u64) {
        self.bytes_sent.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn bytes_sent(&self) -> u64 {
        self.bytes_sent.load(Ordering::Relaxed)
    }

    pub(crate) fn set_missing(&self, missing_count: u64, replicating_count: u64) {
        self.missing_count.store(missing_count, Ordering::Relaxed);
        self.replicating_count.store(replicating_count, Ordering::Relaxed);
    }

    pub(crate) fn missing_count(&self) -> u64 {
        self.missing_count.load(Ordering::Relaxed)
    }

    pub(crate) fn replicating_count(&self) -> u64 {
        self.replicating_count.load(Ordering::Relaxed)
    }
}

/// An object as this node's copy of the directory knows it.
#[derive(Clone, Debug)]
pub(crate) struct KnownObject {
    pub(crate) meta: ObjectMeta,
    pub(crate) bag: BagId,
    pub(crate) accepted: bool,
    /// Whether nobody may take its bytes in or pass them on.
    pub(crate) blacklisted: bool,
    /// Who may upload it.
    pub(crate) uploaders: Vec<AccountId>,
    /// Buckets of this node that must keep it.
    pub(crate) ours: Vec<StorageBucketId>,
}

impl Node {
    /// Buckets that this node serves now: the worker's, and of those the configured ones.
    pub(crate) fn buckets(&self, index: &Index) -> BTreeSet<StorageBucketId> {
        let mut buckets = index.buckets_of_storage_worker(self.worker);
        if let Some(configured) = &self.configured {
            buckets.retain(|bucket| configured.contains(bucket));
        }
        buckets
    }

    /// What the directory says about an object now.
    pub(crate) fn known(&self, index: &Index, id: DataObjectId) -> Option<KnownObject> {
        let object = index.object(id)?;
        let buckets = self.buckets(index);
        let keepers = index.bag_of(id)?.stored_by().map(|(bucket, _)| bucket);
        let ours = keepers.filter(|bucket| buckets.contains(bucket)).collect();
        Some(KnownObject {
            meta: ObjectMeta { content_id: object.content_id, size: object.size },
            bag: object.bag,
            accepted: object.accepted.is_some(),
            blacklisted: index.is_blacklisted(&object.content_id),
            uploaders: index.uploader_accounts(&object.bag),
            ours,
        })
    }

    /// The same, but an object that the directory may just have learnt of is waited for: an uploader
    /// is often faster than the stream of blocks.
    pub(crate) async fn known_soon(&self, id: DataObjectId) -> Option<KnownObject> {
        self.follower.wait_until(NEW_OBJECT_WAIT, |index| id < index.next_object_id()).await;
        self.follower.with_index(|index| self.known(index, id))
    }
}
