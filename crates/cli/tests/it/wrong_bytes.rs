//! No wrong byte reaches a reader, whatever is on a disk.

use crate::{
    http, media,
    network::{Network, asset, text, wait_until},
};
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    thread,
};

/// Flips one byte in the middle of the object's data in a storage node's files.
fn flip_a_byte(data: &Path, node: usize, object: &serde_json::Value) {
    let path = data_file(&data.join(format!("storage-{node}")), &text(&object["id"]))
        .expect("the node holds the object");
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).unwrap();
    byte[0] ^= 1;
    file.write_all_at(&byte, middle).unwrap();
}

fn data_file(folder: &Path, id: &str) -> Option<PathBuf> {
    let name = format!("{id}.data");
    for entry in fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        if path.is_dir() {
            if let Some(found) = data_file(&path, &name[..name.len() - 5]) {
                return Some(found);
            }
        } else if path.file_name().is_some_and(|file| file == name.as_str()) {
            return Some(path);
        }
    }
    None
}

/// Both storage nodes have the file.
fn wait_for_both(network: &Network, object: &serde_json::Value) {
    for node in 0..2 {
        let folder = network.data.join(format!("storage-{node}"));
        wait_until("both storage nodes hold the object", || {
            data_file(&folder, &text(&object["id"])).is_some()
        });
    }
}

#[test]
fn a_byte_flipped_on_one_disk_never_reaches_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up(&folder.path().join("data"));
    for (damaged, seed) in [(0, 1), (1, 2)] {
        let file = media::noise_file(folder.path(), "noise", seed, 5_000_000);
        let bytes = fs::read(&file).unwrap();
        let object = &network.put(&[&file])[0];
        wait_for_both(&network, object);
        flip_a_byte(&network.data, damaged, object);
        for endpoint in network.distributors() {
            let answer =
                http::get(&asset(&endpoint, object), None).expect("the other node has the right bytes");
            assert_eq!(answer.status, 200);
            assert!(answer.body == bytes, "wrong bytes from {endpoint}");
        }
        let copy = folder.path().join("copy");
        let got = network.run(&["get", &text(&object["id"]), "-o", copy.to_str().unwrap()]);
        assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
        assert!(fs::read(&copy).unwrap() == bytes);
        fs::remove_file(&copy).unwrap();
    }
}

#[test]
fn with_all_copies_bad_the_request_fails_and_nothing_wrong_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    // One distributor: each of them waits for a while before it gives up.
    let network = Network::up_with(&folder.path().join("data"), &["--distributors", "1"]);
    let file = media::noise_file(folder.path(), "noise", 3, 3_000_000);
    let bytes = fs::read(&file).unwrap();
    let object = &network.put(&[&file])[0];
    wait_for_both(&network, object);
    // The distributor may have fetched the object as soon as it was there: it is to have nothing of it.
    let data = network.data.clone();
    network.stop("TERM");
    fs::remove_dir_all(data.join("distributor-0/assets")).unwrap();
    flip_a_byte(&data, 0, object);
    flip_a_byte(&data, 1, object);
    let network = Network::up(&data);

    let copy = folder.path().join("copy");
    let endpoint = &network.distributors()[0];
    let (got, whole) = thread::scope(|scope| {
        let whole = scope.spawn(|| http::get(&asset(endpoint, object), None));
        let got = network.run(&["get", &text(&object["id"]), "-o", copy.to_str().unwrap()]);
        (got, whole.join().unwrap())
    });
    assert_eq!(got.status.code(), Some(3), "{}", String::from_utf8_lossy(&got.stderr));
    assert!(!copy.exists(), "a file that could not be completed is not there under its name");
    assert!(
        whole.is_err() || whole.is_ok_and(|answer| answer.status >= 500),
        "the whole object cannot be had"
    );
    // What lies beside the damage can.
    let head = http::get(&asset(endpoint, object), Some("bytes=0-99999")).unwrap();
    assert!(head.status == 206 && head.body == bytes[..100_000]);
    // And a storage node asked directly sends nothing wrong either.
    for storage in network.storage() {
        let url = format!("{storage}/api/v1/files/{}", text(&object["id"]));
        let middle = bytes.len() / 2;
        let answer = http::get(&url, Some(&format!("bytes={middle}-{middle}")));
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status >= 404));
    }
}
