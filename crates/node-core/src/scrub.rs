//! When held objects are proved again, though nobody reads them: disks change bytes in silence.
//!
//! A pass goes through the complete objects by ascending id, a window at a time, at a bounded rate. One
//! begins each day; one that is interrupted goes on where it was.

mod repairs;

pub use repairs::{MAX_REPAIR_ATTEMPTS, MAX_REPAIRS, RepairEnd, Repairs};

use argosy_content::{GroupRange, group_count};
use argosy_domain::{
    DataObjectId,
    limits::{GROUP_BYTES, WINDOW_GROUPS},
};

const WINDOW_BYTES: u64 = WINDOW_GROUPS * GROUP_BYTES;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// From the beginning of a pass to the next one.
pub const PASS_EVERY_MS: u64 = DAY_MS;
/// Longest that a pass should take, a day short of what is promised.
///
/// Source: G4 of the reliability specification (7 days).
pub const PASS_AIM_MS: u64 = 6 * DAY_MS;
/// What an object costs besides its bytes, as bytes that could be read meanwhile: opening it, and a seek.
pub const OBJECT_COST_BYTES: u64 = 64 * 1024;

/// What outlives a restart. Begins with a pass that is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// When the newest pass began, in milliseconds since 1970.
    pub began_ms: u64,
    /// What comes next; none if that pass is over.
    pub next: Option<Position>,
    /// Bytes that the pass has proved.
    pub proved_bytes: u64,
    /// Damaged stretches that it has found.
    pub damaged_count: u64,
}

/// A group of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The object; if it is gone, the one after it.
    pub id: DataObjectId,
    /// Its group.
    pub group: u64,
}

/// What there is to prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Complete objects.
    pub objects_count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this time, in milliseconds since 1970.
    Wait {
        /// The time.
        until_ms: u64,
    },
    /// Prove these groups, and call [`Scrub::proved`].
    Prove {
        /// The object.
        id: DataObjectId,
        /// At most a window; not empty.
        groups: GroupRange,
    },
    /// The pass is over; ask again.
    PassEnded,
}

/// Decides what is proved next, and when.
#[derive(Clone, Copy, Debug)]
pub struct Scrub {
    progress: Progress,
    /// Bytes a second, however little there is; not zero.
    least_rate: u64,
    /// Nothing is read before this time.
    ready_ms: u64,
}

impl Scrub {
    /// Goes on from `progress`, at `least_rate` bytes a second or more.
    #[must_use]
    pub const fn new(progress: Progress, least_rate: core::num::NonZeroU64) -> Self {
        Self { progress, least_rate: least_rate.get(), ready_ms: 0 }
    }

    /// How far it is.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// When the next pass begins, in milliseconds since 1970; none while one is under way.
    #[must_use]
    pub const fn next_pass_ms(&self) -> Option<u64> {
        match self.progress.next {
            Some(_) => None,
            None => Some(self.progress.began_ms.saturating_add(PASS_EVERY_MS)),
        }
    }

    /// What to do at `now_ms`. `at_or_after` gives the held object with the smallest id from a given one on,
    /// with its size in bytes.
    pub fn step(
        &mut self,
        now_ms: u64,
        at_or_after: impl Fn(DataObjectId) -> Option<(DataObjectId, u64)>,
    ) -> Step {
        // A clock that was put back must not put the next pass off for ever.
        self.progress.began_ms = self.progress.began_ms.min(now_ms);
        let Some(position) = self.progress.next else {
            let next_ms = self.progress.began_ms.saturating_add(PASS_EVERY_MS);
            if self.progress.began_ms > 0 && now_ms < next_ms {
                return Step::Wait { until_ms: next_ms };
            }
            self.progress =
                Progress { began_ms: now_ms, next: Some(Position::default()), ..Progress::default() };
            return self.step(now_ms, at_or_after);
        };
        // Not further off than a window at one byte a second, if the clock was put back.
        if now_ms < self.ready_ms {
            return Step::Wait { until_ms: self.ready_ms };
        }
        self.find(position, at_or_after)
    }

    fn find(
        &mut self,
        position: Position,
        at_or_after: impl Fn(DataObjectId) -> Option<(DataObjectId, u64)>,
    ) -> Step {
        let Position { mut id, mut group } = position;
        // At most twice: an object that was done already, and the one after it.
        while let Some((found, size)) = at_or_after(id) {
            if found != id {
                group = 0;
            }
            let end = group_count(size);
            if group < end {
                self.progress.next = Some(Position { id: found, group });
                let groups = GroupRange::new(group, group.saturating_add(WINDOW_GROUPS).min(end));
                return Step::Prove { id: found, groups };
            }
            let Some(after) = found.0.checked_add(1) else { break };
            (id, group) = (DataObjectId(after), 0);
        }
        self.progress.next = None;
        Step::PassEnded
    }

    /// The groups of the last [`Step::Prove`], of `bytes` bytes, were read from `started_ms` on; whether
    /// some were damaged. The next step is due when `held` allows.
    pub fn proved(&mut self, started_ms: u64, groups: GroupRange, bytes: u64, damaged: bool, held: Held) {
        let Some(position) = &mut self.progress.next else { return };
        position.group = groups.end;
        self.progress.proved_bytes = self.progress.proved_bytes.saturating_add(bytes);
        self.progress.damaged_count = self.progress.damaged_count.saturating_add(u64::from(damaged));
        let cost = bytes.saturating_add(OBJECT_COST_BYTES);
        let pause_ms = cost.saturating_mul(1_000).checked_div(self.rate(held)).unwrap_or(0);
        self.ready_ms = started_ms.saturating_add(pause_ms);
    }

