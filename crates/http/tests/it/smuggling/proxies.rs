//! nginx and HAProxy before a server of ours.

use std::{
    fs::{self, File},
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;
use tokio::net::UnixStream;

use super::Seen;
use crate::support::until;

/// Whether a proxy takes a body whole before it sends it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It does, and tells what it was.
    Whole,
    /// It passes on what comes.
    Streamed,
}

/// A program.
pub(super) struct Proxy {
    pub(super) name: &'static str,
    arguments: &'static [&'static str],
    configure: fn(&Path, SocketAddr, Way) -> String,
    /// What lets it finish and end.
    stop: Signal,
    /// Its line of one request.
    read: fn(&Value) -> Option<Seen>,
}

/// As operators have it: connections to us are used again.
pub(super) const NGINX: Proxy = Proxy {
    name: "nginx",
    arguments: &["-e", "stderr", "-c"],
    configure: nginx,
    stop: Signal::QUIT,
    read: |line| {
        let field = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        // The last of several attempts.
        let status = field("upstream");
        let seen = Seen { method: field("method"), target: field("target"), body: field("body") };
        (status.rsplit(", ").next() == Some("200")).then_some(seen)
    },
};

/// As operators have it.
pub(super) const HAPROXY: Proxy = Proxy {
    name: "haproxy",
    arguments: &["-db", "-f"],
    configure: haproxy,
    stop: Signal::USR1,
    read: |line| {
        let field = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let body = hex(&field("body"));
        let seen = Seen { method: field("method"), target: field("target"), body };
        (field("server") == "ours" && field("status") == "200").then_some(seen)
    },
};

/// A proxy at work, ended when dropped.
pub(super) struct RunningProxy {
    program: &'static Proxy,
    child: Child,
    /// Where it listens: no port is taken from anybody.
    pub(super) socket: PathBuf,
    log: PathBuf,
    messages: PathBuf,
}

impl Proxy {
    /// False if it is not installed, which is told. An error where nothing may be left out.
    pub(super) fn is_there(&self, test: &str) -> bool {
        let found = self.command().arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let found = found.is_ok_and(|status| status.success());
        if !found {
            let name = self.name;
            assert!(std::env::var_os("ARGOSY_REQUIRE_TOOLS").is_none(), "{test} needs {name}");
            // Past the capture of the test harness: the person who runs the tests must see it.
            let _ = writeln!(std::io::stderr(), "LEFT OUT: {test}: {name} is not installed");
        }
        found
    }

    fn command(&self) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(self.name);
        command.env("PATH", format!("{path}:/usr/sbin:/sbin")).stdin(Stdio::null());
        command
    }

    /// Starts it in a folder of its own, before our server.
    pub(super) async fn start(&'static self, folder: &Path, server: SocketAddr, way: Way) -> RunningProxy {
        let (socket, log) = (folder.join("socket"), folder.join("log"));
        let (config, messages) = (folder.join("config"), folder.join("messages"));
        fs::write(&config, (self.configure)(folder, server, way)).unwrap();
        let mut command = self.command();
        command.args(self.arguments).arg(&config).current_dir(folder);
        command.stdout(File::create(&log).unwrap()).stderr(File::create(&messages).unwrap());
        let child = command.spawn().unwrap();
        let mut running = RunningProxy { program: self, child, socket, log, messages };
        let at = running.socket.clone();
        until("the proxy listens", || {
            running.assert_alive();
            std::os::unix::net::UnixStream::connect(&at).is_ok()
        })
        .await;
        drop(UnixStream::connect(&at).await.unwrap());
        running
    }
}

impl RunningProxy {
    fn assert_alive(&mut self) {
        let ended = self.child.try_wait().unwrap();
        let said = || fs::read_to_string(&self.messages).unwrap();
        assert!(ended.is_none(), "{} ended with {ended:?}: {}", self.program.name, said());
    }

    /// Lets it finish; gives what it says it has sent on and got answered.
    pub(super) async fn stop(mut self) -> Vec<Seen> {
        kill_process(Pid::from_child(&self.child), self.program.stop).unwrap();
        until("the proxy ends", || self.child.try_wait().unwrap().is_some()).await;
        let log = fs::read(&self.log).unwrap();
        // What was refused may be no text.
        let log = String::from_utf8_lossy(&log);
        let lines = log.lines().filter(|line| line.starts_with('{'));
        let lines =
            lines.map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")));
        lines.filter_map(|line: Value| (self.program.read)(&line)).collect()
    }
}

impl Drop for RunningProxy {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // nginx ends its helpers when it is asked to end, not when it is killed.
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

fn nginx(folder: &Path, server: SocketAddr, way: Way) -> String {
    let at = folder.display();
    let user = if geteuid().is_root() { "user root;" } else { "" };
    let (buffering, body) = match way {
        Way::Whole => ("on", "$request_body"),
        Way::Streamed => ("off", ""),
    };
    format!(
        "daemon off; {user} worker_processes 1; pid {at}/pid; error_log {at}/messages crit;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n\
         client_body_temp_path {at}/body; proxy_temp_path {at}/temp; fastcgi_temp_path {at}/f;\n\
         uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
         log_format seen escape=json '{{\"method\":\"$request_method\",\"target\":\"$request_uri\",\"upstream\":\"$upstream_status\",\"body\":\"{body}\"}}';\n\
         access_log {at}/log seen;\n\
         client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s; lingering_timeout 1s; send_timeout 5s;\n\
         large_client_header_buffers 4 32k; client_body_buffer_size 64k; client_body_in_single_buffer on;\n\
         ignore_invalid_headers off; underscores_in_headers on;\n\
         upstream ours {{ server {server}; keepalive 8; }}\n\
         server {{ listen unix:{at}/socket; location / {{\n\
         proxy_pass http://ours; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_request_buffering {buffering}; proxy_read_timeout 5s;\n\
         }} }} }}\n"
    )
}

fn haproxy(folder: &Path, server: SocketAddr, way: Way) -> String {
    let whole = match way {
        Way::Whole => "option http-buffer-request\n  http-request set-var(txn.body) req.body,hex",
        Way::Streamed => "",
    };
    let at = folder.display();
    // With a second thread it drops a line of its log whenever the first holds the lock for long.
    format!(
        "global\n  nbthread 1\n  log stdout len 65535 format raw local0\n  hard-stop-after 10s\n\
         defaults\n  mode http\n  log global\n  timeout client 1s\n  timeout server 5s\n  timeout connect 5s\n  timeout http-request 1s\n  timeout http-keep-alive 1s\n\
         frontend all\n  bind {at}/socket\n  {whole}\n  \
         log-format '{{\"method\":\"%HM\",\"target\":\"%HU\",\"server\":\"%s\",\"status\":\"%ST\",\"body\":\"%[var(txn.body)]\"}}'\n  \
         default_backend ours\n\
         backend ours\n  http-reuse always\n  server ours {server}\n"
    )
}

/// The text whose bytes these digits are; nothing was seen if there are none.
fn hex(digits: &str) -> String {
    let pairs = digits.as_bytes().chunks_exact(2);
    let bytes: Vec<u8> =
        pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
