//! What is worth least goes first: uses, times what a miss would cost for each byte held, over the time since
//! the last use. What is large for the cache comes in only if it is worth as much as what would go for it.
//!
//! A miss costs a visitor one round of asking and the operator the bytes, so each is counted as its size
//! and [`REQUEST_BYTES`] more. Small objects are therefore worth much for their size, and among large ones
//! it is uses alone that decide.
//!
//! Source: uses over time as in Blankstein, Sen and Freedman, "Hyperbolic caching: flexible caching for web
//! applications", USENIX ATC 2017, with the time since the last use, and classes of similar worth of which
//! only the oldest compete, as in Cheng and Kambayashi, "LRU-SP: a size-adjusted and popularity-aware LRU
//! replacement algorithm for web caching", COMPSAC 2000; the admission as in Einziger, Eytan, Friedman and
//! Manes, "Lightweight robust size aware cache management", ACM Transactions on Storage 2022.

use super::{Policy, Slot, View};
use crate::cache::{
    popularity::to_parts,
    records::{List, Record},
};
use alloc::vec::Vec;

/// What asking costs, in bytes. Measured: `docs/cache.md`.
const REQUEST_BYTES: u64 = 256 * 1024 * 1024;
/// Sizes below it are counted as it, so that what is empty is not worth everything.
const LEAST_BYTES: u64 = 1024;
/// Worth of a part of a use of an object of boundless size.
const UNIT: u64 = 256;
/// Of the uses from before an object came, one in so many counts. Measured.
const OLD_USES: u32 = 8;
/// What was used at all lately stays for a while, in milliseconds. Measured.
const GRACE_MS: u64 = 60_000;
/// Objects that take more than this part of the cache must be worth it. Measured.
const LARGE_PART: u64 = 100;
/// Most objects that are looked at before a large one comes in.
const MAX_COMPARED: usize = 16;
/// Classes of worth: four for each doubling.
const CLASSES: usize = 256;

#[derive(Debug)]
pub(super) struct Worth {
    classes: Vec<List>,
}

impl Default for Worth {
    fn default() -> Self {
        Self { classes: (0..CLASSES).map(|_| List::default()).collect() }
    }
}

/// Time since the last use over worth: who has most goes first.
#[derive(Clone, Copy)]
struct Staleness {
    ms: u64,
    worth: u64,
}

impl Staleness {
    fn of(view: &View<'_>, slot: Slot) -> Self {
        let record = &view.records[slot];
        let ms = view.now_ms.saturating_sub(record.rank).saturating_add(GRACE_MS);
        Self { ms, worth: worth(uses(view, record), record.size) }
    }

    fn is_above(self, other: Self) -> bool {
        product(self.ms, other.worth) > product(other.ms, self.worth)
    }
}

fn product(one: u64, other: u64) -> u128 {
    // Cannot overflow.
    u128::from(one).saturating_mul(other.into())
}

/// In parts of a use; at least one use: that for which it came.
fn uses(view: &View<'_>, record: &Record) -> u32 {
    let lately = view.popularity.of(record).max(to_parts(1));
    let here = to_parts(record.hits.saturating_add(1));
    let before = lately.saturating_sub(here);
    lately.saturating_sub(before).saturating_add(before.checked_div(OLD_USES).unwrap_or(0))
}

/// For each byte.
fn worth(use_parts: u32, size: u64) -> u64 {
    let size = size.max(LEAST_BYTES);
    // Sizes are far below 2^50.
    let cost = size.saturating_add(REQUEST_BYTES).saturating_mul(UNIT);
    u64::from(use_parts).saturating_mul(cost.checked_div(size).unwrap_or(0))
}

fn class_of(worth: u64) -> u8 {
    let worth = worth.max(4);
    let doublings = worth.ilog2();
    let quarter = (worth >> doublings.saturating_sub(2)) & 3;
    u8::try_from(u64::from(doublings).saturating_mul(4).saturating_add(quarter)).unwrap_or(u8::MAX)
}

