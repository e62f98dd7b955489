//! HLS as plain objects: a playlist that names its segments by the ids of their objects, played through
//! hls.js.

use crate::{
    browser::{self, Page},
    http, media,
    network::{Network, asset, text},
};
use serde_json::Value;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// What is installed from npm to play with; not a part of the program.
const HLS_JS: &str = "hls.js@1.7.4";

const PAGE: &str = r#"<!doctype html><title>player</title><video id=v muted playsinline width=320></video>
<script src="/hls.js"></script><script>
const v = document.getElementById('v');
const say = text => fetch('/result?' + encodeURIComponent(text));
const until = test => new Promise(done => { const look = () => test() ? done() : requestAnimationFrame(look); look(); });
const url = new URLSearchParams(location.search).get('url');
(async () => {
  if (!Hls.isSupported()) throw 'no media source extensions';
  const hls = new Hls();
  hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) say('error ' + data.type + ' ' + data.details); });
  const parsed = new Promise(done => hls.on(Hls.Events.MANIFEST_PARSED, done));
  hls.loadSource(url);
  hls.attachMedia(v);
  await parsed;
  await v.play();
  await until(() => v.currentTime > 0.5);
  v.currentTime = 9;
  await until(() => !v.seeking && v.currentTime > 9.3);
  say('played to ' + (v.currentTime > 9.3) + ' of ' + Math.round(v.duration) + ' width ' + v.videoWidth);
})().catch(e => say('error ' + e));
</script>"#;

/// The player, from the folder of build results if it was installed before.
fn hls_js(test: &str) -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hls.js");
    let script = folder.join("node_modules/hls.js/dist/hls.min.js");
    if !script.exists() {
        fs::create_dir_all(&folder).unwrap();
        let installed = Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save"])
            .arg("--prefix")
            .arg(&folder)
            .arg(HLS_JS)
            .output();
        let why = match installed {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = why {
            assert!(std::env::var_os("ARGOSY_REQUIRE_TOOLS").is_none(), "{test} needs {HLS_JS}: {why}");
            // Past the capture of the test harness: the person who runs the tests must see it.
            let _ = writeln!(std::io::stderr(), "LEFT OUT: {test}: {HLS_JS} cannot be installed: {why}");
            return None;
        }
    }
    Some(fs::read(script).unwrap())
}

/// Twelve seconds in segments of two; the playlist and what it names, in no particular order.
fn segments(folder: &Path, kind: &str) -> (PathBuf, Vec<PathBuf>) {
    let folder = folder.join(kind);
    fs::create_dir(&folder).unwrap();
    let playlist = folder.join("list.m3u8");
    let done = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=12"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:duration=12"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac"])
        .args(["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_segment_type", kind])
        .arg(&playlist)
        .output()
        .expect("ffmpeg starts");
    assert!(done.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&done.stderr));
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| *path != playlist);
    (playlist, files)
}

/// The playlist with the ids of objects in place of the names of files, which is all that is needed: ids
/// are relative to `/api/v1/assets/`.
fn by_id(playlist: &Path, files: &[PathBuf], objects: &[Value]) -> PathBuf {
    let mut list = fs::read_to_string(playlist).unwrap();
    for (file, object) in files.iter().zip(objects) {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(list.contains(name), "{name} is not in {list}");
        list = list.replace(name, &text(&object["id"]));
    }
    let path = playlist.with_file_name("by-id.m3u8");
    fs::write(&path, list).unwrap();
    path
}

#[test]
fn hls_objects_play_and_seek() {
    const NAME: &str = "hls_objects_play_and_seek";
    if !["ffmpeg", "chromium", "npm"].iter().all(|tool| media::has(tool, NAME)) {
        return;
    }
    let Some(script) = hls_js(NAME) else { return };
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up(&folder.path().join("data"));
    let endpoint = &network.distributors()[0];
    for (kind, mime) in [("fmp4", "video/mp4"), ("mpegts", "video/mp2t")] {
        let (playlist, files) = segments(folder.path(), kind);
        assert!(files.len() >= 6, "{files:?}");
        let objects = network.put(&files.iter().map(PathBuf::as_path).collect::<Vec<_>>());
        let playlist = &network.put(&[&by_id(&playlist, &files, &objects)])[0];
        let pages = [
            Page { path: "/player", mime: "text/html", body: PAGE.into() },
            Page { path: "/hls.js", mime: "text/javascript", body: script.clone() },
        ];
        // Cold the first time, from the cache the second.
        for _ in 0..2 {
            let report = browser::report(&pages, &format!("/player?url={}", asset(endpoint, playlist)));
            assert_eq!(report, "played to true of 12 width 320", "{kind}");
        }
        let list = http::get(&asset(endpoint, playlist), None).unwrap();
        assert_eq!(list.header("content-type"), Some("application/vnd.apple.mpegurl"));
        for object in &objects {
            let segment = http::get(&asset(endpoint, object), None).unwrap();
            assert_eq!(
                (segment.header("content-type"), segment.header("x-cache")),
                (Some(mime), Some("hit"))
            );
        }
    }
}
