//! Makes slices from a source of pairs and bytes, and proves them on the way.

use crate::groups::{GroupRange, byte_range};
use crate::plan::slice_len;
use crate::verify::{TreeSource, VerifyError};
use crate::walk::{Walk, Want};
use argosy_domain::ContentId;
use argosy_domain::limits::GROUP_BYTES;
use argosy_domain::num::{to_u64, to_usize};
use bytes::{Bytes, BytesMut};

/// Most bytes that one step of an encoder gives.
pub const SLICE_CHUNK_BYTES: usize = 256 * 1024;

const _: () = assert!(to_u64(SLICE_CHUNK_BYTES) >= GROUP_BYTES);

/// Makes a slice in chunks of at most [`SLICE_CHUNK_BYTES`], each proved before it is let out.
#[derive(Clone, Debug)]
pub struct SliceEncoder {
    walk: Walk,
    size: u64,
    /// Bytes still to give.
    left: u64,
}

impl SliceEncoder {
    /// An encoder of `groups` of the object of `size` bytes that `content_id` names. Groups past
    /// its end are left out.
    #[must_use]
    pub fn new(content_id: ContentId, size: u64, groups: GroupRange) -> Self {
        let left = slice_len(size, groups);
        Self { walk: Walk::new(content_id, size, groups), size, left }
    }

    /// Bytes still to come. Before the first chunk: the length of the slice.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.left
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// [`VerifyError`] when the source fails or holds wrong bytes. Nothing of the chunk is let out
    /// then; the encoder is of no further use.
    pub fn next_chunk<S: TreeSource>(
        &mut self,
        source: &mut S,
    ) -> Result<Option<Bytes>, VerifyError<S::Error>> {
        let room = SLICE_CHUNK_BYTES.min(to_usize(self.left));
        let mut chunk = BytesMut::with_capacity(room);
        while let Some(want) = self.walk.want() {
            if chunk.len() + want.len() > room {
                break;
            }
            self.take(want, source, &mut chunk)?;
        }
        self.left = self.left.saturating_sub(to_u64(chunk.len()));
        Ok((!chunk.is_empty()).then(|| chunk.freeze()))
    }

    fn take<S: TreeSource>(
        &mut self,
        want: Want,
        source: &mut S,
        chunk: &mut BytesMut,
    ) -> Result<(), VerifyError<S::Error>> {
        match want {
            Want::Pair { index } => {
                let pair = source.read_pair(index).map_err(|source| {
                    let groups = self.walk.next_groups();
                    VerifyError::Read { groups, source }
                })?;
                self.walk.take_pair(&pair).map_err(VerifyError::Wrong)?;
                chunk.extend_from_slice(&pair);
            }
            Want::Group { index, len } => {
                let groups = GroupRange::one(index);
                let at = chunk.len();
                chunk.resize(at + len, 0);
                source
                    .read_bytes(byte_range(groups, self.size).start, &mut chunk[at..])
                    .map_err(|source| VerifyError::Read { groups, source })?;
                self.walk.take_group(&chunk[at..]).map_err(VerifyError::Wrong)?;
            }
        }
        Ok(())
    }
}
