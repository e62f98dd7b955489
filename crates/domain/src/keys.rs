//! Accounts, key pairs and signatures: sr25519 (default) and ed25519.
//!
//! Source: Substrate's secret URIs, SS58 address format, Polkadot-js' form of secret keys.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

mod uri;

pub use uri::phrase_of;

use alloc::{string::String, vec::Vec};
use blake2::{Blake2b512, Digest};
use codec::{Decode, Encode};
use core::{fmt, str::FromStr};
use schnorrkel::{
    ExpansionMode, MiniSecretKey,
    derive::{ChainCode, Derivation as _},
};
use thiserror::Error;
use uri::blake2_256;
use zeroize::Zeroizing;

/// SS58 prefix of Joystream's addresses, the default of every network.
pub const DEFAULT_SS58_PREFIX: u16 = 126;
/// Signing context of Substrate's sr25519 signatures.
const SR25519_CONTEXT: &[u8] = b"substrate";
/// An account: the public key that signs for it. Text form SS58.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct AccountId(pub [u8; 32]);

/// Which signature scheme a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum KeyScheme {
    /// Schnorr signatures over ristretto, Substrate's default.
    Sr25519,
    /// Edwards-curve signatures, verified strictly.
    Ed25519,
}

/// A signature together with its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Signature {
    /// By an sr25519 key.
    Sr25519([u8; 64]),
    /// By an ed25519 key.
    Ed25519([u8; 64]),
}

/// Why a key or address was not understood. Never repeats what was read: it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Nothing at all.
    #[error("no secret is given: write //Alice for a development key, or a phrase of 12 words")]
    Empty,
    /// Neither phrase nor seed.
    #[error(
        "a secret is a phrase of 12 to 24 words or 0x and 64 hexadecimal digits, then //junctions, then ///password"
    )]
    Uri,
    /// More bytes than any secret has.
    #[error("this is longer than any secret")]
    TooLong,
    /// Not 64 hexadecimal digits.
    #[error("a secret seed is 0x and 64 hexadecimal digits")]
    Seed,
    /// Not a number of words that phrases have.
    #[error("a phrase has 12, 15, 18, 21 or 24 words, not {count}; a development key is written //Name")]
    WordCount {
        /// How many there are.
        count: usize,
    },
    /// Not in the list of words.
    #[error("word {position} of the phrase is not in the English list of BIP-39")]
    UnknownWord {
        /// Which one, from 1.
        position: usize,
    },
    /// Words of the list, but not a phrase.
    #[error("the words of the phrase do not belong together: one is wrong, or their order is")]
    PhraseChecksum,
    /// A junction without a name, or too many of them.
    #[error("a junction is //name or /name, and there are at most 32")]
    Junction,
    /// `/name` on an ed25519 key.
    #[error("an ed25519 key has no soft junctions: write //name instead of /name")]
    SoftJunction,
    /// Not the 64 bytes of an sr25519 secret key.
    #[error("not an sr25519 secret key")]
    Expanded,
    /// Not an SS58 address of a 32-byte account.
    #[error("not an SS58 address")]
    Address,
    /// Not a signature scheme that the directory takes.
    #[error("a key is of type sr25519 or ed25519; the directory takes no others")]
    Scheme,
}

impl fmt::Display for KeyScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sr25519 => "sr25519",
            Self::Ed25519 => "ed25519",
        })
    }
}

impl FromStr for KeyScheme {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        match text {
            "sr25519" => Ok(Self::Sr25519),
            "ed25519" => Ok(Self::Ed25519),
            _ => Err(KeyError::Scheme),
        }
    }
}

impl AccountId {
    /// SS58 text with the given network prefix (0 to 16 383).
    #[must_use]
    pub fn to_ss58(&self, prefix: u16) -> String {
        let mut bytes = ss58_prefix(prefix);
        bytes.extend_from_slice(&self.0);
        let checksum = ss58_checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        bs58::encode(bytes).into_string()
    }

