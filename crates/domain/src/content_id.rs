//! Content ids: the BLAKE3 root of an object's bytes, in Joystream's text form.
//!
//! Source: multihash table, code 0x1e (blake3), length 0x20; base58btc without a multibase letter.

use crate::base58;
use codec::{Decode, Encode};
use core::{fmt, str::FromStr};
use thiserror::Error;

/// Length of the text form.
pub const CONTENT_ID_CHARS: usize = 46;
/// Code and length.
const MULTIHASH_PREFIX: [u8; 2] = [0x1e, 0x20];

/// The BLAKE3 root of an object's bytes.
///
/// BLAKE3 is a hash tree: this one value proves every 16 KiB group of the object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct ContentId(pub [u8; 32]);

/// Why a text is not a content id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ContentIdError {
    /// Not 46 characters.
    #[error("a content id has 46 characters")]
    Length,
    /// Not base58 of a BLAKE3-256 multihash.
    #[error("a content id is the base58 text of a BLAKE3 multihash and begins with gV or gW")]
    NotBlake3,
}

impl ContentId {
    /// The content id of bytes held in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = base58::encode(MULTIHASH_PREFIX, &self.0);
        // Every character is one of the alphabet.
        f.write_str(core::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentId {
    type Err = ContentIdError;
    fn from_str(text: &str) -> Result<Self, ContentIdError> {
        let text = text.as_bytes().try_into().map_err(|_| ContentIdError::Length)?;
        match base58::decode(text) {
            Some((MULTIHASH_PREFIX, digest)) => Ok(Self(digest)),
            Some(_) | None => Err(ContentIdError::NotBlake3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn text_form_is_46_characters_and_round_trips() {
        for bytes in [&b""[..], b"a", &[7; 100_000]] {
            let id = ContentId::of(bytes);
            let text = id.to_string();
            assert_eq!(text.len(), CONTENT_ID_CHARS);
            assert!(text.starts_with("gV") || text.starts_with("gW"));
            assert_eq!(text.parse(), Ok(id));
        }
        // The lowest and highest digests keep the length.
        assert_eq!(ContentId([0; 32]).to_string().len(), CONTENT_ID_CHARS);
        assert_eq!(ContentId([255; 32]).to_string().len(), CONTENT_ID_CHARS);
    }

    #[test]
    fn the_text_measured_on_a_real_node_is_understood() {
        let text = "gWAtyxH64VtHsKnEN4Qz6uaJjonBZKy7iZHzUbFo1XaK2i";
        assert_eq!(text.parse::<ContentId>().unwrap().to_string(), text);
    }

    #[test]
    fn other_hashes_are_refused() {
        assert_eq!("gW".parse::<ContentId>(), Err(ContentIdError::Length));
        // A SHA-256 multihash as IPFS writes it.
        let ipfs = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG";
        assert_eq!(ipfs.parse::<ContentId>(), Err(ContentIdError::NotBlake3));
        let zero = "gWAtyxH64VtHsKnEN4Qz6uaJjonBZKy7iZHzUbFo1XaK20";
        assert_eq!(zero.parse::<ContentId>(), Err(ContentIdError::NotBlake3));
    }
}
