//! Data objects, 66 bytes each.
//!
//! What does not fit the small form (a huge size, a bucket with a high number, the 65 536th different
//! bond) is kept whole beside it. The objects of a bag are a list through the records themselves.

use super::{
    Acceptance, DataObject,
    bags::Bags,
    ordered::Ordered,
    packed::{Interned, Short},
    paged::{Paged, Slot},
    table::leaf_of,
    tree::{EMPTY, Hash, Leaves, Tree},
};
use crate::call::Balance;
use alloc::{sync::Arc, vec::Vec};
use argosy_domain::{AssetSetId, ContentId, StorageBucketId};

/// Objects in a page: about four kilobytes.
const PAGE: usize = 64;
/// Instead of a bond's place: the object is kept whole.
const WIDE: [u8; 2] = [u8::MAX; 2];

/// An object in its small form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    content: [u8; 32],
    /// Slot of its bag; none where there is no object.
    bag: Short,
    size: Short,
    /// Height of the first acceptance; none while pending.
    accepted: Short,
    /// Bucket of the first acceptance.
    bucket: [u8; 2],
    bond: [u8; 2],
    /// None if it is in no set.
    asset_set: Short,
    /// Neighbours in the list of its bag.
    older: Short,
    newer: Short,
}

impl Slot for Packed {
    const BLANK: Self = Self {
        content: [0; 32],
        bag: Short::NONE,
        size: Short::NONE,
        accepted: Short::NONE,
        bucket: [0; 2],
        bond: WIDE,
        asset_set: Short::NONE,
        older: Short::NONE,
        newer: Short::NONE,
    };
}

impl Packed {
    /// Slot of its bag; none where there is no object.
    pub(super) fn bag(&self) -> Option<u64> {
        self.bag.get()
    }

    /// Bytes; none if the object is kept whole.
    pub(super) fn size(&self) -> Option<u64> {
        self.size.get()
    }
}

/// All objects, by number. A number that was removed is never used again.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    records: Paged<Packed, PAGE>,
    /// Objects that do not fit the small form.
    wide: Ordered<u64, DataObject>,
    bonds: Arc<Interned<Balance>>,
    count: u64,
    /// Numbers below were used.
    end: u64,
    /// Changed since the last root, with repeats.
    dirty: Vec<u64>,
    tree: Tree,
}

impl Objects {
    pub(super) fn new() -> Self {
        Self {
            records: Paged::new(),
            wide: Ordered::new(),
            bonds: Arc::new(Interned::new()),
            count: 0,
            end: 0,
            dirty: Vec::new(),
            tree: Tree::new(Leaves::Recomputed),
        }
    }

    /// Objects that are there.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Numbers from here on were never used.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Where the small form is; does not touch it.
    pub(super) fn find(&self, number: u64) -> Option<&Packed> {
        self.records.find(number)
    }

    pub(super) fn get(&self, number: u64, bags: &Bags) -> Option<DataObject> {
        let packed = self.find(number)?;
        let bag = bags.key(packed.bag()?)?;
        if packed.bond == WIDE {
            return self.wide.get(&number).copied();
        }
        let bucket = StorageBucketId(u64::from(u16::from_le_bytes(packed.bucket)));
        Some(DataObject {
            bag,
            size: packed.size.get()?,
            content_id: ContentId(packed.content),
            accepted: packed.accepted.get().map(|height| Acceptance { height, bucket }),
            bond: self.bonds.get(u16::from_le_bytes(packed.bond))?,
            asset_set: packed.asset_set.get().map(AssetSetId),
        })
    }

    /// Writes the object, or removes it if there is none to write, and keeps the lists of bags.
    pub(super) fn put(&mut self, number: u64, object: Option<DataObject>, bags: &mut Bags) {
        let before = self.records.get(number);
        let slot = object.map(|object| bags.slot_of(&object.bag));
        let (mut older, mut newer) = (before.older, before.newer);
        if before.bag() != slot {
            if let Some(bag) = before.bag() {
                self.unlink(before, bag, bags);
                self.count = self.count.saturating_sub(1);
            }
            if let Some(bag) = slot {
                (older, newer) = (self.link(number, bag, bags), Short::NONE);
                self.count = self.count.saturating_add(1);
            }
        }
        let packed = match (object, slot) {
            (Some(object), Some(bag)) => {
                Packed { bag: Short::must(bag), older, newer, ..self.pack(number, object) }
            }
            _ => {
                self.wide.remove(&number);
                Packed::BLANK
            }
        };
        self.records.put(number, packed);
        self.end = self.end.max(number.saturating_add(1));
        self.dirty.push(number);
    }

