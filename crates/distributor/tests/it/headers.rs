//! What each kind of answer looks like on the wire, row by row of `spec/argus-colossus.md` B1 with the
//! choices that are better and still compatible.

use crate::{
    browser,
    fake_source::{Behaviour, Sample},
    rig::{MIB, Rig},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::json;

/// Bytes that are known for a PNG.
fn png(size: usize) -> std::sync::Arc<Sample> {
    let mut bytes = vec![7; size];
    bytes[..16].copy_from_slice(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    Sample::of(bytes)
}

fn asset_head(status: u16, x_cache: &str, more: &[String]) -> String {
    let mut lines: Vec<String> = [
        "accept-ranges: bytes",
        "access-control-allow-origin: *",
        "access-control-expose-headers: x-cache, x-data-source, content-range, content-length, accept-ranges, etag, repr-digest, link",
        "cache-control: public, max-age=31536000, immutable",
        "content-disposition: inline",
        "content-security-policy: sandbox",
        "cross-origin-resource-policy: cross-origin",
        "timing-allow-origin: *",
        "x-content-type-options: nosniff",
    ]
    .map(str::to_owned)
    .to_vec();
    lines.push(format!("x-cache: {x_cache}"));
    lines.extend_from_slice(more);
    lines.sort();
    format!("{status}\n{}", lines.join("\n"))
}

fn digest(sample: &Sample) -> String {
    format!("repr-digest: blake3=:{}:", BASE64.encode(sample.content_id.0))
}

fn full_head(status: u16, x_cache: &str, sample: &Sample, length: usize, more: &[String]) -> String {
    let mut all = vec![
        "x-data-source: local".to_owned(),
        "content-type: image/png".to_owned(),
        digest(sample),
        format!("etag: \"{}\"", sample.content_id),
        format!("content-length: {length}"),
    ];
    all.extend_from_slice(more);
    asset_head(status, x_cache, &all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_with_bytes() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let size = 3 * MIB;
    let sample = png(size);
    let id = rig.put(&sample).await;
    let etag = format!("\"{}\"", sample.content_id);
    let bare = |x_cache: &str, mime: Option<&str>| {
        let mut lines = vec![format!("etag: {etag}"), digest(&sample), format!("content-length: {size}")];
        lines.extend(mime.map(|mime| format!("content-type: {mime}")));
        asset_head(200, x_cache, &lines)
    };
    let part = |range: &str| vec![format!("content-range: bytes {range}/{size}")];

    let head = rig.head(id, &[("Range", "bytes=1-2")]).await;
    assert_eq!(head.head(), bare("miss", None));
    assert!(head.body.is_empty());
    assert_eq!(rig.groups_sent(), 0, "HEAD starts no download");

    let miss = rig.get(id, &[("Range", "bytes=2000000-2000099")]).await;
    assert_eq!(miss.head(), full_head(206, "miss", &sample, 100, &part("2000000-2000099")));
    assert!(miss.body == sample.bytes[2_000_000..2_000_100]);
    assert_eq!(rig.groups_sent(), 2, "the group asked for and the one that tells the type");
    assert_eq!(rig.head(id, &[]).await.head(), bare("pending", Some("image/png")));

    let pending = rig.get(id, &[("Range", "bytes=0-1")]).await;
    assert_eq!(pending.head(), full_head(206, "pending", &sample, 2, &part("0-1")));
    assert!(pending.body == sample.bytes[..2]);
    let whole = rig.get(id, &[("Range", "lines=1-2")]).await;
    assert_eq!((whole.status, whole.body.len()), (200, size));
    rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;

    let hit = rig.get(id, &[]).await;
    assert_eq!(hit.head(), full_head(200, "hit", &sample, size, &[]));
    assert!(hit.body == sample.bytes);
    let suffix = rig.get(id, &[("Range", "bytes=-3")]).await;
    assert_eq!(suffix.head(), full_head(206, "hit", &sample, 3, &part("3145725-3145727")));
    let head = rig.head(id, &[]).await;
    assert_eq!(head.head(), bare("hit", Some("image/png")));
    assert!(head.body.is_empty());

    let not_modified = rig.get(id, &[("If-None-Match", &etag)]).await;
    assert_eq!(not_modified.head(), asset_head(304, "hit", &[format!("etag: {etag}")]));
    let ranged = [("Range", "bytes=0-0"), ("If-Range", etag.as_str())];
    assert_eq!(rig.get(id, &ranged).await.status, 206);
    assert_eq!(rig.get(id, &[("Range", "bytes=0-0"), ("If-Range", "\"x\"")]).await.status, 200);
    assert_eq!(rig.get(id, &[("If-Match", "\"x\"")]).await.status, 412);
    assert_eq!(rig.get(id, &[("If-Match", &etag)]).await.status, 200);
    // What a query string says is nothing to us.
    let query = browser::ask(rig.endpoint(), "GET", &format!("/api/v1/assets/{id}?x=1"), &[]).await;
    assert_eq!((query.status, query.header("x-cache")), (200, "hit"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_past_the_end_are_refused_hit_or_not() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = png(50_000);
    let id = rig.put(&sample).await;
    for x_cache in ["miss", "hit"] {
        let answer = rig.get(id, &[("Range", "bytes=50000-")]).await;
        assert_eq!(answer.status, 416);
        assert_eq!(answer.header("content-range"), "bytes */50000");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.json()["message"], "RangeNotSatisfiableError: Range Not Satisfiable");
        rig.assert_whole(id, &sample, x_cache).await;
        rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_without_bytes() {
    let rig = Rig::new(&[Behaviour::Absent]).await;
    let sample = Sample::random(1, 100);
    let pending = rig.declare_only(&sample).await;
    let theirs = rig.put_elsewhere(&sample).await;
    let lost = rig.put(&sample).await;
    let api = "/api/v1";
    let validation = |path: &str, message: &str| json!({ "type": "request_validation", "message": message, "errors": [{ "path": path, "message": message }] });
    let not_an_id = json!({
        "type": "request_validation",
        "message": "request.params.objectId should match pattern \"\\d+\"",
        "errors": [{
            "path": ".params.objectId",
            "message": "should match pattern \"\\d+\"",
            "errorCode": "pattern.openapi.validation",
        }],
    });
    let cases = [
        ("GET", format!("{api}/assets/999"), 404, json!({ "message": "Data object does not exist" })),
        (
            "GET",
            format!("{api}/assets/99999999999999999999999"),
            404,
            json!({ "message": "Data object does not exist" }),
        ),
        (
            "GET",
            format!("{api}/assets/{pending}"),
            404,
            json!({ "message": "Data object has not been uploaded yet" }),
        ),
        (
            "GET",
            format!("{api}/assets/{theirs}"),
            421,
            json!({
                "message": "Data object not served by this node",
                "distributors": [format!("http://stranger.example/api/v1/assets/{theirs}")],
            }),
        ),
        (
            "GET",
            format!("{api}/assets/{lost}"),
            500,
            json!({
                "type": "exception",
                "message": format!("Failed to download object {lost} from any availablable storage provider"),
            }),
        ),
        ("GET", format!("{api}/assets/abc"), 400, not_an_id.clone()),
        ("GET", format!("{api}/assets/..%2f..%2fetc%2fpasswd1"), 400, not_an_id),
        ("POST", format!("{api}/assets/1"), 405, validation("/api/v1/assets/1", "POST method not allowed")),
        ("GET", format!("{api}/nothing"), 404, validation("/api/v1/nothing", "not found")),
    ];
    for (method, path, status, body) in cases {
        let answer = browser::ask(rig.endpoint(), method, &path, &[]).await;
        assert_eq!((answer.status, answer.json()), (status, body), "{method} {path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{path}");
        if method == "GET" && status != 500 {
            let head = browser::ask(rig.endpoint(), "HEAD", &path, &[]).await;
            assert_eq!((head.status, head.body.len()), (status, 0), "{path}");
        }
    }
    let misdirected = rig.get(theirs, &[]).await;
    let link = format!("<http://stranger.example/api/v1/assets/{theirs}>; rel=\"alternate\"");
    assert_eq!(misdirected.header("link"), link);
    let page = browser::ask(rig.endpoint(), "GET", "/<script>", &[]).await;
    assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(!String::from_utf8(page.body).unwrap().contains("script"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_from_elsewhere_may_ask() {
    let rig = Rig::new(&[]).await;
    let wanted = [("Origin", "https://x"), ("Access-Control-Request-Headers", "range, x-test")];
    let answer = browser::ask(rig.endpoint(), "OPTIONS", "/api/v1/assets/1", &wanted).await;
    assert_eq!(
        answer.head(),
        "204\naccess-control-allow-headers: range, x-test\naccess-control-allow-methods: \
         GET,HEAD,PUT,PATCH,POST,DELETE\naccess-control-allow-origin: *\naccess-control-max-age: 86400\nallow: GET, HEAD, OPTIONS\nvary: \
         access-control-request-headers"
    );
    assert!(answer.body.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_tells_about_itself() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(2, 100_000);
    let id = rig.put(&sample).await;
    rig.assert_whole(id, &sample, "miss").await;
    rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
    let status = rig.status().await;
    let expected = [
        ("role", json!("distribution")),
        ("id", json!("distributor-0")),
        ("workerId", json!(0)),
        ("buckets", json!(["0:0"])),
        ("bytesUsed", json!(100_000)),
        ("storageUsed", json!(100_000)),
        ("storageLimit", json!(1 << 30)),
        ("bytesFetched", json!(100_000)),
        ("bytesSent", json!(100_000)),
    ];
    for (name, value) in expected {
        assert_eq!(status[name], value, "{name}");
    }
    assert_eq!(status["queryNodeStatus"]["url"], rig.directory.url);
    assert_eq!(status["queryNodeStatus"]["blocksProcessed"], status["directory"]["height"]);
    let parsed: argosy_api::node::NodeStatus = serde_json::from_value(status).unwrap();
    assert!(parsed.directory.connected);
    let buckets = browser::ask(rig.endpoint(), "GET", "/api/v1/buckets", &[]).await.json();
    assert_eq!(buckets, json!({ "allByWorkerId": 0 }));
    let operator = browser::ask(rig.operator_endpoint(), "GET", "/api/v1/status", &[]).await;
    assert_eq!((operator.status, operator.json()["id"].clone()), (200, json!("distributor-0")));
}
