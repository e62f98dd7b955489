//! The way of transactions into blocks: cheap checks, the signature, the pool, and then whoever makes
//! blocks. Whoever that is, they all share one pool, and all of them get their answer through it.

use crate::{
    engine::Receipt,
    error::{Stopped, SubmitError},
    lanes::Lanes,
    pool::{Dropped, Pool, Refusal, Room, Standing, Taken, Ticket},
    roles::Roles,
};
use arc_swap::ArcSwapOption;
use argosy_directory::{Payload, Reject, State, Transaction};
use argosy_domain::limits::MAX_TRANSACTION_BYTES;
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::oneshot;

/// Most submitters of one and the same transaction.
const MAX_SUBMITTERS: usize = 4;
/// Accounts that are settled at once, so that submitters need not wait for all of a block.
const SETTLED_AT_ONCE: usize = 256;

type Answer = Result<Receipt, SubmitError>;

/// What waits for a block, and those who wait for that.
#[derive(Debug)]
pub(crate) struct Intake {
    inner: Mutex<Inner>,
    arrived: Condvar,
    lanes: Lanes,
}

#[derive(Debug)]
struct Inner {
    pool: Pool<Submission>,
    roles: Roles,
    is_stopping: bool,
    /// Nobody makes blocks any more.
    is_closed: bool,
}

/// A transaction whose signature holds.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) bytes: Bytes,
    pub(crate) hash: [u8; 32],
    replies: Vec<oneshot::Sender<Answer>>,
}

impl Submission {
    pub(crate) fn answer(mut self, answer: Answer) {
        let last = self.replies.pop();
        // Submitters may have gone; what is in a block stays there.
        for reply in self.replies {
            let _ = reply.send(answer.clone());
        }
        let _ = last.map(|reply| reply.send(answer));
    }

    /// One more waits for the answer. Nothing if too many do.
    fn join(&mut self) -> Option<oneshot::Receiver<Answer>> {
        self.replies.retain(|reply| !reply.is_closed());
        if self.replies.len() >= MAX_SUBMITTERS {
            return None;
        }
        let (reply, answer) = oneshot::channel();
        self.replies.push(reply);
        Some(answer)
    }
}

impl Intake {
    pub(crate) fn new(room: Room, state: &State) -> Self {
        let inner =
            Inner { pool: Pool::new(room), roles: Roles::of(state), is_stopping: false, is_closed: false };
        Self { inner: Mutex::new(inner), arrived: Condvar::new(), lanes: Lanes::new() }
    }

    /// See [`crate::Engine::submit`].
    pub(crate) async fn submit(&self, newest: &ArcSwapOption<State>, bytes: Bytes) -> Answer {
        if bytes.len() > MAX_TRANSACTION_BYTES {
            return Err(SubmitError::Malformed);
        }
        let transaction = Transaction::decode(&bytes).map_err(|_| SubmitError::Malformed)?;
        let state = newest.load_full().ok_or(Stopped)?;
        let now_ms = now_ms().max(state.at().time_ms);
        state.check_envelope(&transaction.payload, now_ms)?;
        let ticket = ticket(&state, &transaction.payload, &bytes);
        drop(state);
        let answer = match self.look(newest, &ticket)? {
            Look::Joined(answer) => answer,
            Look::Fits(standing) => {
                self.lanes.check(standing.rank, bytes.len(), &transaction).await?;
                self.enter(newest, ticket, now_ms, bytes)?
            }
        };
        answer.await.unwrap_or(Err(Stopped.into()))
    }

    /// Whether there would be a place for it.
    fn look(&self, newest: &ArcSwapOption<State>, ticket: &Ticket) -> Result<Look, SubmitError> {
        let mut inner = self.open()?;
        if let Some(waiting) = inner.pool.find(ticket) {
            return waiting.join().map(Look::Joined).ok_or(SubmitError::Waiting);
        }
        let standing = inner.standing(newest, ticket)?;
        inner.pool.check(ticket, &standing)?;
        Ok(Look::Fits(standing))
    }

    /// Gives it its place.
    fn enter(
        &self,
        newest: &ArcSwapOption<State>,
        ticket: Ticket,
        now_ms: u64,
        bytes: Bytes,
    ) -> Result<oneshot::Receiver<Answer>, SubmitError> {
        let mut inner = self.open()?;
        if let Some(waiting) = inner.pool.find(&ticket) {
            return waiting.join().ok_or(SubmitError::Waiting);
        }
        // Read under the lock: what became durable before is in it, and what becomes so later is
        // settled later.
        let standing = inner.standing(newest, &ticket)?;
        let (reply, answer) = oneshot::channel();
        let submission = Submission { bytes, hash: ticket.hash, replies: vec![reply] };
        let dropped = inner.pool.insert(ticket, &standing, now_ms, submission);
        let is_due = inner.pool.is_due();
        drop(inner);
        tell(dropped.map_err(|(refusal, _)| refusal)?);
        if is_due {
            self.arrived.notify_one();
        }
        Ok(answer)
    }

