//! Power cuts: the node's data lies on a file system of its own, which is told to forget all that is
//! not on its disk, at a random moment, while transactions are being sent. Then it is mounted again.
//!
//! A ledger lives through several cuts, each at one of three moments: while the node starts, while it
//! works, and after it was killed, started again, and has shown what it found.
//!
//! Source: spec/reliability.md 0.8, 0.9 and H4.

use super::{
    checks,
    image::{self, FileSystem, Image, Switch},
    is_there,
    journal::{Held, Journal},
    node::{Home, Limits, Node, Ready, key, pause},
    program, room, say, script, seed, skip,
};
use crate::bench::http::Connection;
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde_json::Value;
use std::{
    fmt, fs,
    path::Path,
    process::Child,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Cuts that one ledger lives through.
const CUTS_PER_LIFE: u64 = 10;
/// Accounts that send at once.
const SENDERS: u32 = 3;
/// Longest time of work before a cut, in milliseconds.
const WORK_MS: u64 = 120;
/// Longest time of work where the node is to be killed before.
const MAX_WORK: Duration = Duration::from_millis(500);
/// Longest time from the start to a cut in mid-start, in milliseconds.
const START_MS: u64 = 60;
/// A harness whose node syncs nothing must have found that out after so many cuts.
const CUTS_WITHOUT_SYNC: u64 = 60;

/// What to do.
#[derive(Args)]
pub(crate) struct Options {
    /// Cuts on each file system.
    #[arg(long, default_value_t = 250)]
    cuts: u64,
    /// Only this file system.
    #[arg(long)]
    filesystem: Option<FileSystem>,
    /// Draws the moments.
    #[arg(long)]
    seed: Option<u64>,
    /// Only this life of a ledger, as a failure names it.
    #[arg(long)]
    life: Option<u64>,
    /// Makes nothing of what the node syncs, and expects that this is found.
    #[arg(long)]
    without_sync: bool,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let program = program(root)?;
    if room::is_inside() {
        let kind = options.filesystem.context("--filesystem is missing")?;
        return cut_on(&program, &room::make(root, "power")?, kind, options);
    }
    let kinds = options.filesystem.map_or_else(|| vec![FileSystem::Xfs, FileSystem::Ext4], |one| vec![one]);
    if let Some(missing) = missing() {
        return skip(missing, options.cuts.saturating_mul(u64::try_from(kinds.len())?));
    }
    let seed = seed(options.seed);
    let running: Vec<Child> =
        kinds.into_iter().map(|kind| begin(kind, options, seed)).collect::<Result<_>>()?;
    let mut all_well = true;
    for mut one in running {
        all_well &= one.wait()?.success();
    }
    ensure!(all_well, "not every power cut was survived: see above");
    Ok(())
}

/// What this needs and does not find.
pub(super) fn missing() -> Option<&'static str> {
    let tools = ["xfs_io", "mkfs.xfs", "mkfs.ext4", "losetup", "unshare", "setpriv"];
    if !room::is_root() {
        return Some("root");
    }
    if !is_there("strace") {
        return Some("strace");
    }
    if !Path::new("/dev/loop-control").exists() {
        return Some("/dev/loop-control");
    }
    tools.into_iter().find(|tool| !is_there(tool))
}

/// This program once more, with mounts of its own, for one file system.
fn begin(kind: FileSystem, options: &Options, seed: u64) -> Result<Child> {
    let mut words = vec!["crash".to_owned(), "power".to_owned()];
    let mut add = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
    add("--filesystem", kind.name());
    add("--cuts", &options.cuts.to_string());
    add("--seed", &seed.to_string());
    if let Some(life) = options.life {
        add("--life", &life.to_string());
    }
    if options.without_sync {
        words.push("--without-sync".to_owned());
    }
    room::command(words)?.spawn().context("cannot run unshare")
}

/// When the power is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Starting,
    Working,
    KilledBefore,
}

/// What was done and found.
#[derive(Default)]
struct Tally {
    cuts: u64,
    starting: u64,
    killed_before: u64,
    synced_before: u64,
    acknowledged: usize,
    shown: usize,
    unanswered_kept: u64,
    unanswered_gone: usize,
    torn: u64,
    late: u64,
    failed: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let working = self.cuts - self.starting - self.killed_before;
        write!(
            f,
            "{} power cuts: {} in mid-start, {working} at work, {} after a kill -9 and a start; {} right after \
             another file's sync. {} acknowledged transactions and {} shown blocks looked for; of transactions \
             without an answer {} were wholly there and {} not at all; {} cuts left half a block; {} answers after \
             the cut counted for nothing; {} failures",
            self.cuts,
            self.starting,
            self.killed_before,
            self.synced_before,
            self.acknowledged,
            self.shown,
            self.unanswered_kept,
            self.unanswered_gone,
            self.torn,
            self.late,
            self.failed
        )
    }
}

