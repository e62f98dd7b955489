//! Answers under way, from disk or while they are fetched, of objects that nobody may have any more.

use crate::{
    fake_directory::{genesis, key},
    fake_source::{Behaviour, Sample},
    rig::{MIB, OURS, Rig},
};
use argosy_api::{ReadPermit, ReadScope};
use argosy_directory::Event;
use argosy_domain::{BagId, ChannelId, DataObjectId};
use argosy_node::follower::now_ms;
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

const BAG: BagId = BagId::channel(ChannelId(OURS));
/// More than the kernel buffers of an answer that nobody reads.
const SIZE: usize = 32 * MIB;

/// An answer that was begun, and is not read on.
struct Begun {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Begun {
    async fn new(rig: &Rig, path: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(256 * 1024).unwrap();
        let mut stream = socket.connect(rig.endpoint()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = vec![0; 2_000];
        stream.read_exact(&mut bytes).await.unwrap();
        assert!(bytes.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&bytes[..20]));
        Self { stream, bytes }
    }

    /// The whole body as far as it comes.
    async fn body(mut self) -> Vec<u8> {
        // A broken connection shows as a short body.
        let _broken = self.stream.read_to_end(&mut self.bytes).await;
        let head = self.bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        self.bytes.split_off(head)
    }
}

async fn cached(rig: &Rig, seed: u64) -> (u64, Arc<Sample>) {
    let sample = Sample::random(seed, SIZE);
    let id = rig.put(&sample).await;
    rig.assert_whole(id, &sample, "miss").await;
    rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
    rig.assert_whole(id, &sample, "hit").await;
    (id, sample)
}

fn blacklist(sample: &Sample) -> Vec<Event> {
    let text = [sample.content_id.to_string().into_bytes()].into();
    vec![Event::UpdateBlacklist { removed: [].into(), added: text }]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_from_disk_ends_when_it_is_blacklisted() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let (id, sample) = cached(&rig, 1).await;
    let mut begun = Vec::new();
    for path in [format!("/api/v1/assets/{id}"), format!("/api/v1/assets/{id}?download=x")] {
        begun.push(Begun::new(&rig, &path).await);
    }
    rig.tell(blacklist(&sample)).await;
    for reader in begun {
        let body = reader.body().await;
        assert!(sample.bytes.starts_with(&body) && body.len() < SIZE, "{} bytes", body.len());
    }
    assert_eq!(rig.get(id, &[]).await.status, 451);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_private_goes_on_only_to_those_who_have_shown_a_permit() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let (id, sample) = cached(&rig, 2).await;
    let permit = |signer: &str| {
        let scope = ReadScope::Object(DataObjectId(id));
        ReadPermit::sign(&key(signer), &genesis().hash(), scope, now_ms() + 600_000).to_string()
    };
    let without = Begun::new(&rig, &format!("/api/v1/assets/{id}")).await;
    let with = Begun::new(&rig, &format!("/api/v1/assets/{id}?permit={}", permit("//Alice"))).await;
    let wrong = Begun::new(&rig, &format!("/api/v1/assets/{id}?permit={}", permit("//Eve"))).await;
    rig.tell(vec![Event::BagPrivacySet { bag: BAG, private: true }]).await;
    assert!(with.body().await == sample.bytes);
    for reader in [without, wrong] {
        let body = reader.body().await;
        assert!(sample.bytes.starts_with(&body) && body.len() < SIZE, "{} bytes", body.len());
    }
    // Begun with a permit that was looked at.
    let with = Begun::new(&rig, &format!("/api/v1/assets/{id}?permit={}", permit("//Alice"))).await;
    rig.tell(vec![Event::BagPrivacySet { bag: BAG, private: false }]).await;
    rig.tell(vec![Event::BagPrivacySet { bag: BAG, private: true }]).await;
    assert!(with.body().await == sample.bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_fetched_while_it_is_sent_ends_when_it_becomes_private() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(3, SIZE);
    let id = rig.put(&sample).await;
    let begun = Begun::new(&rig, &format!("/api/v1/assets/{id}")).await;
    rig.tell(vec![Event::BagPrivacySet { bag: BAG, private: true }]).await;
    let body = begun.body().await;
    assert!(sample.bytes.starts_with(&body) && body.len() < SIZE, "{} bytes", body.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_are_to_deliver_from_now_on_is_sent_to_its_end() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let (id, sample) = cached(&rig, 4).await;
    let begun = Begun::new(&rig, &format!("/api/v1/assets/{id}")).await;
    let bucket = crate::rig::distribution_bucket(0);
    rig.tell(vec![Event::DistributionBucketModeUpdated { bucket, distributing: false }]).await;
    assert_eq!(rig.get(id, &[]).await.status, 421);
    assert!(begun.body().await == sample.bytes);
}
