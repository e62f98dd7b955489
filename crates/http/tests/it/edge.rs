//! The edge loop.

use std::{
    fs::File,
    io::{self, Write},
    num::NonZeroU64,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use argosy_http::{
    ContentRange, Decision, EdgeBody, EdgeHandler, EdgeRequest, EdgeResponse, HeaderBlock, Multipart, Pace,
    ServeConfig, StatusCode,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::io::AsyncReadExt;

use crate::support::{LARGE, LONG, Peer, SHORT, Server, config, get, pattern, strict, until};

const TAG: &str = "\"tag\"";
const FILE_BYTES: usize = 50_000_000;
/// Bytes per second.
const CAPPED_RATE: u64 = 200_000;

/// Answers by path: `/echo…`, `/file`, and bodies that go right or wrong.
struct Paths {
    file: Arc<File>,
    len: u64,
    asked: Arc<AtomicUsize>,
}

impl Paths {
    fn new(bytes: &[u8]) -> Self {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Self { file: Arc::new(file), len: bytes.len() as u64, asked: Arc::default() }
    }

    /// A part in whatever form a body has.
    fn part(&self, path: &str, range: Range<u64>) -> EdgeBody {
        use std::os::unix::fs::FileExt as _;
        let len = range.end - range.start;
        let mut bytes = vec![0; len as usize];
        match path {
            "/file" => EdgeBody::File { file: Arc::clone(&self.file), offset: range.start, len },
            "/file-broken" => streamed(len, vec![broken()]),
            _ => {
                self.file.read_exact_at(&mut bytes, range.start).unwrap();
                let bytes = Bytes::from(bytes);
                if path == "/file-in-memory" {
                    EdgeBody::Bytes(bytes)
                } else {
                    let (one, two) = (bytes.slice(..bytes.len() / 2), bytes.slice(bytes.len() / 2..));
                    streamed(len, vec![Ok(one), Ok(two)])
                }
            }
        }
    }

    fn file(&self, request: &EdgeRequest<'_>) -> EdgeResponse {
        let body = |offset, len| EdgeBody::File { file: Arc::clone(&self.file), offset, len };
        let answer = match request.decide(TAG, self.len) {
            Decision::Parts(ranges) => {
                let multipart = Multipart::new("b0undary", "video/mp4", &ranges, self.len);
                let lines = [("content-type", multipart.content_type())];
                let extra = HeaderBlock::build(lines);
                let parts = ranges.iter().map(|range| self.part(request.path, range.clone()));
                EdgeResponse::new(StatusCode::PARTIAL_CONTENT, multipart.body(parts)).with_extra(extra)
            }
            Decision::Whole => EdgeResponse::new(StatusCode::OK, body(0, self.len)),
            Decision::Part(range) => {
                EdgeResponse::new(StatusCode::PARTIAL_CONTENT, body(range.start, range.end - range.start))
                    .with_content_range(ContentRange::Part { range, size: self.len })
            }
            Decision::NotModified => EdgeResponse::new(StatusCode::NOT_MODIFIED, EdgeBody::Empty),
            Decision::PreconditionFailed => {
                EdgeResponse::new(StatusCode::PRECONDITION_FAILED, EdgeBody::Empty)
            }
            Decision::Unsatisfiable => EdgeResponse::new(StatusCode::RANGE_NOT_SATISFIABLE, EdgeBody::Empty)
                .with_content_range(ContentRange::Unsatisfied { size: self.len }),
        };
        answer.with_headers(HeaderBlock::build([("etag", TAG), ("accept-ranges", "bytes")]))
    }
}

fn echo(request: &EdgeRequest<'_>) -> EdgeBody {
    EdgeBody::Bytes(
        format!("{:?} {} {:?} {:?}", request.method, request.path, request.query, request.range).into(),
    )
}

fn streamed(len: u64, pieces: Vec<io::Result<Bytes>>) -> EdgeBody {
    EdgeBody::bytes_stream(len, stream::iter(pieces))
}

fn broken() -> io::Result<Bytes> {
    Err(io::Error::other("the source failed"))
}

impl EdgeHandler for Paths {
    async fn handle(&self, request: EdgeRequest<'_>) -> EdgeResponse {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let piece = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
        let body = match request.path {
            path if path == "/file" || path.starts_with("/file-") => return self.file(&request),
            "/capped" => {
                let pace = Pace::new(NonZeroU64::new(CAPPED_RATE).unwrap());
                let mut answer = self.file(&EdgeRequest { path: "/file", ..request });
                answer.pace = Some(Arc::new(pace));
                return answer;
            }
            "/short-file" => EdgeBody::File { file: Arc::clone(&self.file), offset: self.len - 10, len: 20 },
            "/stream" => streamed(9, vec![piece("abc"), piece(""), piece("def"), piece("ghi")]),
            "/breaks" => streamed(9, vec![piece("abc"), broken()]),
            "/breaks-at-once" => streamed(9, vec![broken()]),
            "/ends-early" => streamed(9, vec![piece("abc")]),
            "/too-long" => streamed(4, vec![piece("abc"), piece("def")]),
            "/declared" => EdgeBody::Declared { len: 1_000 },
            "/large" => EdgeBody::Bytes(LARGE.clone()),
            "/slow" => {
                let first = stream::once(async { Ok(Bytes::from_static(b"abc")) });
                let rest = stream::once(async {
                    tokio::time::sleep(SHORT).await;
                    Ok(Bytes::from_static(b"def"))
                });
                EdgeBody::bytes_stream(6, first.chain(rest))
            }
            "/never" => EdgeBody::bytes_stream(6, stream::pending()),
            "/panics" => panic!("as the test wants"),
            _ => echo(&request),
        };
        assert_ne!(request.peer.port(), 0);
        EdgeResponse::new(StatusCode::OK, body)
    }
}

fn serve() -> Server {
    Server::edge(Paths::new(&pattern(100_000)), config())
}

#[tokio::test]
async fn requests_follow_each_other_on_a_connection() {
    let server = serve();
    let mut peer = server.peer().await;
    for _ in 0..3 {
        peer.send("GET /a/%2e?b=c HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n\r\n").await;
        let answer = peer.answer().await.unwrap();
        assert_eq!((answer.status, answer.text()), (200, "Get /a/%2e Some(\"b=c\") Some(\"bytes=1-2\")"));
        assert!(answer.header("date").is_some() && answer.header("connection").is_none());
    }
    peer.send("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let answer = peer.answer().await.unwrap();
    assert_eq!((answer.text(), answer.header("connection")), ("Options * None None", Some("close")));
    assert!(peer.answer().await.is_none());
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_however_they_are_cut() {
    let server = serve();
    let requests: String = (0..40).map(|n| get(&format!("/{n}"))).collect();
    for step in [requests.len(), 7, 61] {
        let mut peer = server.peer().await;
        for piece in requests.as_bytes().chunks(step) {
            peer.send(piece).await;
        }
        for n in 0..40 {
            assert_eq!(peer.answer().await.unwrap().text(), format!("Get /{n} None None"));
        }
    }
}

#[tokio::test]
async fn head_has_the_length_without_the_body() {
    let server = serve();
    let mut peer = server.peer().await;
    for (path, len) in [("/file", "100000"), ("/stream", "9"), ("/declared", "1000"), ("/never", "6")] {
        peer.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\n\r\n")).await;
        let answer = peer.bodiless().await;
        assert_eq!((answer.status, answer.header("content-length")), (200, Some(len)), "{path}");
    }
    peer.send(get("/stream")).await;
    assert_eq!(peer.answer().await.unwrap().text(), "abcdefghi");
    // A body without bytes is for HEAD alone.
    peer.send(get("/declared")).await;
    assert_eq!(peer.answer().await.unwrap().status, 500);
}

#[tokio::test]
async fn what_is_refused_is_answered_and_closed() {
    let server = serve();
    let cases = [
        ("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), 400),
        ("no Host", "GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("bare LF", "GET / HTTP/1.1\nHost: a\n\n".to_owned(), 400),
        (
            "both lengths",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            400,
        ),
        ("a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}".to_owned(), 400),
        (
            "a chunked body",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            400,
        ),
        ("large head", format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "y".repeat(17_000)), 431),
        ("many fields", format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(64)), 431),
        ("long target", get(&format!("/{}", "x".repeat(2_048))), 414),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\0".to_owned(), 400),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 400),
    ];
    let count = cases.len() as u64;
    for (name, request, status) in cases {
        let mut peer = server.peer().await;
        // What follows must never be taken for a request.
        peer.try_send(request + &get("/smuggled")).await;
        let answer = peer.answer().await.expect(name);
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")), "{name}");
        assert!(answer.text().starts_with("{\"type\":\"request_validation\",\"message\":\""), "{name}");
        assert_eq!(peer.rest().await, b"", "{name}");
    }
    assert_eq!(server.counters.refused_requests(), count);
}

#[tokio::test]
async fn other_methods_are_answered_as_argus_does_though_a_body_follows() {
    let server = serve();
    let mut peer = server.peer().await;
    let head = "POST /api/v1/assets/1?x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    peer.try_send([head.as_bytes(), &vec![0; 1_000_000]].concat()).await;
    let answer = peer.answer().await.unwrap();
    let expected = r#"{"type":"request_validation","message":"POST method not allowed","errors":[{"path":"/api/v1/assets/1","message":"POST method not allowed"}]}"#;
    assert_eq!((answer.status, answer.text()), (405, expected));
    assert_eq!(
        (answer.header("allow"), answer.header("access-control-allow-origin")),
        (Some("GET, HEAD, OPTIONS"), Some("*"))
    );
    assert!(peer.answer().await.is_none());
}

#[tokio::test]
async fn a_large_file_arrives_exactly() {
    let bytes = pattern(FILE_BYTES);
    let server = Server::edge(Paths::new(&bytes), config());
    let mut peer = server.peer().await;
    for _ in 0..2 {
        peer.send(get("/file")).await;
        let answer = peer.answer().await.unwrap();
        assert_eq!((answer.status, answer.header("etag")), (200, Some(TAG)));
        assert!(answer.body == bytes, "the bytes differ");
    }
    for (range, from, to) in
        [("0-0", 0, 1), ("1000000-3999999", 1_000_000, 4_000_000), ("-7", FILE_BYTES - 7, FILE_BYTES)]
    {
        peer.send(format!("GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes={range}\r\n\r\n")).await;
        let answer = peer.answer().await.unwrap();
        let expected = format!("bytes {from}-{}/{FILE_BYTES}", to - 1);
        assert_eq!((answer.status, answer.header("content-range")), (206, Some(expected.as_str())));
        assert!(answer.body == bytes[from..to], "the bytes of {range} differ");
    }
}

#[tokio::test]
async fn conditions_are_met() {
    let server = serve();
    let mut peer = server.peer().await;
    let cases = [
        ("Range: bytes=100000-", 416, Some("bytes */100000")),
        ("If-None-Match: \"tag\"", 304, None),
        ("If-Match: \"other\"", 412, None),
        ("Range: bytes=0-9\r\nIf-Range: \"other\"", 200, None),
        ("Range: bytes=0-9\r\nIf-Range: \"tag\"", 206, Some("bytes 0-9/100000")),
    ];
    for (lines, status, range) in cases {
        peer.send(format!("GET /file HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n")).await;
        let answer = peer.answer().await.unwrap();
        assert_eq!((answer.status, answer.header("content-range")), (status, range), "{lines}");
        assert_eq!(answer.header("content-length").is_none(), status == 304, "{lines}");
    }
}

#[tokio::test]
async fn a_body_that_fails_never_looks_complete() {
    let server = serve();
    for (path, sent) in [("/breaks", "abc"), ("/ends-early", "abc"), ("/too-long", "abc")] {
        let mut peer = server.peer().await;
        peer.send(get(path)).await;
        let raw = peer.rest().await;
        let text = String::from_utf8(raw).unwrap();
        assert!(
            text.starts_with("HTTP/1.1 200") && text.ends_with(&format!("\r\n\r\n{sent}")),
            "{path}: {text}"
        );
    }
    let mut peer = server.peer().await;
    peer.send(get("/short-file")).await;
    let raw = peer.rest().await;
    assert!(
        raw.ends_with(&pattern(100_000)[99_990..])
            && String::from_utf8_lossy(&raw).contains("content-length: 20")
    );

    // What fails before its first byte is an honest error.
    let mut peer = server.peer().await;
    peer.send(get("/breaks-at-once") + &get("/next")).await;
    let answer = peer.answer().await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (500, Some("close")));
    assert!(peer.answer().await.is_none());
    until("all broken answers are counted", || server.counters.broken_answers() == 5).await;
}

#[tokio::test]
async fn streamed_bytes_go_out_as_they_come() {
    let server = serve();
    let mut peer = server.peer().await;
    peer.send(get("/slow")).await;
    let mut early = Vec::new();
    while !early.ends_with(b"abc") {
        assert_ne!(peer.stream.read_buf(&mut early).await.unwrap(), 0);
    }
    let mut late = [0; 3];
    peer.stream.read_exact(&mut late).await.unwrap();
    assert_eq!(&late, b"def");
}

#[tokio::test]
async fn slow_and_silent_peers_are_closed_in_time() {
    let server = Server::edge(Paths::new(b""), strict());
    // Nothing at all.
    let start = Instant::now();
    server.peer().await.closed_after(start, SHORT).await;
    // Idle after a request.
    let mut peer = server.peer().await;
    let start = Instant::now();
    peer.send(get("/")).await;
    peer.answer().await.unwrap();
    peer.closed_after(start, SHORT * 2).await;
    // A head that never ends, a byte at a time.
    let mut peer = server.peer().await;
    let start = Instant::now();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n").await;
    while start.elapsed() < LONG && peer.try_send("x").await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(start.elapsed() >= SHORT, "closed after {:?}", start.elapsed());
    until("all were counted", || server.counters.missed_deadlines() == 3).await;
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_closed_and_a_slow_one_is_not() {
    let expected = LARGE.clone();
    let server = Server::edge(Paths::new(b""), strict());
    let stalled = server.peer().await;
    rustix_small_buffer(&stalled);
    let mut stalled = stalled;
    stalled.send(get("/large")).await;
    until("the stalled peer is given up", || server.counters.missed_deadlines() == 1).await;
    drop(stalled);

    let mut slow = server.peer().await;
    rustix_small_buffer(&slow);
    slow.send(get("/large")).await;
    // Little by little for longer than the write deadline, far less than what makes a socket writable again.
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

/// Keeps the peer's side from buffering the whole answer.
fn rustix_small_buffer(peer: &Peer) {
    rustix::net::sockopt::set_socket_recv_buffer_size(&peer.stream, 64 * 1024).unwrap();
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way_and_closes_what_is_idle() {
    let server = serve();
    let mut idle = server.peer().await;
    idle.send(get("/")).await;
    idle.answer().await.unwrap();
    let mut fresh = server.peer().await;
    let mut busy = server.peer().await;
    busy.send(get("/slow")).await;
    until("the slow request is taken", || server.counters.accepted() == 3).await;
    let mut head = [0; 12];
    busy.stream.read_exact(&mut head).await.unwrap();
    let address = server.address();
    let stopped = tokio::spawn(server.stop());
    assert!(String::from_utf8(busy.rest().await).unwrap().ends_with("abcdef"));
    assert!(idle.answer().await.is_none() && fresh.answer().await.is_none());
    stopped.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn stopping_cuts_what_does_not_end() {
    let server = Server::edge(Paths::new(b""), strict());
    let mut peer = server.peer().await;
    peer.send(get("/never")).await;
    until("the request is taken", || server.counters.accepted() == 1).await;
    server.stop().await;
    assert_eq!(peer.rest().await, b"");
}

#[tokio::test]
async fn a_panicking_handler_costs_its_connection_only() {
    let server = serve();
    let mut peer = server.peer().await;
    peer.send(get("/panics")).await;
    assert!(peer.answer().await.is_none());
    let mut peer = server.peer().await;
    peer.send(get("/file")).await;
    assert_eq!(peer.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn caps_turn_connections_away_and_uses_wear_them_out() {
    let mut config = config();
    config.caps.per_loopback_address = 1;
    config.deadlines.connection_requests = 2;
    let server = Server::edge(Paths::new(b""), config);
    let mut first = server.peer().await;
    first.send(get("/")).await;
    assert!(first.answer().await.unwrap().header("connection").is_none());
    assert_eq!(server.peer().await.rest().await, b"");
    assert_eq!(server.counters.refused_connections(), 1);
    first.send(get("/")).await;
    assert_eq!(first.answer().await.unwrap().header("connection"), Some("close"));
    assert!(first.answer().await.is_none());
    drop(first);
    let mut next = server.peer().await;
    while !next.try_send(get("/")).await || next.answer().await.is_none() {
        next = server.peer().await;
    }
}

/// The parts of a multipart body, taken apart by its own account.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<(&'a str, &'a [u8])> {
    let find = |from: usize, what: &str| {
        from + body[from..].windows(what.len()).position(|window| window == what.as_bytes()).unwrap()
    };
    let delimiter = format!("\r\n--{boundary}");
    let (mut at, mut found) = (0, Vec::new());
    loop {
        assert_eq!(find(at, &delimiter), at, "a part begins where the one before it ended");
        at += delimiter.len();
        if &body[at..] == b"--\r\n" {
            return found;
        }
        let end = find(at, "\r\n\r\n") + 4;
        let lines = std::str::from_utf8(&body[at..end]).unwrap();
        let (_, range) = lines.split_once("content-range: bytes ").unwrap();
        let (first, rest) = range.split_once('-').unwrap();
        let last = rest.split_once('/').unwrap().0;
        let len = last.parse::<usize>().unwrap() - first.parse::<usize>().unwrap() + 1;
        found.push((lines.trim(), &body[end..end + len]));
        at = end + len;
    }
}

#[tokio::test]
async fn several_ranges_come_in_one_answer_of_known_length() {
    let bytes = pattern(100_000);
    let server = Server::edge(Paths::new(&bytes), config());
    for path in ["/file", "/file-in-memory", "/file-in-pieces"] {
        let mut peer = server.peer().await;
        for _ in 0..2 {
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0, 10-49999,50000-50001,-7\r\n\r\n"
            );
            peer.send(request).await;
            let answer = peer.answer().await.unwrap();
            assert_eq!((answer.status, answer.header("content-range")), (206, None));
            assert_eq!(answer.header("content-type"), Some("multipart/byteranges; boundary=b0undary"));
            let parts = parts(&answer.body, "b0undary");
            let expected = [0..1, 10..50_000, 50_000..50_002, 99_993..100_000];
            assert_eq!(parts.len(), expected.len());
            for ((lines, part), range) in parts.into_iter().zip(expected) {
                assert!(part == &bytes[range.clone()], "{path} {range:?}");
                let (first, last) = (range.start, range.end - 1);
                let head = format!("content-type: video/mp4\r\ncontent-range: bytes {first}-{last}/100000");
                assert_eq!(lines, head);
            }
            assert!(answer.body.len() < 50_000 + 4096);
        }
        // HEAD knows no ranges.
        peer.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,2-2\r\n\r\n")).await;
        let head = peer.bodiless().await;
        assert_eq!((head.status, head.header("content-length")), (200, Some("100000")));
    }
    // A part that cannot be had ends the connection, since its length was promised.
    let mut peer = server.peer().await;
    peer.send("GET /file-broken HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1,3-4\r\n\r\n").await;
    assert_eq!(peer.bodiless().await.status, 206);
    assert!(peer.rest().await.len() < 200);
    until("it is counted", || server.counters.broken_answers() == 1).await;
}

#[tokio::test]
async fn bodies_leave_no_faster_than_they_may() {
    // What may leave at once, and what the first turn takes, are less than a fifth of a second's worth.
    let least = |bytes: u64, rate: u64| Duration::from_secs_f64(bytes as f64 / rate as f64 - 0.2);
    let bytes = pattern(100_000);
    let server = Server::edge(Paths::new(&bytes), config());
    let mut peer = server.peer().await;
    let start = Instant::now();
    peer.send(get("/capped")).await;
    // The head is not held up: it is here before the second turn.
    assert_eq!(peer.bodiless().await.status, 200);
    while !peer.has(bytes.len()).await {}
    assert!(start.elapsed() >= least(100_000, CAPPED_RATE), "{:?}", start.elapsed());
    assert!(peer.take(bytes.len()) == bytes);

    // All together share the rate of the port, whatever their bodies are made of.
    let pace = Pace::new(NonZeroU64::new(600_000).unwrap());
    let server = Server::edge(Paths::new(&bytes), ServeConfig { egress: Some(Arc::new(pace)), ..config() });
    let start = Instant::now();
    let mut readers = tokio::task::JoinSet::new();
    for request in [
        get("/file"),
        "GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,2-99999\r\n\r\n".to_owned(),
        "GET /file-in-memory HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,2-99999\r\n\r\n".to_owned(),
        "GET /file-in-pieces HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,2-99999\r\n\r\n".to_owned(),
    ] {
        let mut peer = server.peer().await;
        readers.spawn(async move {
            peer.send(request).await;
            peer.answer().await.unwrap().body.len()
        });
    }
    let mut total = 0;
    while let Some(read) = readers.join_next().await {
        total += read.unwrap() as u64;
    }
    assert!(total > 400_000);
    assert!(start.elapsed() >= least(total, 600_000), "{total} bytes in {:?}", start.elapsed());
}
