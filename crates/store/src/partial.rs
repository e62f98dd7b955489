//! Objects being filled.

use crate::core::{Core, OpenFault};
use crate::disk::{OpenMode, remove_if_there};
use crate::error::{ReadError, StoreError};
use crate::files::{Reader, TreeFiles, damaged};
use crate::identity::{self, IDENTITY_BYTES, Kind};
use crate::index::Partial;
use crate::layout::Piece;
use crate::map::MapFile;
use crate::object::StoredObject;
use crate::pairs::PairBuffer;
use crate::slice::ObjectSlice;
use crate::store::ObjectMeta;
use crate::sync::lock;
use argosy_content::{
    GroupRange, GroupSet, VerifiedGroup, VerifiedPair, byte_range, group_count, group_len, outboard_len,
    survey,
};
use argosy_domain::limits::GROUP_BYTES;
use argosy_domain::num::{to_u64, to_usize};
use argosy_domain::{ContentId, DataObjectId};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tracing::{debug, info, warn};

/// Words of the map that may wait to be written: those of 64 windows, begun and not full.
const MAX_UNSAVED_WORDS: usize = 64;

/// An object of which some groups are held. All who fill or read it share one.
///
/// Dropping it notes on disk what is held; nothing is lost if the process dies instead, except that
/// the groups of windows that were not full are fetched again. A power cut takes what was written since the
/// last [`PartialObject::sync`].
#[derive(Debug)]
pub struct PartialObject {
    id: DataObjectId,
    files: TreeFiles,
    map: MapFile,
    core: Arc<Core>,
    held_bytes: Arc<AtomicU64>,
    /// Of groups written since the last sync began.
    unsynced_bytes: AtomicU64,
    /// The names of the files are on disk for good.
    has_durable_names: AtomicBool,
    /// Held while the files are synced. The system tells of a failure once only: whoever hears of it must have
    /// dealt with it before anybody else takes a sync that succeeds for a proof.
    syncing: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Groups that are proved and written; what readers may have.
    have: GroupSet,
    /// Proved pairs that are not written yet: before any word of the map, they must be.
    pairs: PairBuffer,
    /// Words of the map that the disk does not have yet.
    unsaved: BTreeSet<usize>,
    /// Room set aside for missing groups.
    promised: u64,
    /// Completed, discarded or removed: nothing more may be written.
    over: bool,
}

/// Bytes of these groups of an object.
pub(crate) fn bytes_in(groups: &GroupSet, meta: ObjectMeta) -> u64 {
    let last = group_count(meta.size) - 1;
    let whole = groups.count().saturating_mul(GROUP_BYTES);
    if groups.contains(last) { whole - (GROUP_BYTES - to_u64(group_len(last, meta.size))) } else { whole }
}

impl PartialObject {
    /// Begins a partial object or takes it up from its files. The caller holds the stripe and has
    /// made sure that it is neither open nor complete.
    pub(crate) fn open(
        core: &Arc<Core>,
        id: DataObjectId,
        meta: ObjectMeta,
    ) -> Result<Arc<Self>, StoreError> {
        let (files, map, have) = open_files(core, id, meta)?;
        let mut index = lock(&core.index);
        let entry = index.partial.entry(id).or_insert_with(|| Partial::new(Some(meta), 0));
        entry.meta = Some(meta);
        let held_bytes = Arc::clone(&entry.held_bytes);
        let held = bytes_in(&have, meta);
        core.room.recount(held_bytes.swap(held, Ordering::Relaxed), held);
        let state =
            State { have, pairs: PairBuffer::default(), unsaved: BTreeSet::new(), promised: 0, over: false };
        let object = Arc::new(Self {
            id,
            files,
            map,
            core: Arc::clone(core),
            held_bytes,
            unsynced_bytes: AtomicU64::new(0),
            has_durable_names: AtomicBool::new(false),
            syncing: Mutex::new(()),
            state: Mutex::new(state),
        });
        entry.open = Arc::downgrade(&object);
        Ok(object)
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

    /// The groups held now. A copy: one bit a group, 80 kB for 10 GiB.
    #[must_use]
    pub fn have(&self) -> GroupSet {
        lock(&self.state).have.clone()
    }

    /// Whether all of `groups` are held.
    #[must_use]
    pub fn has(&self, groups: GroupRange) -> bool {
        lock(&self.state).have.contains_range(groups)
    }

    /// The first group from `from` on that is not held; `None` if there is none.
    #[must_use]
    pub fn first_missing(&self, from: u64) -> Option<u64> {
        lock(&self.state).have.first_missing(from)
    }

    /// Bytes of the groups held.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Sets room aside for all that is missing, until the object is complete or this is dropped.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], [`StoreError::Gone`].
    pub fn reserve(&self) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        if state.over {
            return Err(StoreError::Gone(self.id));
        }
        let missing = self.files.meta.size - bytes_in(&state.have, self.files.meta);
        let more = missing.saturating_sub(state.promised);
        self.core.room.promise(more)?;
        state.promised += more;
        Ok(())
    }

