//! The fill driver against sources that lie, stall, break off and vanish.

use crate::{
    fake_source::{Behaviour, FakeSource, Sample},
    rig::{
        Full, GROUP, ID, MIB, Rig, WATCHDOG, fills, flip_byte, impatient, only_file, open_again, read,
        unhurried, wait_until, watched,
    },
};
use argosy_content::GroupRange;
use argosy_domain::DataObjectId;
use argosy_http::{AddressPolicy, Client, ClientConfig};
use argosy_node::{Brought, FillError, Fills, FillsConfig, Keep, ReadRequest, Sources, Unbounded};
use argosy_node_core::fill::FillBounds;
use argosy_store::ObjectMeta;
use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_of_every_shape_arrive_whole_and_become_complete() {
    for size in [1, 16_383, 16_384, 16_385, 5 * 16_384, MIB + 1, 5 * MIB + 77] {
        let rig = Rig::new(size, &[Behaviour::Honest]).await;
        rig.assert_reads(rig.whole()).await;
        wait_until("the complete object", || rig.fills.store().contains(ID)).await;
        assert_eq!(rig.fills.bytes_fetched(), size as u64);
        let asked = rig.sources[0].asked().len();
        rig.assert_reads(rig.whole()).await;
        rig.assert_reads(size as u64 / 2..size as u64).await;
        assert_eq!(rig.sources[0].asked().len(), asked, "a complete object is read from disk");
        rig.fills.stop().await;
        assert_eq!(rig.fills.active_count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_can_tell_who_brought_what_it_was_given() {
    let rig = Rig::new(5 * MIB, &[Behaviour::Absent, Behaviour::Honest]).await;
    let read = async |range: Range<u64>| {
        let brought = Brought::default();
        let mut reader = rig.fills.reader(rig.request(range, Keep::Stored)).noting(&brought);
        while reader.next_chunk().await.unwrap().is_some() {}
        (brought.names(), brought.bytes())
    };
    assert_eq!(read(10..20).await, ("storage-1".to_owned(), GROUP));
    assert_eq!(read(0..5).await, (String::new(), 0), "nothing was fetched for that");
    let size = rig.sample.size();
    assert_eq!(read(0..size).await, ("storage-1".to_owned(), size - GROUP));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_of_a_cold_object_are_exact() {
    let rig = Rig::new(6 * MIB + 3, &[Behaviour::Honest, Behaviour::Honest]).await;
    let seed = 0x5eed;
    println!("seed {seed:#x}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let start = rng.u64(..rig.sample.size());
        let len = if rng.bool() { rng.u64(1..100) } else { rng.u64(1..2 * MIB as u64) };
        rig.assert_reads(start..(start + len).min(rig.sample.size())).await;
    }
    assert!(rig.fills.bytes_fetched() <= rig.sample.size());
    assert!(rig.read(rig.sample.size()..u64::MAX).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_far_range_fetches_one_group() {
    let rig = Rig::new(20 * MIB, &[Behaviour::Honest]).await;
    rig.assert_reads(13_000_000..13_000_001).await;
    assert_eq!(rig.fills.bytes_fetched(), GROUP);
    assert_eq!(rig.groups_sent(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_share_one_fill() {
    let rig = Arc::new(Rig::with_config(8 * MIB, &[Behaviour::Honest], unhurried()).await);
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let rig = Arc::clone(&rig);
        readers.spawn(async move { rig.assert_reads(rig.whole()).await });
    }
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
    assert_eq!(rig.fills.bytes_fetched(), rig.sample.size());
    assert_eq!(rig.groups_sent(), 8 * 64, "each group was asked for once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_sources_cost_time_and_nothing_else() {
    for bad in
        [Behaviour::Lying, Behaviour::Stalling, Behaviour::Truncating, Behaviour::Absent, Behaviour::Busy]
    {
        let rig = Rig::new(3 * MIB, &[bad, bad, Behaviour::Honest]).await;
        // Readers wait out stalls that hedging does not spare them.
        watched(rig.assert_reads(rig.whole())).await;
        assert_eq!(rig.fills.wrong_answers() > 0, bad == Behaviour::Lying);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_bad_sources_fail_soon_and_let_nothing_out() {
    for bad in
        [Behaviour::Lying, Behaviour::Stalling, Behaviour::Truncating, Behaviour::Absent, Behaviour::Busy]
    {
        let rig = Rig::with_config(MIB, &[bad, bad], impatient()).await;
        let mut reader = rig.fills.reader(rig.request(rig.whole(), Keep::Stored));
        let mut bytes = Vec::new();
        let error = loop {
            // Each that brings a little and breaks off is given another chance, but not for ever.
            match watched(reader.next_chunk()).await {
                Ok(chunk) => bytes.extend_from_slice(&chunk.expect("the object cannot be whole")),
                Err(error) => break error,
            }
        };
        assert!(rig.sample.bytes.starts_with(&bytes), "{bad:?}");
        assert!(bytes.is_empty() || matches!(bad, Behaviour::Stalling | Behaviour::Truncating));
        let unreachable = matches!(error, FillError::Unreachable | FillError::NoProgress);
        let absent = matches!(bad, Behaviour::Lying | Behaviour::Absent);
        assert!(if absent { error == FillError::NoSource } else { unreachable }, "{bad:?}: {error}");
        assert!(!rig.fills.store().contains(ID));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_that_come_later_are_found() {
    let rig = Rig::new(MIB, &[]).await;
    assert_eq!(rig.read(0..1).await, Err(FillError::NoSource));
    let source = FakeSource::start(Behaviour::Honest).await;
    source.put(ID.0, &rig.sample);
    // It does not even claim to hold the object.
    rig.listed.add(9, &source, false);
    rig.assert_reads(rig.whole()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_all_sources_is_soon_forgotten() {
    let rig = Rig::new(MIB, &[Behaviour::Busy, Behaviour::Busy]).await;
    assert!(rig.read(0..1).await.is_err());
    rig.sources.iter().for_each(|source| source.behave(Behaviour::Honest));
    // Readers keep coming, so that the fill that has met the outage stays.
    watched(async {
        while rig.read(0..1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    rig.assert_reads(rig.whole()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_do_not_claim_to_hold_it_are_asked_last() {
    let rig = Rig::new(MIB, &[Behaviour::Honest]).await;
    let silent = FakeSource::start(Behaviour::Honest).await;
    silent.put(ID.0, &rig.sample);
    rig.listed.add(9, &silent, false);
    rig.assert_reads(0..100_000).await;
    assert!(silent.asked().is_empty());
    rig.sources[0].behave(Behaviour::Absent);
    rig.assert_reads(500_000..600_000).await;
    assert!(!silent.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_leaves_stops_its_read_ahead() {
    let rig = Rig::new(40 * MIB, &[Behaviour::Honest]).await;
    let mut reader = rig.fills.reader(rig.request(rig.whole(), Keep::Stored));
    let first = reader.next_chunk().await.unwrap().unwrap();
    assert_eq!(first, rig.sample.bytes.slice(..first.len()));
    // Held back by a reader that takes nothing more.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(rig.groups_sent() <= 2 * 64 + 16, "{} groups", rig.groups_sent());
    drop(reader);
    wait_until("the end of the fill", || rig.fills.active_count() == 0).await;
    assert!(rig.groups_sent() <= 2 * 64 + 16);
    let partials = rig.fills.store().partials();
    assert_eq!(partials.len(), 1);
    assert_eq!(partials[0].held_bytes, rig.fills.bytes_fetched());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completing_fetches_what_is_missing_and_is_durable() {
    let rig = Rig::new(5 * MIB, &[Behaviour::Honest, Behaviour::Honest]).await;
    rig.assert_reads(2_000_000..2_100_000).await;
    let (one, two) = tokio::join!(rig.fills.complete(ID, rig.meta()), rig.fills.complete(ID, rig.meta()));
    assert_eq!(one.unwrap().meta(), rig.meta());
    assert_eq!(two.unwrap().meta(), rig.meta());
    assert_eq!(rig.fills.bytes_fetched(), rig.sample.size());
    assert_eq!(rig.fills.store().partials().len(), 0);
    let absent = Rig::new(5 * MIB, &[Behaviour::Absent]).await;
    assert_eq!(absent.fills.complete(ID, absent.meta()).await.unwrap_err(), FillError::NoSource);
    wait_until("the end of the fill", || absent.fills.active_count() == 0).await;
    assert_eq!(absent.fills.store().totals().partials, 0, "nothing was begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_can_be_fetched_for_later() {
    let rig = Rig::new(9 * MIB, &[Behaviour::Honest]).await;
    let head = 0..4 * MIB as u64;
    let held = |range: &Range<u64>| {
        let partial = rig.fills.store().existing_partial(ID, rig.meta()).unwrap().unwrap();
        partial.has(argosy_content::groups_of(range.clone()))
    };
    rig.fills.fetch(ID, rig.meta(), head.clone()).await.unwrap();
    assert!(held(&head));
    assert_eq!(rig.fills.bytes_fetched(), head.end);
    // Held already, partly and in full.
    rig.fills.fetch(ID, rig.meta(), head.clone()).await.unwrap();
    rig.fills.fetch(ID, rig.meta(), 3 * MIB as u64..5 * MIB as u64).await.unwrap();
    assert!(held(&(0..5 * MIB as u64)));
    assert_eq!(rig.fills.bytes_fetched(), 5 * MIB as u64);
    rig.fills.fetch(ID, rig.meta(), 7..7).await.unwrap();
    // The future is dropped: nothing more is wanted, and the fill ends.
    let asked = rig.sources[0].asked().len();
    rig.sources[0].behave(Behaviour::Stalling);
    {
        let tail = rig.fills.fetch(ID, rig.meta(), 6 * MIB as u64..8 * MIB as u64);
        tokio::pin!(tail);
        tokio::select! {
            end = &mut tail => panic!("{end:?}"),
            () = wait_until("the request", || rig.sources[0].asked().len() > asked) => {}
        }
    }
    wait_until("the end of the fill", || rig.fills.active_count() == 0).await;
    rig.sources[0].behave(Behaviour::Honest);
    rig.fills.fetch(ID, rig.meta(), 0..u64::MAX).await.unwrap();
    assert!(rig.fills.store().contains(ID));
    rig.fills.fetch(ID, rig.meta(), 0..1).await.unwrap();
    assert_eq!(rig.fills.bytes_fetched(), rig.sample.size());
    rig.assert_reads(rig.whole()).await;

    let absent = Rig::new(5 * MIB, &[Behaviour::Absent]).await;
    assert_eq!(absent.fills.fetch(ID, absent.meta(), 0..9).await.unwrap_err(), FillError::NoSource);
    let full = Rig::with_room(5 * MIB, &[Behaviour::Honest], Arc::new(Full)).await;
    assert_eq!(full.fills.fetch(ID, full.meta(), 0..9).await.unwrap_err(), FillError::NotKept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_on_disk_is_fetched_anew() {
    let rig = Rig::new(3 * MIB, &[Behaviour::Honest]).await;
    rig.fills.complete(ID, rig.meta()).await.unwrap();
    let asked = rig.sources[0].asked().len();
    flip_byte(&only_file(rig.dir.path(), ".data"), 2 * MIB as u64 + 5);
    rig.assert_reads(rig.whole()).await;
    assert_eq!(rig.sources[0].asked().len(), asked + 1);
    wait_until("the repaired object", || rig.fills.store().contains(ID)).await;
    rig.assert_reads(rig.whole()).await;
    assert_eq!(rig.sources[0].asked().len(), asked + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_in_many_places_does_not_break_a_reader_off() {
    let places = 14;
    let rig = Rig::new((places + 1) * MIB, &[Behaviour::Honest]).await;
    let end = places as u64 * MIB as u64;
    rig.assert_reads(0..end).await;
    wait_until("the end of the fill", || rig.fills.active_count() == 0).await;
    for place in 0..places as u64 {
        flip_byte(&only_file(rig.dir.path(), ".part"), place * MIB as u64 + 5);
    }
    rig.assert_reads(0..end).await;
    rig.fills.complete(ID, rig.meta()).await.unwrap();
    for place in 0..places as u64 {
        flip_byte(&only_file(rig.dir.path(), ".data"), place * MIB as u64 + 7);
    }
    rig.assert_reads(rig.whole()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_filled_is_synced_before_anybody_asks_for_it() {
    let rig = Rig::new(9 * MIB, &[Behaviour::Honest]).await;
    rig.assert_reads(0..2 * MIB as u64).await;
    let partial = rig.fills.store().partial(ID, rig.meta()).unwrap();
    wait_until("the sync", || partial.held_bytes() >= 2 * MIB as u64 && partial.unsynced_bytes() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_of_a_partial_object_is_fetched_anew() {
    let rig = Rig::new(9 * MIB, &[Behaviour::Honest]).await;
    rig.assert_reads(0..8 * MIB as u64).await;
    wait_until("the end of the fill", || rig.fills.active_count() == 0).await;
    flip_byte(&only_file(rig.dir.path(), ".part"), 3 * MIB as u64 + 5);
    let asked = rig.sources[0].asked().len();
    rig.assert_reads(2 * MIB as u64..5 * MIB as u64).await;
    assert_eq!(rig.sources[0].asked().len(), asked + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_what_was_fetched() {
    let rig = Rig::new(4 * MIB, &[Behaviour::Honest]).await;
    rig.assert_reads(0..2 * MIB as u64).await;
    let fetched = rig.fills.bytes_fetched();
    let Rig { dir, fills: first, sample, listed, sources } = rig;
    first.stop().await;
    assert_eq!(first.join_error(&sample).await, FillError::Stopped);
    drop(first);
    let second = fills(open_again(dir.path()).await, &listed, Arc::new(Unbounded));
    let rig = Rig { dir, fills: second, sample, listed, sources };
    rig.assert_reads(0..2 * MIB as u64).await;
    assert_eq!(rig.fills.bytes_fetched(), 0);
    rig.assert_reads(rig.whole()).await;
    assert_eq!(rig.fills.bytes_fetched() + fetched, rig.sample.size());
}

trait JoinError {
    async fn join_error(&self, sample: &Sample) -> FillError;
}

impl JoinError for Fills {
    async fn join_error(&self, sample: &Sample) -> FillError {
        let meta = ObjectMeta { content_id: sample.content_id, size: sample.size() };
        self.complete(ID, meta).await.unwrap_err()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_room_readers_are_served_and_nothing_is_kept() {
    let rig = Rig::with_room(5 * MIB, &[Behaviour::Honest], Arc::new(Full)).await;
    rig.assert_reads(rig.whole()).await;
    assert_eq!(rig.fills.store().totals().partials, 0);
    assert_eq!(rig.fills.complete(ID, rig.meta()).await.unwrap_err(), FillError::NotKept);

    let rig = Rig::new(5 * MIB, &[Behaviour::Lying, Behaviour::Honest]).await;
    let request = rig.request(10..4 * MIB as u64, Keep::PassThrough);
    let bytes = read(&rig.fills, request).await.unwrap();
    assert!(bytes == rig.sample.bytes[10..4 * MIB]);
    assert_eq!(rig.fills.store().totals().partials, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_source_is_overtaken() {
    let rig = Rig::new(MIB, &[Behaviour::Honest, Behaviour::Honest]).await;
    rig.sources[0].delay(2 * WATCHDOG);
    let client = Client::new(ClientConfig {
        addresses: AddressPolicy::Local,
        head_timeout: 2 * WATCHDOG,
        idle_timeout: 2 * WATCHDOG,
        ..ClientConfig::default()
    });
    let sources = Arc::clone(&rig.listed) as Arc<dyn Sources>;
    // It is neither called stalled nor given up meanwhile.
    let bounds = FillBounds { stall_ms: 600_000, ..FillBounds::default() };
    let config = FillsConfig { bounds, patience: 2 * WATCHDOG, jitter_seed: 1, ..FillsConfig::default() };
    let patient = Fills::new(rig.fills.store().clone(), client, sources, Arc::new(Unbounded), config);
    let bytes = watched(read(&patient, rig.request(0..10, Keep::Stored))).await.unwrap();
    assert!(bytes == rig.sample.bytes[..10]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_take_nothing_hold_nobody_up() {
    let rig = Rig::new(8 * MIB, &[Behaviour::Honest]).await;
    let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
    let sources = Arc::clone(&rig.listed) as Arc<dyn Sources>;
    let config = FillsConfig { fetching_max: 1, jitter_seed: 1, ..FillsConfig::default() };
    let narrow = Fills::new(rig.fills.store().clone(), client, sources, Arc::new(Unbounded), config);
    let mut idle = Vec::new();
    for id in 20..30 {
        rig.sources[0].put(id, &rig.sample);
        let request = ReadRequest { id: DataObjectId(id), ..rig.request(rig.whole(), Keep::Stored) };
        let mut reader = narrow.reader(request);
        assert!(reader.next_chunk().await.unwrap().is_some());
        idle.push(reader);
    }
    assert_eq!(narrow.active_count(), 10);
    for mut reader in idle {
        while reader.next_chunk().await.unwrap().is_some() {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_object_is_read_fast() {
    let rig = Rig::new(100 * MIB, &[Behaviour::Honest, Behaviour::Honest]).await;
    let started = Instant::now();
    let mut reader = rig.fills.reader(rig.request(rig.whole(), Keep::Stored));
    let mut at = 0;
    while let Some(chunk) = reader.next_chunk().await.unwrap() {
        assert!(chunk == rig.sample.bytes[at..at + chunk.len()]);
        at += chunk.len();
    }
    println!("100 MiB cold through a fill in {:?}", started.elapsed());
    assert_eq!(at, 100 * MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removed_objects_fail_their_readers() {
    let rig = Rig::new(40 * MIB, &[Behaviour::Honest]).await;
    let mut reader = rig.fills.reader(rig.request(rig.whole(), Keep::Stored));
    reader.next_chunk().await.unwrap();
    rig.fills.cancel(ID);
    let error = loop {
        if let Err(error) = reader.next_chunk().await {
            break error;
        }
    };
    assert_eq!(error, FillError::Removed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_bytes_do_not_wait_for_the_rest() {
    let rig = Rig::new(30 * MIB, &[Behaviour::Honest]).await;
    // The connection and the blocking threads are there after a first object, as on a node that runs.
    rig.assert_reads(0..1).await;
    // Nothing but the group with the byte leaves the source.
    let at = 20 * MIB as u64;
    rig.sources[0].hold_back_all_but(ID.0, &[GroupRange::one(at / GROUP)]);
    let mut reader = rig.fills.reader(rig.request(at..30 * MIB as u64, Keep::Stored));
    let first = watched(reader.next_chunk()).await.unwrap().unwrap();
    assert!(rig.sample.bytes[at as usize..].starts_with(&first) && !first.is_empty());
}
