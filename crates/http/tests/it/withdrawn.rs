//! Answers that may not go on, and bodies that come from memory and files in turn.

use crate::support::{Peer, SHORT, Server, config, get, pattern, until};
use argosy_http::{ASK_BYTES, BodyPiece, EdgeBody, EdgeHandler, EdgeRequest, EdgeResponse, Pace, StatusCode};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use std::{
    fs::File,
    io::Write as _,
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const BYTES: usize = 50_000_000;

/// Sends the same bytes in whatever form the path names, as often as `asks` allows.
struct Forms {
    bytes: Bytes,
    file: Arc<File>,
    /// Answers `true` so many times.
    asks: Arc<AtomicUsize>,
}

impl Forms {
    fn new() -> Self {
        let bytes = Bytes::from(pattern(BYTES));
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        Self { bytes, file: Arc::new(file), asks: Arc::new(AtomicUsize::new(usize::MAX)) }
    }

    /// Pieces of odd lengths, in memory and in the file by turns.
    fn pieces(&self) -> Vec<BodyPiece> {
        let (mut at, mut pieces) = (0, Vec::new());
        for nth in 0_usize.. {
            let len = (1 + nth * 37_123 % 1_500_000).min(BYTES - at);
            if len == 0 {
                break;
            }
            let whole = self.bytes.slice(at..at + len);
            pieces.push(match nth % 3 {
                0 => BodyPiece::File { file: Arc::clone(&self.file), offset: at as u64, len: len as u64 },
                1 => whole.into(),
                // More than one call takes, some of them empty.
                _ => BodyPiece::Bytes(
                    (0..=len)
                        .step_by(1 + len / 150)
                        .map(|from| whole.slice(from..(from + 1 + len / 150).min(len)))
                        .chain([Bytes::new()])
                        .collect(),
                ),
            });
            at += len;
        }
        pieces
    }
}

impl EdgeHandler for Forms {
    async fn handle(&self, request: EdgeRequest<'_>) -> EdgeResponse {
        let len = BYTES as u64;
        let body = match request.path {
            "/memory" => EdgeBody::Bytes(self.bytes.clone()),
            "/file" => EdgeBody::File { file: Arc::clone(&self.file), offset: 0, len },
            "/parts" => EdgeBody::Parts(vec![
                EdgeBody::Bytes(self.bytes.slice(..BYTES / 2)),
                EdgeBody::File { file: Arc::clone(&self.file), offset: len / 2, len: len - len / 2 },
            ]),
            _ => {
                let stream = stream::iter(self.pieces()).map(Ok).boxed();
                EdgeBody::Stream { len, stream }
            }
        };
        let mut answer = EdgeResponse::new(StatusCode::OK, body);
        let asks = Arc::clone(&self.asks);
        answer.permission = Some(Arc::new(move || {
            let left = asks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            left.is_ok()
        }));
        if request.query == Some("paced") {
            answer.pace = Some(Arc::new(Pace::new(NonZeroU64::new(200_000_000).unwrap())));
        }
        answer
    }
}

const FORMS: [&str; 4] = ["/memory", "/file", "/parts", "/pieces"];

#[tokio::test]
async fn bodies_of_every_form_are_exact_and_asked_about() {
    let forms = Forms::new();
    let (bytes, asks) = (forms.bytes.clone(), Arc::clone(&forms.asks));
    let server = Server::edge(forms, config());
    let mut peer = server.peer().await;
    for path in FORMS.into_iter().chain(["/pieces?paced"]) {
        let before = asks.load(Ordering::Relaxed);
        peer.send(get(path)).await;
        let answer = peer.answer().await.unwrap();
        assert!(answer.status == 200 && answer.body == bytes, "{path}");
        // A step may be longer than what is asked about, but not by much.
        let asked = before - asks.load(Ordering::Relaxed);
        assert!(asked > BYTES / (4 * ASK_BYTES as usize), "{path}: {asked}");
    }
}

#[tokio::test]
async fn an_answer_that_may_not_go_on_is_broken_off() {
    for path in FORMS {
        let forms = Forms::new();
        let bytes = forms.bytes.clone();
        forms.asks.store(3, Ordering::Relaxed);
        let server = Server::edge(forms, config());
        let mut peer = server.peer().await;
        peer.send(get(path)).await;
        assert_eq!(peer.bodiless().await.status, 200);
        let got = peer.rest().await;
        assert!(bytes.starts_with(&got) && got.len() < BYTES / 2, "{path}: {}", got.len());
        until("the end of the connection", || server.counters.open() == 0).await;
    }
}

#[tokio::test]
async fn what_waits_for_a_slow_reader_is_not_sent_any_more() {
    let forms = Forms::new();
    let asks = Arc::clone(&forms.asks);
    let server = Server::edge(forms, config());
    let mut peer: Peer = server.peer().await;
    rustix::net::sockopt::set_socket_recv_buffer_size(&peer.stream, 64 * 1024).unwrap();
    peer.send(get("/file")).await;
    assert_eq!(peer.bodiless().await.status, 200);
    tokio::time::sleep(SHORT).await;
    asks.store(0, Ordering::Relaxed);
    // It reads nothing meanwhile, and has as much time for that as a peer can have.
    until("the end of the connection", || server.counters.open() == 0).await;
    assert_eq!(server.counters.missed_deadlines(), 0);
    let got = peer.rest().await;
    assert!(got.len() < 1_000_000, "{} bytes came all the same", got.len());
}