    /// Keeps a pair. Must come before the groups under it.
    ///
    /// # Errors
    /// [`StoreError::OtherContent`], [`StoreError::Gone`], [`StoreError::NoRoom`],
    /// [`StoreError::Io`].
    pub fn write_pair(&self, pair: &VerifiedPair) -> Result<(), StoreError> {
        self.check_content(pair.content_id())?;
        let mut state = lock(&self.state);
        if state.over {
            return Err(StoreError::Gone(self.id));
        }
        state.pairs.push(pair.index(), pair.bytes());
        if state.pairs.is_full() { self.write_pairs(&mut state) } else { Ok(()) }
    }

    /// Keeps a group; on return readers of this object can have it. `false` if it was held already.
    ///
    /// # Errors
    /// [`StoreError::OtherContent`], [`StoreError::NoRoom`], [`StoreError::Gone`],
    /// [`StoreError::Io`].
    pub fn write_group(&self, group: &VerifiedGroup) -> Result<bool, StoreError> {
        self.check_content(group.content_id())?;
        let (index, len) = (group.index(), to_u64(group.data().len()));
        if !self.take_room(index, len)? {
            return Ok(false);
        }
        // Outside the lock: readers and other writers need not wait for the disk.
        let offset = byte_range(GroupRange::one(index), self.files.meta.size).start;
        if let Err(source) = self.files.data.write_all_at(group.data(), offset) {
            self.core.room.give_back(len);
            return Err(StoreError::write(len, &self.path(Piece::Part), source));
        }
        let mut state = lock(&self.state);
        let refused = if state.over { Some(Err(StoreError::Gone(self.id))) } else { None };
        if let Some(answer) = refused.or((!state.have.insert(index)).then_some(Ok(false))) {
            self.core.room.give_back(len);
            return answer;
        }
        self.held_bytes.fetch_add(len, Ordering::Relaxed);
        self.unsynced_bytes.fetch_add(len, Ordering::Relaxed);
        let word = index / 64;
        state.unsaved.insert(to_usize(word));
        let window = GroupRange::new(word * 64, ((word + 1) * 64).min(state.have.len()));
        if state.have.contains_range(window) || state.unsaved.len() > MAX_UNSAVED_WORDS {
            self.save_words(&mut state)?;
        }
        Ok(true)
    }

    /// Counts a group's bytes as used; `false` if the group is held already.
    fn take_room(&self, group: u64, len: u64) -> Result<bool, StoreError> {
        let mut state = lock(&self.state);
        if state.over {
            return Err(StoreError::Gone(self.id));
        }
        if state.have.contains(group) {
            return Ok(false);
        }
        if state.promised >= len {
            state.promised -= len;
            self.core.room.settle(len);
        } else {
            self.core.room.take(len)?;
        }
        Ok(true)
    }

