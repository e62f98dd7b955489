//! Proofs of single groups against a side tree, and the types that only a proof can make.

use crate::groups::{GroupRange, byte_range, group_count, group_len};
use crate::hash;
use crate::plan::Subtree;
use crate::set::GroupSet;
use crate::walk::WrongBytes;
use alloc::{vec, vec::Vec};
use argosy_domain::ContentId;
use argosy_domain::limits::GROUP_BYTES;
use argosy_domain::num::to_usize;
use bytes::Bytes;
use thiserror::Error;

/// A pair that has been proved to belong to an object. Only this crate makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPair {
    content_id: ContentId,
    index: u64,
    pair: [u8; 64],
}

impl VerifiedPair {
    pub(crate) fn proved(content_id: ContentId, index: u64, pair: [u8; 64]) -> Self {
        Self { content_id, index, pair }
    }

    /// The object it belongs to.
    #[must_use]
    pub fn content_id(&self) -> ContentId {
        self.content_id
    }

    /// Its pre-order number.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Its two hashes, left then right.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 64] {
        &self.pair
    }
}

/// A group whose bytes have been proved to belong to an object. Only this crate makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedGroup {
    content_id: ContentId,
    index: u64,
    data: Bytes,
}

impl VerifiedGroup {
    pub(crate) fn proved(content_id: ContentId, index: u64, data: Bytes) -> Self {
        Self { content_id, index, data }
    }

    /// The object it belongs to.
    #[must_use]
    pub fn content_id(&self) -> ContentId {
        self.content_id
    }

    /// Number of the group.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Its bytes: 16 KiB, fewer in an object's last group.
    #[must_use]
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// Its bytes, without the proof.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.data
    }
}

/// Where pairs and bytes of one object are read from, unproved.
pub trait TreeSource {
    /// Why reading failed.
    type Error;

    /// Reads the pair of pre-order number `index`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_pair(&mut self, index: u64) -> Result<[u8; 64], Self::Error>;

    /// Fills `buffer` with the object's bytes from `offset` on.
    ///
    /// # Errors
    /// When not all of them can be read.
    fn read_bytes(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Self::Error>;
}

/// Why bytes from a [`TreeSource`] were not proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VerifyError<E> {
    /// They were read, and are wrong.
    #[error(transparent)]
    Wrong(WrongBytes),
    /// The pair over these groups, or the one group, could not be read.
    #[error("groups {} to {} cannot be read", groups.start, groups.end)]
    Read {
        /// The groups that stay unproved.
        groups: GroupRange,
        /// Why.
        source: E,
    },
}

impl<E> VerifyError<E> {
    /// The groups that stay unproved.
    #[must_use]
    pub fn groups(&self) -> Option<GroupRange> {
        match self {
            Self::Wrong(wrong) => wrong.groups(),
            Self::Read { groups, .. } => Some(*groups),
        }
    }
}

/// A node on the way from the root to the last group asked for, with its proved pair.
#[derive(Clone, Debug)]
struct Proved {
    subtree: Subtree,
    pair: [u8; 64],
}

/// Proves groups in any order against a side tree.
///
/// It remembers the proved pairs from the root down to the last group, so groups in sequence cost
/// one pair each and memory is bounded by the depth of the tree.
#[derive(Clone, Debug)]
pub struct PathVerifier {
    content_id: ContentId,
    size: u64,
    root: Subtree,
    path: Vec<Proved>,
}

impl PathVerifier {
    /// A verifier for the object of `size` bytes that `content_id` names.
    #[must_use]
    pub fn new(content_id: ContentId, size: u64) -> Self {
        Self { content_id, size, root: Subtree::root(size), path: Vec::new() }
    }

    /// Proves that `bytes` are `group`; pairs on the way come from `read_pair` (pre-order number).
    ///
    /// # Errors
    /// [`VerifyError::Wrong`] when a pair or the bytes are not this object's (also for a group past
    /// its end), [`VerifyError::Read`] when `read_pair` fails.
    pub fn check<E>(
        &mut self,
        group: u64,
        bytes: &[u8],
        read_pair: impl FnMut(u64) -> Result<[u8; 64], E>,
    ) -> Result<(), VerifyError<E>> {
        if !self.root.groups.contains(group) || bytes.len() != group_len(group, self.size) {
            return Err(VerifyError::Wrong(WrongBytes::Group { index: group }));
        }
        let expected = self.hash_of(group, read_pair)?;
        if hash::of_group(group, bytes, self.root.is_group()) == expected {
            Ok(())
        } else {
            Err(VerifyError::Wrong(WrongBytes::Group { index: group }))
        }
    }

    /// As [`PathVerifier::check`], and gives the bytes back with their proof.
    ///
    /// # Errors
    /// As [`PathVerifier::check`].
    pub fn verify<E>(
        &mut self,
        group: u64,
        bytes: Bytes,
        read_pair: impl FnMut(u64) -> Result<[u8; 64], E>,
    ) -> Result<VerifiedGroup, VerifyError<E>> {
        self.check(group, &bytes, read_pair)?;
        Ok(VerifiedGroup::proved(self.content_id, group, bytes))
    }

    /// The proved hash of a group of this object.
    fn hash_of<E>(
        &mut self,
        group: u64,
        mut read_pair: impl FnMut(u64) -> Result<[u8; 64], E>,
    ) -> Result<hash::Hash, VerifyError<E>> {
        while self.path.last().is_some_and(|top| !top.subtree.groups.contains(group)) {
            self.path.pop();
        }
        let (mut subtree, mut expected) = match self.path.last() {
            Some(top) => child_towards(top, group),
            None => (self.root, self.content_id.0),
        };
        while !subtree.is_group() {
            let pair = read_pair(subtree.pair)
                .map_err(|source| VerifyError::Read { groups: subtree.groups, source })?;
            if hash::of_pair(&pair, subtree == self.root) != expected {
                let wrong = WrongBytes::Pair { index: subtree.pair, groups: subtree.groups };
                return Err(VerifyError::Wrong(wrong));
            }
            let proved = Proved { subtree, pair };
            (subtree, expected) = child_towards(&proved, group);
            self.path.push(proved);
        }
        Ok(expected)
    }
}

fn child_towards(node: &Proved, group: u64) -> (Subtree, hash::Hash) {
    let (left, right) = node.subtree.children();
    let (left_hash, right_hash) = hash::halves(&node.pair);
    if left.groups.contains(group) { (left, left_hash) } else { (right, right_hash) }
}

/// Finds out, from nothing but the bytes, which groups of an object can be proved.
///
/// Groups under a wrong or unreadable pair are passed over unread, so a mostly empty partial object
/// costs little. Reads one group at a time.
pub fn survey<S: TreeSource>(content_id: ContentId, size: u64, source: &mut S) -> GroupSet {
    let count = group_count(size);
    let mut found = GroupSet::new(count);
    let mut verifier = PathVerifier::new(content_id, size);
    let mut buffer = vec![0; to_usize(GROUP_BYTES)];
    let mut group = 0;
    while group < count {
        // The pairs first: without them the group need not be read.
        match verifier.hash_of(group, |index| source.read_pair(index)) {
            Ok(expected) => {
                let bytes = &mut buffer[..group_len(group, size)];
                let offset = byte_range(GroupRange::one(group), size).start;
                if source.read_bytes(offset, bytes).is_ok()
                    && hash::of_group(group, bytes, count == 1) == expected
                {
                    found.insert(group);
                }
                group += 1;
            }
            Err(error) => group = error.groups().map_or(count, |groups| groups.end),
        }
    }
    found
}
