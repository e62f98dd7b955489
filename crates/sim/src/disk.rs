//! One node's disk: what was not synced is lost at a crash, and the last write is torn.

use crate::{seed::Rng, token::Token};
use argosy_content::{GroupRange, GroupSet, group_count};
use argosy_domain::{
    ContentId, DataObjectId,
    limits::GROUP_BYTES,
    num::{to_u64, to_usize},
};
use std::collections::{BTreeMap, BTreeSet};

/// The files of a node.
#[derive(Debug)]
pub(crate) struct Disk {
    files: BTreeMap<DataObjectId, File>,
    /// Removed, but the directory entry may come back at a crash.
    removed: BTreeMap<DataObjectId, File>,
    last_write: Option<(DataObjectId, u64)>,
    /// The newest checkpoint whose rename is durable.
    checkpoint: Option<Vec<u8>>,
    rng: Rng,
}

#[derive(Clone, Debug)]
struct File {
    content: ContentId,
    groups: Vec<Option<Token>>,
    /// Written since the last sync.
    unsynced: BTreeSet<u64>,
    /// Renamed into place, which happens only after a sync.
    complete: bool,
}

impl Disk {
    pub(crate) const fn new(rng: Rng) -> Self {
        Self { files: BTreeMap::new(), removed: BTreeMap::new(), last_write: None, checkpoint: None, rng }
    }

    /// Makes the partial file of an object unless there is one; gives the groups that it holds.
    pub(crate) fn open(&mut self, id: DataObjectId, content: ContentId, size: u64) -> GroupSet {
        let count = group_count(size);
        let file = self.files.entry(id).or_insert_with(|| File {
            content,
            groups: vec![None; to_usize(count)],
            unsynced: BTreeSet::new(),
            complete: false,
        });
        let mut have = GroupSet::new(count);
        for (group, token) in (0..).zip(&file.groups) {
            if token.is_some() {
                have.insert(group);
            }
        }
        have
    }

    /// Writes a group that was verified.
    pub(crate) fn write(&mut self, id: DataObjectId, group: u64, token: Token) {
        let slot = self.files.get_mut(&id).and_then(|file| {
            file.unsynced.insert(group);
            file.groups.get_mut(to_usize(group))
        });
        if let Some(slot) = slot {
            *slot = Some(token);
            self.last_write = Some((id, group));
        }
    }

    pub(crate) fn read(&self, id: DataObjectId, group: u64) -> Option<Token> {
        *self.files.get(&id)?.groups.get(to_usize(group))?
    }

    /// The groups of a range, if all are held.
    pub(crate) fn read_range(&self, id: DataObjectId, groups: GroupRange) -> Option<Vec<(u64, Token)>> {
        groups.iter().map(|group| Some((group, self.read(id, group)?))).collect()
    }

    pub(crate) fn is_complete(&self, id: DataObjectId) -> bool {
        self.files.get(&id).is_some_and(|file| file.complete)
    }

    /// Sync, then rename: durable and complete from now on.
    pub(crate) fn finish(&mut self, id: DataObjectId) {
        if let Some(file) = self.files.get_mut(&id) {
            file.unsynced.clear();
            file.complete = true;
        }
        if self.last_write.is_some_and(|(last, _)| last == id) {
            self.last_write = None;
        }
    }

    pub(crate) fn remove(&mut self, id: DataObjectId) {
        if let Some(file) = self.files.remove(&id) {
            self.removed.insert(id, file);
        }
    }

    pub(crate) fn complete_ids(&self) -> BTreeSet<DataObjectId> {
        self.files.iter().filter(|(_, file)| file.complete).map(|(id, _)| *id).collect()
    }

    pub(crate) fn partial_ids(&self) -> BTreeSet<DataObjectId> {
        self.files.iter().filter(|(_, file)| !file.complete).map(|(id, _)| *id).collect()
    }

    /// Everything on disk, complete or not.
    pub(crate) fn ids(&self) -> impl Iterator<Item = DataObjectId> {
        self.files.keys().copied()
    }

    /// The same, with the bytes that each takes or will take.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (DataObjectId, u64)> {
        self.files.iter().map(|(id, file)| (*id, to_u64(file.groups.len()) * GROUP_BYTES))
    }

    pub(crate) fn save_checkpoint(&mut self, bytes: Vec<u8>) {
        self.checkpoint = Some(bytes);
        // The directory was synced: what was removed before is gone for good.
        self.removed.clear();
    }

    pub(crate) fn checkpoint(&self) -> Option<&[u8]> {
        self.checkpoint.as_deref()
    }

    /// The machine stops at once.
    pub(crate) fn crash(&mut self) {
        for (id, file) in std::mem::take(&mut self.removed) {
            if self.rng.chance(50) {
                self.files.insert(id, file);
            }
        }
        if let Some((id, group)) = self.last_write.take()
            && let Some(file) = self.files.get_mut(&id)
            && file.unsynced.remove(&group)
            && let Some(Some(token)) = file.groups.get_mut(to_usize(group))
        {
            *token = token.spoilt(self.rng.next_u64());
        }
        for file in self.files.values_mut() {
            for group in std::mem::take(&mut file.unsynced) {
                if self.rng.chance(50)
                    && let Some(slot) = file.groups.get_mut(to_usize(group))
                {
                    *slot = None;
                }
            }
        }
    }

    /// What a node does with its files when it starts: every group of a partial file is verified
    /// again, since its bits outlived their bytes.
    pub(crate) fn verify_partials(&mut self) {
        for file in self.files.values_mut().filter(|file| !file.complete) {
            for (group, slot) in (0..).zip(&mut file.groups) {
                if slot.is_some_and(|token| token != Token::of(&file.content, group)) {
                    *slot = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn a_crash_loses_only_what_was_not_synced_and_tears_the_last_write() {
        let content = ContentId([3; 32]);
        let (synced, open) = (DataObjectId(1), DataObjectId(2));
        let mut torn = 0;
        let mut lost = 0;
        for seed in 0..100 {
            let mut disk = Disk::new(Seed::new(seed).rng());
            for id in [synced, open] {
                disk.open(id, content, 10 * 16 * 1024);
                for group in 0..10 {
                    disk.write(id, group, Token::of(&content, group));
                }
                if id == synced {
                    disk.finish(id);
                }
            }
            disk.crash();
            assert!((0..10).all(|group| disk.read(synced, group) == Some(Token::of(&content, group))));
            torn += u32::from(disk.read(open, 9).is_some_and(|token| token != Token::of(&content, 9)));
            disk.verify_partials();
            for group in 0..10 {
                match disk.read(open, group) {
                    None => lost += 1,
                    Some(token) => assert_eq!(token, Token::of(&content, group)),
                }
            }
        }
        assert_eq!(torn, 100);
        assert!((450..650).contains(&lost), "{lost} of 1000");
    }
}
