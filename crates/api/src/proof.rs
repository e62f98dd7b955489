//! Proofs of role: what a node answers to a challenge, so that others know whose node they ask.

use crate::signed::{self, signed_bytes};
use argosy_domain::{AccountId, Keypair, Signature, WorkerId, WorkingGroup};
use codec::{Decode, Encode};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const DOMAIN: &[u8] = b"argosy/proof-of-role/1";
/// Longest text form that is read, in characters: an endpoint has at most 256.
const MAX_TEXT: usize = 1024;

/// Where nodes answer challenges, below their root URL.
pub const PROOF_PATH: &str = "/api/v1/proof-of-role";
/// Longest answer that is read, in bytes.
pub const MAX_PROOF_BYTES: usize = 4096;

/// What is asked: random bytes, and the root URL by which the node is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Random bytes, so that an old answer is of no use.
    pub nonce: [u8; 32],
    /// Root URL as the directory has it.
    pub endpoint: String,
}

/// The answer: the node at this endpoint is that of this worker.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RoleProof {
    claim: Claim,
    signature: Signature,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Claim {
    nonce: [u8; 32],
    /// Without a slash at the end. Signed, so that an answer cannot be passed on by another node.
    endpoint: String,
    group: WorkingGroup,
    worker: WorkerId,
    signer: AccountId,
}

/// `GET /api/v1/proof-of-role`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleProofView {
    /// Text form of a [`RoleProof`].
    pub proof: String,
}

/// Why an answer proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not an answer to a challenge.
    #[error("the answer is no proof")]
    Malformed,
    /// An answer to another challenge.
    #[error("the proof answers another challenge")]
    OtherChallenge,
    /// The signature is wrong; it covers the network as well.
    #[error("the signature of the proof is wrong, or it is for another network")]
    Signature,
    /// The node belongs to another worker.
    #[error("the node is that of another worker")]
    OtherWorker,
    /// Signed, but by no key of the worker.
    #[error("the key that has signed is not one of the worker's")]
    OtherKey,
}

impl Challenge {
    /// The query of the request: both in hexadecimal, since an endpoint may hold what means something there.
    #[must_use]
    pub fn to_query(&self) -> String {
        format!("challenge={}&endpoint={}", hex::encode(self.nonce), hex::encode(&self.endpoint))
    }

    /// Reads such a query; none of any other.
    #[must_use]
    pub fn from_query(query: &str) -> Option<Self> {
        let (first, second) = query.split_once('&')?;
        let nonce = hex::decode(first.strip_prefix("challenge=")?).ok()?.try_into().ok()?;
        let endpoint = String::from_utf8(hex::decode(second.strip_prefix("endpoint=")?).ok()?).ok()?;
        argosy_domain::metadata::endpoint_is_valid(&endpoint).then_some(Self { nonce, endpoint })
    }

    /// Whether it is asked of a node with this root URL.
    #[must_use]
    pub fn is_for(&self, endpoint: &str) -> bool {
        root_of(&self.endpoint) == root_of(endpoint)
    }
}

impl RoleProof {
    /// Signs the answer of the node of a worker.
    #[must_use]
    pub fn sign(
        key: &Keypair,
        genesis: &[u8; 32],
        challenge: &Challenge,
        group: WorkingGroup,
        worker: WorkerId,
    ) -> Self {
        let endpoint = root_of(&challenge.endpoint).to_owned();
        let claim = Claim { nonce: challenge.nonce, endpoint, group, worker, signer: key.account() };
        let signature = key.sign(&signed_bytes(DOMAIN, genesis, &claim));
        Self { claim, signature }
    }

    /// Who has signed it, or says so.
    #[must_use]
    pub fn signer(&self) -> &AccountId {
        &self.claim.signer
    }

    /// Checks that it answers this challenge for this worker; `is_theirs` says whether an account is one of
    /// the worker's.
    ///
    /// # Errors
    /// [`ProofError`]. What is [`ProofError::OtherWorker`] or [`ProofError::OtherKey`] is well signed for
    /// this very challenge: some node of the network has answered.
    pub fn check(
        &self,
        genesis: &[u8; 32],
        challenge: &Challenge,
        group: WorkingGroup,
        worker: WorkerId,
        is_theirs: impl FnOnce(&AccountId) -> bool,
    ) -> Result<(), ProofError> {
        let claim = &self.claim;
        if claim.nonce != challenge.nonce || !challenge.is_for(&claim.endpoint) {
            return Err(ProofError::OtherChallenge);
        }
        if !self.signature.verify(&claim.signer, &signed_bytes(DOMAIN, genesis, claim)) {
            return Err(ProofError::Signature);
        }
        if (claim.group, claim.worker) != (group, worker) {
            return Err(ProofError::OtherWorker);
        }
        if is_theirs(&claim.signer) { Ok(()) } else { Err(ProofError::OtherKey) }
    }
}

