//! What is compared: each a process with a cache of its own, begun empty.

use super::{origin::Origin, say};
use crate::{
    bench::http::Connection,
    crash::{
        checks, is_there,
        node::{Node, wait_for},
        room,
    },
};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Nodes that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// Ours.
    Argosy,
    /// As it comes.
    Nginx,
    /// As its manual advises for large objects that are sought in.
    NginxSlices,
    /// As it comes.
    Varnish,
}

impl Kind {
    /// Those whose programs are here.
    pub(super) fn present() -> Vec<Self> {
        let all = [Self::Argosy, Self::Nginx, Self::NginxSlices, Self::Varnish];
        let needs = |kind| match kind {
            Self::Argosy => None,
            Self::Nginx | Self::NginxSlices => Some("nginx"),
            Self::Varnish => Some("varnishd"),
        };
        let (present, absent): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|&kind| needs(kind).is_none_or(is_there));
        for kind in absent {
            say(&format!("SKIPPED: {}: its program is missing", kind.name()));
        }
        present
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Argosy => "Argosy",
            Self::Nginx => "nginx",
            Self::NginxSlices => "nginx, slices of 1 MiB",
            Self::Varnish => "Varnish",
        }
    }

    /// Where an object is there.
    pub(super) fn path(self, id: &str) -> String {
        match self {
            Self::Argosy => format!("/api/v1/assets/{id}"),
            Self::Nginx | Self::NginxSlices | Self::Varnish => format!("/api/v1/files/{id}"),
        }
    }
}

/// A running cache. Ended, and emptied, when dropped.
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) endpoint: String,
    folder: PathBuf,
    process: Process,
}

enum Process {
    Node { _node: Node },
    Other(Child),
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::Other(child) = self {
            // Both end their helpers when asked to end, and not when killed.
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
            let _ = child.wait();
        }
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // What still runs may write a last file; the whole folder goes at the end anyway.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Subject {
    /// Starts a cache of so many bytes in `folder`, which is made anew.
    pub(super) fn start(kind: Kind, origin: &Origin, folder: &Path, cache_bytes: u64) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let endpoint = format!("127.0.0.1:{port}");
        let process = match kind {
            Kind::Argosy => Process::Node { _node: argosy(origin, folder, port, cache_bytes)? },
            Kind::Nginx | Kind::NginxSlices => {
                Process::Other(nginx(origin, folder, port, cache_bytes, kind == Kind::NginxSlices)?)
            }
            Kind::Varnish => Process::Other(varnish(origin, folder, port, cache_bytes)?),
        };
        let mut subject = Self { kind, endpoint, folder: folder.to_owned(), process };
        wait_for("the cache answers", || {
            if let Process::Other(child) = &mut subject.process
                && let Some(status) = child.try_wait()?
            {
                let log = fs::read_to_string(subject.folder.join("log"))?;
                bail!("{} ended with {status}: {log}", kind.name());
            }
            Ok(Connection::open(&subject.endpoint).ok())
        })?;
        Ok(subject)
    }
}

impl Subject {
    /// Bytes that it holds.
    pub(super) fn held(&self) -> Result<u64> {
        match self.kind {
            Kind::Argosy => bytes_below(&self.folder.join("assets")),
            Kind::Nginx | Kind::NginxSlices => bytes_below(&self.folder.join("cache")),
            Kind::Varnish => {
                let mut command = Command::new("varnishstat");
                command.arg("-n").arg(self.folder.join("state")).args(["-1", "-f", "SMA.s0.g_bytes"]);
                let output = command.output().context("cannot run varnishstat")?;
                let text = String::from_utf8(output.stdout)?;
                Ok(text.split_whitespace().nth(1).context("varnishstat says nothing")?.parse()?)
            }
        }
    }
}

/// Lengths of all files in a folder.
fn bytes_below(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // It may go in this moment.
        sum += if path.is_dir() { bytes_below(&path)? } else { fs::metadata(&path).map_or(0, |it| it.len()) };
    }
    Ok(sum)
}

