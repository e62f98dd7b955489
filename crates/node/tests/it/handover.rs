//! Readers that began while an object was being fetched, and go on from its file when it is complete.

use crate::{
    fake_source::Behaviour,
    rig::{ID, MIB, Rig, flip_byte, only_file, wait_until},
};
use argosy_http::BodyPiece;
use argosy_node::{FillError, Keep, ObjectReader};
use std::ops::Range;

/// The next piece; what the kernel would send is read from the file.
async fn next(reader: &mut ObjectReader) -> Result<Option<(Vec<u8>, bool)>, FillError> {
    use std::os::unix::fs::FileExt as _;
    let Some(piece) = reader.next_piece().await? else { return Ok(None) };
    assert!(!piece.is_empty());
    Ok(Some(match piece {
        BodyPiece::Bytes(pieces) => (pieces.concat(), false),
        BodyPiece::File { file, offset, len } => {
            let mut bytes = vec![0; len as usize];
            file.read_exact_at(&mut bytes, offset).unwrap();
            (bytes, true)
        }
    }))
}

/// All bytes to come, and how many of them lay in a file.
async fn rest(reader: &mut ObjectReader) -> (Vec<u8>, usize) {
    let (mut bytes, mut in_file) = (Vec::new(), 0);
    while let Some((piece, is_file)) = next(reader).await.unwrap() {
        in_file += if is_file { piece.len() } else { 0 };
        bytes.extend(piece);
    }
    assert_eq!(reader.remaining(), 0);
    (bytes, in_file)
}

fn ranges(size: u64) -> [Range<u64>; 4] {
    [0..size, 0..size - 1, 16_384..size, 777..3 * size / 4 + 5]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_goes_on_from_the_file_when_the_object_is_complete() {
    for range in ranges(5 * MIB as u64 + 123) {
        let rig = Rig::new(5 * MIB + 123, &[Behaviour::Honest]).await;
        let mut reader = rig.fills.reader(rig.request(range.clone(), Keep::Stored));
        let (mut bytes, is_file) = next(&mut reader).await.unwrap().unwrap();
        assert!(!is_file, "it is not even written yet");
        rig.fills.complete(ID, rig.meta()).await.unwrap();
        let (more, in_file) = rest(&mut reader).await;
        assert_eq!(more.len(), in_file, "{range:?}");
        bytes.extend(more);
        assert!(bytes == rig.sample.bytes[range.start as usize..range.end as usize], "{range:?}");
        assert_eq!(rig.fills.bytes_fetched(), rig.sample.size(), "each byte once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_of_a_cold_object_get_each_byte_right_wherever_it_comes_from() {
    let rig = std::sync::Arc::new(Rig::new(12 * MIB + 1, &[Behaviour::Honest]).await);
    let mut readers = tokio::task::JoinSet::new();
    for nth in 0..32_usize {
        let rig = std::sync::Arc::clone(&rig);
        readers.spawn(async move {
            let range = ranges(rig.sample.size())[nth % 4].clone();
            let mut reader = rig.fills.reader(rig.request(range.clone(), Keep::Stored));
            let mut bytes = Vec::new();
            while let Some((piece, _)) = next(&mut reader).await.unwrap() {
                bytes.extend(piece);
                // So that they are at different places.
                for _ in 0..nth {
                    tokio::task::yield_now().await;
                }
            }
            assert!(bytes == rig.sample.bytes[range.start as usize..range.end as usize], "{nth}");
        });
    }
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
    assert_eq!(rig.fills.bytes_fetched(), rig.sample.size(), "each byte once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_on_disk_is_not_handed_to_the_kernel() {
    let rig = Rig::new(5 * MIB, &[Behaviour::Honest]).await;
    let mut reader = rig.fills.reader(rig.request(rig.whole(), Keep::Stored));
    let (mut bytes, _) = next(&mut reader).await.unwrap().unwrap();
    rig.fills.complete(ID, rig.meta()).await.unwrap();
    // Also what was proved and handed out before, once the file has changed.
    let mut sent = 0;
    while sent < MIB {
        let (piece, is_file) = next(&mut reader).await.unwrap().unwrap();
        assert!(is_file);
        sent += piece.len();
        bytes.extend(piece);
    }
    let mut again = rig.fills.reader(rig.request(rig.whole(), Keep::Stored));
    flip_byte(&only_file(rig.dir.path(), ".data"), 5);
    flip_byte(&only_file(rig.dir.path(), ".data"), 4 * MIB as u64 + 5);
    bytes.extend(rest(&mut reader).await.0);
    assert!(bytes == rig.sample.bytes);
    assert!(rest(&mut again).await.0 == rig.sample.bytes);
    wait_until("the repaired object", || rig.fills.store().contains(ID)).await;
}
