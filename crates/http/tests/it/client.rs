//! The client against our own servers and against raw sockets that misbehave.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use argosy_http::{
    AddressPolicy, Client, ClientConfig, ClientError, Request, StatusCode,
    client::{ERROR_BODY_BYTES, Step},
    header,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::DefaultBodyLimit,
    http::HeaderMap,
    routing::{any, get as on_get},
};
use futures_util::{StreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{LARGE, LONG, NEVER, SHORT, Server, config, until};

/// Waits for ever, unless a request says otherwise.
fn client() -> Client {
    Client::new(ClientConfig {
        addresses: AddressPolicy::Local,
        connect_timeout: NEVER,
        head_timeout: NEVER,
        idle_timeout: NEVER,
        ..ClientConfig::default()
    })
}

/// More than sockets take at once.
fn large() -> Bytes {
    LARGE.slice(..5_000_000)
}

fn serve() -> Server {
    let router = Router::new()
        .route("/large", on_get(|| async { large() }))
        .route("/echo", any(echo))
        .route("/missing", on_get(|| async { (StatusCode::NOT_FOUND, "x".repeat(2 * ERROR_BODY_BYTES)) }))
        .route("/moved", on_get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/large")]) }))
        .route("/refuse", any(|| async { (StatusCode::UNPROCESSABLE_ENTITY, "wrong bytes") }))
        .route("/never", on_get(std::future::pending::<()>))
        .route(
            "/stalls",
            on_get(|| async {
                Body::from_stream(stream::once(async { Ok::<_, io::Error>("abc") }).chain(stream::pending()))
            }),
        )
        .layer(DefaultBodyLimit::disable());
    Server::router(router, config())
}

/// Gives back a request's headers and body; its framing under other names.
async fn echo(mut headers: HeaderMap, body: Bytes) -> (HeaderMap, Bytes) {
    if let Some(len) = headers.remove(header::CONTENT_LENGTH) {
        headers.insert("x-length", len);
    }
    if let Some(encoding) = headers.remove(header::TRANSFER_ENCODING) {
        headers.insert("x-encoding", encoding);
    }
    (headers, body)
}

/// A server that answers each connection by a script: read a request head, send the text, close.
async fn scripted(answers: Vec<&'static str>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, served) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&served);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_head(&mut stream).await;
            count.fetch_add(1, Ordering::Relaxed);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, served)
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn connections_are_used_again_once_their_answer_is_read() {
    let (server, client) = (serve(), client());
    for _ in 0..5 {
        let body = client.get(&server.url("/large")).await.unwrap().collect(5_000_000).await.unwrap();
        assert!(body == large(), "the bytes differ");
        let sent = Request::post(server.url("/echo")).header(header::IF_MATCH, "\"x\"").bytes("hello");
        let answer = client.send(sent).await.unwrap().success().await.unwrap();
        assert_eq!(
            (answer.header(&header::IF_MATCH), answer.header(&header::USER_AGENT)),
            (Some("\"x\""), Some("argosy"))
        );
        assert_eq!(answer.header(&header::HOST), Some(server.address().to_string().as_str()));
        assert_eq!(answer.collect(100).await.unwrap(), "hello");
        let head = client.send(Request::head(server.url("/large"))).await.unwrap();
        assert_eq!(head.content_length(), Some(5_000_000));
    }
    assert_eq!(server.counters.accepted(), 1);

    // Two at once need two; an answer dropped early takes its connection along.
    let (first, second) =
        (client.get(&server.url("/large")).await.unwrap(), client.get(&server.url("/large")).await.unwrap());
    assert_eq!(server.counters.accepted(), 2);
    drop((first, second));
    client.get(&server.url("/moved")).await.unwrap();
    assert_eq!(server.counters.accepted(), 3);
}

#[tokio::test]
async fn kept_connections_expire_and_are_few() {
    let server = serve();
    let kept = ClientConfig {
        addresses: AddressPolicy::Local,
        keep_alive: Duration::ZERO,
        ..ClientConfig::default()
    };
    let client = Client::new(kept.clone());
    client.get(&server.url("/moved")).await.unwrap();
    client.get(&server.url("/moved")).await.unwrap();
    assert_eq!(server.counters.accepted(), 2);

    let client = Client::new(ClientConfig { keep_alive: Duration::from_secs(60), idle_per_host: 1, ..kept });
    let both =
        (client.get(&server.url("/large")).await.unwrap(), client.get(&server.url("/large")).await.unwrap());
    both.0.collect(5_000_000).await.unwrap();
    both.1.collect(5_000_000).await.unwrap();
    let both =
        (client.get(&server.url("/large")).await.unwrap(), client.get(&server.url("/large")).await.unwrap());
    assert_eq!(server.counters.accepted(), 5);
    drop(both);
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let (address, served) = scripted(vec![ok, ok, ok]).await;
    let client = client();
    for _ in 0..3 {
        // The server closes after each answer without having said so.
        let answer = client.get(&format!("http://{address}/")).await.unwrap();
        assert_eq!(answer.collect(10).await.unwrap(), "ok");
    }
    assert_eq!(served.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn streamed_bodies_go_out_with_and_without_length() {
    let (server, client) = (serve(), client());
    let pieces = || stream::iter([b"abc", b"def"].map(|piece| Ok(Bytes::from_static(piece))));
    for len in [Some(6), None] {
        let answer = client.send(Request::put(server.url("/echo")).stream(len, pieces())).await.unwrap();
        let framing =
            ["x-length", "x-encoding"].map(|name| answer.headers().get(name).map(|value| value.as_bytes()));
        assert_eq!(
            framing,
            if len.is_some() { [Some(&b"6"[..]), None] } else { [None, Some(&b"chunked"[..])] }
        );
        assert_eq!(answer.collect(10).await.unwrap(), "abcdef");
    }
    for len in [5, 7] {
        let result = client.send(Request::put(server.url("/echo")).stream(Some(len), pieces())).await;
        assert!(matches!(result, Err(ClientError::RequestBody { .. })), "{len}: {result:?}");
    }
    let failing = stream::iter([Ok(Bytes::from_static(b"abc")), Err(io::Error::other("the file changed"))]);
    let error = client.send(Request::put(server.url("/echo")).stream(Some(6), failing)).await.unwrap_err();
    assert!(matches!(error, ClientError::RequestBody { source } if source.to_string() == "the file changed"));
    // A slow source is not a slow peer.
    let slow = stream::once(async {
        tokio::time::sleep(SHORT * 15).await;
        Ok(Bytes::from_static(b"late"))
    });
    let request = Request::put(server.url("/echo")).head_timeout(SHORT * 10).idle_timeout(SHORT * 10);
    let answer = client.send(request.stream(Some(4), slow)).await.unwrap();
    assert_eq!(answer.collect(10).await.unwrap(), "late");
}

#[tokio::test]
async fn an_early_answer_is_seen_although_the_body_is_unsent() {
    let (server, client) = (serve(), client());
    let piece = Bytes::from(vec![0; 1_000_000]);
    let body = stream::iter((0..100).map(move |_| Ok(piece.clone())));
    let result = client
        .send(Request::put(server.url("/refuse")).stream(Some(100_000_000), body))
        .await
        .unwrap()
        .success()
        .await;
    let Err(ClientError::Status { status, body, .. }) = result else { panic!("{result:?}") };
    assert_eq!((status, body), (StatusCode::UNPROCESSABLE_ENTITY, Bytes::from_static(b"wrong bytes")));
}

#[tokio::test]
async fn answers_that_are_not_success_are_told_with_the_start_of_their_body() {
    let (server, client) = (serve(), client());
    let result = client.get(&server.url("/missing")).await.unwrap().success().await;
    let Err(ClientError::Status { status, body, .. }) = result else { panic!("{result:?}") };
    assert_eq!((status, body.len()), (StatusCode::NOT_FOUND, ERROR_BODY_BYTES));
    let moved = client.get(&server.url("/moved")).await.unwrap();
    assert_eq!(moved.status(), StatusCode::FOUND);
    assert!(matches!(moved.success().await, Err(ClientError::Status { .. })));
    let large = client.get(&server.url("/large")).await.unwrap();
    assert!(matches!(large.collect(4_999_999).await, Err(ClientError::BodyTooLong { limit: 4_999_999, .. })));
}

#[tokio::test]
async fn every_wait_has_an_end() {
    let (server, client) = (serve(), client());
    let never = client.send(Request::get(server.url("/never")).head_timeout(SHORT));
    let result = timeout(LONG, never).await.expect("the head's wait ends");
    assert!(matches!(result, Err(ClientError::Timeout { step: Step::Head, .. })), "{result:?}");
    let request = Request::get(server.url("/stalls")).idle_timeout(SHORT * 10);
    let mut answer = client.send(request).await.unwrap();
    assert_eq!(answer.frame().await.unwrap().unwrap(), "abc");
    let result = timeout(LONG, answer.frame()).await.expect("the body's wait ends");
    assert!(matches!(result, Err(ClientError::Timeout { step: Step::Body, .. })), "{result:?}");
}

#[tokio::test]
async fn answers_that_break_off_or_make_no_sense_are_errors() {
    let cut = [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ];
    for answer in cut {
        let (address, _) = scripted(vec![answer]).await;
        let result = client().get(&format!("http://{address}/")).await.unwrap().collect(100).await;
        assert!(matches!(result, Err(ClientError::Body { .. })), "{answer:?}: {result:?}");
    }
    for answer in ["", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200"] {
        let (address, _) = scripted(vec![answer]).await;
        let result = client().get(&format!("http://{address}/")).await;
        assert!(matches!(result, Err(ClientError::Protocol { .. })), "{answer:?}: {result:?}");
    }
}

#[tokio::test]
async fn addresses_and_urls_that_are_not_allowed_are_refused() {
    let server = serve();
    let public = Client::new(ClientConfig::default());
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"] {
        let result = public.get(&format!("http://{host}:{}/large", server.address().port())).await;
        assert!(matches!(result, Err(ClientError::AddressRefused { .. })), "{host}: {result:?}");
    }
    assert!(matches!(client().get("http://0.0.0.0:1/").await, Err(ClientError::AddressRefused { .. })));
    assert_eq!(server.counters.accepted(), 0);
    // Nobody listens there, and nobody else can.
    let kept = TcpSocket::new_v4().unwrap();
    kept.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = kept.local_addr().unwrap();
    let error = client().get(&format!("http://{closed}/")).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Connect { .. })
            && error.to_string() == format!("cannot connect to {closed}"),
        "{error}"
    );
}

#[tokio::test]
async fn a_dropped_request_takes_its_connection_along() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let never = on_get(async move || {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<()>().await
    });
    let server = Server::router(Router::new().route("/never", never), config());
    let (client, url) = (client(), server.url("/never"));
    let asking = tokio::spawn(async move { client.get(&url).await.map(drop) });
    until("the server has taken the request", || asked.load(Ordering::Relaxed) == 1).await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    // An orderly stop would wait for the request, if its connection were still there.
    server.stop().await;
}

