//! Servers with short deadlines, and a raw peer that says exactly what it is told.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use argosy_http::{
    ConnectionCaps, Deadlines, EdgeHandler, Running, ServeConfig, ServeCounters, Shutdown, Tasks, bind,
    serve_edge, serve_router,
};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The short deadline of all servers here.
pub(crate) const SHORT: Duration = Duration::from_millis(200);
/// How long a test waits before it says that something will not come; no test is to pass by it.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// A deadline that none of these tests reaches, however slow the machine is.
pub(crate) const NEVER: Duration = Duration::from_secs(3_600);

/// More bytes than sockets take at once. Made before they are asked for: server and peer share a thread, on
/// which making them takes longer than some deadlines.
pub(crate) static LARGE: LazyLock<Bytes> = LazyLock::new(|| pattern(30_000_000).into());

/// Deadlines that no test reaches by being slow itself.
pub(crate) fn config() -> ServeConfig {
    let deadlines = Deadlines {
        write_stall: NEVER,
        body_grace: NEVER,
        idle: NEVER,
        head: NEVER,
        first_byte: NEVER,
        drain: NEVER,
        ..Deadlines::default()
    };
    ServeConfig {
        deadlines,
        caps: ConnectionCaps::default(),
        counters: Arc::default(),
        ..ServeConfig::default()
    }
}

/// Deadlines that tests wait for.
pub(crate) fn strict() -> ServeConfig {
    let deadlines = Deadlines {
        first_byte: SHORT,
        head: SHORT,
        idle: SHORT * 2,
        write_stall: SHORT * 10,
        body_grace: SHORT,
        drain: SHORT,
        ..Deadlines::default()
    };
    ServeConfig { deadlines, ..config() }
}

/// A server under test.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) counters: Arc<ServeCounters>,
}

impl Server {
    pub(crate) fn edge(handler: impl EdgeHandler, config: ServeConfig) -> Self {
        let counters = Arc::clone(&config.counters);
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
        let mut tasks = Tasks::new(shutdown.clone());
        tasks.spawn("public port", serve_edge(listener, Arc::new(handler), config, shutdown));
        Self { running: Running::new("edge", address, tasks).with_stop_grace(NEVER), counters }
    }

    pub(crate) fn router(router: axum::Router, config: ServeConfig) -> Self {
        let counters = Arc::clone(&config.counters);
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
        let mut tasks = Tasks::new(shutdown.clone());
        tasks.spawn("api port", serve_router(listener, router, config, shutdown));
        Self { running: Running::new("router", address, tasks).with_stop_grace(NEVER), counters }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.endpoint()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Stops it, which may take as long as its deadline for that.
    pub(crate) async fn stop(self) {
        timeout(LONG, self.running.stop_and_join()).await.expect("the server stops").unwrap();
    }

    pub(crate) async fn peer(&self) -> Peer {
        Peer::on(TcpStream::connect(self.address()).await.unwrap())
    }
}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// A raw connection.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    held: Vec<u8>,
}

impl Peer {
    pub(crate) fn on(stream: TcpStream) -> Self {
        Self { stream, held: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(LONG, self.stream.write_all(bytes.as_ref())).await.expect("the server reads").unwrap();
    }

    /// Sends, and does not mind when the server has closed.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        timeout(LONG, self.stream.write_all(bytes.as_ref()))
            .await
            .expect("the server reads or closes")
            .is_ok()
    }

    async fn more(&mut self) -> bool {
        let read =
            timeout(LONG, self.stream.read_buf(&mut self.held)).await.expect("the server answers or closes");
        read.is_ok_and(|count| count > 0)
    }

    async fn head(&mut self) -> Option<(u16, String)> {
        loop {
            if let Some(end) = self.held.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(self.held.drain(..end + 4).collect()).unwrap();
                return Some((head.split(' ').nth(1).unwrap().parse().unwrap(), head));
            }
            if !self.more().await {
                assert!(
                    self.held.is_empty(),
                    "closed within a head: {:?}",
                    String::from_utf8_lossy(&self.held)
                );
                return None;
            }
        }
    }

    /// The next response with a body of announced length; none when the server has closed.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let (status, head) = self.head().await?;
        let mut answer = Answer { status, head, body: Vec::new() };
        let len = answer.header("content-length").map_or(0, |len| len.parse().unwrap());
        while self.held.len() < len {
            assert!(self.more().await, "closed within a body, {} of {len} bytes", self.held.len());
        }
        answer.body = self.held.drain(..len).collect();
        Some(answer)
    }

    /// The next response without its body, as to a HEAD.
    pub(crate) async fn bodiless(&mut self) -> Answer {
        let (status, head) = self.head().await.expect("an answer");
        Answer { status, head, body: Vec::new() }
    }

    /// Reads on; whether so many bytes are held.
    pub(crate) async fn has(&mut self, count: usize) -> bool {
        assert!(self.held.len() >= count || self.more().await, "closed after {} bytes", self.held.len());
        self.held.len() >= count
    }

    /// So many bytes that are held.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        self.held.drain(..count).collect()
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.held)
    }

    /// Asserts that the server closes without a word, not before `after` has passed since `since`, which is
    /// no later than the moment from which the server counts.
    pub(crate) async fn closed_after(&mut self, since: Instant, after: Duration) {
        assert_eq!(String::from_utf8_lossy(&self.rest().await), "");
        assert!(since.elapsed() >= after, "closed after {:?}", since.elapsed());
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Waits until `state` holds.
pub(crate) async fn until(what: &str, mut state: impl FnMut() -> bool) {
    let start = Instant::now();
    while !state() {
        assert!(start.elapsed() < LONG, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Bytes that differ everywhere, so that a shifted or doubled piece shows.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
