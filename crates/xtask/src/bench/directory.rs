//! The directory at its full size: memory, speed of changes and of look-ups, checkpoints; and the same
//! look-up in the database that a user would otherwise take.

mod lookups;
pub(super) mod postgres;

use super::{
    as_f64,
    machine::{cpu_seconds, resident_bytes},
    say,
};
use crate::{
    determinism::anchor,
    directory_log::{BLOCK, Log, OBJECTS, ROUNDS, block_at, execute},
};
use anyhow::{Context as _, Result, ensure};
use arc_swap::ArcSwap;
use argosy_directory::{Payload, State, Transaction, Unhashed};
use argosy_domain::{
    KeyScheme, Keypair, Signature,
    num::{to_u64, to_usize},
};
use argosy_ledger::checkpoint::{self, Pace};
use codec::Encode as _;
use std::{
    fs,
    hint::black_box,
    path::Path,
    process::Command,
    sync::{Arc, atomic::AtomicBool, mpsc::sync_channel},
    thread,
    time::{Duration, Instant},
};

/// Transactions in a block of the long log: as many as a busy network puts into one.
const LARGE_BLOCK: usize = 20_000;
/// Blocks that are made before they are executed, so that making them is not measured.
const AHEAD: usize = 5;
/// Calls in a block where single calls are measured.
const SMALL_BLOCK: usize = 100;

pub(crate) fn run(root: &Path, objects: u64, with_postgres: bool) -> Result<()> {
    ensure!(objects >= OBJECTS * 1_000, "at least {} objects", OBJECTS * 1_000);
    signatures();
    let (mut state, mut log) = build(Log::new(), objects)?;
    signed(&mut state, &mut log)?;
    costs(&mut state, &mut log)?;
    let folder = root.join("target/bench-directory");
    fs::create_dir_all(&folder)?;
    let path = folder.join("state.checkpoint");
    let (state, log) = lookups::run(state, log, &path)?;
    load_in_a_fresh_process(&path, objects)?;
    fs::remove_file(&path)?;
    if with_postgres {
        let updates = update_rate(state.clone(), log)?;
        postgres::run(&state, lookups::rate_alone(&state), updates)?;
    }
    Ok(())
}

fn rate(count: u64, seconds: f64) -> String {
    let rate = as_f64(count) / seconds;
    if rate >= 1e6 { format!("{:.2} M/s", rate / 1e6) } else { format!("{:.1} k/s", rate / 1e3) }
}

/// Verifications, by one thread.
fn signatures() {
    const COUNT: u64 = 4_000;
    for (scheme, name) in [(KeyScheme::Sr25519, "sr25519"), (KeyScheme::Ed25519, "ed25519")] {
        let key = Keypair::from_seed(scheme, &[7; 32]);
        let message = [9; 300];
        let (signature, account) = (key.sign(&message), key.account());
        let before = cpu_seconds();
        for _ in 0..COUNT {
            assert!(black_box(&signature).verify(black_box(&account), black_box(&message)));
        }
        say(&format!("signatures checked per core, {name}"), rate(COUNT, cpu_seconds() - before), "-");
    }
}

/// Executes a log of encoded transactions, as on a start.
pub(crate) fn build(mut log: Log, objects: u64) -> Result<(State, Log)> {
    let mut state = State::from_genesis(&log.genesis)?;
    let setting_up = log.setting_up();
    execute(&mut state, &setting_up)?;
    let (mut calls, mut refused, mut seconds, mut cpu) = (0_u64, 0_u64, 0.0, 0.0);
    let mut apply = |blocks: &[Vec<Vec<u8>>]| -> Result<()> {
        let (started, before) = (Instant::now(), cpu_seconds());
        refused += decode_and_apply(&mut state, blocks)?;
        seconds += started.elapsed().as_secs_f64();
        cpu += cpu_seconds() - before;
        calls += blocks.iter().map(|block| to_u64(block.len())).sum::<u64>();
        Ok(())
    };
    let channels = objects / OBJECTS;
    let mut blocks = Blocks::default();
    for _ in 0..channels {
        blocks.push(log.channel(), &mut apply)?;
    }
    for round in 0..ROUNDS {
        for place in 0..channels {
            let channel = log.turn(place);
            blocks.push(log.upload(channel, round + 1), &mut apply)?;
            blocks.push(log.acceptance(channel, round + 1), &mut apply)?;
        }
    }
    blocks.flush(&mut apply)?;
    ensure!(refused == 0, "{refused} calls were refused");
    ensure!(state.objects_count() == log.objects_count(), "objects are missing");
    let what = format!("{objects} objects from a log of {calls} calls, with roots, unsigned");
    say(&what, rate(calls, seconds), "200 k/s on 2 cores");
    say("  of that, the executing thread alone, per CPU-second", rate(calls, cpu), "-");
    Ok((state, log))
}

