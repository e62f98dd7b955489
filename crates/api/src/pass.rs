//! Node passes: by its role key a node shows another one that it may fetch an object of a private bag.

use crate::signed::{self, signed_bytes};
use argosy_domain::{AccountId, DataObjectId, Keypair, Signature, limits::MAX_NODE_PASS_LIFE_MS};
use codec::{Decode, Encode};
use std::{fmt, str::FromStr};

const DOMAIN: &[u8] = b"argosy/node-pass/1";
/// Longest text form that is read, in characters.
const MAX_TEXT: usize = 2048;
/// How long a pass lives, in milliseconds: half of what is accepted, so that clocks may differ.
const LIFE_MS: u64 = MAX_NODE_PASS_LIFE_MS / 2;

/// Scheme of the `Authorization` header that holds a pass.
pub const PASS_SCHEME: &str = "Argosy";

/// Sent as `Authorization: Argosy <text form>`; the text form is hexadecimal.
///
/// Good for reading one object at one node: who is shown a pass cannot use it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct NodePass {
    claim: Claim,
    signature: Signature,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Claim {
    object: DataObjectId,
    /// Root URL of the node that is asked, as the directory has it, without a slash at the end.
    audience: String,
    expires_ms: u64,
    signer: AccountId,
}

/// Why a pass does not allow to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// Not a pass at all.
    #[error("the pass of the asking node cannot be read")]
    Malformed,
    /// For another object or node.
    #[error("the pass of the asking node is for another object or another node")]
    Elsewhere,
    /// Too old, or valid for too long.
    #[error("the pass of the asking node has expired, or its clock is wrong")]
    Expired,
    /// The signer serves no bucket of the bag.
    #[error("the asking node serves no bucket of the bag")]
    NotServing,
    /// The signature is wrong; it covers the network as well.
    #[error("the signature of the asking node's pass is wrong, or it is for another network")]
    Signature,
}

impl NodePass {
    /// Signs a pass for an object at the node whose root URL is `endpoint`.
    #[must_use]
    pub fn sign(
        key: &Keypair,
        genesis: &[u8; 32],
        object: DataObjectId,
        endpoint: &str,
        now_ms: u64,
    ) -> Self {
        let audience = root_of(endpoint).to_owned();
        let expires_ms = now_ms.saturating_add(LIFE_MS);
        let claim = Claim { object, audience, expires_ms, signer: key.account() };
        let signature = key.sign(&signed_bytes(DOMAIN, genesis, &claim));
        Self { claim, signature }
    }

    /// Who has signed it, or says so.
    #[must_use]
    pub fn signer(&self) -> &AccountId {
        &self.claim.signer
    }

    /// Checks that this object may be read now. `endpoints` are the root URLs that the directory has of
    /// the node that is asked; `is_serving` says whether the signer's node serves the bag.
    ///
    /// # Errors
    /// [`PassError`]: cheap checks first, the signature last.
    pub fn check<'a>(
        &self,
        genesis: &[u8; 32],
        object: DataObjectId,
        endpoints: impl IntoIterator<Item = &'a str>,
        is_serving: bool,
        now_ms: u64,
    ) -> Result<(), PassError> {
        let claim = &self.claim;
        let here = endpoints.into_iter().any(|endpoint| root_of(endpoint) == claim.audience);
        if claim.object != object || !here {
            return Err(PassError::Elsewhere);
        }
        let left_ms = claim.expires_ms.saturating_sub(now_ms);
        if left_ms == 0 || left_ms > MAX_NODE_PASS_LIFE_MS {
            return Err(PassError::Expired);
        }
        if !is_serving {
            return Err(PassError::NotServing);
        }
        let signed = self.signature.verify(&claim.signer, &signed_bytes(DOMAIN, genesis, claim));
        if signed { Ok(()) } else { Err(PassError::Signature) }
    }
}

fn root_of(endpoint: &str) -> &str {
    endpoint.trim_end_matches('/')
}

impl fmt::Display for NodePass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&signed::text_of(self))
    }
}

impl FromStr for NodePass {
    type Err = PassError;
    fn from_str(text: &str) -> Result<Self, PassError> {
        signed::from_text(text, MAX_TEXT).ok_or(PassError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::KeyScheme;

    #[test]
    fn a_pass_is_good_for_one_object_at_one_node_for_a_moment() {
        let key = Keypair::from_uri(KeyScheme::Sr25519, "//Worker").unwrap();
        let (network, object, now) = ([1; 32], DataObjectId(4), 1_000_000);
        let pass = NodePass::sign(&key, &network, object, "http://a:1/", now);
        let pass: NodePass = pass.to_string().parse().unwrap();
        assert_eq!(*pass.signer(), key.account());
        let here = ["http://b", "http://a:1"];
        assert_eq!(pass.check(&network, object, here, true, now), Ok(()));
        assert_eq!(pass.check(&network, object, ["http://a:1//"], true, now), Ok(()));
        assert_eq!(pass.check(&network, DataObjectId(5), here, true, now), Err(PassError::Elsewhere));
        for elsewhere in [vec![], vec!["http://b"], vec!["http://a:10"]] {
            assert_eq!(pass.check(&network, object, elsewhere, true, now), Err(PassError::Elsewhere));
        }
        assert_eq!(pass.check(&network, object, here, false, now), Err(PassError::NotServing));
        assert_eq!(pass.check(&[2; 32], object, here, true, now), Err(PassError::Signature));
        let skew = MAX_NODE_PASS_LIFE_MS / 2;
        for (at, expected) in [
            (now - skew, Ok(())),
            (now - skew - 1, Err(PassError::Expired)),
            (now + skew - 1, Ok(())),
            (now + skew, Err(PassError::Expired)),
        ] {
            assert_eq!(pass.check(&network, object, here, true, at), expected, "{at}");
        }
        let mut forged = pass.clone();
        forged.claim.audience = "http://b".to_owned();
        assert_eq!(forged.check(&network, object, here, true, now), Err(PassError::Signature));
        for bad in ["", "zz", &pass.to_string()[2..], &"00".repeat(2_000)] {
            assert_eq!(bad.parse::<NodePass>(), Err(PassError::Malformed));
        }
    }
}
