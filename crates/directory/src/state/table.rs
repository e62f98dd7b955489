//! Tables of records, each with the Merkle tree over its slots.
//!
//! A record keeps its slot for life and a slot is never used twice, so a change costs one path.

use super::{
    ordered::Ordered,
    tree::{EMPTY, Hash, Leaves, Tree, leaf},
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use core::ops::RangeBounds;

/// Records by key, in the order of their keys. Copies share what did not change since.
#[derive(Clone, Debug)]
pub(crate) struct Table<K, V> {
    records: Ordered<K, Record<V>>,
    count: u64,
    next_slot: u64,
    /// Slots changed since the last root, with repeats.
    dirty: Vec<(u64, K)>,
    tree: Tree,
}

#[derive(Clone, Debug)]
struct Record<V> {
    slot: u64,
    value: V,
}

/// A table as checkpoints see it: pieces of encoded records.
pub(crate) trait Section {
    /// Forgets everything, slots too.
    fn clear(&mut self);

    /// Slots ever used.
    fn slots(&self) -> u64;

    /// Up to `most` records after the key that is encoded in `after`, encoded, and the last key.
    fn export(&self, after: Option<&[u8]>, most: usize) -> Option<(Vec<u8>, Vec<u8>)>;

    /// Adds what was exported. False if it is not an export of such a table.
    fn import(&mut self, piece: &[u8]) -> bool;

    /// Only hashes what was exported: a leaf by its slot. False if it is not an export of such a table.
    fn hash(&self, piece: &[u8], leaves: &mut Vec<(u64, Hash)>) -> bool;

    /// After the last import. False if more slots are in use than were ever used.
    fn set_slots(&mut self, slots: u64) -> bool;
}

impl<K: Clone + Ord + Encode, V: Clone + Encode> Table<K, V> {
    pub(crate) fn new() -> Self {
        Self {
            records: Ordered::new(),
            count: 0,
            next_slot: 0,
            dirty: Vec::new(),
            tree: Tree::new(Leaves::Kept),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.records.get(key).map(|record| &record.value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.records.iter().map(|(key, record)| (key.clone(), &record.value))
    }

    pub(crate) fn range(&self, keys: impl RangeBounds<K>) -> impl Iterator<Item = (K, &V)> {
        self.records.range(keys).map(|(key, record)| (key.clone(), &record.value))
    }

    /// Writes the record, or removes it if there is none to write.
    pub(crate) fn put(&mut self, key: K, value: Option<V>) {
        let Some(value) = value else {
            if let Some(record) = self.records.remove(&key) {
                self.count = self.count.saturating_sub(1);
                self.dirty.push((record.slot, key));
            }
            return;
        };
        if let Some(record) = self.records.get_mut(&key) {
            record.value = value;
            self.dirty.push((record.slot, key));
            return;
        }
        let slot = self.next_slot;
        self.records.insert(key.clone(), Record { slot, value });
        self.next_slot = slot.saturating_add(1);
        self.count = self.count.saturating_add(1);
        self.dirty.push((slot, key));
    }

    /// Number of slots ever used, and the hash over all of them.
    pub(crate) fn root(&mut self) -> (u64, Hash) {
        let mut dirty = core::mem::take(&mut self.dirty);
        let known = self.tree.root().filter(|_| dirty.is_empty());
        let root = known.unwrap_or_else(|| {
            if self.tree.len() == 0 {
                dirty = self.records.iter().map(|(key, record)| (record.slot, key.clone())).collect();
            }
            dirty.sort_unstable();
            dirty.dedup();
            // A key may be there again in a newer slot; then its older slot is empty.
            let leaf_at = |slot: u64| {
                let key =
                    dirty.binary_search_by(|entry| entry.0.cmp(&slot)).ok().map(|place| &dirty[place].1);
                let record = key.and_then(|key| Some((key, self.records.get(key)?)));
                record
                    .filter(|(_, record)| record.slot == slot)
                    .map_or(EMPTY, |(key, record)| leaf_of(key, &record.value))
            };
            let slots = dirty.iter().map(|entry| entry.0).collect();
            self.tree.update(self.next_slot, slots, leaf_at)
        });
        (self.next_slot, root)
    }

    /// For [`Self::set_tree`].
    pub(crate) fn take_tree(&mut self) -> Tree {
        self.tree.take()
    }

    /// Takes over a tree that was computed at the last root, before this was copied.
    pub(crate) fn set_tree(&mut self, tree: Tree) {
        self.tree = tree;
    }

    /// Another copy takes what changed since the last root into its root.
    pub(crate) fn forget_changes(&mut self) {
        self.dirty.clear();
    }

    /// Every slot's leaf, computed anew.
    #[cfg(any(test, feature = "audit"))]
    pub(crate) fn leaves(&self) -> Vec<Hash> {
        let mut leaves = alloc::vec![EMPTY; argosy_domain::num::to_usize(self.next_slot)];
        for (key, record) in self.records.iter() {
            leaves[argosy_domain::num::to_usize(record.slot)] = leaf_of(key, &record.value);
        }
        leaves
    }
}

impl<K: Clone + Ord + Encode + Decode, V: Clone + Encode + Decode> Section for Table<K, V> {
    fn clear(&mut self) {
        *self = Self::new();
    }

    fn slots(&self) -> u64 {
        self.next_slot
    }

    fn export(&self, after: Option<&[u8]>, most: usize) -> Option<(Vec<u8>, Vec<u8>)> {
        use core::ops::Bound::{Excluded, Unbounded};
        let after = after.and_then(|mut key| K::decode(&mut key).ok());
        let start = after.as_ref().map_or(Unbounded, Excluded);
        let (mut piece, mut last) = (Vec::new(), None);
        for (key, record) in self.records.range((start, Unbounded)).take(most) {
            (record.slot, key, &record.value).encode_to(&mut piece);
            last = Some(key);
        }
        Some((piece, last?.encode()))
    }

    fn import(&mut self, mut piece: &[u8]) -> bool {
        while !piece.is_empty() {
            let Ok((slot, key, value)) = <(u64, K, V)>::decode(&mut piece) else { return false };
            if self.records.insert(key.clone(), Record { slot, value }).is_some() {
                return false;
            }
            self.count = self.count.saturating_add(1);
            self.dirty.push((slot, key));
        }
        true
    }

    fn hash(&self, mut piece: &[u8], leaves: &mut Vec<(u64, Hash)>) -> bool {
        while !piece.is_empty() {
            let Ok((slot, key, value)) = <(u64, K, V)>::decode(&mut piece) else { return false };
            leaves.push((slot, leaf_of(&key, &value)));
        }
        true
    }

    fn set_slots(&mut self, slots: u64) -> bool {
        self.next_slot = slots;
        self.dirty.sort_unstable();
        self.dirty.is_sorted_by(|a, b| a.0 < b.0) && self.dirty.last().is_none_or(|last| last.0 < slots)
    }
}

pub(super) fn leaf_of(key: &impl Encode, value: &impl Encode) -> Hash {
    (key, value).using_encoded(leaf)
}

#[cfg(test)]
mod tests {
    use super::{super::tree::reference, *};
    use argosy_domain::num::to_u64;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn tables_keep_what_is_put_and_hash_it(
            steps in proptest::collection::vec((0..40_u64, any::<Option<u32>>(), 0..10_u8), 1..300),
        ) {
            let (mut table, mut plain) = (Table::new(), BTreeMap::new());
            for (key, value, dice) in steps {
                table.put(key, value);
                match value {
                    Some(value) => plain.insert(key, value),
                    None => plain.remove(&key),
                };
                prop_assert_eq!(table.len(), to_u64(plain.len()));
                if dice == 0 {
                    let leaves = table.leaves();
                    prop_assert_eq!(table.root(), (to_u64(leaves.len()), reference(leaves)));
                }
                if dice == 1 {
                    table = table.clone();
                }
            }
            let leaves = table.leaves();
            prop_assert_eq!(table.root(), (to_u64(leaves.len()), reference(leaves)));
            prop_assert!(table.iter().map(|(key, value)| (key, *value)).eq(plain));
            let (mut loaded, mut after) = (Table::<u64, u32>::new(), None::<Vec<u8>>);
            while let Some((piece, last)) = table.export(after.as_deref(), 3) {
                prop_assert!(loaded.import(&piece));
                after = Some(last);
            }
            prop_assert!(loaded.set_slots(table.slots()));
            prop_assert_eq!((loaded.root(), loaded.len()), (table.root(), table.len()));
        }
    }
}