impl Worth {
    fn list(&mut self, record: &Record) -> &mut List {
        &mut self.classes[usize::from(record.list)]
    }

    fn enter(&mut self, view: &mut View<'_>, slot: Slot) {
        let record = &view.records[slot];
        view.records[slot].list = class_of(worth(uses(view, record), record.size));
        self.join(view, slot);
    }

    /// In the class that its record says.
    fn join(&mut self, view: &mut View<'_>, slot: Slot) {
        self.classes[usize::from(view.records[slot].list)].push(view.records, slot);
    }

    fn leave(&mut self, view: &mut View<'_>, slot: Slot) {
        self.classes[usize::from(view.records[slot].list)].remove(view.records, slot);
    }

    /// The oldest of each class, by class.
    fn oldest<'a>(&'a self, view: &'a View<'_>) -> impl Iterator<Item = Option<(Slot, Staleness)>> + 'a {
        let oldest = self.classes.iter().map(List::oldest);
        oldest.map(|slot| slot.map(|slot| (slot, Staleness::of(view, slot))))
    }
}

/// Which of these goes first.
fn first_of(candidates: impl Iterator<Item = (Slot, Staleness)>) -> Option<Slot> {
    candidates
        .reduce(|first, other| if other.1.is_above(first.1) { other } else { first })
        .map(|(slot, _)| slot)
}

impl Policy for Worth {
    fn admits(&self, view: &View<'_>, slot: Slot, size_bytes: u64, need_bytes: u64) -> bool {
        if size_bytes <= view.capacity_bytes / LARGE_PART {
            return true;
        }
        let mine = worth(view.popularity.of(&view.records[slot]), size_bytes);
        let mut next: Vec<_> = self.oldest(view).collect();
        let (mut bytes, mut theirs) = (0_u64, 0_u128);
        for _ in 0..MAX_COMPARED {
            let Some(victim) = first_of(next.iter().copied().flatten()) else { break };
            let after = List::after(view.records, victim);
            let record = &view.records[victim];
            next[usize::from(record.list)] = after.map(|slot| (slot, Staleness::of(view, slot)));
            if victim == slot {
                continue;
            }
            bytes = bytes.saturating_add(record.size);
            let worth = worth(view.popularity.of(record), record.size);
            theirs = theirs.saturating_add(product(worth, record.size));
            if bytes >= need_bytes {
                break;
            }
        }
        product(mine, bytes) >= theirs
    }

    fn insert(&mut self, view: &mut View<'_>, slot: Slot, _returns: bool) {
        view.records[slot].rank = view.now_ms;
        self.enter(view, slot);
    }

    fn touch(&mut self, view: &mut View<'_>, slot: Slot) {
        self.leave(view, slot);
        self.insert(view, slot, false);
    }

    fn resized(&mut self, view: &mut View<'_>, slot: Slot, before: u64) {
        self.list(&view.records[slot]).resized(view.records, slot, before);
        self.leave(view, slot);
        self.enter(view, slot);
    }

    fn take_out(&mut self, view: &mut View<'_>, slot: Slot) {
        self.leave(view, slot);
    }

    fn put_back(&mut self, view: &mut View<'_>, slot: Slot) {
        self.insert(view, slot, false);
    }

    fn evict(&mut self, view: &mut View<'_>, victims: &mut Vec<Slot>) {
        if let Some(first) = first_of(self.oldest(view).flatten()) {
            self.leave(view, first);
            victims.push(first);
        }
    }

    fn order(&self, view: &View<'_>) -> Vec<Slot> {
        self.classes.iter().flat_map(|list| list.oldest_first(view.records)).collect()
    }

    fn restore(&mut self, view: &mut View<'_>, slot: Slot) {
        // A clock that was ahead must not keep an object for ever.
        let record = &mut view.records[slot];
        record.rank = record.rank.min(view.now_ms);
        // Its class, so that the order stays; all classes there may be are ours.
        self.join(view, slot);
    }
}
