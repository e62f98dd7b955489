//! A video element in headless Chromium.

use crate::{
    media,
    network::{Network, PATIENCE, asset},
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::mpsc,
};

const PAGE: &str = r#"<!doctype html><title>player</title><video id=v muted playsinline width=640></video><script>
const v = document.getElementById('v');
const say = text => fetch('/result?' + encodeURIComponent(text));
const until = (what, test) => new Promise(done => { const look = () => test() ? done() : requestAnimationFrame(look); look(); });
v.onerror = () => say('error ' + (v.error && v.error.message));
(async () => {
  v.src = new URLSearchParams(location.search).get('url');
  await v.play();
  await until('it plays', () => v.currentTime > 0.5);
  const first = v.currentTime;
  v.currentTime = 20;
  await until('it has sought', () => !v.seeking && v.currentTime > 20.3);
  say('played ' + first + ' then ' + v.currentTime + ' width ' + v.videoWidth);
})().catch(e => say('error ' + e));
</script>"#;

struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the browser finds at a path.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) path: &'static str,
    pub(crate) mime: &'static str,
    pub(crate) body: Vec<u8>,
}

/// Serves the pages, and hands on what they report.
fn page_server(pages: Vec<Page>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (results, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut line = String::new();
            let mut reader = BufReader::new(stream);
            if reader.read_line(&mut line).is_err() {
                continue;
            }
            let mut header = String::new();
            while reader.read_line(&mut header).is_ok_and(|n| n > 2) {
                header.clear();
            }
            if let Some(result) = line.strip_prefix("GET /result?") {
                let _ = results.send(result.split(' ').next().unwrap_or_default().replace("%20", " "));
            }
            let target = line.split(' ').nth(1).unwrap_or_default();
            let path = target.split('?').next().unwrap_or_default();
            let page = pages.iter().find(|page| page.path == path);
            let (mime, body) = page.map_or(("text/html", &[][..]), |page| (page.mime, &page.body[..]));
            let _ = write!(
                reader.get_mut(),
                "HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = reader.get_mut().write_all(body);
        }
    });
    (format!("http://{address}"), received)
}

/// What a page reports that is opened in a browser of its own; `start` is its path and query.
pub(crate) fn report(pages: &[Page], start: &str) -> String {
    let (server, results) = page_server(pages.to_vec());
    let profile = tempfile::tempdir().unwrap();
    let _browser = Browser(
        Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--mute-audio",
                "--autoplay-policy=no-user-gesture-required",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("{server}{start}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium starts"),
    );
    results.recv_timeout(PATIENCE).expect("the page reports what it played")
}

fn play(url: &str) -> String {
    let page = Page { path: "/player", mime: "text/html", body: PAGE.into() };
    report(&[page], &format!("/player?url={url}"))
}

#[test]
fn a_video_element_plays_and_seeks() {
    const NAME: &str = "a_video_element_plays_and_seeks";
    if !media::has("ffmpeg", NAME) || !media::has("chromium", NAME) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up(&folder.path().join("data"));
    let files = [media::mp4(folder.path()), media::webm(folder.path())];
    let objects = network.put(&files.each_ref().map(std::path::PathBuf::as_path));
    for (object, endpoint) in objects.iter().zip(network.distributors()) {
        let report = play(&asset(&endpoint, object));
        assert!(report.starts_with("played") && report.ends_with("width 640"), "{report}");
    }
}
