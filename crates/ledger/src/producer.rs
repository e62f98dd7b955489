//! The one thread that orders transactions: takes from the pool, executes, makes a block, syncs, answers.

use crate::{
    block::{
        Block, FinalityProof, HEADER_VERSION, Header, MAX_ENCODED_BLOCK_BYTES, RULES_VERSION, results_root,
        transactions_root,
    },
    checkpointer::Checkpointer,
    data_dir::DataDir,
    engine::{Receipt, SequencerKey, Shared},
    error::{EngineError, SubmitError},
    intake::{Submission, now_ms},
    log::{LogWriter, Rolled},
    pool::Taken,
    randomness::{self, Vrf},
    roles::Roles,
    steps::Steps,
    verify::ChainTip,
};
use argosy_directory::{BlockContext, Event, Outcome, State, Transaction};
use argosy_domain::{
    AccountId,
    limits::{MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS},
};
use bytes::Bytes;
use codec::Encode;
use std::{
    io,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

/// A block takes no more transactions once it has grown to this, in bytes, so that the results of the
/// last one have room: they can be far larger than the transaction.
const FULL_BLOCK_BYTES: usize = MAX_BLOCK_BYTES / 4;
/// A block takes no more transactions once it has been in the making for so long, so that whoever comes
/// next does not wait for all that others have sent.
const FILL_TIME: Duration = Duration::from_millis(30);
/// Who has a role is looked up this often, at most.
const ROLES_AFTER: Duration = Duration::from_secs(1);
/// What waits too long is looked for this often, at most.
const EXPIRY_AFTER: Duration = Duration::from_secs(1);

/// Owns the order of things.
pub(crate) struct Producer {
    shared: Arc<Shared>,
    disk: Disk,
    sequencer: SequencerKey,
    tip: ChainTip,
    /// Ahead of what is shared while a block is being made.
    state: State,
    roles_at: Instant,
    expired_at: Instant,
    /// When the last block was made, or could not be for lack of room.
    block_made_at: Instant,
    has_room: bool,
    /// Whether the newest segment of the log is full, and no new one could be begun.
    is_stuck: bool,
}

/// What the thread does on the disk. Dropped in this order.
pub(crate) struct Disk {
    pub(crate) log: LogWriter,
    pub(crate) genesis: [u8; 32],
    pub(crate) checkpointer: Checkpointer,
    pub(crate) steps: Steps,
    /// Lets go of the data directory when the threads have ended, and not before.
    pub(crate) _data_dir: DataDir,
}

/// A block in the making.
struct Draft {
    at: BlockContext,
    vrf: Vrf,
    block_events: Vec<Event>,
    included: Vec<Taken<Submission>>,
    outcomes: Vec<Outcome>,
    bytes: usize,
}

impl Drop for Producer {
    /// However the thread ends, nobody waits for it any more.
    fn drop(&mut self) {
        self.shared.intake.close();
    }
}

impl Draft {
    fn is_full(&self) -> bool {
        self.included.len() >= MAX_BLOCK_TRANSACTIONS || self.bytes >= FULL_BLOCK_BYTES
    }
}

impl Producer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        disk: Disk,
        sequencer: SequencerKey,
        tip: ChainTip,
        state: State,
    ) -> Self {
        let now = Instant::now();
        Self {
            shared,
            disk,
            sequencer,
            tip,
            state,
            roles_at: now,
            expired_at: now,
            block_made_at: now,
            has_room: true,
            is_stuck: false,
        }
    }

    /// Makes blocks until told to stop, or until one cannot be made durable.
    pub(crate) fn run(mut self) -> Result<(), EngineError> {
        while self.shared.intake.wait(self.time_to_block().min(EXPIRY_AFTER)) {
            self.drop_expired();
            if !self.shared.intake.is_due() && !self.time_to_block().is_zero() {
                continue;
            }
            if self.find_room() {
                self.make_block().inspect_err(|_| self.shared.newest.store(None))?;
            } else {
                self.shared.intake.refuse_all(SubmitError::NoRoom);
                // Lets some time pass before the next attempt to make a block.
                self.block_made_at = Instant::now();
            }
        }
        Ok(())
    }

    fn time_to_block(&self) -> Duration {
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

    fn drop_expired(&mut self) {
        if self.expired_at.elapsed() >= EXPIRY_AFTER {
            self.shared.intake.expire(self.time_ms());
            self.expired_at = Instant::now();
        }
    }

    /// Time of a block that is begun now.
    fn time_ms(&self) -> u64 {
        self.tip.time_ms.max(now_ms())
    }

    /// Executes what is due and makes one block of it, if there is anything or a block is due.
    fn make_block(&mut self) -> Result<(), EngineError> {
        let Some(draft) = self.fill() else { return Ok(()) };
        let (block, included) = self.finish(draft);
        let encoded = Bytes::from(block.encode());
        let end = self.write(&encoded)?;
        let state = Arc::new(self.state.clone());
        self.shared.newest.store(Some(Arc::clone(&state)));
        self.publish(end, encoded, block, included);
        if self.roles_at.elapsed() >= ROLES_AFTER {
            self.shared.intake.set_roles(Roles::of(&state));
            self.roles_at = Instant::now();
        }
        self.disk.checkpointer.offer(&self.tip, &state);
        Ok(())
    }

    /// Executes what is due, and what becomes due meanwhile, as far as a block has room and time.
    fn fill(&mut self) -> Option<Draft> {
        let (time_ms, begun) = (self.time_ms(), Instant::now());
        let mut draft = None;
        // A stream of refusals must not hold up a block either.
        for _ in 0..MAX_BLOCK_TRANSACTIONS {
            if draft.as_ref().is_some_and(Draft::is_full) || begun.elapsed() >= FILL_TIME {
                break;
            }
            let Some(taken) = self.shared.intake.take(time_ms) else { break };
            self.admit(&mut draft, taken, time_ms);
        }
        if draft.is_none() && self.time_to_block().is_zero() {
            draft = Some(self.begin(time_ms));
        }
        draft
    }

    /// Executes a transaction, or refuses it if it has become impossible since it got its place.
    fn admit(&mut self, draft: &mut Option<Draft>, taken: Taken<Submission>, time_ms: u64) {
        // Kept encoded until now, since decoded it takes up to eight times the memory.
        let Ok(Transaction { payload, .. }) = Transaction::decode(&taken.item.bytes) else {
            unreachable!("it was decoded before it got its place")
        };
        if let Err(reject) = self.state.precheck(&payload, time_ms) {
            self.shared.intake.fail(taken, reject);
            return;
        }
        if draft.is_none() {
            *draft = Some(self.begin(time_ms));
        }
        let Some(draft) = draft else { return };
        let outcome = self.state.execute(&payload);
        let bytes = taken.item.bytes.len().saturating_add(outcome.encoded_size());
        draft.bytes = draft.bytes.saturating_add(bytes);
        draft.outcomes.push(outcome);
        draft.included.push(taken);
    }

    fn begin(&mut self, time_ms: u64) -> Draft {
        let height = self.tip.height.saturating_add(1);
        let (randomness, vrf) = randomness::draw(&self.sequencer.pair, &self.tip.randomness, height);
        let at = BlockContext { height, time_ms, randomness };
        let block_events = self.state.begin_block(&at);
        let bytes = block_events.encoded_size();
        Draft { at, vrf, block_events, included: Vec::new(), outcomes: Vec::new(), bytes }
    }

    fn finish(&mut self, draft: Draft) -> (Block, Vec<Taken<Submission>>) {
        let Draft { at, vrf, block_events, mut included, outcomes, .. } = draft;
        let transactions: Vec<_> =
            included.iter_mut().map(|taken| std::mem::take(&mut taken.item.bytes).into()).collect();
        let header = Header {
            version: HEADER_VERSION,
            rules_version: RULES_VERSION,
            height: at.height,
            parent: self.tip.hash,
            time_ms: at.time_ms,
            transactions_root: transactions_root(&transactions),
            results_root: results_root(&block_events, &outcomes),
            state_root: self.state.root(),
            randomness: at.randomness,
            vrf,
        };
        let proof = FinalityProof::by_sequencer(&self.sequencer.key, &header.hash());
        (Block { header, transactions, outcomes, block_events, proof }, included)
    }

    fn write(&mut self, encoded: &[u8]) -> Result<u64, EngineError> {
        if encoded.len() > MAX_ENCODED_BLOCK_BYTES {
            return Err(EngineError::BlockTooLarge { height: self.tip.height.saturating_add(1) });
        }
        self.begin_segment_if_full()
            .and_then(|()| self.disk.log.append(encoded))
            .map_err(|source| EngineError::Write { path: self.disk.log.path().to_owned(), source })
    }

    /// Begins a new segment of the log if the newest one is full. While that cannot be done, it grows.
    fn begin_segment_if_full(&mut self) -> io::Result<()> {
        let Disk { log, genesis, steps, .. } = &mut self.disk;
        let height = self.tip.height.saturating_add(1);
        if !log.is_full(self.shared.config().segment_bytes, height) {
            return Ok(());
        }
        match log.roll(genesis, height, steps)? {
            Rolled::New(segment) => {
                self.shared.reader.begin(segment);
                self.is_stuck = false;
            }
            Rolled::NotNow(error) if !self.is_stuck => {
                let path = log.path().display();
                tracing::warn!(%path, %error, "cannot begin a new segment of the log: the old one grows");
                self.is_stuck = true;
            }
            Rolled::NotNow(_) => {}
        }
        Ok(())
    }

    /// Shows a durable block to everybody, then answers its submitters in order.
    fn publish(&mut self, end: u64, encoded: Bytes, block: Block, included: Vec<Taken<Submission>>) {
        self.tip = ChainTip::of(&block);
        self.block_made_at = Instant::now();
        self.shared.reader.extend(end, encoded);
        {
            let mut places = self.shared.places.lock().unwrap_or_else(PoisonError::into_inner);
            for (index, taken) in (0..).zip(&included) {
                places.insert(taken.item.hash, self.tip.height, index);
            }
        }
        self.shared.head.send_replace(self.tip);
        let signed: Vec<(AccountId, u64)> =
            included.iter().map(|taken| (taken.account, taken.nonce)).collect();
        for ((index, taken), outcome) in (0..).zip(included).zip(block.outcomes) {
            let receipt = Receipt {
                hash: taken.item.hash,
                height: self.tip.height,
                index,
                time_ms: self.tip.time_ms,
                outcome,
            };
            taken.item.answer(Ok(receipt));
        }
        self.shared.intake.settle(signed.into_iter());
    }
}
