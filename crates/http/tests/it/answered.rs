//! What a handler is told about its answers once they are sent.

use std::sync::{Arc, Mutex};

use argosy_http::{Answered, EdgeBody, EdgeHandler, EdgeRequest, EdgeResponse, HeaderBlock, StatusCode};
use futures_util::stream;

use crate::support::{Server, config, get, until};

const BODY: &[u8] = &[b'x'; 300_000];

/// Answers by path, and keeps what it is told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(String, Answered)>>>);

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
        EdgeResponse::new(StatusCode::OK, body).with_headers(headers)
    }

    fn answered(&self, request: &EdgeRequest<'_>, outcome: &Answered) {
        self.0.lock().unwrap().push((request.path.to_owned(), outcome.clone()));
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
    let told = told.0.lock().unwrap().clone();
    let [(path, whole), (_, head), (_, cut)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((path.as_str(), whole.status, whole.body_bytes), ("/whole", StatusCode::OK, 300_000));
    assert!(whole.whole && whole.sent_bytes > 300_000 && whole.total >= whole.waited);
    assert_eq!((whole.headers.value("x-cache"), whole.headers.value("etag")), (Some("hit"), None));
    assert!(head.whole && head.body_bytes == 0 && head.sent_bytes > 0);
    assert!(!cut.whole && cut.sent_bytes == broken.len() as u64);
    assert_eq!((server.counters.accepted(), server.counters.broken_answers()), (1, 1));
    until("the end", || server.counters.open() == 0).await;
}
