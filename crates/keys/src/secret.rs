//! What a key file keeps secret.

use argosy_domain::{
    KeyScheme, Keypair,
    keys::{KeyError, phrase_of},
};
use std::fmt;
use zeroize::Zeroizing;

/// What a key is made from. Its text can be written down and read again.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// A secret URI: phrase or seed, junctions, password.
    Uri(Zeroizing<String>),
    /// Scalar and nonce of an sr25519 key, as Polkadot-js exports it: the phrase is not in there.
    Expanded(Zeroizing<[u8; 64]>),
}

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct RandomError;

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A new phrase of twelve words.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn random() -> Result<Self, RandomError> {
        Ok(Self::Uri(phrase_of(&*random::<16>()?)))
    }

    /// Reads [`Secret::text`]: a secret URI, or `0x` and 128 hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyError`], which never repeats the text.
    pub fn parse(scheme: KeyScheme, text: &str) -> Result<Self, KeyError> {
        let secret = match text.strip_prefix("0x").filter(|digits| digits.len() == 128) {
            Some(digits) => {
                let mut bytes = Zeroizing::new([0; 64]);
                hex::decode_to_slice(digits, bytes.as_mut_slice()).map_err(|_| KeyError::Seed)?;
                Self::Expanded(bytes)
            }
            None => Self::Uri(Zeroizing::new(text.to_owned())),
        };
        secret.keypair(scheme)?;
        Ok(secret)
    }

    /// The text to write down.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        match self {
            Self::Uri(uri) => uri.clone(),
            Self::Expanded(bytes) => {
                let digits = Zeroizing::new(hex::encode(bytes.as_slice()));
                Zeroizing::new(format!("0x{}", *digits))
            }
        }
    }

    /// The key.
    ///
    /// # Errors
    /// [`KeyError`]; `Seed` if an expanded sr25519 key is read as an ed25519 one.
    pub fn keypair(&self, scheme: KeyScheme) -> Result<Keypair, KeyError> {
        match (self, scheme) {
            (Self::Uri(uri), _) => Keypair::from_uri(scheme, uri),
            (Self::Expanded(bytes), KeyScheme::Sr25519) => Keypair::from_expanded(bytes),
            (Self::Expanded(_), KeyScheme::Ed25519) => Err(KeyError::Seed),
        }
    }
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, RandomError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| RandomError)?;
    Ok(bytes)
}
