//! Many followers of one directory node: how soon all have a new block, and what each of them costs.

use super::{as_f64, http::Connection, percentile, say};
use crate::crash::{
    self,
    node::{Home, Limits, Node, key, wait_for},
};
use anyhow::{Context as _, Result, bail, ensure};
use argosy_directory::{Call, MembershipCall, Transaction};
use clap::Args;
use codec::Encode as _;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::watch,
};

/// Where the height stands in an encoded block: after the versions of the header and of the rules.
const HEIGHT_AT: usize = 2 + 4;
/// The history that followers are given who read nothing: far more than sockets take.
const HISTORY_ACCOUNTS: u32 = 16;
const HISTORY_TRANSACTIONS: u64 = 800;

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Followers, each from an address of its own.
    #[arg(long, default_value_t = 1_000)]
    followers: u32,
    /// Blocks in a second.
    #[arg(long, default_value_t = 10)]
    rate: u32,
    /// How long.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// So many more that ask for all blocks and read nothing, in a second round.
    #[arg(long, default_value_t = 0)]
    slow: u32,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let program = crash::program(root)?;
    let place = root.join("target/bench-followers");
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    let limits = Limits { segment_bytes: 64 << 20, checkpoint_blocks: 10_000, retention: None };
    let home = Home::make(&program, &place, &place.join("data"), limits)?;
    fs::create_dir_all(&home.data)?;
    let mut node = home.start(&[])?;
    let connection = node.must_be_ready()?;
    let measured = measure(&home, &node, connection, options);
    ensure!(node.stop()?, "the node was killed");
    fs::remove_dir_all(&place)?;
    measured
}

fn measure(home: &Home, node: &Node, mut connection: Connection, options: &Options) -> Result<()> {
    let mut sender = Sender::new(home.genesis.hash(), "//Bench")?;
    for _ in 0..20 {
        sender.send(&mut connection)?;
    }
    let before = resident_bytes(node)?;
    let fleet = Fleet::start(home.endpoint, options.followers, sender.height + 1)?;
    wait_until_connected(&mut connection, options.followers)?;
    let with = resident_bytes(node)?;
    let count = u64::from(options.followers);
    say("followers, each from its own address", count.to_string(), "1 000");
    say(
        "memory of the node for each, connected",
        format!("{:.1} KiB", as_f64(with.saturating_sub(before)) / 1024.0 / as_f64(count)),
        "-",
    );
    round("", node, &mut connection, &mut sender, &fleet, options)?;
    let after = resident_bytes(node)?;
    say(
        "memory of the node for each, after the blocks",
        format!("{:.1} KiB", as_f64(after.saturating_sub(before)) / 1024.0 / as_f64(count)),
        "-",
    );
    if options.slow > 0 {
        make_history(home)?;
        sender.height = height(&mut connection)?;
        fleet.wait_for(sender.height)?;
        slow_round(home, node, &mut connection, &mut sender, &fleet, options)?;
    }
    Ok(())
}

/// Others ask for all blocks and read none of them: what they hold, and whether anybody feels it.
fn slow_round(
    home: &Home,
    node: &Node,
    connection: &mut Connection,
    sender: &mut Sender,
    fleet: &Fleet,
    options: &Options,
) -> Result<()> {
    let before = resident_bytes(node)?;
    let slow = fleet.runtime.block_on(async {
        let mut open = Vec::new();
        for number in 0..options.slow {
            open.push(ask(home.endpoint, address(40, number), 1, Some(4096)).await?);
        }
        anyhow::Ok(open)
    })?;
    wait_until_connected(connection, options.followers + options.slow)?;
    for _ in 0..20 {
        sender.send(connection)?;
    }
    let with = resident_bytes(node)?;
    say(
        "memory of the node for each that reads nothing",
        format!("{:.1} KiB", as_f64(with.saturating_sub(before)) / 1024.0 / f64::from(options.slow)),
        "bounded",
    );
    round(&format!(", beside {} that read nothing", options.slow), node, connection, sender, fleet, options)?;
    drop(slow);
    Ok(())
}

