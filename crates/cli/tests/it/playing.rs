//! Media in, media out: whole, in pieces, and as a player asks for it.

use crate::{
    http, media,
    network::{Network, asset, status, text, wait_until},
};
use std::{fs, process::Command};

#[test]
fn real_media_come_back_whole_in_ranges_and_to_a_player() {
    if !media::has("ffmpeg", "real_media_come_back_whole_in_ranges_and_to_a_player") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up(&folder.path().join("data"));
    let files = [media::mp4(folder.path()), media::webm(folder.path()), media::png(folder.path())];
    for large in &files[..2] {
        assert!(fs::metadata(large).unwrap().len() >= 30_000_000, "{} is too small", large.display());
    }
    let objects = network.put(&files.each_ref().map(std::path::PathBuf::as_path));
    let kinds = ["video/mp4", "video/webm", "image/png"];
    let distributors = network.distributors();

    cold_ranges(&distributors[0], &objects[0], &fs::read(&files[0]).unwrap());
    remote_seek(&network, &distributors[1], &objects[0], &files[0]);

    for ((object, file), kind) in objects.iter().zip(&files).zip(kinds) {
        let bytes = fs::read(file).unwrap();
        for endpoint in &distributors {
            let answer = http::get(&asset(endpoint, object), None).unwrap();
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), Some(kind));
            assert!(answer.body == bytes, "{} differs at {endpoint}", file.display());
        }
        let copy = folder.path().join("copy");
        let got = network.run(&["get", &text(&object["id"]), "-o", copy.to_str().unwrap()]);
        assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
        assert!(fs::read(&copy).unwrap() == bytes);
        fs::remove_file(copy).unwrap();
    }
    let again = http::get(&asset(&distributors[0], &objects[0]), None).unwrap();
    assert_eq!(again.header("x-cache"), Some("hit"));
    assert_eq!(again.header("etag"), Some(format!("\"{}\"", text(&objects[0]["contentId"])).as_str()));
}

/// 200 random ranges of an object that this distributor has never seen.
fn cold_ranges(endpoint: &str, object: &serde_json::Value, bytes: &[u8]) {
    let url = asset(endpoint, object);
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut draws = media::noise(seed, 200 * 16).chunks_exact(16).map(<[u8]>::to_vec).collect::<Vec<_>>();
    for draw in draws.drain(..) {
        let number = |at: usize| {
            usize::try_from(u64::from_le_bytes(draw[at..at + 8].try_into().unwrap()) >> 16).unwrap()
        };
        let start = number(0) % bytes.len();
        let length = 1 + number(8) % 100_000.min(bytes.len() - start);
        let answer = http::get(&url, Some(&format!("bytes={start}-{}", start + length - 1))).unwrap();
        assert_eq!(answer.status, 206);
        assert_eq!(
            answer.header("content-range"),
            Some(format!("bytes {start}-{}/{}", start + length - 1, bytes.len()).as_str())
        );
        assert!(answer.body == bytes[start..start + length], "range {start}+{length} differs");
    }
}

/// ffprobe, and a seek to the 20th second, of an object that this distributor has never seen.
fn remote_seek(network: &Network, endpoint: &str, object: &serde_json::Value, file: &std::path::Path) {
    let sent =
        || -> u64 { network.storage().iter().map(|node| status(node)["bytesSent"].as_u64().unwrap()).sum() };
    // What storage nodes send each other is counted, too, and so is what the other distributor still fetches.
    wait_until("the storage nodes hold all three files", || {
        network.storage().iter().all(|node| status(node)["objectsCount"] == 3)
    });
    wait_until("nobody fetches anything", || {
        network.distributors().iter().all(|node| status(node)["downloadsInProgress"] == 0)
    });
    let before = sent();
    let url = asset(endpoint, object);
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=duration:stream=codec_name", "-of", "csv=p=0", &url])
        .output()
        .unwrap();
    let found = String::from_utf8_lossy(&probe.stdout).into_owned();
    assert!(probe.status.success() && found.contains("h264") && found.contains("aac"), "{found}");
    let frame = file.with_file_name("frame.png");
    let seek = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-nostdin", "-y", "-ss", "20", "-i", &url, "-frames:v", "1"])
        .arg(&frame)
        .output()
        .unwrap();
    assert!(seek.status.success(), "{}", String::from_utf8_lossy(&seek.stderr));
    assert!(fs::metadata(&frame).unwrap().len() > 1000);
    // A player that has left must not make the distributor fetch the rest.
    wait_until("the distributor has stopped fetching", || status(endpoint)["downloadsInProgress"] == 0);
    let fetched = sent() - before;
    let size = fs::metadata(file).unwrap().len();
    println!("ffprobe and a seek fetched {fetched} of {size} bytes");
    assert!(fetched < size, "ffprobe and a seek fetched {fetched} of {size} bytes");
}
