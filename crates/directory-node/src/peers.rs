//! A sequencer looks at other directory nodes: whether its key was replaced while it was away.
//!
//! Followers refuse what a replaced key signs. That its own node stops is for those who would send it
//! transactions which nobody else will ever see.

use crate::StartError;
use argosy_api::client::DirectoryClient;
use argosy_http::Shutdown;
use argosy_ledger::LedgerView;
use std::{sync::Arc, time::Duration};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(5);
/// Longest that one node is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Refuses to start where a peer says that a later epoch has begun.
///
/// # Errors
/// [`StartError::Fenced`]. A peer that cannot be reached says nothing.
pub(crate) async fn ensure_newest(view: &LedgerView, peers: &[DirectoryClient]) -> Result<(), StartError> {
    find_newer(view, peers).await.map_or(Ok(()), Err)
}

/// Looks until a peer has a later epoch, or the node stops.
pub(crate) async fn watch(
    view: LedgerView,
    peers: Arc<[DirectoryClient]>,
    shutdown: Shutdown,
) -> Result<(), StartError> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shutdown.triggered() => return Ok(()),
        }
        if let Some(fenced) = find_newer(&view, &peers).await {
            return Err(fenced);
        }
    }
}

async fn find_newer(view: &LedgerView, peers: &[DirectoryClient]) -> Option<StartError> {
    for peer in peers {
        let Ok(Ok(status)) = tokio::time::timeout(PATIENCE, peer.status()).await else { continue };
        let epoch = view.epochs().number();
        if status.epoch > epoch {
            return Some(StartError::Fenced { url: peer.url().to_owned(), epoch, newer: status.epoch });
        }
    }
    None
}
