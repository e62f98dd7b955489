//! Bytes of test objects, known at every position without keeping them.

use anyhow::{Result, bail};
use std::{fs, io::Write as _, path::Path};

/// Bytes that are written or compared at once.
const PIECE_BYTES: usize = 256 * 1024;

/// Endless bytes that do not compress; each seed gives others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern(pub(crate) u64);

impl Pattern {
    /// Eight bytes at a multiple of eight.
    ///
    /// Source: SplitMix64.
    const fn word(self, index: u64) -> [u8; 8] {
        let mut z = self
            .0
            .wrapping_mul(0xd134_2543_de82_ef95)
            .wrapping_add(index)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).to_le_bytes()
    }

    /// Fills `buffer` with the bytes from `offset` on.
    pub(crate) fn fill(self, buffer: &mut [u8], offset: u64) {
        let skip = usize::try_from(offset % 8).unwrap_or(0);
        let first = self.word(offset / 8);
        let head = buffer.len().min(8 - skip);
        buffer[..head].copy_from_slice(&first[skip..skip + head]);
        for (index, chunk) in (offset / 8 + 1..).zip(buffer[head..].chunks_mut(8)) {
            chunk.copy_from_slice(&self.word(index)[..chunk.len()]);
        }
    }

    /// Makes a file of the first `bytes`.
    pub(crate) fn write(self, path: &Path, bytes: u64) -> Result<()> {
        let mut file = fs::File::create(path)?;
        let mut buffer = vec![0; PIECE_BYTES];
        let mut at = 0;
        while at < bytes {
            let piece = &mut buffer[..usize::try_from(bytes - at)?.min(PIECE_BYTES)];
            self.fill(piece, at);
            file.write_all(piece)?;
            at += u64::try_from(piece.len())?;
        }
        Ok(())
    }
}

/// Compares pieces of an object that come one after the other.
pub(crate) struct Comparison {
    pattern: Pattern,
    /// Byte that comes next.
    at: u64,
    expected: Vec<u8>,
}

impl Comparison {
    /// From the byte `start` on.
    pub(crate) fn new(pattern: Pattern, start: u64) -> Self {
        Self { pattern, at: start, expected: Vec::new() }
    }

    /// Compares the next piece.
    pub(crate) fn next(&mut self, piece: &[u8]) -> Result<()> {
        self.expected.resize(piece.len(), 0);
        self.pattern.fill(&mut self.expected, self.at);
        if piece != self.expected {
            let differs = piece.iter().zip(&self.expected).position(|(found, expected)| found != expected);
            bail!("WRONG: byte {} differs", self.at + u64::try_from(differs.unwrap_or_default())?);
        }
        self.at += u64::try_from(piece.len())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_gives_the_same_byte_however_it_is_asked_for() {
        let pattern = Pattern(7);
        let mut whole = [0; 100];
        pattern.fill(&mut whole, 0);
        for start in 0..90 {
            for len in 0..10 {
                let mut part = vec![0; len];
                pattern.fill(&mut part, u64::try_from(start).unwrap());
                assert_eq!(part, whole[start..start + len]);
            }
        }
        let mut comparison = Comparison::new(pattern, 3);
        comparison.next(&whole[3..20]).unwrap();
        comparison.next(&whole[20..]).unwrap();
        whole[50] ^= 1;
        let error = Comparison::new(pattern, 0).next(&whole).unwrap_err();
        assert_eq!(error.to_string(), "WRONG: byte 50 differs");
    }
}
