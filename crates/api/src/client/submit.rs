//! Signs calls with one key and sends them in order.

use super::{ClientError, DirectoryClient};
use crate::{
    directory::{ReceiptView, RejectView},
    error::ErrorBody,
};
use argosy_directory::{Call, Reject, Transaction};
use argosy_domain::{AccountId, Keypair};
use std::{
    io,
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

/// Keeps a record of what is sent, so that whoever is interrupted can find out what became of it.
pub trait Journal: std::fmt::Debug + Send + Sync {
    /// Called before a transaction is sent for the first time. When it returns, the record is durable.
    ///
    /// # Errors
    /// Why it could not be made so: then nothing is sent.
    fn sending(&self, transaction: &Transaction) -> io::Result<()>;

    /// Called when it is known what became of the transaction with this hash.
    fn ended(&self, hash: &[u8; 32], end: End<'_>);
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug)]
pub enum End<'a> {
    /// It is in a block; the call may have failed there.
    InBlock(&'a ReceiptView),
    /// It was turned down before, and is void.
    Refused(&'a ErrorBody),
}

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
    journal: Option<Arc<dyn Journal>>,
    tip: u128,
    /// The nonce to use, come what may.
    fixed_nonce: Option<u64>,
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
    /// It could not be recorded, and so was not sent.
    #[error("the transaction could not be recorded, and was not sent")]
    Unrecorded(#[source] Arc<io::Error>),
}

impl SubmitError {
    /// Number of the directory's reject, if it gave one.
    #[must_use]
    pub fn reject(&self) -> Option<Reject> {
        match self {
            Self::Refused(body) => Reject::from_number(body.number),
            Self::Rejected(view) => Reject::from_number(view.number),
            Self::NoAnswer(_) | Self::Unrecorded(_) => None,
        }
    }
}

impl Submitter {
    /// Sends calls of `key` to `directory`, for the network whose genesis has the hash `genesis`.
    #[must_use]
    pub fn new(directory: DirectoryClient, key: Keypair, genesis: [u8; 32]) -> Self {
        let (journal, tip, fixed_nonce) = (None, 0, None);
        Self::from(Inner { directory, key, genesis, journal, tip, fixed_nonce, next_nonce: Mutex::new(None) })
    }

    /// The same, recording all that it sends.
    #[must_use]
    pub fn recording(self, journal: Arc<dyn Journal>) -> Self {
        self.with(|inner| inner.journal = Some(journal))
    }

    /// The same, promising so many base units beside each fee.
    #[must_use]
    pub fn tipping(self, tip: u128) -> Self {
        self.with(|inner| inner.tip = tip)
    }

    /// The same with a nonce of the caller's own. If it is not the account's next one, the call is
    /// refused, and not signed again with another.
    #[must_use]
    pub fn with_nonce(self, nonce: u64) -> Self {
        self.with(|inner| inner.fixed_nonce = Some(nonce))
    }

    /// A submitter of its own with something changed.
    fn with(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = match Arc::try_unwrap(self.inner) {
            Ok(inner) => inner,
            Err(shared) => Inner {
                directory: shared.directory.clone(),
                key: shared.key.clone(),
                genesis: shared.genesis,
                journal: shared.journal.clone(),
                tip: shared.tip,
                fixed_nonce: shared.fixed_nonce,
                next_nonce: Mutex::new(None),
            },
        };
        change(&mut inner);
        Self::from(inner)
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
        let mut races = 0;
        loop {
            let transaction = inner.sign(*next_nonce, &call).await?;
            inner.record(&transaction)?;
            // Unknown until the answer says otherwise, also if this future is dropped meanwhile.
            *next_nonce = None;
            let body = match inner.send(&transaction).await? {
                Sent::InBlock(receipt) => {
                    *next_nonce = Some(transaction.payload.nonce + 1);
                    inner.note(&transaction, End::InBlock(&receipt));
                    return receipt_result(receipt);
                }
                Sent::Refused(body) => body,
            };
            inner.note(&transaction, End::Refused(&body));
            races += 1;
            if !is_nonce_trouble(&body) || inner.fixed_nonce.is_some() || races >= MAX_RACES {
                return Err(SubmitError::Refused(body));
            }
            tokio::time::sleep((RACE_PAUSE * races.min(8)).mul_f64(fastrand::f64())).await;
        }
    }
}

impl From<Inner> for Submitter {
    fn from(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }
}

/// An answer to a transaction.
enum Sent {
    InBlock(ReceiptView),
    Refused(ErrorBody),
}

impl Inner {
    /// Signs `call` with the next nonce, or with the one that was asked for.
    async fn sign(&self, next_nonce: Option<u64>, call: &Call) -> Result<Transaction, SubmitError> {
        let nonce = match self.fixed_nonce.or(next_nonce) {
            Some(nonce) => nonce,
            None => self.read_nonce().await?,
        };
        let valid_until = now_ms() + LIFE_MS - fastrand::u64(0..LIFE_SPREAD_MS);
        let (key, genesis) = (&self.key, self.genesis);
        Ok(Transaction::sign_with_tip(key, genesis, nonce, valid_until, self.tip, call.clone()))
    }

    /// Sends the same bytes until there is an answer: they can take effect only once.
    async fn send(&self, transaction: &Transaction) -> Result<Sent, SubmitError> {
        let mut attempt = 1;
        loop {
            match self.directory.submit(transaction).await {
                Ok(receipt) => return Ok(Sent::InBlock(receipt)),
                Err(ClientError::Status { body, .. }) => {
                    // Stale may mean that an earlier attempt with these very bytes got through.
                    let found = if is_nonce_trouble(&body) { self.find(transaction).await? } else { None };
                    return Ok(found.map_or(Sent::Refused(body), Sent::InBlock));
                }
                Err(error) if attempt >= MAX_ATTEMPTS || !error.is_no_answer() => {
                    return Err(SubmitError::NoAnswer(error));
                }
                Err(_) => {
                    tokio::time::sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
            }
        }
    }

    fn record(&self, transaction: &Transaction) -> Result<(), SubmitError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        journal.sending(transaction).map_err(|error| SubmitError::Unrecorded(Arc::new(error)))
    }

    fn note(&self, transaction: &Transaction, end: End<'_>) {
        // A node in trouble may have taken it all the same.
        let is_known = match end {
            End::InBlock(_) => true,
            End::Refused(body) => body.status < 500,
        };
        if let Some(journal) = self.journal.as_ref().filter(|_| is_known) {
            journal.ended(&transaction.hash(), end);
        }
    }

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
