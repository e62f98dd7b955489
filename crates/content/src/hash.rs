//! The two hashes that make the tree.

use argosy_domain::limits::GROUP_BYTES;
use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

/// Hash of a subtree, or of the whole object at the root.
pub(crate) type Hash = [u8; 32];

/// The hash of one whole group. `is_root`: the object has no other group.
pub(crate) fn of_group(group: u64, bytes: &[u8], is_root: bool) -> Hash {
    if is_root {
        return *blake3::hash(bytes).as_bytes();
    }
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(group * GROUP_BYTES);
    hasher.update(bytes);
    hasher.finalize_non_root()
}

/// The hash of the subtree whose children `pair` names.
pub(crate) fn of_pair(pair: &[u8; 64], is_root: bool) -> Hash {
    let (left, right) = halves(pair);
    if is_root {
        *merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()
    } else {
        merge_subtrees_non_root(&left, &right, Mode::Hash)
    }
}

/// The hashes of the left and the right child.
pub(crate) fn halves(pair: &[u8; 64]) -> (Hash, Hash) {
    let (mut left, mut right) = ([0; 32], [0; 32]);
    left.copy_from_slice(&pair[..32]);
    right.copy_from_slice(&pair[32..]);
    (left, right)
}

/// The pair that names these children.
pub(crate) fn join(left: &Hash, right: &Hash) -> [u8; 64] {
    let mut pair = [0; 64];
    pair[..32].copy_from_slice(left);
    pair[32..].copy_from_slice(right);
    pair
}
