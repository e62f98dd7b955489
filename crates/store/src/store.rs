//! The store: which objects are here, and how they come and go.

use crate::core::{Core, OpenFault};
use crate::disk::{Disk, OpenMode};
use crate::error::StoreError;
use crate::index::{Complete, Index, Partial};
use crate::layout::{Layout, Piece};
use crate::map::{MapFile, NO_BOOT};
use crate::object::StoredObject;
use crate::partial::{PartialObject, bytes_in};
use crate::quarantine::Quarantine;
use crate::recover::{check_format, recover};
use crate::room::Room;
use crate::sync::lock;
use argosy_content::{GroupRange, GroupSet, group_count};
use argosy_domain::num::to_u64;
use argosy_domain::{ContentId, DataObjectId};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tracing::{error, warn};

/// What the directory says about an object's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The BLAKE3 root of the bytes.
    pub content_id: ContentId,
    /// Bytes.
    pub size: u64,
}

/// Bounds of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Most bytes of objects, complete, partial and promised; `None`: as the disk allows.
    pub capacity_bytes: Option<u64>,
    /// Bytes of the disk that the store leaves free.
    pub disk_floor_bytes: u64,
}

/// A partial object, as a listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialInfo {
    /// The object.
    pub id: DataObjectId,
    /// What it was begun for; `None` if that was lost.
    pub meta: Option<ObjectMeta>,
    /// Bytes of proved groups, as last known.
    pub held_bytes: u64,
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Complete objects.
    pub objects: u64,
    /// Their bytes.
    pub object_bytes: u64,
    /// Partial objects.
    pub partials: u64,
    /// Bytes of their proved groups.
    pub partial_bytes: u64,
    /// Bytes promised to uploads and fills and not written yet.
    pub promised_bytes: u64,
}

/// Verified objects in one directory. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) core: Arc<Core>,
}

impl Store {
    /// Opens a store, made if the directory is empty or missing. Finds out from the files what is
    /// held, ends what a crash interrupted, and removes what is temporary.
    ///
    /// # Errors
    /// [`StoreError::AlreadyInUse`], [`StoreError::NewerFormat`], [`StoreError::NotAStore`],
    /// [`StoreError::Io`].
    pub fn open(dir: &Path, disk: Arc<dyn Disk>, config: StoreConfig) -> Result<Self, StoreError> {
        let layout = Layout::new(dir);
        let create =
            |path: &Path| disk.create_dir(path).map_err(|source| StoreError::io("create", path, source));
        create(dir)?;
        let held = disk
            .lock(&layout.lock())
            .map_err(|source| StoreError::io("lock", &layout.lock(), source))?
            .ok_or_else(|| StoreError::AlreadyInUse(dir.to_owned()))?;
        check_format(&*disk, &layout)?;
        for path in [layout.objects(), layout.parts(), layout.quarantine()] {
            create(&path)?;
        }
        disk.sync_dir(dir).map_err(|source| StoreError::io("sync", dir, source))?;

        let boot_id = disk.boot_id().unwrap_or_else(|error| {
            warn!(%error, "no boot id: partial objects are proved again at every start");
            NO_BOOT
        });
        let found = recover(&*disk, &layout, boot_id)?;
        let mut index = Index::default();
        let mut used: u64 = 0;
        for (id, size) in found.complete {
            used = used.saturating_add(size);
            index.complete.insert(id, Complete::new(size));
        }
        for (id, meta, held_bytes) in found.partial {
            used = used.saturating_add(held_bytes);
            index.partial.insert(id, Partial::new(meta, held_bytes));
        }
        let room = Room::new(Arc::clone(&disk), dir.to_owned(), config, used);
        Ok(Self { core: Arc::new(Core::new(disk, layout, room, boot_id, index, held)) })
    }

    /// A complete object. One that is here but cannot be opened counts as absent, and is logged.
    #[must_use]
    pub fn get(&self, id: DataObjectId) -> Option<Arc<StoredObject>> {
        match self.core.stored(id) {
            Ok(object) => object,
            Err(OpenFault::Lost) => {
                error!(%id, "object has lost its identity and must be filled again");
                None
            }
            Err(OpenFault::Failed(error)) => {
                error!(%id, %error, "object cannot be opened");
                None
            }
        }
    }

    /// Whether an object is complete here, without opening it.
    #[must_use]
    pub fn contains(&self, id: DataObjectId) -> bool {
        lock(&self.core.index).complete.contains_key(&id)
    }

