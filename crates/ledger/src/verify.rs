//! What every follower checks a block with, before it believes a word of it.

use crate::{
    block::{Block, HEADER_VERSION, RULES_VERSION, genesis_block, results_root, transactions_root},
    epoch::{Approvers, EpochChange, Epochs},
    randomness,
};
use argosy_directory::{Genesis, GenesisError};
use argosy_domain::{
    AccountId,
    limits::{MAX_BLOCK_TRANSACTIONS, MAX_CLOCK_AHEAD_MS},
};
use codec::{Decode, Encode};
use thiserror::Error;

/// The newest block that a verifier has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ChainTip {
    /// Its height.
    pub height: u64,
    /// Hash of its header.
    pub hash: [u8; 32],
    /// Its time, in milliseconds since 1970.
    pub time_ms: u64,
    /// Its randomness, from which the next block's is drawn.
    pub randomness: [u8; 32],
    /// Root of the state after it.
    pub state_root: [u8; 32],
}

impl ChainTip {
    /// The tip that `block` makes.
    #[must_use]
    pub fn of(block: &Block) -> Self {
        let header = &block.header;
        Self {
            height: header.height,
            hash: header.hash(),
            time_ms: header.time_ms,
            randomness: header.randomness,
            state_root: header.state_root,
        }
    }
}

/// What a chain is gone on from: what a checkpoint keeps beside the state.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Anchor {
    /// The newest accepted block.
    pub tip: ChainTip,
    /// Every change of sequencing keys up to it, oldest first.
    pub changes: Vec<EpochChange>,
}

/// What a checked block still needs: nothing, or the council's word for a change of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a change of sequencing keys counts only once it is confirmed"]
pub struct Checked(Option<Approvers>);

impl Checked {
    /// Whether the block changes the sequencing keys without the word of those before.
    #[must_use]
    pub const fn needs_council(&self) -> bool {
        self.0.is_some()
    }

    /// Accepts a change of keys that only the council can have decided. `is_approved` is asked about
    /// those who approve it, and answers by the council as it was before the block.
    ///
    /// # Errors
    /// [`BlockError::Unapproved`].
    pub fn confirm(&self, is_approved: impl FnOnce(&Approvers) -> bool) -> Result<(), BlockError> {
        match &self.0 {
            Some(approvers) if !is_approved(approvers) => Err(BlockError::Unapproved),
            _ => Ok(()),
        }
    }
}

/// Why a block does not follow. The first that holds wins, in order of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlockError {
    /// Made by a newer program.
    #[error("the header has version {0}, this program knows version {HEADER_VERSION}: use a newer argosy")]
    Version(u16),
    /// Made by rules that this program does not have.
    #[error("the block needs rules version {0}, this program has {RULES_VERSION}: use a newer argosy")]
    Rules(u32),
    /// Not the next height.
    #[error("the block has height {found}, {expected} was due")]
    Height {
        /// One above the newest accepted block.
        expected: u64,
        /// The block's.
        found: u64,
    },
    /// Belongs to another chain.
    #[error("the block's parent is not the newest block known here")]
    Parent,
    /// Earlier than its parent.
    #[error("the block's time lies before its parent's")]
    TimeBack,
    /// Further ahead of the clock than [`MAX_CLOCK_AHEAD_MS`]. May hold later.
    #[error("the block's time lies {ahead_ms} ms ahead of this machine's clock")]
    TimeAhead {
        /// By how much.
        ahead_ms: u64,
    },
    /// More transactions than a block may have.
    #[error("the block has more transactions than are allowed")]
    TooMany,
    /// Not one outcome for each transaction.
    #[error("the block's outcomes do not match its transactions in number")]
    Outcomes,
    /// The transactions are not those that the header commits to.
    #[error("the block's transactions are not those of its header")]
    TransactionsRoot,
    /// The outcomes or events are not those that the header commits to.
    #[error("the block's results are not those of its header")]
    ResultsRoot,
    /// Signed with keys that were replaced.
    #[error("the block is signed by the key of epoch {found}, which was replaced: epoch {epoch} holds")]
    Fenced {
        /// The present epoch.
        epoch: u64,
        /// The block's.
        found: u64,
    },
    /// A change of keys that does not follow on the epoch before, or an epoch without its change.
    #[error("the block does not follow on the sequencing keys of epoch {epoch}")]
    Epoch {
        /// The present epoch.
        epoch: u64,
    },
    /// A change of keys that nobody approved who may.
    #[error("the change of the sequencing key is approved neither by the key before it nor by the council")]
    Unapproved,
    /// Not signed by the sequencer.
    #[error("the block is not signed by the network's sequencer")]
    Signature,
    /// Randomness that the sequencer's key, the parent and the height do not give.
    #[error("the block's randomness is not proved")]
    Randomness,
}

/// Accepts blocks one after the other, each proved by the keys of its epoch.
///
/// It does not execute them: that the state root is right is checked by those who keep the state, and
/// that the council approved a change of keys by those who know the council.
#[derive(Clone, Debug)]
pub struct ChainVerifier {
    genesis: [u8; 32],
    epochs: Epochs,
    tip: ChainTip,
}

