//! What all fills of a node share: sources, and patience with background work.

use crate::{
    fake_source::Behaviour,
    rig::{ID, MIB, Rig, config, read, wait_until},
};
use argosy_content::GroupRange;
use argosy_domain::DataObjectId;
use argosy_node::{FillError, FillsConfig, Keep, ReadRequest};
use argosy_node_core::fill::TrafficBounds;
use std::{sync::Arc, time::Duration};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_source_never_has_more_than_its_bound_of_connections() {
    let rig = Arc::new(Rig::new(2 * MIB, &[Behaviour::Honest]).await);
    rig.sources[0].delay(Duration::from_millis(5));
    let mut readers = tokio::task::JoinSet::new();
    for id in 100..140 {
        rig.sources[0].put(id, &rig.sample);
        let rig = Arc::clone(&rig);
        readers.spawn(async move {
            let request = ReadRequest { id: DataObjectId(id), ..rig.request(rig.whole(), Keep::Stored) };
            assert!(read(&rig.fills, request).await.unwrap() == rig.sample.bytes);
        });
    }
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
    assert!(rig.sources[0].most_answers_at_once() <= 8, "{}", rig.sources[0].most_answers_at_once());
    assert_eq!(rig.fills.bytes_fetched(), 40 * rig.sample.size());
    wait_until("the end of the requests", || rig.fills.requests_count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_passes_background_work_of_other_objects() {
    let bounds = TrafficBounds { per_source: 2, ..TrafficBounds::default() };
    let config = FillsConfig { traffic: bounds, background_max: 4, ..config() };
    let rig = Arc::new(Rig::with_config(4 * MIB, &[Behaviour::Honest], config).await);
    rig.sources[0].pause(Duration::from_millis(1));
    let mut background = tokio::task::JoinSet::new();
    for id in 100..112 {
        rig.sources[0].put(id, &rig.sample);
        let rig = Arc::clone(&rig);
        background.spawn(async move {
            rig.fills.fetch(DataObjectId(id), rig.meta(), 0..3 * MIB as u64).await.unwrap();
        });
    }
    wait_until("background work", || !rig.sources[0].asked().is_empty()).await;
    let before = rig.sources[0].asked().len();
    rig.assert_reads(rig.whole()).await;
    let asked = rig.sources[0].asked();
    let others = asked[before..].iter().filter(|(id, _)| *id != ID.0).count();
    let own = asked[before..].len() - others;
    println!("{own} requests for the reader, {others} for others meanwhile");
    assert!(own > 0 && others <= own + 2, "{others} others, {own} own");
    while let Some(done) = background.join_next().await {
        done.unwrap();
    }
    wait_until("the end of the fills", || rig.fills.active_count() == 0).await;
    assert_eq!(rig.fills.bytes_fetched(), rig.sample.size() + 12 * 3 * MIB as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn background_work_has_a_bound_in_time_and_readers_have_none() {
    let config = FillsConfig { background_limit: Some(Duration::from_millis(300)), ..config() };
    let rig = Rig::with_config(2 * MIB, &[Behaviour::Honest], config).await;
    // No work can be done in time; what readers wait for comes in small steps.
    rig.sources[0].hold_back_all_but(ID.0, &[GroupRange::new(0, 10)]);
    assert_eq!(rig.fills.fetch(ID, rig.meta(), 0..u64::MAX).await.unwrap_err(), FillError::NoProgress);
    assert_eq!(rig.fills.fetch(ID, rig.meta(), 0..MIB as u64).await.unwrap_err(), FillError::NoProgress);
    rig.sources[0].let_go(ID.0);
    rig.sources[0].pause(Duration::from_millis(10));
    rig.assert_reads(rig.whole()).await;
    wait_until("the complete object", || rig.fills.store().contains(ID)).await;
    assert_eq!(rig.fills.fetch(ID, rig.meta(), 0..u64::MAX).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_sources_are_back_they_are_not_overrun() {
    let rig = Arc::new(Rig::new(MIB, &[Behaviour::Honest]).await);
    for id in 100..164 {
        rig.sources[0].put(id, &rig.sample);
    }
    rig.sources[0].kill();
    let want = |id: u64| {
        let rig = Arc::clone(&rig);
        async move {
            let request = ReadRequest { id: DataObjectId(id), ..rig.request(rig.whole(), Keep::Stored) };
            read(&rig.fills, request).await.map(|bytes| assert!(bytes == rig.sample.bytes))
        }
    };
    for id in 100..164 {
        assert!(want(id).await.unwrap_err().is_outage());
    }
    let mut readers = tokio::task::JoinSet::new();
    for id in 100..164 {
        let want = want(id);
        let again = {
            let rig = Arc::clone(&rig);
            move || {
                let rig = Arc::clone(&rig);
                async move {
                    let request =
                        ReadRequest { id: DataObjectId(id), ..rig.request(rig.whole(), Keep::Stored) };
                    read(&rig.fills, request).await.is_ok()
                }
            }
        };
        readers.spawn(async move {
            if want.await.is_err() {
                while !again().await {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        });
    }
    rig.sources[0].revive();
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
    assert!(rig.sources[0].most_answers_at_once() <= 8, "{}", rig.sources[0].most_answers_at_once());
    assert_eq!(rig.fills.bytes_fetched(), 64 * rig.sample.size());
}
