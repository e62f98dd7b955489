//! What operators live with.

use crate::{
    browser,
    fake_source::Behaviour,
    operator::{DONE, signed},
    rig::{MIB, Rig, SECRET},
    steps::{png, watched},
};
use argosy_content::GroupRange;
use argosy_distributor::config::OperatorApi;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_16_the_status_fails_when_others_are_down() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    rig.put_and_fetch(&png(1, 300_000)).await;
    let before = rig.status().await;
    assert_eq!(before["directory"]["connected"], true);
    rig.directory.stop();
    rig.sources[0].kill();
    rig.wait_until("the loss of the directory", |status| status["directory"]["connected"] == false).await;
    let after = rig.status().await;
    for field in ["objectsInCache", "storageUsed", "storageLimit", "workerId", "id", "buckets"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!(after["directory"]["height"], before["directory"]["height"]);
    let buckets = browser::ask(rig.endpoint(), "GET", "/api/v1/buckets", &[]).await;
    assert_eq!((buckets.status, buckets.json()), (200, json!({"allByWorkerId": 0})));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_26_the_operators_secret_is_in_the_environment_and_its_port_open_to_all() {
    let rig = Rig::new(&[]).await;
    let environment = std::fs::read("/proc/self/environ").unwrap();
    let secret = SECRET.as_bytes();
    assert!(!environment.windows(secret.len()).any(|part| part == secret));
    assert!(std::env::vars_os().all(|(_, value)| value != SECRET));
    assert!(!format!("{:?}", rig.config).contains(SECRET), "nor in what is logged of the configuration");
    let api: OperatorApi = serde_json::from_value(json!({"port": 0, "hmacSecret": SECRET})).unwrap();
    assert!(api.host.is_loopback(), "this machine only, unless the operator says otherwise");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_27_the_operators_changes_are_forgotten_and_old_connections_stay() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    rig.stop().await;
    rig.config.public_api.port =
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    rig.start().await;
    rig.know().await;
    let ours = rig.put(&png(1, 1_000)).await;
    let theirs = rig.put_elsewhere(&png(2, 1_000)).await;
    assert_eq!(signed(&rig, "set-buckets", json!({"buckets": ["0:1"]})).await, DONE);
    for _ in 0..2 {
        assert_eq!((rig.head(ours, &[]).await.status, rig.head(theirs, &[]).await.status), (421, 200));
        rig.stop().await;
        rig.start().await;
        rig.know().await;
    }
    let mut kept = TcpStream::connect(rig.endpoint()).await.unwrap();
    kept.write_all(b"HEAD /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(kept.read_u8().await.unwrap());
    }
    assert_eq!(signed(&rig, "stop-api", json!({})).await, DONE);
    let asked = kept.write_all(b"HEAD /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answered = kept.read_u8().await;
    assert!(asked.is_err() || answered.is_err(), "a connection that was open is served no more");
    rig.stop().await;
    rig.start().await;
    TcpStream::connect(rig.endpoint()).await.unwrap_err();
    assert_eq!(signed(&rig, "start-api", json!({})).await, DONE);
    assert_eq!(rig.head(theirs, &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_28_the_end_of_the_node_cuts_waiting_viewers() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let (film, other) = (png(1, 3 * MIB), png(2, 3 * MIB));
    let (id, other_id) = (rig.put(&film).await, rig.put(&other).await);
    rig.assert_part(other_id, &other, 0, MIB - 1).await;
    rig.sources[0].hold_back_all_but(id, &[GroupRange::new(0, 10)]);
    let mut reading = rig.begin(id, &[]).await;
    watched("the first bytes", reading.until(100_000)).await;
    let to = rig.endpoint();
    assert_eq!(signed(&rig, "shutdown", json!({})).await, DONE);
    // No new viewers; the one who waits gets all.
    rig.wait_for("the closed port", async || TcpStream::connect(to).await.is_err()).await;
    rig.sources[0].let_go(id);
    assert!(watched("the rest", reading.end()).await.body == film.bytes);
    watched("the end", rig.ended()).await;

    let fetched = rig.groups_sent();
    rig.start().await;
    rig.assert_part(other_id, &other, 0, MIB - 1).await;
    assert_eq!(rig.groups_sent(), fetched, "what was begun goes on where it was");
}
