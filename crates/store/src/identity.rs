//! The record that says whose bytes a file holds: magic 8, size 8, content id 32, check 16.

use crate::disk::{DiskFile, read_exact_at};
use crate::store::ObjectMeta;
use argosy_domain::ContentId;

/// Bytes of the record.
pub(crate) const IDENTITY_BYTES: u64 = 64;

/// What kind of file the record stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Tree,
    Map,
}

impl Kind {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Tree => b"ARGTREE1",
            Self::Map => b"ARGPART1",
        }
    }
}

pub(crate) fn encode(kind: Kind, meta: ObjectMeta) -> [u8; 64] {
    let mut record = [0; 64];
    record[..8].copy_from_slice(kind.magic());
    record[8..16].copy_from_slice(&meta.size.to_le_bytes());
    record[16..48].copy_from_slice(&meta.content_id.0);
    let check = ContentId::of(&record[..48]);
    record[48..].copy_from_slice(&check.0[..16]);
    record
}

/// `None` if the record is torn, or of another kind or version.
pub(crate) fn decode(kind: Kind, record: &[u8; 64]) -> Option<ObjectMeta> {
    let (size, content_id) = (record.get(8..16)?, record.get(16..48)?);
    let meta = ObjectMeta {
        content_id: ContentId(content_id.try_into().ok()?),
        size: u64::from_le_bytes(size.try_into().ok()?),
    };
    (encode(kind, meta) == *record).then_some(meta)
}

/// The record at `offset`; `None` also if it cannot be read.
pub(crate) fn read(file: &dyn DiskFile, kind: Kind, offset: u64) -> Option<ObjectMeta> {
    let mut record = [0; 64];
    read_exact_at(file, &mut record, offset).ok()?;
    decode(kind, &record)
}
