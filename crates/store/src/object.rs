//! Complete objects.

use crate::disk::FileStat;
use crate::error::{DamageCause, Damaged};
use crate::files::{Reader, TreeFiles, damaged, group_buffer};
use crate::slice::ObjectSlice;
use crate::store::ObjectMeta;
use crate::sync::lock;
use argosy_content::{GroupRange, GroupSet, PathVerifier, TreeSource, group_count, group_len};
use argosy_domain::DataObjectId;
use bytes::Bytes;
use std::fs::File;
use std::sync::{Arc, Mutex};

/// What has been proved of an object's file since the process started.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The file as it was when the first of `groups` was proved.
    stat: Option<FileStat>,
    groups: Option<GroupSet>,
}

impl Checked {
    /// The first group of `groups` that has not been proved since the file last changed.
    fn next(&mut self, stat: FileStat, size: u64, groups: GroupRange) -> Option<u64> {
        if self.stat != Some(stat) {
            self.stat = Some(stat);
            self.groups = None;
        }
        let proved = self.groups.get_or_insert_with(|| GroupSet::new(group_count(size)));
        proved.first_missing(groups.start).filter(|group| *group < groups.end)
    }

    /// These are to be proved again, whatever was proved before.
    fn doubt(&mut self, groups: GroupRange) {
        if let Some(proved) = &mut self.groups {
            for group in groups.iter() {
                proved.remove(group);
            }
        }
    }

    fn proved(&mut self, stat: FileStat, group: u64) {
        if self.stat == Some(stat)
            && let Some(groups) = &mut self.groups
        {
            groups.insert(group);
        }
    }
}

/// A complete object, open for reading. It stays readable after it was removed from the store.
#[derive(Debug)]
pub struct StoredObject {
    id: DataObjectId,
    files: TreeFiles,
    checked: Arc<Mutex<Checked>>,
}

impl StoredObject {
    pub(crate) fn new(id: DataObjectId, files: TreeFiles, checked: Arc<Mutex<Checked>>) -> Self {
        Self { id, files, checked }
    }

    /// The object's id.
    #[must_use]
    pub fn id(&self) -> DataObjectId {
        self.id
    }

    /// Content id and size.
    #[must_use]
    pub fn meta(&self) -> ObjectMeta {
        self.files.meta
    }

    /// The file of the bytes, for sending without copying what [`StoredObject::ensure_verified`]
    /// has passed; `None` on a disk that is not real.
    #[must_use]
    pub fn file(&self) -> Option<&Arc<File>> {
        self.files.data.std_file()
    }

    /// The bytes of each of `groups` (those past the end left out), proved on this very read.
    /// Memory: all of them, so ask for a window at a time.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn read_verified(&self, groups: GroupRange) -> Result<Vec<Bytes>, Damaged> {
        // Looked at before the bytes: a change while they are read shows at the next call.
        let stat = self.files.data.stat();
        let read = self.files.read_verified(groups).map_err(|unproved| {
            let damaged = damaged(self.id, unproved);
            // Even if it cannot be taken back, nobody is given it for what it was before.
            lock(&self.checked).doubt(damaged.groups.intersection(GroupRange::whole(self.files.meta.size)));
            damaged
        })?;
        if let Ok(stat) = stat {
            let ObjectMeta { size, .. } = self.files.meta;
            let mut checked = lock(&self.checked);
            checked.next(stat, size, groups);
            for group in groups.intersection(GroupRange::whole(size)).iter() {
                checked.proved(stat, group);
            }
        }
        Ok(read)
    }

    /// The same, but what was proved since the process started, in a file that was not written to since,
    /// is read without proving it again.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn read_checked(&self, groups: GroupRange) -> Result<Vec<Bytes>, Damaged> {
        if !self.is_verified(groups) {
            return self.read_verified(groups);
        }
        self.files.read_unproved(groups).map_err(|unproved| damaged(self.id, unproved))
    }

    /// Whether [`StoredObject::ensure_verified`] would have nothing to read.
    #[must_use]
    pub fn is_verified(&self, groups: GroupRange) -> bool {
        let ObjectMeta { size, .. } = self.files.meta;
        let groups = groups.intersection(GroupRange::whole(size));
        match self.files.data.stat() {
            Ok(stat) => lock(&self.checked).next(stat, size, groups).is_none(),
            Err(_) => false,
        }
    }

    /// Proves `groups` unless that was done since the process started and the file was not written
    /// to since. Reads all of them the first time, so ask for a window at a time.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn ensure_verified(&self, groups: GroupRange) -> Result<(), Damaged> {
        let ObjectMeta { content_id, size } = self.files.meta;
        let groups = groups.intersection(GroupRange::whole(size));
        // Looked at before the bytes: a change while they are read shows at the next call.
        let stat = self.files.data.stat().map_err(|source| Damaged {
            id: self.id,
            groups,
            cause: DamageCause::Io(source),
        })?;
        let mut next = lock(&self.checked).next(stat, size, groups);
        if next.is_none() {
            return Ok(());
        }
        let mut reader = Reader::new(&self.files);
        let mut verifier = PathVerifier::new(content_id, size);
        let mut buffer = group_buffer();
        while let Some(group) = next {
            let bytes = &mut buffer[..group_len(group, size)];
            reader
                .read_group(group, bytes)
                .and_then(|()| verifier.check(group, bytes, |index| reader.read_pair(index)))
                .map_err(|unproved| damaged(self.id, unproved))?;
            let mut checked = lock(&self.checked);
            checked.proved(stat, group);
            let rest = GroupRange::new(group + 1, groups.end);
            // Another thread that saw a newer file must not send this one round for ever.
            next = if checked.stat == Some(stat) {
                checked.next(stat, size, rest)
            } else {
                (!rest.is_empty()).then_some(rest.start)
            };
        }
        Ok(())
    }

    /// A slice of `groups`, proved while it is read.
    #[must_use]
    pub fn encode_slice(&self, groups: GroupRange) -> ObjectSlice {
        ObjectSlice::new(self.id, self.files.clone(), groups)
    }
}
