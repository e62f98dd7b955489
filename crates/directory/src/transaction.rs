//! Transactions: a call, signed for one network, one nonce and a time.

use crate::{
    call::{Balance, Call},
    reject::Reject,
};
use alloc::vec::Vec;
use argosy_domain::{
    AccountId, Keypair, Signature,
    limits::MAX_TRANSACTION_BYTES,
    wire::{WireError, decode_canonical},
};
use codec::{Decode, Encode};

/// The only version of the signed bytes that exists.
pub const TRANSACTION_VERSION: u8 = 1;
/// First bytes of everything that a transaction's signature covers.
const DOMAIN: &[u8] = b"argosy/transaction/1";

/// What a signer signs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Payload {
    /// [`TRANSACTION_VERSION`].
    pub version: u8,
    /// Hash of the genesis of the network that it is meant for.
    pub genesis: [u8; 32],
    /// Who signs.
    pub signer: AccountId,
    /// How many transactions of this account are in blocks before this one.
    pub nonce: u64,
    /// Block time after which it is void, in milliseconds.
    pub valid_until_ms: u64,
    /// Paid beside the fee, from the same money and as certainly: for a place in a full pool, or in place
    /// of another transaction with this nonce.
    #[codec(compact)]
    pub tip: Balance,
    /// What is asked.
    pub call: Call,
}

/// A signed call.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Transaction {
    /// What was signed.
    pub payload: Payload,
    /// By the payload's signer.
    pub signature: Signature,
}

impl Transaction {
    /// Signs `call` with `key`, without a tip.
    #[must_use]
    pub fn sign(key: &Keypair, genesis: [u8; 32], nonce: u64, valid_until_ms: u64, call: Call) -> Self {
        Self::sign_with_tip(key, genesis, nonce, valid_until_ms, 0, call)
    }

    /// Signs `call` with `key`, and promises `tip` base units beside the fee.
    #[must_use]
    pub fn sign_with_tip(
        key: &Keypair,
        genesis: [u8; 32],
        nonce: u64,
        valid_until_ms: u64,
        tip: Balance,
        call: Call,
    ) -> Self {
        let payload = Payload {
            version: TRANSACTION_VERSION,
            genesis,
            signer: key.account(),
            nonce,
            valid_until_ms,
            tip,
            call,
        };
        let signature = key.sign(&payload.signed_bytes());
        Self { payload, signature }
    }

    /// Decodes bytes from elsewhere.
    ///
    /// # Errors
    /// [`WireError`] if they are too many, or not the canonical encoding of a transaction.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > MAX_TRANSACTION_BYTES {
            return Err(WireError::Malformed);
        }
        decode_canonical(bytes)
    }

    /// Whether the signature is the signer's, over this payload.
    #[must_use]
    pub fn signature_holds(&self) -> bool {
        self.signature.verify(&self.payload.signer, &self.payload.signed_bytes())
    }

    /// As [`Transaction::signature_holds`], for those who answer a sender.
    ///
    /// # Errors
    /// [`Reject::BadSignature`].
    pub fn check_signature(&self) -> Result<(), Reject> {
        if self.signature_holds() { Ok(()) } else { Err(Reject::BadSignature) }
    }

    /// Hash of the whole encoding: the transaction's name.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.using_encoded(|bytes| *blake3::hash(bytes).as_bytes())
    }
}

impl Payload {
    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = DOMAIN.to_vec();
        self.encode_to(&mut bytes);
        bytes
    }
}
