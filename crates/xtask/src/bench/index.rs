//! The index of a node at its full size: memory, speed of blocks and of look-ups, checkpoints.

use super::{
    as_f64,
    machine::{cpu_seconds, peak_bytes, reset_peak, resident_bytes},
    say,
};
use crate::directory_log::{BLOCK, Log, OBJECTS, ROUNDS, block_at, execute};
use anyhow::{Context as _, Result, ensure};
use argosy_directory::{Call, ContentCall, Event, Payload, State, StorageCall, event::DynamicBagCreation};
use argosy_domain::{ChannelId, DataObjectId, DistributionBucketId, DynamicBagId, FamilyId, num::to_u64};
use argosy_node_core::{
    follow::{CheckpointReader, Index, SEAL_BYTES},
    serve::{AssetDecision, Assignment, decide_asset},
};
use std::{
    fs::{self, File},
    hint::black_box,
    io::{BufReader, Read as _, Write as _},
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Bytes that a checkpoint's writer gives to the disk at once, as a node's does.
const BYTES_PER_SYNC: u64 = 16 * 1024 * 1024;
/// Calls in a block while a checkpoint is written.
const SMALL_BLOCK: usize = 100;

pub(crate) fn run(root: &Path, objects: u64) -> Result<()> {
    ensure!(objects >= OBJECTS * 1_000, "at least {} objects", OBJECTS * 1_000);
    check_teller()?;
    let before = resident_bytes()?;
    let mut follower = Follower::new()?;
    let (applied, cpu) = follower.fill(objects)?;
    let rate = as_f64(objects) / cpu / 1e3;
    say("objects declared and accepted, with their bags, a CPU-second", format!("{rate:.0} k/s"), "-");
    say("  calls that their blocks had", applied.to_string(), "-");
    memory(&follower.index, before)?;
    look_ups(&follower.index);
    fs::create_dir_all(root.join("target"))?;
    let path = root.join("target/bench-index.checkpoint");
    follower.save_beside(&path)?;
    drop(follower);
    // Only a process that did nothing else shows what reading takes.
    let out = Command::new(std::env::current_exe()?)
        .args(["bench", "index-load", "--checkpoint"])
        .arg(&path)
        .status()?;
    ensure!(out.success(), "the checkpoint was not loaded");
    fs::remove_file(&path)?;
    Ok(())
}

/// What that process does.
pub(crate) fn load(path: &Path) -> Result<()> {
    let mut reader = CheckpointReader::new(Log::new().genesis.hash());
    reset_peak()?;
    let (before, started, cpu) = (resident_bytes()?, Instant::now(), cpu_seconds());
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let (mut seal, mut piece) = ([0; SEAL_BYTES], Vec::new());
    let length = fs::metadata(path)?.len();
    let mut at = 0;
    while at < length {
        file.read_exact(&mut seal)?;
        piece.resize(CheckpointReader::length(&seal)?, 0);
        file.read_exact(&mut piece)?;
        reader.push(&seal, &piece)?;
        at += to_u64(SEAL_BYTES + piece.len());
    }
    let index = reader.finish()?;
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    say("checkpoint read", format!("{seconds:.1} s ({cpu:.1} CPU)"), "-");
    memory(&index, before)?;
    let peak = as_f64(peak_bytes()?.saturating_sub(before)) / 1e6;
    say("  at most, while it was read", format!("{peak:.0} MB"), "1 GiB");
    look_ups(&index);
    Ok(())
}

fn memory(index: &Index, before: u64) -> Result<()> {
    let taken = as_f64(resident_bytes()?.saturating_sub(before));
    let count = index.objects_count();
    say(&format!("memory of {count} objects, everything"), format!("{:.0} MB", taken / 1e6), "1 GiB");
    say("  an object", format!("{:.1} bytes", taken / as_f64(count)), "90 bytes");
    Ok(())
}

/// Random objects one at a time, as requests come.
fn look_ups(index: &Index) {
    const COUNT: u64 = 2_000_000;
    let end = index.next_object_id().0;
    let mine = (0..3).map(|family| DistributionBucketId { family: FamilyId(family), index: 5 });
    let mine = Assignment::Buckets(mine.collect());
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        DataObjectId((seed >> 20) % end)
    };
    let measure = |what: &str, look_up: &mut dyn FnMut()| {
        let before = cpu_seconds();
        (0..COUNT).for_each(|_| look_up());
        say(what, format!("{:.0} ns", (cpu_seconds() - before) * 1e9 / as_f64(COUNT)), "-");
    };
    measure("look-up of an object", &mut || {
        black_box(index.object(next()));
    });
    measure("  and whether its bag is ours", &mut || {
        let decision = decide_asset(index, &mine, next());
        black_box(matches!(decision, AssetDecision::Serve { .. }));
    });
}

