//! Objects that nobody has asked for before.

use super::{
    Options,
    origin::Origin,
    say,
    subjects::{Kind, Subject},
    table::Table,
};
use crate::bench::{as_f64, http::Connection, percentile};
use anyhow::{Context as _, Result, ensure};
use std::{
    path::Path,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

const MIB: u64 = 1024 * 1024;
/// Bytes of a cache in which everything fits.
const CACHE_BYTES: u64 = 4096 * MIB;
/// Clients that come at once.
const CLIENTS: usize = 32;
/// Bytes that a seek wants.
const SEEK_BYTES: u64 = MIB;
/// The object of the small ranges, in MiB; and how many are read of it, one after the other.
const RANGES_MIB: u64 = 256;
const RANGES: u64 = 50;
const RANGE_BYTES: u64 = 64 * 1024;

/// Ids of the objects.
struct Objects {
    whole: String,
    shared: String,
    large: String,
    ranges: String,
}

pub(super) fn run(origin: &Origin, folder: &Path, kinds: &[Kind], options: &Options) -> Result<()> {
    let (middle, large) = (options.middle_mib * MIB, options.large_mib * MIB);
    let ids = origin.put(&[middle, middle, large, RANGES_MIB * MIB], 1)?;
    let [whole, shared, large_id, ranges] = <[String; 4]>::try_from(ids).ok().context("not all were put")?;
    let objects = Objects { whole, shared, large: large_id, ranges };
    let mut table = Table::default();
    for round in 0..options.rounds {
        for at in 0..kinds.len() {
            // Each is the first one once.
            let column = (at + round) % kinds.len();
            let subject =
                Subject::start(kinds[column], origin, &folder.join(format!("cold-{column}")), CACHE_BYTES)?;
            measure(origin, &subject, &objects, (middle, large), |row, figure| {
                table.note(row, column, figure);
            })
            .with_context(|| kinds[column].name())?;
        }
        say(&format!("round {} of {}", round + 1, options.rounds));
    }
    table.print("cold objects, medians", kinds);
    Ok(())
}

fn measure(
    origin: &Origin,
    subject: &Subject,
    objects: &Objects,
    (middle, large): (u64, u64),
    mut note: impl FnMut(&str, f64),
) -> Result<()> {
    let mut counted = origin.settled()?;
    let mut fetched = |origin: &Origin| -> Result<f64> {
        let now = origin.settled()?;
        Ok(as_f64(now - std::mem::replace(&mut counted, now)) / as_f64(MIB))
    };
    let (mib, path) = (middle / MIB, subject.kind.path(&objects.whole));
    let (first, total) = get(&subject.endpoint, &path, "", (200, middle))?;
    note(&format!("{mib} MiB, one client: first byte, ms"), ms(first));
    note(&format!("{mib} MiB, one client: last byte, ms"), ms(total));
    note(&format!("{mib} MiB, one client: fetched from the origin, MiB"), fetched(origin)?);

    let (mut firsts, last) = at_once(subject, &subject.kind.path(&objects.shared), middle)?;
    note(
        &format!("{mib} MiB, {CLIENTS} clients at once: first byte, median, ms"),
        percentile(&mut firsts, 50),
    );
    note(&format!("{mib} MiB, {CLIENTS} clients at once: last byte of the last, ms"), ms(last));
    note(&format!("{mib} MiB, {CLIENTS} clients at once: fetched from the origin, MiB"), fetched(origin)?);

    let (seek, path) = (range(large / 2, SEEK_BYTES), subject.kind.path(&objects.large));
    let (first, total) = get(&subject.endpoint, &path, &seek, (206, SEEK_BYTES))?;
    let what = format!("1 MiB in the middle of {} MiB", large / MIB);
    note(&format!("{what}: first byte, ms"), ms(first));
    note(&format!("{what}: last byte, ms"), ms(total));
    note(&format!("{what}: fetched from the origin, MiB"), fetched(origin)?);

    let mut totals = ranges(subject, &subject.kind.path(&objects.ranges))?;
    let what = format!("{RANGES} times 64 KiB anywhere in {RANGES_MIB} MiB, one after the other");
    note(&format!("{what}: median, ms"), percentile(&mut totals, 50));
    note(&format!("{what}: the slowest, ms"), totals.last().copied().unwrap_or(f64::NAN));
    note(&format!("{what}: fetched from the origin, MiB"), fetched(origin)?);
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn range(start: u64, len: u64) -> String {
    format!("Range: bytes={start}-{}\r\n", start + len - 1)
}

/// Times to the first and the last byte.
fn get(endpoint: &str, path: &str, extra: &str, (status, len): (u16, u64)) -> Result<(Duration, Duration)> {
    exchange(&mut Connection::open(endpoint)?, path, extra, (status, len))
}

fn exchange(
    connection: &mut Connection,
    path: &str,
    extra: &str,
    (status, len): (u16, u64),
) -> Result<(Duration, Duration)> {
    let started = Instant::now();
    let answer = connection.get(path, extra)?;
    ensure!(answer.status == status, "{path} {} answered {}", extra.trim(), answer.status);
    ensure!(answer.body_bytes == len, "{path} {}: {} bytes", extra.trim(), answer.body_bytes);
    Ok((answer.first_byte, started.elapsed()))
}

/// Milliseconds to the first bytes of clients that come at once, and the time until the last has all.
fn at_once(subject: &Subject, path: &str, len: u64) -> Result<(Vec<f64>, Duration)> {
    let barrier = Barrier::new(CLIENTS + 1);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let connection = Connection::open(&subject.endpoint);
                    barrier.wait();
                    exchange(&mut connection?, path, "", (200, len))
                })
            })
            .collect();
        barrier.wait();
        let started = Instant::now();
        let firsts = clients
            .into_iter()
            .map(|client| Ok(ms(client.join().ok().context("a client panicked")??.0)))
            .collect::<Result<_>>()?;
        Ok((firsts, started.elapsed()))
    })
}

/// Milliseconds that each range took.
fn ranges(subject: &Subject, path: &str) -> Result<Vec<f64>> {
    let mut draw = fastrand::Rng::with_seed(7);
    let mut connection = Connection::open(&subject.endpoint)?;
    (0..RANGES)
        .map(|_| {
            let start = draw.u64(0..RANGES_MIB * MIB - RANGE_BYTES);
            Ok(ms(exchange(&mut connection, path, &range(start, RANGE_BYTES), (206, RANGE_BYTES))?.1))
        })
        .collect()
}
