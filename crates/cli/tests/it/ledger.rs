//! What an operator does with the directory's ledger.

use crate::{
    http, media,
    network::{Network, argosy, status, text, wait_until},
    ports::free_address,
};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Child, Output, Stdio},
};

fn directory(arguments: &[&str]) -> Output {
    argosy().arg("directory").args(arguments).output().unwrap()
}

#[track_caller]
fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn refused(output: &Output, code: i32, words: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "one line: {message}");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_network_that_lost_its_ledger_goes_on_from_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let network = Network::up(&data);
    let file = media::noise_file(folder.path(), "first", 21, 100_000);
    let object = network.put(&[&file])[0].clone();
    let blocks = directory(&["export", path(&data), "--from", "0", "--to", "5"]);
    assert!(blocks.status.success(), "{}", String::from_utf8_lossy(&blocks.stderr));
    let blocks: Vec<Value> = blocks
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    assert_eq!(
        blocks.iter().map(|block| block["height"].as_u64().unwrap()).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5]
    );
    assert!(blocks.windows(2).all(|pair| pair[0]["hash"] == pair[1]["parent"]));
    let transactions: Vec<&Value> =
        blocks.iter().flat_map(|block| block["transactions"].as_array().unwrap()).collect();
    assert!(
        transactions.iter().any(|one| text(&one["call"]) == "storage.createStorageBucket"),
        "{transactions:?}"
    );
    assert!(transactions.iter().all(|one| one["arguments"].is_object()), "{transactions:?}");
    assert!(transactions.iter().all(|one| one["error"].is_null() && one["events"][0]["kind"].is_string()));
    let event = &transactions[0]["events"][0];
    assert!(event["fields"].is_object() && !text(&event["bytes"]).is_empty(), "{event}");
    refused(&directory(&["export", path(&data), "--from", "4711"]), 1, &["HEIGHT_AHEAD"]);
    refused(&directory(&["export", path(&data), "--from", "2", "--to", "1"]), 2, &["--from"]);

    // Nodes that followed further than the backup goes would see another ledger afterwards: here none does.
    let (mut running, mut backup, mut copied) = (Some(network), folder.path().join("backup"), Value::Null);
    wait_until("no block was made between the backup and the end", || {
        let network = running.take().unwrap_or_else(|| Network::up(&data));
        backup.set_file_name(format!("{}-again", backup.file_name().unwrap().display()));
        copied = json(&directory(&["backup", path(&data), "--to", path(&backup), "--json"]));
        refused(&directory(&["backup", path(&data), "--to", path(&backup)]), 1, &["backup", "NOT_BACKED_UP"]);
        network.stop("INT");
        json(&directory(&["verify", path(&data), "--json"]))["height"] == copied["height"]
    });
    let store = data.join("directory/store");
    refused(&directory(&["restore", path(&backup), path(&store)]), 1, &["store", "NOT_RESTORED"]);
    fs::remove_dir_all(&store).unwrap();
    let restored = json(&directory(&["restore", path(&backup), path(&store), "--json"]));
    assert_eq!((&restored["hash"], &restored["stateRoot"]), (&copied["hash"], &copied["stateRoot"]));
    for more in [&[][..], &["--from-checkpoint"]] {
        let arguments = [&["verify", path(&data), "--json"], more].concat();
        assert_eq!(json(&directory(&arguments))["stateRoot"], copied["stateRoot"]);
    }
    fs::remove_file(backup.join("store/blocks.log")).unwrap();
    let other = folder.path().join("other");
    refused(&directory(&["restore", path(&backup), path(&other)]), 1, &["blocks.log", "NOT_RESTORED"]);
    assert!(!other.exists());

    let network = Network::up(&data);
    assert!(status(&network.directory())["height"].as_u64() >= copied["height"].as_u64());
    let out = folder.path().join("out");
    let got = network.run(&["get", &text(&object["id"]), "-o", path(&out)]);
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    assert_eq!(fs::read(&out).unwrap(), fs::read(&file).unwrap());
}

/// Killed when dropped.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_genesis_that_was_made_is_one_to_start_from() {
    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    const BOB: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
    let folder = tempfile::tempdir().unwrap();
    let genesis = folder.path().join("genesis.json");
    // The address of the key that the configuration names.
    let sequencer = {
        use argosy_domain::{KeyScheme, Keypair};
        Keypair::from_uri(KeyScheme::Sr25519, "//Sequencer").unwrap().account().to_string()
    };
    let init = |more: &[&str]| {
        let first = ["init", "--profile", "local", "--sequencer", &sequencer, "-o", path(&genesis), "--json"];
        directory(&[&first, more].concat())
    };
    refused(&init(&["--council", ALICE, ALICE]), 2, &["twice"]);
    refused(&init(&["--council", ALICE, BOB, "--threshold", "3"]), 2, &["threshold of 3"]);
    refused(&init(&["--council", "5Grw"]), 2, &["5Grw"]);
    refused(&init(&[]), 2, &["--council"]);
    assert!(!genesis.exists(), "nothing is made of what cannot be used");
    let made = json(&init(&["--council", ALICE, BOB, "--network", "films"]));
    refused(&init(&["--council", ALICE]), 1, &["genesis.json", "NOT_WRITTEN"]);
    let file: Value = serde_json::from_slice(&fs::read(&genesis).unwrap()).unwrap();
    assert_eq!((&file["hash"], &file["network"]), (&made["hash"], &Value::from("films")));
    assert_eq!(
        (file["council"]["threshold"].as_u64(), file["council"]["keys"].as_array().unwrap().len()),
        (Some(2), 2)
    );

    let endpoint = free_address();
    let config = folder.path().join("directory.yml");
    let yaml = format!(
        "data: store\ngenesis: genesis.json\nlisten: {endpoint}\nsequencer:\n  suri: //Sequencer\n\
         retention:\n  blocks: 1000\ncheckpoints:\n  blocks: 100\n  kept: 2\n"
    );
    fs::write(&config, yaml).unwrap();
    let node = argosy().args(["directory", "start", "--config"]).arg(&config).stderr(Stdio::null()).spawn();
    let _node = Node(node.unwrap());
    let url = format!("http://{endpoint}/api/v1/status");
    wait_until("the node answers", || http::get(&url, None).is_ok_and(|answer| answer.status == 200));
    assert_eq!(status(&format!("http://{endpoint}"))["genesis"], made["hash"]);
}
