//! Builds the tree of an object while its bytes pass by, once.

use crate::groups::group_len;
use crate::hash;
use crate::plan::Subtree;
use alloc::vec::Vec;
use argosy_domain::ContentId;
use argosy_domain::num::to_u64;
use thiserror::Error;

/// The bytes were not as many as announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    /// More bytes came.
    #[error("more bytes than announced")]
    TooLong,
    /// Fewer bytes came.
    #[error("{missing_bytes} bytes fewer than announced")]
    TooShort {
        /// How many did not come.
        missing_bytes: u64,
    },
}

/// A node whose left child, or neither child, has been hashed.
#[derive(Debug)]
struct Open {
    subtree: Subtree,
    left: Option<hash::Hash>,
}

/// Hashes an object whose size is known beforehand and gives every pair as soon as it is known.
///
/// Memory: one group and one hash per level of the tree.
#[derive(Debug)]
pub struct TreeBuilder {
    size: u64,
    /// Bytes taken.
    taken: u64,
    root: Subtree,
    /// From the root down to the group that comes next.
    open: Vec<Open>,
    /// The beginning of the next group; shorter than it.
    begun: Vec<u8>,
    /// Number of the next group.
    group: u64,
    content_id: Option<ContentId>,
}

impl TreeBuilder {
    /// A builder for an object of `size` bytes.
    #[must_use]
    pub fn new(size: u64) -> Self {
        let root = Subtree::root(size);
        let mut builder = Self {
            size,
            taken: 0,
            root,
            open: Vec::new(),
            begun: Vec::new(),
            group: 0,
            content_id: (size == 0).then(|| ContentId::of(&[])),
        };
        builder.descend(root);
        builder
    }

    /// Takes the next bytes and gives `sink` each pair that they complete, with its pre-order
    /// number. Children come before their parent.
    ///
    /// # Errors
    /// [`TreeError::TooLong`], before any of `bytes` is taken.
    pub fn push(&mut self, mut bytes: &[u8], sink: &mut impl FnMut(u64, &[u8; 64])) -> Result<(), TreeError> {
        if to_u64(bytes.len()) > self.size - self.taken {
            return Err(TreeError::TooLong);
        }
        self.taken += to_u64(bytes.len());
        while !bytes.is_empty() {
            let len = group_len(self.group, self.size);
            if self.begun.is_empty() && bytes.len() >= len {
                let (whole, rest) = bytes.split_at(len);
                self.close_group(whole, sink);
                bytes = rest;
                continue;
            }
            let missing = (len - self.begun.len()).min(bytes.len());
            self.begun.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if self.begun.len() == len {
                let mut whole = core::mem::take(&mut self.begun);
                self.close_group(&whole, sink);
                whole.clear();
                self.begun = whole;
            }
        }
        Ok(())
    }

    /// The content id of all bytes.
    ///
    /// # Errors
    /// [`TreeError::TooShort`].
    pub fn finish(self) -> Result<ContentId, TreeError> {
        self.content_id.ok_or(TreeError::TooShort { missing_bytes: self.size - self.taken })
    }

    /// Opens the nodes from `subtree` down to its first group.
    fn descend(&mut self, mut subtree: Subtree) {
        while !subtree.is_group() {
            self.open.push(Open { subtree, left: None });
            subtree = subtree.children().0;
        }
    }

    fn close_group(&mut self, bytes: &[u8], sink: &mut impl FnMut(u64, &[u8; 64])) {
        let mut hash = hash::of_group(self.group, bytes, self.root.is_group());
        self.group += 1;
        while let Some(mut node) = self.open.pop() {
            match node.left {
                None => {
                    node.left = Some(hash);
                    let right = node.subtree.children().1;
                    self.open.push(node);
                    self.descend(right);
                    return;
                }
                Some(left) => {
                    let pair = hash::join(&left, &hash);
                    sink(node.subtree.pair, &pair);
                    hash = hash::of_pair(&pair, node.subtree == self.root);
                }
            }
        }
        self.content_id = Some(ContentId(hash));
    }
}
