//! A person's keys: made, taken over, shown, and changed on a running directory.

use crate::{
    http,
    network::{Network, argosy},
};
use argosy_domain::{KeyScheme, Keypair};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const PASSPHRASE: &str = "a passphrase for tests";
/// Source: a test of the crate `subalfred`: //Alice, exported with the passphrase 456123.
const ALICE: &str = r#"{"encoded":"paO3SvbXf/ktnJwuxB5Jn3L5Yxrv9JPhOLA4dplOFu8AgAAAAQAAAAgAAACuIZoAe4sfEiV55sUsZaGq9cCwddaqYdBE7rMSfZfYd7kjgw5YUIo7QB6e+PVY+q6Du8uRSxOOjR5++LTEavlppjbkEce38/MrsDmrKccUqxu+hjv8Rt/RK77btcSuWDm6CA5bgX3y2lKeYqJEidMbP68dSKEN8uOoEdOuCdAFCH1BHCKPhOcu80RNcQ9puZDqZdLoPxc7QDlF9LS5","encoding":{"content":["pkcs8","sr25519"],"type":["scrypt","xsalsa20-poly1305"],"version":"3"},"address":"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY","meta":{"genesisHash":"","name":"Alice","whenCreated":1701855108366}}"#;
const ALICE_ADDRESS: &str = "j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf";

/// A folder of keys, and a passphrase in a file beside it.
struct Place {
    folder: tempfile::TempDir,
    directory: Option<String>,
}

impl Place {
    fn new(directory: Option<String>) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), directory };
        place.write("pass", PASSPHRASE);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn key(&self, name: &str) -> PathBuf {
        self.path("keys").join(format!("{name}.json"))
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = argosy();
        command.arg("keys").args(arguments).env("ARGOSY_KEYS", self.path("keys")).stdin(Stdio::null());
        if let Some(directory) = &self.directory {
            command.env("ARGOSY_DIRECTORY", directory);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// With the passphrase from its file.
    fn with_pass(&self, arguments: &[&str]) -> Output {
        let pass = self.path("pass").display().to_string();
        self.run(&[arguments, &["--passphrase-file", &pass]].concat())
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], code: &str) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(code), "{code}: {said}");
        said
    }
}

