//! Read permits: a bag owner's word that a private object, or a whole private bag, may be read for a while.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use crate::signed::{self, signed_bytes};
use argosy_domain::{
    AccountId, BagId, DataObjectId, Keypair, Signature,
    limits::{MAX_CLOCK_SKEW_MS, MAX_READ_PERMIT_LIFE_MS},
};
use codec::{Decode, Encode};
use std::{fmt, str::FromStr};

const DOMAIN: &[u8] = b"argosy/read-permit/1";
/// Longest text form that is read, in characters; a real one has at most 232.
const MAX_TEXT: usize = 256;

/// Name of the query's parameter that holds a permit.
pub const PERMIT_PARAMETER: &str = "permit";

/// Goes into a URL as `?permit=<text form>`; the text form is hexadecimal.
///
/// Whoever has the URL may read until the permit expires: there is no way to take a single one back.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReadPermit {
    claim: Claim,
    signature: Signature,
}

/// What a permit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ReadScope {
    /// One object, whichever bag it is in.
    Object(DataObjectId),
    /// Every object of a bag, also those that come later.
    Bag(BagId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Claim {
    scope: ReadScope,
    expires_ms: u64,
    signer: AccountId,
}

/// Why a permit does not allow to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermitError {
    /// Not a permit at all.
    #[error("the permit cannot be read: use the URL exactly as it was given")]
    Malformed,
    /// For another object or bag.
    #[error("the permit is for another object or bag")]
    Elsewhere,
    /// Too old.
    #[error("the permit has expired: ask the owner of the bag for a new one")]
    Expired,
    /// Valid for longer than nodes accept.
    #[error("the permit is valid for more than a week: ask the owner of the bag for a shorter one")]
    TooLong,
    /// The signer may not upload into the bag either.
    #[error("the permit is not signed by the owner of the bag or a collaborator")]
    NotOwner,
    /// The signature is wrong; it covers the network as well.
    #[error("the signature of the permit is wrong, or it is for another network")]
    Signature,
}

impl ReadPermit {
    /// Signs a permit that is valid until `expires_ms` (milliseconds since 1970), on the network with
    /// this genesis hash.
    #[must_use]
    pub fn sign(key: &Keypair, genesis: &[u8; 32], scope: ReadScope, expires_ms: u64) -> Self {
        let claim = Claim { scope, expires_ms, signer: key.account() };
        let signature = key.sign(&signed_bytes(DOMAIN, genesis, &claim));
        Self { claim, signature }
    }

    /// Who has signed it, or says so.
    #[must_use]
    pub fn signer(&self) -> &AccountId {
        &self.claim.signer
    }

    /// When it ends, in milliseconds since 1970.
    #[must_use]
    pub fn expires_ms(&self) -> u64 {
        self.claim.expires_ms
    }

    /// Checks that this object of this bag may be read now; `may_sign` says whether the signer is one
    /// whose word counts for the bag.
    ///
    /// # Errors
    /// [`PermitError`]: cheap checks first, the signature last.
    pub fn check(
        &self,
        genesis: &[u8; 32],
        object: DataObjectId,
        bag: &BagId,
        may_sign: bool,
        now_ms: u64,
    ) -> Result<(), PermitError> {
        let claim = &self.claim;
        let covers = match claim.scope {
            ReadScope::Object(id) => id == object,
            ReadScope::Bag(scope) => scope == *bag,
        };
        if !covers {
            return Err(PermitError::Elsewhere);
        }
        let left_ms = claim.expires_ms.saturating_sub(now_ms);
        if left_ms == 0 {
            return Err(PermitError::Expired);
        }
        if left_ms > MAX_READ_PERMIT_LIFE_MS + MAX_CLOCK_SKEW_MS {
            return Err(PermitError::TooLong);
        }
        if !may_sign {
            return Err(PermitError::NotOwner);
        }
        let signed = self.signature.verify(&claim.signer, &signed_bytes(DOMAIN, genesis, claim));
        if signed { Ok(()) } else { Err(PermitError::Signature) }
    }
}

impl fmt::Display for ReadPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&signed::text_of(self))
    }
}

impl FromStr for ReadPermit {
    type Err = PermitError;
    fn from_str(text: &str) -> Result<Self, PermitError> {
        signed::from_text(text, MAX_TEXT).ok_or(PermitError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::{ChannelId, KeyScheme};

    const NOW: u64 = 1_000_000;
    const NETWORK: [u8; 32] = [1; 32];

    fn alice() -> Keypair {
        Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap()
    }

    #[test]
    fn a_permit_allows_just_what_it_says() {
        let (object, bag) = (DataObjectId(4), BagId::channel(ChannelId(1)));
        let permit = ReadPermit::sign(&alice(), &NETWORK, ReadScope::Object(object), NOW + 60_000);
        let check = |permit: &ReadPermit, object, bag, now| permit.check(&NETWORK, object, bag, true, now);
        assert_eq!(check(&permit, object, &bag, NOW), Ok(()));
        assert_eq!(*permit.signer(), alice().account());
        assert_eq!(check(&permit, DataObjectId(5), &bag, NOW), Err(PermitError::Elsewhere));
        assert_eq!(check(&permit, object, &bag, NOW + 59_999), Ok(()));
        assert_eq!(check(&permit, object, &bag, NOW + 60_000), Err(PermitError::Expired));
        assert_eq!(permit.check(&NETWORK, object, &bag, false, NOW), Err(PermitError::NotOwner));
        assert_eq!(permit.check(&[2; 32], object, &bag, true, NOW), Err(PermitError::Signature));
        let mut forged = permit.clone();
        forged.claim.expires_ms += 1;
        assert_eq!(check(&forged, object, &bag, NOW), Err(PermitError::Signature));
        forged = permit.clone();
        forged.claim.signer = AccountId([9; 32]);
        assert_eq!(check(&forged, object, &bag, NOW), Err(PermitError::Signature));

        let of_bag = ReadPermit::sign(&alice(), &NETWORK, ReadScope::Bag(bag), NOW + 60_000);
        assert_eq!(check(&of_bag, DataObjectId(5), &bag, NOW), Ok(()));
        let other = BagId::channel(ChannelId(2));
        assert_eq!(check(&of_bag, object, &other, NOW), Err(PermitError::Elsewhere));
    }

    #[test]
    fn a_permit_lives_a_week_at_most_and_fits_into_a_url() {
        let (object, bag) = (DataObjectId(u64::MAX), BagId::channel(ChannelId(u64::MAX)));
        let longest = NOW + MAX_READ_PERMIT_LIFE_MS + MAX_CLOCK_SKEW_MS;
        for scheme in [KeyScheme::Sr25519, KeyScheme::Ed25519] {
            let key = Keypair::from_uri(scheme, "//Alice").unwrap();
            for scope in [ReadScope::Object(object), ReadScope::Bag(bag)] {
                let permit = ReadPermit::sign(&key, &NETWORK, scope, longest);
                assert_eq!(permit.check(&NETWORK, object, &bag, true, NOW), Ok(()));
                let text = permit.to_string();
                assert!(text.len() <= 232, "{}", text.len());
                assert_eq!(text.parse(), Ok(permit));
                let longer = ReadPermit::sign(&key, &NETWORK, scope, longest + 1);
                assert_eq!(longer.check(&NETWORK, object, &bag, true, NOW), Err(PermitError::TooLong));
                for bad in ["", "zz", &text[2..], &format!("{text}00"), &"00".repeat(200)] {
                    assert_eq!(bad.parse::<ReadPermit>(), Err(PermitError::Malformed), "{bad}");
                }
            }
        }
    }
}
