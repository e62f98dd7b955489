//! The bytes and the side tree of one object, and reading them with proof.

use crate::disk::{DiskFile, read_exact_at};
use crate::error::{DamageCause, Damaged};
use crate::pairs::PairBuffer;
use crate::store::ObjectMeta;
use argosy_content::{
    GroupRange, PAIR_BYTES, PathVerifier, TreeBuilder, TreeSource, VerifyError, byte_range, group_len,
    pair_count,
};
use argosy_domain::limits::{GROUP_BYTES, WINDOW_BYTES};
use argosy_domain::num::{to_u64, to_usize};
use argosy_domain::{ContentId, DataObjectId};
use bytes::{Bytes, BytesMut};
use std::io;
use std::sync::Arc;

/// Pairs read at once: those of a window.
const READ_PAIRS: u64 = 64;

/// What a read that could not be proved says.
pub(crate) type Unproved = VerifyError<io::Error>;

#[derive(Clone, Debug)]
pub(crate) struct TreeFiles {
    pub(crate) meta: ObjectMeta,
    pub(crate) data: Arc<dyn DiskFile>,
    pub(crate) tree: Arc<dyn DiskFile>,
}

impl TreeFiles {
    /// The bytes of each of `groups`, proved.
    pub(crate) fn read_verified(&self, groups: GroupRange) -> Result<Vec<Bytes>, Unproved> {
        let groups = groups.intersection(GroupRange::whole(self.meta.size));
        let found = self.read_unproved(groups)?;
        let mut reader = Reader::new(self);
        let mut verifier = PathVerifier::new(self.meta.content_id, self.meta.size);
        for (group, bytes) in groups.iter().zip(&found) {
            verifier.check(group, bytes, |index| reader.read_pair(index))?;
        }
        Ok(found)
    }

    /// The bytes of `groups`, one piece each, as they lie there.
    pub(crate) fn read_unproved(&self, groups: GroupRange) -> Result<Vec<Bytes>, Unproved> {
        let groups = groups.intersection(GroupRange::whole(self.meta.size));
        let mut reader = Reader::new(self);
        let range = byte_range(groups, self.meta.size);
        let mut run = BytesMut::zeroed(to_usize(range.end - range.start));
        if reader.read_bytes(range.start, &mut run).is_ok() {
            let mut run = run.freeze();
            let pieces = groups.iter().map(|group| run.split_to(group_len(group, self.meta.size)));
            return Ok(pieces.collect());
        }
        // One by one, to find out which of them cannot be read.
        let read = |group| {
            let mut bytes = BytesMut::zeroed(group_len(group, self.meta.size));
            reader.read_group(group, &mut bytes).map(|()| bytes.freeze())
        };
        groups.iter().map(read).collect()
    }

    /// Hashes all bytes and writes their whole tree. The content id found tells whether the bytes
    /// are this object's; if not, the tree written proves nothing. `read` is told of bytes as they are
    /// hashed, and may end it.
    pub(crate) fn rebuild_tree(
        &self,
        read: &mut dyn FnMut(u64) -> io::Result<()>,
    ) -> io::Result<Option<ContentId>> {
        let mut builder = TreeBuilder::new(self.meta.size);
        let mut pairs = PairBuffer::default();
        let mut window = vec![0; to_usize(WINDOW_BYTES)];
        let mut offset = 0;
        while offset < self.meta.size {
            let len = to_usize((self.meta.size - offset).min(WINDOW_BYTES));
            read_exact_at(&*self.data, &mut window[..len], offset)?;
            let pushed = builder.push(&window[..len], &mut |index, pair| pairs.push(index, pair));
            if pushed.is_err() {
                return Ok(None);
            }
            if pairs.is_full() {
                pairs.write_to(&*self.tree)?;
            }
            offset += to_u64(len);
            read(to_u64(len))?;
        }
        pairs.write_to(&*self.tree)?;
        Ok(builder.finish().ok())
    }
}

/// Reads pairs in runs: a walk in pre-order wants the next one soon.
#[derive(Debug)]
pub(crate) struct PairReader {
    /// The pairs from `first` on.
    run: Vec<u8>,
    first: u64,
}

impl PairReader {
    pub(crate) fn new() -> Self {
        Self { run: Vec::new(), first: 0 }
    }

    fn read(&mut self, files: &TreeFiles, index: u64) -> io::Result<[u8; 64]> {
        let held = to_u64(self.run.len()) / PAIR_BYTES;
        if index < self.first || index >= self.first + held {
            let count = pair_count(files.meta.size).saturating_sub(index).min(READ_PAIRS);
            self.run.clear();
            self.run.resize(to_usize(count * PAIR_BYTES), 0);
            self.first = index;
            if let Err(error) = read_exact_at(&*files.tree, &mut self.run, index * PAIR_BYTES) {
                self.run.clear();
                return Err(error);
            }
        }
        let at = to_usize((index - self.first) * PAIR_BYTES);
        let bytes = self.run.get(at..at + 64).ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut pair = [0; 64];
        pair.copy_from_slice(bytes);
        Ok(pair)
    }
}

/// The files of an object as the source of a walk.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    files: &'a TreeFiles,
    pairs: PairReader,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(files: &'a TreeFiles) -> Self {
        Self { files, pairs: PairReader::new() }
    }

    /// Goes on with the pairs that an earlier reader of the same files has read ahead.
    pub(crate) fn resume(files: &'a TreeFiles, pairs: PairReader) -> Self {
        Self { files, pairs }
    }

    pub(crate) fn into_pairs(self) -> PairReader {
        self.pairs
    }

    pub(crate) fn read_group(&mut self, group: u64, buffer: &mut [u8]) -> Result<(), Unproved> {
        let groups = GroupRange::one(group);
        let offset = byte_range(groups, self.files.meta.size).start;
        self.read_bytes(offset, buffer).map_err(|source| VerifyError::Read { groups, source })
    }
}

impl TreeSource for Reader<'_> {
    type Error = io::Error;

    fn read_pair(&mut self, index: u64) -> io::Result<[u8; 64]> {
        self.pairs.read(self.files, index)
    }

    fn read_bytes(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        read_exact_at(&*self.files.data, buffer, offset)
    }
}

/// Room for one group.
pub(crate) fn group_buffer() -> Vec<u8> {
    vec![0; to_usize(GROUP_BYTES)]
}

/// What a caller of the store is told about bytes that could not be proved.
pub(crate) fn damaged(id: DataObjectId, unproved: Unproved) -> Damaged {
    match unproved {
        VerifyError::Wrong(wrong) => Damaged {
            id,
            groups: wrong.groups().unwrap_or(GroupRange::new(0, 0)),
            cause: DamageCause::Wrong(wrong),
        },
        VerifyError::Read { groups, source } => Damaged { id, groups, cause: DamageCause::Io(source) },
    }
}