/// All cuts on one file system, in mounts and processes of our own.
fn cut_on(program: &Path, place: &Path, kind: FileSystem, options: &Options) -> Result<()> {
    let (started, name, seed) = (Instant::now(), kind.name(), options.seed.unwrap_or(1));
    say(&format!("{name}: seed {seed}"));
    let mut image = Image::make(kind, place, image::LEDGER_BYTES)?;
    let limits = Limits { segment_bytes: 20_000, checkpoint_blocks: 12, retention: None };
    let home = Home::make(program, &place.join("home"), &image.mount_point.join("data"), limits)?;
    let wrapper = if options.without_sync { deaf() } else { Vec::new() };
    let wanted = if options.without_sync { CUTS_WITHOUT_SYNC } else { options.cuts };
    let mut tally = Tally::default();
    let lives = options.life.map_or(0..wanted.div_ceil(CUTS_PER_LIFE), |life| life..life + 1);
    for life in lives {
        let left = (wanted - tally.cuts).min(CUTS_PER_LIFE);
        let lived = live(&mut image, &home, &wrapper, seed, life, left, &mut tally);
        match lived {
            Ok(()) => {}
            Err(error) if options.without_sync && is_finding(&error) => {
                say(&format!("{name}: caught at cut {}, as it must be: {error:#}", tally.cuts));
                return Ok(());
            }
            Err(error) => {
                tally.failed += 1;
                say(&format!(
                    "{name}: FAILED in life {life}: {error:#}\n{}\n  replay: cargo run --release -p xtask -- \
                     crash power --filesystem {name} --seed {seed} --life {life}",
                    home.last_words()
                ));
            }
        }
    }
    say(&format!("{name}: {tally}; {} s", started.elapsed().as_secs()));
    ensure!(!options.without_sync, "{name}: a node that syncs nothing was not found out");
    ensure!(tally.failed == 0, "{name}: {} lives ended badly", tally.failed);
    Ok(())
}

/// Whether an error says what was found, and not that the harness itself failed.
fn is_finding(error: &anyhow::Error) -> bool {
    let words = ["LOST", "DAMAGED", "CHANGED", "TWICE", "GAP", "HALF", "WRONG", "STRANGE"];
    error.chain().any(|cause| words.iter().any(|word| cause.to_string().starts_with(word)))
}

/// Makes a program's syncs succeed without being done.
pub(super) fn deaf() -> Vec<String> {
    let calls = "fsync,fdatasync,syncfs,sync_file_range";
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:retval=0"));
    ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject].map(str::to_owned).to_vec()
}

/// A new ledger, and its cuts.
fn live(
    image: &mut Image,
    home: &Home,
    wrapper: &[String],
    seed: u64,
    life: u64,
    cuts: u64,
    tally: &mut Tally,
) -> Result<()> {
    if home.data.exists() {
        fs::remove_dir_all(&home.data)?;
    }
    fs::create_dir(&home.data)?;
    // Otherwise a cut could bring the last life's ledger back.
    image.unmount()?;
    image.mount()?;
    let mut journal = Journal::default();
    let mut held = Held::default();
    for cut in 0..cuts {
        let mut draw = fastrand::Rng::with_seed(seed.wrapping_mul(1_000_003) ^ (life << 16) ^ cut);
        let moment = match draw.u8(0..100) {
            0..15 => Moment::Starting,
            15..40 => Moment::KilledBefore,
            _ => Moment::Working,
        };
        // Without it, other things are lost.
        let syncs_before = draw.u8(0..4) > 0;
        tally.cuts += 1;
        tally.starting += u64::from(moment == Moment::Starting);
        tally.killed_before += u64::from(moment == Moment::KilledBefore);
        tally.synced_before += u64::from(syncs_before);
        let was_cut = cut_once(home, wrapper, &mut draw, moment, syncs_before, &mut journal, &held);
        image.unmount()?;
        image.mount()?;
        was_cut.with_context(|| format!("cut {cut}, {moment:?}"))?;
        tally.acknowledged += journal.acknowledged_count();
        tally.shown += journal.shown.len();
        held = checks::on_disk(home, &mut journal).with_context(|| format!("after cut {cut}, {moment:?}"))?;
        tally.unanswered_kept += held.unanswered_kept;
        tally.unanswered_gone += held.gone.len();
        tally.torn += u64::from(held.unfinished_bytes > 0);
        tally.late += std::mem::take(&mut journal.late_count);
    }
    Ok(())
}

/// Starts the node, checks what it says of the time before, sends, and cuts the power.
fn cut_once(
    home: &Home,
    wrapper: &[String],
    draw: &mut fastrand::Rng,
    moment: Moment,
    syncs_before: bool,
    journal: &mut Journal,
    held: &Held,
) -> Result<()> {
    let switch = Switch::ready(home.data.parent().context("no disk")?)?;
    if moment == Moment::KilledBefore {
        work_until_it_dies(home, draw, journal, held)?;
        return look_and_cut(home, wrapper, journal, switch, syncs_before);
    }
    let mut node = home.start(wrapper)?;
    if moment == Moment::Starting {
        rest(draw.u64(0..START_MS));
        switch.cut(syncs_before)?;
        return node.kill();
    }
    let mut connection = node.must_be_ready()?;
    checks::by_node(&mut connection, journal, held)?;
    let work_ms = draw.u64(0..WORK_MS);
    work_until(home, journal, |journal| {
        rest(work_ms);
        script::lock(journal).is_dark = true;
        switch.cut(syncs_before)?;
        node.kill()
    })
}

