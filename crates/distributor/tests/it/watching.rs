//! What those see who watch the node.

use crate::{
    browser,
    fake_source::{Behaviour, Sample},
    rig::{MIB, Rig},
};
use argosy_distributor::config::Limits;
use std::net::SocketAddr;

async fn text(to: SocketAddr, path: &str) -> (u16, String) {
    let answer = browser::ask(to, "GET", path, &[]).await;
    (answer.status, String::from_utf8(answer.body).unwrap())
}

pub(crate) async fn metrics(rig: &Rig) -> String {
    let (status, text) = text(rig.operator_endpoint(), "/metrics").await;
    assert_eq!(status, 200);
    text
}

/// The number behind this name and these labels.
pub(crate) fn number(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in {metrics}")).parse().unwrap()
}

/// Names with their labels, without the numbers.
fn series(metrics: &str) -> Vec<String> {
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

/// C1 #19: by phase, by what the cache knew, and in bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_counted_by_what_it_was() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(1, MIB);
    let id = rig.put(&sample).await;
    rig.assert_whole(id, &sample, "miss").await;
    rig.wait_until("the object", |status| status["objectsInCache"] == 1).await;
    rig.assert_whole(id, &sample, "hit").await;
    rig.head(id, &[]).await;
    assert_eq!(rig.get(id + 1_000, &[]).await.status, 404);
    let of = |cache: &str, status: &str| {
        format!("argosy_distributor_requests_total{{cache=\"{cache}\",status=\"{status}\"}}")
    };
    // An answer is counted when it is over, each by its own connection: that may be after it has arrived.
    let size = f64::from(u32::try_from(MIB).unwrap());
    for (name, least) in [
        (of("none", "4xx"), 1.0),
        (of("miss", "2xx"), 1.0),
        (of("hit", "2xx"), 2.0),
        ("argosy_distributor_sent_bytes_total{cache=\"hit\"}".to_owned(), size + 1.0),
        ("argosy_distributor_first_byte_seconds_count{cache=\"miss\"}".to_owned(), 1.0),
    ] {
        rig.wait_for(&name, async || number(&metrics(&rig).await, &name) >= least).await;
    }
    let text = metrics(&rig).await;
    assert!(number(&text, "argosy_distributor_fetched_bytes_total") >= size);
    assert!(number(&text, "argosy_distributor_cache_bytes") >= size);
    assert_eq!(number(&text, "argosy_distributor_cache_objects"), 1.0);
    assert_eq!(number(&text, "argosy_distributor_directory_connected"), 1.0);
    assert!(number(&text, "argosy_distributor_decision_seconds_count") >= 4.0);
    assert!(number(&text, "argosy_distributor_connections_accepted_total") >= 4.0);
}

/// C1 #19: who brought how much, who failed how, and what is expected of whom.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_are_told_apart_by_the_numbers_of_the_directory() {
    let rig = Rig::new(&[Behaviour::Honest, Behaviour::Busy]).await;
    let sample = Sample::random(1, 4 * MIB);
    let id = rig.put(&sample).await;
    rig.assert_whole(id, &sample, "miss").await;
    let text = metrics(&rig).await;
    let of = |name: &str, labels: &str| {
        number(&text, &format!("argosy_distributor_source_{name}{{source=\"{labels}}}"))
    };
    let size = f64::from(u32::try_from(4 * MIB).unwrap());
    assert!(of("bytes_total", "storage-0\"") >= size, "{text}");
    assert!(of("requests_total", "storage-0\"") >= 4.0 && of("rate_bytes_per_second", "storage-0\"") > 0.0);
    assert!(of("latency_ms", "storage-0\"") >= 0.0);
    assert_eq!(of("failures_total", "storage-0\",failure=\"busy\""), 0.0);
    assert_eq!(of("bytes_total", "storage-1\""), 0.0);
    assert!(of("failures_total", "storage-1\",failure=\"busy\"") >= 1.0, "{text}");
    assert_eq!(of("failures_total", "storage-1\",failure=\"wrong\""), 0.0);
    assert_eq!(of("requests_total", "other\""), 0.0);
    assert!(!text.contains("127.0.0.1"), "addresses are no labels: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_room_is_counted() {
    let rig = Rig::with_limits(&[Behaviour::Honest], Limits::storage(3 << 20)).await;
    let evicted = |text: &str| {
        let of = |what: &str| number(text, &format!("argosy_distributor_evicted_{what}_total"));
        (of("objects"), of("bytes"))
    };
    for seed in [1, 2] {
        let sample = Sample::random(seed, 2 * MIB);
        let id = rig.put(&sample).await;
        assert_eq!(evicted(&metrics(&rig).await), (0.0, 0.0));
        rig.assert_whole(id, &sample, "miss").await;
        rig.wait_until("the object", |status| status["objectsInCache"] == 1).await;
    }
    // The second is there when the first has gone.
    let mut text = metrics(&rig).await;
    while evicted(&text).0 == 0.0 {
        text = metrics(&rig).await;
    }
    assert_eq!(evicted(&text), (1.0, f64::from(u32::try_from(2 * MIB).unwrap())));
}

/// T-54: what callers write is no label.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_can_make_more_series() {
    let rig = Rig::new(&[]).await;
    let before = series(&metrics(&rig).await);
    for number in 0..300 {
        let path = format!("/api/v1/assets/{number}x?{number}\u{7f}=%0a");
        browser::ask(rig.endpoint(), "GET", &path, &[("x-cache", "evil")]).await;
        browser::ask(rig.endpoint(), "GET", &format!("/{number}"), &[]).await;
    }
    assert_eq!(series(&metrics(&rig).await), before);
}

/// C1 #16: what is asked of the node itself is answered while everything else is down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_directory_is_away_says_so_and_lives() {
    let mut rig = Rig::new(&[]).await;
    rig.know().await;
    for port in [rig.endpoint(), rig.operator_endpoint()] {
        for path in ["/livez", "/healthz"] {
            assert_eq!(text(port, path).await, (200, "ok\n".to_owned()));
        }
        assert_eq!(text(port, "/readyz").await, (200, "ready\n".to_owned()));
    }
    rig.stop().await;
    let dir = tempfile::tempdir().unwrap();
    rig.config.directories.cache_state = dir.path().join("new");
    rig.config.endpoints = argosy_distributor::config::Endpoints::directory(
        argosy_node::config::DirectoryUrls::new(vec!["http://127.0.0.1:1".to_owned()]).unwrap(),
    );
    rig.start().await;
    let (status, body) = text(rig.endpoint(), "/readyz").await;
    assert!(status == 503 && body.contains("NOT_READY"), "{status} {body}");
    assert_eq!(text(rig.endpoint(), "/healthz").await.0, 200);
    assert_eq!(rig.status().await["directory"]["connected"], false);
    assert_eq!(number(&metrics(&rig).await, "argosy_distributor_directory_connected"), 0.0);
}

#[test]
fn every_metric_is_explained_where_operators_look() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let text = runtime.block_on(async {
        let rig = Rig::new(&[]).await;
        metrics(&rig).await
    });
    let page = include_str!("../../../../docs/operating.md");
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let missing: Vec<&str> = names.filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/operating.md has no {missing:?}");
}
