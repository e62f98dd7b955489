//! What a standby tells its sequencer: that a block is on another disk too.

use argosy_domain::{AccountId, Keypair, Signature};
use codec::{Decode, Encode};

/// First bytes of what a confirmation signs.
const DOMAIN: &[u8] = b"argosy/confirmation/1";
/// Longest encoding of a confirmation, in bytes.
pub const MAX_CONFIRMATION_BYTES: usize = 256;

/// A standby's word that it has every block up to one durably.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Confirmation {
    /// Hash of the network's genesis.
    pub genesis: [u8; 32],
    /// Height of the block.
    pub height: u64,
    /// Hash of the block.
    pub hash: [u8; 32],
    /// Who says so.
    pub standby: AccountId,
    signature: Signature,
}

impl Confirmation {
    /// Signed by the standby's key.
    #[must_use]
    pub fn sign(key: &Keypair, genesis: [u8; 32], height: u64, hash: [u8; 32]) -> Self {
        let signature = key.sign(&signed_bytes(&genesis, height, &hash));
        Self { genesis, height, hash, standby: key.account(), signature }
    }

    /// Whether the signature is the standby's.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.signature.verify(&self.standby, &signed_bytes(&self.genesis, self.height, &self.hash))
    }
}

fn signed_bytes(genesis: &[u8; 32], height: u64, hash: &[u8; 32]) -> Vec<u8> {
    [DOMAIN, genesis, &height.to_le_bytes(), hash].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::{KeyScheme, wire::decode_canonical};

    #[test]
    fn a_confirmation_holds_for_what_was_signed_only() {
        let key = Keypair::from_uri(KeyScheme::Sr25519, "//Standby").unwrap();
        let said = Confirmation::sign(&key, [1; 32], 7, [2; 32]);
        let encoded = said.encode();
        assert!(said.holds() && encoded.len() <= MAX_CONFIRMATION_BYTES);
        let read: Confirmation = decode_canonical(&encoded).unwrap();
        assert_eq!(read, said);
        for altered in [
            Confirmation { height: 8, ..said.clone() },
            Confirmation { hash: [3; 32], ..said.clone() },
            Confirmation { genesis: [3; 32], ..said.clone() },
            Confirmation { standby: AccountId([3; 32]), ..said },
        ] {
            assert!(!altered.holds());
        }
    }
}
