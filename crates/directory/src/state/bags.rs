//! Bags, 89 bytes each.
//!
//! A bag with more buckets, or buckets with higher numbers, than the small form has room for is kept
//! whole beside it.

use super::{
    Bag,
    ordered::Ordered,
    packed::{Interned, Short},
    paged::{Paged, Slot},
    table::{Section, leaf_of},
    tree::{EMPTY, Hash, Leaves, Tree, leaf},
};
use crate::storage::vouchers::Load;
use alloc::{sync::Arc, vec::Vec};
use argosy_domain::{
    BagId, ChannelId, DistributionBucketId, DynamicBagId, MemberId, StaticBagId, StorageBucketId,
    WorkingGroup,
    num::{to_u64, to_usize},
};
use codec::{Compact, Decode, Encode};

/// Storage buckets that the small form has room for.
pub(super) const STORED: usize = 6;
/// Distribution buckets that the small form has room for.
pub(super) const DISTRIBUTED: usize = 8;
/// Bags in a page: about three kilobytes.
const PAGE: usize = 32;
/// Slots in a page of an index.
const INDEX_PAGE: usize = 256;

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Blank,
    /// A bag that is not there, though objects are said to be in it: in the middle of a change.
    Key,
    Small,
    /// Kept whole.
    Wide,
}

/// First byte of a member's key; lower ones are static bags.
const MEMBER: u8 = 254;
/// First byte of a channel's key.
const CHANNEL: u8 = 255;

/// A bag in its small form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    form: Form,
    /// Kind and id.
    key: (u8, [u8; 8]),
    /// Head of the list of its objects.
    newest: Short,
    objects_number: Short,
    objects_total_size: [u8; 8],
    stored_count: u8,
    distributed_count: u8,
    private: bool,
    /// Bucket, and the height at which it was assigned.
    stored: [([u8; 2], Short); STORED],
    /// Places in [`Bags::buckets`].
    distributed: [[u8; 2]; DISTRIBUTED],
}

impl Slot for Packed {
    const BLANK: Self = Self {
        form: Form::Blank,
        key: (0, [0; 8]),
        newest: Short::NONE,
        objects_number: Short::NONE,
        objects_total_size: [0; 8],
        stored_count: 0,
        distributed_count: 0,
        private: false,
        stored: [([0; 2], Short::NONE); STORED],
        distributed: [[0; 2]; DISTRIBUTED],
    };
}

impl Packed {
    pub(super) fn id(&self) -> Option<BagId> {
        let (kind, id) = self.key;
        let id = u64::from_le_bytes(id);
        match (self.form, kind) {
            (Form::Blank, _) => None,
            (_, MEMBER) => Some(BagId::Dynamic(DynamicBagId::Member(MemberId(id)))),
            (_, CHANNEL) => Some(BagId::channel(ChannelId(id))),
            (_, place) => static_bag(u64::from(place)),
        }
    }

    /// Numbers of its storage buckets, ascending, each with the height at which it was assigned.
    pub(super) fn stored(&self) -> impl Iterator<Item = (u16, Short)> {
        let stored = self.stored.iter().take(usize::from(self.stored_count));
        stored.map(|(bucket, height)| (u16::from_le_bytes(*bucket), *height))
    }

    /// Places of its distribution buckets, ascending by bucket.
    pub(super) fn distributed(&self) -> impl Iterator<Item = u16> {
        let distributed = self.distributed.iter().take(usize::from(self.distributed_count));
        distributed.map(|place| u16::from_le_bytes(*place))
    }

    pub(super) fn is_wide(&self) -> bool {
        self.form == Form::Wide
    }

    /// Not blank, and not the key alone.
    pub(super) fn is_bag(&self) -> bool {
        matches!(self.form, Form::Small | Form::Wide)
    }
}

/// The static bag with this place in the order of static bags.
fn static_bag(place: u64) -> Option<BagId> {
    let group = |place| WorkingGroup::ALL.get(to_usize(place)).copied();
    let bag = match place.checked_sub(1) {
        None => StaticBagId::Council,
        Some(place) => StaticBagId::WorkingGroup(group(place)?),
    };
    Some(BagId::Static(bag))
}

