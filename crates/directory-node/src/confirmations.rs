//! Standbys: other disks that have a block before its submitters hear of it.
//!
//! The sequencer's own disk makes a transaction durable. If that disk is lost, so is what no follower
//! had yet; a sequencer with standbys therefore answers only when enough of them have confirmed.

use crate::{App, config::StandbysConfig, reply};
use argosy_api::{Confirmation, ErrorBody, Retry, confirmation::MAX_CONFIRMATION_BYTES};
use argosy_domain::{AccountId, num::to_usize, wire::decode_canonical};
use argosy_http::StatusCode;
use argosy_ledger::{Block, LedgerView};
use axum::{
    Json,
    extract::{State, rejection::BytesRejection},
};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// Who must have what before it counts as acknowledged.
#[derive(Debug)]
pub(crate) struct Confirmations {
    genesis: [u8; 32],
    /// How many must confirm; 0 if nobody need.
    required: usize,
    timeout: Duration,
    heights: Mutex<BTreeMap<AccountId, u64>>,
    confirmed: watch::Sender<u64>,
}

impl Confirmations {
    pub(crate) fn new(genesis: [u8; 32], config: Option<&StandbysConfig>) -> Self {
        let accounts = config.map(|config| config.accounts.iter().map(|account| (*account, 0)));
        Self {
            genesis,
            required: config.map_or(0, |config| to_usize(config.required.get().into())),
            timeout: Duration::from_secs(config.map_or(0, |config| config.timeout_seconds.get().into())),
            heights: Mutex::new(accounts.into_iter().flatten().collect()),
            confirmed: watch::Sender::new(0),
        }
    }

    /// Height that enough standbys have; nothing if none need.
    pub(crate) fn height(&self) -> Option<u64> {
        (self.required > 0).then(|| *self.confirmed.borrow())
    }

    /// Waits until enough standbys have the block of this height.
    pub(crate) async fn wait_for(&self, height: u64) -> Result<(), ErrorBody> {
        if self.required == 0 {
            return Ok(());
        }
        let mut confirmed = self.confirmed.subscribe();
        let waited = tokio::time::timeout(self.timeout, confirmed.wait_for(|newest| *newest >= height)).await;
        if matches!(waited, Ok(Ok(_))) {
            return Ok(());
        }
        let message = format!(
            "the transaction is in block {height} of this node, but not enough standbys have confirmed the block: it would be lost with this node's disk; ask for it again by its hash"
        );
        Err(ErrorBody::this_node(StatusCode::GATEWAY_TIMEOUT, "NOT_CONFIRMED", message)
            .with_retry(Retry::Later))
    }

    fn note(&self, said: &Confirmation) {
        let mut heights = self.heights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(height) = heights.get_mut(&said.standby) {
            *height = (*height).max(said.height);
        }
        let mut known: Vec<_> = heights.values().copied().collect();
        known.sort_unstable_by(|a, b| b.cmp(a));
        let enough = known.get(self.required.saturating_sub(1)).copied().unwrap_or(0);
        self.confirmed.send_if_modified(|newest| {
            let rises = enough > *newest;
            *newest = enough.max(*newest);
            rises
        });
    }

    fn is_standby(&self, account: &AccountId) -> bool {
        self.heights.lock().unwrap_or_else(PoisonError::into_inner).contains_key(account)
    }
}

/// A standby says that it has a block.
pub(crate) async fn confirm(
    State(app): State<App>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Map<String, Value>>, ErrorBody> {
    let malformed = || {
        ErrorBody::caller(
            StatusCode::BAD_REQUEST,
            "BAD_CONFIRMATION",
            "the body is not an encoded confirmation",
        )
    };
    let body = body.ok().filter(|body| body.len() <= MAX_CONFIRMATION_BYTES).ok_or_else(malformed)?;
    let said: Confirmation = decode_canonical(&body).map_err(|_| malformed())?;
    let crate::submitter::Submitter::Here { confirmations, .. } = &app.submitter else {
        return Err(reply::missing("NO_STANDBYS", "this node follows another one and has no standbys"));
    };
    if !confirmations.is_standby(&said.standby) || said.genesis != confirmations.genesis || !said.holds() {
        let message = "the confirmation is not one of this node's standbys, as its configuration names them";
        return Err(ErrorBody::caller(StatusCode::FORBIDDEN, "NOT_A_STANDBY", message));
    }
    if hash_at(&app.engine, said.height).await? != Some(said.hash) {
        let message = format!("the standby {} has another block of height {}", said.standby, said.height);
        tracing::error!(%message, "a standby does not follow this node");
        return Err(ErrorBody::caller(StatusCode::CONFLICT, "ANOTHER_BLOCK", message));
    }
    confirmations.note(&said);
    Ok(Json(Map::new()))
}

/// Hash of the block of this height, if there is one.
async fn hash_at(view: &LedgerView, height: u64) -> Result<Option<[u8; 32]>, ErrorBody> {
    let tip = *view.head().borrow();
    if tip.height == height {
        return Ok(Some(tip.hash));
    }
    let view = view.clone();
    let read = tokio::task::spawn_blocking(move || view.block_bytes(height)).await;
    let bytes = read.map_err(|_| reply::internal())?.map_err(|error| reply::unreadable(&error))?;
    Ok(bytes.and_then(|bytes| Block::decode_bytes(&bytes).ok()).map(|block| block.header.hash()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::{KeyScheme, Keypair};
    use std::num::NonZeroU32;

    fn standby(name: &str) -> Keypair {
        Keypair::from_uri(KeyScheme::Sr25519, name).unwrap()
    }

    #[tokio::test]
    async fn as_many_as_are_demanded_must_have_a_block() {
        let names = ["//A", "//B", "//C"];
        let config = StandbysConfig {
            accounts: names.map(|name| standby(name).account()).to_vec(),
            required: NonZeroU32::new(2).unwrap(),
            timeout_seconds: NonZeroU32::MIN,
        };
        let confirmations = Confirmations::new([1; 32], Some(&config));
        let say = |name: &str, height| {
            confirmations.note(&Confirmation::sign(&standby(name), [1; 32], height, [2; 32]));
        };
        say("//A", 5);
        say("//A", 9);
        assert_eq!(confirmations.height(), Some(0), "one is not enough");
        say("//B", 7);
        assert_eq!(confirmations.height(), Some(7));
        say("//B", 3);
        say("//Mallory", 100);
        assert_eq!(confirmations.height(), Some(7), "nothing is taken back, strangers do not count");
        assert!(confirmations.wait_for(7).await.is_ok());
        assert_eq!(confirmations.wait_for(8).await.unwrap_err().code, "NOT_CONFIRMED");
        say("//C", 9);
        assert!(confirmations.wait_for(9).await.is_ok());
        let none = Confirmations::new([1; 32], None);
        assert_eq!((none.height(), none.wait_for(9).await.is_ok()), (None, true));
    }
}