    /// The small form without its place in a list.
    fn pack(&mut self, number: u64, object: DataObject) -> Packed {
        let narrow = self.narrow(&object);
        if narrow.is_none() {
            self.wide.insert(number, object);
        } else {
            self.wide.remove(&number);
        }
        narrow.unwrap_or(Packed::BLANK)
    }

    fn narrow(&mut self, object: &DataObject) -> Option<Packed> {
        let (accepted, bucket) = match object.accepted {
            None => (Short::NONE, 0),
            Some(at) => (Short::of(at.height)?, u16::try_from(at.bucket.0).ok()?),
        };
        let size = Short::of(object.size)?;
        let asset_set = object.asset_set.map_or(Some(Short::NONE), |set| Short::of(set.0))?;
        let bond = Interned::place_of(&mut self.bonds, object.bond)?.to_le_bytes();
        let content = object.content_id.0;
        let bucket = bucket.to_le_bytes();
        Some(Packed { content, size, accepted, bucket, bond, asset_set, ..Packed::BLANK })
    }

    /// Takes an object out of the list of its bag.
    fn unlink(&mut self, object: Packed, bag: u64, bags: &mut Bags) {
        if let Some(older) = object.older.get() {
            self.records.put(older, Packed { newer: object.newer, ..self.records.get(older) });
        }
        match object.newer.get() {
            Some(newer) => self.records.put(newer, Packed { older: object.older, ..self.records.get(newer) }),
            None => bags.set_newest(bag, object.older),
        }
    }

    /// Puts an object first in the list of its bag; gives the one that comes after it.
    fn link(&mut self, number: u64, bag: u64, bags: &mut Bags) -> Short {
        let older = bags.newest(bag);
        if let Some(older) = older.get() {
            self.records.put(older, Packed { newer: Short::must(number), ..self.records.get(older) });
        }
        bags.set_newest(bag, Short::must(number));
        older
    }

    /// Numbers of the objects of a bag, in no order.
    pub(super) fn of_bag(&self, bag: u64, bags: &Bags) -> impl Iterator<Item = u64> {
        let next = |number: u64| self.records.get(number).older.get();
        core::iter::successors(bags.newest(bag).get(), move |number| next(*number))
    }

    /// Numbers of objects of a bag that come after one of them in its list, that one first; nothing if
    /// it is not in the bag. Objects are put last in the list as they enter the bag.
    pub(super) fn from(&self, bag: u64, number: u64) -> impl Iterator<Item = u64> {
        let first = self.find(number).is_some_and(|object| object.bag() == Some(bag)).then_some(number);
        core::iter::successors(first, |number| self.records.get(*number).newer.get())
    }

    /// Hash over all objects.
    pub(super) fn root(&mut self, bags: &Bags) -> Hash {
        let mut dirty = core::mem::take(&mut self.dirty);
        if dirty.is_empty()
            && let Some(root) = self.tree.root()
        {
            return root;
        }
        dirty.sort_unstable();
        dirty.dedup();
        let mut tree = self.tree.take();
        let root = tree.update(self.end, dirty, |number| self.leaf_at(number, bags));
        self.tree = tree;
        root
    }

    fn leaf_at(&self, number: u64, bags: &Bags) -> Hash {
        self.get(number, bags).map_or(EMPTY, |object| leaf_of(&number, &object))
    }

    /// For [`Self::set_tree`].
    pub(super) fn take_tree(&mut self) -> Tree {
        self.tree.take()
    }

    /// Takes over a tree that was computed at the last root, before this was copied.
    pub(super) fn set_tree(&mut self, tree: Tree) {
        self.tree = tree;
    }

    /// Another copy takes what changed since the last root into its root.
    pub(super) fn forget_changes(&mut self) {
        self.dirty.clear();
    }

    /// The leaf of every number, computed anew.
    #[cfg(any(test, feature = "audit"))]
    pub(super) fn leaves(&self, bags: &Bags) -> Vec<Hash> {
        (0..self.end).map(|number| self.leaf_at(number, bags)).collect()
    }

