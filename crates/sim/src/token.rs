//! Bytes at the price of one number: a group's content is a token that follows from the content id.
//!
//! A wrong group is any other token, and verifying is comparing. The content id comes from the
//! index of whoever verifies, so that a wrong index shows as wrong bytes.

use argosy_domain::ContentId;

/// What stands for the 16 KiB of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token(u64);

impl Token {
    /// The right bytes of a group.
    pub(crate) fn of(content: &ContentId, group: u64) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = content.0;
        let word = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        // Odd factor: distinct groups of one object have distinct tokens.
        Self(word ^ group.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// The number, for the event log.
    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    /// The same group with some bytes flipped.
    pub(crate) fn spoilt(self, by: u64) -> Self {
        Self(self.0 ^ (by | 1))
    }
}
