//! The operator's port, asked as Argus' command line asks it.

use crate::{
    browser::{self, Answer},
    fake_source::{Behaviour, Sample},
    rig::{Rig, SECRET, own_public_api},
};
use argosy_distributor::operator::token;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Sends what is signed, or something else.
async fn post(rig: &Rig, path: &str, authorization: Option<&str>, body: &str) -> Answer {
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(authorization.map(|value| ("Authorization", value)));
    browser::send(rig.operator_endpoint(), "POST", path, &headers, body).await
}

pub(crate) async fn signed(rig: &Rig, action: &str, body: Value) -> (u16, String) {
    let path = format!("/api/v1/{action}");
    let bearer = format!("bearer {}", token::sign(SECRET, &path, &body, now()));
    let answer = post(rig, &path, Some(&bearer), &body.to_string()).await;
    (answer.status, String::from_utf8(answer.body).unwrap())
}

fn message(text: &str) -> (u16, String) {
    (409, json!({ "message": text }).to_string())
}

pub(crate) const DONE: (u16, String) = (200, String::new());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_the_secret_is_heard() {
    let rig = Rig::new(&[]).await;
    let path = "/api/v1/set-worker";
    let body = json!({"workerId": 1});
    let bearer = |token: String| Some(format!("Bearer {token}"));
    let cases = [
        (None, "Authorization header required"),
        (Some("Basic dTpw".to_owned()), "Authorization header with scheme 'Bearer' required"),
        (Some("Bearer".to_owned()), "Bearer token missing"),
        (bearer("x".into()), "jwt malformed"),
        (bearer(token::sign("another", path, &body, now())), "invalid signature"),
        (bearer(token::sign(SECRET, path, &body, now() - 100)), "jwt expired"),
        (bearer(token::sign(SECRET, path, &json!({}), now())), "Invalid token: Request body does not match"),
        (
            bearer(token::sign(SECRET, "/api/v1/shutdown", &body, now())),
            "Invalid token: Request url does not match",
        ),
    ];
    for (authorization, text) in cases {
        let answer = post(&rig, path, authorization.as_deref(), &body.to_string()).await;
        assert_eq!(answer.status, 401, "{text}");
        let expected = json!({
            "type": "request_validation", "message": text, "errors": [{"path": path, "message": text}],
        });
        assert_eq!(answer.json(), expected);
    }
    assert_eq!(rig.status().await["workerId"], 0, "nothing has changed");
    let query = "/api/v1/set-worker?x=1";
    let bearer = format!("Bearer {}", token::sign(SECRET, query, &body, now()));
    assert_eq!(
        post(&rig, query, Some(&bearer), &body.to_string()).await.status,
        200,
        "the query is signed too"
    );
    assert_eq!(rig.status().await["workerId"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_checked_after_signatures() {
    let rig = Rig::new(&[]).await;
    for (action, body, text) in [
        ("set-worker", json!({"workerId": -1}), "request.body.workerId should be >= 0"),
        ("set-worker", json!({"workerId": "x"}), "request.body.workerId should be integer"),
        ("set-worker", json!({}), "request.body should have required property 'workerId'"),
        ("set-buckets", json!({"buckets": []}), "request.body.buckets should NOT have fewer than 1 items"),
        (
            "set-buckets",
            json!({"buckets": ["0:0", "x"]}),
            "request.body.buckets[1] should match pattern \"^[0-9]+:[0-9]+$\"",
        ),
        (
            "set-buckets",
            json!({"buckets": ["0:0", "0:0"]}),
            "request.body.buckets should NOT have duplicate items",
        ),
    ] {
        let (status, answer) = signed(&rig, action, body).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((status, answer["message"].as_str().unwrap()), (400, text));
    }
    assert_eq!(post(&rig, "/api/v1/set-worker", None, "{").await.status, 400, "no JSON");
    assert_eq!(browser::ask(rig.operator_endpoint(), "GET", "/api/v1/stop-api", &[]).await.status, 405);
    assert_eq!(post(&rig, "/api/v1/other", None, "{}").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_worker_and_other_buckets_count_at_once_and_after_a_restart() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let (ours, theirs) = (Sample::random(1, 10_000), Sample::random(2, 10_000));
    let (first, second) = (rig.put(&ours).await, rig.put_elsewhere(&theirs).await);
    let status = async |rig: &Rig, id| rig.head(id, &[]).await.status;
    assert_eq!((status(&rig, first).await, status(&rig, second).await), (200, 421));

    assert_eq!(signed(&rig, "set-worker", json!({"workerId": 1})).await, DONE);
    assert_eq!((status(&rig, first).await, status(&rig, second).await), (421, 200));
    assert_eq!(signed(&rig, "set-buckets", json!({"buckets": ["0:0"]})).await, DONE);
    assert_eq!((status(&rig, first).await, status(&rig, second).await), (200, 421));
    let buckets = browser::ask(rig.endpoint(), "GET", "/api/v1/buckets", &[]).await.json();
    assert_eq!(buckets, json!({"bucketIds": ["0:0"]}));
    assert_eq!(signed(&rig, "set-buckets", json!({})).await, DONE);
    assert_eq!((status(&rig, first).await, status(&rig, second).await), (421, 200));

    rig.stop().await;
    rig.start().await;
    rig.know().await;
    assert_eq!(rig.status().await["workerId"], 1, "the operator's wish outlives the process");
    assert_eq!((status(&rig, first).await, status(&rig, second).await), (421, 200));

    rig.stop().await;
    rig.config.worker_id = Some(7);
    rig.start().await;
    assert_eq!(rig.status().await["workerId"], 7, "a newer configuration wins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_port_closes_with_its_connections_and_opens_again() {
    let mut rig = Rig::configured(&[], |config| config.public_api = own_public_api()).await;
    assert_eq!(signed(&rig, "start-api", json!({})).await, message("Already started"));

    let mut kept = TcpStream::connect(rig.endpoint()).await.unwrap();
    kept.write_all(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut some = [0; 1];
    kept.read_exact(&mut some).await.unwrap();
    assert_eq!(signed(&rig, "stop-api", json!({})).await, DONE);
    // The answer that was running is whole, then the connection ends.
    let mut rest = Vec::new();
    kept.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"}"));
    TcpStream::connect(rig.endpoint()).await.unwrap_err();
    assert_eq!(signed(&rig, "stop-api", json!({})).await, message("Already stopped"));

    rig.stop().await;
    rig.start().await;
    TcpStream::connect(rig.endpoint()).await.unwrap_err();
    assert_eq!(signed(&rig, "start-api", json!({})).await, DONE);
    assert_eq!(rig.status().await["id"], "distributor-0");
    rig.stop().await;
    rig.start().await;
    assert_eq!(rig.status().await["id"], "distributor-0", "and it stays open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_ends_when_it_is_told_to() {
    let mut rig = Rig::new(&[]).await;
    assert_eq!(signed(&rig, "shutdown", json!({})).await, DONE);
    rig.ended().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_secret_only_the_status_is_told() {
    let mut rig = Rig::new(&[]).await;
    rig.stop().await;
    rig.config.operator_api.as_mut().unwrap().hmac_secret = None;
    rig.start().await;
    let answer = post(&rig, "/api/v1/shutdown", None, "{}").await;
    assert_eq!((answer.status, answer.json()["code"].as_str().unwrap()), (403, "NO_OPERATOR_SECRET"));
    let answer = browser::ask(rig.operator_endpoint(), "GET", "/api/v1/status", &[]).await;
    assert_eq!(answer.json()["id"], "distributor-0");
}
