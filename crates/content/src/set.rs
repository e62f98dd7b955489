//! A set of groups of one object.

use crate::groups::GroupRange;
use alloc::{vec, vec::Vec};
use argosy_domain::limits::WINDOW_GROUPS;
use argosy_domain::num::{to_u64, to_usize};

/// Which groups of an object are held: one bit each, one word per window of 1 MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSet {
    words: Vec<u64>,
    len: u64,
    count: u64,
}

// The map file on disk relies on this.
const _: () = assert!(WINDOW_GROUPS == 64);

impl GroupSet {
    /// The empty set for an object of `len` groups. Takes one bit of memory a group.
    #[must_use]
    pub fn new(len: u64) -> Self {
        Self { words: vec![0; to_usize(len.div_ceil(64))], len, count: 0 }
    }

    /// The set of all groups of an object of `len` groups.
    #[must_use]
    pub fn full(len: u64) -> Self {
        let words = vec![u64::MAX; to_usize(len.div_ceil(64))];
        Self::from_words(len, words)
    }

    /// The set with these bits, lowest first. Missing words count as empty, surplus bits are dropped.
    #[must_use]
    pub fn from_words(len: u64, mut words: Vec<u64>) -> Self {
        words.resize(to_usize(len.div_ceil(64)), 0);
        let surplus = len % 64;
        if surplus != 0
            && let Some(last) = words.last_mut()
        {
            *last &= (1 << surplus) - 1;
        }
        let count = words.iter().map(|word| u64::from(word.count_ones())).sum();
        Self { words, len, count }
    }

    /// Groups that the object has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Groups in the set.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether no group is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether every group is in the set.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count == self.len
    }

    /// Puts a group in; `true` if it was not there. A group past the end is left out.
    pub fn insert(&mut self, group: u64) -> bool {
        if group >= self.len || self.contains(group) {
            return false;
        }
        self.words[to_usize(group / 64)] |= 1 << (group % 64);
        self.count += 1;
        true
    }

    /// Takes a group out; `true` if it was there.
    pub fn remove(&mut self, group: u64) -> bool {
        if !self.contains(group) {
            return false;
        }
        self.words[to_usize(group / 64)] &= !(1 << (group % 64));
        self.count -= 1;
        true
    }

    /// Whether a group is in the set.
    #[must_use]
    pub fn contains(&self, group: u64) -> bool {
        group < self.len && self.words[to_usize(group / 64)] >> (group % 64) & 1 == 1
    }

    /// Whether all of `groups` are in the set. An empty range is; one past the end is not.
    #[must_use]
    pub fn contains_range(&self, groups: GroupRange) -> bool {
        groups.is_empty()
            || (groups.end <= self.len
                && self.first_missing(groups.start).is_none_or(|missing| missing >= groups.end))
    }

    /// The first group from `from` on that is not in the set; `None` if there is none.
    #[must_use]
    pub fn first_missing(&self, from: u64) -> Option<u64> {
        self.first(from, |word| !word)
    }

    /// The first group from `from` on that is in the set; `None` if there is none.
    #[must_use]
    pub fn first_held(&self, from: u64) -> Option<u64> {
        self.first(from, |word| word)
    }

    /// The group after the last one that is in the set; 0 if the set is empty.
    #[must_use]
    pub fn end(&self) -> u64 {
        let Some(last) = self.words.iter().rposition(|word| *word != 0) else { return 0 };
        to_u64(last) * 64 + (64 - u64::from(self.words[last].leading_zeros()))
    }

    fn first(&self, from: u64, pick: impl Fn(u64) -> u64) -> Option<u64> {
        if from >= self.len {
            return None;
        }
        let first_word = to_usize(from / 64);
        let mut mask = u64::MAX << (from % 64);
        for (index, word) in self.words.iter().enumerate().skip(first_word) {
            let picked = pick(*word) & mask;
            if picked != 0 {
                let group = to_u64(index) * 64 + u64::from(picked.trailing_zeros());
                return (group < self.len).then_some(group);
            }
            mask = u64::MAX;
        }
        None
    }

    /// The groups of `groups` that are not in the set, in order.
    pub fn missing_in(&self, groups: GroupRange) -> impl Iterator<Item = u64> + '_ {
        let mut from = groups.start;
        core::iter::from_fn(move || {
            let group = self.first_missing(from).filter(|group| *group < groups.end)?;
            from = group + 1;
            Some(group)
        })
    }

    /// The bits, lowest first: word `w` holds groups `64 w` to `64 w + 63`.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }
}
