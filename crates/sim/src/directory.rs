//! The directory node: the real state machine behind a sequencer of its own.

use crate::{
    context::Context,
    message::{Address, Answer, Block, Message, TransactionHash},
    seed::Rng,
};
use argosy_directory::{BlockContext, Event, Genesis, Payload, Reject, State};
use argosy_domain::num::to_usize;
use argosy_node_core::follow::Index;
use std::{collections::BTreeMap, rc::Rc};

/// A block is made so long after the first transaction for it.
const GATHER_MS: u64 = 5;
/// And at least so often.
const INTERVAL_MS: u64 = 6_000;
const MAX_BLOCKS_PER_ANSWER: usize = 64;
const MAX_POOL: usize = 1_000;

pub(crate) struct DirectoryNode {
    pub(crate) state: State,
    /// What every follower must have at the height of the newest block.
    pub(crate) reference: Index,
    /// From height 1 on; durable.
    blocks: Vec<Rc<Block>>,
    receipts: BTreeMap<TransactionHash, (u64, argosy_directory::Outcome)>,
    pool: Vec<(Address, TransactionHash, Rc<Payload>)>,
    next_block_ms: u64,
    followers: Vec<Address>,
    rng: Rng,
}

impl DirectoryNode {
    pub(crate) fn new(genesis: &Genesis, followers: Vec<Address>, rng: Rng) -> Result<Self, anyhow::Error> {
        Ok(Self {
            state: State::from_genesis(genesis)?,
            reference: Index::from_genesis(genesis),
            blocks: Vec::new(),
            receipts: BTreeMap::new(),
            pool: Vec::new(),
            next_block_ms: genesis.time_ms,
            followers,
            rng,
        })
    }

    pub(crate) fn height(&self) -> u64 {
        self.reference.height()
    }

    pub(crate) fn handle(&mut self, context: &mut Context<'_>, from: Address, message: Message) {
        match message {
            Message::Submit { hash, payload } => self.submitted(context, from, hash, payload),
            Message::Follow { from: height } => {
                let first = to_usize(height.saturating_sub(1));
                let blocks: Vec<Rc<Block>> =
                    self.blocks.iter().skip(first).take(MAX_BLOCKS_PER_ANSWER).cloned().collect();
                context.send(from, Message::Blocks(blocks));
            }
            Message::Answer { .. }
            | Message::Blocks(_)
            | Message::Slice { .. }
            | Message::SliceData { .. }
            | Message::SliceEnd { .. }
            | Message::Upload { .. }
            | Message::Uploaded { .. }
            | Message::Read { .. }
            | Message::Leave { .. }
            | Message::ReadData { .. }
            | Message::ReadEnd { .. } => {}
        }
    }

    fn submitted(
        &mut self,
        context: &mut Context<'_>,
        from: Address,
        hash: TransactionHash,
        payload: Rc<Payload>,
    ) {
        if let Some((height, outcome)) = self.receipts.get(&hash) {
            let answer = Answer::InBlock { height: *height, outcome: outcome.clone() };
            return context.send(from, Message::Answer { hash, answer });
        }
        if self.pool.iter().any(|(_, pooled, _)| *pooled == hash) || self.pool.len() >= MAX_POOL {
            return;
        }
        if let Err(reject) = self.state.precheck(&payload, self.block_time_ms(context.now_ms)) {
            return refuse(context, from, hash, reject, self.state.nonce(&payload.signer));
        }
        if self.pool.is_empty() {
            self.next_block_ms = self.next_block_ms.min(context.now_ms + GATHER_MS);
        }
        self.pool.push((from, hash, payload));
    }

    pub(crate) fn tick(&mut self, context: &mut Context<'_>) {
        if context.now_ms >= self.next_block_ms {
            self.make_block(context);
        }
    }

    pub(crate) const fn next_wake_ms(&self) -> u64 {
        self.next_block_ms
    }

    fn block_time_ms(&self, now_ms: u64) -> u64 {
        self.reference.time_ms().max(now_ms)
    }

    fn make_block(&mut self, context: &mut Context<'_>) {
        let height = self.height() + 1;
        let time_ms = self.block_time_ms(context.now_ms);
        let mut events = self.begin(height, time_ms);
        for (from, hash, payload) in std::mem::take(&mut self.pool) {
            if let Err(reject) = self.state.precheck(&payload, time_ms) {
                refuse(context, from, hash, reject, self.state.nonce(&payload.signer));
                continue;
            }
            let outcome = self.state.execute(&payload);
            events.extend(outcome.events.iter().cloned());
            self.receipts.insert(hash, (height, outcome.clone()));
            context.send(from, Message::Answer { hash, answer: Answer::InBlock { height, outcome } });
        }
        self.end(height, time_ms, events, |what| context.judge.blame(|| what));
        context.judge.tally.blocks += 1;
        self.next_block_ms = context.now_ms + INTERVAL_MS;
        let newest: Vec<Rc<Block>> = self.blocks.last().cloned().into_iter().collect();
        for follower in &self.followers {
            context.send(*follower, Message::Blocks(newest.clone()));
        }
    }

    pub(crate) fn begin(&mut self, height: u64, time_ms: u64) -> Vec<Event> {
        self.state.begin_block(&BlockContext { height, time_ms, randomness: self.rng.bytes() })
    }

    pub(crate) fn end(&mut self, height: u64, time_ms: u64, events: Vec<Event>, blame: impl FnOnce(String)) {
        if let Err(error) = self.reference.apply_block(height, time_ms, &events) {
            blame(format!("the index does not understand block {height}: {error}"));
        }
        self.blocks.push(Rc::new(Block { height, time_ms, events }));
    }

    /// The process stops: blocks and receipts are on disk, the pool was not.
    pub(crate) fn crash(&mut self) {
        self.pool.clear();
    }
}

fn refuse(context: &mut Context<'_>, to: Address, hash: TransactionHash, reject: Reject, nonce: u64) {
    context.send(to, Message::Answer { hash, answer: Answer::Refused { reject, nonce } });
}