/// A server that counts its connections and answers when it is told to; then it keeps them.
struct Gate {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
    open: tokio::sync::watch::Sender<bool>,
}

impl Gate {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let count = || Arc::new(AtomicUsize::new(0));
        let gate = Self {
            address,
            accepted: count(),
            asked: count(),
            closed: count(),
            open: tokio::sync::watch::Sender::new(false),
        };
        let (accepted, asked) = (Arc::clone(&gate.accepted), Arc::clone(&gate.asked));
        let (closed, open) = (Arc::clone(&gate.closed), gate.open.subscribe());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::Relaxed);
                let (asked, closed, mut open) = (Arc::clone(&asked), Arc::clone(&closed), open.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while stream.read_buf(&mut head).await.is_ok_and(|read| read > 0) {
                        if head.ends_with(b"\r\n\r\n") {
                            head.clear();
                            asked.fetch_add(1, Ordering::Relaxed);
                            if open.wait_for(|open| *open).await.is_err() {
                                return;
                            }
                            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                            // Who has hung up meanwhile is met by the next read.
                            stream.write_all(answer).await.ok();
                        }
                    }
                    closed.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        gate
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn let_through(&self) {
        self.open.send_replace(true);
    }
}

fn bounded(connections: usize, connect_timeout: Duration) -> Client {
    Client::new(ClientConfig {
        addresses: AddressPolicy::Local,
        connections: Some(connections),
        connect_timeout,
        keep_alive: Duration::from_secs(600),
        ..ClientConfig::default()
    })
}

