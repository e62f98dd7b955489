//! Commands that look at the directory, on a small network; completion; man pages.

use crate::network::{Network, argosy, text, wait_until};
use serde_json::Value;
use std::{
    env,
    path::Path,
    process::{Command, Output},
};

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command prints for people, which must be something.
fn plain(network: &Network, line: &str) -> String {
    let output = network.run(&line.split(' ').collect::<Vec<_>>());
    let printed = out(&output);
    assert!(!printed.contains('\u{1b}'), "colours in a pipe: {printed:?}");
    printed
}

fn json(network: &Network, line: &str) -> Value {
    let line = format!("{line} --json");
    let printed = out(&network.run(&line.split(' ').collect::<Vec<_>>()));
    assert_eq!(printed.lines().count(), 1, "{line}: {printed}");
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{line}: {error} in {printed}"))
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().expect("an array").iter().map(|item| text(&item["id"])).collect()
}

/// A network with two objects in a channel's bag, served everywhere.
fn network(folder: &Path) -> (Network, Vec<Value>) {
    let network = Network::up(&folder.join("data"));
    let (first, second) = (folder.join("first.bin"), folder.join("second.bin"));
    std::fs::write(&first, vec![1; 100_000]).unwrap();
    std::fs::write(&second, vec![2; 5]).unwrap();
    let mut command = network.command(&["put", "--json", "--wait", "served"]);
    let output = command.args([first, second]).output().unwrap();
    out(&output);
    let objects = crate::network::objects(&output.stdout);
    (network, objects)
}

#[test]
fn what_the_directory_knows_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let (network, objects) = network(folder.path());
    let bag = text(&objects[0]["bag"]);
    lists_and_filters(&network, &bag);
    single_things(&network, &bag, &text(&objects[0]["id"]));
    transactions(&network, &bag);
    refusals(&network);
    network.stop("TERM");
}

fn lists_and_filters(network: &Network, bag: &str) {
    assert_eq!(ids(&json(network, "buckets list storage")), ["0", "1"]);
    assert_eq!(ids(&json(network, "buckets")), ["0", "1", "0:0", "0:1", "1:0"]);
    assert_eq!(ids(&json(network, "bucket list --family 0")), ["0:0", "0:1"]);
    assert_eq!(ids(&json(network, "buckets list distribution --mode off")), Vec::<String>::new());
    assert_eq!(ids(&json(network, "buckets list --accepting yes --operator 1")), ["0", "0:0"]);
    assert_eq!(ids(&json(network, "buckets list --without-operator")), Vec::<String>::new());
    assert_eq!(ids(&json(network, "buckets list storage --from 1")), ["1"]);
    assert_eq!(ids(&json(network, "bags list --empty no")), [bag]);
    assert_eq!(ids(&json(network, "bags list --kind channel --storage-bucket 1")), [bag]);
    assert_eq!(ids(&json(network, "families")), ["0", "1"]);
    assert_eq!(ids(&json(network, "workers list --group distribution")), ["0", "1", "2", "3"]);
    assert_eq!(ids(&json(network, "channels list --owner 0")).len(), 1);
    assert_eq!(ids(&json(network, "channels list --owner 1")), Vec::<String>::new());
    assert_eq!(ids(&json(network, "members list --limit 2")), ["0", "1"]);
    assert_eq!(ids(&json(network, &format!("objects list --bag {bag} --accepted yes"))).len(), 2);
    for empty in ["openings", "applications", "proposals", "releases", "blacklist", "resignations"] {
        assert_eq!(json(network, empty), Value::Array(Vec::new()), "{empty}");
        assert_eq!(plain(network, empty), "", "{empty}");
    }
    assert_eq!(json(network, "groups").as_array().unwrap().len(), 3);
    for list in ["bags", "buckets", "families", "workers", "groups", "channels", "members"] {
        let table = plain(network, list);
        assert!(table.lines().count() > 1 && table.starts_with(|c: char| c.is_ascii_uppercase()), "{table}");
    }
    let output = network.run(&["members", "list", "--limit", "3"]);
    assert_eq!(out(&output).lines().count(), 4);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--from 3"));
    assert!(plain(network, "members list --from 3 --limit 1").contains("\n3 "));
}

