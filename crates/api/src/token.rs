//! Upload tokens: a bag owner's word that one object may be uploaded to one bucket for a while.

use crate::signed;
use argosy_domain::{
    AccountId, DataObjectId, Keypair, Signature, StorageBucketId, limits::MAX_UPLOAD_TOKEN_LIFE_MS,
};
use codec::{Decode, Encode};
use std::{fmt, str::FromStr};

const DOMAIN: &[u8] = b"argosy/upload-token/1";
/// Longest text form, in characters.
const MAX_TEXT: usize = 1024;

/// Sent as `Authorization: Bearer <text form>`; the text form is hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct UploadToken {
    claim: Claim,
    signature: Signature,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Claim {
    genesis: [u8; 32],
    object: DataObjectId,
    bucket: StorageBucketId,
    expires_ms: u64,
    signer: AccountId,
}

/// Why a token does not allow an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token at all.
    #[error("the upload token cannot be read")]
    Malformed,
    /// For another object, bucket or network.
    #[error("the upload token is for another object, bucket or network")]
    Elsewhere,
    /// Too old, or valid for too long.
    #[error("the upload token has expired or is valid for more than a day")]
    Expired,
    /// The signer is not the owner of the bag.
    #[error("the upload token is not signed by the owner of the bag")]
    NotOwner,
    /// The signature is wrong.
    #[error("the signature of the upload token is wrong")]
    Signature,
}

impl UploadToken {
    /// Signs a token that is valid until `expires_ms` (milliseconds since 1970).
    #[must_use]
    pub fn sign(
        key: &Keypair,
        genesis: [u8; 32],
        object: DataObjectId,
        bucket: StorageBucketId,
        expires_ms: u64,
    ) -> Self {
        let claim = Claim { genesis, object, bucket, expires_ms, signer: key.account() };
        let signature = key.sign(&claim.signed_bytes());
        Self { claim, signature }
    }

    /// Checks that `owner` allows this upload now.
    ///
    /// # Errors
    /// [`TokenError`]: cheap checks first, the signature last.
    pub fn check(
        &self,
        genesis: &[u8; 32],
        object: DataObjectId,
        bucket: StorageBucketId,
        owner: &AccountId,
        now_ms: u64,
    ) -> Result<(), TokenError> {
        let claim = &self.claim;
        if claim.genesis != *genesis || claim.object != object || claim.bucket != bucket {
            return Err(TokenError::Elsewhere);
        }
        if now_ms >= claim.expires_ms || claim.expires_ms - now_ms > MAX_UPLOAD_TOKEN_LIFE_MS {
            return Err(TokenError::Expired);
        }
        if claim.signer != *owner {
            return Err(TokenError::NotOwner);
        }
        if self.signature.verify(owner, &claim.signed_bytes()) { Ok(()) } else { Err(TokenError::Signature) }
    }
}

impl Claim {
    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = DOMAIN.to_vec();
        self.encode_to(&mut bytes);
        bytes
    }
}

impl fmt::Display for UploadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&signed::text_of(self))
    }
}

impl FromStr for UploadToken {
    type Err = TokenError;
    fn from_str(text: &str) -> Result<Self, TokenError> {
        signed::from_text(text, MAX_TEXT).ok_or(TokenError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::KeyScheme;

    #[test]
    fn a_token_allows_just_what_it_says() {
        let alice = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap();
        let bob = Keypair::from_uri(KeyScheme::Sr25519, "//Bob").unwrap();
        let (network, object, bucket, now) = ([1; 32], DataObjectId(4), StorageBucketId(2), 1_000_000);
        let token: UploadToken =
            UploadToken::sign(&alice, network, object, bucket, now + 60_000).to_string().parse().unwrap();
        let owner = alice.account();
        assert_eq!(token.check(&network, object, bucket, &owner, now), Ok(()));
        assert_eq!(token.check(&[2; 32], object, bucket, &owner, now), Err(TokenError::Elsewhere));
        assert_eq!(token.check(&network, DataObjectId(5), bucket, &owner, now), Err(TokenError::Elsewhere));
        assert_eq!(
            token.check(&network, object, StorageBucketId(3), &owner, now),
            Err(TokenError::Elsewhere)
        );
        assert_eq!(token.check(&network, object, bucket, &owner, now + 60_000), Err(TokenError::Expired));
        assert_eq!(token.check(&network, object, bucket, &bob.account(), now), Err(TokenError::NotOwner));
        let long = UploadToken::sign(&alice, network, object, bucket, now + MAX_UPLOAD_TOKEN_LIFE_MS + 1);
        assert_eq!(long.check(&network, object, bucket, &owner, now), Err(TokenError::Expired));
        let mut forged = token.clone();
        forged.claim.expires_ms += 1;
        assert_eq!(forged.check(&network, object, bucket, &owner, now), Err(TokenError::Signature));
        assert!("zz".parse::<UploadToken>().is_err());
    }
}
