//! Our own form of the operator's requests, and how the node ends.

use crate::{
    browser::{self, Answer},
    fake_source::{Behaviour, Sample},
    rig::{MIB, Rig, SECRET, own_public_api},
};
use argosy_distributor::{
    config::Requirement,
    operator::{
        strong::{self, Hello, Signed, Signer},
        token,
    },
};
use argosy_domain::{KeyScheme, Keypair};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub(crate) async fn hello(rig: &Rig) -> Hello {
    let answer = browser::ask(rig.operator_endpoint(), "GET", "/api/v1/operator", &[]).await;
    serde_json::from_value(answer.json()).unwrap()
}

pub(crate) async fn post(rig: &Rig, path: &str, authorization: &str, body: &str) -> Answer {
    let headers = [("Content-Type", "application/json"), ("Authorization", authorization)];
    browser::send(rig.operator_endpoint(), "POST", path, &headers, body).await
}

/// Status and code of a request that is signed our way.
async fn order(rig: &Rig, signer: Signer<'_>, action: &str, body: &Value) -> (u16, Value) {
    let (path, body) = (format!("/api/v1/{action}"), body.to_string());
    let request = Signed { method: "POST", path: &path, body: body.as_bytes() };
    let answer = post(rig, &path, &strong::sign(signer, &hello(rig).await, request), &body).await;
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}