/// Starts a node that is killed as it is about to sync something, and sends until it is.
fn work_until_it_dies(
    home: &Home,
    draw: &mut fastrand::Rng,
    journal: &mut Journal,
    held: &Held,
) -> Result<()> {
    let call = if draw.bool() { "fdatasync" } else { "fsync" };
    let (trace, nth) = (format!("trace={call}"), draw.u8(1..30));
    let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
    let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject].map(str::to_owned);
    let mut node = home.start(&wrapper)?;
    if let Ready::Yes(mut connection) = node.ready()? {
        // It may be killed in the middle of this, which is known a moment after the connection breaks.
        if let Err(error) = checks::by_node(&mut connection, journal, held) {
            let is_finding =
                ["LOST", "CHANGED", "HALF"].iter().any(|word| error.to_string().starts_with(word));
            if is_finding || !ends_soon(&mut node)? {
                return Err(error);
            }
        }
        let until = Instant::now() + MAX_WORK;
        work_until(home, journal, |_| {
            while !node.has_ended()? && Instant::now() < until {
                pause();
            }
            node.kill()
        })?;
    }
    node.kill()
}

/// Whether a node that does not answer any more has ended, or does so at once.
fn ends_soon(node: &mut Node) -> Result<bool> {
    let until = Instant::now() + MAX_WORK;
    while !node.has_ended()? {
        if Instant::now() >= until {
            return Ok(false);
        }
        pause();
    }
    Ok(true)
}

/// After a kill -9: what the node shows when it has started again is known from then on.
fn look_and_cut(
    home: &Home,
    wrapper: &[String],
    journal: &mut Journal,
    switch: Switch,
    syncs_before: bool,
) -> Result<()> {
    let mut node = home.start(wrapper)?;
    let Ready::Yes(mut connection) = node.ready()? else { bail!("the node did not start after kill -9") };
    note(&checks::json(&mut connection, "/api/v1/status")?, journal)?;
    switch.cut(syncs_before)?;
    node.kill()
}

/// Sends and looks from several threads, until `end` has been done and the node is gone.
fn work_until(
    home: &Home,
    journal: &mut Journal,
    end: impl FnOnce(&Mutex<Journal>) -> Result<()>,
) -> Result<()> {
    let (known, stop) = (Mutex::new(std::mem::take(journal)), AtomicBool::new(false));
    let done = thread::scope(|scope| {
        let mut threads: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (known, stop) = (&known, &stop);
                scope.spawn(move || send(home, known, sender, stop))
            })
            .collect();
        threads.push(scope.spawn(|| watch(home, &known, &stop)));
        let ended = end(&known);
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().ok().context("a client panicked")??;
        }
        ended
    });
    *journal = known.into_inner().unwrap_or_else(PoisonError::into_inner);
    done
}

/// One transaction after the other, until the node does not answer.
fn send(home: &Home, journal: &Mutex<Journal>, sender: u32, stop: &AtomicBool) -> Result<()> {
    let signer = key(&if sender == 0 { "//Alice".to_owned() } else { format!("//Sender{sender}") })?;
    let Ok(mut connection) = Connection::open(&home.endpoint.to_string()) else { return Ok(()) };
    let genesis = home.genesis.hash();
    while !stop.load(Ordering::Relaxed) {
        let nonce = script::lock(journal).nonce(signer.account());
        let call = if sender == 0 { script::bucket() } else { script::member(format!("s{sender}-{nonce}")) };
        let told = script::submit(journal, &mut connection, genesis, &signer, call)?;
        if told != script::Told::Acknowledged {
            break;
        }
    }
    Ok(())
}

/// Notes each block that the node shows, until it does not answer.
fn watch(home: &Home, journal: &Mutex<Journal>, stop: &AtomicBool) -> Result<()> {
    let Ok(mut connection) = Connection::open(&home.endpoint.to_string()) else { return Ok(()) };
    while !stop.load(Ordering::Relaxed) {
        let Ok(status) = checks::json(&mut connection, "/api/v1/status") else { break };
        note(&status, &mut script::lock(journal))?;
    }
    Ok(())
}

/// Notes the newest block that a node shows.
fn note(status: &Value, journal: &mut Journal) -> Result<()> {
    let height = status["height"].as_u64().context("no height")?;
    if height == 0 {
        return Ok(());
    }
    let hash = hex::decode(status["head"].as_str().context("no head")?)?;
    journal.show(height, hash.try_into().ok().context("odd hash")?)
}

#[expect(clippy::disallowed_methods, reason = "a power cut comes at a time, whatever the state")]
pub(super) fn rest(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}
