//! Files that were here before the store: checked, then taken over under their new names.

use crate::core::Core;
use crate::disk::OpenMode;
use crate::error::{QuarantineError, StoreError};
use crate::files::TreeFiles;
use crate::identity::{self, Kind};
use crate::object::StoredObject;
use crate::store::{ObjectMeta, Store};
use crate::sync::lock;
use argosy_content::outboard_len;
use argosy_domain::DataObjectId;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tracing::{debug, warn};

impl Store {
    /// Makes the file at `path`, on the same file system, the complete object `id`: nothing is copied.
    /// On return the object is on disk for good, and the file has its old name no more. What was held of
    /// it as a partial object is discarded.
    ///
    /// The bytes were on this disk before, so that no room is asked for. `read` is told of them as they
    /// are hashed; an error of its own ends that.
    ///
    /// # Errors
    /// [`QuarantineError`]; the file is as it was then. [`StoreError::AlreadyComplete`] is one of them.
    pub fn adopt(
        &self,
        id: DataObjectId,
        meta: ObjectMeta,
        path: &Path,
        read: &mut dyn FnMut(u64) -> io::Result<()>,
    ) -> Result<Arc<StoredObject>, QuarantineError> {
        if self.contains(id) {
            return Err(StoreError::AlreadyComplete(id).into());
        }
        let core = &self.core;
        let (_, tree_path) = core.layout.upload(core.next_upload());
        let adopted = take_over(core, id, meta, (path, &tree_path), read);
        if adopted.is_err()
            && let Err(error) = core.remove_file(&tree_path)
        {
            debug!(%error, "the next start removes a tree that nobody wants");
        }
        adopted
    }
}

/// In the order that makes a crash at any moment harmless: the tree, the bytes, the names, the data's
/// name last.
fn take_over(
    core: &Core,
    id: DataObjectId,
    meta: ObjectMeta,
    (path, tree_path): (&Path, &Path),
    read: &mut dyn FnMut(u64) -> io::Result<()>,
) -> Result<Arc<StoredObject>, QuarantineError> {
    let data = core.open(path, OpenMode::Read)?;
    let failed = |source| StoreError::io("read", path, source);
    let found_bytes = data.stat().map_err(failed)?.len;
    let size_differs =
        |received_bytes| QuarantineError::SizeDiffers { expected_bytes: meta.size, received_bytes };
    if found_bytes != meta.size {
        return Err(size_differs(found_bytes));
    }
    let tree = core.open(tree_path, OpenMode::Create)?;
    let files = TreeFiles { meta, data, tree };
    let found = files.rebuild_tree(read).map_err(failed)?.ok_or_else(|| size_differs(found_bytes))?;
    if found != meta.content_id {
        return Err(QuarantineError::ContentDiffers { expected: meta.content_id, found });
    }
    files
        .tree
        .write_all_at(&identity::encode(Kind::Tree, meta), outboard_len(meta.size))
        .and_then(|()| files.data.sync_data())
        .and_then(|()| files.tree.sync_data())
        .map_err(|source| StoreError::write(outboard_len(meta.size), tree_path, source))?;

    let _stripe = lock(core.stripe(id));
    if lock(&core.index).complete.contains_key(&id) {
        return Err(StoreError::AlreadyComplete(id).into());
    }
    core.publish(id, path, tree_path)?;
    if let Err(error) = core.discard(id) {
        warn!(%id, %error, "the next start removes what is left of a fill");
    }
    core.room.recount(0, meta.size);
    Ok(core.enter_complete(id, files))
}
