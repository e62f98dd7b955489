//! What can go wrong between a lead's command and the directory: each ends in the right state, with a
//! message that says what to do.

use crate::{
    http,
    network::{argosy, wait_until},
    ports::free_address,
    stage::Stage,
};
use serde_json::Value;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run(stage: &Stage, arguments: &str) -> Output {
    stage.command("argosy", arguments).output().unwrap()
}

/// Fails with the exit code; gives what was said.
fn refused(output: &Output, code: i32) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    said
}

#[test]
fn two_commands_of_a_lead_at_the_same_moment_both_take_effect() {
    let stage = Stage::open();
    let spawn = || {
        let mut command = stage.command("joystream-distributor", "leader:create-bucket-family -y");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<_> = (0..6).map(|_| spawn()).collect();
    let mut made: Vec<u64> = started
        .into_iter()
        .map(|process| {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", text(&output.stderr));
            text(&output.stdout).trim().parse().unwrap()
        })
        .collect();
    made.sort_unstable();
    assert_eq!(made, [0, 1, 2, 3, 4, 5], "each has made a family of its own");
    assert_eq!(stage.state("families").as_array().unwrap().len(), 6);
}

#[test]
fn a_wrong_nonce_is_refused_and_not_signed_again() {
    let stage = Stage::open();
    for (nonce, code) in [("7", "NONCE_FUTURE"), ("0", "NONCE_STALE")] {
        if nonce == "0" {
            assert!(run(&stage, "distribution leader create-bucket-family --yes").status.success());
        }
        let arguments = format!("distribution leader create-bucket-family --yes --nonce {nonce}");
        let said = refused(&run(&stage, &arguments), 1);
        assert!(said.contains(code), "{said}");
    }
    assert_eq!(stage.state("families").as_array().unwrap().len(), 1);
}

#[test]
fn the_directory_of_another_network_is_refused_before_anything_is_signed() {
    let stage = Stage::named("films");
    let said = refused(&run(&stage, "distribution leader create-bucket-family --yes --network music"), 1);
    assert!(said.contains("OTHER_NETWORK") && said.contains("films") && said.contains("music"), "{said}");
    let hash = stage.state("status")["genesis"].as_str().unwrap().to_owned();
    for meant in ["films", &hash, &hash[..12]] {
        let arguments = format!("distribution leader create-bucket-family --yes --network {meant}");
        let output = run(&stage, &arguments);
        assert!(output.status.success(), "{meant}: {}", text(&output.stderr));
    }
}

#[test]
fn a_key_that_is_not_at_hand_is_named() {
    let stage = Stage::open();
    assert!(run(&stage, "distribution leader create-bucket-family --yes").status.success());
    assert!(run(&stage, "distribution leader create-bucket -f 0 --yes").status.success());
    assert!(run(&stage, "distribution leader invite-bucket-operator -B 0:0 -w 6 --yes").status.success());
    let accept = "distribution operator accept-invitation -B 0:0 -w 6 --yes";
    let said = refused(&run(&stage, &format!("{accept} --key //distribution-5")), 1);
    let needed = crate::stage::key("//distribution-6").account().to_string();
    let at_hand = crate::stage::key("//distribution-5").account().to_string();
    assert!(said.contains("NO_SUCH_KEY") && said.contains(&needed) && said.contains(&at_hand), "{said}");
    assert!(said.contains("worker 6 of the distribution group"), "{said}");
    assert!(run(&stage, &format!("{accept} --key //distribution-6")).status.success());
}

#[test]
fn a_directory_that_lags_is_not_trusted() {
    let mut stage = Stage::open();
    stage.kill();
    // A follower that has heard of nothing since the genesis, which is old.
    let folder = tempfile::tempdir().unwrap();
    let mut genesis = stage.genesis.clone();
    genesis.time_ms -= 10 * 60 * 1000;
    let file = argosy_api::genesis::GenesisFile::from(&genesis);
    fs::write(folder.path().join("genesis.json"), serde_json::to_string(&file).unwrap()).unwrap();
    let address = free_address();
    let mut follower = argosy();
    follower.args(["directory", "follow", "--genesis", "genesis.json", "--data", "data"]);
    follower.args(["--upstream", &stage.url, "--listen", &address.to_string()]);
    let mut follower =
        follower.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let url = format!("http://{address}");
    wait_until("the follower answers", || http::get(&format!("{url}/livez"), None).is_ok());
    let command = "distribution leader create-bucket-family --yes --dry-run";
    let mut asked = stage.command("argosy", command);
    let said = refused(&asked.env("ARGOSY_DIRECTORY", &url).output().unwrap(), 1);
    assert!(said.contains("DIRECTORY_LAGS") && said.contains("--allow-lag"), "{said}");
    let mut asked = stage.command("argosy", &format!("{command} --allow-lag"));
    let output = asked.env("ARGOSY_DIRECTORY", &url).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    follower.kill().unwrap();
    follower.wait().unwrap();
}

/// Stands between a program and a directory node; what to do with an answer is decided by the request.
struct Between {
    url: String,
    sent: Arc<AtomicU32>,
}

/// What becomes of the answer to a transaction that was sent.
#[derive(Clone, Copy)]
enum Answer {
    /// The connection breaks.
    Lost,
    /// It never comes.
    Held,
}

impl Between {
    fn before(directory: &str, answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let upstream = directory.trim_start_matches("http://").to_owned();
        let sent = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&sent);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (upstream, counter) = (upstream.clone(), Arc::clone(&counter));
                thread::spawn(move || pass_on(stream, &upstream, answer, &counter));
            }
        });
        Self { url, sent }
    }
}

