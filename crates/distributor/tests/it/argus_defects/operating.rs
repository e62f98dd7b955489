//! What operators live with.

use crate::{
    browser,
    fake_source::Behaviour,
    operator::{DONE, signed},
    orders,
    rig::{MIB, Rig, SECRET, own_public_api, patient},
    steps::{png, watched},
    watching::{metrics, number},
};
use argosy_content::GroupRange;
use argosy_distributor::{
    config::OperatorApi,
    operator::strong::{self, Signed, Signer},
};
use argosy_telemetry::{ElasticLog, ElasticPlan, LogConfig};
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
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
async fn defect_18_logging_fails_requests() {
    // An endpoint that takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plan = ElasticPlan {
        endpoint: format!("http://{}", silent.local_addr().unwrap()),
        stream: "logs-argus-test".to_owned(),
        source: "distributor-0".to_owned(),
        auth: Some(("name".to_owned(), "of nobody".to_owned())),
        spool: folder.path().join("spool"),
        interval: Duration::from_millis(20),
    };
    let elastic = Some(ElasticLog { filter: "trace".to_owned(), plan });
    let logs = argosy_telemetry::init(&LogConfig { console: "off".to_owned(), file: None, elastic }).unwrap();
    assert!(logs.is_active(), "no other test of this program starts logging");

    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = png(1, 300_000);
    let id = rig.put_and_fetch(&sample).await;
    let (asked, _) = watched("a line that is sent", silent.accept()).await.unwrap();
    for path in ["x", "999999", "%00\u{7f}"] {
        let refused = browser::ask(rig.endpoint(), "GET", &format!("/api/v1/assets/{path}"), &[]).await;
        assert!(refused.status >= 400, "{path}");
    }
    for _ in 0..200 {
        watched("a hit", rig.assert_whole(id, &sample, "hit")).await;
    }
    let counts = argosy_telemetry::counts();
    assert_eq!((counts.elastic_sent, counts.file_lost), (0, 0), "{counts:?}");
    drop((asked, silent));
    watched("a hit", rig.assert_whole(id, &sample, "hit")).await;
    rig.wait_for("what became of the lines", async || argosy_telemetry::counts().elastic_failures > 0).await;
    watched("a hit", rig.assert_whole(id, &sample, "hit")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_19_nobody_can_see_what_the_node_does() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = png(1, 300_000);
    let id = rig.put_and_fetch(&sample).await;
    rig.assert_whole(id, &sample, "hit").await;
    let of = |cache: &str| format!("argosy_distributor_requests_total{{cache=\"{cache}\",status=\"2xx\"}}");
    // An answer is counted when it is over, which may be after it has arrived.
    let least = async |name: &str, least: f64| {
        rig.wait_for(name, async || number(&metrics(&rig).await, name) >= least).await;
    };
    for cache in ["miss", "hit"] {
        least(&of(cache), 1.0).await;
    }
    for phase in ["decision_seconds_count", "first_byte_seconds_count{cache=\"miss\"}"] {
        least(&format!("argosy_distributor_{phase}"), 1.0).await;
    }
    for bytes in ["fetched_bytes_total", "sent_bytes_total{cache=\"hit\"}", "cache_bytes"] {
        least(&format!("argosy_distributor_{bytes}"), 300_000.0).await;
    }
    let text = metrics(&rig).await;
    assert_eq!(number(&text, "argosy_distributor_wrong_answers_total"), 0.0);
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

    // What was heard once is not taken again.
    let (path, body) = ("/api/v1/set-worker", "{\"workerId\":0}");
    let request = Signed { method: "POST", path, body: body.as_bytes() };
    let signed = strong::sign(Signer::Secret(SECRET), &orders::hello(&rig).await, request);
    assert_eq!(orders::post(&rig, path, &signed, body).await.status, 200);
    let again = orders::post(&rig, path, &signed, body).await;
    assert_eq!((again.status, again.json()["code"].as_str()), (401, Some("OPERATOR_TOKEN_REPLAYED")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_27_the_operators_changes_are_forgotten_and_old_connections_stay() {
    let mut rig = Rig::configured(&[Behaviour::Honest], |config| config.public_api = own_public_api()).await;
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
    let mut rig = Rig::configured(&[Behaviour::Honest], |config| {
        config.public_api = own_public_api();
        config.limits = patient(1 << 30);
    })
    .await;
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
