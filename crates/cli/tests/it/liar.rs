//! A distributor that lies: found out at the first wrong group, and others are asked.

use crate::{
    http, media,
    network::{Network, text, wait_until},
};
use argosy_content::{GroupRange, SlicePlan, SliceStep};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// Bytes of a group.
const GROUP: usize = 16 * 1024;

/// What those who asked for a slice were given before they hung up, in bytes after the wrong group; nothing
/// is known yet of one who has not hung up.
type Given = Arc<Mutex<Vec<Option<usize>>>>;

/// Answers requests for slices with what `honest` says, but for one bit of the first group; goes on
/// slowly after that group, so that it can see when it is found out.
fn lie(honest: String, size: u64) -> (String, Given) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let given = Given::default();
    let counted = Arc::clone(&given);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (honest, given) = (honest.clone(), Arc::clone(&counted));
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                while let Some(path) = request(&mut reader) {
                    if path.contains("/slices?") {
                        let at = {
                            let mut all = given.lock().unwrap();
                            all.push(None);
                            all.len() - 1
                        };
                        let after = answer(reader.get_mut(), &honest, &path, size);
                        given.lock().unwrap()[at] = Some(after);
                        return;
                    }
                    let nothing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
                    reader.get_mut().write_all(nothing.as_bytes()).unwrap();
                }
            });
        }
    });
    (url, given)
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut first, mut line) = (String::new(), String::new());
    reader.read_line(&mut first).ok().filter(|count| *count > 0)?;
    while reader.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    first.split(' ').nth(1).map(str::to_owned)
}

fn answer(stream: &mut TcpStream, honest: &str, path: &str, size: u64) -> usize {
    let mut right = http::get(&format!("{honest}{path}"), None).unwrap();
    assert_eq!(right.status, 200, "{}", right.text());
    let number = |name: &str| -> u64 {
        let from = path.find(name).unwrap() + name.len();
        path[from..].split('&').next().unwrap().parse().unwrap()
    };
    let groups = GroupRange::new(number("from="), number("to="));
    let pairs =
        SlicePlan::new(size, groups).take_while(|step| matches!(step, SliceStep::Pair { .. })).count();
    let wrong = pairs * 64 + 5;
    right.body[wrong] ^= 1;
    let first = (wrong - 5 + GROUP).min(right.body.len());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", right.body.len());
    if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&right.body[..first])).is_err() {
        return 0;
    }
    for (after, byte) in right.body[first..].chunks(1).enumerate() {
        if stream.write_all(byte).is_err() {
            return after;
        }
        pause();
    }
    right.body.len() - first
}

#[expect(clippy::disallowed_methods, reason = "a slow sender is what the test is about")]
fn pause() {
    thread::sleep(Duration::from_millis(10));
}

#[test]
fn a_lying_distributor_is_found_out_at_its_first_group() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up(&folder.path().join("data"));
    let file = media::noise_file(folder.path(), "noise", 7, 20_000_000);
    let bytes = fs::read(&file).unwrap();
    let object = &network.put(&[&file])[0];
    let (liar, given) = lie(network.distributors()[0].clone(), 20_000_000);
    let copy = folder.path().join("copy");
    let url = format!("{liar}/api/v1/assets/{}", text(&object["id"]));
    let got = network.run(&["get", &url, "-o", copy.to_str().unwrap()]);
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    assert!(fs::read(&copy).unwrap() == bytes, "what others deliver is right");
    // Windows that were under way at once, and no other: it is not asked again.
    wait_until("all who asked it have hung up", || given.lock().unwrap().iter().all(Option::is_some));
    let given = given.lock().unwrap();
    assert!((1..=4).contains(&given.len()), "{given:?}");
    for after in given.iter() {
        assert!(*after < Some(GROUP), "the client hung up before a second group was there: {given:?}");
    }
}