/// Slots of bags of one kind, by the number of their owner.
#[derive(Clone, Debug)]
struct Index {
    slots: Paged<Short, INDEX_PAGE>,
    /// Numbers below may have a slot.
    end: u64,
}

/// All bags. A bag keeps its slot for life and a slot is never used twice.
#[derive(Clone, Debug)]
pub(super) struct Bags {
    records: Paged<Packed, PAGE>,
    /// Bags that do not fit the small form, by slot.
    wide: Ordered<u64, Bag>,
    statics: Index,
    members: Index,
    channels: Index,
    /// Distribution buckets that were ever assigned or written.
    buckets: Arc<Interned<DistributionBucketId>>,
    next_slot: u64,
    /// Slots changed since the last root, with repeats.
    dirty: Vec<u64>,
    tree: Tree,
}

impl Index {
    const fn new() -> Self {
        Self { slots: Paged::new(), end: 0 }
    }

    fn put(&mut self, number: u64, slot: Short) {
        self.slots.put(number, slot);
        self.end = self.end.max(number.saturating_add(1));
    }

    fn iter(&self) -> impl Iterator<Item = u64> {
        (0..self.end).filter_map(|number| self.slots.get(number).get())
    }
}

impl Bags {
    pub(super) fn new() -> Self {
        Self {
            records: Paged::new(),
            wide: Ordered::new(),
            statics: Index::new(),
            members: Index::new(),
            channels: Index::new(),
            buckets: Arc::new(Interned::new()),
            next_slot: 0,
            dirty: Vec::new(),
            tree: Tree::new(Leaves::Recomputed),
        }
    }

    fn index_of(&self, id: &BagId) -> (&Index, u64) {
        match id {
            BagId::Static(id) => (&self.statics, static_place(*id)),
            BagId::Dynamic(DynamicBagId::Member(id)) => (&self.members, id.0),
            BagId::Dynamic(DynamicBagId::Channel(id)) => (&self.channels, id.0),
        }
    }

    fn index(&mut self, id: &BagId, slot: Short) {
        match id {
            BagId::Static(id) => self.statics.put(static_place(*id), slot),
            BagId::Dynamic(DynamicBagId::Member(id)) => self.members.put(id.0, slot),
            BagId::Dynamic(DynamicBagId::Channel(id)) => self.channels.put(id.0, slot),
        }
    }

    /// Slot of a bag that is there, or that objects are in.
    pub(super) fn slot(&self, id: &BagId) -> Option<u64> {
        let (index, number) = self.index_of(id);
        index.slots.get(number).get()
    }

    /// Slot of a bag, a new one if it has none.
    pub(super) fn slot_of(&mut self, id: &BagId) -> u64 {
        if let Some(slot) = self.slot(id) {
            return slot;
        }
        let slot = self.next_slot;
        self.next_slot = slot.saturating_add(1);
        self.index(id, Short::must(slot));
        self.records.put(slot, Packed { form: Form::Key, key: key_of(id), ..Packed::BLANK });
        self.dirty.push(slot);
        slot
    }

    /// Where the small form is; does not touch it.
    pub(super) fn find(&self, slot: u64) -> Option<&Packed> {
        self.records.find(slot)
    }

    pub(super) fn key(&self, slot: u64) -> Option<BagId> {
        self.find(slot)?.id()
    }

    /// Newest in the list of a bag's objects.
    pub(super) fn newest(&self, slot: u64) -> Short {
        self.find(slot).map_or(Short::NONE, |bag| bag.newest)
    }

    pub(super) fn set_newest(&mut self, slot: u64, newest: Short) {
        let bag = Packed { newest, ..self.records.get(slot) };
        self.records.put(slot, bag);
        self.forget_if_unused(slot, bag);
    }

