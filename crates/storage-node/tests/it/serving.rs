//! Reading: ranges, slices, and bytes that have gone bad on disk.

use crate::network::{Network, answer, media, wait_for};
use argosy_content::{GroupRange, SliceDecoder, SliceItem, group_count, slice_len};
use argosy_domain::{
    ContentId, DataObjectId,
    limits::{GROUP_BYTES, MAX_SLICE_GROUPS},
    num::{to_u64, to_usize},
};
use argosy_http::{HeaderName, Method, Request, Response, header};
use std::{fs, io::Seek as _, io::Write as _};

async fn ask(
    network: &Network,
    id: DataObjectId,
    method: Method,
    headers: &[(HeaderName, &str)],
) -> Response {
    let mut request = Request::new(method, network.url(0, &format!("/api/v1/files/{id}")));
    for (name, value) in headers {
        request = request.header(name.clone(), *value);
    }
    network.client.send(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_served_whole_and_in_ranges() {
    let network = Network::start(1).await;
    let mut bytes = media(20, 700_001);
    bytes[..16].copy_from_slice(b"\0\0\0\x20ftypisom\0\0\x02\0");
    let id = network.declare(&[&bytes]).await[0];
    network.upload(0, id, &bytes).await.unwrap();
    let etag = format!("\"{}\"", ContentId::of(&bytes));

    let whole = ask(&network, id, Method::GET, &[]).await;
    let told = |response: &Response, name: HeaderName| response.header(&name).unwrap_or("").to_owned();
    assert_eq!(whole.status(), 200);
    assert_eq!(told(&whole, header::CONTENT_TYPE), "video/mp4");
    assert_eq!(told(&whole, header::ETAG), etag);
    assert_eq!(told(&whole, header::ACCEPT_RANGES), "bytes");
    assert_eq!(told(&whole, header::CONTENT_DISPOSITION), "inline");
    assert_eq!(told(&whole, header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert_eq!(whole.content_length(), Some(700_001));
    assert_eq!(whole.collect(1 << 20).await.unwrap(), bytes[..]);

    let mut random = fastrand::Rng::with_seed(20);
    for _ in 0..60 {
        let start = random.usize(..bytes.len());
        let end = random.usize(start + 1..=bytes.len());
        let range = format!("bytes={start}-{}", end - 1);
        let part = ask(&network, id, Method::GET, &[(header::RANGE, &range)]).await;
        assert_eq!(part.status(), 206, "{range}");
        assert_eq!(told(&part, header::CONTENT_RANGE), format!("bytes {start}-{}/700001", end - 1));
        assert_eq!(part.content_length(), Some(to_u64(end - start)));
        assert_eq!(part.collect(1 << 20).await.unwrap(), bytes[start..end], "{range}");
    }
    for (method, headers, status, length) in [
        (Method::HEAD, vec![], 200, Some(700_001)),
        (Method::HEAD, vec![(header::RANGE, "bytes=0-9")], 200, Some(700_001)),
        (Method::GET, vec![(header::RANGE, "bytes=-5")], 206, Some(5)),
        (Method::GET, vec![(header::RANGE, "bytes=700000-")], 206, Some(1)),
        (Method::GET, vec![(header::RANGE, "bytes=700001-")], 416, Some(0)),
        (Method::GET, vec![(header::RANGE, "bytes=0-1,5-6")], 200, Some(700_001)),
        (Method::GET, vec![(header::IF_NONE_MATCH, etag.as_str())], 304, None),
        (Method::GET, vec![(header::IF_MATCH, "\"other\"")], 412, Some(0)),
        (Method::GET, vec![(header::RANGE, "bytes=0-1"), (header::IF_RANGE, "\"x\"")], 200, Some(700_001)),
    ] {
        let response = ask(&network, id, method, &headers).await;
        assert_eq!(response.status(), status, "{headers:?}");
        if let Some(length) = length {
            assert_eq!(response.content_length(), Some(length), "{headers:?}");
        }
    }
    let past = ask(&network, id, Method::GET, &[(header::RANGE, "bytes=700001-")]).await;
    assert_eq!(told(&past, header::CONTENT_RANGE), "bytes */700001");
    let absent = ask(&network, DataObjectId(99), Method::GET, &[]).await;
    assert_eq!((absent.status().as_u16(), absent.collect(9).await.unwrap().len()), (404, 0));
    let (status, body) = answer(network.get(0, "/api/v1/files/1x").await).await;
    assert_eq!((status, &body["type"]), (400, &"request_exception".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_tells_about_itself() {
    let network = Network::start(1).await;
    let objects: Vec<Vec<u8>> = (0..12).map(|seed| media(100 + seed, 50)).collect();
    let ids = network.declare(&objects.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
    assert_eq!(
        answer(network.get(0, "/api/v1/state/data-objects").await).await,
        (200, serde_json::json!([]))
    );
    for (id, bytes) in ids.iter().zip(&objects) {
        network.upload(0, *id, bytes).await.unwrap();
    }
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    for (page, expected) in
        [("", &texts[..]), ("?after=2&limit=4", &texts[3..7]), ("?after=11", &texts[12..])]
    {
        let listed = answer(network.get(0, &format!("/api/v1/state/data-objects{page}")).await).await;
        assert_eq!(listed, (200, serde_json::json!(expected)), "{page}");
    }
    let (status, body) = answer(network.get(0, "/api/v1/version").await).await;
    assert!(status == 200 && body["userAgent"].as_str().unwrap().starts_with("argosy-storage/"));
    let status = network.status(0).await;
    assert_eq!(
        (status.role.as_str(), status.id.as_str(), status.worker_id),
        ("storage", "storage-0", Some(1))
    );
    assert_eq!((status.objects_count, status.bytes_used), (12, 600));
    assert_eq!(network.get(0, "/livez").await.status(), 200);
    assert_eq!(network.get(0, "/api/v1/nothing").await.status(), 404);
    let preflight = Request::new(Method::OPTIONS, network.url(0, "/api/v1/files"))
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization");
    let preflight = network.client.send(preflight).await.unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.header(&header::ACCESS_CONTROL_ALLOW_HEADERS), Some("authorization"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_prove_themselves_and_have_the_announced_length() {
    let network = Network::start(1).await;
    let bytes = media(21, 600 * 16 * 1024 + 77);
    let id = network.declare(&[&bytes]).await[0];
    network.upload(0, id, &bytes).await.unwrap();
    let (size, content_id) = (to_u64(bytes.len()), ContentId::of(&bytes));
    let before = network.status(0).await.bytes_sent;
    let mut data_count = 0;
    for (from, to) in [(0, 1), (0, 64), (63, 65), (599, 601), (600, 601), (100, 100 + MAX_SLICE_GROUPS)] {
        let groups = GroupRange::new(from, to);
        let mut slice = network.node(0).api.slice(id, groups).await.unwrap();
        assert_eq!(slice.content_length(), Some(slice_len(size, groups)));
        let mut decoder = SliceDecoder::new(content_id, size, groups);
        let mut found = Vec::new();
        while let Some(chunk) = slice.chunk().await.unwrap() {
            decoder.feed(chunk);
            while let Some(item) = decoder.next().unwrap() {
                if let SliceItem::Group(group) = item {
                    found.extend_from_slice(group.data());
                }
            }
        }
        decoder.finish().unwrap();
        let end = to_usize((to * GROUP_BYTES).min(size));
        assert_eq!(found, bytes[to_usize(from * GROUP_BYTES)..end]);
        data_count += to_u64(found.len());
    }
    assert_eq!(network.status(0).await.bytes_sent - before, data_count);
    let past = group_count(size) + 1;
    for (id, query, status) in [
        (id.to_string(), format!("from=600&to={past}"), 416),
        (id.to_string(), "from=5&to=5".to_owned(), 400),
        (id.to_string(), format!("from=0&to={}", MAX_SLICE_GROUPS + 1), 400),
        (id.to_string(), "from=0".to_owned(), 400),
        (id.to_string(), "from=-1&to=2".to_owned(), 400),
        ("99".to_owned(), "from=0&to=1".to_owned(), 404),
        ("x".to_owned(), "from=0&to=1".to_owned(), 400),
    ] {
        let (found, _) = answer(network.get(0, &format!("/api/v1/objects/{id}/slices?{query}")).await).await;
        assert_eq!(found, status, "{id} {query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_that_flips_on_disk_is_never_sent_and_gets_repaired() {
    let network = Network::start(2).await;
    let bytes = media(22, 2_000_000);
    let id = network.declare(&[&bytes]).await[0];
    network.upload(0, id, &bytes).await.unwrap();
    network.held_by(id, &[0, 1]).await;
    flip(&network, 1, id, 1_500_000);

    // What comes before the damage may be sent; the damaged group never, nor anything in its place.
    let response = network.client.get(&network.url(1, &format!("/api/v1/files/{id}"))).await.unwrap();
    let mut response = response;
    let mut got = Vec::new();
    let ended = loop {
        match response.frame().await {
            Ok(Some(frame)) => got.extend_from_slice(&frame),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    if response.status() == 200 {
        assert!(!ended && got.len() < 1_500_000, "{} bytes", got.len());
        assert_eq!(got, bytes[..got.len()]);
    }
    let repaired = wait_for("the repaired object", async || network.read(1, id).await).await;
    assert_eq!(repaired, bytes[..]);
    // Only the damaged part was fetched again.
    assert!(network.status(1).await.bytes_fetched <= 2_000_000 + 64 * GROUP_BYTES);
    network.held_by(id, &[0, 1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_copy_damaged_nothing_wrong_is_sent() {
    let network = Network::start(1).await;
    let bytes = media(23, 100_000);
    let id = network.declare(&[&bytes]).await[0];
    network.upload(0, id, &bytes).await.unwrap();
    flip(&network, 0, id, 20_000);
    let slice = network.get(0, &format!("/api/v1/objects/{id}/slices?from=0&to=2")).await;
    assert!(slice.status() != 200 || slice.collect(1 << 20).await.is_err());
    // The sound groups of what is left are still given to those who can check them.
    let sound = wait_for("the sound groups", async || {
        let slice = network.get(0, &format!("/api/v1/objects/{id}/slices?from=0&to=1")).await;
        (slice.status() == 200).then_some(slice)
    })
    .await;
    let length = slice_len(100_000, GroupRange::one(0));
    assert_eq!(to_u64(sound.collect(1 << 20).await.unwrap().len()), length);
    wait_for("the report", async || network.object(id).await.holders.is_empty().then_some(())).await;
    assert!(network.read(0, id).await.is_none());
    // The owner can bring the missing groups again.
    network.upload(0, id, &bytes).await.unwrap();
    assert_eq!(network.read(0, id).await.unwrap(), bytes[..]);
    network.held_by(id, &[0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_vanishes_is_fetched_again() {
    let mut network = Network::start(2).await;
    let bytes = media(24, 300_000);
    let id = network.declare(&[&bytes]).await[0];
    network.upload(0, id, &bytes).await.unwrap();
    network.held_by(id, &[0, 1]).await;
    network.stop_node(1).await;
    fs::remove_file(network.data_file(1, id).unwrap()).unwrap();
    network.restart_node(1).await;
    let again = wait_for("the object", async || network.read(1, id).await).await;
    assert_eq!(again, bytes[..]);
    network.held_by(id, &[0, 1]).await;
}

fn flip(network: &Network, at: usize, id: DataObjectId, offset: u64) {
    use std::io::Read as _;
    let path = network.data_file(at, id).unwrap();
    let mut file = fs::File::options().read(true).write(true).open(path).unwrap();
    file.seek(std::io::SeekFrom::Start(offset)).unwrap();
    let mut byte = [0];
    file.read_exact(&mut byte).unwrap();
    file.seek(std::io::SeekFrom::Start(offset)).unwrap();
    file.write_all(&[byte[0] ^ 0x10]).unwrap();
}
