//! The manners of Argus' program: its exit codes, its texts, and the line that its start prints.

use crate::{
    network::{Network, wait_until},
    ports::free_address,
    stage::Stage,
};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

/// Runs a line under Argus' name; gives its exit code and what it said.
fn ends(stage: &Stage, line: &str) -> (Option<i32>, String) {
    let output = stage.command("joystream-distributor", line).output().unwrap();
    assert!(output.stdout.is_empty(), "{line}: {}", String::from_utf8_lossy(&output.stdout));
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn every_exit_code_of_argus_is_caused() {
    let stage = Stage::open();
    let home = stage.home();
    let write = |name: &str, text: &str| fs::write(home.join(name), text).unwrap();
    write("unknown.yml", "keys:\n  - suri: //distribution-lead\nbuckts: []\n");
    write("absent.yml", "keys:\n  - keyfile: nowhere.json\n");
    write("junk.yml", "keys:\n  - keyfile: junk.json\n");
    write("junk.json", "no key at all");
    fs::set_permissions(home.join("junk.json"), fs::Permissions::from_mode(0o600)).unwrap();
    write("metadata.json", "{\"region\": 7}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    write(
        "start.yml",
        &format!(
            "id: d\ngenesis: ../genesis.json\nendpoints: {{directory: {}}}\ndirectories: {{assets: assets, cacheState: cache}}\nlimits: {{storage: 20G}}\npublicApi: {{port: {port}, host: 127.0.0.1}}\nworkerId: 1\n",
            stage.url
        ),
    );
    let nobody = free_address();
    let set = format!("node:set-buckets -u http://{nobody} -s secret");
    for (line, code, text) in [
        ("leader:create-bucket-family -y -c unknown.yml", 1, "buckts"),
        ("leader:create-bucket -f seven -y", 1, "Expected an integer but received: seven"),
        ("leader:delete-bucket -B 7 -y", 1, "Invalid bucket id! Expected format: {familyId}:{bucketIndex}"),
        ("leader:update-bucket-mode -B 0:0 -d maybe", 1, "Expected --mode=maybe to be one of: on, off"),
        ("leader:create-bucket-family", 1, "nobody answered"),
        (&format!("{set} -B 7"), 1, "Invalid bucket id! Expected format: {familyId}:{bucketIndex}"),
        ("leader:create-bucket -y", 2, "Missing required flag:"),
        ("leader:create-bucket -f 0 --surely", 2, "--surely"),
        ("leader:make-bucket", 2, "command make-bucket not found"),
        ("operator:set-metadata -B 0:0 -w 0 -e http://e/ -i metadata.json", 2, "--input"),
        ("leader:update-bag -b dynamic:film:1 -f 0 -a 0 -y", 40, "Invalid bag id!"),
        ("leader:create-bucket -f 7 -y", 20, "DISTRIBUTION_BUCKET_FAMILY_DOESNT_EXIST"),
        (&format!("{set} --all"), 20, "Request failed: "),
        (&set, 40, "You must provide either --bucketIds or --all flag!"),
        ("leader:set-bucket-family-metadata -f 0 -i metadata.json -y", 40, "metadata.json"),
        ("leader:set-bucket-family-metadata -f 0 -i nowhere.json -y", 40, "nowhere.json"),
        ("leader:create-bucket-family -y -c absent.yml", 41, "nowhere.json"),
        ("leader:create-bucket-family -y -c junk.yml", 42, "junk.json"),
        ("start -c start.yml", 255, "cannot start"),
    ] {
        let (ended, said) = ends(&stage, line);
        assert_eq!(ended, Some(code), "{line}: {said}");
        assert!(said.contains(text), "{line}: {said}");
    }
    let mut dead = stage.command("joystream-distributor", "leader:create-bucket-family -y");
    let dead = dead.env("ARGOSY_DIRECTORY", format!("http://{nobody}")).output().unwrap();
    assert_eq!(dead.status.code(), Some(20));
    let version = stage.command("joystream-distributor", "--version").output().unwrap();
    assert!(version.status.success() && version.stdout.starts_with(b"joystream-distributor/"));
    let saved = stage.command("joystream-distributor", "leader:create-bucket-family -y").output().unwrap();
    assert_eq!((saved.status.code(), saved.stdout.as_slice()), (Some(0), &b"0\n"[..]));
}

#[test]
fn a_distributor_starts_under_argus_name_and_takes_orders() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up_with(&folder.path().join("data"), &["--storage", "1", "--distributors", "1"]);
    let stage = Stage::open();
    let home = stage.home();
    let text = |port| {
        format!(
            "id: own\ngenesis: {}\nendpoints: {{directory: {}}}\ndirectories: {{assets: assets, cacheState: cache}}\nlimits: {{storage: 20G}}\npublicApi: {{port: 0, host: 127.0.0.1}}\noperatorApi: {{port: {port}, hmacSecret: for-this-test}}\nworkerId: 1\n",
            network.data.join("genesis.json").display(),
            network.directory()
        )
    };
    let operator = free_address().port();
    fs::write(home.join("config.yml"), text(operator)).unwrap();
    let mut node = Command::new(stage.bin().join("joystream-distributor"));
    node.arg("start").current_dir(&home).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut node = node.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(node.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("Express server started listening on port "), "{line}");
    let orders = format!("-u http://127.0.0.1:{operator}");
    for order in
        ["set-worker -w 1", "set-buckets -B 0:0", "set-buckets --all", "stop-public-api", "start-public-api"]
    {
        let (code, said) = ends(&stage, &format!("node:{order} {orders}"));
        assert_eq!(code, Some(0), "{order}: {said}");
        assert!(said.contains("CLI info: Request successful"), "{said}");
    }
    let (code, said) = ends(&stage, &format!("node:start-public-api {orders}"));
    assert_eq!(code, Some(20), "{said}");
    assert!(said.contains("Request failed: ") && said.contains("Already started"), "{said}");
    let (code, said) = ends(&stage, &format!("node:shutdown {orders}"));
    assert_eq!(code, Some(0), "{said}");
    let mut status = None;
    wait_until("the node has ended", || {
        status = node.try_wait().unwrap();
        status.is_some()
    });
    assert!(status.unwrap().success());
    network.stop("TERM");
}

#[test]
fn the_last_holder_is_not_removed_unawares() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up_with(&folder.path().join("data"), &["--storage", "2", "--distributors", "1"]);
    let file = folder.path().join("film");
    fs::write(&file, vec![7; 100_000]).unwrap();
    let object = network.put(&[&file]).remove(0);
    let bag = object["bag"].as_str().unwrap();
    let run = |arguments: &str| {
        let words: Vec<&str> = arguments.split(' ').collect();
        let mut command = network.command(&words);
        command.env("ARGOSY_STATE", folder.path().join("state")).output().unwrap()
    };
    // One of two that hold it may go.
    let one = run(&format!("storage leader update-bags -i {bag} -r 0 --yes"));
    assert!(one.status.success(), "{}", String::from_utf8_lossy(&one.stderr));
    let last = format!("storage leader update-bags -i {bag} -r 1 --yes");
    for arguments in [last.clone(), "storage leader remove-operator -i 1 --yes".to_owned()] {
        let refused = run(&arguments);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("DATA_LOSS") && said.contains("--force-data-loss"), "{said}");
        assert!(
            said.contains(&format!("object {} of {bag} (held by 1 only)", object["id"].as_str().unwrap())),
            "{said}"
        );
    }
    let forced = run(&format!("{last} --force-data-loss"));
    assert!(forced.status.success(), "{}", String::from_utf8_lossy(&forced.stderr));
    network.stop("TERM");
}
