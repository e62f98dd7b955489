//! The map of a partial object: which groups were proved and written.
//!
//! The bits are believed only in the boot that wrote them. A process that dies leaves them right,
//! since the page cache keeps the order in which it wrote; after a power cut they may stand where
//! the bytes do not.

use crate::disk::{DiskFile, read_exact_at};
use crate::identity::{self, IDENTITY_BYTES, Kind};
use crate::store::ObjectMeta;
use argosy_content::{GroupSet, group_count};
use argosy_domain::num::{to_u64, to_usize};
use std::io;
use std::sync::Arc;

/// Where the boot id stands; zeros: do not believe the bits.
const BOOT_AT: u64 = IDENTITY_BYTES;
/// Where the words stand.
const WORDS_AT: u64 = 128;
/// A boot id that no machine has.
pub(crate) const NO_BOOT: [u8; 16] = [0; 16];

#[derive(Clone, Debug)]
pub(crate) struct MapFile(pub(crate) Arc<dyn DiskFile>);

impl MapFile {
    /// Whose map it is; `None` if it is new or torn.
    pub(crate) fn meta(&self) -> Option<ObjectMeta> {
        identity::read(&*self.0, Kind::Map, 0)
    }

    /// Whether the bits were written in this boot.
    pub(crate) fn is_of_boot(&self, boot_id: [u8; 16]) -> bool {
        let mut found = NO_BOOT;
        let read = read_exact_at(&*self.0, &mut found, BOOT_AT);
        read.is_ok() && found == boot_id && boot_id != NO_BOOT
    }

    /// The bits, believed or not. What the file is too short for counts as missing.
    pub(crate) fn groups(&self, size: u64) -> io::Result<GroupSet> {
        let count = group_count(size);
        let held = self.0.stat()?.len.saturating_sub(WORDS_AT);
        let mut bytes = vec![0; to_usize(held.min(count.div_ceil(64) * 8))];
        read_exact_at(&*self.0, &mut bytes, WORDS_AT)?;
        let words = bytes.chunks_exact(8).map(|word| {
            let mut fixed = [0; 8];
            fixed.copy_from_slice(word);
            u64::from_le_bytes(fixed)
        });
        Ok(GroupSet::from_words(count, words.collect()))
    }

    /// Writes everything. The bits come before the header that makes them believed.
    pub(crate) fn write(&self, meta: ObjectMeta, boot_id: [u8; 16], groups: &GroupSet) -> io::Result<()> {
        self.distrust()?;
        let bytes: Vec<u8> = groups.words().iter().flat_map(|word| word.to_le_bytes()).collect();
        self.0.write_all_at(&bytes, WORDS_AT)?;
        self.0.write_all_at(&identity::encode(Kind::Map, meta), 0)?;
        self.0.write_all_at(&boot_id, BOOT_AT)
    }

    /// Writes one word of the bits.
    pub(crate) fn write_word(&self, groups: &GroupSet, word: usize) -> io::Result<()> {
        match groups.words().get(word) {
            Some(bits) => self.0.write_all_at(&bits.to_le_bytes(), WORDS_AT + to_u64(word) * 8),
            None => Ok(()),
        }
    }

    /// From now on the next process proves every group again.
    pub(crate) fn distrust(&self) -> io::Result<()> {
        self.0.write_all_at(&NO_BOOT, BOOT_AT)
    }
}
