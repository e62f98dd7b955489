//! Endpoints of every kind, over real sockets. Whoever logs must never wait for any of them.

use super::*;
use crate::{limit::Limiter, machine::Machine};
use argosy_domain::num::to_u64;
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::mpsc,
    time::Instant,
};
use tracing::subscriber::with_default;
use tracing_subscriber::{Registry, layer::SubscriberExt as _};

/// What an endpoint does with a request.
type Behaviour = Box<dyn FnMut(&Asked, &mut TcpStream) + Send>;

/// A request as it came.
#[derive(Clone, Debug)]
struct Asked {
    head: Vec<String>,
    body: String,
}

impl Asked {
    fn documents(&self) -> Vec<(String, serde_json::Value)> {
        let lines: Vec<&str> = self.body.lines().collect();
        let pair = |pair: &[&str]| {
            let action: serde_json::Value = serde_json::from_str(pair[0]).unwrap();
            let id = action["create"]["_id"].as_str().unwrap().to_owned();
            (id, serde_json::from_str(pair[1]).unwrap())
        };
        lines.chunks(2).map(pair).collect()
    }
}

/// An endpoint on a free port; it ends with the process.
fn endpoint(
    behaviour: impl FnMut(&Asked, &mut TcpStream) + Send + 'static,
) -> (String, mpsc::Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (url, serve(listener, Box::new(behaviour)))
}

fn serve(listener: TcpListener, mut behaviour: Behaviour) -> mpsc::Receiver<Asked> {
    let (sender, asked) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while let Some(request) = read_request(&mut reader) {
                behaviour(&request, &mut stream);
                if sender.send(request).is_err() {
                    return;
                }
            }
        }
    });
    asked
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { head, body: String::from_utf8(body).unwrap() })
}

fn answer(stream: &mut TcpStream, status: &str, body: &str) {
    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
}

const TAKEN: &str = r#"{"errors":false}"#;

struct Rig {
    room: tempfile::TempDir,
    counters: Arc<ElasticCounters>,
}

impl Rig {
    fn new() -> Self {
        Self { room: tempfile::tempdir().unwrap(), counters: Arc::default() }
    }

    fn spool(&self) -> &Path {
        self.room.path()
    }

    fn plan(&self, endpoint: &str) -> ElasticPlan {
        ElasticPlan {
            endpoint: endpoint.to_owned(),
            stream: data_stream(None, "Node 1"),
            source: "Node 1".to_owned(),
            auth: Some(("who".to_owned(), "s3cret".to_owned())),
            spool: self.spool().to_owned(),
            interval: Duration::from_millis(10),
        }
    }

    /// Logs `count` lines; gives what keeps the shipping alive.
    fn log(&self, endpoint: &str, count: usize) -> Shipping {
        let (sink, shipping) = start(self.plan(endpoint), Arc::clone(&self.counters)).unwrap();
        let machine = Machine::new(sink, Arc::<Limiter>::default());
        with_default(Registry::default().with(machine), || {
            for number in 0..count {
                tracing::info!(number, meta.req.url = "/x", http.request.method = "GET", "said");
            }
        });
        shipping
    }

    fn of(&self, counter: impl Fn(&ElasticCounters) -> &AtomicU64) -> u64 {
        counter(&self.counters).load(Ordering::Relaxed)
    }

    fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let due = Instant::now() + Duration::from_secs(30);
        while !holds(self) {
            assert!(Instant::now() < due, "{what} did not come: {:?}", self.counters);
            thread::yield_now();
        }
    }
}

#[test]
fn streams_are_named_as_argus_names_them() {
    assert_eq!(data_stream(None, "My-Node"), "logs-argus-my-node");
    assert_eq!(data_stream(Some("Logs"), "a/b c*d?\"<>|,#:é"), "logs-a_b_c_d_________");
    assert_eq!(data_stream(Some("-x"), "y"), "xx-y");
    assert!(data_stream(None, &"y".repeat(999)).len() <= MAX_STREAM_BYTES);
}