/// A directory's blocks, and the index of them.
struct Follower {
    log: Log,
    teller: Teller,
    index: Index,
    events: Vec<Event>,
}

impl Follower {
    /// After the setting up, whose events the directory itself tells.
    fn new() -> Result<Self> {
        let mut log = Log::new();
        let mut state = State::from_genesis(&log.genesis)?;
        let outcomes = execute(&mut state, &log.setting_up())?;
        let index = Index::from_genesis(&log.genesis);
        let events = outcomes.into_iter().flat_map(|outcome| outcome.events).collect();
        let mut follower = Self { log, teller: Teller::default(), index, events };
        follower.apply()?;
        Ok(follower)
    }

    /// The calls, and the seconds of CPU time that it took to apply them.
    fn fill(&mut self, objects: u64) -> Result<(u64, f64)> {
        let channels = objects / OBJECTS;
        let (mut calls, mut seconds) = (0_usize, 0.0);
        let mut push = |follower: &mut Self, payload: Payload| -> Result<()> {
            follower.teller.tell(payload, &mut follower.events)?;
            calls += 1;
            if calls.is_multiple_of(BLOCK) {
                seconds += follower.apply()?;
            }
            Ok(())
        };
        for _ in 0..channels {
            let payload = self.log.channel();
            push(self, payload)?;
        }
        for round in 0..ROUNDS {
            for place in 0..channels {
                let channel = self.log.turn(place);
                let payload = self.log.upload(channel, round + 1);
                push(self, payload)?;
                let payload = self.log.acceptance(channel, round + 1);
                push(self, payload)?;
            }
        }
        seconds += self.apply()?;
        ensure!(self.index.objects_count() == self.log.objects_count(), "objects are missing");
        Ok((to_u64(calls), seconds))
    }

    /// The seconds of CPU time that it took.
    fn apply(&mut self) -> Result<f64> {
        let before = cpu_seconds();
        let at = block_at(self.index.height() + 1);
        black_box(self.index.apply_block(at.height, at.time_ms, &self.events)?);
        self.events.clear();
        Ok(cpu_seconds() - before)
    }

    /// Writes a checkpoint, and applies blocks of uploads all over the place meanwhile.
    fn save_beside(&mut self, path: &Path) -> Result<()> {
        reset_peak()?;
        let (before, started) = (resident_bytes()?, Instant::now());
        let snapshot = self.index.clone();
        let cloned = started.elapsed();
        let done = AtomicBool::new(false);
        let (mut longest, mut blocks) = (Duration::ZERO, 0_u64);
        let (seconds, cpu) = thread::scope(|scope| -> Result<(f64, f64)> {
            let writer = scope.spawn(|| {
                let written = write(path, snapshot);
                done.store(true, Ordering::Release);
                written
            });
            while !done.load(Ordering::Acquire) {
                for _ in 0..SMALL_BLOCK / 2 {
                    let channel = self.log.turn(self.log.objects_count().wrapping_mul(7));
                    let upload = self.log.upload(channel, 1);
                    let acceptance = self.log.acceptance(channel, 1);
                    self.teller.tell(upload, &mut self.events)?;
                    self.teller.tell(acceptance, &mut self.events)?;
                }
                let started = Instant::now();
                self.apply()?;
                longest = longest.max(started.elapsed());
                blocks += 1;
            }
            writer.join().ok().context("a thread panicked")?
        })?;
        let size = as_f64(fs::metadata(path)?.len()) / 1e6;
        say(&format!("checkpoint of {size:.0} MB written"), format!("{seconds:.1} s ({cpu:.1} CPU)"), "-");
        say("  the snapshot for it", format!("{:.0} µs", cloned.as_secs_f64() * 1e6), "-");
        say("  blocks of 100 calls applied meanwhile", blocks.to_string(), "-");
        say("  the longest of them", format!("{:.1} ms", longest.as_secs_f64() * 1e3), "50 ms");
        let more = as_f64(peak_bytes()?.saturating_sub(before)) / 1e6;
        say("  memory that it took, with what these blocks added", format!("{more:.0} MB"), "-");
        Ok(())
    }
}