/// Encoded transactions, collected until there are enough.
#[derive(Default)]
struct Blocks(Vec<Vec<Vec<u8>>>);

impl Blocks {
    fn push(
        &mut self,
        payload: Payload,
        apply: &mut impl FnMut(&[Vec<Vec<u8>>]) -> Result<()>,
    ) -> Result<()> {
        if self.0.last().is_none_or(|block| block.len() == LARGE_BLOCK) {
            if self.0.len() == AHEAD {
                self.flush(apply)?;
            }
            self.0.push(Vec::with_capacity(LARGE_BLOCK));
        }
        let signature = Signature::Sr25519([0; 64]);
        let bytes = Transaction { payload, signature }.encode();
        self.0.last_mut().context("there is a block")?.push(bytes);
        Ok(())
    }

    fn flush(&mut self, apply: &mut impl FnMut(&[Vec<Vec<u8>>]) -> Result<()>) -> Result<()> {
        apply(&self.0)?;
        self.0.clear();
        Ok(())
    }
}

/// As a ledger is replayed: one thread decodes, one executes, one hashes what was executed before.
/// Gives the number of refused calls.
fn decode_and_apply(state: &mut State, blocks: &[Vec<Vec<u8>>]) -> Result<u64> {
    let (send, decoded) = sync_channel::<Vec<Payload>>(4);
    let (executed, copies) = sync_channel::<Unhashed>(4);
    let mut hasher = state.lend_hasher();
    thread::scope(|scope| {
        scope.spawn(move || {
            for block in blocks {
                let decode = |bytes: &Vec<u8>| Transaction::decode(bytes).ok().map(|t| t.payload);
                // The receiver is gone only if it failed.
                let _ = send.send(block.iter().filter_map(decode).collect());
            }
        });
        let hashing = scope.spawn(move || {
            for copy in copies {
                black_box(hasher.root(copy));
            }
            hasher
        });
        let mut refused = 0;
        for payloads in decoded {
            let outcomes = execute(state, &payloads)?;
            refused += to_u64(outcomes.iter().filter(|outcome| outcome.result.is_err()).count());
            // As above.
            let _ = executed.send(state.hand_over());
        }
        drop(executed);
        let hasher = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        state.return_hasher(hasher);
        Ok(refused)
    })
}

/// As a block is made: executed, hashed, shown to readers.
fn apply(state: &mut State, payloads: &[Payload], newest: &ArcSwap<State>) -> Result<u64> {
    let refused = execute_and_hash(state, payloads)?;
    newest.store(Arc::new(state.clone()));
    Ok(refused)
}

fn execute_and_hash(state: &mut State, payloads: &[Payload]) -> Result<u64> {
    let outcomes = execute(state, payloads)?;
    black_box(state.root());
    Ok(to_u64(outcomes.iter().filter(|outcome| outcome.result.is_err()).count()))
}

/// The same with signatures: two threads check, and this one executes what they let pass.
fn signed(state: &mut State, log: &mut Log) -> Result<()> {
    const COUNT: usize = 20_000;
    let mut transactions = Vec::new();
    for place in 0..to_u64(COUNT) {
        let payload = log.upload(log.turn(place), 1);
        transactions.push(log.signed(payload).context("an owner signs")?);
    }
    let newest = ArcSwap::from_pointee(state.clone());
    let (halves, started) = (transactions.split_at(COUNT / 2), Instant::now());
    let refused = thread::scope(|scope| -> Result<u64> {
        let mut queues = Vec::new();
        for half in [halves.0, halves.1] {
            let (send, checked) = sync_channel(COUNT);
            queues.push(checked);
            scope.spawn(move || {
                for block in half.chunks(BLOCK / 4) {
                    let good = block.iter().filter(|t| t.signature_holds()).map(|t| t.payload.clone());
                    // The receiver is gone only if it failed.
                    let _ = send.send(good.collect::<Vec<_>>());
                }
            });
        }
        // One owner's transactions must stay in order: the second half waits for the first.
        let second = queues.pop().context("two queues")?;
        let mut refused = 0;
        for payloads in queues.into_iter().flatten() {
            refused += apply(state, &payloads, &newest)?;
        }
        for payloads in second {
            refused += apply(state, &payloads, &newest)?;
        }
        Ok(refused)
    })?;
    ensure!(refused == 0, "{refused} signed calls were refused");
    let seconds = started.elapsed().as_secs_f64();
    say("calls with sr25519 signatures checked, 2 cores", rate(to_u64(COUNT), seconds), "-");
    Ok(())
}

