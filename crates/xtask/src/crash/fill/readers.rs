//! Viewers: they read whole objects and ranges, and compare every byte.

use super::source::Object;
use crate::{
    bench::http::Connection,
    crash::{node::pause, power::rest},
    pattern::Comparison,
};
use anyhow::{Context as _, Result, ensure};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

/// Longest range that is asked for, in bytes.
const MAX_RANGE_BYTES: u64 = 4 * 1024 * 1024;
/// Longest that somebody looks at a range before the next one, in milliseconds.
const MAX_LOOK_MS: u64 = 20;
/// Viewers of each kind.
const VIEWERS: u64 = 2;

/// What viewers and the one who crashes the node know of each other.
#[derive(Default)]
pub(crate) struct Stage {
    /// The node is about to lose its disk, or has: answers may break off or fail. Their bytes must be right
    /// all the same.
    pub(crate) is_dark: AtomicBool,
    /// Nothing more is to be read.
    pub(crate) is_over: AtomicBool,
    /// Bytes that were compared.
    pub(crate) compared: AtomicU64,
}

/// Reads while `act` runs, and until it is done.
pub(crate) fn while_reading<T>(
    endpoint: &str,
    objects: &[Object],
    seed: u64,
    stage: &Stage,
    act: impl FnOnce() -> Result<T>,
) -> Result<T> {
    thread::scope(|scope| {
        let viewers: Vec<_> = (0..2 * VIEWERS)
            .map(|viewer| {
                let draw = fastrand::Rng::with_seed(seed ^ (viewer << 40));
                scope.spawn(move || view(endpoint, objects, draw, stage, viewer < VIEWERS))
            })
            .collect();
        let done = act();
        stage.is_over.store(true, Ordering::Relaxed);
        for viewer in viewers {
            viewer.join().ok().context("a viewer panicked")??;
        }
        done
    })
}

fn view(
    endpoint: &str,
    objects: &[Object],
    mut draw: fastrand::Rng,
    stage: &Stage,
    reads_whole: bool,
) -> Result<()> {
    let mut order: Vec<&Object> = objects.iter().collect();
    draw.shuffle(&mut order);
    let Some(mut connection) = connect(endpoint, stage) else { return Ok(()) };
    // All objects once, or ranges of any as long as it takes.
    for object in order.iter().cycle().take(if reads_whole { order.len() } else { usize::MAX }) {
        if stage.is_over.load(Ordering::Relaxed) {
            return Ok(());
        }
        let read = if reads_whole {
            whole(&mut connection, object, stage)
        } else {
            let start = draw.u64(0..object.size);
            let len = draw.u64(1..=MAX_RANGE_BYTES).min(object.size - start);
            rest(draw.u64(0..MAX_LOOK_MS));
            range(&mut connection, object, start, len, stage)
        };
        match read {
            Ok(()) => {}
            Err(error) if is_wrong(&error) || !stage.is_dark.load(Ordering::Relaxed) => return Err(error),
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// Tries until somebody is there, or nothing more is to be read.
fn connect(endpoint: &str, stage: &Stage) -> Option<Connection> {
    loop {
        if let Ok(connection) = Connection::open(endpoint) {
            return Some(connection);
        }
        if stage.is_over.load(Ordering::Relaxed) {
            return None;
        }
        pause();
    }
}

/// Whether an error tells of bytes that must never be seen.
pub(crate) fn is_wrong(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.to_string().starts_with("WRONG"))
}

/// Reads a whole object.
pub(crate) fn whole(connection: &mut Connection, object: &Object, stage: &Stage) -> Result<()> {
    let path = format!("/api/v1/assets/{}", object.id);
    get(connection, object, &path, "", (200, 0, object.size), stage)
}

fn range(connection: &mut Connection, object: &Object, start: u64, len: u64, stage: &Stage) -> Result<()> {
    let path = format!("/api/v1/assets/{}", object.id);
    let extra = format!("Range: bytes={start}-{}\r\n", start + len - 1);
    get(connection, object, &path, &extra, (206, start, len), stage)
}

fn get(
    connection: &mut Connection,
    object: &Object,
    path: &str,
    extra: &str,
    (wanted, start, len): (u16, u64, u64),
    stage: &Stage,
) -> Result<()> {
    let mut comparison = Comparison::new(object.pattern, start);
    let answer = connection.get_to(path, extra, |status, piece| {
        if status != wanted {
            return Ok(());
        }
        stage.compared.fetch_add(u64::try_from(piece.len())?, Ordering::Relaxed);
        comparison.next(piece).with_context(|| format!("object {}", object.id))
    });
    let answer = answer.with_context(|| format!("{path} {}", extra.trim()))?;
    ensure!(answer.status == wanted, "{path} {} answered {}", extra.trim(), answer.status);
    ensure!(answer.body_bytes == len, "WRONG: {path} has {} bytes of {len}", answer.body_bytes);
    Ok(())
}

/// Reads all objects from beginning to end, several at once.
pub(crate) fn read_all(endpoint: &str, objects: &[Object], stage: &Stage) -> Result<()> {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..VIEWERS)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut connection = Connection::open(endpoint)?;
                    while let Some(object) =
                        objects.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed))?)
                    {
                        whole(&mut connection, object, stage)?;
                    }
                    Ok(())
                })
            })
            .collect();
        readers.into_iter().try_for_each(|reader| reader.join().ok().context("a reader panicked")?)
    })
}
