//! How soon distributors have what is new, and how soon a new distributor has what is old.

use super::{as_f64, followers::take_chunk, http::Connection, network::Network, percentile, rest, say};
use anyhow::{Context, Result, bail};
use argosy_directory::Event;
use argosy_ledger::Block;
use codec::Decode as _;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How much is measured.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// New objects.
    #[arg(long, default_value_t = 1000)]
    objects: u64,
    /// How many of them in a second.
    #[arg(long, default_value_t = 20)]
    rate: u64,
    /// Size of each, in KiB.
    #[arg(long, default_value_t = 1024)]
    kib: u64,
    /// Distributors of the network.
    #[arg(long, default_value_t = 6)]
    distributors: u16,
    /// Old objects, of 1 KiB each, for the new distributor.
    #[arg(long, default_value_t = 10_000)]
    assigned: u64,
    /// A program to measure; the release program of this folder if left out.
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Time between two looks of one distributor's thread at what has not come yet: the precision.
const LOOK: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(300);
/// Files of one `put`.
const BATCH: usize = 500;

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let distributors = options.distributors.to_string();
    let program = options.program.clone().map_or_else(|| Network::build(root), Ok)?;
    let arguments = ["--port-base", "0", "--distributors", &distributors];
    let network = Network::start_in(&program, &root.join("target/bench-network"), &arguments)?;
    fresh(&network, options)?;
    new_distributor(&network, options)
}

/// When each object was accepted, as the directory's own stream tells it here.
type Accepted = Arc<Mutex<BTreeMap<u64, Instant>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From the accepting block to `x-cache: hit`, at every distributor.
fn fresh(network: &Network, options: &Options) -> Result<()> {
    let files = files(network, "fresh", options.objects, options.kib * 1024)?;
    let channel = channel(network)?;
    let height = network.json(&network.directory, "/api/v1/status")?["height"].as_u64().unwrap_or(0);
    let (accepted, stop) = (Accepted::default(), AtomicBool::new(false));
    let endpoints = &network.distributors;
    let mut times = thread::scope(|scope| -> Result<Vec<BTreeMap<u64, f64>>> {
        scope.spawn(|| listen(&network.directory, height + 1, &accepted, &stop));
        let watchers: Vec<_> = endpoints
            .iter()
            .map(|endpoint| {
                let (accepted, stop) = (&accepted, &stop);
                scope.spawn(move || watch(endpoint, accepted, options.objects, stop))
            })
            .collect();
        // One process a second, so that the clients take little of what is measured.
        let put = put_at_rate(network, &files, channel, options.rate);
        if put.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        let all =
            watchers.into_iter().map(|it| it.join().map_err(|_| anyhow::anyhow!("a watcher panicked"))?);
        let all = all.collect::<Result<Vec<_>>>();
        stop.store(true, Ordering::Relaxed);
        put?;
        all
    })?;
    let ids: BTreeSet<u64> = times.iter().flat_map(|times| times.keys().copied()).collect();
    let mut last: Vec<f64> = ids
        .iter()
        .map(|id| times.iter().map(|times| times.get(id).copied().unwrap_or(f64::NAN)).fold(0.0, f64::max))
        .collect();
    let mut any: Vec<f64> = times.iter_mut().flat_map(|times| times.values().copied()).collect();
    let text = |values: &mut [f64]| {
        format!("{:.0} / {:.0} ms", percentile(values, 50) * 1e3, percentile(values, 99) * 1e3)
    };
    let what = format!("{} objects of {} KiB, {}/s", options.objects, options.kib, options.rate);
    say(&format!("{what}: block to hit at one distributor, p50 / p99"), text(&mut any), "-");
    let all = format!("{what}: at all {}, p50 / p99", options.distributors);
    say(&all, text(&mut last), "p99 < 1 s");
    Ok(())
}

