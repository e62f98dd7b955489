//! Uploads that carry no proof: hashed as they come, believed only at their end.

use crate::core::Core;
use crate::disk::{DiskFile, OpenMode};
use crate::error::{QuarantineError, StoreError};
use crate::files::TreeFiles;
use crate::identity::{self, Kind};
use crate::object::StoredObject;
use crate::pairs::PairBuffer;
use crate::store::ObjectMeta;
use crate::sync::lock;
use argosy_content::{TreeBuilder, outboard_len};
use argosy_domain::DataObjectId;
use argosy_domain::num::to_u64;
use std::path::PathBuf;
use std::sync::Arc;
use tracing::{debug, warn};

/// An upload on its way in. Dropping it removes its bytes and gives its room back.
#[derive(Debug)]
pub struct Quarantine {
    core: Arc<Core>,
    data_path: PathBuf,
    tree_path: PathBuf,
    data: Arc<dyn DiskFile>,
    tree: Arc<dyn DiskFile>,
    size: u64,
    written: u64,
    /// `None` once finished.
    builder: Option<TreeBuilder>,
    pairs: PairBuffer,
}

impl Quarantine {
    pub(crate) fn open(core: &Arc<Core>, size: u64) -> Result<Self, StoreError> {
        let (data_path, tree_path) = core.layout.upload(core.next_upload());
        core.room.promise(size)?;
        let opened = core.open(&data_path, OpenMode::Create).and_then(|data| {
            let tree = core.open(&tree_path, OpenMode::Create)?;
            Ok((data, tree))
        });
        let (data, tree) = opened.inspect_err(|_| core.room.break_promise(size))?;
        Ok(Self {
            core: Arc::clone(core),
            data_path,
            tree_path,
            data,
            tree,
            size,
            written: 0,
            builder: Some(TreeBuilder::new(size)),
            pairs: PairBuffer::default(),
        })
    }

    /// Bytes taken so far.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.written
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`QuarantineError::SizeDiffers`] at the first byte too many, [`QuarantineError::Store`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), QuarantineError> {
        let Self { builder, pairs, .. } = self;
        let pushed =
            builder.as_mut().map(|builder| builder.push(bytes, &mut |index, pair| pairs.push(index, pair)));
        if !matches!(pushed, Some(Ok(()))) {
            return Err(self.size_differs(self.size));
        }
        let len = to_u64(bytes.len());
        self.data
            .write_all_at(bytes, self.written)
            .map_err(|source| StoreError::write(len, &self.data_path, source))?;
        self.written += len;
        self.core.room.settle(len);
        if self.pairs.is_full() {
            self.write_pairs()?;
        }
        Ok(())
    }

    /// Makes the bytes the object `id`: on disk for good when this returns. What was held of it as
    /// a partial object is discarded.
    ///
    /// # Errors
    /// [`QuarantineError`]; the bytes are removed then.
    pub fn finish(
        mut self,
        id: DataObjectId,
        meta: ObjectMeta,
    ) -> Result<Arc<StoredObject>, QuarantineError> {
        let found = match self.builder.take().map(TreeBuilder::finish) {
            Some(Ok(found)) if self.size == meta.size => found,
            Some(_) | None => return Err(self.size_differs(meta.size)),
        };
        if found != meta.content_id {
            return Err(QuarantineError::ContentDiffers { expected: meta.content_id, found });
        }
        self.write_pairs()?;
        let tree_len = outboard_len(self.size);
        self.tree
            .write_all_at(&identity::encode(Kind::Tree, meta), tree_len)
            .and_then(|()| self.data.sync_data())
            .and_then(|()| self.tree.sync_data())
            .map_err(|source| StoreError::write(self.size, &self.data_path, source))?;

        let core = Arc::clone(&self.core);
        let _stripe = lock(core.stripe(id));
        if lock(&core.index).complete.contains_key(&id) {
            return Err(StoreError::AlreadyComplete(id).into());
        }
        core.publish(id, &self.data_path, &self.tree_path)?;
        // From here on the bytes are the object's: dropping this must not count them out.
        self.written = 0;
        self.size = 0;
        if let Err(error) = core.discard(id) {
            warn!(%id, %error, "the next start removes what is left of a fill");
        }
        let files = TreeFiles { meta, data: Arc::clone(&self.data), tree: Arc::clone(&self.tree) };
        Ok(core.enter_complete(id, files))
    }

    fn write_pairs(&mut self) -> Result<(), StoreError> {
        let written = self.pairs.write_to(&*self.tree);
        written.map_err(|source| StoreError::write(64, &self.tree_path, source))
    }

    fn size_differs(&self, expected_bytes: u64) -> QuarantineError {
        QuarantineError::SizeDiffers { expected_bytes, received_bytes: self.written }
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        self.core.room.give_back(self.written);
        self.core.room.break_promise(self.size - self.written);
        for path in [&self.data_path, &self.tree_path] {
            if let Err(error) = self.core.remove_file(path) {
                debug!(%error, "the next start removes what is left of an upload");
            }
        }
    }
}
