//! What clients can ask of the public port beyond Argus' answers: several ranges, names to save under,
//! proofs; and who they are taken for.

use crate::{
    browser::{self, Answer},
    fake_source::{Behaviour, Sample},
    rig::{MIB, Rig},
};
use argosy_content::{GroupRange, SliceDecoder, SliceItem, slice_len};
use argosy_node::config::Size;
use bytes::Bytes;
use std::{
    net::{Ipv6Addr, SocketAddr, TcpListener},
    ops::Range,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Says exactly this and reads all that comes back.
async fn talk(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut said = Vec::new();
    // A connection that is closed before it is heard may break.
    let _broken = stream.read_to_end(&mut said).await;
    said
}

/// Asserts that an answer holds these parts and nothing else.
fn assert_parts(answer: &Answer, sample: &Sample, mime: &str, ranges: &[Range<usize>]) {
    assert_eq!(answer.status, 206, "{}", answer.head());
    assert_eq!(answer.header("content-range"), "");
    let boundary = sample.content_id.to_string();
    assert_eq!(answer.header("content-type"), format!("multipart/byteranges; boundary={boundary}"));
    let mut expected = Vec::new();
    for range in ranges {
        let (first, last, size) = (range.start, range.end - 1, sample.size());
        let lead = format!(
            "\r\n--{boundary}\r\ncontent-type: {mime}\r\ncontent-range: bytes {first}-{last}/{size}\r\n\r\n"
        );
        expected.extend(lead.into_bytes());
        expected.extend(&sample.bytes[range.clone()]);
    }
    expected.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    assert!(answer.body == expected, "{} bytes of {}", answer.body.len(), expected.len());
    assert_eq!(answer.header("content-length"), expected.len().to_string());
    let bytes: usize = ranges.iter().map(Range::len).sum();
    assert!(expected.len() <= bytes + 1024);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_ranges_are_exact_whatever_is_here() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    // In memory, proved at once, and proved while it is sent.
    for (seed, size) in [(1, 40_000), (2, 900_000), (3, 9 * MIB)] {
        let sample = Sample::random(seed, size);
        let id = rig.put(&sample).await;
        let ranges = [1..2, 20_000..20_001, 30_000..size - 10, size - 3..size];
        let header = format!("bytes=1-1, 20000-20000,30000-{},-3", size - 11);
        let asked = [("Range", header.as_str())];
        let miss = rig.get(id, &asked).await;
        assert_eq!(miss.header("x-cache"), "miss");
        assert_parts(&miss, &sample, "application/octet-stream", &ranges);
        let again = rig.get(id, &asked).await;
        assert_parts(&again, &sample, "application/octet-stream", &ranges);
        rig.assert_is(id, &sample).await;
        rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
        for _ in 0..2 {
            let hit = rig.get(id, &asked).await;
            assert_eq!(hit.header("x-cache"), "hit");
            assert_parts(&hit, &sample, "application/octet-stream", &ranges);
        }
        // Nothing of it is proved yet after a restart.
        rig.stop().await;
        rig.start().await;
        for _ in 0..2 {
            assert_parts(&rig.get(id, &asked).await, &sample, "application/octet-stream", &ranges);
        }
        rig.delete(id).await;
        rig.wait_until("an empty cache", |status| status["objectsInCache"] == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_that_only_cost_get_little() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let (small, large) = (Sample::random(1, MIB), Sample::random(2, MIB + 1));
    let (small_id, large_id) = (rig.put(&small).await, rig.put(&large).await);
    for ranges in ["bytes=5-6,0-1", "bytes=0-9,5-20", "bytes=0-0,2-2,4-4,6-6,8-8", "bytes=0-,0-,0-"] {
        let whole = rig.get(small_id, &[("Range", ranges)]).await;
        assert!(whole.status == 200 && whole.body == small.bytes, "{ranges}");
        let nothing = rig.get(large_id, &[("Range", ranges)]).await;
        let range = format!("bytes */{}", large.size());
        assert_eq!((nothing.status, nothing.header("content-range")), (416, range.as_str()), "{ranges}");
    }
    let one = rig.get(large_id, &[("Range", "bytes=0-0,99999999-")]).await;
    assert_eq!((one.status, one.header("content-range")), (206, "bytes 0-0/1048577"));
    // Two far ranges of something cold fetch these and what tells the type.
    let cold = Sample::random(3, 8 * MIB);
    let id = rig.put(&cold).await;
    let before = rig.groups_sent();
    let far = rig.get(id, &[("Range", "bytes=3000000-3000000,6000000-6000000")]).await;
    let ranges = [3_000_000..3_000_001, 6_000_000..6_000_001];
    assert_parts(&far, &cold, "application/octet-stream", &ranges);
    assert_eq!(rig.groups_sent() - before, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_can_propose_a_name() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(1, 50_000);
    let id = rig.put(&sample).await;
    let path = |query: &str| format!("/api/v1/assets/{id}{query}");
    for x_cache in ["miss", "hit"] {
        for method in ["GET", "HEAD"] {
            let answer =
                browser::ask(rig.endpoint(), method, &path("?v=2&download=my%20t%C3%A4lk.mp4"), &[]).await;
            let expected = "attachment; filename=\"my t_lk.mp4\"; filename*=UTF-8''my%20t%C3%A4lk.mp4";
            assert_eq!(answer.header("content-disposition"), expected, "{method} {x_cache}");
            assert_eq!(answer.header("etag"), format!("\"{}\"", sample.content_id));
            assert_eq!(answer.headers.iter().filter(|(name, _)| name == "content-disposition").count(), 1);
        }
        let inline = browser::ask(rig.endpoint(), "GET", &path("?v=2"), &[]).await;
        assert_eq!(inline.header("content-disposition"), "inline");
        rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
    }
    let hostile = browser::ask(rig.endpoint(), "GET", &path("?download=%0d%0aset-cookie:%20a=b"), &[]).await;
    assert_eq!((hostile.status, hostile.header("set-cookie")), (200, ""));
    assert_eq!(hostile.header("content-disposition"), "attachment; filename=\"set-cookie_ a=b\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_come_with_their_proof() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(50, 3 * MIB + 100);
    let id = rig.put(&sample).await;
    let path = |bytes: &str| format!("/api/v1/objects/{id}/proof?bytes={bytes}");
    for (asked, held) in
        [("1000000-1000001", 999_424..1_015_808), ("-1", 3 * MIB..3 * MIB + 100), ("16383-16384", 0..32_768)]
    {
        let answer = browser::ask(rig.endpoint(), "GET", &path(asked), &[]).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.header("content-type"), argosy_api::SLICE_MEDIA_TYPE);
        let says = format!("{}-{}/{}", held.start, held.end - 1, sample.size());
        assert_eq!(answer.header("x-argosy-bytes"), says);
        assert!(answer.header("access-control-expose-headers").contains("x-argosy-bytes"));
        let groups = GroupRange::new(held.start as u64 / 16_384, held.end.div_ceil(16_384) as u64);
        assert_eq!(answer.body.len() as u64, slice_len(sample.size(), groups));
        let mut decoder = SliceDecoder::new(sample.content_id, sample.size(), groups);
        decoder.feed(Bytes::from(answer.body));
        let mut data = Vec::new();
        while let Some(item) = decoder.next().unwrap() {
            if let SliceItem::Group(group) = item {
                data.extend_from_slice(group.data());
            }
        }
        decoder.finish().unwrap();
        assert!(data == sample.bytes[held]);
        let head = browser::ask(rig.endpoint(), "HEAD", &path(asked), &[]).await;
        assert_eq!((head.status, head.header("x-argosy-bytes"), head.body.len()), (200, says.as_str(), 0));
    }
    for (bytes, status, code) in
        [("", 400, "BAD_QUERY"), ("0-1,3-4", 400, "BAD_QUERY"), ("9999999-", 416, "NO_SUCH_BYTES")]
    {
        let answer = browser::ask(rig.endpoint(), "GET", &path(bytes), &[]).await;
        assert_eq!((answer.status, answer.json()["code"].clone()), (status, code.into()), "{bytes}");
    }
    let unknown = browser::ask(rig.endpoint(), "GET", "/api/v1/objects/99/proof?bytes=0-0", &[]).await;
    assert_eq!((unknown.status, unknown.json()["code"].clone()), (404, "DATA_OBJECT_DOESNT_EXIST".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxies_speak_for_users_if_they_are_trusted() {
    let mut rig = Rig::new(&[]).await;
    rig.stop().await;
    rig.config.public_api.trusted_proxies =
        vec![argosy_distributor::config::Proxy("127.0.0.1".parse().unwrap())];
    rig.config.public_api.proxy_protocol = true;
    rig.start().await;
    let closed = talk(rig.endpoint(), b"GET /api/v1/status HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(closed, b"", "the proxy has to say for whom it connects");
    let told = b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\nGET /api/v1/status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(talk(rig.endpoint(), told).await.starts_with(b"HTTP/1.1 200 OK\r\n"));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_answers_on_both_versions_of_ip() {
    use std::io::Write as _;
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        // Past the capture of the test harness: the person who runs the tests must see it.
        let text = "LEFT OUT: the_port_answers_on_both_versions_of_ip: ::1 is not an address of this machine";
        let _ = writeln!(std::io::stderr(), "{text}");
        return;
    }
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let sample = Sample::random(1, 100_000);
    let id = rig.put(&sample).await;
    rig.stop().await;
    rig.config.public_api.host = Ipv6Addr::UNSPECIFIED.into();
    rig.start().await;
    let port = rig.endpoint().port();
    for host in ["[::1]", "127.0.0.1"] {
        let address = format!("{host}:{port}").parse().unwrap();
        let answer = browser::ask(address, "GET", &format!("/api/v1/assets/{id}"), &[]).await;
        assert!(answer.status == 200 && answer.body == sample.bytes, "{host}");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_and_the_node_have_their_rates() {
    // Only ever too slow: a busy machine cannot make these fail.
    let least = |bytes: usize, rate: u64| Duration::from_secs_f64(bytes as f64 / rate as f64 - 0.2);
    let limits = |node: Option<u64>, object: Option<u64>| argosy_distributor::config::Limits {
        egress_bytes_per_second: node.map(Size),
        egress_bytes_per_second_per_object: object.map(Size),
        ..argosy_distributor::config::Limits::storage(1 << 30)
    };
    let size = 200_000;
    for (node, object, expected) in
        [(None, Some(400_000), least(2 * size, 400_000)), (Some(800_000), None, least(4 * size, 800_000))]
    {
        let rig = std::sync::Arc::new(Rig::with_limits(&[Behaviour::Honest], limits(node, object)).await);
        let samples = [Sample::random(1, size), Sample::random(2, size)];
        let ids = [rig.put(&samples[0]).await, rig.put(&samples[1]).await];
        // Misses first, then hits: both are held to it.
        for _ in 0..2 {
            let start = Instant::now();
            let mut readers = tokio::task::JoinSet::new();
            for at in [0, 0, 1, 1] {
                let (rig, sample, id) = (std::sync::Arc::clone(&rig), samples[at].clone(), ids[at]);
                readers.spawn(async move { assert!(rig.get(id, &[]).await.body == sample.bytes) });
            }
            while let Some(read) = readers.join_next().await {
                read.unwrap();
            }
            assert!(start.elapsed() >= expected, "{:?} of {expected:?}", start.elapsed());
        }
        // Proofs are no way around it.
        let path = format!("/api/v1/objects/{}/slices?from=0&to=13", ids[0]);
        let start = Instant::now();
        for _ in 0..2 {
            let slice = browser::ask(rig.endpoint(), "GET", &path, &[]).await;
            assert!(slice.status == 200 && slice.body.len() > size);
        }
        let rate = node.or(object).unwrap();
        assert!(start.elapsed() >= least(2 * size, rate), "{:?}", start.elapsed());
    }
}

/// The check of `docs/verifying.md`, by BLAKE3 alone.
struct Walk<'a> {
    slice: &'a [u8],
    wanted: Range<u64>,
    size: u64,
    delivered: Vec<u8>,
}

impl Walk<'_> {
    fn read(&mut self, count: usize) -> Option<Vec<u8>> {
        let (read, rest) = self.slice.split_at_checked(count)?;
        self.slice = rest;
        Some(read.to_vec())
    }

    /// None: stop.
    fn walk(&mut self, a: u64, b: u64, hash: [u8; 32], is_root: bool) -> Option<()> {
        use blake3::hazmat::{HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root};
        if b <= self.wanted.start || a >= self.wanted.end {
            return Some(());
        }
        if b - a == 1 {
            let bytes = self.read((self.size - a * 16_384).min(16_384) as usize)?;
            let found = if is_root {
                *blake3::hash(&bytes).as_bytes()
            } else {
                blake3::Hasher::new().set_input_offset(a * 16_384).update(&bytes).finalize_non_root()
            };
            self.delivered.extend(bytes);
            return (found == hash).then_some(());
        }
        let left: [u8; 32] = self.read(32)?.try_into().unwrap();
        let right: [u8; 32] = self.read(32)?.try_into().unwrap();
        let found = if is_root {
            *merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()
        } else {
            merge_subtrees_non_root(&left, &right, Mode::Hash)
        };
        if found != hash {
            return None;
        }
        let mut half = 1;
        while half * 2 < b - a {
            half *= 2;
        }
        self.walk(a, a + half, left, false)?;
        self.walk(a + half, b, right, false)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_party_can_verify_as_the_docs_say() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    for (seed, size, asked, groups) in [
        (1, 100, "0-0", 0..1),
        (2, 16_385, "-1", 1..2),
        (3, 700_001, "100000-300000", 6..19),
        (4, 5 * MIB, "5000000-", 305..320),
    ] {
        let sample = Sample::random(seed, size);
        let id = rig.put(&sample).await;
        let path = format!("/api/v1/objects/{id}/proof?bytes={asked}");
        let slice = browser::ask(rig.endpoint(), "GET", &path, &[]).await.body;
        let check = |slice: &[u8]| {
            let (wanted, size) = (groups.clone(), sample.size());
            let mut walk = Walk { slice, wanted, size, delivered: Vec::new() };
            let all = size.div_ceil(16_384).max(1);
            let right = walk.walk(0, all, sample.content_id.0, true).is_some() && walk.slice.is_empty();
            right.then_some(walk.delivered)
        };
        let start = groups.start as usize * 16_384;
        let end = (groups.end as usize * 16_384).min(size);
        assert!(check(&slice).unwrap() == sample.bytes[start..end], "{asked} of {size}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..50 {
            let mut wrong = slice.clone();
            wrong[rng.usize(..slice.len())] ^= 1 << rng.u8(..8);
            assert!(check(&wrong).is_none(), "a flipped bit is found");
        }
        assert!(check(&slice[..slice.len() - 1]).is_none());
    }
}
