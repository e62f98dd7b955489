//! The walk down the tree that decoder and encoder share: it knows the hash of whatever comes next.

use crate::groups::{GroupRange, PAIR_BYTES, group_len};
use crate::hash;
use crate::plan::Subtree;
use alloc::vec::Vec;
use argosy_domain::ContentId;
use argosy_domain::num::to_usize;
use thiserror::Error;

/// Bytes that do not belong to the object whose content id was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WrongBytes {
    /// A pair does not hash to what the pair above it, or the content id, says.
    #[error("the hashes over groups {} to {} are not this object's", groups.start, groups.end)]
    Pair {
        /// Pre-order number of the pair.
        index: u64,
        /// The groups under it, none of which can be proved with it.
        groups: GroupRange,
    },
    /// A group does not hash to what the pair above it, or the content id, says.
    #[error("group {index} is not this object's")]
    Group {
        /// Number of the group.
        index: u64,
    },
    /// Bytes follow the end of the slice.
    #[error("bytes follow the end of the slice")]
    Trailing,
    /// The slice ended early.
    #[error("the slice ends before group {group} is whole")]
    Truncated {
        /// First group that did not come, or not whole.
        group: u64,
    },
}

impl WrongBytes {
    /// The groups that this mistake leaves unproved; `None` for [`WrongBytes::Trailing`].
    #[must_use]
    pub fn groups(self) -> Option<GroupRange> {
        match self {
            Self::Pair { groups, .. } => Some(groups),
            Self::Group { index } | Self::Truncated { group: index } => Some(GroupRange::one(index)),
            Self::Trailing => None,
        }
    }
}

/// A subtree still to come, and its hash, proved by what came before.
#[derive(Clone, Copy, Debug)]
struct Expected {
    subtree: Subtree,
    hash: hash::Hash,
}

/// What the walk takes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Pair { index: u64 },
    Group { index: u64, len: usize },
}

impl Want {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Pair { .. } => to_usize(PAIR_BYTES),
            Self::Group { len, .. } => len,
        }
    }
}

/// Position in a slice. Bounded: holds at most one hash per level of the tree, plus one.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    root: Subtree,
    size: u64,
    wanted: GroupRange,
    /// The next one last.
    pending: Vec<Expected>,
}

impl Walk {
    pub(crate) fn new(content_id: ContentId, size: u64, wanted: GroupRange) -> Self {
        let root = Subtree::root(size);
        let mut pending = Vec::new();
        if root.groups.overlaps(wanted) {
            pending.push(Expected { subtree: root, hash: content_id.0 });
        }
        Self { root, size, wanted, pending }
    }

    /// What comes next; `None` at the end of the slice.
    pub(crate) fn want(&self) -> Option<Want> {
        let subtree = self.pending.last()?.subtree;
        Some(if subtree.is_group() {
            let index = subtree.groups.start;
            Want::Group { index, len: group_len(index, self.size) }
        } else {
            Want::Pair { index: subtree.pair }
        })
    }

    /// The groups under what comes next; empty at the end of the slice.
    pub(crate) fn next_groups(&self) -> GroupRange {
        self.pending.last().map_or(GroupRange::new(0, 0), |next| next.subtree.groups)
    }

    /// First wanted group that has not been taken; `None` at the end of the slice.
    pub(crate) fn next_group(&self) -> Option<u64> {
        let first = self.pending.last()?.subtree.groups.start;
        Some(first.max(self.wanted.start))
    }

    /// Takes the pair that [`Walk::want`] names. On an error nothing is taken.
    pub(crate) fn take_pair(&mut self, pair: &[u8; 64]) -> Result<(), WrongBytes> {
        let Some(expected) = self.pending.last().copied() else { return Err(WrongBytes::Trailing) };
        let subtree = expected.subtree;
        if hash::of_pair(pair, subtree == self.root) != expected.hash {
            return Err(WrongBytes::Pair { index: subtree.pair, groups: subtree.groups });
        }
        self.pending.pop();
        let (left, right) = subtree.children();
        let (left_hash, right_hash) = hash::halves(pair);
        for (subtree, hash) in [(right, right_hash), (left, left_hash)] {
            if subtree.groups.overlaps(self.wanted) {
                self.pending.push(Expected { subtree, hash });
            }
        }
        Ok(())
    }

    /// Takes the group that [`Walk::want`] names. On an error nothing is taken.
    pub(crate) fn take_group(&mut self, bytes: &[u8]) -> Result<(), WrongBytes> {
        let Some(expected) = self.pending.last().copied() else { return Err(WrongBytes::Trailing) };
        let index = expected.subtree.groups.start;
        if hash::of_group(index, bytes, expected.subtree == self.root) != expected.hash {
            return Err(WrongBytes::Group { index });
        }
        self.pending.pop();
        Ok(())
    }
}
