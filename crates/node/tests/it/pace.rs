//! That no more is fetched than what is read, and a little.

use crate::{
    fake_source::{Behaviour, Sample},
    rig::{GROUP, MIB, Rig, read, wait_until},
};
use argosy_content::slice_len;
use argosy_domain::DataObjectId;
use argosy_node::{Keep, ReadRequest};
use argosy_store::ObjectMeta;
use std::{sync::Arc, time::Duration};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_single_range_of_a_cold_object_fetches_at_most_a_mebibyte_more() {
    let rig = Rig::new(1, &[Behaviour::Honest, Behaviour::Honest]).await;
    let seed = 0x5eed_0100;
    println!("seed {seed:#x}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let samples: Vec<Arc<Sample>> =
        [1, 20_000, MIB + 5, 3 * MIB, 9 * MIB + 1].map(|size| Sample::random(size as u64, size)).to_vec();
    for case in 0..150_u64 {
        let id = DataObjectId(1_000 + case);
        let sample = &samples[rng.usize(..samples.len())];
        rig.sources.iter().for_each(|source| source.put(id.0, sample));
        let start = if rng.bool() { 0 } else { rng.u64(..sample.size()) };
        let longest = sample.size() - start;
        let len = match rng.u8(..3) {
            0 => 1,
            1 => rng.u64(1..=longest.min(50_000)),
            _ => rng.u64(1..=longest),
        };
        let meta = ObjectMeta { content_id: sample.content_id, size: sample.size() };
        let request = ReadRequest { id, meta, range: start..start + len, keep: Keep::Stored };
        let bytes = read(&rig.fills, request).await.unwrap();
        assert!(bytes == sample.bytes[start as usize..(start + len) as usize]);
        // What goes on after the reader has gone counts, too.
        wait_until("the end of the fill", || !rig.fills.is_filling(id)).await;
        let fetched: u64 = rig.sources.iter().map(|source| source.bytes_sent_of(id.0)).sum();
        // Each window that was asked for brings the path from the root to it.
        let windows = (len + MIB as u64) / MIB as u64 + 2;
        let groups = sample.size().div_ceil(GROUP);
        let path = slice_len(sample.size(), argosy_content::GroupRange::one(0)).saturating_sub(GROUP);
        let proof = windows * 4 * path + groups * 64;
        let bound = len + MIB as u64 + proof;
        assert!(fetched <= bound, "{start}+{len} of {}: {fetched} bytes, not {bound}", sample.size());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_who_leaves_has_cost_what_he_watched_and_a_little() {
    let rig = Rig::new(64 * MIB, &[Behaviour::Honest, Behaviour::Honest]).await;
    let mut reader = rig.fills.reader(rig.request(rig.whole(), Keep::Stored));
    let mut watched = 0;
    // A film of 2 MB a second, a second of it.
    while watched < 2 * MIB as u64 {
        watched += reader.next_chunk().await.unwrap().unwrap().len() as u64;
        tokio::time::sleep(Duration::from_millis(8)).await;
    }
    drop(reader);
    wait_until("the end of the fill", || rig.fills.active_count() == 0).await;
    let fetched = rig.fills.bytes_fetched();
    println!("{fetched} bytes were fetched for {watched}");
    // His own pace, a quarter of what he took, and what was under way.
    assert!(fetched <= watched + watched / 4 + 2 * MIB as u64, "{fetched} bytes for {watched}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_nearly_complete_is_completed_though_the_reader_has_gone() {
    let rig = Rig::new(8 * MIB, &[Behaviour::Honest]).await;
    rig.assert_reads(0..15 * MIB as u64 / 2).await;
    wait_until("the complete object", || rig.fills.store().contains(crate::rig::ID)).await;
    // And nothing is begun for one of whom much is missing.
    let rig = Rig::new(8 * MIB, &[Behaviour::Honest]).await;
    rig.assert_reads(0..6 * MIB as u64).await;
    wait_until("the end of the fill", || rig.fills.active_count() == 0).await;
    assert_eq!(rig.fills.bytes_fetched(), 6 * MIB as u64);
    assert_eq!(rig.fills.requests_count(), 0);
}
