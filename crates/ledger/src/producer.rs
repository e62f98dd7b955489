//! The one thread that orders transactions: drains the queue, executes, makes a block, syncs, answers.

use crate::{
    block::{
        Block, FinalityProof, HEADER_VERSION, Header, MAX_ENCODED_BLOCK_BYTES, RULES_VERSION, results_root,
        transactions_root,
    },
    disk::{Disk, Opened},
    engine::{Receipt, Room, SequencerKey, Share},
    epoch::EpochChange,
    error::{EngineError, SubmitError},
    randomness::{self, Vrf},
    verify::{ChainTip, ChainVerifier},
    view::{Shared, Shown},
    waiting::Waiting,
};
use argosy_directory::{BlockContext, Event, Outcome, Payload, Reject, State};
use argosy_domain::limits::{MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS};
use bytes::Bytes;
use codec::Encode;
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::oneshot;

/// A block takes no more transactions once it has grown to this, in bytes, so that the results of the
/// last one have room: they can be far larger than the transaction.
const FULL_BLOCK_BYTES: usize = MAX_BLOCK_BYTES / 4;
/// Transactions with a future nonce may take up this part of the pool.
const WAITING_SHARE: usize = 20;

/// What the thread is told.
pub(crate) enum Message {
    /// A transaction whose signature holds.
    Submit(Box<Submission>),
    /// Look whether to stop.
    Wake,
}

/// A transaction on its way into a block.
pub(crate) struct Submission {
    pub(crate) payload: Payload,
    pub(crate) bytes: Vec<u8>,
    pub(crate) hash: [u8; 32],
    pub(crate) reply: oneshot::Sender<Result<Receipt, SubmitError>>,
    pub(crate) share: Share,
}

impl Submission {
    fn refuse(self, reject: Reject) {
        self.answer(Err(reject.into()));
    }

    fn answer(self, answer: Result<Receipt, SubmitError>) {
        // The place in the pool is free before the submitter can ask for another one.
        drop(self.share);
        // The submitter may have gone; what is in a block stays there.
        let _ = self.reply.send(answer);
    }
}

/// Owns the order of things.
pub(crate) struct Producer {
    shared: Arc<Shared>,
    messages: Receiver<Message>,
    room: Arc<Room>,
    disk: Disk,
    sequencer: SequencerKey,
    /// Where the chain is, and whose keys sign.
    verifier: ChainVerifier,
    /// The change of keys that the next block carries out.
    change: Option<EpochChange>,
    /// Ahead of what is shared while a block is being made.
    state: State,
    /// Due before anything from the queue.
    carried: VecDeque<Box<Submission>>,
    waiting: Waiting<Box<Submission>>,
    /// When the last block was made, or could not be for lack of room.
    block_made_at: Instant,
    has_room: bool,
}

/// A block in the making.
struct Draft {
    at: BlockContext,
    vrf: Vrf,
    block_events: Vec<Event>,
    included: Vec<Submission>,
    outcomes: Vec<Outcome>,
    bytes: usize,
}

impl Draft {
    fn is_full(&self) -> bool {
        self.included.len() >= MAX_BLOCK_TRANSACTIONS || self.bytes >= FULL_BLOCK_BYTES
    }
}

impl Producer {
    pub(crate) fn new(
        opened: Opened,
        messages: Receiver<Message>,
        room: Arc<Room>,
        sequencer: SequencerKey,
        change: Option<EpochChange>,
    ) -> Self {
        let Opened { shared, disk, chain } = opened;
        let (verifier, state) = chain.into_parts();
        let waiting = Waiting::new(shared.config().pool_count / WAITING_SHARE);
        Self {
            shared,
            messages,
            room,
            disk,
            sequencer,
            verifier,
            change,
            state,
            carried: VecDeque::new(),
            waiting,
            block_made_at: Instant::now(),
            has_room: true,
        }
    }

    const fn tip(&self) -> &ChainTip {
        self.verifier.tip()
    }

