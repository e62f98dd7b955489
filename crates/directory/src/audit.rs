//! For programs that try to break the rules: a way to write calls of many signers as bytes, and what
//! must hold whatever was called.

#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "whatever is wrong ends the program")]

pub(crate) mod invariants;
pub(crate) mod random;

use crate::{Call, Payload, State, transaction::TRANSACTION_VERSION};
use alloc::vec::Vec;
use argosy_domain::{AccountId, limits::MAX_DECODE_DEPTH};
use codec::{DecodeLimit, Encode};

/// Who may sign a [`Step`], by name: two members and one for the staff, the leads, workers, keys of the
/// council, a storage node, and two that nobody knows.
pub const SIGNERS: [&str; 16] = [
    "ann",
    "bob",
    "staff",
    "slead",
    "s1",
    "s2",
    "s3",
    "dlead",
    "d1",
    "d2",
    "d3",
    "c1",
    "c2",
    "transactor",
    "stranger",
    "x",
];

/// The account of a name.
#[must_use]
pub fn account(name: &str) -> AccountId {
    AccountId(*blake3::hash(name.as_bytes()).as_bytes())
}

/// A call of the account's next turn, valid in the state's block.
#[must_use]
pub fn payload(state: &State, signer: AccountId, call: Call) -> Payload {
    let (version, genesis, nonce) = (TRANSACTION_VERSION, state.genesis(), state.nonce(&signer));
    Payload { version, genesis, signer, nonce, valid_until_ms: state.at().time_ms, tip: 0, call }
}

/// A call that may well succeed, and who should sign it: the same for the same seed and state. Two
/// members, `ann` and `bob`, are there, and workers and keys of the council by the names of [`SIGNERS`].
#[must_use]
pub fn random_call(state: &State, seed: u64) -> (AccountId, Call) {
    random::Dice { seed, state }.call()
}

/// One call, and whether a block begins before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Position in [`SIGNERS`].
    pub signer: u8,
    /// Doublings of the shortest time between blocks, 1 to 15; none for the same block.
    pub pause: u8,
    /// What is asked.
    pub call: Call,
}

impl Step {
    /// The step at the beginning of `bytes`, which are then what follows it.
    #[must_use]
    pub fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        let call = Call::decode_with_depth_limit(MAX_DECODE_DEPTH, bytes).ok()?;
        Some(Self { signer: first & 15, pause: first >> 4, call })
    }

    /// Appends the step to `bytes`.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.signer | (self.pause << 4));
        self.call.encode_to(bytes);
    }
}

/// Panics unless every record agrees with every other, and the incremental root with a slow one.
pub fn check(state: &mut State) {
    invariants::check(state);
}

/// As [`check`], without the root.
pub fn check_records(state: &State) {
    invariants::check_records(state);
}

/// Panics unless `after` is `before` with the nonce and the fee of `payload` used up.
pub fn check_failure(before: &mut State, after: &mut State, payload: &Payload) {
    invariants::check_nothing_changed_but_nonce_and_fee(before, after, payload);
}
