//! Argosy's own key file: JSON, its secret encrypted with a passphrase.

use crate::{
    kdf::{Kdf, KdfError},
    secret::{RandomError, Secret, random},
    stored::{FormatError, OpenError},
};
use argosy_domain::{AccountId, KeyScheme, Keypair, keys::KeyError};
use chacha20poly1305::{
    XChaCha20Poly1305,
    aead::{Aead as _, KeyInit as _, Payload},
};
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// The only version that exists.
const VERSION: u32 = 1;
const KDF_NAME: &str = "scrypt";
const CIPHER_NAME: &str = "xchacha20-poly1305";
const SALT_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// Most bytes of a name or a time.
const MAX_TEXT_BYTES: usize = 64;

/// A key file of ours, as it stands on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    json: Json,
    account: AccountId,
    scheme: KeyScheme,
    kdf: Kdf,
    salt: [u8; SALT_BYTES],
    nonce: [u8; NONCE_BYTES],
    hidden: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Json {
    argosy_key: u32,
    name: String,
    address: String,
    scheme: String,
    created: String,
    kdf: KdfJson,
    cipher: CipherJson,
    /// Hexadecimal, the tag at the end.
    secret: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KdfJson {
    name: String,
    n: u64,
    r: u32,
    p: u32,
    salt: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CipherJson {
    name: String,
    nonce: String,
}

/// Why a secret cannot be put into a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Not a secret of the scheme.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Read first and alone, so that a file of a newer program is recognised whatever else it says.
#[derive(Deserialize)]
struct Version {
    #[serde(rename = "argosyKey")]
    version: u32,
}

impl KeyFile {
    /// Encrypts a secret. `name` is a label; what counts is the name of the file.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(
        name: &str,
        scheme: KeyScheme,
        secret: &Secret,
        passphrase: &str,
        kdf: Kdf,
    ) -> Result<Self, SealError> {
        let account = secret.keypair(scheme)?.account();
        let (salt, nonce) = (random::<SALT_BYTES>()?, random::<NONCE_BYTES>()?);
        let (bound, text) = (bound_bytes(&account, scheme, kdf), secret.text());
        let encrypted = kdf.derive::<32>(passphrase, salt.as_slice()).ok().and_then(|key| {
            let payload = Payload { msg: text.as_bytes(), aad: &bound };
            XChaCha20Poly1305::new((&*key).into()).encrypt((&*nonce).into(), payload).ok()
        });
        let Some(hidden) = encrypted else { unreachable!("checked parameters and a short text") };
        let json = Json {
            argosy_key: VERSION,
            name: name.to_owned(),
            address: account.to_string(),
            scheme: scheme.to_string(),
            created: now(),
            kdf: KdfJson {
                name: KDF_NAME.to_owned(),
                n: kdf.n(),
                r: kdf.r(),
                p: kdf.p(),
                salt: hex::encode(salt.as_slice()),
            },
            cipher: CipherJson { name: CIPHER_NAME.to_owned(), nonce: hex::encode(nonce.as_slice()) },
            secret: hex::encode(&hidden),
        };
        Ok(Self { json, account, scheme, kdf, salt: *salt, nonce: *nonce, hidden })
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let Version { version } = serde_json::from_str(text).map_err(|_| FormatError::NotOwn)?;
        if version > VERSION {
            return Err(FormatError::Newer { found: version });
        }
        let json: Json = serde_json::from_str(text).map_err(|_| FormatError::NotOwn)?;
        if version != VERSION || json.name.len() > MAX_TEXT_BYTES || json.created.len() > MAX_TEXT_BYTES {
            return Err(FormatError::NotOwn);
        }
        if json.kdf.name != KDF_NAME || json.cipher.name != CIPHER_NAME {
            return Err(FormatError::Cipher);
        }
        let mut salt = [0; SALT_BYTES];
        let mut nonce = [0; NONCE_BYTES];
        hex::decode_to_slice(&json.kdf.salt, &mut salt).map_err(|_| FormatError::Truncated)?;
        hex::decode_to_slice(&json.cipher.nonce, &mut nonce).map_err(|_| FormatError::Truncated)?;
        let hidden = hex::decode(&json.secret).map_err(|_| FormatError::Truncated)?;
        let account = AccountId::from_ss58(&json.address).map_err(|_| FormatError::Address)?;
        let scheme = json.scheme.parse().map_err(|_| FormatError::Scheme)?;
        let kdf = Kdf::new(json.kdf.n, json.kdf.r, json.kdf.p)?;
        Ok(Self { json, account, scheme, kdf, salt, nonce, hidden })
    }

    /// The text of the file.
    #[must_use]
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(&self.json);
        let mut text = text.unwrap_or_else(|_| unreachable!("texts and numbers are JSON"));
        text.push('\n');
        text
    }

    /// The name under which it was made.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.json.name
    }

    /// When it was made, in UTC, as `2026-11-21T14:03:07Z`.
    #[must_use]
    pub fn created(&self) -> &str {
        &self.json.created
    }

    /// Whose key it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The scheme of the key.
    #[must_use]
    pub fn scheme(&self) -> KeyScheme {
        self.scheme
    }

    /// The secret and its key.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, passphrase: &str) -> Result<(Secret, Keypair), OpenError> {
        let wrong = |_: KdfError| OpenError::Wrong;
        let key = self.kdf.derive::<32>(passphrase, &self.salt).map_err(wrong)?;
        let bound = bound_bytes(&self.account, self.scheme, self.kdf);
        let payload = Payload { msg: &self.hidden, aad: &bound };
        let plain = XChaCha20Poly1305::new((&*key).into()).decrypt((&self.nonce).into(), payload);
        let plain = Zeroizing::new(plain.map_err(|_| OpenError::Wrong)?);
        let text = str::from_utf8(&plain).map_err(|_| FormatError::Content)?;
        let secret = Secret::parse(self.scheme, text).map_err(|_| FormatError::Content)?;
        let key = secret.keypair(self.scheme).map_err(|_| FormatError::Content)?;
        if key.account() == self.account { Ok((secret, key)) } else { Err(FormatError::OtherAddress.into()) }
    }
}

/// What the tag covers beside the secret: a file with another address, scheme or cost does not open.
fn bound_bytes(account: &AccountId, scheme: KeyScheme, kdf: Kdf) -> Vec<u8> {
    let (n, r, p) = (kdf.n(), kdf.r(), kdf.p());
    format!("argosy key {VERSION} {scheme} {KDF_NAME} {n} {r} {p} {CIPHER_NAME} {}", hex::encode(account.0))
        .into_bytes()
}

fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let at = i64::try_from(since).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let ((year, month, day), (hour, minute, second)) = (at.to_calendar_date(), at.to_hms());
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}