    /// The partial object of this id: begun, or taken up where it stopped. Takes no room by itself:
    /// each group does when it is written, or all of them by [`PartialObject::reserve`].
    ///
    /// After a power cut the first call reads all that was held to prove it again. A complete
    /// object that lost its identity becomes partial here, with the groups that can be proved.
    ///
    /// # Errors
    /// [`StoreError::AlreadyComplete`], [`StoreError::OtherContent`] when something else is here
    /// under this id, [`StoreError::NoRoom`], [`StoreError::Io`].
    pub fn partial(&self, id: DataObjectId, meta: ObjectMeta) -> Result<Arc<PartialObject>, StoreError> {
        let _stripe = lock(self.core.stripe(id));
        if let Some(live) = self.core.live_partial(id) {
            let found = live.meta();
            let other = StoreError::OtherContent { id, found: found.content_id };
            return if found == meta { Ok(live) } else { Err(other) };
        }
        match self.core.stored(id) {
            Ok(None) => {}
            Ok(Some(object)) if object.meta() == meta => {
                return Err(StoreError::AlreadyComplete(id));
            }
            Ok(Some(object)) => {
                let found = object.meta().content_id;
                return Err(StoreError::OtherContent { id, found });
            }
            Err(OpenFault::Lost) => self.core.unsettle(id)?,
            Err(OpenFault::Failed(error)) => return Err(error),
        }
        PartialObject::open(&self.core, id, meta)
    }

    /// As [`Store::partial`], but begins nothing: `None` if nothing of the object is held.
    ///
    /// # Errors
    /// As [`Store::partial`].
    pub fn existing_partial(
        &self,
        id: DataObjectId,
        meta: ObjectMeta,
    ) -> Result<Option<Arc<PartialObject>>, StoreError> {
        let known = {
            let index = lock(&self.core.index);
            index.partial.contains_key(&id) || index.complete.contains_key(&id)
        };
        if known { self.partial(id, meta).map(Some) } else { Ok(None) }
    }

