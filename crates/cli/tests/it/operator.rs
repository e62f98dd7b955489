//! What the operator of a distributor does: looks at its configuration, and changes it while it runs.

use crate::{
    http,
    network::{Network, argosy, wait_until},
};
use std::{
    fs,
    path::Path,
    process::{Child, Output, Stdio},
};

/// A distributor on its own, killed when dropped.
struct Distributor(Child);

impl Distributor {
    fn start(config: &Path) -> Self {
        let mut command = argosy();
        command.args(["distribution", "start", "--config"]).arg(config);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the node starts"))
    }
}

impl Drop for Distributor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(arguments: &[&str]) -> Output {
    argosy().args(arguments).output().expect("argosy starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn shown(config: &str) -> serde_json::Value {
    let output = run(&["config", "show", config, "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn an_operator_changes_a_running_distributor() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    Network::up(&data).stop("TERM");
    let path = data.join("distributor-0/config.yml");
    let config = path.to_str().unwrap();
    let values = shown(config)["values"].clone();
    let endpoint = |section: &str| format!("http://127.0.0.1:{}", values[section]["port"]);
    let (public, url) = (endpoint("publicApi"), endpoint("operatorApi"));
    let answers = || http::get(&format!("{public}/api/v1/buckets"), None);
    let buckets = || serde_json::from_slice::<serde_json::Value>(&answers().unwrap().body).unwrap();

    let mut node = Distributor::start(&path);
    wait_until("the distributor answers", || answers().is_ok());
    let command = |action: &str, more: &[&str]| {
        let first = ["distribution", "node", action, "-u", &url];
        run(&[&first, more].concat())
    };
    let done = |output: Output| {
        let said = stderr(&output);
        assert!(output.status.success() && said.contains("CLI info: Request successful"), "{said}");
        assert!(output.stdout.is_empty(), "nothing is a result");
    };
    let own = ["--config", config];
    assert_eq!(buckets(), serde_json::json!({"allByWorkerId": 1}));
    done(command("set-worker", &[&own[..], &["-w", "7"]].concat()));
    assert_eq!(buckets(), serde_json::json!({"allByWorkerId": 7}));
    done(command("set-buckets", &[&own[..], &["-B", "0:0", "1:2"]].concat()));
    assert_eq!(buckets(), serde_json::json!({"bucketIds": ["0:0", "1:2"]}));
    done(command("set-buckets", &[&own[..], &["--all"]].concat()));
    assert_eq!(buckets(), serde_json::json!({"allByWorkerId": 7}));
    done(command("stop-public-api", &own));
    assert!(answers().is_err());
    let output = command("stop-public-api", &own);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains(r#"Request failed: {"message":"Already stopped"}"#),
        "{}",
        stderr(&output)
    );
    done(command("start-public-api", &own));
    assert_eq!(buckets(), serde_json::json!({"allByWorkerId": 7}));

    let output = command("shutdown", &["--secret", "wrong"]);
    assert!(stderr(&output).contains("OPERATOR_TOKEN_SIGNATURE") && output.status.code() == Some(1));
    done(command("shutdown", &own));
    assert!(node.0.wait().unwrap().success(), "it ends as it does on SIGTERM");
    let output = command("shutdown", &own);
    assert!(stderr(&output).contains("Request failed: cannot connect"), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn requests_are_logged_as_argus_logs_them_once_the_operator_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    Network::up(&data).stop("TERM");
    let path = data.join("distributor-0/config.yml");
    // Nobody is there whom lines could be sent to: no request is the worse for it.
    let more = "logs:\n  file: {level: info, path: logs, archive: true}\n  elastic: {level: http, endpoint: 'http://127.0.0.1:1'}\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + more).unwrap();
    let config = path.to_str().unwrap();
    let values = shown(config)["values"].clone();
    let endpoint = |section: &str| format!("http://127.0.0.1:{}", values[section]["port"]);
    let (public, url) = (endpoint("publicApi"), endpoint("operatorApi"));
    let _node = Distributor::start(&path);
    let ask = |path: &str| http::get(&format!("{public}{path}"), None);
    wait_until("the distributor answers", || ask("/api/v1/assets/404404").is_ok());
    let logs = path.with_file_name("logs");
    let lines = || -> Vec<serde_json::Value> {
        let file = fs::read_dir(&logs).unwrap().next().unwrap().unwrap();
        assert!(file.file_name().to_string_lossy().starts_with("argus-20"), "{file:?}");
        let text = fs::read_to_string(file.path()).unwrap();
        // The last line may still be on its way.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let asked = |line: &serde_json::Value| line["meta"]["req"]["url"] == "/api/v1/assets/404404";
    assert!(!lines().iter().any(asked), "not at the level info");
    let level = ["--output", "file", "--level", "http", "--config", config];
    let output = run(&[&["distribution", "node", "log-level", "-u", &url][..], &level].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    ask("/api/v1/assets/404404?secret=hush").unwrap();
    wait_until("the line", || lines().iter().any(asked));
    let all = lines();
    let line = all.iter().find(|line| asked(line)).unwrap();
    assert_eq!((&line["log.level"], &line["label"]), (&"http".into(), &"PublicApi".into()));
    assert_eq!(line["message"], "HTTP GET /api/v1/assets/404404");
    assert_eq!(
        (&line["meta"]["res"]["statusCode"], &line["http"]["response"]["status_code"]),
        (&404.into(), &404.into())
    );
    assert_eq!(
        (&line["client"]["address"], &line["service"]["node"]["name"]),
        (&"127.0.0.0".into(), &"distributor-0".into())
    );
    assert_eq!(
        (&line["event"]["outcome"], &line["meta"]["prematurelyClosed"]),
        (&"success".into(), &false.into())
    );
    assert!(!all.iter().any(|line| line.to_string().contains("hush")), "queries may hold secrets");
}

#[test]
fn a_network_goes_on_without_a_distributor_that_its_operator_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let network = Network::up(&data);
    let path = data.join("distributor-0/config.yml");
    let config = path.to_str().unwrap();
    let url = format!("http://127.0.0.1:{}", shown(config)["values"]["operatorApi"]["port"]);
    let output = run(&["distribution", "node", "shutdown", "-u", &url, "--config", config]);
    assert!(output.status.success(), "{}", stderr(&output));
    let endpoints = network.distributors();
    let answers = |endpoint: &str| http::get(&format!("{endpoint}/api/v1/buckets"), None).is_ok();
    wait_until("the distributor has gone", || !answers(&endpoints[0]));
    assert!(answers(&endpoints[1]) && answers(&endpoints[2]));
    // Ends well all the same, which it does not once it has failed.
    network.stop("TERM");
}

#[test]
fn a_configuration_is_checked_and_shown_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yml");
    let config = path.to_str().unwrap();
    let text = "id: d\nendpoints:\n  storageSquid: http://a:1/graphql\ndirectories: {assets: a, cacheState: c}\n\
        limits:\n  storage: 30G\npublicApi:\n  port: 3334\noperatorApi:\n  port: 3335\n  hmacSecret: hush-hush\n\
        workerId: 1\nkeys:\n  - suri: //Alice\n";
    fs::write(&path, text).unwrap();
    let output = run(&["config", "check", config]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("a configuration of a distributor"));

    let mut command = argosy();
    command.args(["config", "show", config]).env("JOYSTREAM_DISTRIBUTOR__LIMITS__STORAGE", "40G");
    let output = command.output().unwrap();
    let yaml = String::from_utf8(output.stdout).unwrap();
    for line in [
        "  storage: \"40G\"    # $JOYSTREAM_DISTRIBUTOR__LIMITS__STORAGE",
        "  - suri: //Alice    # ",
        "  host: \"0.0.0.0\"    # default",
        "  hmacSecret: \"(hidden)\"    # ",
    ] {
        assert!(yaml.contains(line), "{line}: {yaml}");
    }
    assert!(!yaml.contains("hush"));
    let shown = shown(config);
    assert_eq!(shown["values"]["limits"]["storage"], "30G");
    assert_eq!(shown["origins"]["limits.storage"], format!("{config}:6"));
    assert!(!shown.to_string().contains("hush"));

    fs::write(&path, text.replace("30G", "30GB").replace("workerId", "worker")).unwrap();
    let output = run(&["config", "check", config]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    let first = format!("argosy: {config}:6:12: limits.storage is \"30GB\"; expected");
    assert!(said.starts_with(&first), "{said}");
    assert!(said.contains("; and one more problem") && said.contains("6 |   storage: 30GB"), "{said}");
    assert!(said.contains(":12:1: worker is no known key; expected workerId"), "{said}");
}
