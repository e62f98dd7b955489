//! Every command of Colossus under Colossus' name: output, exit code, and what the directory says after.

use crate::{
    http, media,
    network::{Network, argosy, text, wait_until},
    ports::free_address,
};
use argosy_api::genesis::GenesisFile;
use argosy_directory::genesis::{
    GENESIS_VERSION, Genesis, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker, Params, Profile,
};
use argosy_domain::{AccountId, ContentId, KeyScheme, Keypair};
use argosy_keys::{Kdf, KeyFile, Secret};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// The program under Colossus' name, and a folder of its own.
struct Colossus {
    folder: tempfile::TempDir,
    directory: String,
}

fn account(uri: &str) -> AccountId {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap().account()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

impl Colossus {
    fn new(directory: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        symlink(env!("CARGO_BIN_EXE_argosy"), folder.path().join("storage-node")).unwrap();
        Self { folder, directory: directory.to_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(self.path("storage-node"));
        let variables = ["ACCOUNT_URI", "ACCOUNT_PWD", "CLEANUP", "ARGOSY_NETWORK"];
        for name in variables {
            command.env_remove(name);
        }
        command
            .args(line.split_whitespace())
            .env("ARGOSY_DIRECTORY", &self.directory)
            .env("ARGOSY_STATE", self.path("state"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// What a command that succeeds prints, without the last line break.
    #[track_caller]
    fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    #[track_caller]
    fn json(&self, line: &str) -> Value {
        let printed = self.ok(line);
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{line}: {error}: {printed}"))
    }

    /// What a command says that fails with this code.
    #[track_caller]
    fn fails(&self, code: i32, line: &str, words: &str) -> String {
        let output = self.run(line);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(words), "{line}: {words:?} is not in: {said}");
        said
    }

    fn get(&self, path: &str) -> Value {
        http::get(&format!("{}/api/v1/{path}", self.directory), None).unwrap().json()
    }

    fn bucket(&self, id: u64) -> Value {
        self.get(&format!("storage-buckets/{id}"))
    }

    /// Buckets of a bag.
    fn stored_by(&self, bag: &str) -> Vec<String> {
        let bag = self.get(&format!("bags/{bag}"));
        bag["storageBuckets"].as_array().unwrap().iter().map(text).collect()
    }
}

/// Whether a node has the object in full.
fn holds(node: &str, object: &str) -> bool {
    http::request("HEAD", &format!("{node}/api/v1/files/{object}"), &[]).is_ok_and(|it| it.status == 200)
}

#[test]
fn leads_and_operators_change_buckets_as_with_colossus() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up_with(folder.path(), &["--storage", "2", "--distributors", "1"]);
    let node = Colossus::new(&network.directory());
    limits(&node);
    life_of_a_bucket(&node);
    blacklist(&node);
    bags_by_both_strategies(&node);
    nothing_is_sent_in_a_dry_run(&node);
}

fn limits(node: &Colossus) {
    assert_eq!(node.ok("leader:update-bag-limit -l 7 --dev"), "");
    node.ok("leader:update-voucher-limits -o 1000000 -s 17592186044416 --dev");
    let limits = node.get("limits");
    assert_eq!(limits["storageBucketsPerBagLimit"], 7);
    assert_eq!(limits["voucherMaxObjectsLimit"], 1_000_000);
    assert_eq!(limits["voucherMaxSizeLimit"], 17_592_186_044_416_u64);
    node.ok("leader:update-data-fee -f=12345 --dev");
    node.ok("leader:update-data-object-bloat-bond -v 77 -y //storage-lead");
    node.ok("leader:update-dynamic-bag-policy -n 2 -t Member --dev");
    let policies = node.get("policies");
    let member = policies.as_array().unwrap().iter().find(|it| it["bagType"] == "Member").unwrap();
    assert_eq!(member["storageBuckets"], 2);
    assert_eq!(
        (&member["dataSizeFee"], &member["dataObjectStateBloatBond"]),
        (&json!("12345"), &json!("77"))
    );
    for (set, blocked) in [("on", true), ("off", false)] {
        node.ok(&format!("leader:set-global-uploading-status --set {set} --dev"));
        assert_eq!(node.get("limits")["uploadingBlocked"], blocked);
    }
}

fn life_of_a_bucket(node: &Colossus) {
    let id = node.ok("leader:create-bucket -a -n=100 -s=10000000 --dev");
    assert_eq!(id, "2", "the id and nothing else");
    let bucket = node.bucket(2);
    assert_eq!((&bucket["sizeLimit"], &bucket["objectsLimit"]), (&json!(10_000_000), &json!(100)));
    assert_eq!((&bucket["acceptingNewBags"], &bucket["operator"]), (&json!(true), &Value::Null));
    node.ok("leader:set-bucket-limits -i=2 -o=101 -s=10000001 --dev");
    node.ok("leader:update-bucket-status -i=2 --set off --dev");
    let bucket = node.bucket(2);
    assert_eq!((&bucket["sizeLimit"], &bucket["objectsLimit"]), (&json!(10_000_001), &json!(101)));
    assert_eq!(bucket["acceptingNewBags"], false);

    node.ok("leader:invite-operator -i=2 -w=0 --dev");
    assert_eq!(node.bucket(2)["operator"]["status"], "invited");
    node.ok("leader:cancel-invite -i=2 --dev");
    assert_eq!(node.bucket(2)["operator"], Value::Null);
    node.ok("leader:invite-operator -i=2 -w=0 --dev");
    node.ok("operator:decline-invitation -i=2 -w=0 --dev");
    assert_eq!(node.bucket(2)["operator"], Value::Null);
    node.ok("leader:invite-operator -i=2 -w=0 --dev");
    let alice = account("//Alice").to_string();
    node.ok(&format!(
        "operator:accept-invitation -i=2 -w=0 -t={alice} -u {}",
        node.directory.replace("http", "ws")
    ));
    let operator = &node.bucket(2)["operator"];
    assert_eq!((&operator["status"], &operator["transactor"]), (&json!("active"), &json!(alice)));

    node.ok("operator:set-metadata -w=0 -i=2 -e=http://localhost:3333/ --dev");
    assert_eq!(node.bucket(2)["operator"]["endpoint"], "http://localhost:3333/");
    fs::write(node.path("m.json"), r#"{"endpoint": "http://localhost:3334/", "extra": "more"}"#).unwrap();
    node.ok("operator:set-metadata -w=0 -i=2 -j=m.json --dev");
    let operator = &node.bucket(2)["operator"];
    assert_eq!(operator["endpoint"], "http://localhost:3334/");
    assert_eq!(operator["metadata"]["extra"], "more");
    node.fails(2, "operator:set-metadata -w=0 -i=2 -j=m.json -e=http://x", "--endpoint");
    node.ok("leader:remove-operator -i=2 --dev");
    assert_eq!(node.bucket(2)["operator"], Value::Null);
    node.ok("leader:invite-operator -i=2 -w=0 --dev");
    node.ok(&format!("operator:accept-invitation -i=2 -w=0 -t={alice} --dev"));
    node.ok("operator:resign -w=0 -i=2 --dev");
    wait_until("the notice has run out", || node.bucket(2)["operator"].is_null());
    node.ok("leader:delete-bucket -i=2 --dev");
    assert!(node.get("storage-buckets").as_array().unwrap().iter().all(|bucket| bucket["id"] != "2"));
    // A script gets the same as one line of JSON.
    let made = node.json("leader:create-bucket --json --dev");
    assert_eq!(made["result"]["bucketId"], "3");
    assert!(made["height"].is_u64());
    node.ok("leader:delete-bucket -i 3 --dev");
}

fn blacklist(node: &Colossus) {
    let id = ContentId::of(b"bad").to_string();
    node.fails(100, "leader:update-blacklist --dev", "No Content ID provided.");
    node.ok(&format!("leader:update-blacklist -a {id} --dev"));
    assert_eq!(node.get("blacklist"), json!([id]));
    node.ok(&format!("leader:update-blacklist -r {id} --dev"));
    assert_eq!(node.get("blacklist"), json!([]));
}

const ALL_DONE: &str = "All extrinsic calls in the batch Tx succeeded!"; // Colossus says so.
const SOME_FAILED: &str = "Following extrinsic calls in the batch Tx failed:"; // Colossus says so.

fn bags_by_both_strategies(node: &Colossus) {
    let (council, group) = ("static:council", "static:wg:storage");
    let before = node.stored_by(group);
    let output = node.run("leader:update-bags -i static:council Static:Council -a 0 --dev");
    assert!(said(&output).contains(ALL_DONE), "{}", said(&output));
    assert_eq!(node.stored_by(council), ["0"]);
    // The council's bag is in bucket 0 already: together neither changes, each on its own one does.
    let line = format!("leader:update-bags -i {council} {group} -a 0 --dev");
    node.fails(201, &line, "STORAGE_BUCKET_IS_BOUND_TO_BAG");
    assert_eq!(node.stored_by(group), before);
    let output = node.run(&format!("{line} --updateStrategy force"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains(SOME_FAILED), "{}", said(&output));
    assert!(said(&output).contains(r#"[{\"static\":{\"council\":null}},[0],[]]"#), "{}", said(&output));
    assert_eq!(node.stored_by(group), ["0"]);
    let told = node.json(&format!("leader:update-bags -i {council} {group} -a 1 -r 0 -s force --json --dev"));
    assert_eq!(told["result"]["bags"][0], json!({"bag": council, "error": null}));
    assert_eq!(node.stored_by(council), ["1"]);
    for (code, flags, words) in [
        (104, "-i static:council -a 1,x", "Expected comma-separated integers, but received: 1,x"),
        (100, "-i static:council", "No bucket ID provided."),
        (100, "-i nonsense -a 1", "Invalid bagId: nonsense"),
        (100, "-i dynamic:channel:77 -a 1", r#"Bag with ID {"dynamic":{"channel":77}} does not exist"#),
        (100, "-i static:council -a 88", "Add Bucket input with ID 88 does not exist"),
        (100, "-i static:council -r 88", "Remove Bucket input with ID 88 does not exist"),
    ] {
        node.fails(code, &format!("leader:update-bags {flags} --dev"), words);
    }
}

fn nothing_is_sent_in_a_dry_run(node: &Colossus) {
    let before = node.get("storage-buckets");
    assert_eq!(node.ok("leader:create-bucket -a --dev --dry-run"), "");
    let told = node.json("leader:create-bucket -a --dev --dry-run --json");
    assert_eq!(told["call"], "storage.createStorageBucket");
    assert_eq!(node.get("storage-buckets"), before);
    // Under its own name the program asks first.
    let argosy = argosy()
        .args(["storage", "leader", "create-bucket", "-u", &node.directory])
        .env("ARGOSY_STATE", node.path("state"))
        .output()
        .unwrap();
    assert_eq!(argosy.status.code(), Some(2), "{}", said(&argosy));
    assert_eq!(node.get("storage-buckets"), before);
}

#[test]
fn bags_are_copied_and_buckets_emptied_without_losing_an_object() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up_with(&folder.path().join("net"), &["--storage", "3", "--distributors", "1"]);
    let node = Colossus::new(&network.directory());
    node.ok("leader:update-dynamic-bag-policy -n 1 -t Channel --dev");
    let files = [1, 2].map(|n| media::noise_file(folder.path(), &format!("f{n}"), n, 100_000));
    let objects: Vec<Value> = files.iter().flat_map(|file| network.put(&[file])).collect();
    let ids: Vec<String> = objects.iter().map(|object| text(&object["id"])).collect();
    let bags: Vec<String> = objects.iter().map(|object| text(&object["bag"])).collect();
    assert!(bags.iter().all(|bag| node.stored_by(bag).len() == 1));
    let nodes = network.storage();
    let wait = || {
        wait_until("every bucket holds what it must", || {
            bags.iter().zip(&ids).all(|(bag, id)| {
                node.stored_by(bag).iter().all(|at| holds(&nodes[at.parse::<usize>().unwrap()], id))
            })
        });
    };
    raise_replication(&node, &bags);
    wait();
    copy_bags(&node, &bags);
    wait();
    lower_replication(&node, &bags);
    empty_bucket(&node, &bags, &wait);
    for id in &ids {
        assert!(network.run(&["get", id, "-o", folder.path().join(id).to_str().unwrap()]).status.success());
    }
}

fn raise_replication(node: &Colossus, bags: &[String]) {
    node.ok("leader:set-replication -r 2 --dryRun -o planned.json --dev");
    let planned: Value = serde_json::from_slice(&fs::read(node.path("planned.json")).unwrap()).unwrap();
    assert_eq!(planned["transactions"][0]["hash"], "tx0_hash");
    assert!(bags.iter().all(|bag| node.stored_by(bag).len() == 1), "a dry run sends nothing");
    node.fails(100, "leader:set-replication -r 2 --dev", "nobody answered");
    node.fails(
        201,
        "leader:set-replication -r 4 --dev --skipConfirmation",
        "Storage system capacity too low.",
    );
    node.fails(
        102,
        "leader:set-replication -r 2 -o /nowhere/x --dev",
        "Cannot access \"/nowhere/x\" for writing",
    );

    let output = node.run("leader:set-replication -r 2 -b 1 --skipConfirmation --dev");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("---- Bags to add: "), "{}", said(&output));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done["avgReplicationRate"]["after"], 2);
    assert_eq!(done["totalStorageUsage"], planned["totalStorageUsage"]);
    assert_eq!(done["buckets"], planned["buckets"]);
    let batches = done["transactions"].as_array().unwrap();
    let sizes = batches.iter().map(|it| it["successfulUpdates"].as_array().unwrap().len());
    assert!(sizes.clone().all(|size| size == 1) && sizes.count() > 1, "{done}");
    for bucket in done["buckets"].as_array().unwrap() {
        let used = node.bucket(bucket["id"].as_u64().unwrap())["sizeUsed"].to_string();
        assert_eq!(bucket["storageUsed"]["after"], used);
    }
    assert!(bags.iter().all(|bag| node.stored_by(bag).len() == 2));
    let again = node.json("leader:set-replication -r 2 --skipConfirmation --skipBucketsSummary --dev --json");
    assert!(again["transactions"].is_null() && again["buckets"].is_null(), "nothing remained: {again}");
}

fn copy_bags(node: &Colossus, bags: &[String]) {
    node.fails(100, "leader:copy-bags --from 0 1 --to 1 --dev", "--from and --to arrays cannot intersect!");
    node.fails(100, "leader:copy-bags --from 0 --to 9 --dev", "Couldn't find bucket by id: 9");
    for (from, to) in [(0, "1 2"), (1, "0 2"), (2, "0 1")] {
        node.ok(&format!("leader:copy-bags --from {from} --to {to} --copies 2 --skipConfirmation --dev"));
    }
    assert!(bags.iter().all(|bag| node.stored_by(bag) == ["0", "1", "2"]));
    let again =
        node.json("leader:copy-bags --from 0 --to 1 2 --copies 2 --skipConfirmation --skipTxSummary --dev");
    assert!(again["transactions"].is_null());
    assert_eq!(again["totalStorageUsage"]["before"], again["totalStorageUsage"]["after"]);
}

fn lower_replication(node: &Colossus, bags: &[String]) {
    node.ok("leader:set-replication -r 1 --skipConfirmation --dev");
    assert!(bags.iter().all(|bag| node.stored_by(bag).len() == 1));
}

/// The bags are in one bucket each. A bucket whose node does not exist is all that could take them, and
/// must not be trusted with the last copy.
fn empty_bucket(node: &Colossus, bags: &[String], wait: &dyn Fn()) {
    node.fails(100, "leader:empty-bucket --id 9 --dev", "Couldn't find bucket by id: 9");
    let from = node.stored_by(&bags[0])[0].clone();
    let empty = format!("leader:empty-bucket --id {from} --skipConfirmation --dev");
    let others: Vec<String> =
        ["0", "1", "2"].iter().filter(|id| **id != from).map(ToString::to_string).collect();
    let set =
        |id: &str, on: &str| drop(node.ok(&format!("leader:update-bucket-status -i {id} -s {on} --dev")));
    others.iter().for_each(|id| set(id, "off"));
    node.fails(201, &empty, "CHANGES_REMAIN");
    assert_eq!(node.stored_by(&bags[0]), [from.as_str()]);
    node.ok("leader:create-bucket -a -n 100000 -s 10000000000 -i 0 --dev");
    node.ok(&format!("operator:accept-invitation -w 0 -i 3 -t {} --dev", account("//Alice")));
    node.ok("operator:set-metadata -w 0 -i 3 -e http://127.0.0.1:1/ --dev");
    let output = node.run(&format!("{empty} --json"));
    assert_eq!(output.status.code(), Some(201), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).expect("one object, also if something remains");
    let waiting = told["waiting"].as_array().unwrap();
    assert!(waiting.iter().any(|it| it["bagId"] == bags[0]), "{told}");
    assert_eq!(node.stored_by(&bags[0]).len(), 2, "it got a second bucket and kept the first");

    // With a node that takes them, it comes to an end.
    others.iter().for_each(|id| set(id, "on"));
    node.ok(&format!("leader:copy-bags --from {from} --to {} --skipConfirmation --dev", others.join(" ")));
    wait_for_others(node, bags, &from, wait);
    node.ok(&empty);
    assert_eq!(node.bucket(from.parse().unwrap())["assignedBags"], 0);
}

/// Until what the bucket still has is held by others, too; the one without a node is not asked.
fn wait_for_others(node: &Colossus, bags: &[String], from: &str, wait: &dyn Fn()) {
    for bag in bags.iter().filter(|bag| node.stored_by(bag).contains(&"3".to_owned())) {
        assert!(node.stored_by(bag).iter().any(|id| id != "3" && id != from));
        node.ok(&format!("leader:update-bags -i {bag} -r 3 --dev"));
    }
    wait();
}

#[test]
fn files_of_a_bucket_are_fetched_and_cleaned_up() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up_with(&folder.path().join("net"), &["--storage", "3", "--distributors", "1"]);
    let node = Colossus::new(&network.directory());
    let lengths = [1_usize, 16_384, 300_000, 2_000_000];
    let files: Vec<PathBuf> = lengths
        .iter()
        .enumerate()
        .map(|(n, length)| media::noise_file(folder.path(), &format!("f{n}"), n.try_into().unwrap(), *length))
        .collect();
    let put: Vec<Value> = files.iter().flat_map(|file| network.put(&[file])).collect();
    let ids: Vec<String> = put.iter().map(|object| text(&object["id"])).collect();
    wait_until("all nodes hold all objects", || {
        network.storage().iter().all(|url| ids.iter().all(|id| holds(url, id)))
    });
    assert_eq!(node.ok(&format!("util:multihash -f {}", files[2].display())), text(&put[2]["contentId"]));
    fetch(&node, &network, &ids, &files);
    cleanup(&node, &network, &ids, &text(&put[0]["bag"]));
}

fn fetch(node: &Colossus, network: &Network, ids: &[String], files: &[PathBuf]) {
    let squid = format!("{}/graphql", node.directory);
    let same = |uploads: &Path| {
        for (id, file) in ids.iter().zip(files) {
            assert_eq!(fs::read(uploads.join(id)).unwrap(), fs::read(file).unwrap(), "object {id}");
        }
    };
    let line = format!("util:fetch-bucket -b 0 -d up -q {squid} -n 2");
    assert_eq!(node.json(&format!("{line} --dry-run --json"))["fetchedCount"], 4);
    assert!(!node.path("up").exists());
    assert_eq!(node.ok(&line), "");
    same(&node.path("up"));
    // What is there in full is not fetched again; what is not, is.
    fs::write(node.path("up").join(&ids[1]), b"short").unwrap();
    let again = node.json(&format!("{line} --json"));
    assert_eq!((&again["presentCount"], &again["fetchedCount"]), (&json!(3), &json!(1)));
    same(&node.path("up"));
    assert!(!node.path("up/temp").exists(), "nothing is left over");
    let source = &network.storage()[2];
    node.ok(&format!("util:fetch-bucket -b 0 -d other -q {squid} -o {source} --tempFolder tmp"));
    same(&node.path("other"));
    node.fails(100, &format!("util:fetch-bucket -b 9 -d x -q {squid}"), "Couldn't find bucket by id: 9");
    node.fails(
        200,
        &format!("util:fetch-bucket -b 0 -d y -q {squid} -o http://127.0.0.1:1"),
        "could not be fetched",
    );
}

fn cleanup(node: &Colossus, network: &Network, ids: &[String], moved_bag: &str) {
    let uploads = node.path("up");
    let names = || {
        let mut names: Vec<String> = fs::read_dir(&uploads)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    for other in ["notes.txt", "999999", "007"] {
        fs::write(uploads.join(other), b"x").unwrap();
    }
    let line = format!("util:cleanup -w 1 -b 0 -d up -q {}/graphql -p 4", node.directory);
    let young = node.json(&format!("{line} --json"));
    assert_eq!((young["removed"].as_array().unwrap().len(), &young["assignedCount"]), (0, &json!(4)));
    node.fails(103, &line.replace("-w 1", "-w 2"), "worker 2 does not operate storage bucket 0");
    node.fails(103, &line.replace("-w 1", "-w 77"), "there is no worker 77");
    let old = |extra: &str| {
        let mut command = node.command(&format!("{line} {extra} --json"));
        let output = command.env("CLEANUP_NEW_OBJECT_EXPIRATION_PERIOD", "0").output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let before = names();
    assert_eq!(old("")["removed"], json!([]), "everything is assigned, or unknown");
    // One is moved to others, one is deleted.
    node.ok(&format!("leader:update-bags -i {moved_bag} -r 0 --dev"));
    assert!(network.run(&["rm", &ids[3]]).status.success());
    wait_until("the deletion is known", || {
        ids_of(&old("--dry-run --min-replication 3")["removed"]).contains(&ids[3])
    });
    let too_few = old("--min-replication 3");
    assert_eq!(ids_of(&too_few["removed"]), [ids[3].as_str()].map(str::to_owned));
    assert!(ids_of(&too_few["kept"]).contains(&ids[0]), "{too_few}");
    let planned = old("--dry-run");
    assert_eq!(ids_of(&planned["removed"]), [ids[0].clone()]);
    assert!(names().contains(&ids[0]), "a dry run removes nothing");
    let done = old("");
    assert_eq!(done["removed"], planned["removed"]);
    let left: Vec<String> = before.into_iter().filter(|name| *name != ids[0] && *name != ids[3]).collect();
    assert_eq!(names(), left);
}

fn ids_of(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|told| text(&told["id"])).collect()
}

#[test]
fn colossus_exit_codes() {
    let directory = Sequencer::start();
    let node = Colossus::new(&directory.url);
    assert_eq!(node.run("util:verify-bag-id -i dynamic:channel:7").status.code(), Some(0));
    let said = node.fails(0, "util:verify-bag-id -i Dynamic:channel:7", "Parsed: ");
    assert_eq!(said, "Parsed: {\"dynamic\":{\"channel\":7}}\n");
    let alice = "-y //Alice";
    let server = "server -w 1 -d up -o 3333 -b 0,1";
    for (code, line, words) in [
        (0, "help leader:create-bucket".to_owned(), ""),
        (2, "leader:delete-bucket".to_owned(), "Missing required flag: -i, --bucketId=bucketId"),
        (2, "leader:no-such-command".to_owned(), "not found"),
        (100, "util:verify-bag-id -i dynamic:nobody:7".to_owned(), "Invalid dynamic bagId: dynamic:nobody:7"),
        (101, "leader:delete-bucket -i 0 --dev".to_owned(), "only be run on a Development chain"),
        (102, "util:multihash -f absent".to_owned(), "absent"),
        (102, "leader:delete-bucket -i 0 -k absent.json".to_owned(), "Input file does not exist!"),
        (102, "util:search-archives -f absent -o 1".to_owned(), "absent"),
        (103, format!("operator:set-metadata -w 99 -i 0 -e http://x/ {alice}"), "there is no worker 99"),
        (104, "util:search-archives -f absent -o 1,b".to_owned(), "Expected comma-separated integers"),
        (104, server.replace("0,1", "0;1"), "Expected comma-separated integers"),
        (105, server.to_owned(), "argosy storage start --config storage.yml"),
        (
            100,
            format!("{server} --tempFolder ./up"),
            "Paths for temporary and uploads folders must be unique.",
        ),
        (
            105,
            "archive -w 1 --uploadQueueDir q --tmpDownloadDir t --awsS3BucketRegion r --awsS3BucketName n"
                .to_owned(),
            "does not archive",
        ),
        (200, format!("leader:delete-bucket -i 0 {alice} -u http://127.0.0.1:1"), "127.0.0.1:1"),
        (201, format!("leader:delete-bucket -i 77 {alice}"), ""),
        (202, "leader:delete-bucket -i 0 -y //Mallory".to_owned(), "lead of the storage group"),
        (202, "leader:delete-bucket -i 0".to_owned(), "among the keys at hand"),
    ] {
        node.fails(code, &line, words);
    }
    keys_from_files(&node);
}

/// The lead's key in an encrypted file: by its name, in a folder, with one password among several.
fn keys_from_files(node: &Colossus) {
    let secret = Secret::parse(KeyScheme::Sr25519, "//Alice").unwrap();
    let kdf = Kdf::new(1 << 14, 8, 1).unwrap();
    let file = KeyFile::seal("lead", KeyScheme::Sr25519, &secret, "a good password", kdf).unwrap();
    fs::create_dir(node.path("keys")).unwrap();
    fs::write(node.path("keys/lead.json"), file.to_json()).unwrap();
    let with = |flags: &str, passwords: &[&str]| {
        let mut command = node.command(&format!("leader:delete-bucket -i 77 {flags}"));
        if !passwords.is_empty() {
            command.arg("-p").args(passwords);
        }
        command.output().unwrap()
    };
    for (flags, passwords, code) in [
        ("-k keys/lead.json", &["wrong password", "a good password"][..], 201),
        ("--keyStore keys", &["a good password"], 201),
        ("--keyStore keys", &["wrong password"], 202),
        ("-k keys/lead.json", &[], 202),
    ] {
        let output = with(flags, passwords);
        assert_eq!(output.status.code(), Some(code), "{flags}: {}", said(&output));
    }
    let mut command = node.command("leader:delete-bucket -i 77 -k keys/lead.json");
    let output = command.env("ACCOUNT_PWD", "a good password").output().unwrap();
    assert_eq!(output.status.code(), Some(201), "{}", said(&output));
    let output = node.command("leader:delete-bucket -i 77").env("ACCOUNT_URI", "//Alice").output().unwrap();
    assert_eq!(output.status.code(), Some(201), "{}", said(&output));
}

/// A directory node alone, of a network that is not for development, whose lead is Alice.
struct Sequencer {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Sequencer {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let alice = account("//Alice");
        let worker = GenesisWorker { member: "alice".to_owned(), role_account: alice };
        let genesis = Genesis {
            version: GENESIS_VERSION,
            network: "real".to_owned(),
            profile: Profile::Mainnet,
            time_ms: 1,
            sequencer: account("//Sequencer"),
            params: Params::mainnet(),
            members: vec![GenesisMember { handle: "alice".to_owned(), account: alice }],
            storage_group: GenesisGroup { workers: vec![worker], lead: Some(0) },
            distribution_group: GenesisGroup::default(),
            attestation_group: GenesisGroup::default(),
            council: GenesisCouncil { keys: [account("//Council")].into(), threshold: 1 },
            balances: Vec::new(),
        };
        let address = free_address();
        let file = serde_json::to_vec(&GenesisFile::from(&genesis)).unwrap();
        fs::write(folder.path().join("genesis.json"), file).unwrap();
        let config = format!(
            "data: store\ngenesis: genesis.json\nlisten: {address}\nsequencer: {{suri: //Sequencer}}\n"
        );
        let path = folder.path().join("directory.yml");
        fs::write(&path, config).unwrap();
        let mut command = argosy();
        command.args(["directory", "start", "--config"]).arg(&path);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let directory = Self { process, url: format!("http://{address}"), _folder: folder };
        wait_until("the directory answers", || {
            http::get(&format!("{}/api/v1/status", directory.url), None).is_ok_and(|it| it.status == 200)
        });
        directory
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