/// Seconds of one call in a block of a hundred, its share of root and snapshot included: the median.
fn cost(state: &mut State, log: &mut Log, mut make: impl FnMut(&mut Log) -> Payload) -> Result<f64> {
    let newest = ArcSwap::from_pointee(state.clone());
    let mut seconds = Vec::new();
    for _ in 0..60 {
        let payloads: Vec<_> = (0..SMALL_BLOCK).map(|_| make(log)).collect();
        let started = Instant::now();
        apply(state, &payloads, &newest)?;
        seconds.push(started.elapsed().as_secs_f64() / as_f64(to_u64(SMALL_BLOCK)));
    }
    Ok(super::percentile(&mut seconds, 50))
}

/// One call at full size against one in a network that has the same buckets, but no more than a
/// thousand small channels.
fn costs(state: &mut State, log: &mut Log) -> Result<()> {
    let mut small_log = Log::new();
    let mut small = State::from_genesis(&small_log.genesis)?;
    let mut payloads = small_log.setting_up();
    payloads.extend((0..1_000).map(|_| small_log.channel()));
    execute(&mut small, &payloads)?;
    small.root();
    state.root();
    let upload = |log: &mut Log| {
        let channel = log.turn(log.objects_count().wrapping_mul(7));
        log.upload(channel, 1)
    };
    let assignment = |log: &mut Log| log.assignment();
    let pairs = [
        ("upload_data_objects", cost(&mut small, &mut small_log, upload)?, cost(state, log, upload)?),
        (
            "update_distribution_buckets_for_bag",
            cost(&mut small, &mut small_log, assignment)?,
            cost(state, log, assignment)?,
        ),
    ];
    for (name, empty, full) in pairs {
        let value = format!("{:.1} µs, {:.2} times", full * 1e6, full / empty);
        say(&format!("{name} ({:.1} µs when empty)", empty * 1e6), value, "at most 3 times");
    }
    Ok(())
}

/// Assignments executed per second, with root and snapshot for each block of a hundred.
fn update_rate(mut state: State, mut log: Log) -> Result<f64> {
    // A clone hashes everything once.
    state.root();
    Ok(1.0 / cost(&mut state, &mut log, Log::assignment)?)
}

/// Writes a checkpoint of `state` and says how long it took.
fn write_checkpoint(path: &Path, mut state: State, pace: Pace) -> Result<(Duration, f64, u64)> {
    let (started, before) = (Instant::now(), cpu_seconds());
    let anchor = anchor(&mut state);
    let written = checkpoint::write(path, &anchor, &state, pace, &AtomicBool::new(false))?;
    Ok((started.elapsed(), cpu_seconds() - before, written.bytes))
}

/// Only a process that did nothing else shows what the state itself takes.
fn load_in_a_fresh_process(path: &Path, objects: u64) -> Result<()> {
    let out = Command::new(std::env::current_exe()?)
        .args(["bench", "directory-load", "--objects", &objects.to_string(), "--checkpoint"])
        .arg(path)
        .status()?;
    ensure!(out.success(), "the checkpoint was not loaded");
    Ok(())
}

/// What that process does.
pub(crate) fn load(path: &Path, objects: u64) -> Result<()> {
    let genesis = Log::new().genesis;
    let (resident, started, before) = (resident_bytes()?, Instant::now(), cpu_seconds());
    let (anchor, mut state) = checkpoint::load(path, &genesis)?;
    let tip = anchor.tip;
    let (elapsed, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - before);
    let taken = resident_bytes()?.saturating_sub(resident);
    ensure!(state.root() == tip.state_root, "another root");
    ensure!(to_usize(state.objects_count()) >= to_usize(objects), "objects are missing");
    say("checkpoint loaded, root checked", format!("{elapsed:.1} s ({cpu:.1} CPU)"), "20 s");
    let each = as_f64(taken) / as_f64(state.objects_count());
    say("memory, all in, per object", format!("{each:.1} bytes"), "100, at most 200 bytes");
    say("  of the whole process", format!("{:.0} MB", as_f64(taken) / 1e6), "-");
    say("  height", block_at(tip.height).height.to_string(), "-");
    Ok(())
}
