//! Requests that two servers could understand differently: straight to both doors, and through the proxies
//! that operators put before them.
//!
//! Source: threat T-46 and harness H11 of `spec/reliability.md`.

mod corpus;
mod proxies;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use argosy_http::{EdgeBody, EdgeHandler, EdgeMethod, EdgeRequest, EdgeResponse, StatusCode};
use axum::{
    Router,
    body::Bytes,
    http::{Method, Uri},
};
use futures_util::{StreamExt as _, stream};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use corpus::{Case, cases};
use proxies::{HAPROXY, NGINX, Proxy, Way};

use crate::support::{LONG, Server, config};

/// Cases that are tried at once.
const AT_ONCE: usize = 32;
/// What an answer of ours begins with.
const MARK: &str = "seen ";

/// A request that reached a handler, or that a proxy says it has sent on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    method: String,
    target: String,
    /// As text; what is no text is known to nobody.
    body: String,
}

impl Seen {
    /// What the handlers answer, so that an answer tells whose it is.
    fn answer(&self) -> String {
        format!("{MARK}{} {} {}\n", self.method, self.target, self.body.len())
    }

    /// Number of the case that the request is from.
    fn case(&self) -> usize {
        let number = self.target.get(1..5).and_then(|digits| digits.parse().ok());
        number.unwrap_or_else(|| panic!("a request of no case: {self:?}"))
    }
}

/// All that reached a handler.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<Seen>>>);

impl Record {
    fn note(&self, seen: Seen) -> String {
        let answer = seen.answer();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        answer
    }

    fn by_case(&self) -> BTreeMap<usize, Vec<Seen>> {
        group(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn group(all: Vec<Seen>) -> BTreeMap<usize, Vec<Seen>> {
    let mut cases: BTreeMap<usize, Vec<Seen>> = BTreeMap::new();
    for seen in all {
        cases.entry(seen.case()).or_default().push(seen);
    }
    cases
}

impl EdgeHandler for Record {
    async fn handle(&self, request: EdgeRequest<'_>) -> EdgeResponse {
        let method = match request.method {
            EdgeMethod::Get => "GET",
            EdgeMethod::Head => "HEAD",
            EdgeMethod::Options => "OPTIONS",
        };
        let query = request.query.map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{}{query}", request.path);
        let answer = self.note(Seen { method: method.to_owned(), target, body: String::new() });
        EdgeResponse::new(StatusCode::OK, EdgeBody::Bytes(answer.into()))
    }
}

/// Which of our servers.
#[derive(Clone, Copy, Debug)]
enum Door {
    Router,
    Edge,
}

impl Door {
    fn open(self, record: &Record, config: argosy_http::ServeConfig) -> Server {
        let record = record.clone();
        match self {
            Self::Edge => Server::edge(record, config),
            Self::Router => {
                let handler = |method: Method, uri: Uri, body: Bytes| async move {
                    let body = String::from_utf8_lossy(&body).into_owned();
                    record.note(Seen { method: method.to_string(), target: uri.to_string(), body })
                };
                Server::router(Router::new().fallback(handler), config)
            }
        }
    }

    fn expected(self, case: &Case) -> usize {
        match self {
            Self::Router => case.router,
            Self::Edge => case.edge,
        }
    }
}

/// Sends a case and reads until the other side closes.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, case: &Case) -> String {
    // It may close before it has read all of it.
    let _ = stream.write_all(&case.bytes).await;
    let mut said = Vec::new();
    let read = timeout(LONG, stream.read_to_end(&mut said)).await;
    assert!(
        read.is_ok(),
        "case {} ({}): nobody closes: {}",
        case.number,
        case.name,
        case.bytes.escape_ascii()
    );
    String::from_utf8_lossy(&said).into_owned()
}

/// Differences, each with what was sent.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn add(&mut self, case: &Case, what: String) {
        self.0.push(format!("{} ({}): {what}: {}", case.number, case.name, case.bytes.escape_ascii()));
    }

