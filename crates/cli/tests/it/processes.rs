//! The same network as separate processes, as operators run it.

use crate::{
    http, media,
    network::{Network, argosy, asset, text, wait_until},
};
use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
};

/// One node, killed when dropped.
struct Node(Child);

impl Node {
    fn start(role: &str, config: &Path) -> Self {
        let child = argosy()
            .args([role, "start", "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the node starts");
        Self(child)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn answers(endpoint: &str) -> bool {
    http::get(&format!("{endpoint}/api/v1/status"), None).is_ok_and(|answer| answer.status == 200)
}

#[test]
fn a_network_begun_in_one_process_goes_on_in_many_and_outlives_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let network = Network::up(&data);
    let (directory, storage, distributors) = (network.directory(), network.storage(), network.distributors());
    let file = media::noise_file(folder.path(), "first", 11, 3_000_000);
    let first = network.put(&[&file])[0].clone();
    let ready = network.ready.clone();
    network.stop("TERM");

    let directory_config = data.join("directory/directory.yml");
    let mut directory_node = Node::start("directory", &directory_config);
    let mut nodes = Vec::new();
    for at in 0..storage.len() {
        nodes.push(Node::start("storage", &data.join(format!("storage-{at}/storage.yml"))));
    }
    for at in 0..distributors.len() {
        nodes.push(Node::start("distribution", &data.join(format!("distributor-{at}/config.yml"))));
    }
    wait_until("every node answers", || {
        answers(&directory) && storage.iter().chain(&distributors).all(|endpoint| answers(endpoint))
    });
    let run = |arguments: &[&str]| {
        argosy().args(arguments).env("ARGOSY_DIRECTORY", &directory).output().expect("argosy starts")
    };
    wait_until("status says that all is well", || run(&["status"]).status.success());

    let second_file = media::noise_file(folder.path(), "second", 12, 3_000_000);
    let put = run(&["put", "--json", second_file.to_str().unwrap()]);
    assert!(put.status.success(), "{}", String::from_utf8_lossy(&put.stderr));
    let second = crate::network::objects(&put.stdout)[0].clone();

    // One distributor has the first object, none has the second.
    assert_eq!(http::get(&asset(&distributors[0], &first), None).unwrap().status, 200);
    wait_until("every distributor knows both", || {
        distributors.iter().all(|endpoint| {
            [&first, &second].iter().all(|object| {
                http::request("HEAD", &asset(endpoint, object), &[]).is_ok_and(|answer| answer.status == 200)
            })
        })
    });

    drop(directory_node);
    for endpoint in &distributors {
        for (object, path) in [(&first, &file), (&second, &second_file)] {
            let answer = http::get(&asset(endpoint, object), None).expect("delivery goes on");
            assert!(answer.status == 200 && answer.body == fs::read(path).unwrap());
        }
    }
    let third_file = media::noise_file(folder.path(), "third", 13, 100_000);
    let put = run(&["put", third_file.to_str().unwrap()]);
    let message = String::from_utf8_lossy(&put.stderr).into_owned();
    assert_eq!(put.status.code(), Some(3), "{message}");
    assert!(
        message.contains(&directory) || message.contains(directory.trim_start_matches("http://")),
        "{message}"
    );

    directory_node = Node::start("directory", &directory_config);
    wait_until("the directory answers again", || answers(&directory));
    let put = run(&["put", "--json", "--wait", "served", third_file.to_str().unwrap()]);
    assert!(put.status.success(), "{}", String::from_utf8_lossy(&put.stderr));
    let third = crate::network::objects(&put.stdout)[0].clone();
    for endpoint in &distributors {
        assert!(http::get(&asset(endpoint, &third), None).unwrap().body == fs::read(&third_file).unwrap());
    }
    assert_eq!(text(&ready["directory"]), directory);
    drop(directory_node);
}
