//! A directory node whose disk is taken, full, or fails.

use crate::{
    http::{self, Answer},
    network::{argosy, wait_until},
    ports::free_address,
};
use argosy_directory::{Call, MembershipCall, Transaction};
use argosy_domain::{KeyScheme, Keypair, num::to_u64};
use codec::Encode as _;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

fn key(uri: &str) -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap()
}

/// Whether a tool that not every machine has is there; where none may be missing it must be.
fn may_run(what: &str, is_there: bool) -> bool {
    if !is_there {
        assert!(std::env::var_os("ARGOSY_REQUIRE_TOOLS").is_none(), "{what} is missing");
        println!("SKIPPED 1: {what} is missing");
    }
    is_there
}

fn has_strace() -> bool {
    may_run("strace", Command::new("strace").arg("--version").stdout(Stdio::null()).status().is_ok())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    may_run("root", id.stdout == b"0\n")
}

/// Where a node lives: `store` in `data`, the rest beside it.
struct Home {
    folder: tempfile::TempDir,
    genesis: [u8; 32],
    url: String,
}

impl Home {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, account) = (folder.path().join("genesis.json"), |uri| key(uri).account().to_string());
        let made = argosy()
            .args(["directory", "init", "--profile", "local", "--json"])
            .args(["--sequencer", &account("//Sequencer"), "--council", &account("//Alice"), "-o"])
            .arg(&path)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let genesis = hex::decode(made["hash"].as_str().unwrap()).unwrap().try_into().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let endpoint = free_address();
        let home = Self { folder, genesis, url: format!("http://{endpoint}") };
        home.configure("directory.yml", &endpoint.to_string(), more);
        home
    }

    fn configure(&self, name: &str, endpoint: &str, more: &str) {
        let text = format!(
            "data: data/store\ngenesis: genesis.json\nlisten: {endpoint}\nsequencer:\n  suri: //Sequencer\n{more}"
        );
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn store(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("data/store")
    }

    fn exists(&self, name: &str) -> bool {
        self.store().join(name).exists()
    }

    /// Starts the node behind `wrapper`, and waits until it answers.
    fn start(&self, wrapper: &[&str]) -> Node {
        let program = argosy();
        let mut words = wrapper.to_vec();
        words.push(program.get_program().to_str().unwrap());
        let said = self.folder.path().join("said");
        let child = Command::new(words[0])
            .args(&words[1..])
            .args(["directory", "start", "--config"])
            .arg(self.folder.path().join("directory.yml"))
            .env("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
            .stdin(Stdio::null())
            .stderr(fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        let mut node = Node { child, said };
        wait_until("the node answers", || {
            assert!(node.child.try_wait().unwrap().is_none(), "{}", node.said());
            self.status().is_some()
        });
        node
    }

    /// The same behind strace, which makes the `nth` call of a kind on a path fail, in each thread; "1+" is each one.
    fn start_failing(&self, call: &str, path: &str, nth: &str) -> Node {
        let path = if path.is_empty() { self.store() } else { self.store().join(path) };
        let path = path.display().to_string();
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:error=EIO:when={nth}"));
        self.start(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-P", &path, "-e", &inject])
    }

    fn status(&self) -> Option<Value> {
        let answer = http::get(&format!("{}/api/v1/status", self.url), None).ok()?;
        (answer.status == 200).then(|| answer.json())
    }

    fn height(&self) -> u64 {
        self.status().unwrap()["height"].as_u64().unwrap()
    }

    /// A transaction of Alice, whose `nonce`th it is.
    fn transaction(&self, nonce: u64) -> Transaction {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let call = Call::Membership(MembershipCall::CreateMember { handle: format!("alice-{nonce}") });
        Transaction::sign(&key("//Alice"), self.genesis, nonce, u64::try_from(now).unwrap() + 600_000, call)
    }

    fn send(&self, transaction: &Transaction) -> std::io::Result<Answer> {
        http::post(&format!("{}/api/v1/transactions", self.url), &transaction.encode())
    }

    /// Sends those of these nonces, all of which must succeed; gives their receipts.
    fn submit(&self, nonces: std::ops::Range<u64>) -> Vec<Value> {
        let sent = nonces.map(|nonce| {
            let answer = self.send(&self.transaction(nonce)).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()
        });
        sent.collect()
    }

    fn find(&self, hash: &str) -> Answer {
        http::get(&format!("{}/api/v1/transactions/{hash}", self.url), None).unwrap()
    }

    fn assert_all_there(&self, receipts: &[Value]) {
        for receipt in receipts {
            assert_eq!(&self.find(receipt["hash"].as_str().unwrap()).json(), receipt);
        }
    }

    /// Alice's next nonce.
    fn nonce(&self) -> u64 {
        let account = key("//Alice").account();
        let answer = http::get(&format!("{}/api/v1/accounts/{account}", self.url), None).unwrap();
        answer.json()["nonce"].as_u64().unwrap()
    }
}

/// Killed when dropped.
struct Node {
    child: Child,
    said: PathBuf,
}

impl Node {
    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    fn wait_until_it_says(&self, words: &str) {
        wait_until(words, || self.said().contains(words));
    }

    fn end(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the node ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // strace lets go of what it watches when it is killed; its child is killed first.
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        for child in children.split_whitespace() {
            let _ = Command::new("kill").args(["-9", child]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_second_process_on_the_same_data_is_refused() {
    let home = Home::new("");
    let _node = home.start(&[]);
    let receipts = home.submit(0..2);
    home.configure("second.yml", "127.0.0.1:0", "");
    let config = home.folder.path().join("second.yml");
    for (command, code) in [("start", "NOT_STARTED"), ("verify", "NOT_VERIFIED")] {
        let second = argosy().args(["directory", command, "--config"]).arg(&config).output().unwrap();
        let said = String::from_utf8_lossy(&second.stderr).into_owned();
        assert_eq!(second.status.code(), Some(1), "{said}");
        for word in ["in use by another process", "choose another data directory", code] {
            assert!(said.contains(word), "{word:?} is not in: {said}");
        }
    }
    home.assert_all_there(&receipts);
    home.submit(2..3);
}

/// A small disk of its own, which is there as long as this.
struct SmallDisk(Child);

impl SmallDisk {
    fn mount(at: &Path) -> Self {
        let script = "mount -t tmpfs -o size=80m tmpfs \"$1\" && echo mounted && exec cat";
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"])
            .arg(at)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n");
        Self(holder)
    }

    /// The path as it is seen from here.
    fn path(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.0.id(), path.display()))
    }

    /// Takes all the room there is.
    fn fill(&self, path: &Path) {
        let mut file = fs::File::create(self.path(path)).unwrap();
        for piece in [1 << 20, 4096, 1] {
            while file.write_all(&vec![1; piece]).is_ok() {}
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_full_disk_refuses_transactions_and_nothing_else_until_there_is_room() {
    if !is_root() {
        return;
    }
    let home = Home::new("segmentBytes: 2000\ngraphql:\n  enabled: false\n");
    let data = home.folder.path().canonicalize().unwrap().join("data");
    let disk = SmallDisk::mount(&data);
    let holder = disk.0.id().to_string();
    let wrapper = ["nsenter", "--mount", "--target", &holder, "--"];
    let node = home.start(&wrapper);
    let mut receipts = home.submit(0..10);
    let fill = data.join("fill");
    disk.fill(&fill);
    // What the node took ahead of its newest file lasts for that file, which is a short one.
    let refused_from = (10..100).find(|nonce| {
        let answer = home.send(&home.transaction(*nonce)).unwrap();
        if answer.status == 200 {
            receipts.push(answer.json());
        }
        answer.status != 200
    });
    let first = refused_from.expect("the disk is full");
    let before = home.height();
    for nonce in first..first + 3 {
        let refused = home.send(&home.transaction(nonce)).unwrap();
        let body = refused.json();
        assert_eq!((refused.status, &body["code"]), (507, &Value::from("NO_ROOM")), "{body}");
        assert_eq!(body["fault"], "this-node");
        assert!(body["message"].as_str().unwrap().contains("disk"), "{body}");
        // Reads go on meanwhile.
        home.assert_all_there(&receipts);
    }
    assert_eq!((home.height(), home.nonce()), (before, first), "no block was made, nothing was half done");
    node.wait_until_it_says("no room for another block");

    fs::remove_file(disk.path(&fill)).unwrap();
    let more = home.submit(first..first + 10);
    node.wait_until_it_says("there is room for blocks again");
    drop(node);
    let _node = home.start(&wrapper);
    home.assert_all_there(&receipts);
    home.assert_all_there(&more);
}

#[test]
fn a_block_that_cannot_be_synced_is_not_acknowledged_and_ends_the_node() {
    if !has_strace() {
        return;
    }
    let home = Home::new("graphql:\n  enabled: false\n");
    // Only this one fails: whoever tried again would be told that all is well.
    let mut node = home.start_failing("fdatasync", "blocks.log", "4");
    // Blocks without transactions, which a slow machine has meanwhile, are synced as well.
    let mut receipts = Vec::new();
    let (unlucky, answer) = loop {
        let transaction = home.transaction(to_u64(receipts.len()));
        match home.send(&transaction) {
            Ok(answer) if answer.status == 200 => receipts.push(answer.json()),
            answer => break (transaction, answer),
        }
        assert!(receipts.len() < 4, "nothing failed");
    };
    if let Ok(answer) = &answer {
        assert_eq!((answer.status, &answer.json()["code"]), (503, &Value::from("STOPPED")));
    }
    // It ends, and until then it acknowledges nothing.
    let later = home.transaction(to_u64(receipts.len()) + 1);
    assert!(home.send(&later).is_ok_and(|answer| answer.status == 503) || home.status().is_none());
    let ended = node.end();
    assert_eq!(ended.code(), Some(1), "{}", node.said());
    for words in ["the engine stopped", "blocks.log", "NODE_FAILED"] {
        assert!(node.said().contains(words), "{words:?} is not in: {}", node.said());
    }
    let _node = home.start(&[]);
    home.assert_all_there(&receipts);
    let next = home.nonce();
    assert_eq!(
        home.find(&hex::encode(unlucky.hash())).status == 200,
        next == to_u64(receipts.len()) + 1,
        "wholly there or not at all"
    );
    home.submit(next..next + 3);
}

#[test]
fn a_new_file_of_blocks_whose_name_cannot_be_synced_ends_the_node() {
    if !has_strace() {
        return;
    }
    let home = Home::new("segmentBytes: 1000\ngraphql:\n  enabled: false\n");
    // The start syncs the folder too, but less often.
    let mut node = home.start_failing("fsync", "", "5");
    let mut receipts = Vec::new();
    loop {
        match home.send(&home.transaction(u64::try_from(receipts.len()).unwrap())) {
            Ok(answer) if answer.status == 200 => receipts.push(answer.json()),
            _ => break,
        }
        assert!(receipts.len() < 100, "no new file was begun");
    }
    assert_eq!(node.end().code(), Some(1), "{}", node.said());
    assert!(!receipts.is_empty() && node.said().contains("the engine stopped"), "{}", node.said());
    let _node = home.start(&[]);
    home.assert_all_there(&receipts);
    let next = home.nonce();
    home.submit(next..next + 3);
}

#[test]
fn a_new_file_of_blocks_that_cannot_be_synced_is_made_anew() {
    if !has_strace() {
        return;
    }
    let home = Home::new("segmentBytes: 1000\ngraphql:\n  enabled: false\n");
    let mut receipts = {
        let _node = home.start(&[]);
        home.submit(0..1)
    };
    let node = home.start_failing("fsync", "blocks.log.new", "1");
    receipts.extend(home.submit(1..8));
    node.wait_until_it_says("cannot begin a new segment of the log");
    assert!(fs::read_dir(home.store()).unwrap().count() > 3 && !home.exists("blocks.log.new"));
    drop(node);
    let _node = home.start(&[]);
    home.assert_all_there(&receipts);
}

#[test]
fn a_checkpoint_that_cannot_be_synced_is_none() {
    if !has_strace() {
        return;
    }
    let home = Home::new("checkpoints:\n  blocks: 3\n  kept: 2\ngraphql:\n  enabled: false\n");
    let node = home.start_failing("fsync", "checkpoints/3.new", "1");
    let receipts = home.submit(0..8);
    node.wait_until_it_says("made no checkpoint");
    assert!(!home.exists("checkpoints/3.checkpoint") && !home.exists("checkpoints/3.new"));
    drop(node);
    let _node = home.start(&[]);
    home.assert_all_there(&receipts);
    home.submit(8..9);
    wait_until("a later one is made", || {
        let mut names =
            fs::read_dir(home.store().join("checkpoints")).unwrap().map(|one| one.unwrap().path());
        names.any(|path| path.extension().is_some_and(|ending| ending == "checkpoint"))
    });
}

#[test]
fn old_blocks_stay_until_it_is_on_disk_that_they_go() {
    if !has_strace() {
        return;
    }
    let home = Home::new(
        "segmentBytes: 1000\ncheckpoints:\n  blocks: 4\n  kept: 1\nretention:\n  blocks: 2\ngraphql:\n  enabled: false\n",
    );
    let mut receipts = Vec::new();
    let mut submit_until = |what: &str, so: &dyn Fn() -> bool| {
        wait_until(what, || {
            let next = u64::try_from(receipts.len()).unwrap();
            receipts.extend(home.submit(next..next + 1));
            so()
        });
    };
    // Each attempt fails, so that it does not matter how many there were.
    let node = home.start_failing("fsync", "blocks.floor.new", "1+");
    submit_until("blocks are to go", &|| node.said().contains("cannot drop old blocks"));
    assert!(home.exists("blocks.log") && !home.exists("blocks.floor.new") && !home.exists("blocks.floor"));
    drop(node);
    // The first one fails.
    let node = home.start_failing("fsync", "blocks.floor.new", "1");
    submit_until("blocks are to go", &|| node.said().contains("cannot drop old blocks"));
    submit_until("they go the next time", &|| !home.exists("blocks.log"));
    assert!(home.exists("blocks.floor"));
    drop(node);
    let _node = home.start(&[]);
    home.assert_all_there(&receipts[receipts.len() - 2..]);
}

#[test]
fn what_strace_is_told_is_done() {
    if !has_strace() {
        return;
    }
    // The tests above prove nothing if no error is injected.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().canonicalize().unwrap().join("file");
    fs::write(&file, "x").unwrap();
    let mut sync = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-P"])
        .arg(&file)
        .args(["-e", "inject=fsync:error=EIO:when=1", "sync"])
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    sync.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!sync.wait().unwrap().success() && said.contains("Input/output error"), "{said}");
}
