//! What tokens, permits and passes have in common: signed bytes that name their kind, and a text form.

use argosy_domain::wire::decode_canonical;
use codec::{DecodeLimit, Encode};

/// What is signed of a claim: which kind it is and the network, which is not sent since whoever checks knows
/// it.
pub(crate) fn signed_bytes(kind: &[u8], genesis: &[u8; 32], claim: &impl Encode) -> Vec<u8> {
    let mut bytes = kind.to_vec();
    bytes.extend_from_slice(genesis);
    claim.encode_to(&mut bytes);
    bytes
}

/// Text form: hexadecimal.
pub(crate) fn text_of(signed: &impl Encode) -> String {
    hex::encode(signed.encode())
}

/// Reads the text form, if it is one and has at most `longest` characters.
pub(crate) fn from_text<T: DecodeLimit + Encode>(text: &str, longest: usize) -> Option<T> {
    if text.len() > longest {
        return None;
    }
    decode_canonical(&hex::decode(text).ok()?).ok()
}
