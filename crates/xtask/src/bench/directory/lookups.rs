//! Look-ups by one thread while another one changes the state, and while a third writes a checkpoint.

use super::{SMALL_BLOCK, apply, rate, write_checkpoint};
use crate::{
    bench::{as_f64, machine::cpu_seconds, say},
    directory_log::Log,
};
use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use argosy_directory::{Route, State};
use argosy_domain::{DataObjectId, num::to_u64};
use argosy_ledger::checkpoint::Pace;
use std::{
    hint::black_box,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Changes each second while look-ups are measured.
const CHANGES: u64 = 2_000;
/// Ids in a batch.
const BATCH: usize = 1_024;
const TIME: Duration = Duration::from_secs(4);

/// What was measured.
struct Figures {
    count: u64,
    seconds: f64,
    cpu: f64,
    longest_pause: Duration,
}

pub(super) fn run(state: State, log: Log, path: &Path) -> Result<(State, Log)> {
    let newest = ArcSwap::from_pointee(state.clone());
    let (stop, done) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| -> Result<(State, Log)> {
        let (stop, done, newest) = (&stop, &done, &newest);
        let writer = scope.spawn(move || change(state, log, newest, stop));
        report("look-ups one at a time", &look_up(newest, 1, &until(TIME)), "1.5 M/s a core");
        report("look-ups in batches of 1024", &look_up(newest, BATCH, &until(TIME)), "10 M/s a core");
        let snapshot = State::clone(&newest.load());
        let checkpoint = scope.spawn(move || {
            let written = write_checkpoint(path, snapshot, Pace::default());
            done.store(true, Ordering::Release);
            written
        });
        let meanwhile = look_up(newest, 1, &|_| !done.load(Ordering::Acquire));
        stop.store(true, Ordering::Release);
        let (elapsed, cpu, bytes) = checkpoint.join().ok().context("a thread panicked")??;
        let value = format!("{:.1} s ({cpu:.1} CPU)", elapsed.as_secs_f64());
        say(&format!("checkpoint of {:.0} MB written beside", as_f64(bytes) / 1e6), value, "60 s");
        report("look-ups one at a time meanwhile", &meanwhile, "-");
        let pause = format!("{:.1} ms", meanwhile.longest_pause.as_secs_f64() * 1e3);
        say("  longest pause of the reader meanwhile", pause, "50 ms");
        writer.join().ok().context("a thread panicked")?
    })
}

/// Look-ups each CPU-second of this thread, in batches, nobody changing anything.
pub(super) fn rate_alone(state: &State) -> [f64; 2] {
    let newest = ArcSwap::from_pointee(state.clone());
    [1, BATCH].map(|batch| {
        let figures = look_up(&newest, batch, &until(TIME));
        as_f64(figures.count) / figures.cpu
    })
}

fn until(time: Duration) -> impl Fn(Duration) -> bool {
    move |elapsed| elapsed < time
}

fn report(what: &str, figures: &Figures, target: &str) {
    let wall = rate(figures.count, figures.seconds);
    say(&format!("{what} (by the clock {wall})"), rate(figures.count, figures.cpu), target);
}

/// From random objects to their operators, as long as `more` says of the time that has passed.
fn look_up(newest: &ArcSwap<State>, batch: usize, more: &dyn Fn(Duration) -> bool) -> Figures {
    const IDS: usize = 1 << 18;
    let end = newest.load().next_object_id().0;
    let mut seed = 1_u64;
    let ids: Vec<DataObjectId> = (0..IDS)
        .map(|_| {
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            DataObjectId((seed >> 20) % end)
        })
        .collect();
    let mut routes: Vec<Route> = Vec::new();
    let (started, before) = (Instant::now(), cpu_seconds());
    let (mut count, mut longest_pause, mut last) = (0, Duration::ZERO, started);
    'measuring: loop {
        for some in ids.chunks(BATCH) {
            for few in some.chunks(batch) {
                routes.clear();
                newest.load().routes(few, &mut routes);
                black_box(&routes);
            }
            count += to_u64(some.len());
            let now = Instant::now();
            longest_pause = longest_pause.max(now.duration_since(last));
            last = now;
            if !more(now.duration_since(started)) {
                break 'measuring;
            }
        }
    }
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - before);
    Figures { count, seconds, cpu, longest_pause }
}

/// Executes changes at their pace, a block at a time.
#[expect(clippy::disallowed_methods, reason = "a pace is about time: there is no state to wait for")]
fn change(
    mut state: State,
    mut log: Log,
    newest: &ArcSwap<State>,
    stop: &AtomicBool,
) -> Result<(State, Log)> {
    let block = SMALL_BLOCK / 5;
    let interval = Duration::from_secs(1) * u32::try_from(block)? / u32::try_from(CHANGES)?;
    let started = Instant::now();
    let mut due = interval;
    while !stop.load(Ordering::Acquire) {
        let payloads: Vec<_> = (0..block).map(|_| log.change()).collect();
        apply(&mut state, &payloads, newest)?;
        thread::sleep(due.saturating_sub(started.elapsed()));
        due += interval;
    }
    newest.store(Arc::new(state.clone()));
    Ok((state, log))
}
