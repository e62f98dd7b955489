//! Tables of records, each with the Merkle tree over its slots.
//!
//! A record keeps its slot for life and a slot is never used twice, so a change costs one path.

use super::tree::{EMPTY, Hash, Tree, leaf};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use argosy_domain::num::{to_u64, to_usize};
use codec::Encode;
use core::ops::RangeBounds;

/// Records by key, in the order of their keys.
#[derive(Clone, Debug)]
pub(crate) struct Table<K, V> {
    records: BTreeMap<K, Record<V>>,
    next_slot: u64,
    /// Changed since the last root.
    dirty: BTreeMap<u64, K>,
    tree: Tree,
    root: Hash,
    journal: Option<Journal<K>>,
}

/// What a table needs in order to forget what was done since it was begun.
#[derive(Clone, Debug)]
struct Journal<K> {
    next_slot: u64,
    /// The slot that each record put since then had before.
    slots: BTreeMap<K, Option<u64>>,
}

#[derive(Clone, Debug)]
struct Record<V> {
    slot: u64,
    value: V,
}

impl<K: Copy + Ord + Encode, V: Encode> Table<K, V> {
    pub(crate) fn new() -> Self {
        Self {
            records: BTreeMap::new(),
            next_slot: 0,
            dirty: BTreeMap::new(),
            tree: Tree::new(),
            root: EMPTY,
            journal: None,
        }
    }

    /// From now on [`Table::rewind`] is possible.
    pub(crate) fn begin(&mut self) {
        self.journal = Some(Journal { next_slot: self.next_slot, slots: BTreeMap::new() });
    }

    /// What was put since [`Table::begin`] stays.
    pub(crate) fn keep(&mut self) {
        self.journal = None;
    }

    /// Brings every record back to the slot that it had, once the caller has put back all values.
    /// There must have been no root in between.
    pub(crate) fn rewind(&mut self) {
        let Some(journal) = self.journal.take() else { return };
        for (key, slot) in journal.slots {
            let (Some(slot), Some(record)) = (slot, self.records.get_mut(&key)) else { continue };
            record.slot = slot;
            self.dirty.insert(slot, key);
        }
        self.next_slot = journal.next_slot;
        self.dirty.split_off(&journal.next_slot);
    }

    pub(crate) fn len(&self) -> u64 {
        to_u64(self.records.len())
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.records.get(key).map(|record| &record.value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.records.iter().map(|(key, record)| (*key, &record.value))
    }

    pub(crate) fn range(&self, keys: impl RangeBounds<K>) -> impl Iterator<Item = (K, &V)> {
        self.records.range(keys).map(|(key, record)| (*key, &record.value))
    }

    /// Writes the record, or removes it if there is none to write.
    pub(crate) fn put(&mut self, key: K, value: Option<V>) {
        if let Some(journal) = &mut self.journal {
            let before = self.records.get(&key).map(|record| record.slot);
            journal.slots.entry(key).or_insert(before);
        }
        let slot = match value {
            None => self.records.remove(&key).map(|record| record.slot),
            Some(value) => {
                let slot = self.records.get(&key).map_or(self.next_slot, |record| record.slot);
                self.next_slot = self.next_slot.max(slot.saturating_add(1));
                self.records.insert(key, Record { slot, value });
                Some(slot)
            }
        };
        if let Some(slot) = slot {
            self.dirty.insert(slot, key);
        }
    }

    /// Number of slots ever used, and the hash over all of them.
    pub(crate) fn root(&mut self) -> (u64, Hash) {
        let dirty = core::mem::take(&mut self.dirty);
        if !dirty.is_empty() {
            let records = &self.records;
            self.root = self.tree.update(dirty.iter().map(|(&slot, key)| {
                // The key may be there again in a newer slot.
                let record = records.get(key).filter(|record| record.slot == slot);
                (slot, record.map_or(EMPTY, |record| leaf_of(key, &record.value)))
            }));
        }
        (self.next_slot, self.root)
    }

    /// Every slot's leaf, computed anew.
    #[cfg(any(test, feature = "audit"))]
    pub(crate) fn leaves(&self) -> Vec<Hash> {
        let mut leaves = alloc::vec![EMPTY; to_usize(self.next_slot)];
        for (key, record) in &self.records {
            leaves[to_usize(record.slot)] = leaf_of(key, &record.value);
        }
        leaves
    }
}

fn leaf_of(key: &impl Encode, value: &impl Encode) -> Hash {
    leaf(&(key, value).encode())
}

/// Records per page of a dense table.
const PAGE: usize = 256;

/// Records by consecutive number. A number that was removed is never used again.
#[derive(Clone, Debug)]
pub(crate) struct DenseTable<V> {
    pages: Vec<Page<V>>,
    dirty: BTreeSet<u64>,
    tree: Tree,
    root: Hash,
}

/// Takes no memory for records once the last of them is gone.
#[derive(Clone, Debug)]
struct Page<V> {
    live_count: usize,
    records: Vec<Option<V>>,
}

impl<V: Encode> DenseTable<V> {
    pub(crate) fn new() -> Self {
        Self { pages: Vec::new(), dirty: BTreeSet::new(), tree: Tree::new(), root: EMPTY }
    }

