//! Very many readers of one cold object, while its sources live and die.

use crate::{
    fake_source::{Behaviour, FakeSource},
    rig::{MIB, Rig, read, unhurried, wait_until},
};
use argosy_node::Keep;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

const SEED: u64 = 0x5eed_0064;
const READERS: u64 = 64;
const SIZE: usize = 32 * MIB + 777;
const SOURCES: usize = 4;

/// 64 readers at once: half of them read it all, the others random ranges.
async fn storm(rig: &Arc<Rig>, seed: u64) {
    let mut readers = tokio::task::JoinSet::new();
    for reader in 0..READERS {
        let rig = Arc::clone(rig);
        readers.spawn(async move {
            let mut rng = fastrand::Rng::with_seed(seed + reader);
            if reader % 2 == 0 {
                return rig.assert_reads(rig.whole()).await;
            }
            for _ in 0..4 {
                let start = rng.u64(..rig.sample.size());
                let len = rng.u64(1..4 * MIB as u64);
                rig.assert_reads(start..(start + len).min(rig.sample.size())).await;
            }
        });
    }
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_readers_cost_hardly_more_than_one() {
    let rig = Arc::new(Rig::with_config(SIZE, &[Behaviour::Honest; SOURCES], unhurried()).await);
    println!("seed {SEED:#x}");
    storm(&rig, SEED).await;
    let (sent, size) = (rig.bytes_sent(), rig.sample.size());
    println!("{sent} bytes were sent for {size}");
    assert!(sent * 100 <= size * 105, "{sent} bytes were sent for {size}");
    assert_eq!(rig.fills.bytes_fetched(), size);
    wait_until("the end of the fill", || rig.fills.active_count() == 0).await;
    assert_eq!(rig.fills.requests_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_dies_every_moment_costs_little_and_nobody_notices() {
    let rig = Arc::new(Rig::new(SIZE, &[Behaviour::Honest; SOURCES]).await);
    // Slow enough that several die in mid-answer.
    rig.sources.iter().for_each(|source| source.pause(Duration::from_millis(2)));
    let (over, kills) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let killer = {
        let (rig, over, kills) = (Arc::clone(&rig), Arc::clone(&over), Arc::clone(&kills));
        tokio::spawn(async move {
            for turn in 0.. {
                if over.load(Relaxed) {
                    break;
                }
                let source: &FakeSource = &rig.sources[turn % SOURCES];
                source.kill();
                kills.fetch_add(1, Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
                source.revive();
            }
        })
    };
    println!("seed {SEED:#x}");
    storm(&rig, SEED).await;
    over.store(true, Relaxed);
    killer.await.unwrap();
    let (sent, size, kills) = (rig.bytes_sent(), rig.sample.size(), kills.load(Relaxed));
    let extra = sent.saturating_sub(size * 105 / 100);
    println!("{sent} bytes were sent for {size}, {kills} kills: {} more for each", extra / kills);
    assert!(kills >= 3, "{kills} kills");
    assert!(extra <= kills * 4 * MIB as u64, "{extra} bytes more for {kills} kills");
    assert_eq!(rig.fills.bytes_fetched(), size);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_in_the_middle_is_waited_out() {
    let rig = Rig::new(12 * MIB, &[Behaviour::Honest]).await;
    let mut reader = rig.fills.reader(rig.request(rig.whole(), Keep::Stored));
    let mut bytes = reader.next_chunk().await.unwrap().unwrap().to_vec();
    rig.sources[0].kill();
    let (rest, ()) = tokio::join!(
        async {
            let mut rest = Vec::new();
            while let Some(chunk) = reader.next_chunk().await.unwrap() {
                rest.extend_from_slice(&chunk);
            }
            rest
        },
        async {
            // Longer than the fill itself goes on trying.
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            rig.sources[0].revive();
        },
    );
    bytes.extend_from_slice(&rest);
    assert!(bytes == rig.sample.bytes);
    // One that has had nothing yet is told at once instead.
    rig.sources[0].kill();
    let cold = Rig::new(MIB, &[Behaviour::Honest]).await;
    cold.sources[0].kill();
    let error = read(&cold.fills, cold.request(0..1, Keep::Stored)).await.unwrap_err();
    assert!(error.is_outage(), "{error}");
    let before = cold.sources[0].asked().len();
    let error = read(&cold.fills, cold.request(0..1, Keep::Stored)).await.unwrap_err();
    assert!(error.is_outage(), "{error}");
    assert_eq!(cold.sources[0].asked().len(), before);
}
