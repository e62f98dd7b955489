//! Accounts, key pairs and signatures: sr25519 (default) and ed25519.
//!
//! Source: Substrate's secret URIs (development phrase, hard junctions), SS58 address format.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use alloc::{string::String, vec::Vec};
use blake2::{Blake2b512, Digest};
use codec::{Decode, Encode};
use core::{fmt, str::FromStr};
use schnorrkel::{ExpansionMode, MiniSecretKey, derive::ChainCode};
use thiserror::Error;

/// SS58 prefix of Joystream's addresses, the default of every network.
pub const DEFAULT_SS58_PREFIX: u16 = 126;
/// Signing context of Substrate's sr25519 signatures.
const SR25519_CONTEXT: &[u8] = b"substrate";
/// Mini secret of Substrate's public development phrase ("bottom drive obey … "). Not a secret.
const DEV_SEED: [u8; 32] = [
    0xfa, 0xc7, 0x95, 0x9d, 0xbf, 0xe7, 0x2f, 0x05, 0x2e, 0x5a, 0x0c, 0x3c, 0x8d, 0x65, 0x30, 0xf2, 0x02,
    0xb0, 0x2f, 0xd8, 0xf9, 0xf5, 0xca, 0x35, 0x80, 0xec, 0x8d, 0xeb, 0x77, 0x97, 0x47, 0x9e,
];

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

/// Why a key or address was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not `//Name`, with one or more hard junctions.
    #[error("a development key is written //Name, for example //Alice")]
    Uri,
    /// Not 64 hexadecimal digits.
    #[error("a secret seed is 0x and 64 hexadecimal digits")]
    Seed,
    /// Not an SS58 address of a 32-byte account.
    #[error("not an SS58 address")]
    Address,
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

    /// The key of `//Name//More` (hard junctions on the public development phrase) or of a
    /// hexadecimal seed `0x…`.
    ///
    /// # Errors
    /// [`KeyError::Uri`] or [`KeyError::Seed`]. Mnemonics and soft junctions are not taken here.
    pub fn from_uri(scheme: KeyScheme, uri: &str) -> Result<Self, KeyError> {
        if let Some(digits) = uri.strip_prefix("0x") {
            let mut seed = [0; 32];
            hex::decode_to_slice(digits, &mut seed).map_err(|_| KeyError::Seed)?;
            return Ok(Self::from_seed(scheme, &seed));
        }
        let junctions = uri.strip_prefix("//").ok_or(KeyError::Uri)?;
        let mut seed = DEV_SEED;
        for junction in junctions.split("//") {
            if junction.is_empty() || junction.len() > 64 || junction.contains('/') {
                return Err(KeyError::Uri);
            }
            seed = derive_hard(scheme, &seed, &chain_code(junction));
        }
        Ok(Self::from_seed(scheme, &seed))
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

/// SCALE encoding of the junction's text, hashed when longer than 32 bytes, padded with zeros.
fn chain_code(junction: &str) -> [u8; 32] {
    // A junction that is a number counts as one.
    let encoded = match junction.parse::<u64>() {
        Ok(number) => number.encode(),
        Err(_) => junction.encode(),
    };
    let mut code = [0; 32];
    match code.get_mut(..encoded.len()) {
        Some(head) => head.copy_from_slice(&encoded),
        None => code = blake2_256(&[&encoded]),
    }
    code
}

fn derive_hard(scheme: KeyScheme, seed: &[u8; 32], code: &[u8; 32]) -> [u8; 32] {
    match scheme {
        KeyScheme::Sr25519 => {
            let pair = expand(&mini_secret(*seed));
            pair.secret.hard_derive_mini_secret_key(Some(ChainCode(*code)), b"").0.to_bytes()
        }
        KeyScheme::Ed25519 => blake2_256(&[&"Ed25519HDKD".encode(), seed, code]),
    }
}

fn blake2_256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake2::Blake2b::<blake2::digest::consts::U32>::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(scheme: KeyScheme, uri: &str) -> String {
        hex::encode(Keypair::from_uri(scheme, uri).unwrap().account().0)
    }

    /// Source: `subkey inspect //Alice`, `//Bob`, and `--scheme ed25519 //Alice`.
    #[test]
    fn development_keys_are_substrates() {
        assert_eq!(
            public(KeyScheme::Sr25519, "//Alice"),
            "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
        );
        assert_eq!(
            public(KeyScheme::Sr25519, "//Bob"),
            "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"
        );
        assert_eq!(
            public(KeyScheme::Ed25519, "//Alice"),
            "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee"
        );
    }

    #[test]
    fn ss58_round_trips_and_matches_the_generic_prefix() {
        let alice = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap().account();
        assert_eq!(alice.to_ss58(42), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
        for prefix in [0, 42, 63, 64, 126, 255, 16_383] {
            assert_eq!(AccountId::from_ss58(&alice.to_ss58(prefix)), Ok(alice), "prefix {prefix}");
        }
        assert_eq!(
            AccountId::from_ss58("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQX"),
            Err(KeyError::Address)
        );
        assert_eq!(AccountId::from_ss58(""), Err(KeyError::Address));
    }

    #[test]
    fn a_signature_holds_for_its_message_and_account_only() {
        for scheme in [KeyScheme::Sr25519, KeyScheme::Ed25519] {
            let alice = Keypair::from_uri(scheme, "//Alice").unwrap();
            let bob = Keypair::from_uri(scheme, "//Bob").unwrap();
            let signature = alice.sign(b"message");
            assert_eq!(signature, alice.sign(b"message"), "signing is deterministic");
            assert!(signature.verify(&alice.account(), b"message"));
            assert!(!signature.verify(&alice.account(), b"massage"));
            assert!(!signature.verify(&bob.account(), b"message"));
        }
    }

    #[test]
    fn odd_uris_are_refused() {
        for bad in ["", "Alice", "/Alice", "//", "//Alice//", "//Alice/soft", "0x12"] {
            assert!(Keypair::from_uri(KeyScheme::Sr25519, bad).is_err(), "{bad:?}");
        }
    }
}
