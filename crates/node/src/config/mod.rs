//! Configuration files: how they are read, and the pieces that all nodes share.
//!
//! [`load`] reads a file into a type that is a [`Configuration`]; its JSON Schema comes from that type.

mod check;
mod document;
mod environment;
mod logs;
mod problem;
mod reader;
mod schema;
mod shown;
#[cfg(test)]
mod tests;
mod typed;

pub use document::Origin;
pub use logs::{ConsoleLog, ElasticAuth, ElasticLog, FileLog, Frequency, LogLevel, Logs};
pub use problem::{Problem, Problems};
pub use reader::{Configuration, Finding, LoadError, Loaded, load};
pub use schema::schema_of;
pub use shown::Shown;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{
    borrow::Cow,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Most directory nodes that one node may be told of.
pub const MAX_DIRECTORY_URLS: usize = 16;

/// A path from a configuration file: relative ones start at `base`, the folder of that file.
pub fn resolve_path(base: &Path, path: &mut PathBuf) {
    // `join` keeps an absolute path as it is.
    *path = base.join(&*path);
}

/// A number of bytes. Text form: digits and one of `B`, `K`, `M`, `G`, `T` (powers of 1024); a
/// plain number counts bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A text that is not a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a size: expected digits and one of B, K, M, G, T, for example 20G")]
pub struct SizeError;

const UNITS: [(char, u32); 5] = [('T', 40), ('G', 30), ('M', 20), ('K', 10), ('B', 0)];

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let unit = UNITS.iter().find(|(letter, _)| text.ends_with(*letter));
        let (digits, shift) = match unit {
            Some((letter, shift)) => (text.strip_suffix(*letter).ok_or(SizeError)?, *shift),
            None => (text, 0),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SizeError);
        }
        let number: u64 = digits.parse().map_err(|_| SizeError)?;
        number.checked_mul(1 << shift).map(Self).ok_or(SizeError)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, shift): &&(char, u32)| self.0 > 0 && self.0.is_multiple_of(1 << shift);
        match UNITS.iter().find(whole) {
            Some((letter, shift)) => write!(f, "{}{letter}", self.0 >> shift),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"], "format": "size", "pattern": "^[0-9]+[BKMGT]?$", "minimum": 0,
        })
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Size;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as 20G, or a number of bytes")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Size, E> {
                Ok(Size(number))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Size, E> {
                u64::try_from(number).map(Size).map_err(|_| E::custom(SizeError))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The schema of where keys come from: a list of `argosy_keys::KeySource`, at most `most` of them.
#[must_use]
pub fn keys_schema(most: usize) -> Schema {
    let secret = |what: &str| json_schema!({"type": "string", "writeOnly": true, "description": what});
    let suri = secret(
        "A secret URI: `//Name` (a development key, known to everyone), a phrase, or a seed, `0x` and 64 hexadecimal digits, with junctions and password.",
    );
    let mnemonic = secret("A BIP-39 phrase.");
    let file = |what: &str| json_schema!({"type": "string", "description": what});
    let keyfile = file("A key file, ours or that of Polkadot-js.");
    let passphrase = file("A file that holds its passphrase. Without one it is asked for on the terminal.");
    let scheme = json_schema!({
        "type": "string", "enum": ["sr25519", "ed25519", "ecdsa"], "default": "sr25519",
        "description": "Scheme of the key. The directory takes no ecdsa.",
    });
    let key = json_schema!({
        "type": "object",
        "properties": {
            "suri": suri, "mnemonic": mnemonic, "keyfile": keyfile, "passphraseFile": passphrase, "type": scheme,
        },
        "oneOf": [{"required": ["suri"]}, {"required": ["mnemonic"]}, {"required": ["keyfile"]}],
        "additionalProperties": false,
    });
    json_schema!({"type": "array", "items": key, "minItems": 1, "maxItems": most})
}

/// The schema of an address to listen on.
#[must_use]
pub fn socket_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "socket-address"})
}

/// The schema of an address without a port.
#[must_use]
pub fn ip_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "ip"})
}

/// The schema of a URL.
#[must_use]
pub fn url_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "uri"})
}

/// The schema of a text that is never shown.
#[must_use]
pub fn secret_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "writeOnly": true})
}

/// Root URLs of directory nodes, tried in turn; one text or a list in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUrls(Vec<String>);

/// A list of directory nodes that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlsError {
    /// None, or more than [`MAX_DIRECTORY_URLS`].
    #[error("between 1 and {MAX_DIRECTORY_URLS} directory nodes must be named")]
    Count,
    /// Not of the form `http://host[:port]`, or the same with `https`.
    #[error("not the root URL of a directory node: {0:?}, expected http://host:port or https://host")]
    Url(String),
}

impl DirectoryUrls {
    /// Checks the list.
    ///
    /// # Errors
    /// [`UrlsError`].
    pub fn new(urls: Vec<String>) -> Result<Self, UrlsError> {
        if urls.is_empty() || urls.len() > MAX_DIRECTORY_URLS {
            return Err(UrlsError::Count);
        }
        urls.into_iter()
            .map(|url| root_url(&url).ok_or(UrlsError::Url(url)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The URLs, without a slash at the end; never empty.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// The URL without its last slash, if it is a scheme and an authority and nothing else.
fn root_url(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"))?;
    let plain = uri.path() == "/" && uri.query().is_none();
    (plain && !authority.as_str().contains('@')).then(|| format!("{scheme}://{authority}"))
}

impl Serialize for DirectoryUrls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => serializer.serialize_str(one),
            many => serializer.collect_seq(many),
        }
    }
}

impl JsonSchema for DirectoryUrls {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DirectoryUrls".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let url = json_schema!({"type": "string", "format": "directory", "pattern": "^https?://[^/@]+/?$"});
        json_schema!({
            "anyOf": [url, {"type": "array", "items": url, "minItems": 1, "maxItems": MAX_DIRECTORY_URLS}],
        })
    }
}

impl<'de> Deserialize<'de> for DirectoryUrls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = DirectoryUrls;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the root URL of a directory node, or a list of them")
            }
            fn visit_str<E: de::Error>(self, url: &str) -> Result<DirectoryUrls, E> {
                DirectoryUrls::new(vec![url.to_owned()]).map_err(E::custom)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<DirectoryUrls, A::Error> {
                let mut urls = Vec::new();
                while let Some(url) = list.next_element()? {
                    if urls.len() == MAX_DIRECTORY_URLS {
                        return Err(de::Error::custom(UrlsError::Count));
                    }
                    urls.push(url);
                }
                DirectoryUrls::new(urls).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The `endpoints` section: other nodes that this one needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoints {
    /// Directory nodes.
    pub directory: DirectoryUrls,
}
