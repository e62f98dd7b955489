//! What happens when bytes on disk turn out to be wrong.

use crate::node::Node;
use argosy_api::{ErrorBody, Retry};
use argosy_content::GroupRange;
use argosy_domain::DataObjectId;
use argosy_http::StatusCode;
use argosy_store::{Damaged, ReadError, StoreError, StoredObject};
use std::sync::Arc;

impl Node {
    /// Takes the damaged groups out of use at once, and has them fetched from other nodes.
    ///
    /// Gives what the reader is told; nothing wrong was sent.
    pub(crate) fn damage_found(self: &Arc<Self>, damage: &Damaged) -> ErrorBody {
        tracing::error!(
            id = %damage.id, from = damage.groups.start, to = damage.groups.end, cause = %damage.cause,
            "an object is damaged on disk"
        );
        let (node, id, groups) = (Arc::clone(self), damage.id, damage.groups);
        self.background.spawn(async move { node.take_back(id, groups).await });
        let message = format!("this node's copy of data object {id} is damaged and is being repaired");
        ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, "DAMAGED", message).with_retry(Retry::Elsewhere)
    }

    /// A complete object. Blocks the thread.
    ///
    /// One whose files have gone or changed under the node is taken out of use and fetched again.
    pub(crate) fn stored(&self, id: DataObjectId) -> Option<Arc<StoredObject>> {
        let found = self.store.get(id);
        if found.is_none() && self.store.contains(id) {
            match self.store.demote(id, GroupRange::new(0, 0)) {
                Ok(_) | Err(StoreError::Absent(_)) => {
                    tracing::error!(%id, "an object has gone from the disk and must be fetched again");
                    self.sync_due.notify_one();
                    self.report_due.notify_one();
                }
                Err(error) => tracing::error!(%id, %error, "an object cannot be opened"),
            }
        }
        found
    }

    async fn take_back(self: Arc<Self>, id: DataObjectId, groups: GroupRange) {
        let node = Arc::clone(&self);
        let done = tokio::task::spawn_blocking(move || node.demote(id, groups)).await;
        match done {
            // Somebody else met the same damage.
            Ok(Ok(()) | Err(StoreError::Absent(_) | StoreError::Gone(_))) => {}
            Ok(Err(error)) => tracing::error!(%id, %error, "a damaged object cannot be taken out of use"),
            Err(error) => tracing::error!(%id, %error, "taking a damaged object out of use ended badly"),
        }
        self.sync_due.notify_one();
        self.report_due.notify_one();
    }

    fn demote(&self, id: DataObjectId, groups: GroupRange) -> Result<(), StoreError> {
        if self.store.contains(id) {
            self.store.demote(id, groups).map(drop)
        } else {
            let Some(object) = self.follower.with_index(|index| self.known(index, id)) else {
                return Ok(());
            };
            match self.store.existing_partial(id, object.meta)? {
                Some(partial) => partial.forget(groups),
                None => Ok(()),
            }
        }
    }

    /// The same for an object that is not whole; a group that is merely missing is no damage.
    pub(crate) fn unreadable(self: &Arc<Self>, id: DataObjectId, error: &ReadError) -> ErrorBody {
        match error {
            ReadError::Damaged(damage) => self.damage_found(damage),
            ReadError::Missing(group) => {
                let message = format!("this node does not hold group {group} of data object {id}");
                ErrorBody::caller(StatusCode::NOT_FOUND, "NOT_HELD", message).with_retry(Retry::Elsewhere)
            }
        }
    }
}
