//! The tree written down as plainly as possible, and objects to test with.

use crate::{GroupRange, SliceEncoder, TreeSource};
use alloc::{vec, vec::Vec};
use argosy_domain::ContentId;
use argosy_domain::limits::GROUP_BYTES;
use bao_tree::io::outboard::PreOrderMemOutboard;
use bao_tree::{BlockSize, ChunkNum, ChunkRanges};
use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use core::convert::Infallible;
use proptest::prelude::*;

pub(super) const GROUP: usize = GROUP_BYTES as usize;
const GROUPS_OF_16_CHUNKS: BlockSize = BlockSize::from_chunk_log(4);

/// Bytes that differ everywhere.
pub(super) fn bytes(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().update(&size.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// Sizes up to 2 MiB, half of them at the edge of a group.
pub(super) fn sizes() -> impl Strategy<Value = usize> {
    let edges = (0..=128usize, -2..=2isize)
        .prop_map(|(groups, off)| (groups * GROUP).saturating_add_signed(off).clamp(1, 128 * GROUP));
    prop_oneof![edges, 1..=128 * GROUP]
}

/// A size and a run of its groups.
pub(super) fn sizes_and_groups() -> impl Strategy<Value = (usize, GroupRange)> {
    (sizes(), any::<(u64, u64)>()).prop_map(|(size, (a, b))| {
        let count = crate::group_count(size as u64);
        let start = a % count;
        (size, GroupRange::new(start, start + 1 + b % (count - start)))
    })
}

/// The hash of a subtree, and its pairs in pre-order: BLAKE3's definition, nothing else.
pub(super) fn plain_tree(data: &[u8], offset: usize, is_root: bool, pairs: &mut Vec<[u8; 64]>) -> [u8; 32] {
    if data.len() <= GROUP {
        if is_root {
            return *blake3::hash(data).as_bytes();
        }
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(offset as u64);
        return hasher.update(data).finalize_non_root();
    }
    // The largest power of two of chunks that leaves something for the right side.
    let mut left_len = GROUP;
    while left_len * 2 < data.len() {
        left_len *= 2;
    }
    let own = pairs.len();
    pairs.push([0; 64]);
    let left = plain_tree(&data[..left_len], offset, false, pairs);
    let right = plain_tree(&data[left_len..], offset + left_len, false, pairs);
    pairs[own][..32].copy_from_slice(&left);
    pairs[own][32..].copy_from_slice(&right);
    if is_root {
        *merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()
    } else {
        merge_subtrees_non_root(&left, &right, Mode::Hash)
    }
}

/// An object in memory with its side tree.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) content_id: ContentId,
    pub(super) data: Vec<u8>,
    pub(super) pairs: Vec<[u8; 64]>,
}

impl Object {
    pub(super) fn new(size: usize) -> Self {
        let data = bytes(size);
        let mut pairs = Vec::new();
        let root = plain_tree(&data, 0, true, &mut pairs);
        Self { content_id: ContentId(root), data, pairs }
    }

    pub(super) fn size(&self) -> u64 {
        self.data.len() as u64
    }

    pub(super) fn group(&self, group: u64) -> &[u8] {
        let start = group as usize * GROUP;
        &self.data[start..(start + GROUP).min(self.data.len())]
    }

    /// The slice as our encoder makes it.
    pub(super) fn slice(&self, groups: GroupRange) -> Vec<u8> {
        let mut source = self.clone();
        let mut encoder = SliceEncoder::new(self.content_id, self.size(), groups);
        let mut slice = Vec::new();
        while let Some(chunk) = encoder.next_chunk(&mut source).unwrap() {
            assert!(chunk.len() <= crate::SLICE_CHUNK_BYTES);
            slice.extend_from_slice(&chunk);
            assert_eq!(encoder.remaining(), crate::slice_len(self.size(), groups) - slice.len() as u64);
        }
        slice
    }

    /// The slice as `bao-tree` makes it.
    pub(super) fn bao_slice(&self, groups: GroupRange) -> Vec<u8> {
        let outboard = self.bao_outboard();
        let (first, end) = (ChunkNum(groups.start * 16), ChunkNum(groups.end * 16));
        let ranges = if groups.end >= crate::group_count(self.size()) {
            ChunkRanges::from(first..)
        } else {
            ChunkRanges::from(first..end)
        };
        let mut slice = Vec::new();
        bao_tree::io::sync::encode_ranges(&self.data[..], &outboard, &ranges, &mut slice).unwrap();
        slice
    }

    pub(super) fn bao_outboard(&self) -> PreOrderMemOutboard {
        PreOrderMemOutboard::create(&self.data, GROUPS_OF_16_CHUNKS)
    }
}

impl TreeSource for Object {
    type Error = Infallible;

    fn read_pair(&mut self, index: u64) -> Result<[u8; 64], Infallible> {
        Ok(self.pairs[index as usize])
    }

    fn read_bytes(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Infallible> {
        let start = offset as usize;
        buffer.copy_from_slice(&self.data[start..start + buffer.len()]);
        Ok(())
    }
}
