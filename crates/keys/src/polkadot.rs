//! Key files of Polkadot-js: version 3 of its JSON export.
//!
//! Source: `packages/keyring/src/pair/{encode,decode}.ts` of polkadot-js/common; NaCl's secretbox.

use crate::{
    kdf::Kdf,
    secret::Secret,
    stored::{FormatError, OpenError},
};
use argosy_domain::{AccountId, KeyScheme, Keypair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use poly1305::{Poly1305, universal_hash::KeyInit as _};
use salsa20::{
    XSalsa20,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use serde::Deserialize;
use zeroize::Zeroizing;

/// What stands before the secret key.
const HEADER: [u8; 16] = [48, 83, 2, 1, 1, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
/// What stands between secret and public key.
const DIVIDER: [u8; 5] = [161, 35, 3, 33, 0];
const SALT_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// The fields that are read; others, such as `meta`, are of no matter here.
#[derive(Debug, Deserialize)]
struct Json {
    address: String,
    encoded: String,
    encoding: Encoding,
    #[serde(default)]
    meta: Meta,
}

#[derive(Debug, Deserialize)]
struct Encoding {
    content: Vec<String>,
    #[serde(rename = "type")]
    kind: Vec<String>,
    version: String,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(default)]
    name: Option<String>,
}

/// Such a file, not opened yet.
#[derive(Clone)]
pub(crate) struct PolkadotFile {
    pub(crate) account: AccountId,
    pub(crate) scheme: KeyScheme,
    pub(crate) name: Option<String>,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Plain(Zeroizing<Vec<u8>>),
    Encrypted { kdf: Kdf, salt: [u8; SALT_BYTES], nonce: [u8; NONCE_BYTES], boxed: Vec<u8> },
}

impl PolkadotFile {
    /// Reads everything that needs no passphrase, the parameters of scrypt included.
    pub(crate) fn parse(text: &str) -> Result<Self, FormatError> {
        let json: Json = serde_json::from_str(text).map_err(|_| FormatError::NotPolkadot)?;
        if json.encoding.version != "3" {
            return Err(FormatError::PolkadotVersion);
        }
        let content: Vec<&str> = json.encoding.content.iter().map(String::as_str).collect();
        let scheme = match *content.as_slice() {
            ["pkcs8", "sr25519"] => KeyScheme::Sr25519,
            ["pkcs8", "ed25519"] => KeyScheme::Ed25519,
            ["pkcs8", "ecdsa" | "ethereum"] => return Err(FormatError::Scheme),
            _ => return Err(FormatError::NotPolkadot),
        };
        let account = AccountId::from_ss58(&json.address).map_err(|_| FormatError::Address)?;
        let bytes = STANDARD.decode(&json.encoded).map_err(|_| FormatError::NotPolkadot)?;
        let bytes = Zeroizing::new(bytes);
        let kind: Vec<&str> = json.encoding.kind.iter().map(String::as_str).collect();
        let content = match *kind.as_slice() {
            ["none"] => Content::Plain(bytes),
            ["scrypt", "xsalsa20-poly1305"] => read_encrypted(&bytes)?,
            _ => return Err(FormatError::Cipher),
        };
        Ok(Self { account, scheme, name: json.meta.name, content })
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(self.content, Content::Encrypted { .. })
    }

    /// The secret, checked against the address.
    pub(crate) fn open(&self, passphrase: Option<&str>) -> Result<(Secret, Keypair), OpenError> {
        let plain = match &self.content {
            Content::Plain(bytes) => bytes.clone(),
            Content::Encrypted { kdf, salt, nonce, boxed } => {
                let passphrase = passphrase.ok_or(OpenError::Wrong)?;
                let key = kdf.derive::<64>(passphrase, salt).map_err(FormatError::from)?;
                let key = key.first_chunk::<32>().ok_or(OpenError::Wrong)?;
                open_secretbox(key, nonce, boxed).ok_or(OpenError::Wrong)?
            }
        };
        let secret = read_pkcs8(self.scheme, &plain)?;
        let key = secret.keypair(self.scheme).map_err(|_| FormatError::Content)?;
        if key.account() == self.account { Ok((secret, key)) } else { Err(FormatError::OtherAddress.into()) }
    }
}

/// Salt, parameters (each four bytes, least first: cost, parallelisation, block size), nonce, box.
fn read_encrypted(bytes: &[u8]) -> Result<Content, FormatError> {
    let (salt, rest) = bytes.split_first_chunk::<SALT_BYTES>().ok_or(FormatError::Truncated)?;
    let (n, rest) = rest.split_first_chunk::<4>().ok_or(FormatError::Truncated)?;
    let (p, rest) = rest.split_first_chunk::<4>().ok_or(FormatError::Truncated)?;
    let (r, rest) = rest.split_first_chunk::<4>().ok_or(FormatError::Truncated)?;
    let (nonce, boxed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(FormatError::Truncated)?;
    if boxed.len() <= TAG_BYTES {
        return Err(FormatError::Truncated);
    }
    let kdf = Kdf::new(u32::from_le_bytes(*n).into(), u32::from_le_bytes(*r), u32::from_le_bytes(*p))?;
    Ok(Content::Encrypted { kdf, salt: *salt, nonce: *nonce, boxed: boxed.to_vec() })
}

/// NaCl's secretbox: the first 32 bytes of the stream are the key of the tag, the rest hides the text.
fn open_secretbox(key: &[u8; 32], nonce: &[u8; NONCE_BYTES], boxed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (tag, hidden) = boxed.split_first_chunk::<TAG_BYTES>()?;
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut tag_key = Zeroizing::new([0; 32]);
    stream.apply_keystream(tag_key.as_mut_slice());
    let expected = Poly1305::new((&*tag_key).into()).compute_unpadded(hidden);
    if !same(&expected, tag) {
        return None;
    }
    let mut plain = Zeroizing::new(hidden.to_vec());
    stream.apply_keystream(&mut plain);
    Some(plain)
}

/// Compares without telling by its time where two tags differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// Header, secret key of 64 bytes (of 32 in old exports), divider, public key.
fn read_pkcs8(scheme: KeyScheme, bytes: &[u8]) -> Result<Secret, FormatError> {
    let rest = bytes.strip_prefix(&HEADER).ok_or(FormatError::Content)?;
    let ends_here = |rest: &[u8]| rest.len() == DIVIDER.len() + 32 && rest.starts_with(&DIVIDER);
    if let Some((secret, rest)) = rest.split_first_chunk::<64>()
        && ends_here(rest)
    {
        return match scheme {
            KeyScheme::Sr25519 => Ok(Secret::Expanded(Zeroizing::new(*secret))),
            // Seed and public key.
            KeyScheme::Ed25519 => Ok(seed(secret.first_chunk().ok_or(FormatError::Content)?)),
        };
    }
    match rest.split_first_chunk::<32>() {
        Some((secret, rest)) if ends_here(rest) => Ok(seed(secret)),
        _ => Err(FormatError::Content),
    }
}

fn seed(bytes: &[u8; 32]) -> Secret {
    let digits = Zeroizing::new(hex::encode(bytes));
    Secret::Uri(Zeroizing::new(format!("0x{}", *digits)))
}
