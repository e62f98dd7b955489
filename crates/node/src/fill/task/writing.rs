//! Getting what was proved to the disk, and completing the object.

use super::{FillTask, MAX_COMPLETIONS, MAX_LOSSES, Writing};
use crate::fill::{
    FillError,
    writer::{self, BATCH_BYTES, Batch, WriteResult},
};
use argosy_content::SliceItem;
use argosy_domain::num::to_u64;
use argosy_store::{StoreError, StoredObject};
use std::sync::Arc;

impl FillTask {
    pub(super) fn enqueue(&mut self, item: SliceItem) {
        if let SliceItem::Group(group) = &item {
            self.unwritten.insert(group.index());
            self.unwritten_bytes = self.unwritten_bytes.saturating_add(to_u64(group.data().len()));
        }
        self.queue.push_back(item);
    }

    /// Hands the next batch to a blocking thread, if none is at work.
    pub(super) fn write_next(&mut self) {
        // The first batch makes files: not for pairs alone, which prove nothing that is held.
        let nothing_yet = self.partial.is_none() && self.unwritten.is_empty();
        if self.writing.is_some() || self.queue.is_empty() || nothing_yet {
            return;
        }
        let (mut items, mut groups, mut bytes) = (Vec::new(), Vec::new(), 0_u64);
        while bytes < BATCH_BYTES
            && let Some(item) = self.queue.pop_front()
        {
            bytes = bytes.saturating_add(writer::data_bytes(&item));
            if let SliceItem::Group(group) = &item {
                groups.push(group.index());
            }
            items.push(item);
        }
        let batch = Batch {
            store: self.inner.store.clone(),
            room: Arc::clone(&self.inner.room),
            id: self.board.id(),
            meta: self.board.meta(),
            partial: self.partial.clone(),
            items,
        };
        let done = tokio::task::spawn_blocking(move || batch.write());
        self.writing = Some(Writing { groups, bytes, done });
    }

    pub(super) fn on_written(&mut self, result: WriteResult) -> Result<(), FillError> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        match result {
            Ok(partial) if self.partial.is_some() => drop(partial),
            Ok(partial) => {
                self.board.opened(Arc::clone(&partial));
                self.partial = Some(partial);
                if self.completing {
                    self.want_whole();
                }
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(tracing::field::display);
                tracing::warn!(object = %self.board.id(), %error, cause, "an object is not kept");
                return Err(self.board.ended().unwrap_or(FillError::NotKept));
            }
        }
        if let Some(partial) = &self.partial {
            self.growth.note(partial);
        }
        for group in &writing.groups {
            self.unwritten.remove(group);
        }
        self.unwritten_bytes = self.unwritten_bytes.saturating_sub(writing.bytes);
        self.board.written(&writing.groups);
        Ok(())
    }

    /// All groups are written: makes the object complete. None if the disk has lost some of them.
    pub(super) async fn finish(&mut self) -> Result<Option<Arc<StoredObject>>, FillError> {
        let Some(partial) = self.partial.clone() else { return Ok(None) };
        self.completions = self.completions.saturating_add(1);
        let result = tokio::task::spawn_blocking(move || partial.complete()).await;
        match result {
            Ok(Ok(stored)) => return Ok(Some(stored)),
            // A reader has met damage meanwhile: it is fetched anew.
            Ok(Err(StoreError::Incomplete { .. })) if self.losses < MAX_LOSSES => {
                self.losses = self.losses.saturating_add(1);
                self.completions = self.completions.saturating_sub(1);
                self.rebuild();
            }
            Ok(Err(error @ (StoreError::Io { .. } | StoreError::Incomplete { .. })))
                if self.completions < MAX_COMPLETIONS =>
            {
                tracing::warn!(object = %self.board.id(), %error, "an object could not be completed yet");
                self.rebuild();
            }
            Ok(Err(error)) => {
                tracing::warn!(object = %self.board.id(), %error, "an object could not be completed");
                return Err(FillError::NotKept);
            }
            Err(_) => return Err(FillError::NotKept),
        }
        Ok(None)
    }
}