fn single_things(network: &Network, bag: &str, object: &str) {
    for (line, expected) in [
        ("bucket show 1", "storage bucket"),
        ("buckets show 0:1", "distribution bucket"),
        ("family show 1", "latency test targets"),
        ("worker show distribution:1", "reward per period"),
        ("group show storage", "lead account"),
        ("member show alice", "root account"),
        ("council", "approvals needed"),
        ("policy", "channel"),
        ("limits", "largest data object"),
        ("fees", "bond per object"),
        (&format!("object show {object}"), "claim to hold it"),
    ] {
        assert!(plain(network, line).contains(expected), "{line}");
        assert!(json(network, line).is_object() || line == "policy", "{line}");
    }
    assert_eq!(json(network, "worker show storage:1")["id"], "1");
    let bags = json(network, "bags list --empty no");
    let channel = text(&bags[0]["id"]).rsplit(':').next().unwrap().to_owned();
    assert_eq!(json(network, &format!("channel show {channel}"))["owner"], "0");
    let content = text(&json(network, &format!("object show {object}"))["contentId"]);
    assert_eq!(json(network, &format!("blacklist show {content}"))["blacklisted"], false);
    drawing(network, bag);
}

fn drawing(network: &Network, bag: &str) {
    let show = format!("bag show {bag}");
    // Since when is known from an index, which is fed a moment later.
    let cells = |shown: &Value, kind: &str| -> Vec<Value> {
        let objects = shown["objects"].as_array().unwrap();
        objects.iter().flat_map(|object| object[kind].as_array().unwrap().clone()).collect()
    };
    let known = |shown: &Value| {
        let all = [cells(shown, "storage"), cells(shown, "distribution")].concat();
        all.len() == 10 && all.iter().all(|cell| cell["sinceMs"].is_u64())
    };
    wait_until("everybody holds and serves, and since when is known", || known(&json(network, &show)));
    let shown = json(network, &format!("{show} --check"));
    assert!(cells(&shown, "storage").iter().all(|cell| cell["state"] == "held" && cell["answer"] == "yes"));
    let served = |cell: &Value| {
        cell["state"] == "served" && ["hit", "miss", "fetching"].contains(&cell["answer"].as_str().unwrap())
    };
    assert!(cells(&shown, "distribution").iter().all(served), "{shown}");
    assert_eq!(shown["bag"]["id"], bag);
    assert_eq!(shown["assignedMs"].as_object().unwrap().len(), 5);

    let mut command = network.command(&show.split(' ').collect::<Vec<_>>());
    let drawn = out(&command.env("LC_ALL", "C.UTF-8").output().unwrap());
    assert!(drawn.contains("STORAGE") && drawn.contains("✓ ") && drawn.contains("● "), "{drawn}");
    assert!(drawn.contains("(alice)") && drawn.contains("1:0"), "{drawn}");
    let mut command = network.command(&show.split(' ').collect::<Vec<_>>());
    let drawn = out(&command.env("LC_ALL", "C").env("FORCE_COLOR", "1").output().unwrap());
    assert!(drawn.is_ascii() && drawn.contains("\u{1b}[32m+ "), "{drawn}");
    assert_eq!(json(network, "bag show static:council")["objects"], Value::Array(Vec::new()));
}