/// Makes blocks at a rate, and looks when they arrived.
fn round(
    beside: &str,
    node: &Node,
    connection: &mut Connection,
    sender: &mut Sender,
    fleet: &Fleet,
    options: &Options,
) -> Result<()> {
    let (bytes, cpu, started) = (fleet.bytes(), cpu_ms(node)?, Instant::now());
    let pause = Duration::from_secs(1) / options.rate;
    let mut sent = BTreeMap::new();
    for number in 0..options.rate.saturating_mul(u32::try_from(options.seconds)?) {
        rest((pause * number).saturating_sub(started.elapsed()));
        let (at, height, acknowledged) = sender.send(connection)?;
        sent.insert(height, (at, acknowledged));
    }
    fleet.wait_for(sender.height)?;
    let seconds = started.elapsed().as_secs_f64();
    let mut single = Vec::new();
    let mut all = Vec::new();
    for (height, (at, _)) in &sent {
        let mut arrivals = fleet.arrivals(*height, *at);
        ensure!(arrivals.len() == usize::try_from(options.followers)?, "block {height} did not reach all");
        all.push(arrivals.iter().copied().fold(0.0, f64::max));
        single.append(&mut arrivals);
    }
    let mut receipts: Vec<f64> = sent
        .values()
        .map(|(at, acknowledged)| acknowledged.duration_since(*at).as_secs_f64() * 1e3)
        .collect();
    let three = |values: &mut [f64]| {
        let (middle, most) = (percentile(values, 50), percentile(values, 99));
        format!("{middle:.1} / {most:.1} / {:.1} ms", percentile(values, 100))
    };
    let rate = options.rate;
    say(&format!("{rate} blocks/s{beside}: sent to receipt, p50 / p99 / max"), three(&mut receipts), "-");
    say("  sent to arrival, all followers and blocks", three(&mut single), "-");
    say("  sent to arrival at the last follower, all blocks", three(&mut all), "p50 <= 250 ms");
    let per_follower = as_f64(fleet.bytes().saturating_sub(bytes)) / seconds / f64::from(options.followers);
    say("  bandwidth for each", format!("{per_follower:.0} bytes/s"), "-");
    let cpu = as_f64(cpu_ms(node)?.saturating_sub(cpu)) / 10.0 / seconds;
    say("  processor time of the node", format!("{cpu:.0} % of a core"), "-");
    Ok(())
}

/// Sends transactions one at a time, so that each is a block.
struct Sender {
    key: argosy_domain::Keypair,
    name: String,
    genesis: [u8; 32],
    nonce: u64,
    height: u64,
}

impl Sender {
    fn new(genesis: [u8; 32], uri: &str) -> Result<Self> {
        let name = uri.trim_start_matches('/').to_lowercase();
        Ok(Self { key: key(uri)?, name, genesis, nonce: 0, height: 0 })
    }

    /// When it was sent, its height, and when it was acknowledged.
    fn send(&mut self, connection: &mut Connection) -> Result<(Instant, u64, Instant)> {
        let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let call = Call::Membership(MembershipCall::CreateMember {
            handle: format!("{}-{}", self.name, self.nonce),
        });
        let bytes = Transaction::sign(&self.key, self.genesis, self.nonce, now + 60_000, call).encode();
        let at = Instant::now();
        let answer = connection.post("/api/v1/transactions", &bytes)?;
        let acknowledged = Instant::now();
        let receipt: Value = serde_json::from_slice(&answer.body)?;
        ensure!(answer.status == 200 && receipt["error"].is_null(), "refused: {receipt}");
        self.nonce += 1;
        self.height = receipt["height"].as_u64().context("no height")?;
        Ok((at, self.height, acknowledged))
    }
}

fn make_history(home: &Home) -> Result<()> {
    thread::scope(|scope| {
        let senders: Vec<_> = (0..HISTORY_ACCOUNTS)
            .map(|number| {
                scope.spawn(move || -> Result<()> {
                    let mut connection = Connection::open(&home.endpoint.to_string())?;
                    let mut sender = Sender::new(home.genesis.hash(), &format!("//History{number}"))?;
                    for _ in 0..HISTORY_TRANSACTIONS {
                        sender.send(&mut connection)?;
                    }
                    Ok(())
                })
            })
            .collect();
        senders.into_iter().try_for_each(|sender| sender.join().ok().context("a client panicked")?)
    })
}

/// What a follower has met.
#[derive(Default)]
struct Followed {
    arrivals: Vec<(u64, Instant)>,
    bytes: u64,
    error: Option<String>,
}

/// All followers, on a thread of their own.
struct Fleet {
    runtime: tokio::runtime::Runtime,
    followed: Vec<Arc<Mutex<Followed>>>,
    stop: watch::Sender<bool>,
}

