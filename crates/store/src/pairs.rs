//! Pairs on their way to a side tree: few long writes instead of many of 64 bytes.

use crate::disk::DiskFile;
use argosy_content::PAIR_BYTES;
use std::io;

/// Pairs gathered before they are written: 64 KiB, those over 16 MiB of data.
const FULL_PAIRS: usize = 1024;

/// Pairs that are not in the file yet. They must be written before anything that relies on them.
#[derive(Debug, Default)]
pub(crate) struct PairBuffer {
    pairs: Vec<(u64, [u8; 64])>,
}

impl PairBuffer {
    /// Adds a pair.
    pub(crate) fn push(&mut self, index: u64, pair: &[u8; 64]) {
        self.pairs.push((index, *pair));
    }

    /// Whether it is time to write.
    pub(crate) fn is_full(&self) -> bool {
        self.pairs.len() >= FULL_PAIRS
    }

    /// Writes all pairs, neighbours together. On an error all stay in the buffer.
    pub(crate) fn write_to(&mut self, tree: &dyn DiskFile) -> io::Result<()> {
        // A pair that came twice is the same both times: it was proved.
        self.pairs.sort_unstable_by_key(|(index, _)| *index);
        self.pairs.dedup_by_key(|(index, _)| *index);
        let mut run = Vec::new();
        for neighbours in self.pairs.chunk_by(|(before, _), (after, _)| before + 1 == *after) {
            let Some((first, _)) = neighbours.first() else { continue };
            run.clear();
            for (_, pair) in neighbours {
                run.extend_from_slice(pair);
            }
            tree.write_all_at(&run, first * PAIR_BYTES)?;
        }
        self.pairs.clear();
        Ok(())
    }
}
