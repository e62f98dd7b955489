//! The index of a node at its full size: memory, speed of blocks and of look-ups, checkpoints.

use super::{
    as_f64,
    machine::{cpu_seconds, peak_bytes, reset_peak, resident_bytes},
    say,
};
use crate::directory_log::{BLOCK, Log, OBJECTS, ROUNDS, block_at, execute};
use anyhow::{Context as _, Result, ensure};
use argosy_directory::{Call, ContentCall, Event, Payload, State, StorageCall, event::DynamicBagCreation};
use argosy_domain::{ChannelId, DataObjectId, DistributionBucketId, DynamicBagId, num::to_u64};
use argosy_node_core::{
    follow::Index,
    serve::{AssetDecision, Assignment, decide_asset},
};
use std::{fs, hint::black_box, path::Path, process::Command, time::Instant};

pub(crate) fn run(root: &Path, objects: u64) -> Result<()> {
    ensure!(objects >= OBJECTS * 1_000, "at least {} objects", OBJECTS * 1_000);
    let before = resident_bytes()?;
    let index = build(objects)?;
    memory(&index, resident_bytes()?.saturating_sub(before));
    look_ups(&index);
    let path = root.join("target/bench.index");
    reset_peak()?;
    let (started, resident) = (Instant::now(), resident_bytes()?);
    fs::write(&path, index.to_checkpoint())?;
    let seconds = started.elapsed().as_secs_f64();
    say(
        "checkpoint written",
        format!("{seconds:.1} s, {:.0} MB", as_f64(fs::metadata(&path)?.len()) / 1e6),
        "-",
    );
    say(
        "  memory that this took",
        format!("{:.0} MB", as_f64(peak_bytes()?.saturating_sub(resident)) / 1e6),
        "-",
    );
    drop(index);
    let out = Command::new(std::env::current_exe()?)
        .args(["bench", "index-load", "--checkpoint"])
        .arg(&path)
        .status()?;
    ensure!(out.success(), "the checkpoint was not loaded");
    Ok(())
}

pub(crate) fn load(path: &Path) -> Result<()> {
    let genesis = Log::new().genesis;
    let (before, started) = (resident_bytes()?, Instant::now());
    let bytes = fs::read(path)?;
    let index = Index::from_checkpoint(&bytes, &genesis.hash())?;
    drop(bytes);
    say("checkpoint read", format!("{:.1} s", started.elapsed().as_secs_f64()), "-");
    memory(&index, resident_bytes()?.saturating_sub(before));
    say("  peak", format!("{:.0} MB", as_f64(peak_bytes()?.saturating_sub(before)) / 1e6), "-");
    look_ups(&index);
    Ok(())
}

fn memory(index: &Index, taken: u64) {
    let each = as_f64(taken) / as_f64(index.objects_count());
    say(
        &format!("memory of {} objects", index.objects_count()),
        format!("{:.0} MB", as_f64(taken) / 1e6),
        "-",
    );
    say("  each", format!("{each:.1} bytes"), "-");
}

fn look_ups(index: &Index) {
    const COUNT: u64 = 4_000_000;
    let end = index.next_object_id().0;
    let mine =
        (0..3).map(|family| DistributionBucketId { family: argosy_domain::FamilyId(family), index: 5 });
    let mine = Assignment::Buckets(mine.collect());
    let (mut seed, mut served) = (1_u64, 0_u64);
    let before = cpu_seconds();
    for _ in 0..COUNT {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let id = DataObjectId((seed >> 20) % end);
        let found = index.object(id).is_some();
        served += u64::from(found);
    }
    say("look-up of an object", format!("{:.0} ns", (cpu_seconds() - before) * 1e9 / as_f64(COUNT)), "-");
    let before = cpu_seconds();
    for _ in 0..COUNT / 4 {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let id = DataObjectId((seed >> 20) % end);
        served += u64::from(matches!(black_box(decide_asset(index, &mine, id)), AssetDecision::Serve { .. }));
    }
    say("decision", format!("{:.0} ns", (cpu_seconds() - before) * 4e9 / as_f64(COUNT)), "-");
    black_box(served);
}

fn build(objects: u64) -> Result<Index> {
    let mut log = Log::new();
    let mut index = Index::from_genesis(&log.genesis);
    let mut state = State::from_genesis(&log.genesis)?;
    let setting_up = log.setting_up();
    let outcomes = execute(&mut state, &setting_up)?;
    let mut seconds = 0.0;
    let mut apply = |events: &mut Vec<Event>| -> Result<()> {
        let before = cpu_seconds();
        let at = block_at(index.height() + 1);
        black_box(index.apply_block(at.height, at.time_ms, events.iter())?);
        seconds += cpu_seconds() - before;
        events.clear();
        Ok(())
    };
    let mut events: Vec<Event> = outcomes.into_iter().flat_map(|outcome| outcome.events).collect();
    apply(&mut events)?;
    let channels = objects / OBJECTS;
    let mut calls = 0;
    let mut next = Next { channel: 1, object: 0 };
    let mut push = |payload: Payload, events: &mut Vec<Event>| -> Result<()> {
        next.tell(payload.call, events).context("a call of another kind")?;
        calls += 1;
        if calls % BLOCK == 0 { apply(events) } else { Ok(()) }
    };
    for _ in 0..channels {
        push(log.channel(), &mut events)?;
    }
    for round in 0..ROUNDS {
        for place in 0..channels {
            let channel = log.turn(place);
            push(log.upload(channel, round + 1), &mut events)?;
            push(log.acceptance(channel, round + 1), &mut events)?;
        }
    }
    apply(&mut events)?;
    ensure!(index.objects_count() == log.objects_count(), "objects are missing");
    say(
        "objects applied, each declared and accepted, with their bags",
        format!("{:.0} k/s", as_f64(objects) / seconds / 1e3),
        "-",
    );
    Ok(index)
}

struct Next {
    channel: u64,
    object: u64,
}

impl Next {
    fn tell(&mut self, call: Call, events: &mut Vec<Event>) -> Option<()> {
        match call {
            Call::Content(ContentCall::CreateChannel {
                owner,
                upload,
                storage_buckets,
                distribution_buckets,
            }) => {
                let channel = ChannelId(self.channel);
                self.channel += 1;
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
                let first = self.object;
                self.object += to_u64(upload.object_creation_list.len());
                let ids = (first..self.object).map(DataObjectId).collect();
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