    /// Waits until there is something for a block, at most for `time`. False if told to stop.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let is_idle = |inner: &mut Inner| !inner.is_stopping && !inner.pool.is_due();
        let waited = self.arrived.wait_timeout_while(self.lock(), time, is_idle);
        let (inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !inner.is_stopping
    }

    /// Whether there is something for a block.
    pub(crate) fn is_due(&self) -> bool {
        self.lock().pool.is_due()
    }

    /// Tells whoever makes blocks to stop.
    pub(crate) fn stop(&self) {
        self.lock().is_stopping = true;
        self.arrived.notify_all();
    }

    /// The next transaction for a block at `time_ms`.
    pub(crate) fn take(&self, time_ms: u64) -> Option<Taken<Submission>> {
        let mut dropped = Vec::new();
        let taken = self.lock().pool.take(time_ms, &mut dropped);
        tell(dropped);
        taken
    }

    /// What was taken cannot be in the block.
    pub(crate) fn fail(&self, taken: Taken<Submission>, reject: Reject) {
        self.lock().pool.fail(taken.account, taken.nonce);
        taken.item.answer(Err(reject.into()));
    }

    /// The transactions of a block with these signers and nonces are durable, and the newest state says
    /// so.
    pub(crate) fn settle(&self, signed: impl Iterator<Item = (argosy_domain::AccountId, u64)>) {
        // The last nonce of each is what counts.
        let accounts: Vec<_> = signed.collect::<BTreeMap<_, _>>().into_iter().collect();
        for part in accounts.chunks(SETTLED_AT_ONCE) {
            let mut dropped = Vec::new();
            let mut inner = self.lock();
            for (account, nonce) in part {
                dropped.extend(inner.pool.settle(*account, nonce.saturating_add(1)));
            }
            drop(inner);
            tell(dropped);
        }
    }

    /// Refuses what has waited too long.
    pub(crate) fn expire(&self, time_ms: u64) {
        let dropped = self.lock().pool.expire(time_ms);
        tell(dropped);
    }

    /// Refuses everything for now.
    pub(crate) fn refuse_all(&self, error: SubmitError) {
        let all = self.lock().pool.drain();
        for submission in all {
            submission.answer(Err(error));
        }
    }

    /// Nobody makes blocks any more: submitters are told so.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.refuse_all(Stopped.into());
    }

    /// Roles have changed.
    pub(crate) fn set_roles(&self, roles: Roles) {
        self.lock().roles = roles;
    }

    /// What waits.
    pub(crate) fn used(&self) -> Room {
        self.lock().pool.used()
    }

    fn open(&self) -> Result<MutexGuard<'_, Inner>, Stopped> {
        let inner = self.lock();
        if inner.is_closed { Err(Stopped) } else { Ok(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look at the pool finds.
enum Look {
    /// The same transaction waits already.
    Joined(oneshot::Receiver<Answer>),
    /// There is a place, if the signature holds.
    Fits(Standing),
}

impl Inner {
    fn standing(&self, newest: &ArcSwapOption<State>, ticket: &Ticket) -> Result<Standing, Stopped> {
        let state = newest.load();
        let account = state.as_ref().ok_or(Stopped)?.account(&ticket.account);
        let rank = self.roles.rank(&ticket.account);
        Ok(Standing { nonce: account.nonce, free: account.free, rank })
    }
}

fn ticket(state: &State, payload: &Payload, bytes: &Bytes) -> Ticket {
    Ticket {
        account: payload.signer,
        nonce: payload.nonce,
        bytes: bytes.len(),
        fee: state.fee(payload),
        valid_until_ms: payload.valid_until_ms,
        hash: crate::block::transaction_hash(bytes),
    }
}

fn tell(dropped: Vec<(Submission, Dropped)>) {
    for (submission, why) in dropped {
        submission.answer(Err(match why {
            Dropped::Replaced => SubmitError::Replaced,
            Dropped::Displaced => SubmitError::Displaced,
            Dropped::Expired => Reject::Expired.into(),
            Dropped::Future => Reject::NonceFuture.into(),
            Dropped::Stale => Reject::NonceStale.into(),
        }));
    }
}

impl From<Refusal> for SubmitError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Stale => Reject::NonceStale.into(),
            Refusal::Future => Reject::NonceFuture.into(),
            Refusal::CannotPay => Reject::CannotPayFee.into(),
            Refusal::Taken { fee_needed } => Self::NonceTaken { fee_needed },
            Refusal::AccountFull => Self::AccountFull,
            Refusal::Full => Self::PoolFull,
        }
    }
}

/// The clock, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
