//! The block's randomness: chained, and provably not chosen by the sequencer.
//!
//! Each block's value is the output of a verifiable random function of the sequencer's key over the
//! previous value and the height. The sequencer can compute it ahead, but has exactly one per height.
//!
//! Source: docs/decisions, "the block's randomness"; schnorrkel's VRF.

use argosy_domain::{AccountId, keys::NoRng};
use codec::{Decode, Encode};
use schnorrkel::{
    PublicKey,
    context::{SigningTranscript, attach_rng, signing_context},
    vrf::{VRFPreOut, VRFProof},
};

/// Context of the function's input.
const INPUT_CONTEXT: &[u8] = b"argosy/randomness/input/1";
/// Context of the proof.
const PROOF_CONTEXT: &[u8] = b"argosy/randomness/proof/1";
/// Context of the output bytes.
const OUTPUT_CONTEXT: &[u8] = b"argosy/randomness/output/1";
/// First bytes of what block 0's randomness is the hash of.
const GENESIS_DOMAIN: &[u8] = b"argosy/randomness/genesis/1";

/// Proof that a block's randomness is the one value that its height and parent allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Vrf {
    /// The function's pre-output: a compressed ristretto point.
    pub preout: [u8; 32],
    /// Proof that the pre-output belongs to the sequencer's key and the input.
    pub proof: [u8; 64],
}

impl Vrf {
    /// What block 0 carries, which has no proof.
    pub const NONE: Self = Self { preout: [0; 32], proof: [0; 64] };
}

/// Randomness of block 0, which everybody computes from the hash of the genesis.
#[must_use]
pub fn genesis_randomness(genesis_hash: &[u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(GENESIS_DOMAIN).update(genesis_hash);
    *hasher.finalize().as_bytes()
}

/// Randomness of the block at `height`, with its proof.
#[must_use]
pub fn draw(pair: &schnorrkel::Keypair, previous: &[u8; 32], height: u64) -> ([u8; 32], Vrf) {
    // The nonce comes from the key and the input: each input is proved with the same one again.
    let proof_transcript = attach_rng(proof_transcript(), NoRng);
    let (inout, proof, _) = pair.vrf_sign_extra(input_transcript(previous, height), proof_transcript);
    let vrf = Vrf { preout: inout.to_preout().to_bytes(), proof: proof.to_bytes() };
    (inout.make_bytes(OUTPUT_CONTEXT), vrf)
}

/// The randomness that `vrf` proves for the block at `height`; nothing if the proof is wrong.
#[must_use]
pub fn verify(sequencer: &AccountId, previous: &[u8; 32], height: u64, vrf: &Vrf) -> Option<[u8; 32]> {
    let key = PublicKey::from_bytes(&sequencer.0).ok()?;
    let preout = VRFPreOut::from_bytes(&vrf.preout).ok()?;
    let proof = VRFProof::from_bytes(&vrf.proof).ok()?;
    let input = input_transcript(previous, height);
    let (inout, _) = key.vrf_verify_extra(input, &preout, &proof, proof_transcript()).ok()?;
    Some(inout.make_bytes(OUTPUT_CONTEXT))
}

fn input_transcript(previous: &[u8; 32], height: u64) -> impl SigningTranscript {
    let mut input = [0; 40];
    input[..32].copy_from_slice(previous);
    input[32..].copy_from_slice(&height.to_le_bytes());
    signing_context(INPUT_CONTEXT).bytes(&input)
}

fn proof_transcript() -> impl SigningTranscript {
    signing_context(PROOF_CONTEXT).bytes(b"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::{KeyScheme, Keypair};

    fn key(uri: &str) -> (schnorrkel::Keypair, AccountId) {
        let key = Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap();
        (key.sr25519().unwrap().clone(), key.account())
    }

    #[test]
    fn the_proof_gives_back_the_value_that_was_drawn() {
        let (pair, account) = key("//Alice");
        let previous = genesis_randomness(&[1; 32]);
        let (value, vrf) = draw(&pair, &previous, 1);
        assert_eq!(verify(&account, &previous, 1, &vrf), Some(value));
        assert_eq!(draw(&pair, &previous, 1), (value, vrf), "one value a height");
        assert_ne!(draw(&pair, &previous, 2).0, value);
        assert_ne!(draw(&pair, &value, 1).0, value);
    }

    #[test]
    fn a_proof_holds_for_its_key_input_and_bytes_only() {
        let (pair, account) = key("//Alice");
        let (_, vrf) = draw(&pair, &[7; 32], 5);
        assert!(verify(&account, &[7; 32], 5, &vrf).is_some());
        assert_eq!(verify(&key("//Bob").1, &[7; 32], 5, &vrf), None);
        assert_eq!(verify(&account, &[8; 32], 5, &vrf), None);
        assert_eq!(verify(&account, &[7; 32], 6, &vrf), None);
        let mut other = vrf;
        other.proof[3] ^= 1;
        assert_eq!(verify(&account, &[7; 32], 5, &other), None);
        let mut other = vrf;
        other.preout = draw(&pair, &[7; 32], 6).1.preout;
        assert_eq!(verify(&account, &[7; 32], 5, &other), None);
    }
}
