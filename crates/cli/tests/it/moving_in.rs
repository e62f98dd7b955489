//! A worker moves from Argus to Argosy and back, by the page about it.

use crate::{
    http, media,
    network::{Network, argosy, text, wait_until},
    ports::free_address,
    transcript,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const PAGE: &str = include_str!("../../../../docs/moving-in.md");
/// A configuration as Argus takes it, with every key that it knows.
const CONFIG: &str = include_str!("../../../distributor/src/config/samples/argus.yml");
/// How the command that does not end stands in the page.
const SHELL: &str = "```sh\n";

/// The machine of a worker who runs Argus: its configuration, its files, and what it noted of them.
struct Machine {
    home: PathBuf,
    bin: PathBuf,
    /// What differs from machine to machine, by the environment: the file stays as Argus has it.
    site: Vec<(&'static str, String)>,
    public: SocketAddr,
}

impl Machine {
    fn new(folder: &Path, network: &Network) -> Self {
        let (home, bin) = (folder.join("home"), folder.join("bin"));
        for path in [home.join("local/data"), home.join("local/cache"), bin.clone()] {
            fs::create_dir_all(path).unwrap();
        }
        for name in ["argosy", "joystream-distributor"] {
            symlink(env!("CARGO_BIN_EXE_argosy"), bin.join(name)).unwrap();
        }
        fs::write(home.join("config.yml"), CONFIG).unwrap();
        let (public, operator, elastic) = (free_address(), free_address(), free_address());
        let site = vec![
            ("JOYSTREAM_DISTRIBUTOR__ENDPOINTS__STORAGE_SQUID", format!("{}/graphql", network.directory())),
            ("JOYSTREAM_DISTRIBUTOR__PUBLIC_API__PORT", public.port().to_string()),
            ("JOYSTREAM_DISTRIBUTOR__OPERATOR_API__PORT", operator.port().to_string()),
            ("JOYSTREAM_DISTRIBUTOR__LOGS__ELASTIC__ENDPOINT", format!("http://{elastic}")),
            ("NODE", format!("http://{operator}")),
        ];
        Self { public, home, bin, site }
    }

    fn assets(&self) -> PathBuf {
        self.home.join("local/data")
    }

    fn cache_json(&self) -> PathBuf {
        self.home.join("local/cache/cache.json")
    }

    /// What `directories.assets` has, by name; a folder there is a mistake.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.assets()).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), fs::read(entry.path()).expect("a plain file"))
            })
            .collect()
    }

    /// Runs the transcripts of a part of the page.
    fn follow(&self, part: &str) {
        transcript::run("moving-in.md", part, &self.home, &self.bin, &self.site);
    }

    /// Runs a command of the page that does not end.
    fn start(&self, command: &str) -> Node {
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec {command}")]).current_dir(&self.home).env("PATH", path);
        shell.envs(self.site.iter().map(|(name, value)| (name, value)));
        let said = self.home.with_file_name("said");
        shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&said).unwrap());
        Node { child: shell.spawn().unwrap(), said }
    }

    fn ask(&self, object: &Value) -> std::io::Result<http::Answer> {
        http::get(&format!("http://{}/api/v1/assets/{}", self.public, text(&object["id"])), None)
    }
}

/// A distributor on its own, killed when dropped.
struct Node {
    child: Child,
    said: PathBuf,
}

impl Node {
    fn assert_alive(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}: {}", fs::read_to_string(&self.said).unwrap());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Notes as Argus writes them: groups from the cheapest, and in each of them the oldest first.
fn cache_json(popularity: &[(&Value, u64)]) -> String {
    let mut groups = vec![json!([]); 24];
    let entry = |(object, uses): &(&Value, u64)| json!([text(&object["id"]), {"popularity": uses, "lastAccessTime": 1_700_000_000_000_u64, "sizeKB": 400}]);
    groups[9] = popularity.iter().map(entry).collect();
    let types: Vec<_> =
        popularity.iter().map(|(object, _)| json!([text(&object["id"]), "video/mp4"])).collect();
    let notes = json!({"lruCacheGroups": groups, "mimeTypeByObjectId": types});
    serde_json::to_string_pretty(&notes).unwrap()
}

#[test]
fn a_worker_moves_in_with_the_files_of_argus_and_back_by_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up_with(&folder.path().join("data"), &["--storage", "1", "--distributors", "3"]);
    let sources: Vec<PathBuf> = (0..5_u8)
        .map(|n| media::noise_file(folder.path(), &format!("film-{n}"), u64::from(n), 400_000))
        .collect();
    let paths: Vec<&Path> = sources.iter().map(PathBuf::as_path).collect();
    let objects = network.put(&paths);
    let bytes: Vec<Vec<u8>> = sources.iter().map(|path| fs::read(path).unwrap()).collect();
    let machine = Machine::new(folder.path(), &network);
    let write = |name: String, bytes: &[u8]| fs::write(machine.assets().join(name), bytes).unwrap();
    // Three are whole, one was cut off, one Argus never had.
    for n in 0..3 {
        write(text(&objects[n]["id"]), &bytes[n]);
    }
    write(text(&objects[3]["id"]), &bytes[3][..100_000]);
    write("notes.txt".to_owned(), b"of the operator\n");
    let noted = cache_json(&[(&objects[0], 9), (&objects[1], 2), (&objects[4], 70)]);
    fs::write(machine.cache_json(), &noted).unwrap();
    let mut expected = machine.files();

    // The command that does not end divides the page.
    let (before, rest) = PAGE.split_once(SHELL).unwrap();
    let (start, rest) = rest.split_once("```\n").unwrap();
    assert!(!rest.contains(SHELL), "a command of the page would not be run");
    let (after, back) = rest.split_once("## Back to Argus").unwrap();
    let (dry, adopt) = before.split_once("## The move").unwrap();

    machine.follow(dry);
    assert_eq!(machine.files(), expected, "a dry run changes nothing");
    machine.follow(adopt);
    let mut node = machine.start(start.trim());
    wait_until("the distributor answers", || {
        node.assert_alive();
        machine.ask(&objects[0]).is_ok_and(|answer| answer.status == 200)
    });
    for n in 0..5 {
        let answer = machine.ask(&objects[n]).unwrap();
        assert!(answer.status == 200 && answer.body == bytes[n], "object {n}: {}", answer.status);
        let cache = answer.header("x-cache").unwrap();
        assert_eq!(cache == "hit", n < 3, "object {n}: {cache}");
    }
    wait_until("all are hits", || {
        objects.iter().all(|object| machine.ask(object).unwrap().header("x-cache") == Some("hit"))
    });
    let logs = machine.home.join("local/logs");
    assert!(fs::read_dir(&logs).unwrap().next().is_some(), "logs.file.path is at the configuration");
    machine.follow(after);
    machine.follow(&format!("## Back to Argus{back}"));
    assert!(node.child.wait().unwrap().success());

    // What came since has a file, too; what Argus had is where and as it was.
    expected.insert(text(&objects[4]["id"]), bytes[4].clone());
    let found = machine.files();
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert_eq!(found, expected);
    assert_eq!(fs::read_to_string(machine.cache_json()).unwrap(), noted);

    // And once more.
    let mut again = argosy();
    again.args(["distribution", "adopt", "--json", "--config", "config.yml"]).current_dir(&machine.home);
    let again = again.envs(machine.site.iter().map(|(name, value)| (name, value))).output().unwrap();
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&report["adopted"], &report["popular"]), (&json!(4), &json!(3)), "{report}");
    network.stop("TERM");
}