#[test]
fn lines_arrive_as_argus_sends_them() {
    let rig = Rig::new();
    let (url, asked) = endpoint(|_, stream| answer(stream, "200 OK", TAKEN));
    let shipping = rig.log(&url, 3);
    rig.wait("three lines", |rig| rig.of(|c| &c.sent) == 3);
    drop(shipping);
    let asked: Vec<Asked> = asked.try_iter().collect();
    assert!(asked[0].head[0].starts_with("POST /logs-argus-node_1/_bulk?"), "{:?}", asked[0].head);
    let has = |line: &str| asked[0].head.iter().any(|own| own.eq_ignore_ascii_case(line));
    assert!(has("content-type: application/x-ndjson"), "{:?}", asked[0].head);
    assert!(has("authorization: Basic d2hvOnMzY3JldA=="), "{:?}", asked[0].head);
    let documents: Vec<_> = asked.iter().flat_map(Asked::documents).collect();
    assert_eq!(documents.len(), 3);
    assert_ne!(documents[0].0, documents[1].0);
    let first = &documents[0].1;
    assert_eq!(
        (&first["message"], &first["severity"], &first["source"]),
        (&"said".into(), &"info".into(), &"Node 1".into())
    );
    assert_eq!(
        (&first["fields"]["number"], &first["fields"]["meta"]["req"]["url"]),
        (&0.into(), &"/x".into())
    );
    assert_eq!(
        (&first["http"]["request"]["method"], &first["log"]["level"]),
        (&"GET".into(), &"info".into())
    );
    assert!(first["fields"]["label"].is_string() && first["@timestamp"].is_string());
    assert!(!format!("{:?}", rig.plan(&url)).contains("s3cret"));
}

#[test]
fn lines_turned_down_are_counted_and_the_others_sent_again() {
    let rig = Rig::new();
    let mut round = 0;
    let (url, asked) = endpoint(move |asked, stream| {
        round += 1;
        let statuses: Vec<u16> = match (round, asked.documents().len()) {
            (1, count) => (0..count).map(|at| [201, 429, 400, 503][at % 4]).collect(),
            // The endpoint has taken one before, but the answer was lost.
            (_, count) => (0..count).map(|at| if at == 0 { 409 } else { 201 }).collect(),
        };
        let items: Vec<_> =
            statuses.iter().map(|status| serde_json::json!({"create": {"status": status}})).collect();
        answer(stream, "200 OK", &serde_json::json!({"errors": true, "items": items}).to_string());
    });
    // All of them in one request, as they are the last ones of a process.
    let (sink, shipping) = start(
        ElasticPlan { interval: Duration::from_secs(3600), ..rig.plan(&url) },
        Arc::clone(&rig.counters),
    )
    .unwrap();
    for number in 0..8 {
        sink.take(format!("{{\"create\":{{\"_id\":\"{number}\"}}}}\n{{}}\n"));
    }
    rig.wait("the second round", |rig| {
        shipping.queue.wake.notify_one();
        rig.of(|c| &c.sent) == 6
    });
    assert_eq!((rig.of(|c| &c.rejected), rig.of(|c| &c.dropped)), (2, 0));
    drop(shipping);
    let ids: Vec<Vec<String>> =
        asked.try_iter().map(|asked| asked.documents().into_iter().map(|(id, _)| id).collect()).collect();
    assert_eq!(ids[1], ["1", "3", "5", "7"]);
}

