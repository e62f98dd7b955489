//! S3-FIFO: new objects prove themselves in a small queue; those that return soon after they went go
//! straight to the main queue, where what was used since it was last looked at gets another round.
//!
//! Source: Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023. Counted in bytes.

use super::{Policy, Slot, View};
use crate::cache::records::{List, Record};
use alloc::vec::Vec;

const SMALL: u8 = 0;
const MAIN: u8 = 1;
/// Part of the capacity for the small queue.
const SMALL_SHARE: u64 = 10;
/// Uses that are told apart.
const MAX_HITS: u32 = 3;
/// Uses in the small queue that earn a place in the main one.
const ENOUGH_HITS: u32 = 2;

#[derive(Debug, Default)]
pub(super) struct S3Fifo {
    small: List,
    main: List,
}

impl S3Fifo {
    fn queue(&mut self, record: &Record) -> &mut List {
        if record.list == SMALL { &mut self.small } else { &mut self.main }
    }
}

impl Policy for S3Fifo {
    fn insert(&mut self, view: &mut View<'_>, slot: Slot, returns: bool) {
        let record = &mut view.records[slot];
        record.list = if returns { MAIN } else { SMALL };
        self.queue(&view.records[slot]).push(view.records, slot);
    }

    fn touch(&mut self, _view: &mut View<'_>, _slot: Slot) {}

    fn resized(&mut self, view: &mut View<'_>, slot: Slot, before: u64) {
        self.queue(&view.records[slot]).resized(view.records, slot, before);
    }

    fn take_out(&mut self, view: &mut View<'_>, slot: Slot) {
        self.queue(&view.records[slot]).remove(view.records, slot);
    }

    fn put_back(&mut self, view: &mut View<'_>, slot: Slot) {
        self.queue(&view.records[slot]).push(view.records, slot);
    }

    fn evict(&mut self, view: &mut View<'_>, victims: &mut Vec<Slot>) {
        let small_bytes = view.capacity_bytes / SMALL_SHARE;
        // Ends: each round evicts, moves an object to the main queue for good, or takes a use from one.
        loop {
            if self.small.bytes() > small_bytes || self.main.oldest().is_none() {
                let Some(slot) = self.small.pop(view.records) else { return };
                if view.records[slot].hits < ENOUGH_HITS {
                    victims.push(slot);
                    return;
                }
                view.records[slot].hits = 0;
                view.records[slot].list = MAIN;
                self.main.push(view.records, slot);
            } else {
                let Some(slot) = self.main.pop(view.records) else { return };
                if view.records[slot].hits == 0 {
                    victims.push(slot);
                    return;
                }
                view.records[slot].hits = view.records[slot].hits.min(MAX_HITS).saturating_sub(1);
                self.main.push(view.records, slot);
            }
        }
    }

    fn order(&self, view: &View<'_>) -> Vec<Slot> {
        let (small, main) = (self.small.oldest_first(view.records), self.main.oldest_first(view.records));
        small.chain(main).collect()
    }

    fn restore(&mut self, view: &mut View<'_>, slot: Slot) {
        let record = &mut view.records[slot];
        record.list = record.list.min(MAIN);
        self.queue(&view.records[slot]).push(view.records, slot);
    }
}
