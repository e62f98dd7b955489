//! Where a configuration says that keys come from.

use argosy_domain::KeyScheme;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Where a key comes from: `{suri, type?}`, `{mnemonic, type?}` or `{keyfile, passphraseFile?}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub enum KeySource {
    /// A secret URI: `//Name` (a development key, known to everyone), a phrase or `0x` and 64
    /// hexadecimal digits, with junctions and password.
    Suri {
        /// The text.
        suri: String,
        /// Scheme of the key.
        scheme: KeyType,
    },
    /// A BIP-39 phrase.
    Mnemonic {
        /// The words.
        mnemonic: String,
        /// Scheme of the key.
        scheme: KeyType,
    },
    /// A key file, ours or Polkadot-js'.
    File {
        /// Where it is.
        keyfile: PathBuf,
        /// A file that holds its passphrase. Without one it is asked for on the terminal.
        passphrase_file: Option<PathBuf>,
    },
}

/// Name of a key's scheme in a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyType {
    /// Joystream's scheme.
    #[default]
    Sr25519,
    /// The other one that the directory takes.
    Ed25519,
    /// Known to Argus, but not taken by the directory.
    Ecdsa,
}

impl KeyType {
    /// The scheme. None for those that the directory does not take.
    #[must_use]
    pub fn scheme(self) -> Option<KeyScheme> {
        match self {
            Self::Sr25519 => Some(KeyScheme::Sr25519),
            Self::Ed25519 => Some(KeyScheme::Ed25519),
            Self::Ecdsa => None,
        }
    }
}

/// An entry as it is written.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mnemonic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyfile: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passphrase_file: Option<PathBuf>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    scheme: Option<KeyType>,
}

/// An entry that names no source, or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key is {{suri, type}}, {{mnemonic, type}} or {{keyfile, passphraseFile}}, type and passphraseFile as needed"
)]
pub(crate) struct SourceError;

impl TryFrom<Fields> for KeySource {
    type Error = SourceError;

    fn try_from(fields: Fields) -> Result<Self, SourceError> {
        match fields {
            Fields { suri: Some(suri), mnemonic: None, keyfile: None, passphrase_file: None, scheme } => {
                Ok(Self::Suri { suri, scheme: scheme.unwrap_or_default() })
            }
            Fields { suri: None, mnemonic: Some(mnemonic), keyfile: None, passphrase_file: None, scheme } => {
                Ok(Self::Mnemonic { mnemonic, scheme: scheme.unwrap_or_default() })
            }
            Fields { suri: None, mnemonic: None, keyfile: Some(keyfile), passphrase_file, scheme: None } => {
                Ok(Self::File { keyfile, passphrase_file })
            }
            Fields { .. } => Err(SourceError),
        }
    }
}

impl From<KeySource> for Fields {
    fn from(source: KeySource) -> Self {
        let written = |scheme| (scheme != KeyType::default()).then_some(scheme);
        match source {
            KeySource::Suri { suri, scheme } => {
                Self { suri: Some(suri), scheme: written(scheme), ..Self::default() }
            }
            KeySource::Mnemonic { mnemonic, scheme } => {
                Self { mnemonic: Some(mnemonic), scheme: written(scheme), ..Self::default() }
            }
            KeySource::File { keyfile, passphrase_file } => {
                Self { keyfile: Some(keyfile), passphrase_file, ..Self::default() }
            }
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Phrases and seeds are secrets, and configurations end up in logs.
        match self {
            Self::Suri { scheme, .. } => {
                f.debug_struct("Suri").field("scheme", scheme).finish_non_exhaustive()
            }
            Self::Mnemonic { scheme, .. } => {
                f.debug_struct("Mnemonic").field("scheme", scheme).finish_non_exhaustive()
            }
            Self::File { keyfile, .. } => {
                f.debug_struct("File").field("keyfile", keyfile).finish_non_exhaustive()
            }
        }
    }
}

impl KeySource {
    /// An sr25519 key.
    #[must_use]
    pub fn sr25519(suri: impl Into<String>) -> Self {
        Self::Suri { suri: suri.into(), scheme: KeyType::Sr25519 }
    }

    /// A key file.
    #[must_use]
    pub fn file(keyfile: impl Into<PathBuf>) -> Self {
        Self::File { keyfile: keyfile.into(), passphrase_file: None }
    }

    /// Makes relative paths start at `base`, the folder of the configuration file.
    pub fn resolve(&mut self, base: &Path) {
        if let Self::File { keyfile, passphrase_file } = self {
            // `join` keeps an absolute path as it is.
            *keyfile = base.join(&*keyfile);
            if let Some(path) = passphrase_file {
                *path = base.join(&*path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_source() {
        for text in [
            r#"{"suri":"//Alice"}"#,
            r#"{"mnemonic":"a b c","type":"ed25519"}"#,
            r#"{"suri":"//Alice","type":"ecdsa"}"#,
            r#"{"keyfile":"k.json"}"#,
            r#"{"keyfile":"k.json","passphraseFile":"p"}"#,
        ] {
            let source: KeySource = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&source).unwrap(), text);
        }
        for bad in [
            "{}",
            r#"{"suri":"//A","mnemonic":"a"}"#,
            r#"{"suri":"//A","passphraseFile":"p"}"#,
            r#"{"keyfile":"k","type":"sr25519"}"#,
            r#"{"suri":"//A","kind":"x"}"#,
            r#"{"suri":"//A","type":"rsa"}"#,
        ] {
            assert!(serde_json::from_str::<KeySource>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_start_at_the_configuration_and_secrets_are_not_printed() {
        let mut source: KeySource = serde_json::from_str(r#"{"keyfile":"k","passphraseFile":"/p"}"#).unwrap();
        source.resolve(Path::new("/etc/argosy"));
        assert_eq!(
            serde_json::to_string(&source).unwrap(),
            r#"{"keyfile":"/etc/argosy/k","passphraseFile":"/p"}"#
        );
        assert!(!format!("{:?}", KeySource::sr25519("//Alice")).contains("Alice"));
    }
}