fn write(path: &Path, snapshot: Index) -> Result<(f64, f64)> {
    let (started, before) = (Instant::now(), cpu_seconds());
    let mut file = File::create(path)?;
    let (mut bytes, mut synced) = (0, 0);
    for piece in snapshot.pieces() {
        file.write_all(&piece)?;
        bytes += to_u64(piece.len());
        if bytes - synced >= BYTES_PER_SYNC {
            file.sync_data()?;
            synced = bytes;
        }
    }
    file.sync_all()?;
    Ok((started.elapsed().as_secs_f64(), cpu_seconds() - before))
}

/// Tells what the directory would tell of calls that succeed, but for vouchers, which nobody here minds:
/// with the directory's own state beside it, the index's memory could not be seen.
#[derive(Default)]
struct Teller {
    channels: u64,
    objects: u64,
}

impl Teller {
    fn tell(&mut self, payload: Payload, events: &mut Vec<Event>) -> Result<()> {
        self.events_of(payload.call, events).context("a call that this log does not have")
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the log is made of these calls only")]
    fn events_of(&mut self, call: Call, events: &mut Vec<Event>) -> Option<()> {
        match call {
            Call::Content(ContentCall::CreateChannel {
                owner,
                upload,
                storage_buckets,
                distribution_buckets,
            }) => {
                self.channels += 1;
                let channel = ChannelId(self.channels);
                let creation = DynamicBagCreation {
                    bag: DynamicBagId::Channel(channel),
                    upload,
                    storage_buckets: storage_buckets?,
                    distribution_buckets: distribution_buckets?,
                };
                events.push(Event::DynamicBagCreated { creation, ids: Vec::new() });
                events.push(Event::ChannelCreated { channel, owner });
            }
            Call::Content(ContentCall::UploadDataObjects { bag, upload }) => {
                let first = self.objects;
                self.objects += to_u64(upload.object_creation_list.len());
                let ids = (first..self.objects).map(DataObjectId).collect();
                events.push(Event::DataObjectsUploaded { ids, bag, upload, bond: 0 });
            }
            Call::Storage(StorageCall::AcceptPendingDataObjects { worker, bucket, bag, objects }) => {
                events.push(Event::PendingDataObjectsAccepted { bucket, worker, bag, objects });
            }
            _ => return None,
        }
        Some(())
    }
}

/// What the teller tells makes the index that the directory's own state makes.
fn check_teller() -> Result<()> {
    const CHANNELS: u64 = 200;
    let mut follower = Follower::new()?;
    follower.fill(CHANNELS * OBJECTS)?;
    let mut log = Log::new();
    let mut state = State::from_genesis(&log.genesis)?;
    execute(&mut state, &log.setting_up())?;
    let mut payloads: Vec<Payload> = (0..CHANNELS).map(|_| log.channel()).collect();
    for round in 0..ROUNDS {
        for place in 0..CHANNELS {
            let channel = log.turn(place);
            payloads.push(log.upload(channel, round + 1));
            payloads.push(log.acceptance(channel, round + 1));
        }
    }
    for block in payloads.chunks(BLOCK) {
        let outcomes = execute(&mut state, block)?;
        ensure!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "a call was refused");
    }
    ensure!(state.objects_count() == CHANNELS * OBJECTS, "objects are missing");
    ensure!(Index::from_state(&state) == follower.index, "the directory tells something else");
    Ok(())
}
