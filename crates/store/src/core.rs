//! What the store and its open objects share.

use crate::disk::{Disk, DiskFile, DiskLock, OpenMode, remove_if_there};
use crate::error::StoreError;
use crate::files::TreeFiles;
use crate::identity::{self, Kind};
use crate::index::{Complete, Index, Partial};
use crate::layout::{Layout, Piece, SHARDS};
use crate::object::StoredObject;
use crate::partial::PartialObject;
use crate::recover::take_back;
use crate::room::Room;
use crate::store::ObjectMeta;
use crate::sync::lock;
use argosy_content::outboard_len;
use argosy_domain::DataObjectId;
use argosy_domain::num::to_usize;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tracing::warn;

/// Locks that the ids are spread over.
const STRIPES: u64 = 64;

/// Locks are taken in this order: an object's stripe, its sync, its state, then the index or the room.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) layout: Layout,
    pub(crate) room: Room,
    pub(crate) boot_id: [u8; 16],
    pub(crate) index: Mutex<Index>,
    /// Whoever renames or removes files of an object holds its stripe.
    stripes: Vec<Mutex<()>>,
    /// Directories known to exist for good.
    shards: Mutex<BTreeSet<u64>>,
    uploads: AtomicU64,
    _lock: DiskLock,
}

/// Why a complete object did not open.
#[derive(Debug)]
pub(crate) enum OpenFault {
    /// Its files are not those of a complete object any more.
    Lost,
    /// The disk, or the process's limits, are in the way: the object may be all right.
    Failed(StoreError),
}