#[track_caller]
fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_key_is_encrypted_its_owners_and_can_be_written_down() {
    let place = Place::new(None);
    let made = place.with_pass(&["new", "lead", "--show-phrase"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let address = String::from_utf8(made.stdout).unwrap().trim_end().to_owned();
    let said = String::from_utf8(made.stderr).unwrap();
    let phrase = said.lines().find_map(|line| line.strip_prefix("  ")).unwrap().to_owned();
    assert_eq!(phrase.split(' ').count(), 12);
    let account = Keypair::from_uri(KeyScheme::Sr25519, &phrase).unwrap().account();
    assert_eq!(account.to_string(), address);
    assert_eq!((mode(&place.path("keys")), mode(&place.key("lead"))), (0o700, 0o600));
    let file = fs::read_to_string(place.key("lead")).unwrap();
    assert!(file.contains(&address) && !phrase.split(' ').all(|word| file.contains(word)));

    let shown = json(&place.run(&["show", "lead", "--json"]));
    assert_eq!(shown["address"], address.as_str());
    assert_eq!(shown["substrateAddress"], account.to_ss58(42));
    assert_eq!(shown["publicKey"], format!("0x{}", hex::encode(account.0)));
    assert!(shown["secret"].is_null());
    let secret = json(&place.with_pass(&["show", "lead", "--secret", "--json"]));
    assert_eq!(secret["secret"], phrase);
    place.refused(&["show", "lead", "--secret"], "NO_PASSPHRASE");
    let wrong = place.write("wrong", "another passphrase");
    place.refused(&["show", "lead", "--secret", "--passphrase-file", &wrong], "WRONG_PASSPHRASE");

    // Nothing is written over it, and without a terminal no phrase is shown.
    let before = fs::read(place.key("lead")).unwrap();
    let pass = place.path("pass").display().to_string();
    place.refused(&["new", "lead", "--passphrase-file", &pass], "KEY_EXISTS");
    assert_eq!(fs::read(place.key("lead")).unwrap(), before);
    let quiet = place.with_pass(&["new", "second", "--type", "ed25519"]);
    assert!(quiet.status.success() && !String::from_utf8_lossy(&quiet.stderr).contains("Write this phrase"));
    let listed = json(&place.run(&["list", "--json"]));
    let names: Vec<_> = listed["keys"].as_array().unwrap().iter().map(|key| &key["name"]).collect();
    assert_eq!(names, ["lead", "second"]);
    assert_eq!(listed["keys"][1]["type"], "ed25519");
    let table = String::from_utf8(place.run(&["list"]).stdout).unwrap();
    assert!(table.contains("NAME") && table.contains(&address), "{table}");
}

#[test]
fn keys_of_polkadot_js_and_phrases_are_taken_over() {
    let place = Place::new(None);
    let file = place.write("alice.json", ALICE);
    let from = place.write("from", "456123\n");
    let import = ["import", "alice", "--from-file", &file, "--from-passphrase-file", &from];
    let taken = place.with_pass(&import);
    assert_eq!(String::from_utf8_lossy(&taken.stdout).trim_end(), ALICE_ADDRESS);
    // The export has no phrase; what it has signs all the same.
    let secret = json(&place.with_pass(&["show", "alice", "--secret", "--json"]))["secret"].clone();
    assert_eq!(secret.as_str().unwrap().len(), 130);

    let phrase = place
        .write("phrase", "bottom drive obey lake curtain smoke basket hold race lonely fit walk//Alice\n");
    let taken = place.with_pass(&["import", "again", "--phrase-file", &phrase, "--json"]);
    assert_eq!(json(&taken)["address"], ALICE_ADDRESS);

    let pass = place.path("pass").display().to_string();
    let bad = place.write("bad", "bottom drive obey lake curtain smoke basket hold race lonely fit wolk");
    let said = place
        .refused(&["import", "bad", "--phrase-file", &bad, "--passphrase-file", &pass], "KEY_FILE_UNUSABLE");
    assert!(said.contains("word 12") && !said.contains("wolk"), "{said}");
    let absent = place.path("nothing").display().to_string();
    place.refused(&["import", "bad", "--phrase-file", &absent], "KEY_FILE_ABSENT");
    fs::set_permissions(&phrase, fs::Permissions::from_mode(0o644)).unwrap();
    let said = place.refused(&["import", "bad", "--phrase-file", &phrase], "KEY_FILE_UNUSABLE");
    assert!(said.contains(&format!("chmod 600 {phrase}")), "{said}");
    place.refused(&["import", "bad"], "NO_PASSPHRASE");
    for name in ["../x", "a/b", "A", ".hidden"] {
        assert_eq!(place.run(&["new", name]).status.code(), Some(2), "{name}");
    }
}

#[test]
fn a_key_without_a_role_is_changed_and_the_old_one_kept() {
    let place = Place::new(None);
    let first = json(&place.with_pass(&["new", "a", "--json", "--type", "ed25519"]));
    let rotated = json(&place.with_pass(&["rotate", "a", "--json"]));
    assert_eq!((&rotated["oldName"], &rotated["oldAddress"]), (&"a.old-1".into(), &first["address"]));
    assert_eq!(rotated["directoryTold"], false);
    assert_eq!(rotated["type"], "ed25519");
    let now = json(&place.run(&["show", "a", "--json"]));
    assert_eq!(now["address"], rotated["address"]);
    assert_eq!(json(&place.run(&["show", "a.old-1", "--json"]))["address"], first["address"]);
    place.refused(&["rotate", "none"], "KEY_FILE_ABSENT");
}

fn role_account(directory: &str) -> Value {
    let workers = http::get(&format!("{directory}/api/v1/groups/distribution/workers?from=1"), None).unwrap();
    workers.json()[0]["roleAccount"].clone()
}

#[test]
fn a_workers_role_key_is_changed_and_an_interrupted_change_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up(&folder.path().join("data"));
    let directory = network.directory();
    let place = Place::new(Some(directory.clone()));
    let phrase = place.write("phrase", "//distributor-0");
    let first = json(&place.with_pass(&["import", "d", "--phrase-file", &phrase, "--json"]));
    assert_eq!(role_account(&directory), first["address"]);
    let pass = place.path("pass").display().to_string();
    let role = ["--group", "distribution", "--worker", "1", "--signer-passphrase-file", &pass, "--json"];

    // The controller key is at hand: it is the old role key itself in a network of this kind.
    place.refused(
        &[&["rotate", "d", "--worker", "99", "--group", "distribution"][..]].concat(),
        "WORKER_MISSING",
    );
    assert!(!place.key("d.next").exists(), "nothing is made before all is well");
    let rotated = json(&place.with_pass(&[&["rotate", "d"][..], &role].concat()));
    assert_eq!(rotated["directoryTold"], true);
    assert_eq!(role_account(&directory), rotated["address"]);

    // As if it had ended after the directory was told, and once more after the old name was kept.
    for half_kept in [false, true] {
        fs::rename(place.key("d"), place.key("d.next")).unwrap();
        if half_kept {
            fs::hard_link(place.key("d.old-1"), place.key("d")).unwrap();
        } else {
            fs::rename(place.key("d.old-1"), place.key("d")).unwrap();
        }
        let again = json(&place.run(&[&["rotate", "d"][..], &role].concat()));
        assert_eq!((&again["directoryTold"], &again["oldName"]), (&false.into(), &"d.old-1".into()));
        assert_eq!(again["address"], rotated["address"]);
        assert!(!place.key("d.next").exists() && !place.key("d.old-2").exists());
    }

    // As if it had ended before the directory was told: the key that is there already is used.
    let next = json(&place.with_pass(&["new", "d.next", "--json"]));
    let third = json(&place.run(&[&["rotate", "d"][..], &role].concat()));
    assert_eq!((&third["address"], &third["directoryTold"]), (&next["address"], &true.into()));
    assert_eq!((&third["oldName"], role_account(&directory)), (&"d.old-2".into(), next["address"].clone()));

    // A key that is not the worker's changes nothing.
    place.with_pass(&["new", "other"]);
    place.refused(&[&["rotate", "other"][..], &role].concat(), "OTHER_ROLE_KEY");
    // Without the controller key nobody is asked for anything: it says which one is needed.
    for old in ["d.old-1", "d.old-2"] {
        fs::rename(place.key(old), place.path(old)).unwrap();
    }
    let said = place.refused(&[&["rotate", "d"][..], &role].concat(), "KEY_MISSING");
    let controller = first["address"].as_str().unwrap();
    assert!(said.contains(&format!("no key for {controller} (controller of member")), "{said}");
    // A file from elsewhere will do, or a development key.
    let file = place.path("d.old-1").display().to_string();
    let arguments = [&["rotate", "d", "--keyfile", &file][..], &role].concat();
    assert_eq!(json(&place.with_pass(&arguments))["directoryTold"], true);
    let arguments = [&["rotate", "d", "--key", "//distributor-0"][..], &role].concat();
    assert_eq!(json(&place.with_pass(&arguments))["directoryTold"], true);
}
