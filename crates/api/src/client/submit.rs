//! Signs calls with one key and sends them in order.

use super::{ClientError, DirectoryClient};
use crate::{
    directory::{ReceiptView, RejectView},
    error::ErrorBody,
};
use argosy_directory::{Call, Reject, Transaction};
use argosy_domain::{AccountId, Keypair};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::Mutex;

/// Longest time that a transaction stays valid after it was signed, in milliseconds.
const LIFE_MS: u64 = 5 * 60 * 1000;
/// What is taken off it, by chance: signatures are deterministic, and two programs that sign the same
/// call with one key at once must not take one transaction for that of both.
const LIFE_SPREAD_MS: u64 = 60 * 1000;
/// Attempts for one call while answers are lost.
const MAX_ATTEMPTS: u32 = 4;
/// Nonces that one call may lose to other programs with the same key.
const MAX_RACES: u32 = 16;
/// Longest wait after the first lost nonce; after the second twice as long, and so on up to eight times.
const RACE_PAUSE: Duration = Duration::from_millis(20);
/// Wait after the first lost answer; the second waits twice as long, and so on.
const PAUSE: Duration = Duration::from_millis(50);
/// Another transaction with the nonce waits, by another program with the key.
const NONCE_TAKEN: &str = "NONCE_TAKEN";

/// Sends the calls of one key, one after the other, with the right nonces. Clones share the order.
#[derive(Clone, Debug)]
pub struct Submitter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: DirectoryClient,
    key: Keypair,
    genesis: [u8; 32],
    /// Nonce of the next transaction, once known. Held while a transaction is under way: two
    /// transactions of one key must not race.
    next_nonce: Mutex<Option<u64>>,
}

/// Why a call has no effect, or none that is known.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// Turned down before it got into a block; sending it again is safe.
    #[error("the directory refused the transaction: {0}")]
    Refused(ErrorBody),
    /// In a block, and failed there.
    #[error("{} ({})", .0.message, .0.code)]
    Rejected(RejectView),
    /// No answer; the call may take effect until five minutes have passed.
    #[error(transparent)]
    NoAnswer(ClientError),
}

impl SubmitError {
    /// Number of the directory's reject, if it gave one.
    #[must_use]
    pub fn reject(&self) -> Option<Reject> {
        match self {
            Self::Refused(body) => Reject::from_number(body.number),
            Self::Rejected(view) => Reject::from_number(view.number),
            Self::NoAnswer(_) => None,
        }
    }
}

impl Submitter {
    /// Sends calls of `key` to `directory`, for the network whose genesis has the hash `genesis`.
    #[must_use]
    pub fn new(directory: DirectoryClient, key: Keypair, genesis: [u8; 32]) -> Self {
        Self { inner: Arc::new(Inner { directory, key, genesis, next_nonce: Mutex::new(None) }) }
    }

    /// The account that signs.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.inner.key.account()
    }

    /// The directory node that calls are sent to.
    #[must_use]
    pub fn directory(&self) -> &DirectoryClient {
        &self.inner.directory
    }

    /// Signs `call`, sends it, and waits until it is durable in a block.
    ///
    /// A lost answer is cleared up by sending the same bytes again: they can take effect only once.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(&self, call: Call) -> Result<ReceiptView, SubmitError> {
        let inner = &*self.inner;
        let mut next_nonce = inner.next_nonce.lock().await;
        let mut pending: Option<Transaction> = None;
        let (mut attempt, mut races) = (1, 0);
        loop {
            let transaction = match pending.take() {
                Some(transaction) => transaction,
                None => {
                    let nonce = match *next_nonce {
                        Some(nonce) => nonce,
                        None => inner.read_nonce().await?,
                    };
                    let valid_until = now_ms() + LIFE_MS - fastrand::u64(0..LIFE_SPREAD_MS);
                    Transaction::sign(&inner.key, inner.genesis, nonce, valid_until, call.clone())
                }
            };
            // Unknown until the answer says otherwise, also if this future is dropped meanwhile.
            *next_nonce = None;
            match inner.directory.submit(&transaction).await {
                Ok(receipt) => {
                    *next_nonce = Some(transaction.payload.nonce + 1);
                    return receipt_result(receipt);
                }
                Err(ClientError::Status { body, .. }) => {
                    if !is_nonce_trouble(&body) {
                        return Err(SubmitError::Refused(body));
                    }
                    // Stale may mean that an earlier attempt with these very bytes got through.
                    if let Some(receipt) = inner.find(&transaction).await? {
                        return receipt_result(receipt);
                    }
                    races += 1;
                    if races >= MAX_RACES {
                        return Err(SubmitError::Refused(body));
                    }
                    tokio::time::sleep((RACE_PAUSE * races.min(8)).mul_f64(fastrand::f64())).await;
                }
                Err(error) => {
                    if attempt >= MAX_ATTEMPTS || !error.is_no_answer() {
                        return Err(SubmitError::NoAnswer(error));
                    }
                    pending = Some(transaction);
                    tokio::time::sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
            }
        }
    }
}

impl Inner {
    async fn read_nonce(&self) -> Result<u64, SubmitError> {
        let account = self.directory.account(&self.key.account()).await.map_err(sort)?;
        Ok(account.nonce)
    }

    async fn find(&self, transaction: &Transaction) -> Result<Option<ReceiptView>, SubmitError> {
        match self.directory.transaction(&transaction.hash()).await {
            Ok(receipt) => Ok(Some(receipt)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(sort(error)),
        }
    }
}

fn sort(error: ClientError) -> SubmitError {
    match error {
        ClientError::Status { body, .. } => SubmitError::Refused(body),
        ClientError::NoAnswer { .. } | ClientError::Protocol { .. } => SubmitError::NoAnswer(error),
    }
}

fn receipt_result(receipt: ReceiptView) -> Result<ReceiptView, SubmitError> {
    match receipt.error {
        Some(reject) => Err(SubmitError::Rejected(reject)),
        None => Ok(receipt),
    }
}

fn is_nonce_trouble(body: &ErrorBody) -> bool {
    body.code == NONCE_TAKEN
        || matches!(Reject::from_number(body.number), Some(Reject::NonceStale | Reject::NonceFuture))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