    /// Believes nothing that was noted about an object before: a complete one becomes partial, and
    /// the next [`Store::partial`] reads all its bytes to prove them again. An object that somebody has
    /// open as a partial one is left alone; one that is not here, too.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn doubt(&self, id: DataObjectId) -> Result<(), StoreError> {
        let _stripe = lock(self.core.stripe(id));
        if self.contains(id) {
            self.core.unsettle(id)
        } else if self.core.live_partial(id).is_none() {
            self.core.remove_file(&self.core.layout.path(id, Piece::Map))
        } else {
            Ok(())
        }
    }

    /// Room for an upload of `size` bytes whose proof comes only at its end.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], [`StoreError::Io`].
    pub fn quarantine(&self, size: u64) -> Result<Quarantine, StoreError> {
        Quarantine::open(&self.core, size)
    }

    /// Turns a complete object with damaged groups into a partial one that lacks them.
    ///
    /// # Errors
    /// [`StoreError::Absent`] if it is not complete, or has lost its identity too (then it waits
    /// for [`Store::partial`]); [`StoreError::Io`].
    pub fn demote(&self, id: DataObjectId, bad: GroupRange) -> Result<Arc<PartialObject>, StoreError> {
        let _stripe = lock(self.core.stripe(id));
        let meta = match self.core.stored(id) {
            Ok(Some(object)) => object.meta(),
            Ok(None) => return Err(StoreError::Absent(id)),
            Err(OpenFault::Lost) => {
                self.core.unsettle(id)?;
                return Err(StoreError::Absent(id));
            }
            Err(OpenFault::Failed(error)) => return Err(error),
        };
        let mut have = GroupSet::full(group_count(meta.size));
        for group in bad.intersection(GroupRange::whole(meta.size)).iter() {
            have.remove(group);
        }
        self.take_back(id, meta, &have)?;
        self.core.enter_demoted(id, Some(meta), bytes_in(&have, meta));
        PartialObject::open(&self.core, id, meta)
    }

    /// Gives the files of a complete object the names of a partial one that has `have`.
    fn take_back(&self, id: DataObjectId, meta: ObjectMeta, have: &GroupSet) -> Result<(), StoreError> {
        let core = &self.core;
        let path = |piece| core.layout.path(id, piece);
        // The map first: while the data has its final name, a map means nothing.
        let map = MapFile(core.open(&path(Piece::Map), OpenMode::Create)?);
        map.write(meta, core.boot_id, have)
            .map_err(|source| StoreError::write(0, &path(Piece::Map), source))?;
        let rename = |from, to| {
            let (from, to) = (path(from), path(to));
            core.disk.rename(&from, &to).map_err(|source| StoreError::io("rename", &from, source))
        };
        rename(Piece::Data, Piece::Part)?;
        if let Err(failed) = rename(Piece::Tree, Piece::Obao) {
            // The tree's place decides nothing; but the object must be in one state.
            rename(Piece::Part, Piece::Data)?;
            return Err(failed);
        }
        core.sync_dir(&core.layout.parts())?;
        core.sync_dir(&core.layout.shard_of(id))
    }

    /// Removes all that is held of an object, for good on return; `false` if nothing was.
    /// Those who have it open read on.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove(&self, id: DataObjectId) -> Result<bool, StoreError> {
        let core = &self.core;
        let _stripe = lock(core.stripe(id));
        let had_partial = core.discard(id)?;
        if !self.contains(id) {
            return Ok(had_partial);
        }
        // For good before the tree goes: data without a tree would look like a loss to repair. The
        // names that it had while it was filled must not come back either.
        core.remove_file(&core.layout.path(id, Piece::Data))?;
        core.sync_dir(&core.layout.shard_of(id))?;
        core.sync_dir(&core.layout.parts())?;
        core.remove_file(&core.layout.path(id, Piece::Tree))?;
        if let Some(entry) = lock(&core.index).remove_complete(id) {
            core.room.give_back(entry.size);
        }
        Ok(true)
    }

    /// Moves the bytes of a complete object out of the store: they become the file `to`, on the same
    /// file system, over whatever has that name, for good on return. The store holds nothing of the
    /// object then.
    ///
    /// # Errors
    /// [`StoreError::Absent`] if it is not complete, [`StoreError::Io`].
    pub fn move_out(&self, id: DataObjectId, to: &Path) -> Result<(), StoreError> {
        let core = &self.core;
        let _stripe = lock(core.stripe(id));
        if !self.contains(id) {
            return Err(StoreError::Absent(id));
        }
        let data = core.layout.path(id, Piece::Data);
        core.disk.rename(&data, to).map_err(|source| StoreError::io("rename", &data, source))?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        core.sync_dir(folder)?;
        core.sync_dir(&core.layout.shard_of(id))?;
        core.remove_file(&core.layout.path(id, Piece::Tree))?;
        if let Some(entry) = lock(&core.index).remove_complete(id) {
            core.room.give_back(entry.size);
        }
        Ok(())
    }

    /// Removes a partial object and leaves a complete one alone; `false` if there was none.
    /// Those who have it open may read on, and write no more.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn discard_partial(&self, id: DataObjectId) -> Result<bool, StoreError> {
        let _stripe = lock(self.core.stripe(id));
        self.core.discard(id)
    }

    /// Ids of the complete objects, ascending.
    #[must_use]
    pub fn ids(&self) -> Vec<DataObjectId> {
        lock(&self.core.index).complete.keys().copied().collect()
    }

    /// Complete objects with their sizes in bytes, ascending by id.
    #[must_use]
    pub fn objects(&self) -> Vec<(DataObjectId, u64)> {
        let index = lock(&self.core.index);
        index.complete.iter().map(|(id, entry)| (*id, entry.size)).collect()
    }

    /// The complete object with the smallest id from `id` on, and its size in bytes.
    #[must_use]
    pub fn object_at_or_after(&self, id: DataObjectId) -> Option<(DataObjectId, u64)> {
        let index = lock(&self.core.index);
        index.complete.range(id..).next().map(|(id, entry)| (*id, entry.size))
    }

    /// Partial objects, ascending by id.
    #[must_use]
    pub fn partials(&self) -> Vec<PartialInfo> {
        let index = lock(&self.core.index);
        let info = |(id, entry): (&DataObjectId, &Partial)| PartialInfo {
            id: *id,
            meta: entry.meta,
            held_bytes: entry.held_bytes.load(Ordering::Relaxed),
        };
        index.partial.iter().map(info).collect()
    }

    /// Sums over everything held.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let promised_bytes = self.core.room.promised();
        let index = lock(&self.core.index);
        Totals {
            objects: to_u64(index.complete.len()),
            object_bytes: index.complete.values().map(|entry| entry.size).sum(),
            partials: to_u64(index.partial.len()),
            partial_bytes: index.partial.values().map(|entry| entry.held_bytes.load(Ordering::Relaxed)).sum(),
            promised_bytes,
        }
    }
}
