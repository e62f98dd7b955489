//! SIEVE: a queue, and a hand that moves through it from the oldest on. It evicts the first object that was
//! not used since the hand last came by; objects never change places.
//!
//! Source: Zhang et al., "SIEVE is simpler than LRU", NSDI 2024.

use super::{Policy, Slot, View};
use crate::cache::records::List;
use alloc::vec::Vec;

#[derive(Debug, Default)]
pub(super) struct Sieve {
    queue: List,
    /// Looked at next; the oldest if none.
    hand: Option<Slot>,
}

impl Policy for Sieve {
    fn insert(&mut self, view: &mut View<'_>, slot: Slot, _returns: bool) {
        self.queue.push(view.records, slot);
    }

    fn touch(&mut self, _view: &mut View<'_>, _slot: Slot) {}

    fn resized(&mut self, view: &mut View<'_>, slot: Slot, before: u64) {
        self.queue.resized(view.records, slot, before);
    }

    fn take_out(&mut self, view: &mut View<'_>, slot: Slot) {
        if self.hand == Some(slot) {
            self.hand = List::after(view.records, slot);
        }
        self.queue.remove(view.records, slot);
    }

    fn put_back(&mut self, view: &mut View<'_>, slot: Slot) {
        self.queue.push(view.records, slot);
    }

    fn evict(&mut self, view: &mut View<'_>, victims: &mut Vec<Slot>) {
        // Ends: what the hand passes is no longer marked when it comes by again.
        while let Some(slot) = self.hand.or(self.queue.oldest()) {
            if view.records[slot].hits == 0 {
                self.take_out(view, slot);
                victims.push(slot);
                return;
            }
            view.records[slot].hits = 0;
            self.hand = List::after(view.records, slot);
        }
    }

    fn order(&self, view: &View<'_>) -> Vec<Slot> {
        self.queue.oldest_first(view.records).collect()
    }

    fn restore(&mut self, view: &mut View<'_>, slot: Slot) {
        self.queue.push(view.records, slot);
    }
}
