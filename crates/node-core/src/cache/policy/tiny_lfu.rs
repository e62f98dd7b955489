//! W-TinyLFU for objects of many sizes: a small window for new ones, and a main part that they enter only
//! if they are used more than all that would have to go for them.
//!
//! Source: Einziger, Friedman, Manes, "TinyLFU", ACM TOS 2017; the comparison with all victims together:
//! Einziger, Eytan, Friedman, Manes, "Lightweight robust size aware cache management", ACM TOS 2022. Uses
//! are counted exactly here, of what is held and of what is remembered, in place of their sketch.

use super::{Policy, Slot, View};
use crate::cache::records::{List, Record};
use alloc::vec::Vec;

const WINDOW: u8 = 0;
const PROBATION: u8 = 1;
const PROTECTED: u8 = 2;
/// Part of the capacity for the window.
const WINDOW_PERCENT: u64 = 1;
/// Part of the capacity for those that were used in the main part.
const PROTECTED_PERCENT: u64 = 79;

#[derive(Debug, Default)]
pub(super) struct TinyLfu {
    lists: [List; 3],
}

impl TinyLfu {
    fn list(&mut self, record: &Record) -> &mut List {
        &mut self.lists[usize::from(record.list)]
    }

    fn push(&mut self, view: &mut View<'_>, slot: Slot, list: u8) {
        view.records[slot].list = list;
        self.lists[usize::from(list)].push(view.records, slot);
    }

    fn bytes(&self, list: u8) -> u64 {
        self.lists[usize::from(list)].bytes()
    }

    /// What is used least recently in the protected part goes back, until that has its size.
    fn demote(&mut self, view: &mut View<'_>) {
        let most = percent(view.capacity_bytes, PROTECTED_PERCENT);
        while self.bytes(PROTECTED) > most {
            let Some(slot) = self.lists[usize::from(PROTECTED)].pop(view.records) else { return };
            self.push(view, slot, PROBATION);
        }
    }

    /// The candidate against those of the main part that would have to go for it.
    fn contest(&mut self, view: &mut View<'_>, candidate: Slot, needed: u64, victims: &mut Vec<Slot>) {
        let uses = u64::from(view.popularity.of(&view.records[candidate]));
        let (mut bytes, mut lost) = (0_u64, 0_u64);
        let [_, probation, protected] = &self.lists;
        for slot in probation.oldest_first(view.records).chain(protected.oldest_first(view.records)) {
            if bytes >= needed || lost > uses {
                break;
            }
            let record = &view.records[slot];
            bytes = bytes.saturating_add(record.size);
            lost = lost.saturating_add(view.popularity.of(record).max(1).into());
            victims.push(slot);
        }
        self.take_out(view, candidate);
        if bytes >= needed && uses > lost {
            for victim in &*victims {
                self.take_out(view, *victim);
            }
            self.push(view, candidate, PROBATION);
        } else {
            victims.clear();
            victims.push(candidate);
        }
    }
}

impl Policy for TinyLfu {
    fn insert(&mut self, view: &mut View<'_>, slot: Slot, _returns: bool) {
        self.push(view, slot, WINDOW);
    }

    fn touch(&mut self, view: &mut View<'_>, slot: Slot) {
        let list = view.records[slot].list;
        self.take_out(view, slot);
        self.push(view, slot, if list == WINDOW { WINDOW } else { PROTECTED });
        self.demote(view);
    }

    fn resized(&mut self, view: &mut View<'_>, slot: Slot, before: u64) {
        self.list(&view.records[slot]).resized(view.records, slot, before);
        self.demote(view);
    }

    fn take_out(&mut self, view: &mut View<'_>, slot: Slot) {
        self.list(&view.records[slot]).remove(view.records, slot);
    }

    fn put_back(&mut self, view: &mut View<'_>, slot: Slot) {
        let record = &view.records[slot];
        let list = if record.list == PROBATION && record.hits > 0 { PROTECTED } else { record.list };
        self.push(view, slot, list);
        self.demote(view);
    }

    fn evict(&mut self, view: &mut View<'_>, victims: &mut Vec<Slot>) {
        let window = percent(view.capacity_bytes, WINDOW_PERCENT);
        let main = view.capacity_bytes.saturating_sub(window);
        while self.bytes(WINDOW) > window {
            let Some(candidate) = self.lists[usize::from(WINDOW)].oldest() else { break };
            let size = view.records[candidate].size;
            let used = self.bytes(PROBATION).saturating_add(self.bytes(PROTECTED));
            let needed = used.saturating_add(size).saturating_sub(main);
            if needed > 0 {
                return self.contest(view, candidate, needed, victims);
            }
            self.take_out(view, candidate);
            self.push(view, candidate, PROBATION);
        }
        let [window, probation, protected] = &mut self.lists;
        let lists = [probation, protected, window];
        victims.extend(lists.into_iter().find_map(|list| list.pop(view.records)));
    }

    fn order(&self, view: &View<'_>) -> Vec<Slot> {
        self.lists.iter().flat_map(|list| list.oldest_first(view.records)).collect()
    }

    fn restore(&mut self, view: &mut View<'_>, slot: Slot) {
        let list = view.records[slot].list.min(PROTECTED);
        self.push(view, slot, list);
        self.demote(view);
    }
}

/// Rounds down.
fn percent(bytes: u64, percent: u64) -> u64 {
    (bytes / 100).saturating_mul(percent)
}
