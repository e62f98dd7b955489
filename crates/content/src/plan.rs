//! The shape of the tree, and what a slice consists of.

use crate::groups::{GroupRange, PAIR_BYTES, byte_range, group_count};
use alloc::vec::Vec;

/// A node of the tree: the groups under it, and where its pair and those below it stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subtree {
    pub(crate) groups: GroupRange,
    /// Pre-order number of its own pair, if it has more than one group. Its left child's pairs
    /// follow, then its right child's.
    pub(crate) pair: u64,
}

impl Subtree {
    pub(crate) fn root(size: u64) -> Self {
        Self { groups: GroupRange::new(0, group_count(size)), pair: 0 }
    }

    pub(crate) fn is_group(self) -> bool {
        self.groups.count() == 1
    }

    /// Left and right child. The left one holds the largest power of two that leaves something for
    /// the right one. Must not be asked of a single group.
    pub(crate) fn children(self) -> (Self, Self) {
        let count = self.groups.count();
        debug_assert!(count > 1, "a group has no children");
        let left_count = count.div_ceil(2).next_power_of_two();
        let middle = self.groups.start + left_count;
        let left = Self { groups: GroupRange::new(self.groups.start, middle), pair: self.pair + 1 };
        let right = Self { groups: GroupRange::new(middle, self.groups.end), pair: self.pair + left_count };
        (left, right)
    }

    /// Pairs in this subtree that a slice of `wanted` holds.
    fn pairs_for(self, wanted: GroupRange) -> u64 {
        if !self.groups.overlaps(wanted) {
            return 0;
        }
        if wanted.covers(self.groups) {
            return self.groups.count() - 1;
        }
        // Only the two edges of the range come here: the depth bounds the work.
        if self.is_group() {
            return 0;
        }
        let (left, right) = self.children();
        1 + left.pairs_for(wanted) + right.pairs_for(wanted)
    }
}

/// One thing that stands in a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceStep {
    /// 64 bytes: the pair of this pre-order number.
    Pair {
        /// Pre-order number.
        index: u64,
    },
    /// The bytes of this group.
    Group {
        /// Number of the group.
        index: u64,
    },
}

/// What a slice consists of, in order. Groups past the object's end are left out.
#[derive(Clone, Debug)]
pub struct SlicePlan {
    wanted: GroupRange,
    /// Subtrees still to visit, the next one last; never more than the tree is deep, plus one.
    pending: Vec<Subtree>,
}

impl SlicePlan {
    /// The plan of a slice of `groups` of an object of `size` bytes.
    #[must_use]
    pub fn new(size: u64, groups: GroupRange) -> Self {
        let root = Subtree::root(size);
        let pending = if root.groups.overlaps(groups) { alloc::vec![root] } else { Vec::new() };
        Self { wanted: groups, pending }
    }
}

impl Iterator for SlicePlan {
    type Item = SliceStep;

    fn next(&mut self) -> Option<SliceStep> {
        let subtree = self.pending.pop()?;
        if subtree.is_group() {
            return Some(SliceStep::Group { index: subtree.groups.start });
        }
        let (left, right) = subtree.children();
        for child in [right, left] {
            if child.groups.overlaps(self.wanted) {
                self.pending.push(child);
            }
        }
        Some(SliceStep::Pair { index: subtree.pair })
    }
}

/// Exact bytes of a slice of `groups` of an object of `size` bytes. Takes no longer for a long one.
#[must_use]
pub fn slice_len(size: u64, groups: GroupRange) -> u64 {
    let root = Subtree::root(size);
    let groups = groups.intersection(root.groups);
    let bytes = byte_range(groups, size);
    (root.pairs_for(groups) * PAIR_BYTES).saturating_add(bytes.end.saturating_sub(bytes.start))
}
