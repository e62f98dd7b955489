//! Blocks: an ordered list of transactions, what became of each, and the header that commits to both.

use crate::{
    epoch::{EpochChange, quorum},
    randomness::{Vrf, genesis_randomness},
};
use argosy_directory::{Event, Genesis, GenesisError, Outcome, State};
use argosy_domain::{
    AccountId, Keypair, Signature,
    limits::MAX_BLOCK_BYTES,
    num::to_u64,
    wire::{WireError, decode_canonical},
};
use codec::{Decode, Encode};

/// The only version of the header that exists.
pub const HEADER_VERSION: u16 = 1;
/// Version of the directory's rules that this program executes.
pub const RULES_VERSION: u32 = 1;
/// Largest finality proof, in bytes.
const MAX_PROOF_BYTES: usize = 32 * 1024;
/// Largest encoded block with its proof, in bytes: what a reader of frames must be ready for.
pub const MAX_ENCODED_BLOCK_BYTES: usize = MAX_BLOCK_BYTES + MAX_PROOF_BYTES;

/// First bytes of what each hash and signature covers.
const HEADER_DOMAIN: &[u8] = b"argosy/header/1";
const TRANSACTIONS_DOMAIN: &[u8] = b"argosy/transactions/1";
const RESULTS_DOMAIN: &[u8] = b"argosy/results/1";
const FINALITY_DOMAIN: &[u8] = b"argosy/finality/1";

/// What a block's proof signs: everything in the block hangs from it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// [`HEADER_VERSION`].
    pub version: u16,
    /// Version of the rules that the transactions were executed by.
    pub rules_version: u32,
    /// Position in the chain; block 0 is made from the genesis.
    pub height: u64,
    /// Hash of the header one below; zeros in block 0.
    pub parent: [u8; 32],
    /// Time in milliseconds since 1970; never before the parent's.
    pub time_ms: u64,
    /// See [`transactions_root`].
    pub transactions_root: [u8; 32],
    /// See [`results_root`].
    pub results_root: [u8; 32],
    /// Root of the directory's state after the block.
    pub state_root: [u8; 32],
    /// Which of the epoch's keys ordered the transactions and drew the randomness: its place among them.
    pub proposer: u16,
    /// What the block's transactions drew their randomness from.
    pub randomness: [u8; 32],
    /// Proof of the randomness.
    pub vrf: Vrf,
}

/// Signatures that make a block final: by the sequencer, or by enough validators.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct FinalityProof {
    /// Which set of keys signs.
    pub epoch: u64,
    /// Why it is this one: in the first block of every epoch but the first.
    pub change: Option<Box<EpochChange>>,
    /// Who signed; empty in block 0, which everybody makes for themselves.
    pub signatures: Vec<(AccountId, Signature)>,
}

/// A block as it is stored and streamed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Block {
    /// Commits to all that follows, but for the proof.
    pub header: Header,
    /// Encoded transactions in the order of execution, failed ones too.
    pub transactions: Vec<Vec<u8>>,
    /// What became of each transaction, in the same order.
    pub outcomes: Vec<Outcome>,
    /// Events of the block itself, before the first transaction.
    pub block_events: Vec<Event>,
    /// Why the block is final.
    pub proof: FinalityProof,
}

impl Header {
    /// The block's name.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(HEADER_DOMAIN);
        self.using_encoded(|bytes| hasher.update(bytes));
        *hasher.finalize().as_bytes()
    }
}

impl Block {
    /// Decodes a block from elsewhere. It is not yet checked: see [`crate::ChainVerifier`].
    ///
    /// # Errors
    /// [`WireError`] if the bytes are more than [`MAX_ENCODED_BLOCK_BYTES`], or not the canonical
    /// encoding of a block.
    pub fn decode_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > MAX_ENCODED_BLOCK_BYTES {
            return Err(WireError::Malformed);
        }
        decode_canonical(bytes)
    }

    /// All events in order: the block's own, then those of each transaction.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.block_events.iter().chain(self.outcomes.iter().flat_map(|outcome| &outcome.events))
    }
}

impl FinalityProof {
    /// The proof by the one key that orders transactions in the embedded engine.
    #[must_use]
    pub fn sign(key: &Keypair, epoch: u64, header_hash: &[u8; 32]) -> Self {
        let signature = key.sign(&signed_bytes(epoch, header_hash));
        Self { epoch, change: None, signatures: vec![(key.account(), signature)] }
    }

    /// Whether enough of `keys`, and nobody else, have signed the header in this proof's epoch, each
    /// once and in the order of the keys.
    #[must_use]
    pub fn holds_for(&self, keys: &[AccountId], header_hash: &[u8; 32]) -> bool {
        let bytes = signed_bytes(self.epoch, header_hash);
        let mut left = keys.iter();
        self.signatures.len() >= quorum(keys.len()).max(1)
            && self
                .signatures
                .iter()
                .all(|(signer, signature)| left.any(|key| key == signer) && signature.verify(signer, &bytes))
    }
}

fn signed_bytes(epoch: u64, header_hash: &[u8; 32]) -> Vec<u8> {
    [FINALITY_DOMAIN, &epoch.to_le_bytes(), header_hash].concat()
}

/// Hash of an encoded transaction: its name.
#[must_use]
pub fn transaction_hash(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

/// What the header commits to the transactions with: the BLAKE3 hash of a domain string, their
/// number (`u64`, little endian) and their hashes in order.
#[must_use]
pub fn transactions_root(transactions: &[Vec<u8>]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(TRANSACTIONS_DOMAIN).update(&to_u64(transactions.len()).to_le_bytes());
    for transaction in transactions {
        hasher.update(&transaction_hash(transaction));
    }
    *hasher.finalize().as_bytes()
}

/// What the header commits to the results with: the BLAKE3 hash of a domain string, the hash of the
/// encoded list of the block's own events, the number of outcomes (`u64`, little endian) and the hashes
/// of their encodings in order.
#[must_use]
pub fn results_root(block_events: &[Event], outcomes: &[Outcome]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(RESULTS_DOMAIN);
    block_events.using_encoded(|bytes| hasher.update(blake3::hash(bytes).as_bytes()));
    hasher.update(&to_u64(outcomes.len()).to_le_bytes());
    for outcome in outcomes {
        outcome.using_encoded(|bytes| hasher.update(blake3::hash(bytes).as_bytes()));
    }
    *hasher.finalize().as_bytes()
}

/// Block 0, which everybody makes from the genesis, and the state that it stands for.
///
/// # Errors
/// [`GenesisError`] if the genesis contradicts itself.
pub fn genesis_block(genesis: &Genesis) -> Result<(Block, State), GenesisError> {
    let mut state = State::from_genesis(genesis)?;
    let header = Header {
        version: HEADER_VERSION,
        rules_version: RULES_VERSION,
        height: 0,
        parent: [0; 32],
        time_ms: genesis.time_ms,
        transactions_root: transactions_root(&[]),
        results_root: results_root(&[], &[]),
        state_root: state.root(),
        proposer: 0,
        randomness: genesis_randomness(&genesis.hash()),
        vrf: Vrf::NONE,
    };
    let block = Block {
        header,
        transactions: Vec::new(),
        outcomes: Vec::new(),
        block_events: Vec::new(),
        proof: FinalityProof::default(),
    };
    Ok((block, state))
}