fn alice() -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_ours_is_taken_once_and_not_after_a_restart() {
    let mut rig = Rig::new(&[]).await;
    let (path, body) = ("/api/v1/set-worker", r#"{"workerId":4}"#);
    let request = Signed { method: "POST", path, body: body.as_bytes() };
    let before = hello(&rig).await;
    assert_eq!((before.id.as_str(), before.secret), ("distributor-0", true));
    let header = strong::sign(Signer::Secret(SECRET), &before, request);
    assert_eq!(post(&rig, path, &header, body).await.status, 200);
    assert_eq!(rig.status().await["workerId"], 4);
    let again = post(&rig, path, &header, body).await;
    assert_eq!((again.status, again.json()["code"].as_str()), (401, Some("OPERATOR_TOKEN_REPLAYED")));
    let unused = strong::sign(Signer::Secret(SECRET), &before, request);
    let changed = post(&rig, path, &unused, r#"{"workerId":5}"#).await;
    assert_eq!(changed.json()["code"], "OPERATOR_TOKEN_OTHER_REQUEST");
    rig.stop().await;
    rig.start().await;
    let late = post(&rig, path, &unused, body).await;
    assert_eq!((late.status, late.json()["code"].as_str()), (401, Some("OPERATOR_TOKEN_OTHER_NODE")));
    let stranger = order(&rig, Signer::Key(&alice()), "set-worker", &json!({"workerId": 5})).await;
    assert_eq!((stranger.0, stranger.1["code"].as_str()), (401, Some("OPERATOR_TOKEN_STRANGER")));
    assert_eq!(rig.status().await["workerId"], 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_may_take_our_tokens_only_and_know_keys_alone() {
    let mut rig = Rig::new(&[]).await;
    let old = |path: &str, body: &Value| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        format!("Bearer {}", token::sign(SECRET, path, body, now))
    };
    rig.stop().await;
    rig.config.operator_api.as_mut().unwrap().require = Requirement::Strong;
    rig.start().await;
    let (path, body) = ("/api/v1/set-worker", json!({"workerId": 4}));
    let answer = post(&rig, path, &old(path, &body), &body.to_string()).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("STRONG_TOKEN_REQUIRED")));
    assert_eq!(order(&rig, Signer::Secret(SECRET), "set-worker", &body).await.0, 200);

    rig.stop().await;
    let api = rig.config.operator_api.as_mut().unwrap();
    (api.hmac_secret, api.keys, api.require) = (None, vec![alice().account().to_string()], Requirement::Any);
    rig.start().await;
    let answer = post(&rig, path, &old(path, &body), &body.to_string()).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("NO_OPERATOR_SECRET")));
    assert_eq!(order(&rig, Signer::Secret(SECRET), "set-worker", &body).await.0, 401);
    assert_eq!(order(&rig, Signer::Key(&alice()), "set-worker", &json!({"workerId": 6})).await.0, 200);
    assert_eq!(rig.status().await["workerId"], 6);
    let wrong = order(&rig, Signer::Key(&alice()), "set-worker", &json!({"workerId": -6})).await;
    assert_eq!((wrong.0, wrong.1["message"].as_str()), (400, Some("request.body.workerId should be >= 0")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_leaves_the_cache_when_the_operator_says_so() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(1, 100_000);
    let id = rig.put(&sample).await;
    rig.assert_whole(id, &sample, "miss").await;
    rig.wait_until("the object", |status| status["objectsInCache"] == 1).await;
    let body = json!({"object": id});
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let old = format!("Bearer {}", token::sign(SECRET, "/api/v1/drop", &body, now));
    let refused = post(&rig, "/api/v1/drop", &old, &body.to_string()).await;
    assert_eq!(refused.json()["code"], "STRONG_TOKEN_REQUIRED");
    assert_eq!(order(&rig, Signer::Secret(SECRET), "drop", &body).await.0, 200);
    assert_eq!(rig.status().await["objectsInCache"], 0);
    let popular = crate::browser::ask(rig.endpoint(), "GET", "/api/v1/popular", &[]).await.json();
    assert_eq!(popular["objects"], json!([]), "nobody is told to fetch it");
    rig.assert_whole(id, &sample, "miss").await;
    assert_eq!(order(&rig, Signer::Secret(SECRET), "drop", &json!({})).await.0, 400);
    let level = json!({"output": "file", "level": "loud"});
    assert_eq!(order(&rig, Signer::Secret(SECRET), "log-level", &level).await.0, 400);
}

/// C1 #28: a viewer in the middle of a download that is pending gets all of it, and new ones nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_in_the_middle_gets_his_bytes_when_the_node_is_told_to_stop() {
    for stop in ["shutdown", "stop-api"] {
        let configured = Rig::configured(&[Behaviour::Honest], |config| {
            config.limits.drain_sec = Some(60);
            config.public_api = own_public_api();
        });
        let mut rig = configured.await;
        let sample = Sample::random(1, 12 * MIB);
        let id = rig.put(&sample).await;
        rig.sources[0].delay(Duration::from_millis(100));
        let mut viewer = TcpStream::connect(rig.endpoint()).await.unwrap();
        let request = format!("GET /api/v1/assets/{id} HTTP/1.1\r\nHost: x\r\n\r\n");
        viewer.write_all(request.as_bytes()).await.unwrap();
        let mut all = vec![0; 1_000];
        viewer.read_exact(&mut all).await.unwrap();
        let (public, operator) = (rig.endpoint(), rig.operator_endpoint());
        let telling = tokio::spawn({
            let hello = hello(&rig).await;
            async move {
                let path = format!("/api/v1/{stop}");
                let request = Signed { method: "POST", path: &path, body: b"{}" };
                let header = strong::sign(Signer::Secret(SECRET), &hello, request);
                let headers = [("Content-Type", "application/json"), ("Authorization", header.as_str())];
                browser::send(operator, "POST", &path, &headers, "{}").await.status
            }
        });
        // The port is closed before the viewer reads on.
        while TcpStream::connect(public).await.is_ok() {
            tokio::task::yield_now().await;
        }
        viewer.read_to_end(&mut all).await.unwrap();
        let head = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        assert!(all[head + 4..] == sample.bytes, "{stop}: {} bytes", all.len());
        assert_eq!(telling.await.unwrap(), 200, "{stop}");
        if stop == "shutdown" {
            rig.ended().await;
        }
    }
}