    pub(crate) fn get(&self, number: u64) -> Option<&V> {
        let (page, place) = position(number);
        self.pages.get(page)?.records.get(place)?.as_ref()
    }

    /// Records that are there.
    pub(crate) fn live_count(&self) -> u64 {
        self.pages.iter().fold(0, |sum, page| sum.saturating_add(to_u64(page.live_count)))
    }

    /// Writes the record, or removes it if there is none to write.
    pub(crate) fn put(&mut self, number: u64, value: Option<V>) {
        let (page, place) = position(number);
        if page >= self.pages.len() {
            let empty = || Page { live_count: 0, records: Vec::new() };
            self.pages.resize_with(page.saturating_add(1), empty);
        }
        let page = &mut self.pages[page];
        if place >= page.records.len() {
            page.records.resize_with(place.saturating_add(1), || None);
        }
        page.live_count = page.live_count.saturating_add(usize::from(value.is_some()));
        let before = core::mem::replace(&mut page.records[place], value);
        page.live_count = page.live_count.saturating_sub(usize::from(before.is_some()));
        if page.live_count == 0 {
            page.records = Vec::new();
        }
        self.dirty.insert(number);
    }

    /// Forgets that numbers from `end` on were put since the last root.
    pub(crate) fn rewind(&mut self, end: u64) {
        self.dirty.split_off(&end);
    }

    /// Hash over all records.
    pub(crate) fn root(&mut self) -> Hash {
        let dirty = core::mem::take(&mut self.dirty);
        if !dirty.is_empty() {
            let mut tree = core::mem::replace(&mut self.tree, Tree::new());
            self.root = tree.update(dirty.iter().map(|&number| (number, self.leaf_at(number))));
            self.tree = tree;
        }
        self.root
    }

    fn leaf_at(&self, number: u64) -> Hash {
        self.get(number).map_or(EMPTY, |value| leaf_of(&number, value))
    }

    /// The leaf of every number below `end`, computed anew.
    #[cfg(any(test, feature = "audit"))]
    pub(crate) fn leaves(&self, end: u64) -> Vec<Hash> {
        (0..end).map(|number| self.leaf_at(number)).collect()
    }
}

fn position(number: u64) -> (usize, usize) {
    let number = to_usize(number);
    (number.div_euclid(PAGE), number.rem_euclid(PAGE))
}

#[cfg(test)]
mod tests {
    use super::{super::tree::reference, *};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Over several pages and levels, with a root now and then.
        #[test]
        fn dense_tables_keep_what_is_put_and_hash_it(
            steps in proptest::collection::vec((0..1_500_u64, any::<Option<u32>>(), 0..10_u8), 1..300),
        ) {
            let (mut table, mut plain, mut end) = (DenseTable::new(), BTreeMap::new(), 0);
            for (number, value, dice) in steps {
                table.put(number, value);
                end = end.max(number.saturating_add(1));
                match value {
                    Some(value) => plain.insert(number, value),
                    None => plain.remove(&number),
                };
                if dice == 0 {
                    prop_assert_eq!(table.root(), reference(table.leaves(end)));
                }
            }
            prop_assert_eq!(table.root(), reference(table.leaves(end)));
            for number in 0..end {
                prop_assert_eq!(table.get(number), plain.get(&number));
            }
            let live: usize = table.pages.iter().map(|page| page.live_count).sum();
            prop_assert_eq!(live, plain.len());
            prop_assert!(table.pages.iter().all(|page| page.live_count > 0 || page.records.is_empty()));
        }

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
                if dice == 0 {
                    let leaves = table.leaves();
                    prop_assert_eq!(table.root(), (to_u64(leaves.len()), reference(leaves)));
                }
            }
            let leaves = table.leaves();
            prop_assert_eq!(table.root(), (to_u64(leaves.len()), reference(leaves)));
            prop_assert!(table.iter().map(|(key, value)| (key, *value)).eq(plain));
        }

        /// After going back, a table is as if nothing had been put since.
        #[test]
        fn tables_go_back(
            before in proptest::collection::vec((0..20_u64, any::<Option<u32>>()), 0..30),
            rooted in any::<bool>(),
            between in proptest::collection::vec((0..20_u64, any::<Option<u32>>()), 0..30),
            after in proptest::collection::vec((0..20_u64, any::<Option<u32>>()), 0..30),
        ) {
            let mut table = Table::new();
            for (key, value) in before {
                table.put(key, value);
            }
            if rooted {
                table.root();
            }
            let mut plain = table.clone();
            let values: BTreeMap<_, _> = table.iter().map(|(key, value)| (key, *value)).collect();
            table.begin();
            for (key, value) in between {
                table.put(key, value);
            }
            for key in 0..20 {
                table.put(key, values.get(&key).copied());
            }
            table.rewind();
            for (key, value) in after {
                table.put(key, value);
                plain.put(key, value);
            }
            prop_assert_eq!(table.root(), plain.root());
        }
    }
}