/// One request on one connection.
fn pass_on(mut stream: TcpStream, upstream: &str, answer: Answer, sent: &AtomicU32) -> Option<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let head_end = loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        if let Some(at) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let head = text(&request[..head_end]).to_ascii_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    while request.len() < head_end + length {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
    }
    let is_transaction = head.starts_with("post /api/v1/transactions http");
    let mut onward = TcpStream::connect(upstream).ok()?;
    let end = request.windows(2).position(|two| two == b"\r\n")? + 2;
    onward.write_all(&request[..end]).ok()?;
    onward.write_all(b"connection: close\r\n").ok()?;
    onward.write_all(&request[end..]).ok()?;
    let mut reply = Vec::new();
    onward.read_to_end(&mut reply).ok()?;
    if is_transaction {
        sent.fetch_add(1, Ordering::SeqCst);
        match answer {
            Answer::Lost => return None,
            // Until the program goes away.
            Answer::Held => return stream.read(&mut buffer).ok().map(drop),
        }
    }
    stream.write_all(&reply).ok()
}

/// What `argosy tx resume --json` says.
fn resumed(stage: &Stage, arguments: &str) -> (Option<i32>, Value) {
    let output = run(stage, &format!("tx resume --json {arguments}"));
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("tx resume --json prints JSON"))
}

#[test]
fn an_answer_that_is_lost_is_found_again() {
    let stage = Stage::open();
    let between = Between::before(&stage.url, Answer::Lost);
    let mut command = stage.command("argosy", "distribution leader create-bucket-family --yes");
    let said = refused(&command.env("ARGOSY_DIRECTORY", &between.url).output().unwrap(), 3);
    assert!(said.contains("argosy tx resume"), "{said}");
    assert!(between.sent.load(Ordering::SeqCst) > 1, "the same bytes were sent again");
    assert_eq!(stage.state("families").as_array().unwrap().len(), 1, "and took effect once");
    let (code, found) = resumed(&stage, "");
    assert_eq!(code, Some(0), "{found}");
    assert_eq!(found["transactions"][0]["fate"], "succeeded");
    assert_eq!(found["openCount"], 0);
    let (_, found) = resumed(&stage, "");
    assert_eq!(found["transactions"], Value::Array(Vec::new()), "what is known is not asked again");
}

