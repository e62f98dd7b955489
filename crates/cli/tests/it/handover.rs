//! Following from the command line, and changing the key that signs blocks.

use crate::{
    http,
    network::{argosy, wait_until},
    ports::free_address,
};
use argosy_domain::{KeyScheme, Keypair};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

/// A folder with a genesis, keys, and the configurations of a sequencer and a follower.
struct Place {
    folder: tempfile::TempDir,
    first: String,
    second: String,
}

fn account(uri: &str) -> String {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap().account().to_string()
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
            first: free_address().to_string(),
            second: free_address().to_string(),
        };
        for name in ["sequencer", "next", "standby", "ann", "ben"] {
            let path = place.path(&format!("{name}.key"));
            let uri = format!("//{}{}", name[..1].to_uppercase(), &name[1..]);
            fs::write(&path, uri).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let (sequencer, ann, ben) = (account("//Sequencer"), account("//Ann"), account("//Ben"));
        let genesis = place.path("genesis.json").display().to_string();
        let arguments = ["init", "--profile", "local", "--sequencer", &sequencer, "--threshold", "2"];
        let made = place.run(&[&arguments[..], &["-o", &genesis, "--council", &ann, &ben]].concat());
        assert!(made.status.success(), "{}", said(&made));
        place.configure("first.yml", &place.first, "sequencer: {file: sequencer.key}");
        place.configure("second.yml", &place.second, &place.following());
        place
    }

    fn following(&self) -> String {
        format!("follow: {{upstreams: [http://{}]}}", self.first)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, name: &str, listen: &str, role: &str) {
        let data = name.replace(".yml", "");
        let text = format!("data: {data}/store\ngenesis: genesis.json\nlisten: {listen}\n{role}\n");
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = argosy();
        command.arg("directory").args(arguments).current_dir(self.folder.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], code: &str) {
        let output = self.run(arguments);
        assert!(!output.status.success() && said(&output).contains(code), "{code}: {}", said(&output));
    }

    fn start(&self, arguments: &[&str], address: &str) -> Node {
        let node = self.command(arguments).stderr(Stdio::null()).spawn().unwrap();
        let node = Node { process: node, url: format!("http://{address}") };
        wait_until("the node answers", || node.status().is_some());
        node
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Killed when dropped.
struct Node {
    process: Child,
    url: String,
}

impl Node {
    fn status(&self) -> Option<Value> {
        let answer = http::get(&format!("{}/api/v1/status", self.url), None).ok()?;
        (answer.status == 200).then(|| answer.json())
    }

    fn epoch(&self) -> Option<u64> {
        self.status()?["epoch"].as_u64()
    }

    fn stop(mut self) {
        let id = self.process.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_key_is_rotated_and_the_council_promotes_a_follower() {
    let place = Place::new();
    let first = place.start(&["start", "--config", "first.yml"], &place.first);
    // Without a configuration, as someone would who only wants to look.
    let url = format!("http://{}", place.first);
    let arguments = ["follow", "--upstream", &url, "--genesis", "genesis.json", "--data", "second"];
    let second = place.start(&[&arguments[..], &["--listen", &place.second]].concat(), &place.second);
    wait_until("it follows", || second.status().is_some_and(|status| status["follow"]["connected"] == true));
    place.refused(&["rotate-key", "--config", "first.yml", "--new-key", "next.key"], "in use");
    first.stop();

    let planned = place.json(&["rotate-key", "--config", "first.yml", "--new-key", "next.key"]);
    assert_eq!((&planned["epoch"], &planned["sequencer"]), (&1.into(), &account("//Next").into()));
    place.refused(&["start", "--config", "first.yml"], "signs blocks: give the key of that account");
    place.configure("first.yml", &place.first, "sequencer: {file: next.key}");
    let first = place.start(&["start", "--config", "first.yml"], &place.first);
    wait_until("the follower sees the new key", || second.epoch() == Some(1));
    assert_eq!(first.epoch(), Some(1));

    // The sequencer is lost, and the two of the council are in different places.
    drop(first);
    fs::remove_dir_all(place.path("first")).unwrap();
    second.stop();
    let promote = ["promote", "--config", "second.yml"];
    let with = |more: &[&'static str]| [&promote[..], more].concat();
    place.refused(&with(&["--new-key", "standby.key", "--council-key", "ann.key"]), "NOT_CHANGED");
    let planned = place.json(&with(&["--new-key", "standby.key", "--propose", "change.json"]));
    assert_eq!((&planned["epoch"], &planned["installed"]), (&2.into(), &false.into()));
    place.json(&["approve-key", "change.json", "--key", "ann.key"]);
    place.refused(&["approve-key", "change.json", "--key", "ann.key"], "APPROVED");
    place.refused(&with(&["--change", "change.json"]), "NOT_CHANGED");
    place.json(&["approve-key", "change.json", "--key", "ben.key"]);
    let done = place.json(&with(&["--change", "change.json"]));
    assert_eq!((&done["approvalsCount"], &done["installed"]), (&2.into(), &true.into()));

    place.configure("second.yml", &place.second, "sequencer: {file: standby.key}");
    let second = place.start(&["start", "--config", "second.yml"], &place.second);
    wait_until("it orders transactions", || second.epoch() == Some(2));
    second.stop();
    let verified = place.json(&["verify", "--config", "second.yml"]);
    assert!(verified["height"].as_u64() >= Some(2));
    place.refused(&["follow", "--config", "second.yml"], "does not say whom to follow");
    place.refused(&["follow", "--upstream", "https://x/y", "--genesis", "g", "--data", "d"], "https://x/y");
}