    /// Bytes a second: enough for a pass in [`PASS_AIM_MS`].
    #[must_use]
    pub fn rate(&self, held: Held) -> u64 {
        // Each window, the last of an object too, is counted like an object.
        let windows = held.objects_count.saturating_add(held.bytes / WINDOW_BYTES);
        let cost = held.bytes.saturating_add(windows.saturating_mul(OBJECT_COST_BYTES));
        cost.div_ceil(PASS_AIM_MS / 1_000).max(self.least_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::num::NonZeroU64;
    use std::{collections::BTreeMap, vec, vec::Vec};

    const MIB: u64 = 1024 * 1024;

    struct Disk(BTreeMap<DataObjectId, u64>);

    impl Disk {
        fn of(objects: &[(u64, u64)]) -> Self {
            Self(objects.iter().map(|(id, size)| (DataObjectId(*id), *size)).collect())
        }

        fn held(&self) -> Held {
            Held { objects_count: argosy_domain::num::to_u64(self.0.len()), bytes: self.0.values().sum() }
        }

        /// Runs until the pass ends, or for so many steps; gives what was proved, and the time then.
        fn run(&self, scrub: &mut Scrub, mut now_ms: u64, steps: usize) -> (Vec<(u64, u64, u64)>, u64) {
            let mut proved = Vec::new();
            while proved.len() < steps {
                match scrub.step(now_ms, |id| self.0.range(id..).next().map(|(id, size)| (*id, *size))) {
                    Step::Wait { until_ms } => {
                        assert!(until_ms > now_ms);
                        now_ms = until_ms;
                    }
                    Step::Prove { id, groups } => {
                        proved.push((id.0, groups.start, groups.end));
                        let bytes = argosy_content::byte_range(groups, self.0[&id]);
                        scrub.proved(
                            now_ms,
                            groups,
                            bytes.end.saturating_sub(bytes.start),
                            false,
                            self.held(),
                        );
                    }
                    Step::PassEnded => break,
                }
            }
            (proved, now_ms)
        }
    }

    fn scrub(progress: Progress, rate: u64) -> Scrub {
        Scrub::new(progress, NonZeroU64::new(rate).unwrap())
    }

    #[test]
    fn a_pass_meets_every_group_once_and_the_next_comes_a_day_later() {
        let disk = Disk::of(&[(1, 1), (4, 0), (7, MIB + 1), (9, 3 * MIB)]);
        let mut scrub = scrub(Progress::default(), MIB);
        let (proved, end_ms) = disk.run(&mut scrub, 1_000, 99);
        let expected = vec![(1, 0, 1), (7, 0, 64), (7, 64, 65), (9, 0, 64), (9, 64, 128), (9, 128, 192)];
        let without_empty: Vec<_> = proved.iter().copied().filter(|(id, ..)| *id != 4).collect();
        assert_eq!(without_empty, expected);
        assert_eq!(scrub.progress().proved_bytes, disk.held().bytes);
        // Slower than the rate allows, never faster.
        assert!(end_ms - 1_000 >= 4 * 1_000, "{end_ms}");
        assert_eq!(scrub.next_pass_ms(), Some(1_000 + PASS_EVERY_MS));
        assert_eq!(scrub.step(end_ms, |_| None), Step::Wait { until_ms: 1_000 + PASS_EVERY_MS });
        assert_eq!(disk.run(&mut scrub, 1_000 + PASS_EVERY_MS, 99).0, proved);
    }

    #[test]
    fn it_goes_on_where_it_was_though_objects_come_and_go() {
        let mut disk = Disk::of(&[(2, MIB), (5, 3 * MIB), (8, MIB)]);
        let mut first = scrub(Progress::default(), MIB);
        assert_eq!(disk.run(&mut first, 5, 2).0, [(2, 0, 64), (5, 0, 64)]);
        let mut second = scrub(first.progress(), MIB);
        assert_eq!(disk.run(&mut second, 10, 1).0, [(5, 64, 128)]);
        assert_eq!(second.progress().began_ms, 5);
        // The one it was at has gone, another has come before it.
        disk.0.remove(&DataObjectId(5));
        disk.0.insert(DataObjectId(3), MIB);
        let mut third = scrub(second.progress(), MIB);
        assert_eq!(disk.run(&mut third, 20, 9).0, [(8, 0, 64)]);
    }

    #[test]
    fn a_pass_over_much_takes_six_days() {
        let held = Held { objects_count: 1_000_000, bytes: 40 << 40 };
        let scrub = scrub(Progress::default(), 8 * MIB);
        let rate = scrub.rate(held);
        assert!(held.bytes / rate < 6 * 86_400 && held.bytes / rate > 5 * 86_400, "{rate}");
        assert_eq!(scrub.rate(Held { objects_count: 10, bytes: 1 << 40 }), 8 * MIB);
        // Ten million thumbnails: their number counts, not their bytes.
        let held = Held { objects_count: 10_000_000, bytes: 10_000_000 };
        assert!(10_000_000 * OBJECT_COST_BYTES / scrub.rate(held) <= 6 * 86_400);
    }

    #[test]
    fn a_clock_that_is_put_back_delays_nothing_for_ever() {
        let disk = Disk::of(&[(1, 10)]);
        let progress = Progress { began_ms: u64::MAX, ..Progress::default() };
        let mut scrub = scrub(progress, MIB);
        let Step::Wait { until_ms } = scrub.step(77, |_| None) else { panic!("it has just begun") };
        assert_eq!(until_ms, 77 + PASS_EVERY_MS);
        assert_eq!(disk.run(&mut scrub, until_ms, 9).0, [(1, 0, 1)]);
    }
}
