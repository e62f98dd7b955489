//! Content ids: the BLAKE3 root of an object's bytes, in Joystream's text form.
//!
//! Source: multihash table, code 0x1e (blake3), length 0x20; base58btc without a multibase letter.

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use core::{fmt, str::FromStr};
use thiserror::Error;

/// Length of the text form.
pub const CONTENT_ID_CHARS: usize = 46;
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
        let mut multihash = Vec::with_capacity(34);
        multihash.extend_from_slice(&MULTIHASH_PREFIX);
        multihash.extend_from_slice(&self.0);
        let text: String = bs58::encode(multihash).into_string();
        f.write_str(&text)
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
        if text.len() != CONTENT_ID_CHARS {
            return Err(ContentIdError::Length);
        }
        let bytes = bs58::decode(text).into_vec().map_err(|_| ContentIdError::NotBlake3)?;
        let digest = bytes.strip_prefix(&MULTIHASH_PREFIX).ok_or(ContentIdError::NotBlake3)?;
        Ok(Self(digest.try_into().map_err(|_| ContentIdError::NotBlake3)?))
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
