//! Base58 of exactly 34 bytes that need 46 characters, as multihashes of content ids do.
//!
//! Every upload names its objects in this form, and a directory reads all of them again when it
//! replays: a general coder, which takes the square of the length, was a tenth of that.
//! Source: the Bitcoin alphabet (draft-msporny-base58-03).

/// The digits, in order.
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Digits that are taken together: the most whose value fits 64 bits.
const GROUP: usize = 10;
/// A value of 34 bytes, least significant first.
const LIMBS: usize = 5;
/// Digits that are taken together in the other direction: the most whose value fits 32 bits.
const SMALL_GROUP: usize = 5;
/// 58 to the power of [`SMALL_GROUP`].
const SMALL_BASE: u64 = 656_356_768;
/// The same value in halves.
const HALVES: usize = 9;
/// Of no digit.
const NONE: u8 = u8::MAX;

/// Value of each character.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut digit: u8 = 0;
    #[expect(clippy::as_conversions, reason = "evaluated by the compiler")]
    while digit < 58 {
        values[ALPHABET[digit as usize] as usize] = digit;
        digit += 1;
    }
    values
};

/// Prefix and rest of what the text stands for; nothing unless it is the text of 34 bytes.
pub(crate) fn decode(text: &[u8; 46]) -> Option<([u8; 2], [u8; 32])> {
    let mut limbs = [0_u64; LIMBS];
    for group in text.chunks(GROUP) {
        let (mut value, mut base) = (0_u64, 1_u64);
        for character in group {
            let digit = VALUES[usize::from(*character)];
            if digit == NONE {
                return None;
            }
            // 58 to the tenth is below 2^59.
            value = value.wrapping_mul(58).wrapping_add(digit.into());
            base = base.wrapping_mul(58);
        }
        for limb in &mut limbs {
            (*limb, value) = limb.carrying_mul(base, value);
        }
    }
    let mut bytes = [0; LIMBS * 8];
    for (place, limb) in bytes.rchunks_exact_mut(8).zip(limbs) {
        place.copy_from_slice(&limb.to_be_bytes());
    }
    // A leading zero byte would be written as one more digit, and 46 digits have no room for it.
    match bytes {
        [0, 0, 0, 0, 0, 0, first, second, rest @ ..] if first != 0 => Some(([first, second], rest)),
        _ => None,
    }
}

/// The text of a prefix that makes the value need 46 digits, and of the rest.
pub(crate) fn encode(prefix: [u8; 2], rest: &[u8; 32]) -> [u8; 46] {
    let mut bytes = [0; HALVES * 4];
    bytes[2..4].copy_from_slice(&prefix);
    bytes[4..].copy_from_slice(rest);
    // Most significant first.
    let mut halves = [0_u64; HALVES];
    for (half, bytes) in halves.iter_mut().zip(bytes.chunks_exact(4)) {
        *half = bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte));
    }
    let mut text = [0; 46];
    for group in text.rchunks_mut(SMALL_GROUP) {
        let mut rest = 0_u64;
        for half in &mut halves {
            // What is left over is below the base, hence below 2^30.
            let value = (rest << 32) | *half;
            (*half, rest) = (value.div_euclid(SMALL_BASE), value.rem_euclid(SMALL_BASE));
        }
        for place in group.iter_mut().rev() {
            *place = ALPHABET[crate::num::to_usize(rest.rem_euclid(58))];
            rest = rest.div_euclid(58);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn agrees_with_the_general_coder(first in 1_u8..0x2c, second: u8, rest: [u8; 32]) {
            let text = encode([first, second], &rest);
            let general = bs58::encode([&[first, second], rest.as_slice()].concat()).into_vec();
            prop_assert_eq!(text.as_slice(), general);
            prop_assert_eq!(decode(&text), Some(([first, second], rest)));
        }

        #[test]
        fn any_text_is_read_as_the_general_coder_reads_it(
            places in proptest::collection::vec(0..60_usize, 46),
        ) {
            let text: std::vec::Vec<u8> =
                places.iter().map(|place| ALPHABET.get(*place).copied().unwrap_or(b'0')).collect();
            let general = bs58::decode(&text).into_vec().ok().filter(|bytes| bytes.len() == 34);
            let general = general.filter(|bytes| bytes[0] != 0);
            let ours = decode(text.as_slice().try_into().unwrap());
            let ours = ours.map(|(prefix, rest)| [prefix.as_slice(), rest.as_slice()].concat());
            prop_assert_eq!(ours, general);
        }
    }
}
