//! How much memory bytes from anywhere can take. A program of its own, since its allocator counts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use argosy_directory::{
    BatchCall, BatchMode, Call, ContentCall, DistributionCall, StorageCall, Transaction,
    call::{ObjectCreation, ObjectsUpload},
};
use argosy_domain::{
    BagId, ChannelId, DataObjectId, KeyScheme, Keypair, MemberId, StorageBucketId, WorkerId,
    limits::MAX_TRANSACTION_BYTES,
};
use codec::{Compact, Encode};
use peak_alloc::PeakAlloc;
use std::sync::LazyLock;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Memory that decoding may take for each byte of its input.
const PER_BYTE: usize = 8;
/// Short inputs are judged as if they were this long: a list takes its first room at once, and so does
/// a batch.
const SHORT_INPUT_BYTES: usize = 8 * 1024;

/// Of a signature with its scheme, at the end of a transaction.
const SIGNATURE_BYTES: usize = 65;

/// Decodes, and fails if that held too much at any moment.
fn decode(what: &str, bytes: &[u8]) -> bool {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let decoded = Transaction::decode(bytes);
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    let allowed = PER_BYTE * bytes.len().max(SHORT_INPUT_BYTES);
    assert!(peak <= allowed, "{what}: {peak} bytes of memory for {} bytes", bytes.len());
    if let Ok(transaction) = &decoded {
        assert_eq!(transaction.encode(), bytes, "{what}: a second encoding");
    }
    decoded.is_ok()
}

fn signed(call: Call) -> Vec<u8> {
    let key = Keypair::from_seed(KeyScheme::Ed25519, &[5; 32]);
    Transaction::sign(&key, [1; 32], 0, 2_000, call).encode()
}

/// The envelope of a transaction as far as its call, and then whatever is put there.
fn forged(call: &[u8]) -> Vec<u8> {
    static ENVELOPE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let shortest = Call::Distribution(DistributionCall::CreateDistributionBucketFamily);
        let mut bytes = signed(shortest.clone());
        let call_bytes = shortest.encode();
        bytes.truncate(bytes.len() - SIGNATURE_BYTES);
        assert!(bytes.ends_with(&call_bytes));
        bytes.truncate(bytes.len() - call_bytes.len());
        bytes
    });
    let mut bytes = [&ENVELOPE[..], call].concat();
    bytes.truncate(MAX_TRANSACTION_BYTES);
    bytes
}

/// Different short texts, ascending.
fn texts(count: u32, width: usize) -> Vec<u8> {
    let mut bytes = Compact(count).encode();
    for number in 0..count {
        let text = &number.to_be_bytes()[4 - width..];
        Compact(u32::try_from(width).unwrap()).encode_to(&mut bytes);
        bytes.extend_from_slice(text);
    }
    bytes
}

fn batch(mode: u8, count: u32, calls: &[u8]) -> Vec<u8> {
    [&[7, mode][..], &Compact(count).encode(), calls].concat()
}

fn upload(count: u64, id_bytes: usize) -> Call {
    let creation = |size| ObjectCreation { size, ipfs_content_id: vec![b'z'; id_bytes] };
    let object_creation_list = (0..count).map(creation).collect();
    let upload = ObjectsUpload { object_creation_list, ..ObjectsUpload::default() };
    Call::Content(ContentCall::UploadDataObjects { bag: BagId::channel(ChannelId(1)), upload })
}

#[test]
fn decoding_takes_memory_by_the_length_of_the_input() {
    lists_of_small_things();
    batches();
    short_messages_that_promise_much();
    noise();
}

fn lists_of_small_things() {
    for count in [1, 100, 1_000] {
        assert!(decode("objects", &signed(upload(count, 46))));
        assert!(decode("objects without content", &signed(upload(count, 0))));
    }
    assert!(decode("very many objects without content", &signed(upload(6_000, 0))));
    for count in [1, 300, 7_000] {
        let objects = (0..count).map(DataObjectId).collect();
        let (worker, bucket, bag) = (WorkerId(1), StorageBucketId(1), BagId::channel(ChannelId(1)));
        let accept = StorageCall::AcceptPendingDataObjects { worker, bucket, bag, objects };
        assert!(decode("ids", &signed(Call::Storage(accept))));
        let collaborators = (0..count).map(MemberId).collect();
        let call = ContentCall::UpdateChannelCollaborators { channel: ChannelId(1), collaborators };
        assert!(decode("members", &signed(Call::Content(call))));
    }
    for (count, width) in [(250, 1), (20_000, 2), (15_000, 3), (12_000, 4)] {
        let blacklist = forged(&[&[2, 18][..], &[0], &texts(count, width), &[0; 66]].concat());
        decode("texts that are too short", &blacklist);
    }
    let remove = (0..1_300_u32).map(|n| format!("{n:046}").into_bytes()).collect();
    let call = StorageCall::UpdateBlacklist { remove, add: [].into() };
    assert!(decode("content ids", &signed(Call::Storage(call))));
}

fn batches() {
    let small = Call::Distribution(DistributionCall::CreateDistributionBucketFamily);
    for count in [1, 100] {
        let calls = vec![small.clone(); count];
        let batch = Call::Batch(BatchCall { mode: BatchMode::EachOnItsOwn, calls });
        assert!(decode("a batch of small calls", &signed(batch)));
    }
    let calls = vec![upload(12, 46); 90];
    let large = Call::Batch(BatchCall { mode: BatchMode::AllOrNothing, calls });
    assert!(decode("a batch of uploads", &signed(large)));
    // Batches in batches: wide, deep, and both.
    let leaves = small.encode().repeat(100);
    let wide = batch(0, 100, &batch(0, 100, &leaves).repeat(100));
    assert!(!decode("batches in a batch", &forged(&wide)));
    let mut deep = small.encode();
    for _ in 0..200 {
        deep = batch(0, 100, &[small.encode().repeat(99), deep].concat());
    }
    assert!(!decode("a deep batch", &forged(&deep)));
    assert!(!decode("an empty batch in a batch", &forged(&batch(0, 1, &batch(0, 0, &[])))));
}

fn short_messages_that_promise_much() {
    let many = Compact(u32::MAX).encode();
    for index in 0..8_u8 {
        for inner in 0..24_u8 {
            for filler in [0_u8, 1, 8, 33, 255] {
                let call = [&[index, inner][..], &[filler; 48], &many, &many, &[filler; 400]].concat();
                for length in (0..call.len()).step_by(7) {
                    decode("a promise", &forged(&call[..length]));
                }
            }
        }
    }
}

/// Random bytes, and transactions of which some bytes are changed.
fn noise() {
    let mut seed = 0x5eed_u64;
    let mut roll = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let good = signed(upload(40, 46));
    for _ in 0..20_000 {
        let length = usize::try_from(roll() % 600).unwrap();
        let bytes: Vec<u8> = (0..length).map(|_| roll().to_le_bytes()[0]).collect();
        decode("noise", &bytes);
        decode("noise as a call", &forged(&bytes));
        let mut changed = good.clone();
        for _ in 0..3 {
            let place = usize::try_from(roll()).unwrap_or(0) % changed.len();
            changed[place] = roll().to_le_bytes()[0];
        }
        decode("a changed transaction", &changed);
    }
}
