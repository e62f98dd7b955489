//! Drops what the directory says is deleted, and ends fills of what must not be passed on any more. What
//! is merely assigned elsewhere, or blacklisted, goes when room is needed.

use crate::node::Node;
use argosy_domain::DataObjectId;
use argosy_http::Shutdown;
use argosy_node_core::{follow::IndexChange, serve::delivers};
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;

/// Runs until the stop signal.
pub(crate) async fn run(node: Arc<Node>, shutdown: Shutdown) {
    let mut changes = node.follower.changes();
    // Deletions that this node slept through.
    drop_deleted(&node).await;
    prepare_for_private_bags(&node).await;
    let stop = shutdown.triggered();
    tokio::pin!(stop);
    loop {
        let block = tokio::select! {
            () = &mut stop => return,
            block = changes.recv() => block,
        };
        match block {
            Ok(block) => {
                for change in &block.changes {
                    take_change(&node, change).await;
                }
            }
            Err(RecvError::Lagged(_)) => {
                drop_deleted(&node).await;
                end_blacklisted_fills(&node);
                prepare_for_private_bags(&node).await;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn take_change(node: &Arc<Node>, change: &IndexChange) {
    match change {
        IndexChange::ObjectDeleted { id, .. } => drop_object(node, *id).await,
        IndexChange::BlacklistChanged => end_blacklisted_fills(node),
        IndexChange::BagPrivacyChanged { bag } | IndexChange::BagBucketsChanged { bag } => {
            let needs_key = node.follower.with_index(|index| {
                let assignment = &node.duty.load().assignment;
                index.bag(bag).is_some_and(|bag| bag.is_private() && delivers(index, assignment, bag))
            });
            if needs_key {
                node.passes.prepare(bag).await;
            }
        }
        IndexChange::ObjectDeclared { .. }
        | IndexChange::ObjectAccepted { .. }
        | IndexChange::BagCreated { .. }
        | IndexChange::BagDeleted { .. }
        | IndexChange::StorageBucketChanged { .. }
        | IndexChange::DistributionBucketChanged { .. }
        | IndexChange::HoldingsReported { .. } => {}
    }
}

/// Readers of what has been blacklisted meanwhile get no more of it.
fn end_blacklisted_fills(node: &Arc<Node>) {
    for id in node.fills.active() {
        if node.is_blacklisted(id) {
            node.fills.cancel(id);
        }
    }
}

/// Opens the key that private bags need, so that one that is missing is known before a reader comes.
async fn prepare_for_private_bags(node: &Arc<Node>) {
    let looker = Arc::clone(node);
    let found = tokio::task::spawn_blocking(move || {
        // A clone: looking through a million bags must not hold up the blocks.
        let index = looker.follower.index().clone();
        let assignment = &looker.duty.load().assignment;
        index.bags().find(|(_, bag)| bag.is_private() && delivers(&index, assignment, *bag)).map(|(id, _)| id)
    });
    if let Ok(Some(bag)) = found.await {
        node.passes.prepare(&bag).await;
    }
}

/// Drops everything that the directory has positively deleted; an id that it does not know stays.
async fn drop_deleted(node: &Arc<Node>) {
    let ids = node.cache.ids();
    let deleted: Vec<DataObjectId> =
        node.follower.with_index(|index| ids.into_iter().filter(|id| index.was_deleted(*id)).collect());
    for id in deleted {
        drop_object(node, id).await;
    }
}

/// Takes an object that is not wanted here any more out of the cache. What is known of its popularity goes,
/// too: else it would be the first to come back, and others would be told to fetch it.
pub(crate) async fn drop_object(node: &Arc<Node>, id: DataObjectId) {
    node.fills.cancel(id);
    let cache = Arc::clone(&node.cache);
    if tokio::task::spawn_blocking(move || cache.forget(id)).await.is_err() {
        tracing::error!(object = %id, "dropping an object has panicked");
    }
}