    /// Reads an SS58 address of any prefix.
    ///
    /// # Errors
    /// [`KeyError::Address`] unless length and checksum are right.
    pub fn from_ss58(text: &str) -> Result<Self, KeyError> {
        if text.len() > 64 {
            return Err(KeyError::Address);
        }
        let bytes = bs58::decode(text).into_vec().map_err(|_| KeyError::Address)?;
        let prefix_len = if bytes.first().is_some_and(|b| b & 0b0100_0000 != 0) { 2 } else { 1 };
        let (body, checksum) =
            bytes.len().checked_sub(2).and_then(|at| bytes.split_at_checked(at)).ok_or(KeyError::Address)?;
        if ss58_checksum(body) != *checksum {
            return Err(KeyError::Address);
        }
        let account = body.get(prefix_len..).ok_or(KeyError::Address)?;
        Ok(Self(account.try_into().map_err(|_| KeyError::Address)?))
    }
}

fn ss58_prefix(prefix: u16) -> Vec<u8> {
    let [high, low] = (prefix & 0x3fff).to_be_bytes();
    if prefix < 64 {
        alloc::vec![low]
    } else {
        // Bits of the 14-bit prefix in the order that SS58 gives them.
        alloc::vec![(low >> 2) | 0b0100_0000, high | (low << 6)]
    }
}

fn ss58_checksum(body: &[u8]) -> [u8; 2] {
    let digest = Blake2b512::new().chain_update(b"SS58PRE").chain_update(body).finalize();
    [digest[0], digest[1]]
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_ss58(DEFAULT_SS58_PREFIX))
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AccountId {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_ss58(text)
    }
}

impl Signature {
    /// Whether this is the signature of `account` over `message`.
    ///
    /// Ed25519 is verified strictly: small-order keys and malleable signatures are refused.
    #[must_use]
    pub fn verify(&self, account: &AccountId, message: &[u8]) -> bool {
        match self {
            Self::Sr25519(bytes) => {
                let key = schnorrkel::PublicKey::from_bytes(&account.0);
                let signature = schnorrkel::Signature::from_bytes(bytes);
                match (key, signature) {
                    (Ok(key), Ok(signature)) => {
                        key.verify_simple(SR25519_CONTEXT, message, &signature).is_ok()
                    }
                    _ => false,
                }
            }
            Self::Ed25519(bytes) => ed25519_dalek::VerifyingKey::from_bytes(&account.0).is_ok_and(|key| {
                key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(bytes)).is_ok()
            }),
        }
    }
}

/// A key pair that can sign.
#[derive(Clone)]
pub struct Keypair(Inner);

#[derive(Clone)]
enum Inner {
    Sr25519(schnorrkel::Keypair),
    Ed25519(ed25519_dalek::SigningKey),
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the secret.
        write!(f, "Keypair({})", self.account())
    }
}

