//! What a handler is told about its answers once they are sent.

use std::sync::{Arc, Mutex};

use argosy_http::{
    Answered, EdgeBody, EdgeHandler, EdgeRequest, EdgeResponse, HeaderBlock, Refused, StatusCode,
};
use futures_util::stream;

use crate::support::{Server, config, get, strict, until};

const BODY: &[u8] = &[b'x'; 300_000];

/// Answers by path, and keeps what it is told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(String, Answered)>>>, Arc<Mutex<Vec<String>>>);

impl EdgeHandler for Told {
    async fn handle(&self, request: EdgeRequest<'_>) -> EdgeResponse {
        let body = match request.path {
            "/broken" => {
                let pieces = [Ok(BODY[..10].into()), Err(std::io::Error::other("no more"))];
                EdgeBody::bytes_stream(300_000, stream::iter(pieces))
            }
            _ => EdgeBody::Bytes(BODY.into()),
        };
        let headers = HeaderBlock::build([("x-cachet", "no"), ("x-cache", "hit")]);
        let mut answer = EdgeResponse::new(StatusCode::OK, body).with_headers(headers);
        answer.note = Some(Arc::new(request.path.len()));
        answer
    }

    fn answered(&self, request: &EdgeRequest<'_>, outcome: &Answered) {
        self.0.lock().unwrap().push((request.path.to_owned(), outcome.clone()));
    }

    fn refused(&self, refused: &Refused<'_>) {
        assert!(refused.sent_bytes > 0 && refused.client.is_loopback());
        let Refused { status, message, method, path, .. } = refused;
        let line = format!("{} {method:?} {path:?} {message}", status.as_u16());
        self.1.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn every_answer_is_told_of_when_it_is_over() {
    let told = Told::default();
    let server = Server::edge(told.clone(), config());
    let mut peer = server.peer().await;
    peer.send(get("/whole")).await;
    assert_eq!(peer.answer().await.unwrap().body, BODY);
    peer.send("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n").await;
    peer.bodiless().await;
    peer.send(get("/broken")).await;
    let broken = peer.rest().await;
    assert!(broken.ends_with(&BODY[..10]));
    until("three answers", || told.0.lock().unwrap().len() == 3).await;
    let told_of = told;
    let told = told_of.0.lock().unwrap().clone();
    let [(path, whole), (_, head), (_, cut)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((path.as_str(), whole.status, whole.body_bytes), ("/whole", StatusCode::OK, 300_000));
    assert!(whole.whole && whole.sent_bytes > 300_000 && whole.total >= whole.waited);
    let note = whole.note.as_ref().and_then(|note| note.downcast_ref::<usize>());
    assert_eq!(note, Some(&"/whole".len()), "what the handler put in");
    assert!(told_of.1.lock().unwrap().is_empty(), "a handler has seen all of them");
    assert_eq!((whole.headers.value("x-cache"), whole.headers.value("etag")), (Some("hit"), None));
    assert!(head.whole && head.body_bytes == 0 && head.sent_bytes > 0);
    assert!(!cut.whole && cut.sent_bytes == broken.len() as u64);
    assert_eq!((server.counters.accepted(), server.counters.broken_answers()), (1, 1));
    until("the end", || server.counters.open() == 0).await;
}

#[tokio::test]
async fn every_refusal_is_told_of_once() {
    let told = Told::default();
    let server = Server::edge(told.clone(), config());
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "y".repeat(17_000));
    let requests = [
        "POST /a?secret HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /b?secret HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        "\u{16}\u{3}\u{1}\u{2}\0",
        &large,
    ];
    for request in requests {
        let mut peer = server.peer().await;
        peer.try_send(request).await;
        assert!(peer.answer().await.unwrap().status >= 400);
    }
    let lines = || told.1.lock().unwrap().clone();
    until("all refusals", || lines().len() == requests.len()).await;
    assert_eq!(
        lines()[..2],
        [
            "405 Some(\"POST\") Some(\"/a\") POST method not allowed",
            "400 Some(\"GET\") Some(\"/b\") requests have no body here",
        ]
    );
    assert!(lines()[2].starts_with("400 None None ") && lines()[3].starts_with("431 None None "));
    assert!(told.0.lock().unwrap().is_empty(), "no handler has seen them");
}

#[tokio::test]
async fn a_head_that_never_ends_is_told_of_too() {
    let told = Told::default();
    let server = Server::edge(told.clone(), strict());
    let mut peer = server.peer().await;
    peer.send("GET / HTT").await;
    assert_eq!(peer.answer().await.unwrap().status, 408);
    until("the refusal", || !told.1.lock().unwrap().is_empty()).await;
    assert!(told.1.lock().unwrap()[0].starts_with("408 None None "));
}