/// Writes the configuration of a distributor with a cache of so many bytes in `folder`, and `more` after it.
pub(crate) fn configure(
    origin: &Origin,
    folder: &Path,
    port: u16,
    cache_bytes: u64,
    more: &str,
) -> Result<PathBuf> {
    let data = origin.network.folder.join("data");
    let text = fs::read_to_string(data.join("distributor-0/config.yml"))?;
    let mut config = String::new();
    let mut in_operator = false;
    for line in text.lines() {
        let key = line.trim().split(':').next().unwrap_or_default();
        in_operator = if line.starts_with(' ') { in_operator } else { key == "operatorApi" };
        if in_operator {
            continue;
        }
        let line = match key {
            "assets" | "cacheState" => format!("  {key}: {}", folder.join(key).display()),
            "genesis" => format!("genesis: {}", data.join("genesis.json").display()),
            "storage" => format!("  storage: {cache_bytes}"),
            "port" => format!("  port: {port}"),
            _ => line.to_owned(),
        };
        config.push_str(&line);
        config.push('\n');
    }
    config.push_str(more);
    let path = folder.join("config.yml");
    fs::write(&path, config)?;
    Ok(path)
}

fn argosy(origin: &Origin, folder: &Path, port: u16, cache_bytes: u64) -> Result<Node> {
    // The others fetch nothing before they are asked either.
    let path = configure(origin, folder, port, cache_bytes, "prefetch:\n  policy: none\n")?;
    let node = Node::start(&origin.program, "distribution", &path, format!("127.0.0.1:{port}"))?;
    wait_until_followed(origin, &node.endpoint)?;
    Ok(node)
}

/// Waits until a distributor knows all that the directory knows now.
pub(crate) fn wait_until_followed(origin: &Origin, endpoint: &str) -> Result<()> {
    let height = origin.height()?;
    let mut connection = Connection::open(endpoint)?;
    wait_for("the distributor follows the directory", || {
        let status = checks::json(&mut connection, "/api/v1/status")?;
        Ok((status["directory"]["height"].as_u64() >= Some(height)).then_some(()))
    })
}

fn nginx(origin: &Origin, folder: &Path, port: u16, cache_bytes: u64, slices: bool) -> Result<Child> {
    let (key, more) = if slices {
        ("$uri$slice_range", "slice 1m; proxy_set_header Range $slice_range;")
    } else {
        ("$uri", "")
    };
    let at = folder.display();
    let text = format!(
        "daemon off; master_process on; worker_processes 2; pid {at}/pid; error_log {at}/error.log warn;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n\
         access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000;\n\
         client_body_temp_path {at}/body; proxy_temp_path {at}/temp; fastcgi_temp_path {at}/f;\n\
         uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
         proxy_cache_path {at}/cache levels=1:2 keys_zone=edge:20m max_size={cache_bytes} inactive=1d use_temp_path=off;\n\
         upstream origin {{ server {}; keepalive 32; }}\n\
         server {{ listen 127.0.0.1:{port} backlog=1024; location / {{\n\
         proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_cache edge; proxy_cache_key {key}; proxy_cache_valid 200 206 1d;\n\
         proxy_cache_lock on; proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s;\n\
         add_header X-Cache $upstream_cache_status; {more}\n\
         }} }} }}\n",
        origin.authority()
    );
    let config = folder.join("nginx.conf");
    // Its workers may run as somebody else.
    fs::write(&config, if room::is_root() { format!("user root;\n{text}") } else { text })?;
    let mut command = Command::new("nginx");
    command.args(["-e", "stderr", "-c"]).arg(&config).arg("-p").arg(folder);
    begin(&mut command, folder)
}

fn varnish(origin: &Origin, folder: &Path, port: u16, cache_bytes: u64) -> Result<Child> {
    let (host, origin_port) = origin.authority().split_once(':').context("no port")?;
    let text = format!(
        "vcl 4.1;\n\
         backend default {{ .host = \"{host}\"; .port = \"{origin_port}\"; }}\n\
         sub vcl_backend_response {{ set beresp.ttl = 1d; set beresp.grace = 0s; set beresp.do_gzip = false; }}\n\
         sub vcl_deliver {{ if (obj.hits > 0) {{ set resp.http.X-Cache = \"hit\"; }}\n\
         else {{ set resp.http.X-Cache = \"miss\"; }} }}\n"
    );
    let config = folder.join("edge.vcl");
    fs::write(&config, text)?;
    let mut command = Command::new("varnishd");
    command
        .args(["-F", "-j", "none", "-n"])
        .arg(folder.join("state"))
        .args(["-a", &format!("127.0.0.1:{port}"), "-f"])
        .arg(&config)
        .args(["-s", &format!("malloc,{cache_bytes}b"), "-p", "nuke_limit=1000000"]);
    begin(&mut command, folder)
}

fn begin(command: &mut Command, folder: &Path) -> Result<Child> {
    let log = fs::File::create(folder.join("log"))?;
    command.env("PATH", room::path_with_sbin()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().with_context(|| format!("cannot run {command:?}"))
}
