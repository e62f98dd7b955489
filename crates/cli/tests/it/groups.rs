//! Groups, the council, members and owners, as they sign from the command line; what they did is looked
//! at by another way.

use crate::{
    http,
    network::{argosy, text, wait_until},
    ports::free_address,
};
use argosy_api::genesis::GenesisFile;
use argosy_directory::{
    BatchCall, BatchMode, Call, Genesis, Params, Profile, StorageCall,
    genesis::{GENESIS_VERSION, GenesisBalance, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_domain::{AccountId, KeyScheme, Keypair, WorkerId};
use codec::Encode as _;
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Output, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

/// A directory alone, whose council has three keys of which two decide.
struct Place {
    folder: tempfile::TempDir,
    process: Child,
    url: String,
}

fn account(uri: &str) -> AccountId {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap().account()
}

/// The genesis block is the newest at first, and must not be old.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis().try_into().unwrap()
}

fn genesis(lead: Option<&str>) -> Genesis {
    let people = [("lena", "//Lena"), ("wim", "//Wim"), ("olga", "//Olga")];
    let member = |(handle, uri): (&str, &str)| GenesisMember { handle: handle.into(), account: account(uri) };
    let balance = |(_, uri): (&str, &str)| GenesisBalance { account: account(uri), amount: 1_000, locked: 0 };
    let hired = |uri: &str| GenesisWorker { member: uri[2..].to_lowercase(), role_account: account(uri) };
    Genesis {
        version: GENESIS_VERSION,
        network: "groups".into(),
        profile: Profile::Local,
        time_ms: now_ms(),
        sequencer: account("//Sequencer"),
        params: Params::local(),
        members: people.map(member).into(),
        storage_group: GenesisGroup { workers: lead.map(hired).into_iter().collect(), lead: lead.map(|_| 0) },
        distribution_group: GenesisGroup::default(),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil { keys: ["//Ann", "//Ben", "//Cid"].map(account).into(), threshold: 2 },
        balances: people.map(balance).into(),
    }
}

impl Place {
    fn start(lead: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = GenesisFile::from(&genesis(lead));
        fs::write(folder.path().join("genesis.json"), serde_json::to_vec(&file).unwrap()).unwrap();
        let key = folder.path().join("sequencer.key");
        fs::write(&key, "//Sequencer").unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let address = free_address();
        let config = format!(
            "data: store\ngenesis: genesis.json\nlisten: {address}\nsequencer: {{file: sequencer.key}}\n"
        );
        fs::write(folder.path().join("directory.yml"), config).unwrap();
        let mut command = argosy();
        command.args(["directory", "start", "--config", "directory.yml"]).current_dir(folder.path());
        let process = command.stderr(Stdio::null()).spawn().unwrap();
        let place = Self { folder, process, url: format!("http://{address}") };
        wait_until("the directory answers", || {
            http::get(&format!("{}/api/v1/status", place.url), None).is_ok()
        });
        place
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// `argosy ARGUMENTS`, where `_` stands for a blank in a word.
    fn run(&self, key: &str, line: &str) -> Output {
        let words = line.split(' ').map(|word| word.replace('_', " "));
        let mut command = argosy();
        command.args(words).args(["--key", key]).current_dir(self.folder.path());
        command.env("ARGOSY_DIRECTORY", &self.url).env("ARGOSY_STATE", self.folder.path().join("state"));
        command.output().unwrap()
    }

    /// What it says on standard output and on standard error, without being asked.
    #[track_caller]
    fn says(&self, key: &str, line: &str) -> (String, String) {
        let output = self.run(key, &format!("{line} -y"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{line}: {said}");
        (String::from_utf8(output.stdout).unwrap(), said)
    }

    /// The ids on standard output.
    #[track_caller]
    fn ids(&self, key: &str, line: &str) -> Vec<String> {
        self.says(key, line).0.lines().map(str::to_owned).collect()
    }

    /// A command that makes nothing with an id.
    #[track_caller]
    fn done(&self, key: &str, line: &str) {
        assert_eq!(self.ids(key, line), [""; 0], "{line}");
    }

    /// Of what its answer says in JSON, what it is for.
    #[track_caller]
    fn result(&self, key: &str, line: &str) -> Value {
        let (answer, _) = self.says(key, &format!("{line} --json"));
        assert_eq!(answer.lines().count(), 1, "{answer}");
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["height"].as_u64() > Some(0) && answer["hash"].is_string(), "{answer}");
        answer["result"].take()
    }

    #[track_caller]
    fn refused(&self, key: &str, line: &str, words: &[&str]) {
        let output = self.run(key, &format!("{line} -y"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {said}");
        assert!(output.stdout.is_empty(), "{line}");
        for word in words {
            assert!(said.contains(word), "{line}: {word:?} is not in: {said}");
        }
    }

    fn answer(&self, path: &str) -> http::Answer {
        http::get(&format!("{}/api/v1/{path}", self.url), None).unwrap()
    }

    #[track_caller]
    fn state(&self, path: &str) -> Value {
        let answer = self.answer(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    fn money(&self, uri: &str, kind: &str) -> String {
        text(&self.state(&format!("accounts/{}", account(uri)))[kind])
    }

    fn worker(&self, at: usize) -> Value {
        self.state("groups/storage/workers")[at].clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_lead_and_a_worker_are_hired_paid_slashed_and_leave() {
    let place = Place::start(None);
    hire_the_lead(&place);
    hire_a_worker(&place);
    place.done("//Lena", "group set-reward -g storage --worker 1 --reward 5");
    place.done("//Lena", "group slash -g storage --worker 1 --amount 20");
    place.done("//Wim", "group increase-stake -g storage --worker 1 --amount 5");
    place.done("//Lena", "group decrease-stake -g storage --worker 1 --amount 10");
    let worker = place.worker(1);
    assert_eq!((&worker["stake"], &worker["rewardPerPeriod"]), (&json!("25"), &json!("5")));
    assert_eq!((place.money("//Wim", "free"), place.money("//Wim", "staked")), ("955".into(), "25".into()));

    place.done("//Wim", "group set-role-account -g storage --worker 1 --account //Wims");
    place.done("//Wims", "group set-reward-account -g storage --worker 1 --account //Olga");
    place.refused("//Wim", "group remark -g storage --worker 1 hello", &["NO_SUCH_KEY", "worker 1"]);
    place.done("//Wims", "group remark -g storage --worker 1 new_disks");
    let worker = place.worker(1);
    assert_eq!(worker["roleAccount"], json!(account("//Wims").to_string()));
    assert_eq!(worker["rewardAccount"], json!(account("//Olga").to_string()));

    let slash = "group slash -g storage --worker 0 --amount 20";
    place.refused("//Lena", slash, &["BAD_ORIGIN", "worker 0 leads", "council propose slash"]);
    place.refused("//Lena", "group leave -g storage --worker 7", &["WORKER_DOES_NOT_EXIST"]);
    place.refused("//Lena", "group leave -g attestation --worker 0", &["WORKER_DOES_NOT_EXIST"]);
    let failed = place.run("//Lena", "group leave -g storage --worker 7 --json");
    let failed: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!(failed["code"], "WORKER_DOES_NOT_EXIST");
    place.done("//Wims", "group leave -g storage --worker 1");
    wait_until("the worker is gone", || place.worker(1).is_null());
    assert_eq!((place.money("//Wim", "free"), place.money("//Wim", "staked")), ("980".into(), "0".into()));

    let proposal = place.ids("//Ben", "council propose terminate -g storage --slash 30")[0].clone();
    place.done("//Cid", &format!("council approve {proposal}"));
    assert_eq!(place.state("groups/storage")["lead"], Value::Null);
    assert_eq!(place.money("//Lena", "free"), "970");
    let opening = "group add-opening -g storage --stake 0 --unstaking-period 0s --description x";
    place.refused("//Lena", opening, &["CURRENT_LEAD_NOT_SET", "argosy council propose"]);
}

fn hire_the_lead(place: &Place) {
    let terms = "-g storage --stake 100 --unstaking-period 0s --reward 10 --description lead_wanted";
    let propose = format!("council propose add-opening {terms}");
    place.refused("//Mallory", &propose, &["NO_SUCH_KEY", "key of the council"]);
    let (id, said) = place.says("//Ann", &propose);
    assert_eq!(id, "0\n");
    assert!(said.contains("proposal 0") && said.contains("1 of 2 approvals"), "{said}");
    assert_eq!(place.state("groups/storage/openings"), json!([]));
    place.refused("//Ann", "council approve 0", &["NO_SUCH_KEY", "has not approved proposal 0"]);
    place.refused("//Ben", "council approve 7", &["PROPOSAL_DOESNT_EXIST"]);
    let failed = place.run("//Ben", "council approve 7 --json");
    assert_eq!(serde_json::from_slice::<Value>(&failed.stdout).unwrap()["code"], "PROPOSAL_DOESNT_EXIST");
    assert_eq!(place.result("//Ben", "council approve 0"), json!({"openingId": "0"}));
    assert_eq!(place.state("groups/storage/openings")[0]["kind"], "Leader");

    let apply = "group apply -g storage --opening 0 --member lena --description it_is_me";
    place.refused("//Wim", apply, &["NO_SUCH_KEY", "member 0"]);
    assert_eq!(place.ids("//Lena", apply), ["0"]);
    assert_eq!(place.money("//Lena", "staked"), "100");
    let fill = "group fill-opening -g storage --opening 0 --application 0";
    place.refused("//Lena", fill, &["BAD_ORIGIN", "council propose hire-lead"]);
    let hire = "council propose hire-lead -g storage --opening 0 --application 0";
    assert_eq!(place.ids("//Ann", hire), ["1"]);
    let (id, said) = place.says("//Cid", "council approve 1");
    assert_eq!(id, "0\n");
    assert!(said.contains("proposal 1 was carried out"), "{said}");
    assert_eq!(place.state("groups/storage")["lead"], "0");
}

fn hire_a_worker(place: &Place) {
    let description = place.file("opening.md", "Two racks");
    let terms = "-g storage --stake 50 --unstaking-period 0s --description-file opening.md";
    place.refused("//Wim", &format!("group add-opening {terms}"), &["NO_SUCH_KEY", "lead of the storage"]);
    assert_eq!(place.ids("//Lena", &format!("group add-opening {terms}")), ["1"]);
    let opening = &place.state("groups/storage/openings")[0];
    let hash = hex::encode(argosy_domain::ContentId::of(&fs::read(description).unwrap()).0);
    assert_eq!(text(&opening["description"]).trim_start_matches("0x"), hash);
    assert_eq!((&opening["stake"], &opening["rewardPerPeriod"]), (&json!("50"), &json!("0")));

    let apply = "group apply -g storage --opening 1 --member wim --description me --reward-account //Wim";
    assert_eq!(place.ids("//Wim", apply), ["1"]);
    let withdraw = "group withdraw-application -g storage --application 1";
    place.refused("//Lena", withdraw, &["NO_SUCH_KEY"]);
    place.done("//Wim", withdraw);
    place.refused("//Wim", withdraw, &["WORKER_APPLICATION_DOES_NOT_EXIST"]);
    assert_eq!(place.money("//Wim", "staked"), "0");
    assert_eq!(place.ids("//Wim", apply), ["2"]);
    let fill = "group fill-opening -g storage --opening 1 --application 2";
    assert_eq!(place.result("//Lena", fill), json!({"workerIds": ["1"]}));
    assert_eq!(place.worker(1)["member"], "1");
    let opening = "-g storage --stake 5 --unstaking-period 1d --description x";
    assert_eq!(place.ids("//Lena", &format!("group add-opening {opening}")), ["2"]);
    place.done("//Lena", "group cancel-opening -g storage --opening 2");
    assert_eq!(place.state("groups/storage/openings"), json!([]));
}

#[test]
fn two_of_three_keys_decide_for_the_council() {
    let place = Place::start(Some("//Lena"));
    let decide = |line: &str| {
        let proposal = place.ids("//Ann", line)[0].clone();
        place.result("//Ben", &format!("council approve {proposal}"))
    };
    assert_eq!(decide("releases publish argosy 9.9.9 --run-by 4h"), json!({"releaseId": "0"}));
    let release = &place.state("releases")[0];
    assert_eq!((&release["program"], &release["version"]), (&json!("argosy"), &json!("9.9.9")));
    let lead_time = release["runByMs"].as_u64().unwrap() - release["publishedMs"].as_u64().unwrap();
    assert!((4 * 3_600_000 - 600_000..=4 * 3_600_000 + 600_000).contains(&lead_time), "{lead_time}");
    assert_eq!(decide("council propose set-parameter max-workers-per-group 7"), Value::Null);
    assert_eq!(place.state("limits")["params"]["maxWorkersPerGroup"], 7);

    decide("council propose fund-group -g storage --amount 1000");
    decide("council propose set-group-budget -g storage --amount 900");
    decide("council propose set-reward -g storage --reward 3");
    decide("council propose grant --to //Mallory --amount 50 --locked");
    assert_eq!(place.money("//Mallory", "locked"), "50");
    place.done("//Lena", "group spend -g storage --to //Olga --amount 100");
    place.done("//Olga", "group fund-budget -g storage --amount 10");
    place.done("//Olga", "account transfer //Wim 90 --from //Olga");
    place.refused("//Wim", "account transfer //Lena 90 --from //Olga", &["NO_SUCH_KEY"]);
    place.refused("//Olga", "account transfer //Wim 9000", &["INSUFFICIENT_BALANCE"]);
    assert_eq!((place.money("//Olga", "free"), place.money("//Wim", "free")), ("1000".into(), "1090".into()));
    place.done("//Lena", "group set-status-text -g storage --text fine");
    place.done("//Lena", "group lead-remark -g storage maintenance_on_Sunday");
    let group = place.state("groups/storage");
    assert_eq!(group["budget"], "810");
    assert!(group["statusText"].is_string(), "{group}");
    assert_eq!(place.worker(0)["rewardPerPeriod"], "3");

    let (id, _) = place.says("//Ann", "council propose set-secretary //Olga");
    place.refused("//Ben", &format!("council withdraw {}", id.trim()), &["NO_SUCH_KEY", "has approved"]);
    let (_, said) = place.says("//Ann", &format!("council withdraw {}", id.trim()));
    assert!(said.contains("nobody approves it"), "{said}");
    assert_eq!(place.state("council")["proposals"], json!([]));
    decide("council propose set-secretary //Olga");
    place.done("//Olga", "bag set-privacy static:council yes");
    decide("council propose replace-keys //Ann //Ben --threshold 1");
    let council = place.state("council");
    assert_eq!((council["threshold"].as_u64(), council["keys"].as_array().unwrap().len()), (Some(1), 2));
    // One key decides now: there is nothing to approve.
    let (id, said) = place.says("//Ben", "council propose set-parameter reward-period-ms 12h");
    assert!(said.contains(&format!("proposal {} was carried out", id.trim())), "{said}");
    assert_eq!(place.state("limits")["params"]["rewardPeriodMs"], 43_200_000);
}

#[test]
fn owners_make_channels_let_others_in_and_delete() {
    let place = Place::start(Some("//Lena"));
    let bucket = Call::Storage(StorageCall::CreateStorageBucket {
        invite_worker: None::<WorkerId>,
        accepting_new_bags: true,
        size_limit: 1 << 20,
        objects_limit: 10,
    });
    let batch = Call::Batch(BatchCall { mode: BatchMode::AllOrNothing, calls: vec![bucket.clone(), bucket] });
    place.file("batch.hex", &hex::encode(batch.encode()));
    place.refused("//Olga", "call --file batch.hex --as lead:storage", &["NO_SUCH_KEY"]);
    assert_eq!(place.says("//Lena", "call --file batch.hex --as lead:storage").0, "0\n", "the first bucket");

    place.refused("//Wim", "channel create --owner olga", &["NO_SUCH_KEY", "member 2"]);
    let create = "channel create --owner olga --storage-bucket 1";
    let trial = place.run("//Olga", &format!("{create} --dry-run --json"));
    let trial: Value = serde_json::from_slice(&trial.stdout).unwrap();
    assert_eq!((&trial["dryRun"], &trial["call"]), (&json!(true), &json!("content.createChannel")));
    assert_eq!(place.answer("channels/1").status, 404);
    assert_eq!(place.ids("//Olga", create), ["1"]);
    assert_eq!(place.state("bags/dynamic:channel:1")["storageBuckets"], json!(["1"]));

    place.file("talk", "a talk");
    place.file("cover", "a cover");
    let declare = "object declare dynamic:channel:1 talk";
    place.refused("//Wim", declare, &["NO_SUCH_KEY", "owner or collaborator of dynamic:channel:1"]);
    place.done("//Olga", "channel set-collaborators 1 wim lena");
    assert_eq!(place.state("channels/1")["collaborators"], json!(["0", "1"]));
    place.done("//Olga", "channel set-collaborators 1 wim");
    let (ids, said) = place.says("//Wim", declare);
    assert_eq!(ids, "0\n");
    assert!(said.contains("argosy put talk --object 0"), "{said}");
    place.refused("//Wim", "bag set-privacy dynamic:channel:1 yes", &["NO_SUCH_KEY", "owner of"]);
    place.done("//Olga", "bag set-privacy dynamic:channel:1 yes");
    assert_eq!(place.state("bags/dynamic:channel:1")["private"], true);

    assert_eq!(place.ids("//Wim", "asset-set create dynamic:channel:1 video-1 talk cover"), ["1", "2"]);
    assert_eq!(place.ids("//Wim", "asset-set update dynamic:channel:1 video-1 talk --remove 1 2"), ["3"]);
    assert_eq!(place.answer("objects/1").status, 404);
    place.done("//Wim", "asset-set delete dynamic:channel:1 video-1");
    place.done("//Olga", "bag create-member-bag olga --storage-bucket 0");
    place.done("//Olga", "object move 0 --from dynamic:channel:1 --to dynamic:member:2");
    assert_eq!(place.state("objects/0")["bag"], "dynamic:member:2");
    assert_eq!(place.ids("//Olga", "object declare dynamic:member:2 cover --remove 0"), ["4"]);
    place.done("//Olga", "object delete dynamic:member:2 4");
    place.done("//Olga", "bag delete-member-bag olga");
    place.refused("//Wim", "channel delete 1", &["NO_SUCH_KEY", "member 2"]);
    place.done("//Olga", "channel delete 1");
    assert_eq!(place.answer("channels/1").status, 404);
}

#[test]
fn members_are_made_and_name_their_accounts() {
    let place = Place::start(None);
    assert_eq!(place.ids("//Pia", "member create pia"), ["3"]);
    place.refused("//Pia", "member create pia", &["HANDLE"]);
    place.done("//Pia", "member update-accounts pia --controller //Pias");
    let member = place.state("members/pia");
    assert_eq!(member["account"], account("//Pias").to_string());
    assert_eq!(member["root"], account("//Pia").to_string());
    let update = "member update-accounts pia --controller //Mallory";
    place.refused("//Pias", update, &["NO_SUCH_KEY", "root account of member 3"]);
    place.done("//Savings", "member confirm-staking-account pia --account //Savings");
    assert_eq!(place.state(&format!("accounts/{}", account("//Savings")))["stakingMember"], "3");
    place.done("//Savings", "member remove-staking-account");
    assert_eq!(place.state(&format!("accounts/{}", account("//Savings")))["stakingMember"], Value::Null);
}
