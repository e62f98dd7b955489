//! Proved groups in memory, shared by all readers of a fill: those that are not on disk yet, and those that
//! readers will soon come to.

use argosy_content::GroupRange;
use argosy_domain::num::to_u64;
use bytes::Bytes;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes on disk that one fill keeps in memory at least, if its readers come to them.
const LEAST_RETAINED_BYTES: u64 = 2 * 1024 * 1024;
/// Bytes on disk that one fill keeps at most: readers that came together are less far apart.
const MOST_RETAINED_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes on disk that all fills of a node keep beyond what each may in any case.
const ALL_RETAINED_BYTES: u64 = 128 * 1024 * 1024;

/// What the fills of a node keep in memory of what is on disk, in bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Retained(Arc<AtomicU64>);

/// One fill's groups in memory.
#[derive(Debug)]
pub(super) struct Window {
    /// Those that are not on disk yet are all here.
    groups: BTreeMap<u64, Bytes>,
    /// Those of them that are on disk, oldest first.
    retained: VecDeque<u64>,
    retained_bytes: u64,
    all: Retained,
}

impl Window {
    pub(super) fn new(all: Retained) -> Self {
        Self { groups: BTreeMap::new(), retained: VecDeque::new(), retained_bytes: 0, all }
    }

    /// A group that was proved and is not on disk yet, or not any more.
    pub(super) fn insert(&mut self, group: u64, bytes: Bytes) {
        if self.groups.contains_key(&group)
            && let Some(at) = self.retained.iter().position(|retained| *retained == group)
        {
            self.retained.remove(at);
            self.forget(group);
        }
        self.groups.insert(group, bytes);
    }

    /// Those from the first of `wanted` on that are here without a gap.
    pub(super) fn run(&self, wanted: GroupRange) -> Vec<Bytes> {
        let found = self.groups.range(wanted.start..wanted.end.max(wanted.start));
        let unbroken = found.zip(wanted.iter()).take_while(|((group, _), expected)| *group == expected);
        unbroken.map(|((_, bytes), _)| bytes.clone()).collect()
    }

    /// Lets go of all before `group`.
    pub(super) fn pass(&mut self, group: u64) {
        self.groups = self.groups.split_off(&group);
    }

    /// These are on disk now. Of all that are, those stay that lie in one of `wanted`, the newest first,
    /// as far as there is room.
    pub(super) fn written(&mut self, written: &[u64], wanted: &[GroupRange]) {
        for group in written {
            if let Some(bytes) = self.groups.get(group) {
                self.retained_bytes = self.retained_bytes.saturating_add(to_u64(bytes.len()));
                self.all.add(to_u64(bytes.len()));
                self.retained.push_back(*group);
            }
        }
        let wanted = merged(wanted);
        let mut waiting = std::mem::take(&mut self.retained);
        waiting.retain(|group| {
            let keep = wanted.iter().any(|groups| groups.contains(*group));
            if !keep {
                self.forget(*group);
            }
            keep
        });
        while self.is_over()
            && let Some(oldest) = waiting.pop_front()
        {
            self.forget(oldest);
        }
        self.retained = waiting;
    }

    fn is_over(&self) -> bool {
        let crowded = self.all.0.load(Ordering::Relaxed) > ALL_RETAINED_BYTES;
        self.retained_bytes > if crowded { LEAST_RETAINED_BYTES } else { MOST_RETAINED_BYTES }
    }

    fn forget(&mut self, group: u64) {
        if let Some(bytes) = self.groups.remove(&group) {
            self.retained_bytes = self.retained_bytes.saturating_sub(to_u64(bytes.len()));
            self.all.take(to_u64(bytes.len()));
        }
    }

    /// Gives up what is in memory only for speed.
    pub(super) fn drop_retained(&mut self) {
        for group in std::mem::take(&mut self.retained) {
            self.forget(group);
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.all.take(self.retained_bytes);
    }
}

impl Retained {
    fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn take(&self, bytes: u64) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The same groups in as few ranges as can be: readers that came together want nearly the same.
fn merged(ranges: &[GroupRange]) -> Vec<GroupRange> {
    let mut sorted: Vec<GroupRange> = ranges.iter().copied().filter(|range| !range.is_empty()).collect();
    sorted.sort_by_key(|range| range.start);
    let mut merged: Vec<GroupRange> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: usize = 16 * 1024;

    fn filled(all: &Retained, groups: std::ops::Range<u64>) -> Window {
        let mut window = Window::new(all.clone());
        for group in groups {
            window.insert(group, Bytes::from(vec![0; GROUP]));
        }
        window
    }

    fn held(window: &Window, groups: std::ops::Range<u64>) -> Vec<u64> {
        groups.filter(|group| !window.run(GroupRange::one(*group)).is_empty()).collect()
    }

    #[test]
    fn what_is_not_written_stays_and_of_the_rest_what_somebody_comes_to() {
        let all = Retained::default();
        let mut window = filled(&all, 0..10);
        window.written(&[0, 1, 2, 3, 4, 5], &[GroupRange::new(4, 9), GroupRange::new(1, 2)]);
        assert_eq!(held(&window, 0..10), [1, 4, 5, 6, 7, 8, 9]);
        assert_eq!(window.run(GroupRange::new(4, 7)).len(), 3);
        assert_eq!(window.run(GroupRange::new(1, 7)).len(), 1, "up to the gap");
        assert!(window.run(GroupRange::new(0, 7)).is_empty());
        window.drop_retained();
        assert_eq!(held(&window, 0..10), [6, 7, 8, 9]);
        window.written(&[6], &[GroupRange::new(0, 10)]);
        // The disk has lost it, and it comes again: until it is written, nobody else has it.
        window.insert(6, Bytes::from(vec![0; GROUP]));
        window.drop_retained();
        assert_eq!(held(&window, 0..10), [6, 7, 8, 9]);
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
        window.written(&[6, 7], &[GroupRange::new(0, 10)]);
        drop(window);
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn memory_is_bounded_for_each_fill_and_for_all() {
        let all = Retained::default();
        let count = 40 * 64;
        let groups: Vec<u64> = (0..count).collect();
        let mut windows = Vec::new();
        for nth in 0..8_u64 {
            let mut window = filled(&all, 0..count);
            window.written(&groups, &[GroupRange::new(0, count)]);
            let bound = if nth < 4 { MOST_RETAINED_BYTES } else { LEAST_RETAINED_BYTES };
            assert_eq!(window.retained_bytes, bound, "{nth}");
            assert_eq!(held(&window, 0..count).last(), Some(&(count - 1)), "the newest stay");
            windows.push(window);
        }
        let taken: u64 = windows.iter().map(|window| window.retained_bytes).sum();
        assert_eq!(all.0.load(Ordering::Relaxed), taken);
        drop(windows);
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
    }
}
