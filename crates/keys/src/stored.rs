//! A key file of any kind.

use crate::passphrase::{MAX_QUESTIONS, PassphraseError, Passphrases, ask};
use crate::{
    file::{FileError, MAX_KEY_FILE_BYTES, read_text},
    kdf::KdfError,
    own::KeyFile,
    polkadot::PolkadotFile,
    secret::Secret,
};
use argosy_domain::{AccountId, KeyScheme, Keypair};
use serde::{Deserialize, de::IgnoredAny};
use std::{fmt, path::Path};

/// A key file as it was read: its address is known, its secret not yet.
#[derive(Clone)]
pub struct StoredKey {
    kind: Kind,
    /// Permissions that others have on an encrypted file.
    open_mode: Option<u32>,
}

#[derive(Clone)]
enum Kind {
    Own(Box<KeyFile>),
    Polkadot(PolkadotFile),
}

/// Why a text is no key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Neither ours nor Polkadot-js'.
    #[error("it is no key file: neither of argosy nor of Polkadot-js")]
    Unknown,
    /// Ours, but damaged.
    #[error("it is a damaged key file of argosy")]
    NotOwn,
    /// Written by a newer program.
    #[error("it was made by a newer argosy (version {found}): use that one")]
    Newer {
        /// Its version.
        found: u32,
    },
    /// Polkadot-js', but damaged.
    #[error("it is a damaged key file of Polkadot-js")]
    NotPolkadot,
    /// An old export.
    #[error("only version 3 of Polkadot-js' key files is read: export the account again")]
    PolkadotVersion,
    /// Encrypted in another way.
    #[error("its cipher is not known")]
    Cipher,
    /// `ecdsa` or `ethereum`.
    #[error("its key is of a type that the directory does not take: use sr25519 or ed25519")]
    Scheme,
    /// No SS58 address of a 32-byte account.
    #[error("its address is not a valid one")]
    Address,
    /// Shorter than it must be.
    #[error("it is cut off")]
    Truncated,
    /// Parameters of the key derivation.
    #[error(transparent)]
    Kdf(#[from] KdfError),
    /// Decrypted, but no secret key.
    #[error("what it holds is no secret key")]
    Content,
    /// The secret is of another account than the file says.
    #[error("its secret key is not the one of its address")]
    OtherAddress,
}

/// Why a key file does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The passphrase is another one, or there is none.
    #[error("the passphrase is wrong")]
    Wrong,
    /// It never will.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// Why a key stays locked.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// There is no passphrase.
    #[error("the key {name} ({account}) is encrypted")]
    Passphrase {
        /// Name of the key.
        name: String,
        /// Whose key it is.
        account: AccountId,
        /// Why there is none.
        #[source]
        cause: PassphraseError,
    },
    /// None of the passphrases opens it, or its file is damaged.
    #[error("the key {name} ({account}) does not open")]
    Closed {
        /// Name of the key.
        name: String,
        /// Whose key it is.
        account: AccountId,
        /// Why not.
        #[source]
        cause: OpenError,
    },
}

impl UnlockError {
    /// Whether the file of the passphrase is missing.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Passphrase { cause: PassphraseError::File(error), .. } if error.is_absent())
    }
}

/// Read first and alone, to tell what a file is.
#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "argosyKey")]
    own: Option<IgnoredAny>,
    encoded: Option<IgnoredAny>,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey").field("account", &self.account()).finish_non_exhaustive()
    }
}

impl StoredKey {
    /// Reads a key file: ours, or one of Polkadot-js. One that is not encrypted must be its owner's
    /// alone.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let file = read_text(path, MAX_KEY_FILE_BYTES)?;
        let key = Self::parse(&file.text).map_err(|cause| FileError::unusable(path, cause))?;
        if key.is_encrypted() {
            return Ok(Self { open_mode: file.open_mode, ..key });
        }
        file.private(path)?;
        Ok(key)
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let probe: Probe = serde_json::from_str(text).map_err(|_| FormatError::Unknown)?;
        let kind = match probe {
            Probe { own: Some(_), .. } => Kind::Own(Box::new(KeyFile::parse(text)?)),
            Probe { encoded: Some(_), .. } => Kind::Polkadot(PolkadotFile::parse(text)?),
            Probe { own: None, encoded: None } => return Err(FormatError::Unknown),
        };
        Ok(Self { kind, open_mode: None })
    }

    /// Whose key it is, as far as the file says. [`StoredKey::open`] checks it.
    #[must_use]
    pub fn account(&self) -> AccountId {
        match &self.kind {
            Kind::Own(file) => file.account(),
            Kind::Polkadot(file) => file.account,
        }
    }

    /// The scheme of the key.
    #[must_use]
    pub fn scheme(&self) -> KeyScheme {
        match &self.kind {
            Kind::Own(file) => file.scheme(),
            Kind::Polkadot(file) => file.scheme,
        }
    }

    /// The name that the file itself gives. Anybody's text.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        match &self.kind {
            Kind::Own(file) => Some(file.name()),
            Kind::Polkadot(file) => file.name.as_deref(),
        }
    }

    /// When it was made, in UTC, if the file says so. Anybody's text.
    #[must_use]
    pub fn created(&self) -> Option<&str> {
        match &self.kind {
            Kind::Own(file) => Some(file.created()),
            Kind::Polkadot(_) => None,
        }
    }

    /// What made the file.
    #[must_use]
    pub fn format(&self) -> &'static str {
        match &self.kind {
            Kind::Own(_) => "argosy",
            Kind::Polkadot(_) => "polkadot-js",
        }
    }

    /// Whether it needs a passphrase.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        match &self.kind {
            Kind::Own(_) => true,
            Kind::Polkadot(file) => file.is_encrypted(),
        }
    }

    /// Permissions of an encrypted file that others than its owner may read: worth a warning, since
    /// only the passphrase protects it then.
    #[must_use]
    pub fn open_mode(&self) -> Option<u32> {
        self.open_mode
    }

    /// The secret and its key. A file that is not encrypted needs no passphrase.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, passphrase: Option<&str>) -> Result<(Secret, Keypair), OpenError> {
        match &self.kind {
            Kind::Own(file) => file.open(passphrase.ok_or(OpenError::Wrong)?),
            Kind::Polkadot(file) => file.open(passphrase),
        }
    }

    /// [`StoredKey::open`] with whatever passphrase is at hand, or asked for. `name` is what people call
    /// the key.
    ///
    /// # Errors
    /// [`UnlockError`].
    pub fn unlock(&self, name: &str, passphrases: &Passphrases) -> Result<(Secret, Keypair), UnlockError> {
        let account = self.account();
        let closed = |cause| UnlockError::Closed { name: name.to_owned(), account, cause };
        let none = |cause| UnlockError::Passphrase { name: name.to_owned(), account, cause };
        if !self.is_encrypted() {
            return self.open(None).map_err(closed);
        }
        if let Some(known) = passphrases.known().map_err(none)? {
            if known.is_empty() {
                return Err(none(PassphraseError::Nowhere));
            }
            for passphrase in known {
                match self.open(Some(passphrase.as_str())) {
                    Err(OpenError::Wrong) => {}
                    other => return other.map_err(closed),
                }
            }
            return Err(closed(OpenError::Wrong));
        }
        for _ in 0..MAX_QUESTIONS {
            let passphrase = ask(&format!("Passphrase of {name} ({account})")).map_err(none)?;
            match self.open(Some(passphrase.as_str())) {
                Err(OpenError::Wrong) => {}
                other => return other.map_err(closed),
            }
        }
        Err(closed(OpenError::Wrong))
    }
}
