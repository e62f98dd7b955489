//! Merkle tree over numbered slots that recomputes only what lies above changed leaves.
//!
//! Four children a node, every level kept. An empty slot, and a child beyond the end, is all zeros.

use alloc::{vec, vec::Vec};
use argosy_domain::num::to_usize;

/// Children of a node.
///
/// Source: design note on ten million objects: 3 µs per change at random, 0.3 consecutive.
pub(crate) const ARITY: usize = 4;
/// An empty slot.
pub(crate) const EMPTY: Hash = [0; 32];
// Leaves and nodes are hashed under different keys, so that neither can pass for the other.
const LEAF_KEY: &[u8; 32] = b"argosy/state/leaf/1.............";
const NODE_KEY: &[u8; 32] = b"argosy/state/node/1.............";

/// A BLAKE3 output.
pub(crate) type Hash = [u8; 32];

/// Hash of one record's encoding.
pub(crate) fn leaf(encoded: &[u8]) -> Hash {
    *blake3::keyed_hash(LEAF_KEY, encoded).as_bytes()
}

/// Hash of up to four children.
pub(crate) fn node(children: &[Hash]) -> Hash {
    let mut hasher = blake3::Hasher::new_keyed(NODE_KEY);
    for position in 0..ARITY {
        hasher.update(children.get(position).unwrap_or(&EMPTY));
    }
    *hasher.finalize().as_bytes()
}

/// The tree.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// `levels[0]` are the leaves; the last level has one node once it is computed.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self { levels: vec![Vec::new()] }
    }

    /// Writes leaves by ascending slot without repeats, and gives the new root.
    pub(crate) fn update(&mut self, changes: impl Iterator<Item = (u64, Hash)>) -> Hash {
        let mut changed = Vec::new();
        for (slot, hash) in changes {
            let slot = to_usize(slot);
            // What lies between the old end and the slot has nodes above it from now on.
            changed.extend(self.level(0).len()..slot);
            changed.push(slot);
            put(self.level(0), slot, hash);
        }
        let mut depth = 0_usize;
        while self.level(depth).len() > 1 {
            let mut parents = Vec::new();
            for position in changed {
                let parent = position.div_euclid(ARITY);
                if parents.last() != Some(&parent) {
                    parents.push(parent);
                }
            }
            self.hash_level(depth, &parents);
            changed = parents;
            depth = depth.saturating_add(1);
        }
        self.level(depth).first().copied().unwrap_or(EMPTY)
    }

    /// Recomputes the nodes at `parents`, one level above `depth`.
    fn hash_level(&mut self, depth: usize, parents: &[usize]) {
        for &parent in parents {
            let below = self.level(depth);
            let start = parent.saturating_mul(ARITY);
            let end = below.len().min(start.saturating_add(ARITY));
            let hash = node(below.get(start..end).unwrap_or_default());
            put(self.level(depth.saturating_add(1)), parent, hash);
        }
    }

    fn level(&mut self, depth: usize) -> &mut Vec<Hash> {
        if depth >= self.levels.len() {
            self.levels.resize_with(depth.saturating_add(1), Vec::new);
        }
        &mut self.levels[depth]
    }
}

fn put(level: &mut Vec<Hash>, position: usize, hash: Hash) {
    if position >= level.len() {
        level.resize(position.saturating_add(1), EMPTY);
    }
    level[position] = hash;
}

/// The root over these leaves, level by level.
#[cfg(any(test, feature = "audit"))]
pub(crate) fn reference(leaves: Vec<Hash>) -> Hash {
    if leaves.len() > 1 {
        return reference(leaves.chunks(ARITY).map(node).collect());
    }
    leaves.first().copied().unwrap_or(EMPTY)
}
