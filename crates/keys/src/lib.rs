//! Secret keys at rest: key files, passphrases, and the keys that a program has at hand.
//!
//! A [`Keyring`] knows the addresses of all its keys without any passphrase. A passphrase is asked for
//! when a key is about to sign, and for that key only.

mod file;
mod folder;
mod kdf;
mod keyring;
mod own;
mod passphrase;
mod polkadot;
mod secret;
mod source;
mod stored;

pub use file::{FileError, MAX_KEY_FILE_BYTES, Unusable, read_secret_text};
pub use folder::{Entry, FolderError, KeyFolder, KeyName, NameError};
pub use kdf::{Kdf, KdfError};
pub use keyring::{Key, Keyring, KeysError, MAX_KEYS, MissingKey, SignError};
pub use own::{KeyFile, SealError};
pub use passphrase::{Passphrase, PassphraseError, Passphrases, ask};
pub use secret::{RandomError, Secret};
pub use source::{KeySource, KeyType};
pub use stored::{FormatError, OpenError, StoredKey, UnlockError};

#[cfg(test)]
mod tests;