impl Fleet {
    fn start(endpoint: SocketAddr, count: u32, from: u64) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let stop = watch::Sender::new(false);
        let followed = (0..count)
            .map(|number| {
                let followed = Arc::new(Mutex::new(Followed::default()));
                let (own, mut stop) = (Arc::clone(&followed), stop.subscribe());
                runtime.spawn(async move {
                    let end = tokio::select! {
                        end = follow(endpoint, address(20, number), from, &own) => end,
                        _ = stop.changed() => return,
                    };
                    lock(&own).error =
                        Some(end.err().map_or_else(|| "it ended".to_owned(), |e| format!("{e:#}")));
                });
                followed
            })
            .collect();
        Ok(Self { runtime, followed, stop })
    }

    /// Waits until all have a block.
    fn wait_for(&self, height: u64) -> Result<()> {
        let waiting = AtomicUsize::new(0);
        wait_for("all followers have the last block", || {
            // From where the last look ended: a thousand locks each time would slow them down.
            while let Some(one) = self.followed.get(waiting.load(Ordering::Relaxed)) {
                let one = lock(one);
                if let Some(error) = &one.error {
                    bail!("a follower broke off: {error}");
                }
                if one.arrivals.last().is_none_or(|(reached, _)| *reached < height) {
                    return Ok(None);
                }
                waiting.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Some(()))
        })
    }

    /// Milliseconds from `since` to the arrival of a block at each.
    fn arrivals(&self, height: u64, since: Instant) -> Vec<f64> {
        let arrived = |one: &Arc<Mutex<Followed>>| {
            let one = lock(one);
            let at = one.arrivals.binary_search_by_key(&height, |(height, _)| *height).ok()?;
            Some(one.arrivals.get(at)?.1.saturating_duration_since(since).as_secs_f64() * 1e3)
        };
        self.followed.iter().filter_map(arrived).collect()
    }

    fn bytes(&self) -> u64 {
        self.followed.iter().map(|one| lock(one).bytes).sum()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

fn lock(followed: &Mutex<Followed>) -> std::sync::MutexGuard<'_, Followed> {
    followed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 127/8 has room for all.
fn address(first: u8, number: u32) -> Ipv4Addr {
    let [_, _, high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, first, high, low.max(1))
}

/// Opens a stream of blocks.
async fn ask(
    endpoint: SocketAddr,
    from_address: Ipv4Addr,
    from: u64,
    receive_bytes: Option<u32>,
) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from_address, 0)))?;
    if let Some(bytes) = receive_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    let mut stream = socket.connect(endpoint).await?;
    let request = format!("GET /api/v1/blocks?from={from} HTTP/1.1\r\nHost: {endpoint}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

async fn follow(
    endpoint: SocketAddr,
    from_address: Ipv4Addr,
    from: u64,
    followed: &Mutex<Followed>,
) -> Result<()> {
    let mut stream = ask(endpoint, from_address, from, None).await?;
    let mut bytes = vec![0; 16 * 1024];
    let (mut chunks, mut frames) = (Vec::new(), Vec::new());
    let mut is_head = true;
    loop {
        let read = stream.read(&mut bytes).await?;
        ensure!(read > 0, "the node closed the connection");
        let now = Instant::now();
        chunks.extend_from_slice(bytes.get(..read).unwrap_or_default());
        let mut followed = lock(followed);
        followed.bytes += u64::try_from(read)?;
        if is_head {
            let Some(end) = chunks.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            ensure!(chunks.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&chunks));
            chunks.drain(..end + 4);
            is_head = false;
        }
        while let Some(data) = take_chunk(&mut chunks)? {
            frames.extend_from_slice(&data);
        }
        while let Some(height) = take_frame(&mut frames)? {
            followed.arrivals.extend(height.map(|height| (height, now)));
        }
    }
}

/// The next chunk of a chunked body, if it is there.
pub(super) fn take_chunk(bytes: &mut Vec<u8>) -> Result<Option<Vec<u8>>> {
    let Some(line) = bytes.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
    let length = usize::from_str_radix(std::str::from_utf8(&bytes[..line])?, 16)?;
    if bytes.len() < line + 2 + length + 2 {
        return Ok(None);
    }
    let data = bytes[line + 2..line + 2 + length].to_vec();
    bytes.drain(..line + 2 + length + 2);
    Ok(Some(data))
}

/// The height of the next block, if all of it is there; an empty frame only says that the node lives.
fn take_frame(bytes: &mut Vec<u8>) -> Result<Option<Option<u64>>> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_le_bytes(*length))?;
    if rest.len() < length {
        return Ok(None);
    }
    let height = rest.get(HEIGHT_AT..).filter(|_| length > 0).and_then(|rest| rest.first_chunk());
    let height = height.map(|height| u64::from_le_bytes(*height));
    bytes.drain(..4 + length);
    Ok(Some(height))
}

fn wait_until_connected(connection: &mut Connection, count: u32) -> Result<()> {
    wait_for("all followers are connected", || {
        let status: Value = serde_json::from_slice(&connection.get_body("/api/v1/status")?.body)?;
        Ok((status["followersCount"] == count).then_some(()))
    })
}

fn height(connection: &mut Connection) -> Result<u64> {
    let status: Value = serde_json::from_slice(&connection.get_body("/api/v1/status")?.body)?;
    status["height"].as_u64().context("no height")
}

/// Source: `VmRSS` of `/proc/PID/status`.
fn resident_bytes(node: &Node) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", node.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Source: fields 14 and 15 of `/proc/PID/stat`, in hundredths of a second.
fn cpu_ms(node: &Node) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", node.id()))?;
    let (_, after_name) = stat.rsplit_once(") ").context("no name")?;
    let ticks = after_name.split(' ').skip(11).take(2).map(str::parse::<u64>);
    Ok(ticks.sum::<Result<u64, _>>()? * 10)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark sends at a rate, it does not wait for a state")]
fn rest(time: Duration) {
    thread::sleep(time);
}