impl ChainVerifier {
    /// Starts after block 0.
    ///
    /// # Errors
    /// [`GenesisError`] if the genesis contradicts itself.
    pub fn new(genesis: &Genesis) -> Result<Self, GenesisError> {
        let (block, _) = genesis_block(genesis)?;
        Ok(Self::resume(genesis, Anchor { tip: ChainTip::of(&block), changes: Vec::new() }))
    }

    /// Goes on after a block that was accepted earlier.
    #[must_use]
    pub fn resume(genesis: &Genesis, anchor: Anchor) -> Self {
        let Anchor { tip, changes } = anchor;
        Self { genesis: genesis.hash(), epochs: Epochs::after(genesis, changes), tip }
    }

    /// The newest accepted block.
    #[must_use]
    pub const fn tip(&self) -> &ChainTip {
        &self.tip
    }

    /// Who signs the next block, unless it changes that.
    #[must_use]
    pub const fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// Whether the keys that sign now have signed this block, wherever it belongs. If it is another one
    /// than that of its height here, they have signed two: the chain forks, and nobody but people can
    /// say which one holds.
    #[must_use]
    pub fn is_signed(&self, block: &Block) -> bool {
        block.proof.epoch == self.epochs.number()
            && block.proof.holds_for(self.epochs.keys(), &block.header.hash())
    }

    /// What [`ChainVerifier::resume`] goes on from.
    #[must_use]
    pub fn anchor(&self) -> Anchor {
        Anchor { tip: self.tip, changes: self.epochs.changes().to_vec() }
    }

    /// Accepts the next block, or says why not and stays where it was.
    ///
    /// `now_ms` is the follower's clock, in milliseconds since 1970; without it the block's time is
    /// only compared with its parent's.
    ///
    /// # Errors
    /// The first [`BlockError`] that holds.
    pub fn check(&mut self, block: &Block, now_ms: Option<u64>) -> Result<Checked, BlockError> {
        self.check_header(block, now_ms)?;
        check_content(block)?;
        let header = &block.header;
        let (keys, checked) = self.keys_of(block)?;
        if !block.proof.holds_for(keys, &header.hash()) {
            return Err(BlockError::Signature);
        }
        let proposer = keys.get(usize::from(header.proposer)).ok_or(BlockError::Randomness)?;
        let drawn = randomness::verify(proposer, &self.tip.randomness, header.height, &header.vrf);
        if drawn != Some(header.randomness) {
            return Err(BlockError::Randomness);
        }
        self.advance(block);
        Ok(checked)
    }

    /// Goes on after a block that is known to be the next one, such as one's own.
    pub(crate) fn advance(&mut self, block: &Block) {
        self.tip = ChainTip::of(block);
        self.epochs.follow(block);
    }

    /// The keys that must have signed the block, and what the change to them still needs.
    fn keys_of<'a>(&'a self, block: &'a Block) -> Result<(&'a [AccountId], Checked), BlockError> {
        let (epoch, found) = (self.epochs.number(), block.proof.epoch);
        if found < epoch {
            return Err(BlockError::Fenced { epoch, found });
        }
        let Some(change) = &block.proof.change else {
            let same = found == epoch;
            return if same {
                Ok((self.epochs.keys(), Checked(None)))
            } else {
                Err(BlockError::Epoch { epoch })
            };
        };
        let terms = &change.terms;
        let follows = terms.genesis == self.genesis
            && terms.epoch == found
            && self.epochs.is_next(terms, self.tip.height, &self.tip.hash);
        let approvers = change.approvers().filter(|_| follows).ok_or(BlockError::Epoch { epoch })?;
        let is_handed_over = approvers.are_quorum_of(self.epochs.keys());
        Ok((&terms.keys, Checked((!is_handed_over).then_some(approvers))))
    }

    fn check_header(&self, block: &Block, now_ms: Option<u64>) -> Result<(), BlockError> {
        let header = &block.header;
        if header.version != HEADER_VERSION {
            return Err(BlockError::Version(header.version));
        }
        if header.rules_version != RULES_VERSION {
            return Err(BlockError::Rules(header.rules_version));
        }
        let expected = self.tip.height.saturating_add(1);
        if header.height != expected {
            return Err(BlockError::Height { expected, found: header.height });
        }
        if header.parent != self.tip.hash {
            return Err(BlockError::Parent);
        }
        if header.time_ms < self.tip.time_ms {
            return Err(BlockError::TimeBack);
        }
        match now_ms.map(|now| header.time_ms.saturating_sub(now)) {
            Some(ahead_ms) if ahead_ms > MAX_CLOCK_AHEAD_MS => Err(BlockError::TimeAhead { ahead_ms }),
            _ => Ok(()),
        }
    }
}

fn check_content(block: &Block) -> Result<(), BlockError> {
    if block.transactions.len() > MAX_BLOCK_TRANSACTIONS {
        return Err(BlockError::TooMany);
    }
    if block.outcomes.len() != block.transactions.len() {
        return Err(BlockError::Outcomes);
    }
    if transactions_root(&block.transactions) != block.header.transactions_root {
        return Err(BlockError::TransactionsRoot);
    }
    if results_root(&block.block_events, &block.outcomes) != block.header.results_root {
        return Err(BlockError::ResultsRoot);
    }
    Ok(())
}
