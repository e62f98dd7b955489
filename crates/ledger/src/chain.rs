//! Executing blocks that others ordered: proof, rules and roots, all checked.

use crate::{
    block::{Block, genesis_block},
    error::ChainError,
    verify::{ChainTip, ChainVerifier},
};
use argosy_directory::{BlockContext, Genesis, GenesisError, State, Transaction};

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

    /// Checks and executes the next block. After an error the chain must not be used again.
    pub(crate) fn apply(&mut self, block: &Block, signatures: Signatures) -> Result<(), ChainError> {
        self.verifier.check(block, None)?;
        let header = &block.header;
        let at =
            BlockContext { height: header.height, time_ms: header.time_ms, randomness: header.randomness };
        if self.state.begin_block(&at) != block.block_events {
            return Err(ChainError::Results);
        }
        for (index, (bytes, recorded)) in block.transactions.iter().zip(&block.outcomes).enumerate() {
            let refused = ChainError::Transaction { index };
            let transaction = Transaction::decode(bytes).map_err(|_| refused)?;
            self.state.precheck(&transaction.payload, header.time_ms).map_err(|_| refused)?;
            if signatures == Signatures::Checked && !transaction.signature_holds() {
                return Err(refused);
            }
            if self.state.execute(&transaction.payload) != *recorded {
                return Err(ChainError::Results);
            }
        }
        if self.state.root() == header.state_root { Ok(()) } else { Err(ChainError::StateRoot) }
    }
}