#[test]
fn a_program_killed_before_the_answer_leaves_word_of_what_it_sent() {
    let stage = Stage::open();
    let between = Between::before(&stage.url, Answer::Held);
    let mut command = stage.command("argosy", "distribution leader create-bucket-family --yes");
    let mut process = command.env("ARGOSY_DIRECTORY", &between.url).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the transaction is sent", || between.sent.load(Ordering::SeqCst) > 0);
    process.kill().unwrap();
    process.wait().unwrap();
    let (code, found) = resumed(&stage, "");
    assert_eq!((code, &found["transactions"][0]["fate"]), (Some(0), &Value::from("succeeded")), "{found}");
}

#[test]
fn what_never_arrived_can_be_sent_again_once() {
    let mut stage = Stage::open();
    let between = Between::before(&stage.url, Answer::Held);
    let mut command = stage.command("argosy", "distribution leader create-bucket-family --yes");
    let mut process = command.env("ARGOSY_DIRECTORY", &between.url).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the transaction is sent", || between.sent.load(Ordering::SeqCst) > 0);
    process.kill().unwrap();
    process.wait().unwrap();
    // The ledger is taken back to its beginning: what was sent is in no block now.
    stage.kill();
    fs::remove_dir_all(stage.home().parent().unwrap().join("store")).unwrap();
    stage.start();
    let (code, found) = resumed(&stage, "");
    assert_eq!((code, &found["transactions"][0]["fate"]), (Some(1), &Value::from("open")), "{found}");
    let (code, found) = resumed(&stage, "--send --yes");
    assert_eq!((code, &found["transactions"][0]["fate"]), (Some(0), &Value::from("succeeded")), "{found}");
    assert_eq!(stage.state("families").as_array().unwrap().len(), 1);
    let (code, _) = resumed(&stage, "--send --yes");
    assert_eq!(code, Some(0));
    assert_eq!(stage.state("families").as_array().unwrap().len(), 1);
}

#[test]
fn a_transaction_that_cannot_be_recorded_is_not_sent() {
    let stage = Stage::open();
    let file = stage.home().join("file");
    fs::write(&file, "no folder").unwrap();
    let mut command = stage.command("argosy", "distribution leader create-bucket-family --yes");
    let said = refused(&command.env("ARGOSY_STATE", file.join("state")).output().unwrap(), 1);
    assert!(said.contains("NOT_RECORDED"), "{said}");
    assert_eq!(stage.state("families").as_array().unwrap().len(), 0);
}

#[test]
fn a_trial_changes_nothing_and_tells_what_would_happen() {
    let stage = Stage::open();
    let output = run(&stage, "distribution leader create-bucket-family --dry-run --json");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["call"], "distribution.createDistributionBucketFamily");
    assert_eq!(told["events"][0]["kind"], "DistributionBucketFamilyCreated");
    assert_eq!((&told["fee"], &told["dryRun"]), (&Value::from("0"), &Value::from(true)));
    assert_eq!(stage.state("families").as_array().unwrap().len(), 0);
    let output = run(&stage, "distribution leader delete-bucket-family -f 4 --dry-run --json");
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(told["code"], "DISTRIBUTION_BUCKET_FAMILY_DOESNT_EXIST");
    let output = run(&stage, "distribution leader create-bucket-family --yes --key //Alice");
    assert!(refused(&output, 1).contains("NO_SUCH_KEY"), "the key that was named is no lead's");
    let output = run(&stage, "distribution leader delete-bucket-family -f 4 --dry-run");
    let said = refused(&output, 1);
    assert!(
        said.contains("(DISTRIBUTION_BUCKET_FAMILY_DOESNT_EXIST)") && said.contains("argosy families"),
        "{said}"
    );
}
