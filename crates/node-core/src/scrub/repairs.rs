//! Objects that were found damaged, until they are whole again: their sources may be away just then.

use alloc::collections::{BTreeMap, BTreeSet};
use argosy_domain::{DataObjectId, num::to_u64};

/// Most that wait. What is damaged beyond that is fetched when somebody asks for it.
pub const MAX_REPAIRS: usize = 4096;
/// How often one is tried: for more than a day.
pub const MAX_REPAIR_ATTEMPTS: u32 = 40;
/// Rest after the first failure; doubles up to the longest.
const REST_FIRST_MS: u64 = 1_000;
const REST_LONGEST_MS: u64 = 60 * 60 * 1_000;

/// How an attempt has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairEnd {
    /// The object is whole, or nobody wants it any more.
    Done,
    /// Its sources are away, or do not have it: later they may.
    Later,
    /// It cannot be kept.
    Never,
}

#[derive(Clone, Copy, Debug)]
struct Repair {
    attempts: u32,
    /// Not before this time; none while it is being tried.
    ready_ms: Option<u64>,
}

/// Decides which damaged object is fetched again when.
///
/// Invariant: `due` has those that wait, by time, and no others.
#[derive(Clone, Debug, Default)]
pub struct Repairs {
    known: BTreeMap<DataObjectId, Repair>,
    due: BTreeSet<(u64, DataObjectId)>,
    given_up_count: u64,
}

impl Repairs {
    /// An object was found damaged: it is due at once. Without room for it, it counts as given up.
    pub fn found(&mut self, id: DataObjectId, now_ms: u64) {
        if self.known.contains_key(&id) {
            return;
        }
        if self.known.len() >= MAX_REPAIRS {
            self.given_up_count = self.given_up_count.saturating_add(1);
            return;
        }
        self.wait(id, 0, now_ms);
    }

    /// The next to be fetched, if one is due; [`Repairs::ended`] is to follow.
    pub fn next(&mut self, now_ms: u64) -> Option<DataObjectId> {
        let (ready_ms, id) = self.due.first().copied()?;
        // Not further off than the longest rest, if the clock was put back.
        if ready_ms > now_ms && ready_ms <= now_ms.saturating_add(REST_LONGEST_MS) {
            return None;
        }
        self.due.remove(&(ready_ms, id));
        if let Some(repair) = self.known.get_mut(&id) {
            repair.ready_ms = None;
        }
        Some(id)
    }

    /// An attempt is over.
    pub fn ended(&mut self, id: DataObjectId, end: RepairEnd, now_ms: u64) {
        let Some(repair) = self.known.remove(&id) else { return };
        if let Some(ready_ms) = repair.ready_ms {
            self.due.remove(&(ready_ms, id));
        }
        let attempts = repair.attempts.saturating_add(1);
        match end {
            RepairEnd::Done => {}
            RepairEnd::Later if attempts < MAX_REPAIR_ATTEMPTS => {
                let rest_ms = REST_FIRST_MS.checked_shl(repair.attempts).unwrap_or(REST_LONGEST_MS);
                let rest_ms = rest_ms.min(REST_LONGEST_MS);
                self.wait(id, attempts, now_ms.saturating_add(rest_ms));
            }
            RepairEnd::Later | RepairEnd::Never => {
                self.given_up_count = self.given_up_count.saturating_add(1);
            }
        }
    }

    fn wait(&mut self, id: DataObjectId, attempts: u32, ready_ms: u64) {
        self.known.insert(id, Repair { attempts, ready_ms: Some(ready_ms) });
        self.due.insert((ready_ms, id));
    }

    /// Damaged objects that are not whole again yet, ascending by id.
    pub fn ids(&self) -> impl Iterator<Item = DataObjectId> {
        self.known.keys().copied()
    }

    /// When the next is due; none if none waits.
    #[must_use]
    pub fn next_ms(&self) -> Option<u64> {
        self.due.first().map(|(ready_ms, _)| *ready_ms)
    }

    /// Damaged objects that are not whole again yet, those that are being tried included.
    #[must_use]
    pub fn waiting_count(&self) -> u64 {
        to_u64(self.known.len())
    }

    /// Those that nothing more is done for until somebody asks for them.
    #[must_use]
    pub const fn given_up_count(&self) -> u64 {
        self.given_up_count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: DataObjectId = DataObjectId(7);

    #[test]
    fn it_is_tried_again_less_and_less_often_and_at_last_given_up() {
        let mut repairs = Repairs::default();
        repairs.found(ID, 5);
        repairs.found(ID, 6);
        let (mut now_ms, mut rest_before) = (5, 0);
        for attempt in 1..=MAX_REPAIR_ATTEMPTS {
            assert_eq!((repairs.next(now_ms), repairs.next(now_ms)), (Some(ID), None));
            repairs.found(ID, now_ms);
            assert_eq!((repairs.next_ms(), repairs.waiting_count()), (None, 1), "it is being tried");
            repairs.ended(ID, RepairEnd::Later, now_ms);
            let Some(next_ms) = repairs.next_ms() else {
                assert_eq!(attempt, MAX_REPAIR_ATTEMPTS);
                break;
            };
            let rest = next_ms - now_ms;
            assert!(rest == REST_LONGEST_MS || rest == (rest_before * 2).max(REST_FIRST_MS), "{rest}");
            assert_eq!(repairs.next(next_ms - 1), None);
            (now_ms, rest_before) = (next_ms, rest);
        }
        assert!(now_ms > 24 * 60 * 60 * 1_000, "for more than a day: {now_ms}");
        assert_eq!((repairs.waiting_count(), repairs.given_up_count()), (0, 1));
    }

    #[test]
    fn what_is_whole_or_cannot_be_is_not_tried_again() {
        let mut repairs = Repairs::default();
        for (end, given_up) in [(RepairEnd::Done, 0), (RepairEnd::Never, 1)] {
            repairs.found(ID, 0);
            assert_eq!(repairs.next(0), Some(ID));
            repairs.ended(ID, end, 0);
            assert_eq!((repairs.waiting_count(), repairs.given_up_count()), (0, given_up));
            assert_eq!((repairs.next_ms(), repairs.next(u64::MAX)), (None, None));
        }
        repairs.ended(DataObjectId(99), RepairEnd::Later, 0);
        assert_eq!(repairs.waiting_count(), 0);
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let mut repairs = Repairs::default();
        (0..to_u64(MAX_REPAIRS) + 5).for_each(|id| repairs.found(DataObjectId(id), id));
        assert_eq!((repairs.waiting_count(), repairs.given_up_count()), (to_u64(MAX_REPAIRS), 5));
        assert!(repairs.ids().eq((0..to_u64(MAX_REPAIRS)).map(DataObjectId)));
        assert_eq!(repairs.next(0), Some(DataObjectId(0)), "the oldest first");
        assert_eq!(repairs.next(0), None);
    }

    #[test]
    fn a_clock_that_is_put_back_delays_nothing_for_ever() {
        let mut repairs = Repairs::default();
        repairs.found(ID, u64::MAX / 2);
        assert_eq!(repairs.next(1), Some(ID));
    }
}