    /// Notes on disk which groups are held, so that a process that dies need not fetch them again.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], [`StoreError::Io`].
    pub fn save(&self) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        if state.over { Ok(()) } else { self.save_words(&mut state) }
    }

    /// Bytes of the groups that were written since the last sync began: what a power cut may take.
    #[must_use]
    pub fn unsynced_bytes(&self) -> u64 {
        self.unsynced_bytes.load(Ordering::Relaxed)
    }

    /// Puts on disk for good what is written so far, so that a power cut does not take it. What the
    /// map says needs no sync: in another boot it is not believed. Blocks the thread; others may write and
    /// read meanwhile. Nothing is done for an object that is complete or gone.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], [`StoreError::Io`]; after the last, groups that the disk lost count as missing.
    pub fn sync(&self) -> Result<(), StoreError> {
        let _alone = lock(&self.syncing);
        {
            let mut state = lock(&self.state);
            if state.over {
                return Ok(());
            }
            // Before the bytes: what is written from now on is for the next sync.
            self.unsynced_bytes.store(0, Ordering::Relaxed);
            self.write_pairs(&mut state)?;
        }
        let synced = self.files.data.sync_data().and_then(|()| self.files.tree.sync_data());
        if let Err(source) = synced {
            self.believe_disk();
            return Err(StoreError::write(self.held_bytes(), &self.path(Piece::Part), source));
        }
        if !self.has_durable_names.load(Ordering::Relaxed) {
            self.core.sync_dir(&self.core.layout.parts())?;
            self.has_durable_names.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The bytes of each of `groups` (those past the end left out), proved on this very read.
    /// Memory: all of them, so ask for a window at a time.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read_verified(&self, groups: GroupRange) -> Result<Vec<Bytes>, ReadError> {
        let groups = self.prepare_read(groups)?;
        let read = self.files.read_verified(groups);
        read.map_err(|unproved| ReadError::Damaged(damaged(self.id, unproved)))
    }

    /// A slice of `groups` (those past the end left out), proved while it is read.
    ///
    /// # Errors
    /// [`ReadError::Missing`] if not all of them are held.
    pub fn encode_slice(&self, groups: GroupRange) -> Result<ObjectSlice, ReadError> {
        let groups = self.prepare_read(groups)?;
        Ok(ObjectSlice::new(self.id, self.files.clone(), groups))
    }

    /// Makes sure that held groups and the pairs over them can be read from the files.
    fn prepare_read(&self, groups: GroupRange) -> Result<GroupRange, ReadError> {
        let groups = groups.intersection(GroupRange::whole(self.files.meta.size));
        let mut state = lock(&self.state);
        if let Some(missing) = state.have.missing_in(groups).next() {
            return Err(ReadError::Missing(missing));
        }
        if let Err(error) = self.write_pairs(&mut state) {
            // They stay in memory. The read itself will tell if it needed them.
            warn!(id = %self.id, %error, "cannot write pairs");
        }
        Ok(groups)
    }

    /// Counts `groups` as missing again, as after [`ReadError::Damaged`].
    ///
    /// # Errors
    /// [`StoreError::Gone`], [`StoreError::NoRoom`], [`StoreError::Io`].
    pub fn forget(&self, groups: GroupRange) -> Result<(), StoreError> {
        // Not while the object is being completed: it would be published with a hole.
        let _stripe = lock(self.core.stripe(self.id));
        let mut state = lock(&self.state);
        if state.over {
            return Err(StoreError::Gone(self.id));
        }
        for group in groups.intersection(GroupRange::whole(self.files.meta.size)).iter() {
            if state.have.remove(group) {
                state.unsaved.insert(to_usize(group / 64));
            }
        }
        self.recount(&state);
        self.save_words(&mut state)
    }

    /// Makes the object complete: on disk for good when this returns. If another caller was first,
    /// gives what it made.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`], [`StoreError::Gone`], [`StoreError::NoRoom`],
    /// [`StoreError::Io`]; after the last, groups that the disk lost count as missing.
    pub fn complete(&self) -> Result<Arc<StoredObject>, StoreError> {
        let _stripe = lock(self.core.stripe(self.id));
        let _alone = lock(&self.syncing);
        {
            let mut state = lock(&self.state);
            if state.over {
                drop(state);
                return match self.core.stored(self.id) {
                    Ok(Some(object)) => Ok(object),
                    Ok(None) | Err(OpenFault::Lost) => Err(StoreError::Gone(self.id)),
                    Err(OpenFault::Failed(error)) => Err(error),
                };
            }
            if let Some(group) = state.have.first_missing(0) {
                return Err(StoreError::Incomplete { id: self.id, group });
            }
            self.write_pairs(&mut state)?;
        }
        let synced = self.files.data.sync_data().and_then(|()| self.files.tree.sync_data());
        if let Err(source) = synced {
            self.believe_disk();
            return Err(StoreError::write(self.files.meta.size, &self.path(Piece::Part), source));
        }
        self.core.publish(self.id, &self.path(Piece::Part), &self.path(Piece::Obao))?;
        self.end();
        if let Err(error) = remove_if_there(&*self.core.disk, &self.path(Piece::Map)) {
            debug!(id = %self.id, %error, "the next start removes the map");
        }
        Ok(self.core.enter_complete(self.id, self.files.clone()))
    }

    /// Nothing more is written from now on.
    pub(crate) fn end(&self) {
        let mut state = lock(&self.state);
        state.over = true;
        self.unsynced_bytes.store(0, Ordering::Relaxed);
        self.core.room.break_promise(std::mem::take(&mut state.promised));
    }

    /// After a failed sync the system may have dropped written bytes, or keep in memory what the
    /// disk does not have. Only what can be proved from the disk counts from now on. An object that is gone
    /// meanwhile has nothing that counts.
    fn believe_disk(&self) {
        let mut state = lock(&self.state);
        if state.over {
            return;
        }
        let distrusted = self.map.distrust();
        for file in [&self.files.data, &self.files.tree] {
            if let Err(error) = file.drop_cache() {
                warn!(id = %self.id, %error, "cannot drop the cache of a file that failed to sync");
            }
        }
        let meta = self.files.meta;
        state.have = survey(meta.content_id, meta.size, &mut Reader::new(&self.files));
        self.recount(&state);
        state.unsaved.clear();
        let written = distrusted.and_then(|()| self.map.write(meta, self.core.boot_id, &state.have));
        if let Err(error) = written {
            warn!(id = %self.id, %error, "cannot write the map of a partial object");
        }
    }

    fn recount(&self, state: &State) {
        let held = bytes_in(&state.have, self.files.meta);
        self.core.room.recount(self.held_bytes.swap(held, Ordering::Relaxed), held);
    }

    fn save_words(&self, state: &mut State) -> Result<(), StoreError> {
        self.write_pairs(state)?;
        while let Some(word) = state.unsaved.first().copied() {
            let written = self.map.write_word(&state.have, word);
            written.map_err(|source| StoreError::write(8, &self.path(Piece::Map), source))?;
            state.unsaved.remove(&word);
        }
        Ok(())
    }

    fn write_pairs(&self, state: &mut State) -> Result<(), StoreError> {
        let written = state.pairs.write_to(&*self.files.tree);
        written.map_err(|source| StoreError::write(64, &self.path(Piece::Obao), source))
    }

    fn check_content(&self, found: ContentId) -> Result<(), StoreError> {
        if found == self.files.meta.content_id {
            Ok(())
        } else {
            Err(StoreError::OtherContent { id: self.id, found })
        }
    }

    fn path(&self, piece: Piece) -> std::path::PathBuf {
        self.core.layout.path(self.id, piece)
    }
}