/// A channel whose bag every distributor delivers.
fn channel(network: &Network) -> Result<u64> {
    let (id, _) = network.put(&network.file("first", 1, 1000)?, "accepted")?;
    let object = network.json(&network.directory, &format!("/api/v1/objects/{id}"))?;
    let bag = object["bag"].as_str().context("the object has no bag")?;
    Ok(bag.rsplit(':').next().context("an odd bag")?.parse()?)
}

fn files(network: &Network, name: &str, count: u64, bytes: u64) -> Result<Vec<PathBuf>> {
    (0..count).map(|n| network.file(&format!("{name}-{n}"), n * 7919 + bytes, bytes)).collect()
}

fn put_at_rate(network: &Network, files: &[PathBuf], channel: u64, rate: u64) -> Result<()> {
    let started = Instant::now();
    let mut running: Vec<Child> = Vec::new();
    for (second, batch) in (0..).zip(files.chunks(usize::try_from(rate)?)) {
        rest((started + Duration::from_secs(second)).saturating_duration_since(Instant::now()));
        running.push(put(network, batch, channel)?);
    }
    for mut process in running {
        if !process.wait()?.success() {
            bail!("a put failed");
        }
    }
    Ok(())
}

fn put(network: &Network, files: &[PathBuf], channel: u64) -> Result<Child> {
    let channel = channel.to_string();
    Command::new(network.program())
        .args(["put", "--json", "--wait", "accepted", "--channel", &channel])
        .args(["--directory", &network.directory])
        .args(files)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .context("cannot start argosy put")
}

/// Notes when blocks accept objects.
fn listen(directory: &str, from: u64, accepted: &Accepted, stop: &AtomicBool) -> Result<()> {
    let authority = directory.trim_start_matches("http://");
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    write!(stream, "GET /api/v1/blocks?from={from} HTTP/1.1\r\nHost: {authority}\r\n\r\n")?;
    let (mut chunks, mut frames, mut in_body) = (Vec::new(), Vec::new(), false);
    let mut buffer = vec![0; 256 * 1024];
    while !stop.load(Ordering::Relaxed) {
        let read = match stream.read(&mut buffer) {
            Ok(0) => bail!("the directory has closed its stream of blocks"),
            Ok(read) => read,
            // Nothing new for now.
            Err(_) => continue,
        };
        chunks.extend_from_slice(&buffer[..read]);
        if !in_body {
            let Some(end) = chunks.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            chunks.drain(..end + 4);
            in_body = true;
        }
        while let Some(data) = take_chunk(&mut chunks)? {
            frames.extend_from_slice(&data);
        }
        while let Some((length, more)) = frames.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_le_bytes(*length))?;
            let Some(frame) = more.get(..length) else { break };
            // An empty one only says that the stream lives.
            if length > 0 {
                let block = Block::decode(&mut &frame[..]).map_err(|error| anyhow::anyhow!("{error}"))?;
                note(&block, accepted);
            }
            frames.drain(..length + 4);
        }
    }
    Ok(())
}

fn note(block: &Block, accepted: &Accepted) {
    let now = Instant::now();
    let events = block.outcomes.iter().flat_map(|outcome| &outcome.events).chain(&block.block_events);
    for event in events {
        if let Event::PendingDataObjectsAccepted { objects, .. } = event {
            let mut accepted = lock(accepted);
            for id in objects {
                accepted.entry(id.0).or_insert(now);
            }
        }
    }
}

