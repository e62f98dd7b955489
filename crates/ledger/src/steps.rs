//! The steps of work on the disk between which a process can die. Tests look at, copy or fail them.

use std::{fmt, io, sync::Arc};

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// The header of a new segment is written under a passing name.
    NewSegment,
    /// The segment gets its name.
    SegmentNamed,
    /// The folder is synced, so that the name stays.
    SegmentSynced,
    /// A checkpoint is begun under a passing name.
    NewCheckpoint,
    /// A part of the checkpoint is written.
    CheckpointPart,
    /// The checkpoint is synced.
    CheckpointSynced,
    /// The checkpoint gets its name.
    CheckpointNamed,
    /// The checkpoint is read back.
    CheckpointRead,
    /// An old checkpoint is removed.
    CheckpointRemoved,
    /// The height below which blocks are dropped is written.
    FloorWritten,
    /// A segment of dropped blocks is removed.
    SegmentRemoved,
}

/// Looks at each step before it is done, and may fail it.
type Look = dyn Fn(Step) -> io::Result<()> + Send + Sync;

/// What looks at the steps: nothing, but in tests.
#[derive(Clone, Default)]
pub(crate) struct Steps(Option<Arc<Look>>);

impl Steps {
    pub(crate) fn at(&self, step: Step) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |look| look(step))
    }

    #[cfg(test)]
    pub(crate) fn looked_at(look: impl Fn(Step) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(look)))
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Steps").field(&self.0.is_some()).finish()
    }
}