    /// Makes blocks until told to stop, or until one cannot be made durable.
    pub(crate) fn run(mut self) -> Result<(), EngineError> {
        // Asked before each wait too: the word to stop may have been drained while a block was made.
        while !self.is_stopping() {
            let gone = self.wait();
            if gone || self.is_stopping() {
                break;
            }
            self.drop_expired();
            if self.find_room() {
                self.make_block().inspect_err(|_| self.shared.newest.store(None))?;
            } else {
                self.refuse_all();
            }
        }
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Acquire)
    }

    /// Waits for a transaction, or until a block is due. True if nobody can submit any more.
    fn wait(&mut self) -> bool {
        if !self.carried.is_empty() {
            return false;
        }
        match self.messages.recv_timeout(self.time_to_block()) {
            Ok(Message::Submit(submission)) => self.carried.push_back(submission),
            Ok(Message::Wake) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return true,
        }
        false
    }

    /// A change of keys waits for nobody: it fences the keys before.
    fn time_to_block(&self) -> Duration {
        if self.change.is_some() {
            return Duration::ZERO;
        }
        self.shared.config().block_interval.saturating_sub(self.block_made_at.elapsed())
    }

    /// Whether the next block can be written. Asked before it is begun: what has been executed cannot
    /// be taken back.
    fn find_room(&mut self) -> bool {
        let path = self.disk.log.path().display().to_string();
        match (self.disk.log.reserve(), self.has_room) {
            (Err(error), true) => {
                tracing::error!(path, %error, "no room for another block: transactions are refused");
            }
            (Ok(()), false) => tracing::info!(path, "there is room for blocks again"),
            (reserved, _) => return reserved.is_ok(),
        }
        self.has_room = !self.has_room;
        self.has_room
    }

    /// Refuses what waits, and lets some time pass before the next attempt to make a block.
    fn refuse_all(&mut self) {
        let mut budget = self.room.count();
        while let Some(submission) = self.next_submission(&mut budget) {
            submission.answer(Err(SubmitError::NoRoom));
        }
        self.block_made_at = Instant::now();
    }

    fn drop_expired(&mut self) {
        for submission in self.waiting.take_expired(Instant::now()) {
            submission.refuse(Reject::NonceFuture);
        }
    }

    /// Executes what waits and makes one block of it, if there is anything or a block is due.
    fn make_block(&mut self) -> Result<(), EngineError> {
        let time_ms = self.tip().time_ms.max(now_ms());
        let mut draft = None;
        // What waits now, not what keeps arriving: a stream of refusals must not hold up a block.
        let mut budget = self.room.count();
        while !draft.as_ref().is_some_and(Draft::is_full) {
            let Some(submission) = self.next_submission(&mut budget) else { break };
            self.admit(&mut draft, submission, time_ms);
        }
        if draft.is_none() && self.time_to_block().is_zero() {
            draft = Some(self.begin(time_ms));
        }
        let Some(draft) = draft else { return Ok(()) };
        let (block, included) = self.finish(draft);
        let encoded = Bytes::from(block.encode());
        if encoded.len() > MAX_ENCODED_BLOCK_BYTES {
            return Err(EngineError::BlockTooLarge { height: block.header.height });
        }
        let ends = self.disk.append(&self.shared, block.header.height, std::slice::from_ref(&encoded))?;
        let end = ends.last().copied().unwrap_or_default();
        let state = Arc::new(self.state.clone());
        self.shared.newest.store(Some(Arc::clone(&state)));
        self.publish(end, encoded, block, included);
        self.disk.checkpointer.offer(&self.verifier, &state);
        Ok(())
    }

    /// What was carried over or has become due, else up to `budget` from the queue.
    fn next_submission(&mut self, budget: &mut usize) -> Option<Box<Submission>> {
        if let Some(submission) = self.carried.pop_front() {
            return Some(submission);
        }
        while *budget > 0 {
            *budget = budget.saturating_sub(1);
            match self.messages.try_recv() {
                Ok(Message::Submit(submission)) => return Some(submission),
                Ok(Message::Wake) => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// Executes a submission, keeps it until its nonce is due, or refuses it.
    fn admit(&mut self, draft: &mut Option<Draft>, submission: Box<Submission>, time_ms: u64) {
        let (signer, nonce) = (submission.payload.signer, submission.payload.nonce);
        match self.state.precheck(&submission.payload, time_ms) {
            Ok(()) => {
                if draft.is_none() {
                    *draft = Some(self.begin(time_ms));
                }
                if let Some(draft) = draft {
                    execute(&mut self.state, draft, *submission);
                }
                if let Some(next) = self.waiting.take(&signer, nonce.saturating_add(1)) {
                    self.carried.push_front(next);
                }
            }
            Err(reject @ Reject::NonceFuture) => {
                if let Err(submission) = self.waiting.insert(Instant::now(), signer, nonce, submission) {
                    submission.refuse(reject);
                }
            }
            Err(reject) => submission.refuse(reject),
        }
    }

    fn begin(&mut self, time_ms: u64) -> Draft {
        let height = self.tip().height.saturating_add(1);
        let (randomness, vrf) = randomness::draw(&self.sequencer.pair, &self.tip().randomness, height);
        let at = BlockContext { height, time_ms, randomness };
        let block_events = self.state.begin_block(&at);
        let bytes = block_events.encoded_size();
        Draft { at, vrf, block_events, included: Vec::new(), outcomes: Vec::new(), bytes }
    }

    fn finish(&mut self, draft: Draft) -> (Block, Vec<Submission>) {
        let Draft { at, vrf, block_events, mut included, outcomes, .. } = draft;
        let transactions: Vec<_> =
            included.iter_mut().map(|submission| std::mem::take(&mut submission.bytes)).collect();
        let header = Header {
            version: HEADER_VERSION,
            rules_version: RULES_VERSION,
            height: at.height,
            parent: self.tip().hash,
            time_ms: at.time_ms,
            transactions_root: transactions_root(&transactions),
            results_root: results_root(&block_events, &outcomes),
            state_root: self.state.root(),
            proposer: 0,
            randomness: at.randomness,
            vrf,
        };
        let change = self.change.clone();
        let epoch = change.as_ref().map_or(self.verifier.epochs().number(), |change| change.terms.epoch);
        let signed = FinalityProof::sign(&self.sequencer.key, epoch, &header.hash());
        let proof = FinalityProof { change: change.map(Box::new), ..signed };
        (Block { header, transactions, outcomes, block_events, proof }, included)
    }

    /// Shows a durable block to everybody, then answers its submitters in order.
    fn publish(&mut self, end: u64, encoded: Bytes, block: Block, included: Vec<Submission>) {
        self.verifier.advance(&block);
        self.block_made_at = Instant::now();
        let tip = *self.tip();
        let hashes: Vec<_> = included.iter().map(|submission| submission.hash).collect();
        self.shared.show(&Shown {
            tip,
            end,
            encoded,
            transactions: &hashes,
            epochs: self.verifier.epochs(),
            changes_epoch: block.proof.change.is_some(),
        });
        if self.change.take().is_some() {
            let epoch = self.verifier.epochs().number();
            tracing::info!(epoch, height = tip.height, "the sequencing key was changed");
            self.disk.data_dir.forget_change();
        }
        for ((index, submission), outcome) in (0..).zip(included).zip(block.outcomes) {
            let receipt =
                Receipt { hash: submission.hash, height: tip.height, index, time_ms: tip.time_ms, outcome };
            submission.answer(Ok(receipt));
        }
    }
}

fn execute(state: &mut State, draft: &mut Draft, submission: Submission) {
    let outcome = state.execute(&submission.payload);
    draft.bytes = draft.bytes.saturating_add(submission.bytes.len()).saturating_add(outcome.encoded_size());
    draft.outcomes.push(outcome);
    draft.included.push(submission);
}

fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