impl Core {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        layout: Layout,
        room: Room,
        boot_id: [u8; 16],
        index: Index,
        held: DiskLock,
    ) -> Self {
        Self {
            disk,
            layout,
            room,
            boot_id,
            index: Mutex::new(index),
            stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            shards: Mutex::new(BTreeSet::new()),
            uploads: AtomicU64::new(0),
            _lock: held,
        }
    }

    pub(crate) fn stripe(&self, id: DataObjectId) -> &Mutex<()> {
        &self.stripes[to_usize(id.0 % STRIPES)]
    }

    /// A number that no upload of this process had.
    pub(crate) fn next_upload(&self) -> u64 {
        self.uploads.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn DiskFile>, StoreError> {
        self.disk.open(path, mode).map_err(|source| StoreError::io("open", path, source))
    }

    pub(crate) fn remove_file(&self, path: &Path) -> Result<(), StoreError> {
        remove_if_there(&*self.disk, path).map_err(|source| StoreError::io("remove", path, source))
    }

    pub(crate) fn sync_dir(&self, path: &Path) -> Result<(), StoreError> {
        self.disk.sync_dir(path).map_err(|source| StoreError::io("sync", path, source))
    }

    /// Gives synced files their final names, the data last: an object is complete when both names
    /// are there. The directory they come from is not synced: if a power cut brings their old names
    /// back, the next start removes those. The caller holds the stripe.
    pub(crate) fn publish(
        &self,
        id: DataObjectId,
        data_from: &Path,
        tree_from: &Path,
    ) -> Result<(), StoreError> {
        self.ensure_shard(id)?;
        let (data, tree) = (self.layout.path(id, Piece::Data), self.layout.path(id, Piece::Tree));
        let published = self
            .disk
            .rename(tree_from, &tree)
            .and_then(|()| self.disk.rename(data_from, &data))
            .and_then(|()| self.disk.sync_dir(&self.layout.shard_of(id)));
        published.map_err(|source| {
            // It must not look complete, as nobody is told that it is. If the disk refuses this
            // too, the next start settles it.
            for (from, to) in [(&*data, data_from), (&*tree, tree_from)] {
                if let Err(error) = self.disk.rename(from, to) {
                    warn!(%id, %error, "cannot take back a name");
                }
            }
            StoreError::io("rename to", &data, source)
        })
    }

    fn ensure_shard(&self, id: DataObjectId) -> Result<(), StoreError> {
        let number = id.0 % SHARDS;
        if lock(&self.shards).contains(&number) {
            return Ok(());
        }
        let path = self.layout.shard(number);
        self.disk.create_dir(&path).map_err(|source| StoreError::io("create", &path, source))?;
        self.sync_dir(&self.layout.objects())?;
        lock(&self.shards).insert(number);
        Ok(())
    }

    /// Enters a published object, opened already.
    pub(crate) fn enter_complete(&self, id: DataObjectId, files: TreeFiles) -> Arc<StoredObject> {
        let mut entry = Complete::new(files.meta.size);
        let object = Arc::new(StoredObject::new(id, files, Arc::clone(&entry.checked)));
        entry.open = Arc::downgrade(&object);
        let mut index = lock(&self.index);
        index.partial.remove(&id);
        index.complete.insert(id, entry);
        index.keep_open(Arc::clone(&object));
        object
    }

    /// A complete object, opened if need be; `None` if there is none.
    pub(crate) fn stored(&self, id: DataObjectId) -> Result<Option<Arc<StoredObject>>, OpenFault> {
        let checked = {
            let index = lock(&self.index);
            let Some(entry) = index.complete.get(&id) else { return Ok(None) };
            if let Some(open) = entry.open.upgrade() {
                return Ok(Some(open));
            }
            Arc::clone(&entry.checked)
        };
        let object = Arc::new(StoredObject::new(id, self.open_files(id)?, checked));
        let mut index = lock(&self.index);
        let Some(entry) = index.complete.get_mut(&id) else { return Ok(None) };
        // Another thread may have been faster.
        if let Some(open) = entry.open.upgrade() {
            return Ok(Some(open));
        }
        entry.open = Arc::downgrade(&object);
        index.keep_open(Arc::clone(&object));
        Ok(Some(object))
    }

    fn open_files(&self, id: DataObjectId) -> Result<TreeFiles, OpenFault> {
        let open = |piece| {
            let path = self.layout.path(id, piece);
            let opened = self.disk.open(&path, OpenMode::Read);
            opened.map_err(|source| {
                if source.kind() == io::ErrorKind::NotFound {
                    OpenFault::Lost
                } else {
                    OpenFault::Failed(StoreError::io("open", &path, source))
                }
            })
        };
        let (data, tree) = (open(Piece::Data)?, open(Piece::Tree)?);
        let size = data
            .stat()
            .map_err(|source| {
                let path = self.layout.path(id, Piece::Data);
                OpenFault::Failed(StoreError::io("look at", &path, source))
            })?
            .len;
        let meta = identity::read(&*tree, Kind::Tree, outboard_len(size))
            .filter(|meta| meta.size == size)
            .ok_or(OpenFault::Lost)?;
        Ok(TreeFiles { meta, data, tree })
    }

    /// The open partial object of this id, if somebody has it open.
    pub(crate) fn live_partial(&self, id: DataObjectId) -> Option<Arc<PartialObject>> {
        lock(&self.index).partial.get(&id)?.open.upgrade()
    }

    /// Counts a complete object as a partial one of `held_bytes`. The caller holds the stripe.
    pub(crate) fn enter_demoted(&self, id: DataObjectId, meta: Option<ObjectMeta>, held_bytes: u64) {
        let mut index = lock(&self.index);
        let size = index.remove_complete(id).map_or(0, |entry| entry.size);
        index.partial.insert(id, Partial::new(meta, held_bytes));
        drop(index);
        self.room.recount(size, held_bytes);
    }

    /// Turns the files of a complete object into a partial one without a map, so that every byte is
    /// proved again. The caller holds the stripe.
    pub(crate) fn unsettle(&self, id: DataObjectId) -> Result<(), StoreError> {
        self.remove_file(&self.layout.path(id, Piece::Map))?;
        for (from, to) in [(Piece::Data, Piece::Part), (Piece::Tree, Piece::Obao)] {
            let (from, to) = (self.layout.path(id, from), self.layout.path(id, to));
            match take_back(&*self.disk, &from, &to) {
                Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        self.enter_demoted(id, None, 0);
        Ok(())
    }

    /// Removes a partial object's files, its bytes first: the rest means nothing without them.
    /// The caller holds the stripe.
    pub(crate) fn discard(&self, id: DataObjectId) -> Result<bool, StoreError> {
        if !lock(&self.index).partial.contains_key(&id) {
            return Ok(false);
        }
        if let Some(live) = self.live_partial(id) {
            live.end();
        }
        for piece in [Piece::Part, Piece::Obao, Piece::Map] {
            self.remove_file(&self.layout.path(id, piece))?;
        }
        self.sync_dir(&self.layout.parts())?;
        if let Some(entry) = lock(&self.index).partial.remove(&id) {
            self.room.give_back(entry.held_bytes.load(Ordering::Relaxed));
        }
        Ok(true)
    }
}
