#![allow(clippy::unwrap_used, reason = "tests may panic")]

use super::*;
use argosy_domain::StorageBucketId;
use argosy_http::{HeaderBlock, StatusCode};
use argosy_node_core::sources::SourceName;
use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Keeps every event, as text by name.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

#[derive(Clone, Default)]
struct Line {
    target: &'static str,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line { target: event.metadata().target(), ..Line::default() };
        event.record(&mut line);
        self.0.lock().unwrap().push(line);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The only line that comes of this.
fn line(of: impl FnOnce(&Record)) -> (Line, Record) {
    let (lines, record) = (Lines::default(), Record::default());
    tracing::subscriber::with_default(lines.clone(), || of(&record));
    let [line] = &lines.0.lock().unwrap()[..] else { panic!("one line") };
    (line.clone(), record)
}

fn count(record: &Record, series: &str) -> u64 {
    let mut text = Exposition::default();
    record.expose(&mut text);
    let text = text.finish();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap().parse().unwrap()
}

#[test]
fn a_request_that_nobody_looks_at_has_a_line_and_is_counted() {
    let refused = Refused {
        status: StatusCode::METHOD_NOT_ALLOWED,
        message: "POST method not allowed",
        method: Some("POST"),
        path: Some("/api/v1/assets/7"),
        client: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)),
        sent_bytes: 321,
    };
    let (line, record) = line(|record| record.refused(&refused, &Span::none()));
    assert_eq!(line.target, ACCESS_REFUSED);
    for (name, value) in [
        ("client.address", "198.51.100.0"),
        ("http.request.method", "POST"),
        ("meta.req.url", "/api/v1/assets/7"),
        ("url.path", "/api/v1/assets/7"),
        ("meta.res.statusCode", "405"),
        ("http.response.bytes", "321"),
        ("event.reason", "POST method not allowed"),
    ] {
        assert_eq!(line.fields.get(name).map(String::as_str), Some(value), "{name}");
    }
    let series = "argosy_distributor_requests_total{cache=\"none\",status=\"4xx\"}";
    assert_eq!(count(&record, series), 1);
    assert_eq!(count(&record, "argosy_distributor_sent_bytes_total{cache=\"none\"}"), 321);
}

#[test]
fn what_could_not_be_read_of_a_request_is_left_out() {
    let refused = Refused {
        status: StatusCode::BAD_REQUEST,
        message: "no request",
        method: None,
        path: None,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        sent_bytes: 1,
    };
    let (line, _) = line(|record| record.refused(&refused, &Span::none()));
    assert!(!line.fields.contains_key("url.path") && !line.fields.contains_key("meta.req.method"));
    assert_eq!(line.fields["message"], "HTTP request refused: no request");
}

#[test]
fn a_line_names_the_sources_of_what_was_fetched_for_it() {
    let request = EdgeRequest {
        method: EdgeMethod::Get,
        path: "/api/v1/assets/7",
        query: None,
        host: None,
        range: None,
        if_match: None,
        if_none_match: None,
        if_range: None,
        authorization: None,
        preflight_headers: None,
        peer: "127.0.0.1:1".parse().unwrap(),
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let answered = |note: Option<argosy_http::Note>| Answered {
        status: StatusCode::OK,
        headers: HeaderBlock::build([("x-cache", "miss")]),
        note,
        body_bytes: 5,
        sent_bytes: 9,
        whole: true,
        waited: Duration::ZERO,
        total: Duration::ZERO,
    };
    let (hit, _) = line(|record| record.answered(&request, &answered(None), &Span::none()));
    assert!(!hit.fields.contains_key("argosy.sources") && !hit.fields.contains_key("argosy.fetched"));
    let brought = Brought::default();
    let line_of = |brought: &Brought| {
        let note: argosy_http::Note = Arc::new(brought.clone());
        line(|record| record.answered(&request, &answered(Some(note)), &Span::none())).0
    };
    assert!(!line_of(&brought).fields.contains_key("argosy.sources"), "nothing was fetched yet");
    brought.note(SourceName::Storage(StorageBucketId(3)), 5);
    brought.note(SourceName::Storage(StorageBucketId(1)), 7);
    let miss = line_of(&brought);
    let of = |name: &str| miss.fields[name].as_str();
    assert_eq!((of("argosy.sources"), of("argosy.fetched")), ("storage-1,storage-3", "12"));
    assert_eq!(of("argosy.cache"), "miss");
}