    /// A slot without bag and objects is of no use any more.
    fn forget_if_unused(&mut self, slot: u64, bag: Packed) {
        if bag.form == Form::Key
            && bag.newest == Short::NONE
            && let Some(id) = bag.id()
        {
            self.index(&id, Short::NONE);
            self.records.put(slot, Packed::BLANK);
        }
    }

    pub(super) fn contains(&self, id: &BagId) -> bool {
        let packed = self.slot(id).and_then(|slot| self.find(slot));
        packed.is_some_and(Packed::is_bag)
    }

    pub(super) fn get(&self, id: &BagId) -> Option<Bag> {
        self.at(self.slot(id)?)
    }

    pub(super) fn at(&self, slot: u64) -> Option<Bag> {
        let packed = self.find(slot)?;
        match packed.form {
            Form::Blank | Form::Key => None,
            Form::Wide => self.wide.get(&slot).cloned(),
            Form::Small => Some(Bag {
                stored_by: self.stored(packed).collect(),
                distributed_by: self.distributed(packed).collect(),
                objects_total_size: u64::from_le_bytes(packed.objects_total_size),
                objects_number: packed.objects_number.get().unwrap_or(0),
                private: packed.private,
            }),
        }
    }

    fn stored<'a>(&self, bag: &'a Packed) -> impl Iterator<Item = (StorageBucketId, u64)> + use<'a> {
        bag.stored().map(|(id, height)| (StorageBucketId(u64::from(id)), height.get().unwrap_or(0)))
    }

    fn distributed(&self, bag: &Packed) -> impl Iterator<Item = DistributionBucketId> {
        bag.distributed().filter_map(|place| self.buckets.get(place))
    }

    /// Storage buckets of a bag, ascending; nothing if there is no such bag.
    pub(super) fn stored_by(&self, id: &BagId) -> Option<impl Iterator<Item = StorageBucketId>> {
        let slot = self.slot(id)?;
        let packed = self.find(slot).filter(|packed| packed.is_bag())?;
        Some(self.stored_at(slot, packed).map(|(bucket, _)| bucket))
    }

    /// The bag, if it is kept whole.
    fn wide_at(&self, slot: u64, packed: &Packed) -> Option<&Bag> {
        if packed.is_wide() { self.wide.get(&slot) } else { None }
    }

    /// Storage buckets of the bag that `packed`, at `slot`, stands for. Ascending, with heights.
    pub(super) fn stored_at(
        &self,
        slot: u64,
        packed: &Packed,
    ) -> impl Iterator<Item = (StorageBucketId, u64)> {
        let wide = self.wide_at(slot, packed).into_iter().flat_map(|bag| &bag.stored_by);
        // The small form of a bag that is kept whole is empty.
        wide.map(|(bucket, height)| (*bucket, *height)).chain(self.stored(packed))
    }

    /// Its distribution buckets, ascending.
    pub(super) fn distributed_at(
        &self,
        slot: u64,
        packed: &Packed,
    ) -> impl Iterator<Item = DistributionBucketId> {
        let wide = self.wide_at(slot, packed).into_iter().flat_map(|bag| &bag.distributed_by);
        // As above.
        wide.copied().chain(self.distributed(packed))
    }

    pub(super) fn is_private_at(&self, slot: u64, packed: &Packed) -> bool {
        self.wide_at(slot, packed).map_or(packed.private, |bag| bag.private)
    }

    /// Count and bytes of a bag's objects; nothing if there is no such bag.
    pub(super) fn load(&self, id: &BagId) -> Option<Load> {
        let slot = self.slot(id)?;
        let packed = self.find(slot)?;
        match packed.form {
            Form::Blank | Form::Key => None,
            Form::Wide => self.wide.get(&slot).map(|bag| bag.load()),
            Form::Small => Some(Load {
                objects: packed.objects_number.get().unwrap_or(0),
                size: u64::from_le_bytes(packed.objects_total_size),
            }),
        }
    }

    /// Writes count and bytes of a bag's objects, and nothing else of the bag.
    pub(super) fn put_load(&mut self, id: BagId, load: Load) {
        let small = self.slot(&id).filter(|slot| self.find(*slot).is_some_and(|bag| bag.form == Form::Small));
        let (Some(slot), Some(objects_number)) = (small, Short::of(load.objects)) else {
            let bag = self.get(&id).unwrap_or_default();
            self.put(id, Some(Bag { objects_number: load.objects, objects_total_size: load.size, ..bag }));
            return;
        };
        let objects_total_size = load.size.to_le_bytes();
        self.records.put(slot, Packed { objects_number, objects_total_size, ..self.records.get(slot) });
        self.dirty.push(slot);
    }

    /// In the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (BagId, Bag)> {
        self.slots_by_id().filter_map(|slot| Some((self.key(slot)?, self.at(slot)?)))
    }

    /// Slots in the order of the ids of their bags.
    pub(super) fn slots_by_id(&self) -> impl Iterator<Item = u64> {
        self.statics.iter().chain(self.members.iter()).chain(self.channels.iter())
    }

    /// Writes the bag, or removes it if there is none to write.
    pub(super) fn put(&mut self, id: BagId, bag: Option<Bag>) {
        let slot = match &bag {
            Some(_) => self.slot_of(&id),
            None => match self.slot(&id) {
                Some(slot) => slot,
                None => return,
            },
        };
        let before = self.records.get(slot);
        let newest = before.newest;
        let small = bag.as_ref().and_then(|bag| self.small(bag, &before));
        let form = match (&bag, &small) {
            (None, _) => Form::Key,
            (Some(_), None) => Form::Wide,
            (Some(_), Some(_)) => Form::Small,
        };
        match bag {
            Some(bag) if form == Form::Wide => self.wide.insert(slot, bag),
            Some(_) | None => self.wide.remove(&slot),
        };
        let packed = Packed { form, key: key_of(&id), newest, ..small.unwrap_or(Packed::BLANK) };
        self.records.put(slot, packed);
        self.forget_if_unused(slot, packed);
        self.dirty.push(slot);
    }

    /// Most writes leave most buckets as they were `before`.
    fn small(&mut self, bag: &Bag, before: &Packed) -> Option<Packed> {
        let mut packed = Packed {
            objects_number: Short::of(bag.objects_number)?,
            objects_total_size: bag.objects_total_size.to_le_bytes(),
            stored_count: u8::try_from(bag.stored_by.len()).ok()?,
            distributed_count: u8::try_from(bag.distributed_by.len()).ok()?,
            private: bag.private,
            ..Packed::BLANK
        };
        if bag.stored_by.len() > STORED || bag.distributed_by.len() > DISTRIBUTED {
            return None;
        }
        for (place, (id, height)) in packed.stored.iter_mut().zip(&bag.stored_by) {
            *place = (u16::try_from(id.0).ok()?.to_le_bytes(), Short::of(*height)?);
        }
        for ((place, id), known) in
            packed.distributed.iter_mut().zip(&bag.distributed_by).zip(before.distributed)
        {
            *place = match self.buckets.get(u16::from_le_bytes(known)) {
                Some(bucket) if bucket == *id => known,
                Some(_) | None => self.bucket_place(*id)?.to_le_bytes(),
            };
        }
        Some(packed)
    }

    /// The place by which bags name a distribution bucket.
    pub(super) fn bucket_place(&mut self, id: DistributionBucketId) -> Option<u16> {
        Interned::place_of(&mut self.buckets, id)
    }

    /// Number of slots ever used, and the hash over all of them.
    pub(super) fn root(&mut self) -> (u64, Hash) {
        let mut dirty = core::mem::take(&mut self.dirty);
        let known = self.tree.root().filter(|_| dirty.is_empty());
        let root = known.unwrap_or_else(|| {
            dirty.sort_unstable();
            dirty.dedup();
            let mut tree = self.tree.take();
            let root = tree.update(self.next_slot, dirty, |slot| self.leaf_at(slot));
            self.tree = tree;
            root
        });
        (self.next_slot, root)
    }

    fn leaf_at(&self, slot: u64) -> Hash {
        let Some(packed) = self.find(slot) else { return EMPTY };
        match (packed.form, packed.id()) {
            (Form::Small, Some(id)) => leaf(&self.encode(id, packed)),
            (Form::Wide, Some(id)) => self.wide.get(&slot).map_or(EMPTY, |bag| leaf_of(&id, bag)),
            _ => EMPTY,
        }
    }

    /// As the bag and its id encode, without making the bag.
    fn encode(&self, id: BagId, packed: &Packed) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(384);
        id.encode_to(&mut bytes);
        Compact(u32::from(packed.stored_count)).encode_to(&mut bytes);
        self.stored(packed).for_each(|assigned| assigned.encode_to(&mut bytes));
        Compact(u32::from(packed.distributed_count)).encode_to(&mut bytes);
        self.distributed(packed).for_each(|id| id.encode_to(&mut bytes));
        bytes.extend(packed.objects_total_size);
        packed.objects_number.get().unwrap_or(0).encode_to(&mut bytes);
        packed.private.encode_to(&mut bytes);
        bytes
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

    /// Every slot's leaf, computed anew.
    #[cfg(any(test, feature = "audit"))]
    pub(super) fn leaves(&self) -> Vec<Hash> {
        let leaf = |slot| match (self.key(slot), self.at(slot)) {
            (Some(id), Some(bag)) => leaf_of(&id, &bag),
            _ => EMPTY,
        };
        (0..self.next_slot).map(leaf).collect()
    }
}

