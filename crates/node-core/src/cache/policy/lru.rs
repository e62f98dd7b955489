//! Least recently used.

use super::{Policy, Slot, View};
use crate::cache::records::List;
use alloc::vec::Vec;

#[derive(Debug, Default)]
pub(super) struct Lru {
    list: List,
}

impl Policy for Lru {
    fn insert(&mut self, view: &mut View<'_>, slot: Slot, _returns: bool) {
        self.list.push(view.records, slot);
    }

    fn touch(&mut self, view: &mut View<'_>, slot: Slot) {
        self.list.renew(view.records, slot);
    }

    fn resized(&mut self, view: &mut View<'_>, slot: Slot, before: u64) {
        self.list.resized(view.records, slot, before);
    }

    fn take_out(&mut self, view: &mut View<'_>, slot: Slot) {
        self.list.remove(view.records, slot);
    }

    fn put_back(&mut self, view: &mut View<'_>, slot: Slot) {
        self.list.push(view.records, slot);
    }

    fn evict(&mut self, view: &mut View<'_>, victims: &mut Vec<Slot>) {
        victims.extend(self.list.pop(view.records));
    }

    fn order(&self, view: &View<'_>) -> Vec<Slot> {
        self.list.oldest_first(view.records).collect()
    }

    fn restore(&mut self, view: &mut View<'_>, slot: Slot) {
        self.list.push(view.records, slot);
    }
}
