//! What is worth least goes first: uses, which fade, times what a miss would cost for each byte held.
//!
//! A miss costs a visitor one round of asking and the operator the bytes, so each is counted as its size
//! and [`REQUEST_BYTES`] more. Small objects are therefore worth much for their size, and among large ones
//! it is uses alone that decide. What is not used falls behind, since what comes starts from the worth of
//! what went last.
//!
//! Source: Cao and Irani, "Cost-aware WWW proxy caching algorithms", USENIX 1997, with the cost of a miss
//! as a fixed part and one by size; uses as in Cherkasova, "Improving WWW proxies performance with
//! greedy-dual-size-frequency caching", HP 1998, but remembered after an object has gone, and fading.

use super::{Policy, Record, Slot, View};
use alloc::{collections::BTreeSet, vec::Vec};

/// What asking costs, in bytes. Measured: `docs/cache.md`.
const REQUEST_BYTES: u64 = 16 * 1024 * 1024;
/// What an object takes on a disk at least.
const LEAST_BYTES: u64 = 4096;
/// Worth of a part of a use of an object of boundless size.
const UNIT_BITS: u32 = 12;

#[derive(Debug, Default)]
pub(super) struct Worth {
    /// Least worth first.
    order: BTreeSet<(u64, Slot)>,
    /// The worth of what went last.
    floor: u64,
}

/// At most 2^56.
fn worth(view: &View<'_>, record: &Record) -> u64 {
    let size = record.size.max(LEAST_BYTES);
    // Sizes are far below 2^50.
    let cost = size.saturating_add(REQUEST_BYTES).saturating_mul(1 << UNIT_BITS);
    let cost_per_byte = cost.checked_div(size).unwrap_or(0);
    u64::from(view.popularity.of(record)).saturating_mul(cost_per_byte)
}

impl Worth {
    fn enter(&mut self, view: &mut View<'_>, slot: Slot) {
        let rank = self.floor.saturating_add(worth(view, &view.records[slot]));
        view.records[slot].rank = rank;
        self.order.insert((rank, slot));
    }

    fn leave(&mut self, view: &View<'_>, slot: Slot) {
        self.order.remove(&(view.records[slot].rank, slot));
    }
}

impl Policy for Worth {
    fn insert(&mut self, view: &mut View<'_>, slot: Slot, _returns: bool) {
        self.enter(view, slot);
    }

    fn touch(&mut self, view: &mut View<'_>, slot: Slot) {
        self.leave(view, slot);
        self.enter(view, slot);
    }

    fn resized(&mut self, view: &mut View<'_>, slot: Slot, _before: u64) {
        self.leave(view, slot);
        self.enter(view, slot);
    }

    fn take_out(&mut self, view: &mut View<'_>, slot: Slot) {
        self.leave(view, slot);
    }

    fn put_back(&mut self, view: &mut View<'_>, slot: Slot) {
        self.enter(view, slot);
    }

    fn evict(&mut self, _view: &mut View<'_>, victims: &mut Vec<Slot>) {
        if let Some((rank, slot)) = self.order.pop_first() {
            self.floor = self.floor.max(rank);
            victims.push(slot);
        }
    }

    fn order(&self, _view: &View<'_>) -> Vec<Slot> {
        self.order.iter().map(|(_, slot)| *slot).collect()
    }

    fn rank(&self, record: &Record) -> u64 {
        record.rank.saturating_sub(self.floor)
    }

    fn restore(&mut self, view: &mut View<'_>, slot: Slot) {
        // No lead that it could not have by its uses, whatever the note says.
        let most = worth(view, &view.records[slot]);
        let record = &mut view.records[slot];
        record.rank = self.floor.saturating_add(record.rank.min(most));
        self.order.insert((record.rank, slot));
    }
}
