//! Refusals: a directory node's signed word that it turned a lead's transaction down before a block.

use crate::directory::RecordView;
use argosy_domain::{
    AccountId, Keypair, Signature, WorkingGroup,
    limits::MAX_TRANSACTION_BYTES,
    wire::{WireError, decode_canonical},
};
use codec::{Decode, Encode};

/// First bytes of what a signature covers.
const DOMAIN: &[u8] = b"argosy/refusal/1";
/// First bytes of what the hash of an entry covers.
const HASH_DOMAIN: &[u8] = b"argosy/refusal-entry/1";
/// Largest encoded entry, in bytes: a transaction and a few short texts.
pub const MAX_REFUSAL_BYTES: usize = MAX_TRANSACTION_BYTES + 4 * 1024;

/// What was refused, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Refusal {
    /// Hash of the network's genesis.
    pub genesis: [u8; 32],
    /// Counted from 0 by the node.
    pub number: u64,
    /// Hash of the entry before; zeros in the first one.
    pub parent: [u8; 32],
    /// When, by the node's clock, in milliseconds since 1970.
    pub time_ms: u64,
    /// Newest block then.
    pub height: u64,
    /// Groups that the transaction's signer led.
    pub groups: Vec<WorkingGroup>,
    /// Stable number of the reason, 0 if the directory's rules have none for it.
    pub reason: u16,
    /// Stable name of the reason.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The transaction, encoded. Its signature holds.
    pub transaction: Vec<u8>,
}

/// A refusal and the node's signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedRefusal {
    /// What was signed.
    pub refusal: Refusal,
    /// The directory node's key.
    pub signer: AccountId,
    signature: Signature,
}

impl SignedRefusal {
    /// Signs a refusal with the node's key.
    #[must_use]
    pub fn sign(key: &Keypair, refusal: Refusal) -> Self {
        let signature = key.sign(&signed_bytes(&refusal));
        Self { refusal, signer: key.account(), signature }
    }

    /// Decodes bytes from elsewhere. Look at the signature before believing them.
    ///
    /// # Errors
    /// [`WireError`] if they are too many, or not the canonical encoding of an entry.
    pub fn decode_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > MAX_REFUSAL_BYTES {
            return Err(WireError::Malformed);
        }
        decode_canonical(bytes)
    }

    /// Whether the signature is the signer's. Whose word counts is for the reader to say.
    #[must_use]
    pub fn signature_holds(&self) -> bool {
        self.signature.verify(&self.signer, &signed_bytes(&self.refusal))
    }

    /// Whether an entry of a lead's record says what was signed, on the network of this genesis.
    #[must_use]
    pub fn confirms(&self, entry: &RecordView, genesis: &[u8; 32]) -> bool {
        let refusal = &self.refusal;
        let reason = entry.error.as_ref().map(|error| (error.number, error.code.as_str()));
        self.signature_holds()
            && refusal.genesis == *genesis
            && entry.hash == hex::encode(argosy_ledger::block::transaction_hash(&refusal.transaction))
            && (entry.height, entry.time_ms) == (refusal.height, refusal.time_ms)
            && entry.refusal == Some(refusal.number)
            && reason == Some((refusal.reason, refusal.code.as_str()))
    }

    /// What the next entry names as its parent.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut bytes = HASH_DOMAIN.to_vec();
        self.encode_to(&mut bytes);
        argosy_ledger::block::transaction_hash(&bytes)
    }
}

fn signed_bytes(refusal: &Refusal) -> Vec<u8> {
    let mut bytes = DOMAIN.to_vec();
    refusal.encode_to(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::KeyScheme;

    #[test]
    fn a_refusal_is_the_nodes_word() {
        let key = Keypair::from_uri(KeyScheme::Sr25519, "//Sequencer").unwrap();
        let refusal = Refusal {
            genesis: [1; 32],
            number: 0,
            parent: [0; 32],
            time_ms: 5,
            height: 7,
            groups: vec![WorkingGroup::Storage],
            reason: 105,
            code: "NONCE_STALE".to_owned(),
            message: "too late".to_owned(),
            transaction: vec![1, 2, 3],
        };
        let signed = SignedRefusal::sign(&key, refusal);
        assert!(signed.signature_holds());
        let again = SignedRefusal::decode_bytes(&signed.encode()).unwrap();
        assert_eq!((&again, again.hash()), (&signed, signed.hash()));
        let mut forged = again;
        forged.refusal.code = "EXPIRED".to_owned();
        assert!(!forged.signature_holds());
        assert_ne!(forged.hash(), signed.hash());
    }
}
