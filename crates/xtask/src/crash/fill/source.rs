//! The network around the distributor: a directory node, a storage node that holds all objects, and a
//! proxy in front of it.

use super::proxy::Proxy;
use crate::{
    bench::{http::Connection, network::Network},
    crash::{
        checks,
        node::{Node, wait_for},
    },
    pattern::Pattern,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// Bytes of the objects: large ones that take long to fill, small ones that are soon complete, and those
/// at the edges of a group.
const SIZES: [u64; 14] = [
    160 * MIB,
    64 * MIB + 777,
    24 * MIB,
    24 * MIB - 1,
    3 * MIB + 5,
    2 * MIB,
    MIB + 16 * KIB,
    MIB,
    500_000,
    64 * KIB + 1,
    16 * KIB + 1,
    16 * KIB,
    100,
    1,
];
/// Lines of the node's that are shown with a failure.
const LAST_LINES: usize = 60;

/// An object that the source holds.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) id: String,
    pub(crate) size: u64,
    pub(crate) pattern: Pattern,
}

/// What the distributor fills from.
pub(crate) struct Source {
    pub(crate) objects: Vec<Object>,
    pub(crate) proxy: Proxy,
    pub(crate) distributor: SocketAddr,
    /// Last block.
    pub(crate) height: u64,
    /// Folder of the network, with the distributor's configuration.
    pub(crate) data: PathBuf,
    _storage: Node,
    /// Its directory node.
    _network: Network,
}

impl Source {
    /// Makes the network in `place`, and puts the objects.
    pub(crate) fn start(program: &Path, place: &Path) -> Result<Self> {
        let arguments = ["--storage", "1", "--distributors", "1"];
        let (mut network, behind) = Network::start_at_rest(program, &place.join("network"), &arguments)?;
        let mut objects = Vec::new();
        for (number, size) in (1..).zip(SIZES) {
            let (file, pattern) = (place.join("object"), Pattern(number));
            pattern.write(&file, size)?;
            objects.push(Object { id: network.put(&file, "accepted")?.0, size, pattern });
            fs::remove_file(file)?;
        }
        network.keep_directory_only()?;
        let address = |endpoint: &str| -> Result<SocketAddr> {
            Ok(endpoint.trim_start_matches("http://").trim_end_matches('/').parse()?)
        };
        let known = address(&network.storage[0])?;
        let behind = SocketAddr::new(known.ip(), behind);
        let data = network.folder.join("data");
        let storage = start_storage(program, &data.join("storage-0"), known, behind)?;
        let proxy = Proxy::start(known, behind)?;
        let status: Value = network.json(&network.directory, "/api/v1/status")?;
        Ok(Self {
            objects,
            proxy,
            distributor: address(&network.distributors[0])?,
            height: status["height"].as_u64().context("no height")?,
            data,
            _storage: storage,
            _network: network,
        })
    }

    /// Bytes of all objects.
    pub(crate) fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.size).sum()
    }
}

/// Starts the storage node alone, behind the place where the directory says that it is.
fn start_storage(program: &Path, folder: &Path, known: SocketAddr, behind: SocketAddr) -> Result<Node> {
    let config = folder.join("storage.yml");
    let text = fs::read_to_string(&config)?;
    let moved = text.replace(&format!("listen: {known}"), &format!("listen: {behind}"));
    ensure!(moved != text, "the storage node's configuration has no `listen: {known}`");
    fs::write(&config, moved)?;
    Node::start(program, "storage", &config, behind.to_string())
}

/// Where the distributor lives.
pub(crate) struct Home {
    program: PathBuf,
    config: PathBuf,
    log: PathBuf,
    pub(crate) endpoint: String,
    height: u64,
    /// All that it writes.
    pub(crate) data: PathBuf,
}

impl Home {
    /// Writes the configuration of a distributor that will write into `data`.
    pub(crate) fn make(program: &Path, source: &Source, data: &Path) -> Result<Self> {
        let config = source.data.join("distributor-0/config.yml");
        let mut text = fs::read_to_string(&config)?;
        for (key, folder) in [("assets", "assets"), ("cacheState", "cache")] {
            let old = format!("  {key}: {folder}\n");
            ensure!(text.contains(&old), "the distributor's configuration has no `{}`", old.trim());
            text = text.replace(&old, &format!("  {key}: {}\n", data.join(folder).display()));
        }
        let floor = "  diskFloor: 1G";
        ensure!(text.contains(floor), "the distributor's configuration has no `{}`", floor.trim());
        // The disk that is cut is a small one. What is fetched, viewers have asked for.
        text = text.replace(floor, "  diskFloor: 0B");
        text.push_str("prefetch:\n  policy: none\n");
        fs::write(&config, text)?;
        Ok(Self {
            program: program.to_owned(),
            log: config.with_file_name("node.log"),
            config,
            endpoint: source.distributor.to_string(),
            height: source.height,
            data: data.to_owned(),
        })
    }

    /// Starts the node, behind `wrapper` if it is not empty.
    pub(crate) fn start(&self, wrapper: &[String]) -> Result<Node> {
        let mut command = crate::crash::node::wrapped(&self.program, wrapper);
        command.args(["distribution", "start", "--config"]).arg(&self.config);
        command.stderr(fs::File::create(&self.log)?);
        Node::begin(&mut command, self.endpoint.clone(), !wrapper.is_empty())
    }

    /// Starts the node, and waits until it knows all objects.
    pub(crate) fn start_and_wait(&self, wrapper: &[String]) -> Result<(Node, Connection)> {
        let mut node = self.start(wrapper)?;
        let mut connection = node.must_be_ready()?;
        wait_for("the distributor follows the directory", || {
            let status = status(&mut connection)?;
            Ok((status["directory"]["height"].as_u64() >= Some(self.height)).then_some(()))
        })?;
        Ok((node, connection))
    }

    /// The last lines that the node printed.
    pub(crate) fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}

/// What a node says about itself.
pub(crate) fn status(connection: &mut Connection) -> Result<Value> {
    checks::json(connection, "/api/v1/status")
}
