//! LRU-SP as Argus has it: large, unpopular and old objects go first.
//!
//! Source: the cache of Joystream's distributor (`StateCacheService`), whose rules are in
//! `docs/cache.md`. Nothing ages here: an object that was popular once stays so while it is held.

use super::{Policy, Slot, View};
use crate::cache::records::{List, Record};
use alloc::vec::Vec;

const GROUPS: usize = 24;
const MINUTE_MS: u64 = 60_000;

/// Objects by their size for each use, in powers of two; only the oldest of each group competes.
#[derive(Debug, Default)]
pub(super) struct LruSp {
    groups: [List; GROUPS],
}

/// Of the sum that decides: minutes since the last use times kilobytes over uses.
struct Cost {
    minutes_kb: u128,
    uses: u128,
}

impl Cost {
    fn of(record: &Record, now_ms: u64) -> Self {
        let minutes = now_ms.saturating_sub(record.rank).div_ceil(MINUTE_MS);
        Self { minutes_kb: u128::from(minutes).saturating_mul(kb(record).into()), uses: uses(record).into() }
    }

    fn is_above(&self, other: &Self) -> bool {
        self.minutes_kb.saturating_mul(other.uses) > other.minutes_kb.saturating_mul(self.uses)
    }
}

/// Argus says 0 of an empty object, which then costs nothing and never goes.
fn kb(record: &Record) -> u64 {
    record.size.div_ceil(1024).max(1)
}

/// The use that an object came for, and those since.
fn uses(record: &Record) -> u64 {
    u64::from(record.hits).saturating_add(1)
}

/// The least power of two that is at least the kilobytes for each use.
fn group_of(record: &Record) -> u8 {
    let (kb, uses) = (kb(record), uses(record));
    (0..23).find(|group| uses.saturating_mul(1 << group) >= kb).unwrap_or(23)
}

impl LruSp {
    fn list(&mut self, record: &Record) -> &mut List {
        &mut self.groups[usize::from(record.list)]
    }

    fn enter(&mut self, view: &mut View<'_>, slot: Slot) {
        let record = &mut view.records[slot];
        record.list = group_of(record);
        self.groups[usize::from(record.list)].push(view.records, slot);
    }

    fn leave(&mut self, view: &mut View<'_>, slot: Slot) {
        self.groups[usize::from(view.records[slot].list)].remove(view.records, slot);
    }
}

impl Policy for LruSp {
    fn insert(&mut self, view: &mut View<'_>, slot: Slot, _returns: bool) {
        view.records[slot].rank = view.now_ms;
        self.enter(view, slot);
    }

    fn touch(&mut self, view: &mut View<'_>, slot: Slot) {
        self.leave(view, slot);
        view.records[slot].rank = view.now_ms;
        self.enter(view, slot);
    }

    fn resized(&mut self, view: &mut View<'_>, slot: Slot, before: u64) {
        self.list(&view.records[slot]).resized(view.records, slot, before);
        if group_of(&view.records[slot]) != view.records[slot].list {
            self.leave(view, slot);
            self.enter(view, slot);
        }
    }

    fn take_out(&mut self, view: &mut View<'_>, slot: Slot) {
        self.leave(view, slot);
    }

    fn put_back(&mut self, view: &mut View<'_>, slot: Slot) {
        view.records[slot].rank = view.now_ms;
        self.enter(view, slot);
    }

    fn evict(&mut self, view: &mut View<'_>, victims: &mut Vec<Slot>) {
        let oldest = self.groups.iter().filter_map(List::oldest);
        let worst = oldest.reduce(|worst, slot| {
            let cost = |slot| Cost::of(&view.records[slot], view.now_ms);
            if cost(slot).is_above(&cost(worst)) { slot } else { worst }
        });
        if let Some(worst) = worst {
            self.leave(view, worst);
            victims.push(worst);
        }
    }

    fn order(&self, view: &View<'_>) -> Vec<Slot> {
        self.groups.iter().flat_map(|list| list.oldest_first(view.records)).collect()
    }

    fn restore(&mut self, view: &mut View<'_>, slot: Slot) {
        // A clock that was ahead must not keep an object for ever.
        let record = &mut view.records[slot];
        record.rank = record.rank.min(view.now_ms);
        self.enter(view, slot);
    }
}
