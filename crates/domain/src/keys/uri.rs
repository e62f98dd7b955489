//! Secret URIs: a phrase or a seed, junctions, a password.
//!
//! Source: Substrate's secret URIs as `subkey inspect` reads them; BIP-39 for phrases.

use super::{KeyError, KeyScheme, Keypair, derive_hard, derive_soft};
use alloc::string::String;
use blake2::Digest as _;
use codec::Encode as _;
use zeroize::Zeroizing;

/// Mini secret of Substrate's public development phrase ("bottom drive obey … "). Not a secret.
const DEV_SEED: [u8; 32] = [
    0xfa, 0xc7, 0x95, 0x9d, 0xbf, 0xe7, 0x2f, 0x05, 0x2e, 0x5a, 0x0c, 0x3c, 0x8d, 0x65, 0x30, 0xf2, 0x02,
    0xb0, 0x2f, 0xd8, 0xf9, 0xf5, 0xca, 0x35, 0x80, 0xec, 0x8d, 0xeb, 0x77, 0x97, 0x47, 0x9e,
];
/// Entropy of that phrase, which a password is mixed into.
const DEV_ENTROPY: [u8; 16] =
    [0x1a, 0x48, 0x6a, 0x5f, 0xbe, 0x53, 0x63, 0x99, 0x84, 0xcb, 0x64, 0xb0, 0x70, 0x75, 0x5f, 0x7b];
/// Longest secret URI, in bytes. The longest phrase has 215.
const MAX_URI_BYTES: usize = 1024;
/// Most junctions.
const MAX_JUNCTIONS: usize = 32;
/// Rounds of the key derivation from a phrase.
///
/// Source: BIP-39.
const PHRASE_ROUNDS: u32 = 2048;
/// Bytes of entropy of the longest phrase.
const MAX_ENTROPY_BYTES: usize = 33;

/// A secret URI, taken apart.
struct Parts<'a> {
    /// A phrase, a seed, or nothing for the public development phrase.
    root: &'a str,
    junctions: &'a str,
    password: &'a str,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Result<Self, KeyError> {
        if uri.is_empty() {
            return Err(KeyError::Empty);
        }
        if uri.len() > MAX_URI_BYTES {
            return Err(KeyError::TooLong);
        }
        // No junction is empty, so that three slashes can only begin a password.
        let (path, password) = uri.split_once("///").unwrap_or((uri, ""));
        let (root, junctions) = path.split_at(path.find('/').unwrap_or(path.len()));
        Ok(Self { root, junctions, password })
    }
}

/// One step from a key to another.
struct Junction {
    is_hard: bool,
    code: [u8; 32],
}

/// Takes the first junction off a path. None at its end.
fn next_junction<'a>(path: &mut &'a str) -> Result<Option<Junction>, KeyError> {
    let Some(rest) = path.strip_prefix('/') else {
        return if path.is_empty() { Ok(None) } else { Err(KeyError::Junction) };
    };
    let (is_hard, rest): (bool, &'a str) = match rest.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if name.is_empty() {
        return Err(KeyError::Junction);
    }
    *path = rest;
    Ok(Some(Junction { is_hard, code: chain_code(name) }))
}

/// The key that a secret URI names.
pub(super) fn keypair(scheme: KeyScheme, uri: &str) -> Result<Keypair, KeyError> {
    let parts = Parts::of(uri)?;
    // Known while every step was a hard one.
    let mut seed = Some(root_seed(parts.root, parts.password)?);
    let mut key = None;
    let mut path = parts.junctions;
    for _ in 0..=MAX_JUNCTIONS {
        let Some(Junction { is_hard, code }) = next_junction(&mut path)? else {
            return Ok(match (key, seed) {
                (Some(key), _) => key,
                (None, Some(seed)) => Keypair::from_seed(scheme, &seed),
                (None, None) => unreachable!("there is a seed until there is a key"),
            });
        };
        let present = match (key.take(), seed.take()) {
            (Some(key), _) => key,
            (None, Some(seed)) => Keypair::from_seed(scheme, &seed),
            (None, None) => unreachable!("there is a seed until there is a key"),
        };
        if is_hard {
            seed = Some(derive_hard(&present, &code));
        } else {
            key = Some(derive_soft(&present, &code)?);
        }
    }
    Err(KeyError::Junction)
}

fn root_seed(root: &str, password: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    if let Some(digits) = root.strip_prefix("0x") {
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits, seed.as_mut_slice()).map_err(|_| KeyError::Seed)?;
        return Ok(seed);
    }
    if root.is_empty() && password.is_empty() {
        return Ok(Zeroizing::new(DEV_SEED));
    }
    if root.is_empty() {
        return Ok(seed_of(&DEV_ENTROPY, password));
    }
    let words = read_phrase(root)?;
    let (entropy, length) = words.to_entropy_array();
    let entropy: Zeroizing<[u8; MAX_ENTROPY_BYTES]> = Zeroizing::new(entropy);
    Ok(seed_of(entropy.get(..length).unwrap_or_default(), password))
}

/// What is at fault is told, never the words themselves.
fn read_phrase(phrase: &str) -> Result<bip39::Mnemonic, KeyError> {
    bip39::Mnemonic::parse_in_normalized(bip39::Language::English, phrase).map_err(|error| match error {
        bip39::Error::BadWordCount(count) => KeyError::WordCount { count },
        bip39::Error::UnknownWord(at) => KeyError::UnknownWord { position: at.saturating_add(1) },
        bip39::Error::InvalidChecksum => KeyError::PhraseChecksum,
        bip39::Error::BadEntropyBitCount(_) | bip39::Error::AmbiguousLanguages(_) => KeyError::Uri,
    })
}

/// The seed of a phrase and its password. Substrate derives from the entropy, not from the words, and
/// takes the first half.
fn seed_of(entropy: &[u8], password: &str) -> Zeroizing<[u8; 32]> {
    let mut salt = Zeroizing::new(String::with_capacity(password.len().saturating_add(8)));
    salt.push_str("mnemonic");
    salt.push_str(password);
    let mut both = Zeroizing::new([0; 64]);
    pbkdf2::pbkdf2_hmac::<sha2::Sha512>(entropy, salt.as_bytes(), PHRASE_ROUNDS, both.as_mut_slice());
    let mut seed = Zeroizing::new([0; 32]);
    seed.iter_mut().zip(both.iter()).for_each(|(to, from)| *to = *from);
    seed
}

/// The phrase of twelve words that stands for these random bytes.
#[must_use]
pub fn phrase_of(entropy: &[u8; 16]) -> Zeroizing<String> {
    let mut phrase = Zeroizing::new(String::with_capacity(128));
    let words = bip39::Mnemonic::from_entropy(entropy);
    for word in words.iter().flat_map(bip39::Mnemonic::words) {
        if !phrase.is_empty() {
            phrase.push(' ');
        }
        phrase.push_str(word);
    }
    phrase
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

pub(super) fn blake2_256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake2::Blake2b::<blake2::digest::consts::U32>::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
