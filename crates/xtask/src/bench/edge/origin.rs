//! The storage node that all fetch from, and the directory node that ours follows.

use super::Network;
use crate::{
    bench::http::Connection,
    crash::node::{Node, wait_for},
    pattern::Pattern,
};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// How long a counter must stand still to count as settled, and how long that is waited for.
const STILL: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(60);
/// Files that one `argosy put` takes.
const PUT_FILES: usize = 200;

/// Both nodes.
pub(crate) struct Origin {
    pub(crate) program: PathBuf,
    pub(crate) network: Network,
    _storage: Node,
}

impl Origin {
    /// A network with nothing in it.
    pub(crate) fn start(program: &Path, folder: &Path, distributors: u16) -> Result<Self> {
        let distributors = distributors.to_string();
        let arguments = ["--storage", "1", "--distributors", &distributors];
        let (mut network, _) = Network::start_at_rest(program, folder, &arguments)?;
        network.keep_directory_only()?;
        let config = network.folder.join("data/storage-0/storage.yml");
        let storage = Node::start(program, "storage", &config, network.storage[0].clone())?;
        Ok(Self { program: program.to_owned(), network, _storage: storage })
    }

    /// Where the storage node answers, `host:port`.
    pub(crate) fn authority(&self) -> &str {
        self.network.storage[0].trim_start_matches("http://").trim_end_matches('/')
    }

    /// Puts objects of these sizes, whose seeds begin with `seed`; gives their ids.
    pub(crate) fn put(&self, sizes: &[u64], seed: u64) -> Result<Vec<String>> {
        self.put_as("//Alice", sizes, seed)
    }

    /// The same for the owner of this development key.
    pub(crate) fn put_as(&self, key: &str, sizes: &[u64], seed: u64) -> Result<Vec<String>> {
        let mut ids = Vec::with_capacity(sizes.len());
        for (batch, sizes) in sizes.chunks(PUT_FILES).enumerate() {
            let first = seed + u64::try_from(batch * PUT_FILES)?;
            let files: Vec<PathBuf> = (first..)
                .zip(sizes)
                .map(|(seed, _)| self.network.folder.join(format!("put-{seed}")))
                .collect();
            for ((seed, size), file) in (first..).zip(sizes).zip(&files) {
                Pattern(seed).write(file, *size)?;
            }
            ids.extend(self.put_files(key, &files)?);
            for file in files {
                fs::remove_file(file)?;
            }
        }
        Ok(ids)
    }

    fn put_files(&self, key: &str, files: &[PathBuf]) -> Result<Vec<String>> {
        let output = Command::new(&self.program)
            .args(["put", "--json", "--wait", "accepted", "--key", key])
            .args(["--directory", &self.network.directory])
            .args(files)
            .output()?;
        if !output.status.success() {
            bail!("put failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let said: Value = serde_json::from_slice(&output.stdout)?;
        let objects = said["objects"].as_array().context("put says nothing of objects")?;
        Ok(objects.iter().map(|object| object["id"].to_string().trim_matches('"').to_owned()).collect())
    }

    /// Bytes that the storage node has sent so far.
    pub(crate) fn sent(&self) -> Result<u64> {
        let status = self.network.json(self.authority(), "/api/v1/status")?;
        status["bytesSent"].as_u64().context("the storage node does not say what it has sent")
    }

    /// The same when nobody fetches any more.
    pub(crate) fn settled(&self) -> Result<u64> {
        let (mut last, mut since, started) = (self.sent()?, Instant::now(), Instant::now());
        wait_for("fetching ends", || {
            let now = self.sent()?;
            if now != last {
                (last, since) = (now, Instant::now());
            }
            Ok((since.elapsed() >= STILL || started.elapsed() >= PATIENCE).then_some(()))
        })?;
        Ok(last)
    }

    /// Height of the directory.
    pub(crate) fn height(&self) -> Result<u64> {
        let body = Connection::open(&self.network.directory)?.get_body("/api/v1/status")?.body;
        serde_json::from_slice::<Value>(&body)?["height"].as_u64().context("no height")
    }
}