    fn assert_none(&self, of: &str) {
        assert!(self.0.is_empty(), "{of}: {} differences\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// How long a server waits for what never comes: far longer than a busy machine takes over what does come.
const SILENCE: Duration = Duration::from_secs(5);

async fn straight(door: Door) {
    let record = Record::default();
    let mut config = config();
    let deadlines = &mut config.deadlines;
    (deadlines.first_byte, deadlines.head, deadlines.idle) = (SILENCE, SILENCE, SILENCE);
    deadlines.body_grace = SILENCE;
    let server = door.open(&record, config);
    let address = server.address();
    let cases = cases();
    let said: Vec<String> = stream::iter(&cases)
        .map(|case| async move { exchange(TcpStream::connect(address).await.unwrap(), case).await })
        // All wait for the same five seconds.
        .buffered(cases.len())
        .collect()
        .await;
    server.running.stop_and_join().await.unwrap();
    let (seen, mut differences) = (record.by_case(), Differences::default());
    for (case, said) in cases.iter().zip(&said) {
        let seen = seen.get(&case.number).cloned().unwrap_or_default();
        if seen.len() != door.expected(case) {
            differences
                .add(case, format!("{} requests instead of {}: {seen:?}", seen.len(), door.expected(case)));
        }
        if seen.iter().any(|seen| !seen.target.contains('?') && seen.target.ends_with("/smuggled")) {
            differences.add(case, format!("{seen:?}"));
        }
        let ends = seen.iter().filter(|seen| seen.target.ends_with("/end")).count();
        // Nothing comes after the last, which does not come after what was refused.
        if ends > 1 || (ends == 1 && said.contains("HTTP/1.1 400")) {
            differences.add(case, format!("{ends} ends, and {said}"));
        }
    }
    differences.assert_none(&format!("{door:?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_is_as_many_requests_as_it_must_be_for_the_door_with_bodies() {
    straight(Door::Router).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_is_as_many_requests_as_it_must_be_for_the_door_without() {
    straight(Door::Edge).await;
}

/// Sends all cases through a proxy, and compares what it says it has sent on, what reached our handlers, and
/// what the clients were told.
async fn behind(program: &'static Proxy, way: Way, door: Door) {
    let record = Record::default();
    let server = door.open(&record, config());
    let folder = tempfile::tempdir().unwrap();
    let running = program.start(folder.path(), server.address(), way).await;
    let socket: &Path = &running.socket;
    let cases = cases();
    let said: Vec<String> = stream::iter(&cases)
        .map(|case| async move { exchange(UnixStream::connect(socket).await.unwrap(), case).await })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let passed_on = running.stop().await;
    server.running.stop_and_join().await.unwrap();

    let (seen, mut passed_on) = (record.by_case(), group(passed_on));
    let (mut differences, mut count) = (Differences::default(), 0);
    for (case, said) in cases.iter().zip(&said) {
        let mut seen = seen.get(&case.number).cloned().unwrap_or_default();
        count += seen.len();
        // Each request of a connection is answered before the next is sent on, so that the order tells.
        let told: Vec<&str> = said.lines().filter(|line| line.starts_with(MARK)).collect();
        let answers: Vec<String> =
            seen.iter().filter(|seen| seen.method != "HEAD").map(Seen::answer).collect();
        let answers: Vec<&str> = answers.iter().map(|answer| answer.trim_end()).collect();
        if told != answers {
            differences.add(case, format!("the client was told {told:?} instead of {answers:?}"));
        }
        let mut passed_on = passed_on.remove(&case.number).unwrap_or_default();
        if way == Way::Streamed {
            // It does not know the bodies then.
            seen.iter_mut().for_each(|seen| seen.body.clear());
        }
        seen.sort_unstable();
        passed_on.sort_unstable();
        if seen != passed_on {
            differences.add(case, format!("the proxy sent on {passed_on:?}, and we saw {seen:?}"));
        }
    }
    differences.assert_none(&format!("{} {way:?} {door:?}", program.name));
    assert!(passed_on.is_empty(), "{passed_on:?}");
    // A proxy that lets nothing through proves nothing.
    let least = cases.iter().filter(|case| case.name == "plain").count() * 2;
    assert!(count > least, "{}: {count} requests", program.name);
}

macro_rules! behind {
    ($($test:ident: $proxy:ident, $way:ident, $door:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            if $proxy.is_there(stringify!($test)) {
                behind(&$proxy, Way::$way, Door::$door).await;
            }
        }
    )*};
}

behind! {
    nginx_and_the_door_with_bodies_agree: NGINX, Whole, Router;
    nginx_and_the_door_with_bodies_agree_on_streams: NGINX, Streamed, Router;
    nginx_and_the_door_without_bodies_agree: NGINX, Whole, Edge;
    nginx_and_the_door_without_bodies_agree_on_streams: NGINX, Streamed, Edge;
    haproxy_and_the_door_with_bodies_agree: HAPROXY, Whole, Router;
    haproxy_and_the_door_with_bodies_agree_on_streams: HAPROXY, Streamed, Router;
    haproxy_and_the_door_without_bodies_agree: HAPROXY, Whole, Edge;
    haproxy_and_the_door_without_bodies_agree_on_streams: HAPROXY, Streamed, Edge;
}