impl Keypair {
    /// The key of a 32-byte secret seed (a mini secret for sr25519).
    #[must_use]
    pub fn from_seed(scheme: KeyScheme, seed: &[u8; 32]) -> Self {
        match scheme {
            KeyScheme::Sr25519 => Self(Inner::Sr25519(expand(&mini_secret(*seed)))),
            KeyScheme::Ed25519 => Self(Inner::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed))),
        }
    }

    /// The key of a secret URI: a BIP-39 phrase, `0x` and 64 hexadecimal digits, or nothing for the
    /// public development phrase; then junctions, `//hard` or (sr25519 only) `/soft`; then
    /// `///password`.
    ///
    /// # Errors
    /// [`KeyError`], which never repeats the text.
    pub fn from_uri(scheme: KeyScheme, uri: &str) -> Result<Self, KeyError> {
        uri::keypair(scheme, uri)
    }

    /// The sr25519 key of an expanded secret key: scalar and nonce, as Polkadot-js writes them, the
    /// scalar multiplied by the cofactor as in ed25519.
    ///
    /// # Errors
    /// [`KeyError::Expanded`].
    pub fn from_expanded(bytes: &[u8; 64]) -> Result<Self, KeyError> {
        let secret = schnorrkel::SecretKey::from_ed25519_bytes(bytes).map_err(|_| KeyError::Expanded)?;
        Ok(Self(Inner::Sr25519(secret.to_keypair())))
    }

    /// The account that this key signs for.
    #[must_use]
    pub fn account(&self) -> AccountId {
        match &self.0 {
            Inner::Sr25519(pair) => AccountId(pair.public.to_bytes()),
            Inner::Ed25519(key) => AccountId(key.verifying_key().to_bytes()),
        }
    }

    /// The scheme of this key.
    #[must_use]
    pub fn scheme(&self) -> KeyScheme {
        match &self.0 {
            Inner::Sr25519(_) => KeyScheme::Sr25519,
            Inner::Ed25519(_) => KeyScheme::Ed25519,
        }
    }

    /// Signs `message`. The nonce of an sr25519 signature is derived from key and message, so that
    /// the same input always gives the same signature and no random source is needed.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        match &self.0 {
            Inner::Sr25519(pair) => {
                let transcript = schnorrkel::signing_context(SR25519_CONTEXT).bytes(message);
                let transcript = schnorrkel::context::attach_rng(transcript, NoRng);
                Signature::Sr25519(pair.sign(transcript).to_bytes())
            }
            Inner::Ed25519(key) => Signature::Ed25519(ed25519_dalek::Signer::sign(key, message).to_bytes()),
        }
    }

    /// The sr25519 pair inside, for the verifiable randomness of blocks; none for ed25519 keys.
    #[must_use]
    pub fn sr25519(&self) -> Option<&schnorrkel::Keypair> {
        match &self.0 {
            Inner::Sr25519(pair) => Some(pair),
            Inner::Ed25519(_) => None,
        }
    }
}

/// Gives zeros where schnorrkel would mix extra randomness into a nonce. The nonce stays secret and
/// unique: schnorrkel derives it from the key's own nonce seed and the whole transcript.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoRng;

impl rand_core::RngCore for NoRng {
    fn next_u32(&mut self) -> u32 {
        0
    }
    fn next_u64(&mut self) -> u64 {
        0
    }
    fn fill_bytes(&mut self, dest: &mut [u8]) {
        dest.fill(0);
    }
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        dest.fill(0);
        Ok(())
    }
}

impl rand_core::CryptoRng for NoRng {}

fn mini_secret(seed: [u8; 32]) -> MiniSecretKey {
    MiniSecretKey::from_bytes(&seed).unwrap_or_else(|_| unreachable!("any 32 bytes are a mini secret"))
}

fn expand(secret: &MiniSecretKey) -> schnorrkel::Keypair {
    secret.expand_to_keypair(ExpansionMode::Ed25519)
}

fn derive_hard(key: &Keypair, code: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(match &key.0 {
        Inner::Sr25519(pair) => {
            pair.secret.hard_derive_mini_secret_key(Some(ChainCode(*code)), b"").0.to_bytes()
        }
        Inner::Ed25519(signing) => blake2_256(&[&"Ed25519HDKD".encode(), signing.as_bytes(), code]),
    })
}

fn derive_soft(key: &Keypair, code: &[u8; 32]) -> Result<Keypair, KeyError> {
    match &key.0 {
        // Without a random source, as in [`Keypair::sign`].
        Inner::Sr25519(pair) => {
            let (secret, _) = pair.secret.derived_key_simple_rng(ChainCode(*code), b"", NoRng);
            Ok(Keypair(Inner::Sr25519(secret.to_keypair())))
        }
        Inner::Ed25519(_) => Err(KeyError::SoftJunction),
    }
}

#[cfg(test)]
mod tests;