fn root_of(endpoint: &str) -> &str {
    endpoint.trim_end_matches('/')
}

impl fmt::Display for RoleProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&signed::text_of(self))
    }
}

impl FromStr for RoleProof {
    type Err = ProofError;
    fn from_str(text: &str) -> Result<Self, ProofError> {
        signed::from_text(text, MAX_TEXT).ok_or(ProofError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::KeyScheme;

    const NETWORK: [u8; 32] = [1; 32];
    const GROUP: WorkingGroup = WorkingGroup::Storage;
    const WORKER: WorkerId = WorkerId(3);

    fn challenge(endpoint: &str) -> Challenge {
        Challenge { nonce: [7; 32], endpoint: endpoint.to_owned() }
    }

    #[test]
    fn a_proof_is_good_for_one_challenge_of_one_worker_at_one_endpoint() {
        for scheme in [KeyScheme::Sr25519, KeyScheme::Ed25519] {
            let key = Keypair::from_uri(scheme, "//Worker").unwrap();
            let asked = challenge("http://a:1/");
            let proof = RoleProof::sign(&key, &NETWORK, &asked, GROUP, WORKER);
            let proof: RoleProof = proof.to_string().parse().unwrap();
            assert_eq!(*proof.signer(), key.account());
            let check = |proof: &RoleProof, asked: &Challenge, group, worker| {
                proof.check(&NETWORK, asked, group, worker, |account| *account == key.account())
            };
            assert_eq!(check(&proof, &asked, GROUP, WORKER), Ok(()));
            assert_eq!(check(&proof, &challenge("http://a:1"), GROUP, WORKER), Ok(()));
            let passed_on = check(&proof, &challenge("http://b"), GROUP, WORKER);
            assert_eq!(passed_on, Err(ProofError::OtherChallenge));
            let mut again = asked.clone();
            again.nonce[0] ^= 1;
            assert_eq!(check(&proof, &again, GROUP, WORKER), Err(ProofError::OtherChallenge));
            assert_eq!(check(&proof, &asked, GROUP, WorkerId(4)), Err(ProofError::OtherWorker));
            let distribution = WorkingGroup::Distribution;
            assert_eq!(check(&proof, &asked, distribution, WORKER), Err(ProofError::OtherWorker));
            let stranger = proof.check(&NETWORK, &asked, GROUP, WORKER, |_| false);
            assert_eq!(stranger, Err(ProofError::OtherKey));
            let elsewhere = proof.check(&[2; 32], &asked, GROUP, WORKER, |_| true);
            assert_eq!(elsewhere, Err(ProofError::Signature));
            let mut forged = proof.clone();
            forged.claim.worker = WorkerId(4);
            assert_eq!(check(&forged, &asked, GROUP, WorkerId(4)), Err(ProofError::Signature));
            for bad in ["", "zz", &proof.to_string()[2..], &"00".repeat(1_000)] {
                assert_eq!(bad.parse::<RoleProof>(), Err(ProofError::Malformed));
            }
        }
    }

    #[test]
    fn the_longest_proof_can_be_read() {
        let endpoint = format!("http://a/{}", "x".repeat(argosy_domain::metadata::MAX_ENDPOINT_CHARS - 9));
        let asked = challenge(&endpoint);
        let key = Keypair::from_uri(KeyScheme::Sr25519, "//Worker").unwrap();
        let proof = RoleProof::sign(&key, &NETWORK, &asked, GROUP, WorkerId(u64::MAX));
        assert_eq!(proof.to_string().parse(), Ok(proof.clone()));
        let view = serde_json::to_vec(&RoleProofView { proof: proof.to_string() }).unwrap();
        assert!(view.len() < MAX_PROOF_BYTES);
    }

    #[test]
    fn challenges_are_read_as_they_are_written() {
        for endpoint in ["http://a:1", "https://a.example/x&y=%20/"] {
            let asked = challenge(endpoint);
            assert_eq!(Challenge::from_query(&asked.to_query()), Some(asked));
        }
        let (nonce, endpoint) = ("07".repeat(32), hex::encode("http://a"));
        for bad in [
            String::new(),
            format!("challenge={nonce}"),
            format!("endpoint={endpoint}&challenge={nonce}"),
            format!("challenge={nonce}&endpoint={endpoint}&x=1"),
            format!("challenge={}&endpoint={endpoint}", &nonce[2..]),
            format!("challenge={nonce}&endpoint={}", hex::encode("ftp://a")),
            format!("challenge={nonce}&endpoint=ff"),
            format!("challenge=+{}&endpoint={endpoint}", &nonce[1..]),
        ] {
            assert_eq!(Challenge::from_query(&bad), None, "{bad}");
        }
    }
}