/// C1 #18: nobody there, wrong credentials, silence, nonsense, endless answers. Lines wait on disk and
/// arrive when the endpoint is well again, in another process.
#[test]
fn an_endpoint_that_misbehaves_costs_nobody_anything() {
    // A port that no other test is given.
    let nobody = "http://127.0.0.1:1".to_owned();
    let (wrong, _asked_wrong) =
        endpoint(|_, stream| answer(stream, "401 Unauthorized", "{\"error\":\"\u{1b}[2J\"}"));
    let (html, _asked_html) = endpoint(|_, stream| answer(stream, "200 OK", "<html>\r\n"));
    let (noise, _asked_noise) = endpoint(|_, stream| drop(stream.write_all(&[0xff; 100_000])));
    let (endless, _asked_endless) = endpoint(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while stream
            .write_all(b"1000\r\n")
            .and_then(|()| stream.write_all(&[b' '; 0x1000]))
            .and_then(|()| stream.write_all(b"\r\n"))
            .is_ok()
        {}
    });
    let (moved, _asked_moved) = endpoint(|_, stream| {
        let _ =
            write!(stream, "HTTP/1.1 307 Temporary Redirect\r\nlocation: /loop\r\ncontent-length: 0\r\n\r\n");
    });
    for url in [&nobody, &wrong, &html, &noise, &endless, &moved] {
        let rig = Rig::new();
        let shipping = rig.log(url, 100);
        rig.wait("a failure", |rig| rig.of(|c| &c.failures) > 0 && rig.of(|c| &c.spooled_bytes) > 0);
        drop(shipping);
        assert_eq!((rig.of(|c| &c.sent), rig.of(|c| &c.dropped)), (0, 0), "{url}");
        assert_all_arrive(&rig, 100);
    }
}

/// What an earlier process has left arrives, each line once.
fn assert_all_arrive(rig: &Rig, count: usize) {
    let (url, asked) = endpoint(|_, stream| answer(stream, "200 OK", TAKEN));
    let (_sink, shipping) = start(rig.plan(&url), Arc::clone(&rig.counters)).unwrap();
    rig.wait("what was kept", |rig| rig.of(|c| &c.sent) == to_u64(count));
    drop(shipping);
    let documents: BTreeMap<String, _> = asked.try_iter().flat_map(|asked| asked.documents()).collect();
    assert_eq!(documents.len(), count);
    assert_eq!(std::fs::read_dir(rig.spool()).unwrap().count(), 0);
}

#[test]
fn an_endpoint_that_hangs_delays_neither_lines_nor_the_end() {
    let (hung, asked) = endpoint(|_, _| {});
    let rig = Rig::new();
    let shipping = rig.log(&hung, 100);
    // The request is there, and nobody answers it.
    asked.recv_timeout(Duration::from_secs(30)).unwrap();
    drop(shipping);
    assert_eq!(rig.of(|c| &c.dropped), 0);
    assert_all_arrive(&rig, 100);
}

#[test]
fn a_full_queue_loses_lines_and_counts_them() {
    let (hung, asked) = endpoint(|_, _| {});
    let rig = Rig::new();
    let (sink, shipping) = start(rig.plan(&hung), Arc::clone(&rig.counters)).unwrap();
    sink.take("{\"create\":{\"_id\":\"first\"}}\n{}\n".to_owned());
    asked.recv_timeout(Duration::from_secs(30)).unwrap();
    let line = |number| {
        format!("{{\"create\":{{\"_id\":\"{number}\"}}}}\n{{\"message\":\"{}\"}}\n", "x".repeat(10_000))
    };
    for number in 0..1_000 {
        sink.take(line(number));
    }
    let waiting = shipping.queue.waiting().bytes;
    assert!(waiting <= MAX_QUEUE_BYTES && waiting > MAX_QUEUE_BYTES - 20_000, "{waiting}");
    let dropped = rig.of(|c| &c.dropped);
    assert!((550..650).contains(&dropped), "{dropped}");
    drop(shipping);
    assert_all_arrive(&rig, 1_001 - usize::try_from(dropped).unwrap());
}

#[test]
fn requests_that_are_too_large_are_halved() {
    let rig = Rig::new();
    let (url, asked) = endpoint(|asked, stream| match asked.documents().len() {
        0..=3 => answer(stream, "200 OK", TAKEN),
        _ => answer(stream, "413 Too Large", ""),
    });
    let shipping = rig.log(&url, 20);
    rig.wait("all of them", |rig| rig.of(|c| &c.sent) == 20);
    drop(shipping);
    assert_eq!((rig.of(|c| &c.dropped), rig.of(|c| &c.rejected)), (0, 0));
    assert!(asked.try_iter().count() >= 7);
}