fn transactions(network: &Network, bag: &str) {
    let mine = json(network, "tx list --account //Alice");
    let created = mine.as_array().unwrap().iter().find(|record| record["call"] == "content.createChannel");
    let hash = text(&created.expect("the channel was created")["hash"]);
    let page = plain(network, &format!("tx show {hash}"));
    for part in ["create channel", "succeeded", "event: dynamic bag created", bag] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let shown = json(network, &format!("tx show 0x{hash}"));
    assert_eq!(shown["signed"]["call"], "content.createChannel");
    assert_eq!(text(&shown["receipt"]["hash"]), hash);
    let led = json(network, "tx list --group distribution --call createDistributionBucketFamily");
    assert_eq!(led.as_array().unwrap().len(), 2, "{led}");
    assert_eq!(json(network, "tx list --group storage --result failed"), Value::Array(Vec::new()));
    let pages: Vec<String> = {
        let all = json(network, "tx list --group storage");
        all.as_array().unwrap().iter().map(|record| text(&record["hash"])).collect()
    };
    let output = network.run(&["tx", "list", "--group", "storage", "--limit", "2", "--json"]);
    let note = String::from_utf8(output.stderr).unwrap();
    let next = note.split("--from ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let rest = json(network, &format!("tx list --group storage --from {next}"));
    let rest: Vec<_> = rest.as_array().unwrap().iter().map(|record| text(&record["hash"])).collect();
    assert_eq!(rest, pages[2..]);
}

fn refusals(network: &Network) {
    for (line, code, what) in [
        ("bucket show 77", 1, "STORAGE_BUCKET_DOESNT_EXIST"),
        ("worker show storage:77", 1, "NOT_FOUND"),
        ("bag show dynamic:channel:77", 1, "BAG_DOESNT_EXIST"),
        ("proposal show 0", 1, "NOT_FOUND"),
        ("objects", 2, "--bag"),
        ("tx", 2, "--account"),
        ("buckets storage --mode on", 2, "--mode"),
        ("member show \u{1b}[2J", 2, "handle"),
    ] {
        let output = network.run(&line.split(' ').collect::<Vec<_>>());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(
            said.contains(what) && said.lines().count() == 1 && !said.contains('\u{1b}'),
            "{line}: {said}"
        );
    }
    let output = argosy().args(["fees", "--json", "--directory", "http://127.0.0.1:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["code"], "NO_ANSWER");
}

/// A shell that finds the program on its path, if there is such a shell.
fn shell(name: &str) -> Option<Command> {
    let there = Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    let program = Path::new(env!("CARGO_BIN_EXE_argosy")).parent().unwrap();
    let path = env::var("PATH").unwrap_or_default();
    let mut command = Command::new(name);
    command.env("PATH", format!("{}:{path}", program.display())).env_remove("ARGOSY_DIRECTORY");
    there.then_some(command)
}

/// Lines, cut into words as Bash cuts them, and what completes their last word.
const BASH: &str = r#"
source <(argosy completion bash)
while IFS= read -r line; do
    spaced=${line//:/ : }
    COMP_LINE=$line COMP_POINT=${#line} COMP_WORDS=(${spaced//=/ = })
    [[ $line == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _complete_argosy argosy "${COMP_WORDS[COMP_CWORD]}" ''
    echo "${COMPREPLY[*]}"
done
"#;

const FISH: &str = r#"
argosy completion fish | source
while read -l line
    echo (complete -C $line | string replace -r '\t.*' '')
end
"#;

/// The script defines a function that zsh calls with `words` and `CURRENT`, and that calls `_describe`.
const ZSH: &str = r#"
compdef() {}
_describe() { found+=("${(@P)3}") }
source <(argosy completion zsh)
while IFS= read -r line; do
    words=("${(@s: :)line}") found=()
    CURRENT=${#words}
    _clap_dynamic_completer_argosy
    plain=()
    for one in "${found[@]}"; do
        one=${one//\\:/@}
        plain+=("${${one%%:*}//@/:}")
    done
    echo "${plain[*]}"
done
"#;

fn completed(shell: &mut Command, script: &str, directory: &str, lines: &[&str]) -> Vec<String> {
    use std::{io::Write as _, process::Stdio};
    let mut process = shell
        .args(["-c", script])
        .env("ARGOSY_DIRECTORY", directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(format!("{}\n", lines.join("\n")).as_bytes()).unwrap();
    drop(stdin);
    out(&process.wait_with_output().unwrap()).lines().map(str::to_owned).collect()
}

#[test]
fn shells_complete_what_the_directory_has() {
    let folder = tempfile::tempdir().unwrap();
    let (network, objects) = network(folder.path());
    let bag = text(&objects[0]["bag"]);
    let (nobody, line) = ("http://127.0.0.1:1", format!("argosy bag show {}", &bag[..12]));
    let lines = [
        "argosy bucke",
        "argosy bags list --storage-bucket=",
        "argosy bucket show 0:",
        "argosy worker show distribution:",
        &line,
        "argosy workers list --group dis",
        "argosy completion z",
        "argosy distribution leader delete-bucket -B 0:",
        "argosy storage leader invite-operator -w ",
    ];
    for (name, script) in [("bash", BASH), ("fish", FISH), ("zsh", ZSH)] {
        let Some(mut shell) = shell(name) else {
            println!("{name} is not installed: its completion is not tried");
            continue;
        };
        // A busy machine may make the directory too slow for somebody who types; then nothing is offered.
        let mut found = Vec::new();
        wait_until("the directory answers in time", || {
            found = completed(&mut shell_again(name), script, &network.directory(), &lines);
            found.len() == lines.len() && found.iter().all(|words| !words.is_empty())
        });
        let words: Vec<Vec<&str>> = found.iter().map(|words| words.split(' ').collect()).collect();
        let behind_colon = |word: &str| word.rsplit(':').next().unwrap_or_default().to_owned();
        let tails = |at: usize| -> Vec<String> { words[at].iter().map(|word| behind_colon(word)).collect() };
        assert_eq!(words[0], ["buckets"], "{name}");
        assert!(
            words[1].len() == 2 && words[1].iter().all(|word| word.ends_with(['0', '1'])),
            "{name} {found:?}"
        );
        assert_eq!(tails(2), ["0", "1"], "{name}");
        assert_eq!(tails(3), ["0", "1", "2", "3"], "{name}");
        assert_eq!(tails(4), [behind_colon(&bag)], "{name}");
        assert_eq!(words[5], ["distribution"], "{name}");
        assert_eq!(words[6], ["zsh"], "{name}");
        assert_eq!(tails(7), ["0", "1"], "{name}");
        assert_eq!(words[8], ["0", "1", "2", "3"], "{name}");
        let silent = completed(&mut shell, script, nobody, &["argosy bucket show 0", "argosy bucke"]);
        assert_eq!(silent.last().map(String::as_str), Some("buckets"), "{name}: {silent:?}");
    }
    network.stop("TERM");
}

fn shell_again(name: &str) -> Command {
    shell(name).expect("it was there a moment ago")
}

#[test]
fn man_pages_are_set_without_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    out(&argosy().args(["man", "--out"]).arg(&pages).output().unwrap());
    let mut names: Vec<_> = std::fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() > 60, "{} pages", names.len());
    let has_mandoc = Command::new("mandoc").args(["-T", "lint", "/dev/null"]).output().is_ok();
    for name in &names {
        let page = std::fs::read_to_string(name).unwrap();
        assert!(page.contains(".SH NAME") && page.len() > 200, "{}", name.display());
        if has_mandoc {
            let set = Command::new("mandoc").args(["-T", "utf8", "-W", "error"]).arg(name).output().unwrap();
            let text = String::from_utf8_lossy(&set.stdout);
            let complaint = String::from_utf8_lossy(&set.stderr);
            assert!(set.status.success() && text.len() > 200, "{}: {complaint}", name.display());
        }
    }
    let shown = std::fs::read_to_string(pages.join("argosy-buckets-list.1")).unwrap();
    assert!(shown.contains(".SH EXAMPLES\n.nf\n\\&  argosy buckets list\n"), "{shown}");
}