impl Drop for PartialObject {
    fn drop(&mut self) {
        if let Err(error) = self.save() {
            debug!(id = %self.id, %error, "groups of a partial object were not noted");
        }
        let promised = std::mem::take(&mut lock(&self.state).promised);
        self.core.room.break_promise(promised);
    }
}

/// Opens or makes the files, and finds out which groups they hold.
fn open_files(
    core: &Core,
    id: DataObjectId,
    meta: ObjectMeta,
) -> Result<(TreeFiles, MapFile, GroupSet), StoreError> {
    let path = |piece| core.layout.path(id, piece);
    let had_map = match core.disk.open(&path(Piece::Map), OpenMode::Read) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(source) => return Err(StoreError::io("open", &path(Piece::Map), source)),
    };
    // The bytes last: files without them mean nothing and are removed at the next start.
    let tree = core.open(&path(Piece::Obao), OpenMode::Create)?;
    let map = MapFile(core.open(&path(Piece::Map), OpenMode::Create)?);
    let data = core.open(&path(Piece::Part), OpenMode::Create)?;
    let files = TreeFiles { meta, data, tree };
    if let Some(found) = map.meta().filter(|found| *found != meta) {
        return Err(StoreError::OtherContent { id, found: found.content_id });
    }
    let found = find_groups(core, &files, &map, had_map).and_then(|(have, believed)| {
        if !believed {
            map.write(meta, core.boot_id, &have)?;
            if have.count() > 0 {
                info!(%id, groups = have.count(), of = have.len(), "proved a partial object's groups");
            }
        }
        Ok(have)
    });
    let have = found.map_err(|source| StoreError::write(0, &path(Piece::Part), source))?;
    Ok((files, map, have))
}

/// The groups that the files hold, and whether the map says so already.
fn find_groups(core: &Core, files: &TreeFiles, map: &MapFile, had_map: bool) -> io::Result<(GroupSet, bool)> {
    let meta = files.meta;
    let (data_len, tree_len) = (files.data.stat()?.len, outboard_len(meta.size));
    let tree_is_ours = identity::read(&*files.tree, Kind::Tree, tree_len) == Some(meta);
    let lengths_are_right = data_len == meta.size && tree_is_ours;
    if lengths_are_right && map.meta() == Some(meta) && map.is_of_boot(core.boot_id) {
        return Ok((map.groups(meta.size)?, true));
    }
    if !lengths_are_right {
        files.data.set_len(meta.size)?;
        files.tree.set_len(tree_len + IDENTITY_BYTES)?;
        files.tree.write_all_at(&identity::encode(Kind::Tree, meta), tree_len)?;
    }
    if data_len == 0 {
        return Ok((GroupSet::new(group_count(meta.size)), false));
    }
    let found = survey(meta.content_id, meta.size, &mut Reader::new(files));
    // A complete object that lost its tree: its bytes can still tell the whole tree.
    let lost_tree = !had_map && data_len == meta.size && found.is_empty();
    if lost_tree && files.rebuild_tree(&mut |_| Ok(()))? == Some(meta.content_id) {
        return Ok((GroupSet::full(group_count(meta.size)), false));
    }
    Ok((found, false))
}
