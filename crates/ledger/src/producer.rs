//! The one thread that orders transactions: takes from the pool, executes, makes a block, syncs, answers.

use crate::{
    block::{
        Block, FinalityProof, HEADER_VERSION, Header, MAX_ENCODED_BLOCK_BYTES, RULES_VERSION, results_root,
        transactions_root,
    },
    disk::{Disk, Opened},
    engine::{Receipt, SequencerKey},
    epoch::EpochChange,
    error::{EngineError, SubmitError},
    intake::{Intake, Submission, now_ms},
    pool::Taken,
    randomness::{self, Vrf},
    roles::Roles,
    verify::{ChainTip, ChainVerifier},
    view::{Shared, Shown},
};
use argosy_directory::{BlockContext, Event, Outcome, State, Transaction};
use argosy_domain::{
    AccountId,
    limits::{MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS},
};
use bytes::Bytes;
use codec::Encode;
use std::{
    sync::Arc,
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
    intake: Arc<Intake>,
    disk: Disk,
    sequencer: SequencerKey,
    /// Where the chain is, and whose keys sign.
    verifier: ChainVerifier,
    /// The change of keys that the next block carries out.
    change: Option<EpochChange>,
    /// Ahead of what is shared while a block is being made.
    state: State,
    roles_at: Instant,
    expired_at: Instant,
    /// When the last block was made, or could not be for lack of room.
    block_made_at: Instant,
    has_room: bool,
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
        self.intake.close();
    }
}

impl Draft {
    fn is_full(&self) -> bool {
        self.included.len() >= MAX_BLOCK_TRANSACTIONS || self.bytes >= FULL_BLOCK_BYTES
    }
}

impl Producer {
    pub(crate) fn new(
        opened: Opened,
        intake: Arc<Intake>,
        sequencer: SequencerKey,
        change: Option<EpochChange>,
    ) -> Self {
        let Opened { shared, disk, chain } = opened;
        let (verifier, state) = chain.into_parts();
        let now = Instant::now();
        Self {
            shared,
            intake,
            disk,
            sequencer,
            verifier,
            change,
            state,
            roles_at: now,
            expired_at: now,
            block_made_at: now,
            has_room: true,
        }
    }

    const fn tip(&self) -> &ChainTip {
        self.verifier.tip()
    }

    /// Makes blocks until told to stop, or until one cannot be made durable.
    pub(crate) fn run(mut self) -> Result<(), EngineError> {
        while self.intake.wait(self.time_to_block().min(EXPIRY_AFTER)) {
            self.drop_expired();
            if !self.intake.is_due() && !self.time_to_block().is_zero() {
                continue;
            }
            if self.find_room() {
                self.make_block().inspect_err(|_| self.shared.newest.store(None))?;
            } else {
                self.intake.refuse_all(SubmitError::NoRoom);
                // Lets some time pass before the next attempt to make a block.
                self.block_made_at = Instant::now();
            }
        }
        Ok(())
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

    fn drop_expired(&mut self) {
        if self.expired_at.elapsed() >= EXPIRY_AFTER {
            self.intake.expire(self.time_ms());
            self.expired_at = Instant::now();
        }
    }

    /// Time of a block that is begun now.
    fn time_ms(&self) -> u64 {
        self.tip().time_ms.max(now_ms())
    }

    /// Executes what is due and makes one block of it, if there is anything or a block is due.
    fn make_block(&mut self) -> Result<(), EngineError> {
        let Some(draft) = self.fill() else { return Ok(()) };
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
        if self.roles_at.elapsed() >= ROLES_AFTER {
            self.intake.set_roles(Roles::of(&state));
            self.roles_at = Instant::now();
        }
        self.disk.checkpointer.offer(&self.verifier, &state);
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
            let Some(taken) = self.intake.take(time_ms) else { break };
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
            self.intake.fail(taken, reject);
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
        let height = self.tip().height.saturating_add(1);
        let (randomness, vrf) = randomness::draw(&self.sequencer.pair, &self.tip().randomness, height);
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
    fn publish(&mut self, end: u64, encoded: Bytes, block: Block, included: Vec<Taken<Submission>>) {
        self.verifier.advance(&block);
        self.block_made_at = Instant::now();
        let tip = *self.tip();
        let hashes: Vec<_> = included.iter().map(|taken| taken.item.hash).collect();
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
        let signed: Vec<(AccountId, u64)> =
            included.iter().map(|taken| (taken.account, taken.nonce)).collect();
        for ((index, taken), outcome) in (0..).zip(included).zip(block.outcomes) {
            let receipt =
                Receipt { hash: taken.item.hash, height: tip.height, index, time_ms: tip.time_ms, outcome };
            taken.item.answer(Ok(receipt));
        }
        self.intake.settle(signed.into_iter());
    }
}
