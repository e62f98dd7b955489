//! Other distributors as sources.

use crate::{
    fake_source::{Behaviour, FakeSource},
    rig::{MIB, Rig, wait_until},
};
use argosy_content::GroupRange;
use argosy_node::FillError;
use std::time::Duration;

async fn peer(rig: &Rig, worker: u64, behaviour: Behaviour) -> FakeSource {
    let peer = FakeSource::start(behaviour).await;
    peer.put(crate::rig::ID.0, &rig.sample);
    rig.listed.add_peer(worker, &peer);
    peer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_storage_nodes_are_fast_peers_are_left_alone() {
    let rig = Rig::new(3 * MIB, &[Behaviour::Honest, Behaviour::Honest]).await;
    let peer = peer(&rig, 1, Behaviour::Honest).await;
    rig.assert_reads(rig.whole()).await;
    assert!(peer.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_no_storage_node_has_it_or_answers_a_peer_helps() {
    for bad in [Behaviour::Absent, Behaviour::Busy, Behaviour::Lying, Behaviour::Truncating] {
        let rig = Rig::new(3 * MIB, &[bad, bad]).await;
        let liar = peer(&rig, 1, Behaviour::Lying).await;
        let peer = peer(&rig, 2, Behaviour::Honest).await;
        rig.assert_reads(rig.whole()).await;
        assert!(!peer.asked().is_empty(), "{bad:?}");
        assert!(liar.asked().len() <= 3, "a liar is dropped as any other source is");
    }
    // Nor does one need any storage node at all.
    let rig = Rig::new(MIB, &[]).await;
    let peer = peer(&rig, 1, Behaviour::Honest).await;
    rig.assert_reads(0..10).await;
    assert_eq!(peer.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_is_asked_for_what_it_holds_and_only_that() {
    let rig = Rig::new(4 * MIB, &[Behaviour::Absent]).await;
    let half = peer(&rig, 1, Behaviour::Honest).await;
    let other = peer(&rig, 2, Behaviour::Honest).await;
    let held = [GroupRange::new(0, 100), GroupRange::new(250, 256)];
    half.hold_only(crate::rig::ID.0, &held);
    other.hold_only(crate::rig::ID.0, &[GroupRange::new(90, 250)]);
    rig.assert_reads(rig.whole()).await;
    for (_, groups) in half.asked() {
        assert!(held.iter().any(|held| held.covers(groups)), "{groups:?}");
    }
    assert!(!other.asked().is_empty());
    // What nobody holds is said to be nowhere.
    let rig = Rig::new(4 * MIB, &[Behaviour::Absent]).await;
    let half = peer(&rig, 1, Behaviour::Honest).await;
    half.hold_only(crate::rig::ID.0, &held);
    rig.assert_reads(0..10).await;
    let error = rig.read(2 * MIB as u64..3 * MIB as u64).await.unwrap_err();
    assert!(matches!(error, FillError::NoSource | FillError::Unreachable), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_was_measured_to_be_nearer_is_preferred() {
    let rig = Rig::new(6 * MIB, &[Behaviour::Honest]).await;
    rig.sources[0].delay(Duration::from_millis(800));
    let peer = peer(&rig, 1, Behaviour::Honest).await;
    rig.assert_reads(0..10).await;
    // A reader has waited for long: the peer has been found, and measured by what it sends.
    rig.assert_reads(MIB as u64..5 * MIB as u64).await;
    assert!(!peer.asked().is_empty(), "nobody waits for a slow storage node while a peer has it");
    wait_until("the end of the fill", || rig.fills.active_count() == 0).await;
    let before = rig.sources[0].asked().len();
    rig.assert_reads(5 * MIB as u64..6 * MIB as u64).await;
    assert_eq!(rig.sources[0].asked().len(), before);
}