async fn fetch(client: Client, url: String) -> Result<Bytes, ClientError> {
    client.get(&url).await?.collect(10).await
}

const AGES: Duration = Duration::from_secs(600);

#[tokio::test]
async fn no_more_connections_are_open_than_the_bound_and_all_take_turns() {
    let gate = Gate::start().await;
    let client = bounded(3, AGES);
    let mut fetches = tokio::task::JoinSet::new();
    for _ in 0..20 {
        fetches.spawn(fetch(client.clone(), gate.url()));
    }
    until("three requests", || gate.asked.load(Ordering::Relaxed) == 3).await;
    gate.let_through();
    while let Some(fetched) = fetches.join_next().await {
        assert_eq!(fetched.unwrap().unwrap(), "ok");
    }
    assert_eq!((gate.asked.load(Ordering::Relaxed), gate.accepted.load(Ordering::Relaxed)), (20, 3));
    assert_eq!(gate.closed.load(Ordering::Relaxed), 0, "those that wait take what is given back");
}

#[tokio::test]
async fn an_unused_connection_makes_room_for_one_to_another_host() {
    let (one, other) = (Gate::start().await, Gate::start().await);
    [&one, &other].iter().for_each(|gate| gate.let_through());
    let client = bounded(1, AGES);
    for _ in 0..3 {
        assert_eq!(fetch(client.clone(), one.url()).await.unwrap(), "ok");
    }
    assert_eq!(one.accepted.load(Ordering::Relaxed), 1);
    assert_eq!(fetch(client.clone(), other.url()).await.unwrap(), "ok");
    until("the end of the first", || one.closed.load(Ordering::Relaxed) == 1).await;
    assert_eq!(fetch(client, one.url()).await.unwrap(), "ok");
    until("the end of the second", || other.closed.load(Ordering::Relaxed) == 1).await;
}

#[tokio::test]
async fn who_finds_no_room_is_told_so_and_room_comes_back() {
    let (one, other) = (Gate::start().await, Gate::start().await);
    other.let_through();
    let client = bounded(1, SHORT);
    let held = tokio::spawn(fetch(client.clone(), one.url()));
    until("a request", || one.asked.load(Ordering::Relaxed) == 1).await;
    let refused = fetch(client.clone(), other.url()).await.unwrap_err();
    assert!(
        matches!(&refused, ClientError::Timeout { authority, step: Step::Connect }
        if *authority == other.address.to_string()),
        "{refused}"
    );
    assert_eq!(other.accepted.load(Ordering::Relaxed), 0);
    held.abort();
    // It looks at its connection again when it has answered.
    one.let_through();
    until("the end", || one.closed.load(Ordering::Relaxed) == 1).await;
    assert_eq!(fetch(client, other.url()).await.unwrap(), "ok");
}