    /// After loading: numbers below `end` were used.
    pub(super) fn set_end(&mut self, end: u64) -> bool {
        let fits = self.end <= end;
        self.end = end;
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Bag, tree::reference},
        *,
    };
    use argosy_domain::{BagId, ChannelId, DataObjectId, DistributionBucketId, FamilyId};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Now and then something that does not fit the small form.
    fn number(small: u64) -> impl Strategy<Value = u64> {
        prop_oneof![9 => 0..small, 1 => any::<u64>()]
    }

    fn any_object() -> impl Strategy<Value = DataObject> {
        let accepted = proptest::option::of((number(9), number(9)));
        let set = proptest::option::of(number(9).prop_map(AssetSetId));
        (0..6_u64, number(99), any::<[u8; 32]>(), accepted, number(3), set).prop_map(
            |(bag, size, content, accepted, bond, asset_set)| DataObject {
                bag: BagId::channel(ChannelId(bag)),
                size,
                content_id: ContentId(content),
                accepted: accepted.map(|(height, id)| Acceptance { height, bucket: StorageBucketId(id) }),
                bond: Balance::from(bond) << (bond % 64),
                asset_set,
            },
        )
    }

    fn any_bag() -> impl Strategy<Value = Bag> {
        let stored = proptest::collection::btree_map(number(20).prop_map(StorageBucketId), number(9), 0..9);
        let id = (0..3_u64, number(9))
            .prop_map(|(family, index)| DistributionBucketId { family: FamilyId(family), index });
        let distributed = proptest::collection::btree_set(id, 0..11);
        (stored, distributed, any::<u64>(), number(99), any::<bool>()).prop_map(
            |(stored_by, distributed_by, size, count, private)| Bag {
                stored_by,
                distributed_by,
                objects_total_size: size,
                objects_number: count,
                private,
            },
        )
    }

    #[derive(Clone, Debug)]
    enum Step {
        Object(u64, Option<DataObject>),
        Bag(u64, Option<Bag>),
        Root,
        Copy,
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..60_u64, proptest::option::of(any_object())).prop_map(|(id, object)| Step::Object(id, object)),
            3 => (0..6_u64, proptest::option::of(any_bag())).prop_map(|(id, bag)| Step::Bag(id, bag)),
            1 => Just(Step::Root),
            1 => Just(Step::Copy),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        /// Small or not, in whatever order bags and objects come and go.
        #[test]
        fn objects_and_bags_keep_what_is_put(steps in proptest::collection::vec(any_step(), 1..120)) {
            let (mut objects, mut bags) = (Objects::new(), Bags::new());
            let (mut plain, mut plain_bags) = (BTreeMap::new(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Object(id, object) => {
                        objects.put(id, object, &mut bags);
                        match object {
                            Some(object) => plain.insert(DataObjectId(id), object),
                            None => plain.remove(&DataObjectId(id)),
                        };
                    }
                    Step::Bag(id, bag) => {
                        let id = BagId::channel(ChannelId(id));
                        bags.put(id, bag.clone());
                        match bag {
                            Some(bag) => plain_bags.insert(id, bag),
                            None => plain_bags.remove(&id),
                        };
                    }
                    Step::Root => {
                        prop_assert_eq!(bags.root().1, reference(bags.leaves()));
                        prop_assert_eq!(objects.root(&bags), reference(objects.leaves(&bags)));
                    }
                    Step::Copy => (objects, bags) = (objects.clone(), bags.clone()),
                }
            }
            prop_assert!(bags.iter().eq(plain_bags));
            prop_assert_eq!(objects.count(), argosy_domain::num::to_u64(plain.len()));
            for id in 0..60 {
                prop_assert_eq!(objects.get(id, &bags), plain.get(&DataObjectId(id)).copied());
            }
            for bag in (0..6).map(|id| BagId::channel(ChannelId(id))) {
                let mut found: Vec<u64> =
                    bags.slot(&bag).into_iter().flat_map(|slot| objects.of_bag(slot, &bags)).collect();
                found.sort_unstable();
                let expected = plain.iter().filter(|(_, object)| object.bag == bag).map(|(id, _)| id.0);
                prop_assert!(found.into_iter().eq(expected));
            }
            prop_assert_eq!(bags.root().1, reference(bags.leaves()));
            prop_assert_eq!(objects.root(&bags), reference(objects.leaves(&bags)));
        }
    }
}
