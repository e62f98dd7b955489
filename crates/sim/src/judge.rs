//! Who knows the truth: which objects exist, what was promised to whom, and what went wrong.

use crate::{
    message::{Address, ReadEnd},
    token::Token,
};
use argosy_domain::{ContentId, DataObjectId, ObjectSize, num::to_u64};
use std::collections::BTreeMap;

/// Counts of a run, so that one can see that it was not idle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what is counted")]
pub struct Tally {
    pub events: u64,
    pub blocks: u64,
    pub puts: u64,
    pub deletions: u64,
    pub reads_done: u64,
    pub reads_failed: u64,
    pub groups_read: u64,
    pub groups_fetched: u64,
    pub groups_fetched_twice: u64,
    pub hedges: u64,
    pub wrong_groups_refused: u64,
    pub sources_banned: u64,
    pub fills_exhausted: u64,
    pub evictions: u64,
    pub crashes: u64,
    pub partitions: u64,
}

impl Tally {
    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.blocks += other.blocks;
        self.puts += other.puts;
        self.deletions += other.deletions;
        self.reads_done += other.reads_done;
        self.reads_failed += other.reads_failed;
        self.groups_read += other.groups_read;
        self.groups_fetched += other.groups_fetched;
        self.groups_fetched_twice += other.groups_fetched_twice;
        self.hedges += other.hedges;
        self.wrong_groups_refused += other.wrong_groups_refused;
        self.sources_banned += other.sources_banned;
        self.fills_exhausted += other.fills_exhausted;
        self.evictions += other.evictions;
        self.crashes += other.crashes;
        self.partitions += other.partitions;
    }
}

/// An object whose put has returned.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) content: ContentId,
    pub(crate) size: ObjectSize,
    /// Its owner has asked for its deletion: from now on it may be there or not.
    pub(crate) deleting: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Judge {
    pub(crate) published: BTreeMap<DataObjectId, Published>,
    /// Files that storage nodes dropped since the world last looked.
    pub(crate) dropped: Vec<(Address, DataObjectId)>,
    /// What must never happen, and did.
    pub(crate) violation: Option<String>,
    pub(crate) tally: Tally,
}

impl Judge {
    pub(crate) fn blame(&mut self, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(what());
        }
    }

    /// A reader has these groups now.
    pub(crate) fn read(&mut self, from: Address, object: DataObjectId, groups: &[(u64, Token)]) {
        let Some(known) = self.published.get(&object) else { return };
        self.tally.groups_read += to_u64(groups.len());
        let wrong = groups.iter().find(|(group, token)| *token != Token::of(&known.content, *group));
        if let Some((group, _)) = wrong {
            self.blame(|| format!("a reader got a wrong group {group} of object {object} from {from:?}"));
        }
    }

    /// A reader was told something about a published object.
    pub(crate) fn read_ended(&mut self, object: DataObjectId, end: ReadEnd) {
        match end {
            ReadEnd::Done => self.tally.reads_done += 1,
            ReadEnd::NotFound | ReadEnd::NotAccepted | ReadEnd::NotOurs | ReadEnd::Failed => {
                self.tally.reads_failed += 1;
            }
        }
        if end == ReadEnd::NotOurs {
            self.blame(|| format!("a distributor that must deliver object {object} said that it is not its"));
        }
    }
}
