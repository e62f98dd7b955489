//! A network under test: `argosy up` as a process on free ports.

use crate::{http, ports};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// Longest that a test waits for a state.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// The program, without a network.
pub(crate) fn argosy() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_argosy"));
    command.env_remove("ARGOSY_DIRECTORY").stdin(Stdio::null());
    command
}

/// Waits until `state` holds.
pub(crate) fn wait_until(what: &str, mut state: impl FnMut() -> bool) {
    let started = Instant::now();
    while !state() {
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain until {what}");
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "between two looks at a state that is waited for")]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

/// A running `argosy up`, killed when dropped.
pub(crate) struct Network {
    process: Child,
    pub(crate) data: PathBuf,
    pub(crate) ready: Value,
}

impl Network {
    /// Starts with the defaults and ports of its own, or goes on with what is in `data`.
    pub(crate) fn up(data: &Path) -> Self {
        Self::up_with(data, &[])
    }

    /// The same with more arguments.
    pub(crate) fn up_with(data: &Path, arguments: &[&str]) -> Self {
        let mut command = argosy();
        command.args(["up", "--json", "--data"]).arg(data).args(arguments);
        if !data.join("genesis.json").exists() {
            command.args(["--port-base", &ports::base().to_string()]);
        }
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("argosy up starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout is piped"))
            .read_line(&mut line)
            .expect("argosy up says when it is ready");
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("argosy up printed {line:?} ({error}); {:?}", process.wait()));
        Self { process, data: data.to_path_buf(), ready }
    }

    pub(crate) fn directory(&self) -> String {
        text(&self.ready["directory"])
    }

    pub(crate) fn storage(&self) -> Vec<String> {
        endpoints(&self.ready["storage"])
    }

    pub(crate) fn distributors(&self) -> Vec<String> {
        endpoints(&self.ready["distributors"])
    }

    /// `argosy ARGUMENTS`, talking to this network.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("argosy starts")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = argosy();
        command.args(arguments).env("ARGOSY_DIRECTORY", self.directory());
        command
    }

    /// `argosy put FILE --json`, which must succeed; gives the objects' descriptions.
    pub(crate) fn put(&self, files: &[&Path]) -> Vec<Value> {
        let mut command = self.command(&["put", "--json"]);
        let output = command.args(files).output().expect("argosy starts");
        assert!(output.status.success(), "put: {}", String::from_utf8_lossy(&output.stderr));
        objects(&output.stdout)
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("the process is there");
        self.process.wait().expect("the process is ours");
    }

    /// Asks to stop, as Ctrl-C or a service manager does; it must end without an error, so that nothing had to be cut
    /// off after the 4.5 s that it has.
    pub(crate) fn stop(mut self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.process.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        let status = self.process.wait().expect("the process is ours");
        assert!(status.success(), "stopped with {status}");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The objects in the output of `put --json`.
pub(crate) fn objects(stdout: &[u8]) -> Vec<Value> {
    let value: Value = serde_json::from_slice(stdout)
        .unwrap_or_else(|error| panic!("put --json printed {:?}: {error}", String::from_utf8_lossy(stdout)));
    value["objects"].as_array().expect("put --json lists objects").clone()
}

/// A JSON text or number, as text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn endpoints(list: &Value) -> Vec<String> {
    list.as_array().expect("a list of nodes").iter().map(|node| text(&node["endpoint"])).collect()
}

/// `GET endpoint/api/v1/status`.
pub(crate) fn status(endpoint: &str) -> Value {
    http::get(&format!("{endpoint}/api/v1/status"), None).expect("the node answers").json()
}

/// URL of an object at a distributor.
pub(crate) fn asset(endpoint: &str, object: &Value) -> String {
    format!("{endpoint}/api/v1/assets/{}", text(&object["id"]))
}
