//! A checkpoint comes back whole or not at all.

use super::{
    super::{checkpoint::*, *},
    Book, bag,
};
use std::{vec, vec::Vec};

/// An index with enough in it for several pieces.
fn book() -> Book {
    let mut book = Book::new();
    book.network();
    let ids = book.upload(bag(1), &[1, 2, 3]);
    book.accept(StorageBucketId(0), bag(1), &ids);
    book.report(StorageBucketId(1), 3, &ids[..1]);
    for _ in 0..12 {
        book.upload(bag(1), &vec![7; 1_000]);
    }
    book
}

/// Where each sealed piece begins, and where the last one ends.
fn bounds(bytes: &[u8]) -> Vec<usize> {
    let mut bounds = vec![0];
    let mut rest = bytes;
    while let Some((seal, tail)) = rest.split_first_chunk() {
        rest = &tail[CheckpointReader::length(seal).unwrap()..];
        bounds.push(bytes.len() - rest.len());
    }
    bounds
}

fn read(bytes: &[u8], book: &Book) -> Result<Index, CheckpointError> {
    Index::from_checkpoint(bytes, book.index.genesis())
}

#[test]
fn what_was_written_is_read() {
    let book = book();
    let bytes = book.index.to_checkpoint();
    assert_eq!(read(&bytes, &book).as_ref(), Ok(&book.index));
    assert_eq!(Index::from_checkpoint(&bytes, &[9; 32]), Err(CheckpointError::OtherNetwork));
    assert!(bounds(&bytes).len() > 3, "several pieces");
}

#[test]
fn a_cut_or_a_flipped_byte_in_any_piece_is_noticed() {
    let book = book();
    let bytes = book.index.to_checkpoint();
    let bounds = bounds(&bytes);
    for pair in bounds.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        for length in [start, start + 1, start + SEAL_BYTES, end - 1] {
            assert_eq!(read(&bytes[..length], &book), Err(CheckpointError::Damaged), "cut at {length}");
        }
        // Every byte of the seal and of the first records, then one here and there.
        let close = (start..end).take(SEAL_BYTES + 200);
        for at in close.chain((start..end).step_by(9_973)).chain([end - 1]) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(read(&flipped, &book), Err(CheckpointError::Damaged), "byte {at}");
        }
    }
    assert_eq!(read(&[&bytes[..], &[0]].concat(), &book), Err(CheckpointError::Damaged));
}

#[test]
fn pieces_stay_where_they_belong() {
    let book = book();
    let bytes = book.index.to_checkpoint();
    let bounds = bounds(&bytes);
    let piece = |n: usize| &bytes[bounds[n]..bounds[n + 1]];
    let last = bounds.len() - 2;
    let without_second = [piece(0), &bytes[bounds[2]..]].concat();
    let twice = [&bytes[..bounds[2]], &bytes[bounds[1]..]].concat();
    let more = [&bytes[..], piece(last)].concat();
    let mut other = Book::new();
    other.network();
    let mixed = [&bytes[..bounds[last]], &other.index.to_checkpoint()].concat();
    for wrong in [without_second, twice, more, mixed] {
        assert_eq!(read(&wrong, &book), Err(CheckpointError::Damaged));
    }
}

#[test]
fn another_version_is_told() {
    let book = book();
    let bytes = book.index.to_checkpoint();
    let mut head = bytes[SEAL_BYTES..bounds(&bytes)[1]].to_vec();
    for version in [2, 4] {
        head[0] = version;
        let length = u32::try_from(head.len()).unwrap().to_le_bytes();
        let hash = ContentId::of(&[&[0; 32][..], &head].concat());
        let sealed = [&length[..], &hash.0, &head].concat();
        let found = u16::from(version);
        assert_eq!(read(&sealed, &book), Err(CheckpointError::Version { found }));
    }
}