/// Seconds from the acceptance of each object to its hit at one distributor.
fn watch(endpoint: &str, accepted: &Accepted, wanted: u64, stop: &AtomicBool) -> Result<BTreeMap<u64, f64>> {
    let mut connection = Connection::open(endpoint)?;
    let (mut times, started) = (BTreeMap::new(), Instant::now());
    while u64::try_from(times.len())? < wanted && !stop.load(Ordering::Relaxed) {
        let waiting: Vec<(u64, Instant)> = {
            let accepted = lock(accepted);
            let open = accepted.iter().filter(|(id, _)| !times.contains_key(*id));
            open.map(|(id, at)| (*id, *at)).collect()
        };
        for (id, at) in waiting {
            if connection.is_hit(&format!("/api/v1/assets/{id}"))? {
                times.insert(id, at.elapsed().as_secs_f64());
            }
        }
        if started.elapsed() > PATIENCE {
            bail!("{endpoint} has {} of {wanted} objects after five minutes", times.len());
        }
        rest(LOOK);
    }
    Ok(times)
}

/// A distributor that has nothing yet, of a bucket that has a lot.
fn new_distributor(network: &Network, options: &Options) -> Result<()> {
    let channel = channel(network)?;
    let mut last = String::new();
    for batch in files(network, "old", options.assigned, 1024)?.chunks(BATCH) {
        if !put(network, batch, channel)?.wait()?.success() {
            bail!("a put failed");
        }
        for file in batch {
            fs::remove_file(file)?;
        }
    }
    let total = network.json(&network.directory, "/api/v1/status")?["objectsCount"].as_u64().unwrap_or(0);
    if let Some(id) = total.checked_sub(1) {
        last = id.to_string();
    }
    let (config, endpoint) = copy_config(network)?;
    let started = Instant::now();
    let mut node = Command::new(network.program())
        .args(["distribution", "start", "--config"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the new distributor")?;
    let measured = measure_new(&endpoint, &last, started);
    node.kill()?;
    node.wait()?;
    let (first, full, status) = measured?;
    say(
        &format!("new distributor, {total} objects: until its first answer"),
        format!("{:.0} ms", first * 1e3),
        "< 3 s",
    );
    let bytes = as_f64(status["warmUp"]["bytes"].as_u64().unwrap_or(0)) / 1e6;
    say("  until it has all of them", format!("{full:.1} s, {bytes:.0} MB"), "-");
    Ok(())
}

/// Seconds until the object `id` is answered with 200, and until the warm-up is done.
fn measure_new(endpoint: &str, id: &str, started: Instant) -> Result<(f64, f64, Value)> {
    let mut first = None;
    loop {
        if started.elapsed() > PATIENCE {
            bail!("the new distributor has not warmed up in five minutes");
        }
        let Ok(mut connection) = Connection::open(endpoint) else {
            rest(LOOK);
            continue;
        };
        if first.is_none() {
            let answer = connection.get(&format!("/api/v1/assets/{id}"), "")?;
            first = (answer.status == 200).then(|| started.elapsed().as_secs_f64());
        }
        let status: Value = serde_json::from_slice(&connection.get_body("/api/v1/status")?.body)?;
        if let Some(first) = first.filter(|_| status["warmUp"]["state"] == "done") {
            return Ok((first, started.elapsed().as_secs_f64(), status));
        }
        rest(LOOK);
    }
}

/// A configuration as that of the first distributor, with folders and a port of its own.
fn copy_config(network: &Network) -> Result<(PathBuf, String)> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let data = network.folder.join("data");
    let text = fs::read_to_string(data.join("distributor-0/config.yml"))?;
    let genesis = data.join("genesis.json");
    let mut copied = String::new();
    let mut in_operator = false;
    for line in text.lines() {
        in_operator = if line.starts_with(' ') { in_operator } else { line.starts_with("operatorApi") };
        let line = match line {
            _ if in_operator => continue,
            _ if line.starts_with("genesis:") => format!("genesis: {}", genesis.display()),
            _ if line.trim_start().starts_with("port:") => format!("  port: {port}"),
            other => other.to_owned(),
        };
        copied.push_str(&line);
        copied.push('\n');
    }
    let folder = network.folder.join("new-distributor");
    fs::create_dir(&folder)?;
    let config = folder.join("config.yml");
    fs::write(&config, copied)?;
    Ok((config, format!("http://127.0.0.1:{port}")))
}
