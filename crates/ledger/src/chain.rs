//! Executing blocks that others ordered: proof, signatures and rules, all checked.

use crate::{
    block::{Block, genesis_block},
    error::ChainError,
    verify::{ChainTip, ChainVerifier},
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
        let verifier = ChainVerifier::resume(genesis, ChainTip::of(&genesis_block));
        Ok(Self { verifier, state, genesis_block })
    }

    /// Goes on after the block of `tip`, whose state is known.
    pub(crate) fn resume(genesis: &Genesis, tip: ChainTip, state: State) -> Result<Self, GenesisError> {
        let (genesis_block, _) = genesis_block(genesis)?;
        Ok(Self { verifier: ChainVerifier::resume(genesis, tip), state, genesis_block })
    }

    pub(crate) fn tip(&self) -> &ChainTip {
        self.verifier.tip()
    }

    pub(crate) fn into_parts(self) -> (State, Block) {
        (self.state, self.genesis_block)
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
    let transactions: Vec<Transaction> = (0..)
        .zip(&block.transactions)
        .map(|(index, bytes)| Transaction::decode(bytes).map_err(|_| ChainError::Transaction { index }))
        .collect::<Result<_, _>>()?;
    if signatures == Signatures::Checked {
        check_signatures(&transactions)?;
    }
    Ok(transactions.into_iter().map(|transaction| transaction.payload).collect())
}

/// By as many threads as there are cores, if there is enough to do.
fn check_signatures(transactions: &[Transaction]) -> Result<(), ChainError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = transactions.len().div_ceil(threads).max(SIGNATURES_PER_THREAD);
    let wrong = thread::scope(|scope| {
        let check = |part: &[Transaction]| part.iter().position(|one| !one.signature_holds());
        let parts: Vec<_> = transactions.chunks(share).map(|part| scope.spawn(move || check(part))).collect();
        let mut found = (0_usize..).step_by(share).zip(parts).map(|(start, part)| {
            let place = part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            place.map(|place| start.saturating_add(place))
        });
        found.find_map(|place| place)
    });
    wrong.map_or(Ok(()), |index| Err(ChainError::Transaction { index }))
}

/// Executes a block that was proved, all but the comparison of its root.
pub(crate) fn execute(state: &mut State, block: &Block, payloads: &[Payload]) -> Result<(), ChainError> {
    let header = &block.header;
    let at = BlockContext { height: header.height, time_ms: header.time_ms, randomness: header.randomness };
    if state.begin_block(&at) != block.block_events {
        return Err(ChainError::Results);
    }
    for (index, (payload, recorded)) in payloads.iter().zip(&block.outcomes).enumerate() {
        state.precheck(payload, header.time_ms).map_err(|_| ChainError::Transaction { index })?;
        if state.execute(payload) != *recorded {
            return Err(ChainError::Results);
        }
    }
    Ok(())
}
