//! Figures of the whole network on one machine, beside the targets that were set for them.

use super::{as_f64, http::Connection, network::Network, percentile, rest, say};
use anyhow::{Context, Result, bail};
use argosy_directory::{Call, MembershipCall, Transaction};
use argosy_domain::{KeyScheme, Keypair};
use codec::Encode as _;
use serde_json::Value;
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const MIB: u64 = 1024 * 1024;

pub(crate) fn run(root: &Path, large_mib: u64) -> Result<()> {
    let network = Network::start(root)?;
    say("from start to ready", format!("{:.0} ms", network.until_ready.as_secs_f64() * 1000.0), "seconds");
    idle(&network)?;
    large(&network, large_mib)?;
    replication(&network)?;
    misses(&network)?;
    hits(&network)?;
    receipts(&network)?;
    let size = std::fs::metadata(root.join("target/release/argosy"))?.len();
    say("size of the program", format!("{:.1} MB", as_f64(size) / 1e6), "-");
    Ok(())
}

/// Memory a few seconds after the start, when nothing is asked of it.
fn idle(network: &Network) -> Result<()> {
    rest(Duration::from_secs(3));
    say(
        "memory of the whole network, idle",
        format!("{:.0} MiB", as_f64(network.resident_bytes()?) / as_f64(MIB)),
        "< 150 MiB",
    );
    Ok(())
}

fn large(network: &Network, mib: u64) -> Result<()> {
    let file = network.file("large", 1, mib * MIB)?;
    for wait in ["accepted", "replicated"] {
        let (_, seconds) = network.put(&file, wait)?;
        say(
            &format!("put of {mib} MiB, until {wait}"),
            format!("{:.0} MB/s", as_f64(mib * MIB) / 1e6 / seconds),
            "-",
        );
    }
    say(
        &format!("for comparison: two plain copies of {mib} MiB, each synced"),
        format!("{:.0} MB/s", as_f64(mib * MIB) / 1e6 / plain_copies(&file)?),
        "-",
    );
    std::fs::remove_file(file)?;
    Ok(())
}

/// Seconds that the file system alone needs for what a put of two copies writes.
fn plain_copies(file: &Path) -> Result<f64> {
    let started = Instant::now();
    for copy in ["copy-0", "copy-1"] {
        let path = file.with_file_name(copy);
        std::fs::copy(file, &path)?;
        std::fs::File::open(&path)?.sync_all()?;
    }
    let seconds = started.elapsed().as_secs_f64();
    for copy in ["copy-0", "copy-1"] {
        std::fs::remove_file(file.with_file_name(copy))?;
    }
    Ok(seconds)
}

/// From the end of a put of 100 MiB that waited for the first copy only.
fn replication(network: &Network) -> Result<()> {
    let mut figures = Vec::new();
    for round in 0..5 {
        let file = network.file("middle", 100 + round, 100 * MIB)?;
        let (id, _) = network.put(&file, "accepted")?;
        let ended = Instant::now();
        let mut connection = Connection::open(&network.directory)?;
        loop {
            let object: Value =
                serde_json::from_slice(&connection.get_body(&format!("/api/v1/objects/{id}"))?.body)?;
            if object["holders"].as_array().is_some_and(|holders| holders.len() >= network.storage.len()) {
                break;
            }
            if ended.elapsed() > Duration::from_secs(60) {
                bail!("no second copy within a minute: {object}");
            }
            rest(Duration::from_millis(2));
        }
        for endpoint in &network.distributors {
            let answer =
                Connection::open(endpoint)?.get(&format!("/api/v1/assets/{id}"), "Range: bytes=0-0\r\n")?;
            if answer.status != 206 {
                bail!("{endpoint} answered {}", answer.status);
            }
        }
        figures.push(ended.elapsed().as_secs_f64());
    }
    say(
        "end of put of 100 MiB to all copies and all distributors, p50",
        format!("{:.2} s", percentile(&mut figures, 50)),
        "< 1 s + transfer",
    );
    Ok(())
}

/// First byte of objects that a distributor has never seen.
fn misses(network: &Network) -> Result<()> {
    let mut ids = Vec::new();
    for seed in 0..30 {
        let file = network.file("cold", 1000 + seed, 4 * MIB)?;
        ids.push(network.put(&file, "replicated")?.0);
    }
    let mut first = Vec::new();
    let mut far = Vec::new();
    let mut connection = Connection::open(&network.distributors[0])?;
    for id in &ids {
        let answer = connection.get(&format!("/api/v1/assets/{id}"), "")?;
        first.push(answer.first_byte.as_secs_f64() * 1000.0);
    }
    let mut connection = Connection::open(&network.distributors[1])?;
    for id in &ids {
        let answer = connection.get(&format!("/api/v1/assets/{id}"), "Range: bytes=3000000-3000099\r\n")?;
        far.push(answer.first_byte.as_secs_f64() * 1000.0);
    }
    let text =
        |values: &mut [f64]| format!("{:.1} / {:.1} ms", percentile(values, 50), percentile(values, 95));
    say("first byte of a miss, p50 / p95", text(&mut first), "< 20 ms");
    say("first byte of a far range of a miss, p50 / p95", text(&mut far), "< 20 ms");
    Ok(())
}

