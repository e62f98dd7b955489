//! The router's door: hyper behind the filter.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use argosy_http::{Peer as WhoAsks, ServeConfig, StatusCode};
use axum::{
    Extension, Router,
    body::{Body, Bytes},
    http::Uri,
    response::{IntoResponse, Response},
    routing::{any, get as on_get},
};
use futures_util::{StreamExt, stream};
use tokio::io::AsyncReadExt;

use crate::support::{LARGE, LONG, SHORT, Server, config, get, strict, until};

async fn count_body(body: Body) -> Response {
    let mut pieces = body.into_data_stream();
    let mut count = 0;
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => count += piece.len(),
            Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
        }
    }
    count.to_string().into_response()
}

async fn endless() -> Body {
    Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[7; 16 * 1024]))))
}

async fn slow() -> Body {
    let first = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"abc")) });
    let rest = stream::once(async {
        tokio::time::sleep(SHORT * 4).await;
        Ok(Bytes::from_static(b"def"))
    });
    Body::from_stream(first.chain(rest))
}

fn serve() -> Server {
    serve_with(config())
}

fn serve_with(config: ServeConfig) -> Server {
    let router = Router::new()
        .route(
            "/echo/{*rest}",
            any(|uri: Uri, Extension(WhoAsks { address: peer, .. }): Extension<WhoAsks>| async move {
                format!("{uri} {}", peer.ip())
            }),
        )
        .route("/count", any(count_body))
        .route("/refuse", any(|| async { (StatusCode::UNPROCESSABLE_ENTITY, "wrong bytes") }))
        .route("/endless", on_get(endless))
        .route("/slow", on_get(slow))
        .route("/large", on_get(|| async { LARGE.clone() }));
    Server::router(router, config)
}

#[tokio::test]
async fn requests_with_bodies_follow_each_other_however_they_are_cut() {
    let server = serve();
    let sized = "PUT /count HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /";
    let chunked = "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    let empty = "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let requests = [sized, chunked, &get("/echo/1"), empty, sized, &get("/echo/2")].concat();
    for step in [requests.len(), 1, 13, 50] {
        let mut peer = server.peer().await;
        for piece in requests.as_bytes().chunks(step) {
            peer.send(piece).await;
        }
        for expected in ["5", "13", "/echo/1 127.0.0.1", "0", "5", "/echo/2 127.0.0.1"] {
            let answer = peer.answer().await.unwrap();
            assert_eq!((answer.status, answer.text()), (200, expected), "cut by {step}");
        }
    }
}

#[tokio::test]
async fn a_large_body_arrives_whole() {
    let server = serve();
    let mut peer = server.peer().await;
    for _ in 0..2 {
        peer.send(
            "PUT /count HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 30000000\r\n\r\n",
        )
        .await;
        assert_eq!(peer.bodiless().await.status, 100);
        peer.send(vec![1; 30_000_000]).await;
        assert_eq!(peer.answer().await.unwrap().text(), "30000000");
    }
}

