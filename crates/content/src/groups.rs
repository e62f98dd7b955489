//! Arithmetic between bytes, groups and pairs.
//!
//! No product here can overflow: an object has fewer than 2^51 groups whatever its size.

use argosy_domain::limits::GROUP_BYTES;
use argosy_domain::num::to_usize;
use core::ops::Range;

/// Bytes of one pair: two hashes of 32 bytes.
pub const PAIR_BYTES: u64 = 64;

/// A half-open run of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupRange {
    /// First group.
    pub start: u64,
    /// One past the last group.
    pub end: u64,
}

impl GroupRange {
    /// The groups from `start` up to, not including, `end`.
    #[must_use]
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// One group.
    #[must_use]
    pub const fn one(group: u64) -> Self {
        Self { start: group, end: group.saturating_add(1) }
    }

    /// Every group of an object of `size` bytes.
    #[must_use]
    pub const fn whole(size: u64) -> Self {
        Self { start: 0, end: group_count(size) }
    }

    /// How many groups.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether there is no group in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Whether `group` is in it.
    #[must_use]
    pub const fn contains(self, group: u64) -> bool {
        self.start <= group && group < self.end
    }

    /// The groups in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }

    /// Whether some group is in both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        !self.intersection(other).is_empty()
    }

    /// Whether every group of `other` is in it.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        other.is_empty() || (self.start <= other.start && other.end <= self.end)
    }

    /// The groups, one by one.
    #[must_use]
    pub const fn iter(self) -> Range<u64> {
        self.start..self.end
    }
}

/// Groups of an object of `size` bytes; 1 for an empty one, whose only group is empty.
#[must_use]
pub const fn group_count(size: u64) -> u64 {
    if size == 0 { 1 } else { size.div_ceil(GROUP_BYTES) }
}

/// Bytes in `group` of an object of `size` bytes; 0 past its end.
#[must_use]
pub const fn group_len(group: u64, size: u64) -> usize {
    let left = size.saturating_sub(group.saturating_mul(GROUP_BYTES));
    to_usize(if left < GROUP_BYTES { left } else { GROUP_BYTES })
}

/// The groups that hold some byte of `bytes`.
#[must_use]
pub const fn groups_of(bytes: Range<u64>) -> GroupRange {
    let start = bytes.start / GROUP_BYTES;
    if bytes.start >= bytes.end {
        return GroupRange { start, end: start };
    }
    GroupRange { start, end: bytes.end.div_ceil(GROUP_BYTES) }
}

/// The bytes of `groups` in an object of `size` bytes.
#[must_use]
pub fn byte_range(groups: GroupRange, size: u64) -> Range<u64> {
    let at = |group: u64| group.saturating_mul(GROUP_BYTES).min(size);
    at(groups.start)..at(groups.end)
}

/// Pairs in the whole tree of an object of `size` bytes.
#[must_use]
pub const fn pair_count(size: u64) -> u64 {
    group_count(size) - 1
}

/// Bytes of the whole side tree of an object of `size` bytes: its pairs in pre-order, no header.
#[must_use]
pub const fn outboard_len(size: u64) -> u64 {
    pair_count(size) * PAIR_BYTES
}