/// Objects that a distributor holds complete, over keep-alive connections.
fn hits(network: &Network) -> Result<()> {
    for (name, bytes, connections) in
        [("1 KB", 1024, 32), ("1 MB", MIB, 8), ("64 KB ranges of 64 MB", 64 * MIB, 8)]
    {
        let file = network.file("hot", 5000 + bytes, bytes)?;
        let (id, _) = network.put(&file, "replicated")?;
        let endpoint = &network.distributors[0];
        let path = format!("/api/v1/assets/{id}");
        Connection::open(endpoint)?.get(&path, "")?;
        let ranges = bytes == 64 * MIB;
        let started = Instant::now();
        let stop = AtomicBool::new(false);
        let totals = thread::scope(|scope| -> Result<Vec<(u64, u64)>> {
            let workers: Vec<_> = (0..connections)
                .map(|worker| {
                    scope.spawn({
                        let (path, stop) = (&path, &stop);
                        move || load(endpoint, path, worker, ranges, stop)
                    })
                })
                .collect();
            rest(Duration::from_secs(5));
            stop.store(true, Ordering::Relaxed);
            workers
                .into_iter()
                .map(|worker| worker.join().map_err(|_| anyhow::anyhow!("a client panicked"))?)
                .collect()
        })?;
        let seconds = started.elapsed().as_secs_f64();
        let (requests, bytes) = totals.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        say(
            &format!("cached GET, {name}, {connections} connections"),
            format!("{:.0}/s {:.2} GB/s", as_f64(requests) / seconds, as_f64(bytes) / 1e9 / seconds),
            "-",
        );
    }
    Ok(())
}

fn load(endpoint: &str, path: &str, worker: u64, ranges: bool, stop: &AtomicBool) -> Result<(u64, u64)> {
    let mut connection = Connection::open(endpoint)?;
    let (mut requests, mut bytes) = (0, 0);
    let mut state = worker * 7919 + 1;
    while !stop.load(Ordering::Relaxed) {
        let extra = if ranges {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let start = (state >> 33) % (63 * MIB);
            format!("Range: bytes={start}-{}\r\n", start + 65_535)
        } else {
            String::new()
        };
        let answer = connection.get(path, &extra)?;
        if answer.status / 100 != 2 {
            bail!("{endpoint}{path} answered {}", answer.status);
        }
        requests += 1;
        bytes += answer.body_bytes;
    }
    Ok((requests, bytes))
}

/// Signed transactions, each sent when the one before has its receipt, from many accounts at once.
fn receipts(network: &Network) -> Result<()> {
    let genesis = network.json(&network.directory, "/api/v1/status")?["genesis"]
        .as_str()
        .context("no genesis hash")?
        .to_owned();
    let genesis: [u8; 32] =
        hex::decode(genesis)?.try_into().map_err(|_| anyhow::anyhow!("odd genesis hash"))?;
    for accounts in [8_u32, 64] {
        let stop = AtomicBool::new(false);
        let started = Instant::now();
        let all = thread::scope(|scope| -> Result<Vec<Vec<f64>>> {
            let workers: Vec<_> = (0..accounts)
                .map(|account| {
                    scope.spawn({
                        let stop = &stop;
                        move || submit(&network.directory, genesis, accounts * 1000 + account, stop)
                    })
                })
                .collect();
            rest(Duration::from_secs(5));
            stop.store(true, Ordering::Relaxed);
            workers
                .into_iter()
                .map(|worker| worker.join().map_err(|_| anyhow::anyhow!("a client panicked"))?)
                .collect()
        })?;
        let seconds = started.elapsed().as_secs_f64();
        let mut latencies: Vec<f64> = all.into_iter().flatten().collect();
        let rate = as_f64(u64::try_from(latencies.len())?) / seconds;
        say(&format!("receipts, {accounts} accounts at once"), format!("{rate:.0}/s"), ">= 2000/s");
        say(
            "  latency p50 / p99",
            format!("{:.1} / {:.1} ms", percentile(&mut latencies, 50), percentile(&mut latencies, 99)),
            "p50 < 10 ms",
        );
    }
    Ok(())
}

fn submit(directory: &str, genesis: [u8; 32], account: u32, stop: &AtomicBool) -> Result<Vec<f64>> {
    let key = Keypair::from_uri(KeyScheme::Sr25519, &format!("//bench{account}"))
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut connection = Connection::open(directory)?;
    let mut latencies = Vec::new();
    for nonce in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let call =
            Call::Membership(MembershipCall::CreateMember { handle: format!("bench-{account}-{nonce}") });
        let bytes = Transaction::sign(&key, genesis, nonce, now + 60_000, call).encode();
        let sent = Instant::now();
        let answer = connection.post("/api/v1/transactions", &bytes)?;
        latencies.push(sent.elapsed().as_secs_f64() * 1000.0);
        let receipt: Value = serde_json::from_slice(&answer.body)?;
        if answer.status != 200 || !receipt["error"].is_null() {
            bail!("refused: {receipt}");
        }
    }
    Ok(latencies)
}
