//! A distributor that is killed with very many objects in its cache: how soon it serves again, and how much
//! of what it had it still has.
//!
//! Source: fault F-E1 of `spec/reliability.md`.

use super::{
    as_f64,
    edge::{
        origin::Origin,
        subjects::{configure, wait_until_followed},
    },
    http::Connection,
    say,
};
use crate::crash::{
    self, checks,
    node::{Node, wait_for},
};
use anyhow::{Context as _, Result, ensure};
use argosy_domain::num::to_u64;
use clap::Args;
use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

/// How much is measured.
#[derive(Args)]
pub(crate) struct Options {
    /// Objects.
    #[arg(long, default_value_t = 100_000)]
    objects: usize,
    /// Bytes of each.
    #[arg(long, default_value_t = 1000)]
    bytes: u64,
    /// Requests that are counted before and after.
    #[arg(long, default_value_t = 50_000)]
    requests: usize,
    /// Bytes of the cache while they are counted, in percent of all objects'.
    #[arg(long, default_value_t = 30)]
    percent: u64,
    /// A program to measure; the one that is built like this if left out.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where all nodes live, made anew and removed; `target/bench-restart` if left out. In memory, such as
    /// below /dev/shm, very many objects are there within minutes.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Unlike any limit that the objects could reach.
const PLENTY: u64 = 1 << 40;
/// Connections that ask at once.
const READERS: usize = 16;
/// Requests of one address: what it asks for again within a minute is no further use.
const VISIT: usize = 16;
/// Those who put objects at once.
const OWNERS: [&str; 4] = ["//Alice", "//Bob", "//Charlie", "//Dave"];
const SEED: u64 = 0x5eed;

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let program = options.program.clone().map_or_else(|| crash::program(root), Ok)?;
    let folder = options.folder.clone().unwrap_or_else(|| root.join("target/bench-restart"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let origin = Origin::start(&program, &folder.join("network"), 1)?;
    let started = Instant::now();
    let ids = put(&origin, options.objects, options.bytes)?;
    crash::say(&format!("{} objects put in {:.0} s", ids.len(), started.elapsed().as_secs_f64()));
    let home = Home::make(&origin, &folder.join("node"))?;
    full(&home, &ids)?;
    let limit = options.bytes * to_u64(options.objects) * options.percent / 100;
    hit_ratio(&home, &ids, limit, options.requests)?;
    drop(origin);
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
}

/// Puts so many objects, several owners at a time; gives their ids.
fn put(origin: &Origin, count: usize, bytes: u64) -> Result<Vec<String>> {
    let share = count.div_ceil(OWNERS.len());
    thread::scope(|scope| {
        let owners: Vec<_> = OWNERS
            .iter()
            .enumerate()
            .map(|(nth, key)| {
                let first = (nth * share).min(count);
                let sizes = vec![bytes; share.min(count - first)];
                scope.spawn(move || origin.put_as(key, &sizes, to_u64(first)))
            })
            .collect();
        let mut ids = Vec::with_capacity(count);
        for owner in owners {
            ids.extend(owner.join().map_err(|_| anyhow::anyhow!("an owner panicked"))??);
        }
        Ok(ids)
    })
}

/// Where the distributor lives.
struct Home<'a> {
    origin: &'a Origin,
    folder: PathBuf,
    port: u16,
}

impl<'a> Home<'a> {
    fn make(origin: &'a Origin, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        Ok(Self { origin, folder: folder.to_owned(), port })
    }

