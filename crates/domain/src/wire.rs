//! One encoding a value: SCALE, refused unless it is the very bytes that encoding would give.

use crate::limits::MAX_DECODE_DEPTH;
use codec::{DecodeLimit, Encode, Output};
use thiserror::Error;

/// Why bytes were not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Truncated, too deep, trailing bytes, or a variant that does not exist.
    #[error("the bytes are not a value of the expected type")]
    Malformed,
    /// Decodes, but is not the one encoding of that value (an unsorted set, say).
    #[error("the bytes are not the canonical encoding of the value")]
    NotCanonical,
}

/// Decodes all of `bytes`, and only if they are the canonical encoding.
///
/// The caller bounds `bytes` first; lists take memory only as their bytes arrive.
///
/// # Errors
/// [`WireError`], without more detail: the bytes come from elsewhere.
pub fn decode_canonical<T: DecodeLimit + Encode>(bytes: &[u8]) -> Result<T, WireError> {
    let value =
        T::decode_all_with_depth_limit(MAX_DECODE_DEPTH, &mut &*bytes).map_err(|_| WireError::Malformed)?;
    // Sets and maps decode from any order; only the sorted one is the value's encoding.
    let mut expected = Expected(Some(bytes));
    value.encode_to(&mut expected);
    if expected.0 == Some(&[]) { Ok(value) } else { Err(WireError::NotCanonical) }
}

/// What is still to be written; nothing once something else was.
struct Expected<'a>(Option<&'a [u8]>);

impl Output for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.and_then(|expected| expected.strip_prefix(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn only_the_canonical_encoding_is_taken() {
        let set: BTreeSet<u64> = [1, 2].into();
        let bytes = set.encode();
        assert_eq!(decode_canonical(&bytes), Ok(set));
        let mut swapped = bytes.clone();
        swapped[1..9].copy_from_slice(&bytes[9..17]);
        swapped[9..17].copy_from_slice(&bytes[1..9]);
        assert_eq!(decode_canonical::<BTreeSet<u64>>(&swapped), Err(WireError::NotCanonical));
        let mut long = bytes.clone();
        long.push(0);
        assert_eq!(decode_canonical::<BTreeSet<u64>>(&long), Err(WireError::Malformed));
        assert_eq!(decode_canonical::<BTreeSet<u64>>(&bytes[..5]), Err(WireError::Malformed));
    }
}
