//! Where transactions go: into the ledger of this node, or on to the one that it follows.

use crate::{confirmations::Confirmations, refusal::refusal, views};
use argosy_api::{
    ErrorBody, Retry,
    client::{ClientError, DirectoryClient},
    directory::ReceiptView,
};
use argosy_http::StatusCode;
use argosy_ledger::{Ledger, LedgerView, machine::PoolStatus};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// Takes transactions. Clones take them to the same place.
#[derive(Clone)]
pub(crate) enum Submitter {
    /// This node orders them.
    Here { ledger: Arc<dyn Ledger>, confirmations: Arc<Confirmations> },
    /// They are passed on to the first of these that can be reached, whose blocks come to this view.
    Elsewhere { upstreams: Arc<[DirectoryClient]>, view: LedgerView },
}

/// Longest that a receipt from elsewhere waits for its block to arrive here.
const MAX_WAIT: Duration = Duration::from_secs(5);

impl Submitter {
    /// Waits until the transaction is durable in a block, and with as many standbys as are demanded.
    pub(crate) async fn submit(&self, transaction: Bytes) -> Result<ReceiptView, ErrorBody> {
        match self {
            Self::Here { ledger, confirmations } => {
                let receipt = ledger.submit(transaction).await.map_err(refusal)?;
                confirmations.wait_for(receipt.height).await?;
                Ok(views::receipt(&receipt))
            }
            Self::Elsewhere { upstreams, view } => {
                let receipt = pass_on(upstreams, transaction.into()).await?;
                // Who asks this node next is to see what the transaction did. Where blocks do not come,
                // the receipt is true all the same.
                let mut head = view.head();
                let arrival = head.wait_for(|tip| tip.height >= receipt.height);
                let _ = tokio::time::timeout(MAX_WAIT, arrival).await;
                Ok(receipt)
            }
        }
    }

    /// What waits for a block here.
    pub(crate) fn pool(&self) -> PoolStatus {
        match self {
            Self::Here { ledger, .. } => ledger.pool(),
            Self::Elsewhere { .. } => PoolStatus::default(),
        }
    }

    /// Height that enough standbys have confirmed; nothing if none are demanded.
    pub(crate) fn confirmed_height(&self) -> Option<u64> {
        match self {
            Self::Here { confirmations, .. } => confirmations.height(),
            Self::Elsewhere { .. } => None,
        }
    }
}

/// Result of a receipt, as it is counted.
pub(crate) fn result_code(receipt: &ReceiptView) -> &str {
    receipt.error.as_ref().map_or("OK", |error| error.code.as_str())
}

/// A node that did not take it leaves it to the next one; one that said no has decided.
async fn pass_on(upstreams: &[DirectoryClient], transaction: Vec<u8>) -> Result<ReceiptView, ErrorBody> {
    let mut last = None;
    for upstream in upstreams {
        match upstream.submit_encoded(transaction.clone()).await {
            Ok(receipt) => return Ok(receipt),
            Err(ClientError::Status { body, .. }) if body.retry != Retry::Elsewhere => return Err(body),
            Err(error) => last = Some(error.to_string()),
        }
    }
    let what = last.unwrap_or_else(|| "none is configured".to_owned());
    let message = format!(
        "no directory node that takes transactions can be reached: {what}; whether it was taken is not known, ask for it by its hash"
    );
    Err(ErrorBody::this_node(StatusCode::BAD_GATEWAY, "UPSTREAM_UNREACHABLE", message))
}
