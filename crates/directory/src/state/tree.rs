//! Merkle tree over numbered slots that recomputes only what lies above changed leaves.
//!
//! Four children a node. An empty slot, and a child beyond the end, is all zeros. Levels are kept in
//! flat memory, the leaves perhaps not: where records are small and near each other, hashing three
//! neighbours again costs less than 32 bytes a record.

use alloc::vec::Vec;
use argosy_domain::num::{to_u64, to_usize};

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
    let mut bytes = [0; ARITY * 32];
    for (place, child) in bytes.chunks_exact_mut(32).zip(children) {
        place.copy_from_slice(child);
    }
    *blake3::keyed_hash(NODE_KEY, &bytes).as_bytes()
}

/// Which levels of a tree are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// All.
    Kept,
    /// All but the leaves, which are hashed again.
    Recomputed,
}

/// The tree. A copy knows the root, but computes everything anew when it is first updated: copies are
/// made in order to be read.
#[derive(Debug)]
pub(crate) struct Tree {
    leaves: Leaves,
    /// As of the last update.
    root: Option<Hash>,
    /// Slots below this have nodes above them. One alone needs none.
    len: u64,
    /// From the lowest level that is kept to the root.
    levels: Vec<Vec<Hash>>,
}

impl Clone for Tree {
    fn clone(&self) -> Self {
        Self { root: self.root, ..Self::new(self.leaves) }
    }
}

impl Tree {
    pub(crate) const fn new(leaves: Leaves) -> Self {
        Self { leaves, root: None, len: 0, levels: Vec::new() }
    }

    /// The tree itself, and a copy in its place.
    pub(crate) fn take(&mut self) -> Self {
        let copy = self.clone();
        core::mem::replace(self, copy)
    }

    /// What the last update gave.
    pub(crate) const fn root(&self) -> Option<Hash> {
        self.root
    }

    /// Slots that have nodes above them; none in a copy.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// The root over slots below `len`, which never shrinks. `changed` are ascending without repeats
    /// and below `len`; slots that the tree did not cover yet need not be among them.
    pub(crate) fn update(&mut self, len: u64, changed: Vec<u64>, leaf: impl Fn(u64) -> Hash) -> Hash {
        let root = self.hash(len, changed, leaf);
        self.root = Some(root);
        root
    }

    fn hash(&mut self, len: u64, mut changed: Vec<u64>, leaf: impl Fn(u64) -> Hash) -> Hash {
        let covered = self.len;
        changed.truncate(changed.partition_point(|slot| *slot < covered));
        // What lies at the old end shares nodes with what is new.
        let fresh = covered..len;
        if len <= 1 {
            return if len == 0 { EMPTY } else { leaf(0) };
        }
        self.len = len;
        let mut places = match self.leaves {
            Leaves::Kept => {
                for slot in changed.iter().copied().chain(fresh.clone()) {
                    self.put(0, slot, len, leaf(slot));
                }
                changed.extend(fresh);
                changed
            }
            Leaves::Recomputed => {
                let parents = parents(changed.into_iter().chain(fresh));
                for &parent in &parents {
                    let start = parent.saturating_mul(to_u64(ARITY));
                    let mut children = [EMPTY; ARITY];
                    for (child, slot) in children.iter_mut().zip(start..len) {
                        *child = leaf(slot);
                    }
                    self.put(0, parent, parents_count(len), node(&children));
                }
                parents
            }
        };
        let mut depth = 0_usize;
        while self.level(depth).len() > 1 {
            places = parents(places.into_iter());
            self.hash_level(depth, &places);
            depth = depth.saturating_add(1);
        }
        self.level(depth).first().copied().unwrap_or(EMPTY)
    }

    /// Recomputes the nodes at `parents`, one level above `depth`.
    fn hash_level(&mut self, depth: usize, parents: &[u64]) {
        let len = parents_count(to_u64(self.level(depth).len()));
        for &parent in parents {
            let below = self.level(depth);
            let start = to_usize(parent).saturating_mul(ARITY);
            let end = below.len().min(start.saturating_add(ARITY));
            let hash = node(below.get(start..end).unwrap_or_default());
            self.put(depth.saturating_add(1), parent, len, hash);
        }
    }

    fn level(&self, depth: usize) -> &[Hash] {
        self.levels.get(depth).map_or(&[], Vec::as_slice)
    }

    /// Writes into a level that will have `len` nodes.
    fn put(&mut self, depth: usize, place: u64, len: u64, hash: Hash) {
        if depth >= self.levels.len() {
            self.levels.resize_with(depth.saturating_add(1), Vec::new);
        }
        let level = &mut self.levels[depth];
        let len = to_usize(len);
        if level.len() < len {
            if level.capacity() < len {
                // Doubling would waste up to half.
                let spare = len.div_euclid(16);
                level.reserve_exact(len.saturating_add(spare).saturating_sub(level.len()));
            }
            level.resize(len, EMPTY);
        }
        level[to_usize(place)] = hash;
    }
}

fn parents_count(children: u64) -> u64 {
    children.div_ceil(to_u64(ARITY))
}

/// Of ascending places, without repeats.
fn parents(places: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut parents = Vec::new();
    for place in places {
        let parent = place.div_euclid(to_u64(ARITY));
        if parents.last() != Some(&parent) {
            parents.push(parent);
        }
    }
    parents
}

/// The root over these leaves, level by level.
#[cfg(any(test, feature = "audit"))]
pub(crate) fn reference(leaves: Vec<Hash>) -> Hash {
    if leaves.len() > 1 {
        return reference(leaves.chunks(ARITY).map(node).collect());
    }
    leaves.first().copied().unwrap_or(EMPTY)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails, as it should")]

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Kept or not, copied or not, the root is that of the plain reference.
        #[test]
        fn trees_agree_with_the_reference(
            rounds in proptest::collection::vec((0..200_u64, proptest::collection::btree_set(0..1_000_u64, 0..20), any::<bool>()), 1..12),
        ) {
            let mut trees = [Tree::new(Leaves::Kept), Tree::new(Leaves::Recomputed)];
            let (mut salt, mut values) = (0_u64, Vec::<u64>::new());
            for (more, changed, copied) in rounds {
                salt += 1;
                values.resize(values.len() + to_usize(more), salt);
                let changed: Vec<u64> = changed.into_iter().filter(|slot| *slot < to_u64(values.len())).collect();
                for &slot in &changed {
                    values[to_usize(slot)] = salt + 1_000;
                }
                let hash = |slot: u64| leaf(&[slot, values[to_usize(slot)]].map(u64::to_le_bytes).concat());
                let expected = reference((0..to_u64(values.len())).map(hash).collect());
                for tree in &mut trees {
                    if copied {
                        *tree = tree.clone();
                    }
                    prop_assert_eq!(tree.update(to_u64(values.len()), changed.clone(), hash), expected);
                }
            }
        }
    }
}