impl Section for Bags {
    fn clear(&mut self) {
        *self = Self::new();
    }

    fn slots(&self) -> u64 {
        self.next_slot
    }

    /// By slot, not by id.
    fn export(&self, after: Option<&[u8]>, most: usize) -> Option<(Vec<u8>, Vec<u8>)> {
        let after = after.and_then(|mut slot| u64::decode(&mut slot).ok());
        let start = after.map_or(0, |slot| slot.saturating_add(1));
        let (mut piece, mut last) = (Vec::new(), None);
        let there = |slot| Some((slot, self.key(slot)?, self.at(slot)?));
        for (slot, id, bag) in (start..self.next_slot).filter_map(there).take(most) {
            (slot, id, bag).encode_to(&mut piece);
            last = Some(slot);
        }
        Some((piece, last?.encode()))
    }

    fn import(&mut self, mut piece: &[u8]) -> bool {
        while !piece.is_empty() {
            let Ok((slot, id, bag)) = <(u64, BagId, Bag)>::decode(&mut piece) else { return false };
            if slot < self.next_slot || self.slot(&id).is_some() || Short::of(slot).is_none() {
                return false;
            }
            self.next_slot = slot;
            self.put(id, Some(bag));
        }
        true
    }

    /// Bags are always kept.
    fn hash(&self, _: &[u8], _: &mut Vec<(u64, Hash)>) -> bool {
        false
    }

    fn set_slots(&mut self, slots: u64) -> bool {
        let fits = self.next_slot <= slots;
        self.next_slot = slots;
        fits
    }
}

fn static_place(id: StaticBagId) -> u64 {
    match id {
        StaticBagId::Council => 0,
        StaticBagId::WorkingGroup(group) => {
            let place = WorkingGroup::ALL.iter().position(|other| *other == group);
            place.map_or(0, |place| to_u64(place).saturating_add(1))
        }
    }
}

fn key_of(id: &BagId) -> (u8, [u8; 8]) {
    let (kind, id) = match id {
        BagId::Static(id) => (u8::try_from(static_place(*id)).unwrap_or(0), 0),
        BagId::Dynamic(DynamicBagId::Member(id)) => (MEMBER, id.0),
        BagId::Dynamic(DynamicBagId::Channel(id)) => (CHANNEL, id.0),
    };
    (kind, id.to_le_bytes())
}
