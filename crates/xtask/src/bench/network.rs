//! A network to measure: the release program on free ports, with data of its own.

use crate::bench::http::Connection;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Ports are tried from here on. Below those that the system gives to whoever connects: they must be free
/// each time that a node starts.
const FIRST_PORT: u16 = 11_000;
/// Ports that `argosy up` spreads a small network over, and some more.
const PORTS: u16 = 220;
const PORT_TRIES: u16 = 80;

pub(crate) struct Network {
    process: Child,
    program: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) directory: String,
    pub(crate) storage: Vec<String>,
    pub(crate) distributors: Vec<String>,
    pub(crate) until_ready: Duration,
}

impl Network {
    /// Builds the program if need be, and starts it in a fresh folder under `target`.
    pub(crate) fn start(root: &Path) -> Result<Self> {
        Self::start_in(&Self::build(root)?, &root.join("target/bench-network"), &["--port-base", "0"])
    }

    /// The release program, built if need be.
    pub(crate) fn build(root: &Path) -> Result<PathBuf> {
        let built = Command::new("cargo").args(["build", "--release", "-q"]).current_dir(root).status()?;
        if !built.success() {
            bail!("cargo build --release failed");
        }
        Ok(root.join("target/release/argosy"))
    }

    /// Starts a network of `program` in `folder`, which is made anew, with more arguments of `argosy up`.
    pub(crate) fn start_in(program: &Path, folder: &Path, arguments: &[&str]) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let started = Instant::now();
        let mut process = Command::new(program)
            .args(["up", "--json", "--data"])
            .arg(folder.join("data"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start argosy up")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no stdout")?).read_line(&mut line)?;
        let until_ready = started.elapsed();
        let ready: Value = serde_json::from_str(&line).context("argosy up did not become ready")?;
        let endpoints = |list: &Value| -> Vec<String> {
            list.as_array()
                .into_iter()
                .flatten()
                .filter_map(|node| Some(node["endpoint"].as_str()?.to_owned()))
                .collect()
        };
        Ok(Self {
            process,
            program: program.to_owned(),
            folder: folder.to_owned(),
            directory: ready["directory"].as_str().context("no directory")?.to_owned(),
            storage: endpoints(&ready["storage"]),
            distributors: endpoints(&ready["distributors"]),
            until_ready,
        })
    }

    /// The same on ports that stay free while the nodes are away; gives one more such port.
    pub(crate) fn start_at_rest(program: &Path, folder: &Path, arguments: &[&str]) -> Result<(Self, u16)> {
        // Runs beside each other begin at different places.
        let first = u16::try_from(std::process::id() % u32::from(PORT_TRIES))?;
        for attempt in 0..PORT_TRIES {
            let base = FIRST_PORT + (first + attempt) % PORT_TRIES * PORTS;
            let (own, base) = (base + PORTS - 1, base.to_string());
            let arguments = [arguments, &["--port-base", &base]].concat();
            if TcpListener::bind(("127.0.0.1", own)).is_ok()
                && let Ok(network) = Self::start_in(program, folder, &arguments)
            {
                return Ok((network, own));
            }
        }
        bail!("a network cannot be started on any ports")
    }

    /// The release program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Stops everything, and starts the directory node alone.
    pub(crate) fn keep_directory_only(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        self.process = Command::new(&self.program)
            .args(["directory", "start", "--config"])
            .arg(self.folder.join("data/directory/directory.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the directory node")?;
        let started = Instant::now();
        while Connection::open(&self.directory).is_err() {
            if let Some(status) = self.process.try_wait()? {
                bail!("the directory node ended: {status}");
            }
            if started.elapsed() > Duration::from_secs(60) {
                bail!("the directory node does not answer");
            }
        }
        Ok(())
    }

    /// A file of bytes that do not compress.
    pub(crate) fn file(&self, name: &str, seed: u64, bytes: u64) -> Result<PathBuf> {
        let path = self.folder.join(name);
        let mut file = std::io::BufWriter::with_capacity(1 << 20, fs::File::create(&path)?);
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut left = bytes;
        while left > 0 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let word = state.to_le_bytes();
            let take = left.min(8);
            file.write_all(&word[..usize::try_from(take)?])?;
            left -= take;
        }
        file.flush()?;
        Ok(path)
    }

    /// `argosy put`; gives the id of the object and the seconds that it took.
    pub(crate) fn put(&self, file: &Path, wait: &str) -> Result<(String, f64)> {
        let started = Instant::now();
        let output = Command::new(&self.program)
            .args(["put", "--json", "--wait", wait, "--directory", &self.directory])
            .arg(file)
            .output()?;
        let seconds = started.elapsed().as_secs_f64();
        if !output.status.success() {
            bail!("put failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let said: Value = serde_json::from_slice(&output.stdout)?;
        let id = &said["objects"][0]["id"];
        Ok((id.as_str().map_or_else(|| id.to_string(), str::to_owned), seconds))
    }

    /// JSON from any node.
    pub(crate) fn json(&self, endpoint: &str, path: &str) -> Result<Value> {
        Ok(serde_json::from_slice(&Connection::open(endpoint)?.get_body(path)?.body)?)
    }

    /// Resident memory of the whole network, in bytes.
    ///
    /// Source: `VmRSS` of `/proc/PID/status`.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        self.memory("VmRSS:")
    }

    /// The most that it ever was.
    pub(crate) fn peak_bytes(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
