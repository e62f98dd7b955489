//! Drops what the directory says is deleted. What is merely assigned elsewhere goes when room is needed.

use crate::node::Node;
use argosy_domain::DataObjectId;
use argosy_http::Shutdown;
use argosy_node_core::follow::IndexChange;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;

/// Runs until the stop signal.
pub(crate) async fn run(node: Arc<Node>, shutdown: Shutdown) {
    let mut changes = node.follower.changes();
    // Deletions that this node slept through.
    drop_deleted(&node).await;
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
                    if let IndexChange::ObjectDeleted { id, .. } = change {
                        drop_object(&node, *id).await;
                    }
                }
            }
            Err(RecvError::Lagged(_)) => drop_deleted(&node).await,
            Err(RecvError::Closed) => return,
        }
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

pub(crate) async fn drop_object(node: &Arc<Node>, id: DataObjectId) {
    node.fills.cancel(id);
    let cache = Arc::clone(&node.cache);
    if tokio::task::spawn_blocking(move || cache.remove(id)).await.is_err() {
        tracing::error!(object = %id, "removing a deleted object has panicked");
    }
}