#[tokio::test]
async fn ambiguous_requests_are_refused_and_closed() {
    let server = serve();
    let cases = [
        ("two Hosts", "GET /echo/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned()),
        ("no Host", "GET /echo/1 HTTP/1.1\r\n\r\n".to_owned()),
        ("both lengths", "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned()),
        ("bare LF", "GET /echo/1 HTTP/1.1\nHost: a\n\n".to_owned()),
        ("foreign target", "GET http://b/echo/1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("large head", format!("GET /echo/1 HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "y".repeat(17_000))),
        ("many fields", format!("GET /echo/1 HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(64))),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
    ];
    let count = cases.len() as u64;
    for (name, request) in cases {
        let mut peer = server.peer().await;
        // The first is in order and answered; what follows the bad one must never be taken for a request.
        peer.try_send(get("/echo/0") + &request + &get("/echo/smuggled")).await;
        assert_eq!(peer.answer().await.expect(name).status, 200, "{name}");
        let answer = peer.answer().await.expect(name);
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")), "{name}");
        assert_eq!(peer.rest().await, b"", "{name}");
    }
    until("all were counted", || server.counters.refused_requests() == count).await;
}

#[tokio::test]
async fn malformed_chunks_end_the_connection() {
    let server = serve();
    for body in
        ["1;x=y\r\na\r\n0\r\n\r\n", "1\na\n0\n\n", "zz\r\n", "1\r\nabc\r\n0\r\n\r\n", "0\r\nX: y\r\n\r\n"]
    {
        let mut peer = server.peer().await;
        let head = "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        peer.try_send([head, body, &get("/echo/smuggled")].concat()).await;
        let rest = String::from_utf8(peer.rest().await).unwrap();
        assert!(!rest.contains("smuggled") && !rest.contains(" 200 "), "{body:?}: {rest}");
    }
}

#[tokio::test]
async fn slow_and_silent_peers_are_closed_in_time() {
    let server = serve_with(strict());
    // Nothing at all.
    let start = Instant::now();
    server.peer().await.closed_after(start, SHORT).await;
    // A head that never ends, a byte at a time.
    let mut peer = server.peer().await;
    let start = Instant::now();
    peer.send("GET /echo/1 HTTP/1.1\r\nHost: a\r\n").await;
    while start.elapsed() < LONG && peer.try_send("x").await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(start.elapsed() >= SHORT, "closed after {:?}", start.elapsed());
    // Idle after a request, and after half of another.
    for (half, after) in [("", SHORT * 2), ("GET /ec", SHORT)] {
        let mut peer = server.peer().await;
        let start = Instant::now();
        peer.send(get("/echo/1") + half).await;
        peer.answer().await.unwrap();
        peer.closed_after(start, after).await;
    }
    until("all were counted", || server.counters.missed_deadlines() == 4).await;
}

#[tokio::test]
async fn a_slow_body_fails_in_its_handler_and_a_steady_one_does_not() {
    let server = serve_with(strict());
    let mut peer = server.peer().await;
    let start = Instant::now();
    peer.send("PUT /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n").await;
    while start.elapsed() < LONG && peer.try_send("x").await {
        tokio::time::sleep(Duration::from_millis(40)).await;
        if server.counters.missed_deadlines() > 0 {
            break;
        }
    }
    let answer = peer.answer().await.unwrap();
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
    assert_eq!(answer.status, 408);
    assert!(peer.answer().await.is_none());

    // 10 000 bytes each 20 ms are far above the least rate, for longer than the grace.
    let mut config = strict();
    (config.deadlines.body_grace, config.deadlines.idle) = (SHORT * 5, SHORT * 10);
    let server = serve_with(config);
    let mut peer = server.peer().await;
    peer.send("PUT /count HTTP/1.1\r\nHost: a\r\nContent-Length: 750000\r\n\r\n").await;
    for _ in 0..75 {
        peer.send([1; 10_000]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(peer.answer().await.unwrap().text(), "750000");
}

#[tokio::test]
async fn an_answer_before_the_end_of_a_body_is_seen_and_closes() {
    let server = serve();
    let mut peer = server.peer().await;
    peer.send("PUT /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n").await;
    peer.try_send(vec![1; 3_000_000]).await;
    let answer = peer.answer().await.unwrap();
    assert_eq!((answer.status, answer.text()), (422, "wrong bytes"));
    assert!(peer.answer().await.is_none());
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_closed_and_a_slow_one_is_not() {
    let expected = LARGE.clone();
    let server = serve_with(strict());
    let mut stalled = server.peer().await;
    rustix::net::sockopt::set_socket_recv_buffer_size(&stalled.stream, 64 * 1024).unwrap();
    stalled.send(get("/endless")).await;
    until("the stalled peer is given up", || server.counters.missed_deadlines() == 1).await;
    drop(stalled);

    let mut slow = server.peer().await;
    rustix::net::sockopt::set_socket_recv_buffer_size(&slow.stream, 64 * 1024).unwrap();
    slow.send(get("/large")).await;
    let start = Instant::now();
    let mut received = Vec::new();
    while start.elapsed() < SHORT * 15 {
        let mut some = [0; 20_000];
        let count = slow.stream.read(&mut some).await.unwrap();
        assert_ne!(count, 0, "closed after {:?}", start.elapsed());
        received.extend_from_slice(&some[..count]);
        tokio::time::sleep(SHORT / 8).await;
    }
    assert_eq!(server.counters.missed_deadlines(), 1);
    while !received.ends_with(&expected[29_999_000..]) {
        assert_ne!(slow.stream.read_buf(&mut received).await.unwrap(), 0);
    }
    assert!(received.ends_with(&expected), "the bytes differ");
}

#[tokio::test]
async fn a_slow_handler_is_not_the_peers_fault() {
    let server = serve_with(strict());
    let mut peer = server.peer().await;
    peer.send(get("/slow")).await;
    // The answer takes longer than the idle deadline.
    let (status, rest) = (peer.bodiless().await.status, async {
        let mut all = Vec::new();
        while !all.ends_with(b"0\r\n\r\n") {
            assert_ne!(peer.stream.read_buf(&mut all).await.unwrap(), 0);
        }
        all
    });
    assert_eq!(status, 200);
    rest.await;
    assert_eq!(server.counters.missed_deadlines(), 0);
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way_and_closes_what_is_idle() {
    let server = serve();
    let mut idle = server.peer().await;
    idle.send(get("/echo/1")).await;
    idle.answer().await.unwrap();
    let mut fresh = server.peer().await;
    let mut busy = server.peer().await;
    busy.send(get("/slow")).await;
    until("all are connected", || server.counters.accepted() == 3).await;
    let mut head = [0; 12];
    busy.stream.read_exact(&mut head).await.unwrap();
    let stopped = tokio::spawn(server.stop());
    assert!(idle.answer().await.is_none() && fresh.answer().await.is_none());
    assert!(String::from_utf8(busy.rest().await).unwrap().ends_with("3\r\ndef\r\n0\r\n\r\n"));
    stopped.await.unwrap();
}

#[tokio::test]
async fn stopping_cuts_what_does_not_end() {
    let server = serve_with(strict());
    let mut peer = server.peer().await;
    peer.send(get("/endless")).await;
    let mut head = [0; 12];
    peer.stream.read_exact(&mut head).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn connections_wear_out() {
    let mut config = config();
    config.deadlines.connection_requests = 2;
    let server = Server::router(Router::new().route("/", on_get(|| async { "x" })), config);
    let mut peer = server.peer().await;
    for expected in [None, Some("close")] {
        peer.send(get("/")).await;
        assert_eq!(peer.answer().await.unwrap().header("connection"), expected);
    }
    assert!(peer.answer().await.is_none());
}