    /// Starts it; gives the seconds until it answered.
    fn start(&self, limit: u64) -> Result<(Node, f64)> {
        // Readers alone decide what is there.
        let config = configure(self.origin, &self.folder, self.port, limit, "prefetch:\n  policy: none\n")?;
        let endpoint = format!("127.0.0.1:{}", self.port);
        let started = Instant::now();
        let node = Node::start(&self.origin.program, "distribution", &config, endpoint)?;
        Ok((node, started.elapsed().as_secs_f64()))
    }
}

fn path(id: &str) -> String {
    format!("/api/v1/assets/{id}")
}

/// All objects are there, the node is killed, and starts.
fn full(home: &Home<'_>, ids: &[String]) -> Result<()> {
    let (mut node, _) = home.start(PLENTY)?;
    wait_until_followed(home.origin, &node.endpoint)?;
    ask(&node, &ids.iter().collect::<Vec<_>>())?;
    let mut connection = Connection::open(&node.endpoint)?;
    let count = to_u64(ids.len());
    let held = |connection: &mut Connection| -> Result<bool> {
        Ok(checks::json(connection, "/api/v1/status")?["objectsInCache"].as_u64() == Some(count))
    };
    wait_for("all objects are in the cache", || Ok(held(&mut connection)?.then_some(())))?;
    node.kill()?;
    let started = Instant::now();
    let (mut node, seconds) = home.start(PLENTY)?;
    let mut connection = Connection::open(&node.endpoint)?;
    let last = ids.last().context("no objects")?;
    // It may have to hear of the newest blocks first: its copy of the directory is not saved at every one.
    let mut others = 0_u64;
    wait_for("the last object is a hit", || {
        let answer = connection.get(&path(last), "")?;
        let is_hit = answer.status == 200 && answer.is_hit;
        others += u64::from(!is_hit);
        Ok(is_hit.then_some(()))
    })?;
    let first_hit = started.elapsed().as_secs_f64();
    ensure!(held(&mut connection)?, "objects are missing after the start");
    say(&format!("{count} objects, killed: from the start to an answer"), format!("{seconds:.2} s"), "≤ 2 s");
    let what = format!("the same, to the first hit of the last object ({others} answers were none)");
    say(&what, format!("{first_hit:.2} s"), "≤ 2 s");
    node.kill()
}

/// A cache that holds a part of them, before and after it was killed.
fn hit_ratio(home: &Home<'_>, ids: &[String], limit: u64, requests: usize) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let (mut node, _) = home.start(limit)?;
    wait_until_followed(home.origin, &node.endpoint)?;
    // What is held settles first.
    hits(&node, ids, requests * 2, &mut random)?;
    let before = hits(&node, ids, requests, &mut random)?;
    let had = objects(&node)?;
    node.kill()?;
    let (mut node, _) = home.start(limit)?;
    let has = objects(&node)?;
    wait_until_followed(home.origin, &node.endpoint)?;
    let early = hits(&node, ids, requests / 10, &mut random)?;
    let after = hits(&node, ids, requests - requests / 10, &mut random)?;
    node.kill()?;
    let share = |hits: usize, of: usize| as_f64(to_u64(hits)) / as_f64(to_u64(of.max(1)));
    let (was, is) = (share(before, requests), share(early + after, requests));
    let text = |share: f64| format!("{:.1} %", share * 100.0);
    say(&format!("hit ratio of {requests} requests, {limit} bytes of cache: before"), text(was), "–");
    say("complete objects when it was killed, and when it had started", format!("{had}, {has}"), "–");
    say("the hit ratio after that", text(is), "–");
    say("of the first tenth of them", text(share(early, requests / 10)), "–");
    say("after, as a share of before", text(is / was), "≥ 95 %");
    Ok(())
}

/// How many of so many requests are hits.
fn hits(node: &Node, ids: &[String], requests: usize, random: &mut fastrand::Rng) -> Result<usize> {
    let drawn: Option<Vec<_>> = (0..requests).map(|_| zipf(ids, random)).collect();
    ask(node, &drawn.context("no objects")?)
}

/// Asks for all of these, several at a time; how many were hits.
fn ask(node: &Node, ids: &[&String]) -> Result<usize> {
    let readers = ids.chunks(ids.len().div_ceil(READERS).max(1));
    thread::scope(|scope| {
        let readers: Vec<_> = readers.map(|ids| scope.spawn(|| read(node, ids))).collect();
        let mut hits = 0;
        for reader in readers {
            hits += reader.join().map_err(|_| anyhow::anyhow!("a reader panicked"))??;
        }
        Ok(hits)
    })
}

fn read(node: &Node, ids: &[&String]) -> Result<usize> {
    let mut hits = 0;
    for visit in ids.chunks(VISIT) {
        // Any address of this machine: each visit is that of another viewer.
        let from = Ipv4Addr::new(127, fastrand::u8(1..), fastrand::u8(..), fastrand::u8(1..255));
        let mut connection = Connection::open_from(&node.endpoint, from)?;
        for id in visit {
            let answer = connection.get(&path(id), "")?;
            ensure!(answer.status == 200, "object {id} is answered with {}", answer.status);
            hits += usize::from(answer.is_hit);
        }
    }
    Ok(hits)
}

/// Complete objects that a node has.
fn objects(node: &Node) -> Result<u64> {
    let status = checks::json(&mut Connection::open(&node.endpoint)?, "/api/v1/status")?;
    status["objectsInCache"].as_u64().context("the node does not say how many objects it has")
}

/// An object; the one of rank n is drawn 1/n as often as the first.
fn zipf<'a>(ids: &'a [String], random: &mut fastrand::Rng) -> Option<&'a String> {
    let rank = as_f64(to_u64(ids.len())).powf(random.f64());
    #[expect(clippy::as_conversions, reason = "between 1 and the count")]
    let at = rank as usize - 1;
    ids.get(at)
}
