//! Bad input: one line that names the thing and what to do, a code that is not zero, nothing half-done.

use crate::{
    media,
    network::{Network, argosy, status, text},
    ports::free_address,
};
use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

/// The command fails with `code`, and says `words` in one line.
#[track_caller]
fn refused(output: &Output, code: i32, words: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "one line: {message}");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

fn up(data: &Path, arguments: &[&str]) -> Output {
    argosy().args(["up", "--data"]).arg(data).args(arguments).output().unwrap()
}

#[test]
fn what_a_person_gets_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up(&folder.path().join("data"));
    let objects_before = status(&network.directory())["objectsCount"].clone();

    let absent = folder.path().join("absent.mp4");
    refused(&network.run(&["put", absent.to_str().unwrap()]), 2, &["absent.mp4"]);
    refused(&network.run(&["put", folder.path().to_str().unwrap()]), 2, &["is a folder"]);
    let empty = media::noise_file(folder.path(), "empty.mp4", 1, 0);
    refused(&network.run(&["put", empty.to_str().unwrap()]), 2, &["empty.mp4", "empty"]);
    refused(&network.run(&["get", "4711"]), 1, &["4711"]);
    refused(&network.run(&["rm", "4711"]), 1, &["4711"]);
    refused(&network.run(&["get", "no-number"]), 2, &["no-number"]);

    let file = media::noise_file(folder.path(), "small", 2, 1000);
    let object = network.put(&[&file])[0].clone();
    refused(&network.run(&["rm", &text(&object["id"]), "--key", "//Mallory"]), 1, &["//Mallory"]);
    refused(&network.run(&["put", file.to_str().unwrap(), "--key", "Mallory"]), 2, &["--key", "//"]);
    refused(&network.run(&["put", file.to_str().unwrap(), "--channel", "4711"]), 1, &["4711"]);
    let removed = network.run(&["rm", &text(&object["id"])]);
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    refused(&network.run(&["get", &text(&object["id"])]), 1, &["deleted"]);
    assert_eq!(status(&network.directory())["objectsCount"], objects_before, "nothing half-done is left");

    let nowhere = free_address();
    let output = argosy().args(["status", "--directory", &format!("http://{nowhere}")]).output().unwrap();
    refused(&output, 3, &[&nowhere.to_string()]);
    let output =
        argosy().args(["put", "--directory", &format!("http://{nowhere}")]).arg(&file).output().unwrap();
    refused(&output, 3, &[&nowhere.to_string()]);

    refused(&up(&network.data, &[]), 1, &["in use"]);
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 3, "data, empty.mp4 and small, and no trace of what failed");
}

#[test]
fn a_file_that_changes_while_it_is_put_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up(&folder.path().join("data"));
    // A pipe that gives other bytes at each reading is not a regular file.
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    refused(&network.run(&["put", pipe.to_str().unwrap()]), 2, &["pipe", "regular file"]);

    // Large enough that it is still being read when it changes.
    let file = media::noise_file(folder.path(), "growing", 5, 200_000_000);
    let put = network
        .command(&["put", file.to_str().unwrap()])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let handle = fs::OpenOptions::new().write(true).open(&file).unwrap();
    handle.set_len(100_000_000).unwrap();
    let output = put.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    // The change may also have come before the first look at the file: then all is well.
    if !output.status.success() {
        assert!(message.contains("changed") && message.contains("growing"), "{message}");
    }
}

#[test]
fn data_that_cannot_be_used_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "mine").unwrap();
    refused(&up(&other, &["--port-base", "0"]), 1, &["other"]);
    refused(&up(&other, &["--port-base", "0", "--fresh"]), 1, &["other"]);
    assert_eq!(fs::read_to_string(other.join("letter.txt")).unwrap(), "mine");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    refused(&up(&folder.path().join("taken"), &["--port-base", &port]), 1, &[&port, "in use"]);

    // Two networks: the second's directory data under the first's genesis.
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    for data in [&first, &second] {
        Network::up(data).stop("TERM");
    }
    fs::copy(second.join("genesis.json"), first.join("genesis.json")).unwrap();
    refused(&up(&first, &[]), 1, &["network"]);
}
