//! What is known of each object, in one table, and lists through it.

use alloc::vec::Vec;
use argosy_domain::{
    DataObjectId,
    num::{to_u64, to_usize},
};
use core::ops::{Index, IndexMut};

/// Place of a record in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(u32);

/// What is known of an object that is held, or was, or that others have told of.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: DataObjectId,
    /// Bytes held; what it last had, of one that is only remembered.
    pub(super) size: u64,
    pub(super) pins: u32,
    pub(super) is_held: bool,
    /// See [`super::popularity::Popularity`].
    pub(super) uses: u32,
    pub(super) counted_at: u64,
    /// Uses since it came to be held, as far as the policy wants to know.
    pub(super) hits: u32,
    /// For the policy: which of its lists, and place in its order. Of what is only remembered, the rank is
    /// how many bytes had been evicted when it went; 0 if it never was held.
    pub(super) list: u8,
    pub(super) rank: u64,
    previous: Option<Slot>,
    next: Option<Slot>,
}

/// All records, at places that stay theirs while they live.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    records: Vec<Record>,
    free: Vec<Slot>,
}

impl Records {
    /// None if there are 2^32 of them.
    pub(super) fn add(&mut self, id: DataObjectId) -> Option<Slot> {
        let record = Record {
            id,
            size: 0,
            pins: 0,
            is_held: false,
            uses: 0,
            counted_at: 0,
            list: 0,
            hits: 0,
            rank: 0,
            previous: None,
            next: None,
        };
        if let Some(slot) = self.free.pop() {
            self[slot] = record;
            return Some(slot);
        }
        let slot = Slot(u32::try_from(self.records.len()).ok()?);
        self.records.push(record);
        Some(slot)
    }

    /// The record must be in no list.
    pub(super) fn remove(&mut self, slot: Slot) {
        self.free.push(slot);
    }
}

impl Index<Slot> for Records {
    type Output = Record;

    fn index(&self, slot: Slot) -> &Record {
        &self.records[to_usize(slot.0.into())]
    }
}

impl IndexMut<Slot> for Records {
    fn index_mut(&mut self, slot: Slot) -> &mut Record {
        &mut self.records[to_usize(slot.0.into())]
    }
}

/// A list through the records; each is in one list at most. Every operation takes constant time.
///
/// Invariant: `bytes` is the sum of the sizes of its records.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    newest: Option<Slot>,
    oldest: Option<Slot>,
    len: usize,
    bytes: u64,
}

impl List {
    pub(super) fn push(&mut self, records: &mut Records, slot: Slot) {
        records[slot].previous = self.newest;
        records[slot].next = None;
        match self.newest {
            Some(newest) => records[newest].next = Some(slot),
            None => self.oldest = Some(slot),
        }
        self.newest = Some(slot);
        self.len = self.len.saturating_add(1);
        self.bytes = self.bytes.saturating_add(records[slot].size);
    }

    /// The record must be in this list.
    pub(super) fn remove(&mut self, records: &mut Records, slot: Slot) {
        let (previous, next) = (records[slot].previous.take(), records[slot].next.take());
        match previous {
            Some(previous) => records[previous].next = next,
            None => self.oldest = next,
        }
        match next {
            Some(next) => records[next].previous = previous,
            None => self.newest = previous,
        }
        self.len = self.len.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(records[slot].size);
    }

    /// Makes a record of this list the newest one.
    pub(super) fn renew(&mut self, records: &mut Records, slot: Slot) {
        self.remove(records, slot);
        self.push(records, slot);
    }

    /// A record of this list has a new size; `before` is the old one.
    pub(super) fn resized(&mut self, records: &Records, slot: Slot, before: u64) {
        self.bytes = self.bytes.saturating_sub(before).saturating_add(records[slot].size);
    }

    pub(super) fn pop(&mut self, records: &mut Records) -> Option<Slot> {
        let oldest = self.oldest?;
        self.remove(records, oldest);
        Some(oldest)
    }

    pub(super) const fn oldest(&self) -> Option<Slot> {
        self.oldest
    }

    /// The next newer one.
    pub(super) fn after(records: &Records, slot: Slot) -> Option<Slot> {
        records[slot].next
    }

    pub(super) fn oldest_first<'a>(&self, records: &'a Records) -> impl Iterator<Item = Slot> + use<'a> {
        core::iter::successors(self.oldest, |slot| records[*slot].next)
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn len(&self) -> u64 {
        to_u64(self.len)
    }
}
