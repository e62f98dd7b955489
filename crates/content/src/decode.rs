//! Takes a slice in frames of any size and lets out only what has been proved.

use crate::groups::GroupRange;
use crate::verify::{VerifiedGroup, VerifiedPair};
use crate::walk::{Walk, Want, WrongBytes};
use argosy_domain::ContentId;
use bytes::{Buf, Bytes, BytesMut};

/// A proved part of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SliceItem {
    /// A pair of hashes, which proves what follows it.
    Pair(VerifiedPair),
    /// The bytes of a group.
    Group(VerifiedGroup),
}

/// Checks a slice while it arrives.
///
/// Feed a frame, then take items until there is none, then feed the next frame. Between two frames
/// less than one group is held. Dropping it at any moment loses nothing that was let out.
///
/// ```text
/// decoder.feed(frame);
/// while let Some(item) = decoder.next()? { … }
/// ```
#[derive(Debug)]
pub struct SliceDecoder {
    content_id: ContentId,
    walk: Walk,
    /// The beginning of an item whose rest has not come yet; shorter than that item.
    begun: BytesMut,
    /// What was fed and not used yet.
    frame: Bytes,
    failed: Option<WrongBytes>,
}

impl SliceDecoder {
    /// A decoder for a slice of `groups` of the object of `size` bytes that `content_id` names.
    /// Groups past the end of the object are not expected.
    #[must_use]
    pub fn new(content_id: ContentId, size: u64, groups: GroupRange) -> Self {
        Self {
            content_id,
            walk: Walk::new(content_id, size, groups),
            begun: BytesMut::new(),
            frame: Bytes::new(),
            failed: None,
        }
    }

    /// Takes the next bytes of the slice.
    ///
    /// Costs nothing when the items before have been taken; otherwise the bytes are joined to those
    /// still waiting, so a caller that never takes items pays for it in memory.
    pub fn feed(&mut self, frame: Bytes) {
        if self.frame.is_empty() {
            self.frame = frame;
        } else {
            let mut joined = BytesMut::with_capacity(self.frame.len() + frame.len());
            joined.extend_from_slice(&self.frame);
            joined.extend_from_slice(&frame);
            self.frame = joined.freeze();
        }
    }

    /// The next proved item; `None` when more bytes are needed, or at the end.
    ///
    /// # Errors
    /// [`WrongBytes`] at the first pair or group that is not this object's, and when bytes follow
    /// the end; from then on always the same.
    #[expect(clippy::should_implement_trait, reason = "an iterator would end for good at `None`")]
    pub fn next(&mut self) -> Result<Option<SliceItem>, WrongBytes> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        self.advance().inspect_err(|wrong| self.failed = Some(*wrong))
    }

    fn advance(&mut self) -> Result<Option<SliceItem>, WrongBytes> {
        let Some(want) = self.walk.want() else {
            return if self.frame.is_empty() { Ok(None) } else { Err(WrongBytes::Trailing) };
        };
        let Some(bytes) = self.take(want.len()) else { return Ok(None) };
        match want {
            Want::Pair { index } => {
                let mut pair = [0; 64];
                pair.copy_from_slice(&bytes);
                self.walk.take_pair(&pair)?;
                Ok(Some(SliceItem::Pair(VerifiedPair::proved(self.content_id, index, pair))))
            }
            Want::Group { index, .. } => {
                self.walk.take_group(&bytes)?;
                Ok(Some(SliceItem::Group(VerifiedGroup::proved(self.content_id, index, bytes))))
            }
        }
    }

    /// `len` bytes once they are there: a view into the frame if one frame holds them all.
    fn take(&mut self, len: usize) -> Option<Bytes> {
        if self.begun.is_empty() && self.frame.len() >= len {
            return Some(self.frame.split_to(len));
        }
        let missing = (len - self.begun.len()).min(self.frame.len());
        if missing > 0 && self.begun.is_empty() {
            self.begun.reserve(len);
        }
        self.begun.extend_from_slice(&self.frame[..missing]);
        self.frame.advance(missing);
        (self.begun.len() == len).then(|| self.begun.split().freeze())
    }

    /// Whether the whole slice has been let out.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.failed.is_none() && self.walk.want().is_none()
    }

    /// First wanted group that has not been let out; `None` when [`SliceDecoder::is_done`].
    #[must_use]
    pub fn next_group(&self) -> Option<u64> {
        self.walk.next_group()
    }

    /// To be called when the sender has ended and all items have been taken.
    ///
    /// # Errors
    /// What [`SliceDecoder::next`] said, or [`WrongBytes::Truncated`].
    pub fn finish(self) -> Result<(), WrongBytes> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        match self.walk.next_group() {
            Some(group) => Err(WrongBytes::Truncated { group }),
            None if self.frame.is_empty() => Ok(()),
            None => Err(WrongBytes::Trailing),
        }
    }
}
