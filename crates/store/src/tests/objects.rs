//! Objects to store, and the ways in.

use crate::error::StoreError;
use crate::object::StoredObject;
use crate::partial::PartialObject;
use crate::store::{ObjectMeta, Store, StoreConfig};
use crate::tests::fake_disk::FakeDisk;
use argosy_content::{
    GroupRange, PAIR_BYTES, SliceDecoder, SliceEncoder, SliceItem, TreeBuilder, TreeSource, group_count,
    pair_count,
};
use argosy_domain::limits::GROUP_BYTES;
use argosy_domain::{ContentId, DataObjectId};
use bytes::Bytes;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

pub(super) const GROUP: usize = GROUP_BYTES as usize;
pub(super) const DIR: &str = "store";
pub(super) const FREE: StoreConfig = StoreConfig { capacity_bytes: None, disk_floor_bytes: 0 };

/// An object's bytes and pairs, from which any slice is made.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) id: DataObjectId,
    pub(super) meta: ObjectMeta,
    pub(super) data: Vec<u8>,
    pairs: Vec<[u8; PAIR_BYTES as usize]>,
}

impl Object {
    pub(super) fn new(id: u64, size: usize) -> Self {
        let data: Vec<u8> =
            (0..size).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8 ^ id as u8).collect();
        let size = size as u64;
        let mut pairs = vec![[0; 64]; pair_count(size) as usize];
        let mut builder = TreeBuilder::new(size);
        builder.push(&data, &mut |index, pair| pairs[index as usize] = *pair).unwrap();
        let content_id = builder.finish().unwrap();
        assert_eq!(content_id, ContentId::of(&data));
        Self { id: DataObjectId(id), meta: ObjectMeta { content_id, size }, data, pairs }
    }

    pub(super) fn groups(&self) -> u64 {
        group_count(self.meta.size)
    }

    pub(super) fn whole(&self) -> GroupRange {
        GroupRange::whole(self.meta.size)
    }

    pub(super) fn group(&self, group: u64) -> &[u8] {
        let start = group as usize * GROUP;
        &self.data[start..(start + GROUP).min(self.data.len())]
    }

    pub(super) fn slice(&self, groups: GroupRange) -> Vec<u8> {
        let mut encoder = SliceEncoder::new(self.meta.content_id, self.meta.size, groups);
        let mut source = self.clone();
        let mut slice = Vec::new();
        while let Some(chunk) = encoder.next_chunk(&mut source).unwrap() {
            slice.extend_from_slice(&chunk);
        }
        slice
    }

    pub(super) fn items(&self, groups: GroupRange) -> Vec<SliceItem> {
        let mut decoder = SliceDecoder::new(self.meta.content_id, self.meta.size, groups);
        decoder.feed(Bytes::from(self.slice(groups)));
        let mut items = Vec::new();
        while let Some(item) = decoder.next().unwrap() {
            items.push(item);
        }
        decoder.finish().unwrap();
        items
    }

    /// Writes these groups and their pairs.
    pub(super) fn fill(&self, partial: &PartialObject, groups: GroupRange) -> Result<(), StoreError> {
        for item in self.items(groups) {
            match item {
                SliceItem::Pair(pair) => partial.write_pair(&pair)?,
                SliceItem::Group(group) => {
                    partial.write_group(&group)?;
                }
            }
        }
        Ok(())
    }

    /// Writes what is missing and completes.
    pub(super) fn finish(&self, partial: &PartialObject) -> Result<Arc<StoredObject>, StoreError> {
        while let Some(group) = partial.first_missing(0) {
            self.fill(partial, GroupRange::one(group))?;
        }
        partial.complete()
    }

    pub(super) fn put(&self, store: &Store) -> Result<Arc<StoredObject>, StoreError> {
        self.finish(&*store.partial(self.id, self.meta)?)
    }

    /// What is stored is this object, read in every way.
    pub(super) fn assert_stored(&self, stored: &StoredObject) {
        assert_eq!((stored.id(), stored.meta()), (self.id, self.meta));
        let read = stored.read_verified(self.whole()).unwrap().concat();
        assert!(read == self.data, "object {} differs", self.id);
        stored.ensure_verified(self.whole()).unwrap();
        let mut slice = stored.encode_slice(self.whole());
        let mut encoded = Vec::new();
        while let Some(chunk) = slice.next_chunk().unwrap() {
            encoded.extend_from_slice(&chunk);
        }
        assert!(encoded == self.slice(self.whole()));
    }

    /// What is held of it is right, and it can be finished.
    pub(super) fn assert_usable(&self, store: &Store) {
        if let Some(stored) = store.get(self.id) {
            self.assert_stored(&stored);
            return;
        }
        let partial = store.partial(self.id, self.meta).unwrap();
        for group in 0..self.groups() {
            if partial.has(GroupRange::one(group)) {
                let read = partial.read_verified(GroupRange::one(group)).unwrap();
                assert!(read[0] == self.group(group), "group {group} differs");
            }
        }
        self.assert_stored(&self.finish(&partial).unwrap());
    }
}

impl TreeSource for Object {
    type Error = Infallible;

    fn read_pair(&mut self, index: u64) -> Result<[u8; 64], Infallible> {
        Ok(self.pairs[index as usize])
    }

    fn read_bytes(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Infallible> {
        let start = offset as usize;
        buffer.copy_from_slice(&self.data[start..start + buffer.len()]);
        Ok(())
    }
}

pub(super) fn open(disk: &FakeDisk) -> Result<Store, StoreError> {
    Store::open(Path::new(DIR), Arc::new(disk.clone()), FREE)
}
