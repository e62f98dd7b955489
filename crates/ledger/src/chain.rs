//! Executing blocks that others ordered: proof, signatures and rules, all checked.

use crate::{
    block::{Block, genesis_block},
    error::ChainError,
    machine::{Ordered, StateMachine as _},
    verify::{Anchor, ChainTip, ChainVerifier, Checked},
};
use argosy_directory::{BlockContext, Genesis, GenesisError, Payload, State, Transaction};
use std::{num::NonZero, thread};

/// The state after the newest block, and what the next one is checked with.
#[derive(Debug)]
pub(crate) struct Chain {
    verifier: ChainVerifier,
    state: State,
    genesis_block: Block,
}

/// Whether the signatures of transactions are checked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signatures {
    /// They were checked before the block was written.
    Trusted,
    /// As someone would who did not write the blocks.
    Checked,
}

impl Chain {
    pub(crate) fn new(genesis: &Genesis) -> Result<Self, GenesisError> {
        let (genesis_block, state) = genesis_block(genesis)?;
        Ok(Self { verifier: ChainVerifier::new(genesis)?, state, genesis_block })
    }

    /// Goes on after the block of `anchor`, whose state is known.
    pub(crate) fn resume(genesis: &Genesis, anchor: Anchor, state: State) -> Result<Self, GenesisError> {
        let (genesis_block, _) = genesis_block(genesis)?;
        Ok(Self { verifier: ChainVerifier::resume(genesis, anchor), state, genesis_block })
    }

    pub(crate) fn tip(&self) -> &ChainTip {
        self.verifier.tip()
    }

    pub(crate) const fn verifier(&self) -> &ChainVerifier {
        &self.verifier
    }

    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    pub(crate) const fn genesis_block(&self) -> &Block {
        &self.genesis_block
    }

    pub(crate) fn into_parts(self) -> (ChainVerifier, State) {
        (self.verifier, self.state)
    }

    /// What proves the next block, and what it changes. After an error in between the two, the chain
    /// must not be used again.
    pub(crate) fn parts_mut(&mut self) -> (&mut ChainVerifier, &mut State) {
        (&mut self.verifier, &mut self.state)
    }
}

/// Transactions that are worth a thread of their own where signatures are checked.
const SIGNATURES_PER_THREAD: usize = 256;

/// What a block's transactions ask for, if they are what their signers signed.
pub(crate) fn open_transactions(block: &Block, signatures: Signatures) -> Result<Vec<Payload>, ChainError> {
    let opened: Vec<Option<Payload>> = match signatures {
        Signatures::Trusted => {
            let open = |bytes: &Vec<u8>| Transaction::decode(bytes).ok().map(|one| one.payload);
            block.transactions.iter().map(open).collect()
        }
        Signatures::Checked => validate_all(&block.transactions),
    };
    let demand =
        |(index, payload): (usize, Option<Payload>)| payload.ok_or(ChainError::Transaction { index });
    opened.into_iter().enumerate().map(demand).collect()
}

/// By as many threads as there are cores, if there is enough to do.
fn validate_all(transactions: &[Vec<u8>]) -> Vec<Option<Payload>> {
    let validate = |part: &[Vec<u8>]| -> Vec<_> { part.iter().map(|bytes| State::validate(bytes)).collect() };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = transactions.len().div_ceil(threads).max(SIGNATURES_PER_THREAD);
    if transactions.len() <= share {
        return validate(transactions);
    }
    thread::scope(|scope| {
        let parts: Vec<_> =
            transactions.chunks(share).map(|part| scope.spawn(move || validate(part))).collect();
        let join = |part: thread::ScopedJoinHandle<'_, Vec<_>>| {
            part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        parts.into_iter().flat_map(join).collect()
    })
}

/// Executes a block that was checked, all but the comparison of its root. After an error the state
/// must not be used again.
pub(crate) fn execute(
    state: &mut State,
    block: &Block,
    checked: &Checked,
    payloads: &[Payload],
) -> Result<(), ChainError> {
    checked.confirm(|approvers| approvers.carry(state.council()))?;
    let header = &block.header;
    let at = BlockContext { height: header.height, time_ms: header.time_ms, randomness: header.randomness };
    let applied = state.apply(&Ordered { at, transactions: payloads }).ok_or(ChainError::Results)?;
    if applied.block_events != block.block_events {
        return Err(ChainError::Results);
    }
    for (index, (outcome, recorded)) in applied.outcomes.iter().zip(&block.outcomes).enumerate() {
        match outcome {
            None => return Err(ChainError::Transaction { index }),
            Some(outcome) if outcome != recorded => return Err(ChainError::Results),
            Some(_) => {}
        }
    }
    Ok(())
}
