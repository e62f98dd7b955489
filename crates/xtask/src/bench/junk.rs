//! A directory node under a flood of junk from another process, while a lead has work to do.

mod flood;

use super::{as_f64, http::Connection, network::Network, percentile, rest, say};
use anyhow::{Context as _, Result, ensure};
use argosy_directory::{Call, GroupCall, Transaction};
use argosy_domain::{AccountId, KeyScheme, Keypair, WorkingGroup, num::to_u64};
use argosy_ledger::EngineConfig;
use codec::Encode as _;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub(super) use flood::run as flood;

/// Signs for the lead of the storage group of a network that `argosy up` makes.
const LEAD: &str = "//storage-lead";
/// Between two transactions of the lead.
const PAUSE: Duration = Duration::from_millis(100);
const PATH: &str = "/api/v1/transactions";
const MIB: f64 = 1_048_576.0;

/// How many answers of each code there were to each kind of junk.
type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// What the lead met.
#[derive(Default)]
struct Met {
    waits_ms: Vec<f64>,
    refused: BTreeMap<String, u64>,
    most_resident: u64,
}

pub(crate) fn run(root: &Path, seconds: u64, connections: usize) -> Result<()> {
    let mut network = Network::start(root)?;
    network.keep_directory_only()?;
    let before = network.resident_bytes()?;
    let mut quiet = Met::default();
    lead(&network, &mut quiet, |sent| Ok(sent < 50))?;
    tell_waits("the lead's transactions, no flood", &mut quiet.waits_ms, "-");

    let mut child = start_flood(&network.directory, seconds, connections)?;
    let started = Instant::now();
    let mut met = Met::default();
    lead(&network, &mut met, |_| Ok(child.try_wait()?.is_none()))?;
    let elapsed = started.elapsed().as_secs_f64();
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the flood failed");
    tell_junk(&serde_json::from_slice(&output.stdout)?, elapsed);
    tell_waits("the lead's transactions, under the flood", &mut met.waits_ms, "max < 250 ms");
    let refused = met.refused.iter().map(|(code, count)| format!("{code} {count}")).collect::<Vec<_>>();
    say("  of them refused", if refused.is_empty() { "none".to_owned() } else { refused.join(", ") }, "none");
    let mib = |bytes| format!("{:.0} MiB", as_f64(bytes) / MIB);
    say("memory of the node before the flood", mib(before), "-");
    say("  the most that was seen during it", mib(met.most_resident), "bounded");
    say("  the most ever, by the kernel", mib(network.peak_bytes()?), "bounded");
    Ok(())
}

fn start_flood(directory: &str, seconds: u64, connections: usize) -> Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["bench", "junk-flood", "--directory", directory])
        .args(["--seconds", &seconds.to_string(), "--connections", &connections.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the flood")
}

/// Sends a transaction of the lead every now and then, as long as `goes_on` says so.
fn lead(network: &Network, met: &mut Met, mut goes_on: impl FnMut(usize) -> Result<bool>) -> Result<()> {
    let key = key(LEAD)?;
    let genesis = genesis(&network.directory)?;
    let mut nonce = nonce(&network.directory, &key.account())?;
    let mut connection = Connection::open(&network.directory)?;
    while goes_on(met.waits_ms.len())? {
        let call = Call::Group {
            group: WorkingGroup::Storage,
            call: GroupCall::LeadRemark { message: vec![7; 64] },
        };
        let bytes = Transaction::sign(&key, genesis, nonce, now_ms()? + 60_000, call).encode();
        let sent = Instant::now();
        let answer = connection.post(PATH, &bytes)?;
        let waited = sent.elapsed();
        met.waits_ms.push(waited.as_secs_f64() * 1e3);
        if answer.status == 200 {
            nonce += 1;
        } else {
            *met.refused.entry(code(&answer.body)).or_default() += 1;
        }
        met.most_resident = met.most_resident.max(network.resident_bytes()?);
        rest(PAUSE.saturating_sub(waited));
    }
    Ok(())
}

fn tell_waits(what: &str, waits_ms: &mut [f64], target: &str) {
    let [p50, p99, max] = [50, 99, 100].map(|share| percentile(waits_ms, share));
    say(
        &format!("{what} ({}), p50 / p99 / max", waits_ms.len()),
        format!("{p50:.1} / {p99:.1} / {max:.1} ms"),
        target,
    );
}

fn tell_junk(counts: &Counts, seconds: f64) {
    let capacity = to_u64(EngineConfig::default().pool_count);
    let mut all = 0;
    for (kind, codes) in counts {
        let sent: u64 = codes.values().sum();
        all += sent;
        let times = as_f64(sent) / as_f64(capacity);
        say(&format!("junk, {kind}: {sent}"), format!("{times:.0} times the pool"), "100 times");
        for (code, count) in codes {
            say(&format!("  {code}"), format!("{:.0}/s", as_f64(*count) / seconds), "-");
        }
    }
    let times = as_f64(all) / as_f64(capacity);
    say(
        &format!("junk in all: {all}, {:.0}/s", as_f64(all) / seconds),
        format!("{times:.0} times the pool"),
        "-",
    );
}

fn key(uri: &str) -> Result<Keypair> {
    Keypair::from_uri(KeyScheme::Sr25519, uri).map_err(|error| anyhow::anyhow!("{error}"))
}

fn genesis(directory: &str) -> Result<[u8; 32]> {
    let status: Value =
        serde_json::from_slice(&Connection::open(directory)?.get_body("/api/v1/status")?.body)?;
    let text = status["genesis"].as_str().context("no genesis hash")?;
    hex::decode(text)?.try_into().map_err(|_| anyhow::anyhow!("odd genesis hash"))
}

fn nonce(directory: &str, account: &AccountId) -> Result<u64> {
    let path = format!("/api/v1/accounts/{account}");
    let view: Value = serde_json::from_slice(&Connection::open(directory)?.get_body(&path)?.body)?;
    view["nonce"].as_u64().context("no nonce")
}

fn code(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["code"].as_str().unwrap_or("OK").to_owned()
}

fn now_ms() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}
