//! kill -9 at every write-side system call of a scripted run.
//!
//! The script runs in parts, each first under strace to learn what calls there are: one that makes the
//! ledger; one that goes on with it, drops old blocks, and stops in between; one that starts after a
//! crash that left half a block and unnamed files. Then each call is a moment to die: the part is run
//! anew, the node is killed before that call, and what is left is checked.

use super::{
    checks,
    journal::Journal,
    node::{Home, Limits, Ready, copy_folder},
    points::{self, Point},
    program, room, say, script, seed, skip,
};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

/// Nodes that run at once.
const WORKERS: usize = 3;
/// What the torn last block is short of, in bytes.
const TORN_BYTES: u64 = 100;

/// What to do.
#[derive(Args)]
pub(crate) struct Options {
    /// So many points at random, at least one of each kind of call; all of them unless given.
    #[arg(long)]
    sample: Option<usize>,
    /// Draws the sample.
    #[arg(long)]
    seed: Option<u64>,
    /// Only this point, as a failure names it.
    #[arg(long)]
    only: Option<Point>,
}

/// A part of the script, and where it begins.
struct Part {
    name: &'static str,
    limits: Limits,
    /// Data folder to begin with; none, to begin with nothing.
    before: Option<PathBuf>,
    journal: Journal,
    steps: Vec<script::Step>,
    found: points::Count,
}

/// What came of one death.
struct Death {
    /// Nothing if the point was not reached, else how many such calls had begun.
    ordinal: Option<u64>,
    acknowledged: usize,
    unanswered_kept: u64,
    unanswered_gone: usize,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    if !super::is_there("strace") {
        return skip("strace", 1);
    }
    let program = program(root)?;
    if room::is_root() && !room::is_inside() {
        ensure!(room::run_again()?.success(), "see above");
        return Ok(());
    }
    let place = room::make(root, "kills")?;
    let parts = make_parts(&program, &place)?;
    let seed = seed(options.seed);
    let points = choose(&parts, options, seed)?;
    say(&format!("{} points to die at, seed {seed}", points.len()));
    let started = Instant::now();
    let deaths = die_at_all(&program, &place, &parts, &points)?;
    report(&parts, &points, &deaths, started.elapsed().as_secs());
    let failed = points.len() - deaths.len();
    ensure!(failed == 0, "{failed} of {} deaths were not survived", points.len());
    Ok(())
}

/// Runs the parts once, counting, each on what the one before has left.
fn make_parts(program: &Path, place: &Path) -> Result<Vec<Part>> {
    let keeps_all = Limits { segment_bytes: 3_000, checkpoint_blocks: 5, retention: None };
    let drops = Limits { retention: Some(6), ..keeps_all };
    let fresh = make_part(program, place, "fresh", keeps_all, None, Journal::default(), 24)?;
    let after = place.join("fresh-after");
    let again = make_part(program, place, "again", drops, Some(after.clone()), fresh.1.clone(), 28)?;
    let (torn, journal) = tear(program, place, &after, keeps_all, fresh.1)?;
    let torn = make_part(program, place, "torn", keeps_all, Some(torn), journal, 6)?;
    Ok(vec![fresh.0, again.0, torn.0])
}

/// Runs a part, counting; gives it, and what is known at its end.
fn make_part(
    program: &Path,
    place: &Path,
    name: &'static str,
    limits: Limits,
    before: Option<PathBuf>,
    journal: Journal,
    steps: u8,
) -> Result<(Part, Journal)> {
    let dir = place.join(name);
    let home = begin(program, &dir, limits, before.as_deref())?;
    let log = dir.join("trace");
    let steps = script::steps(steps);
    let known = Mutex::new(journal.clone());
    let mut node = home.start(&points::counting(&log))?;
    let mut connection = node.must_be_ready()?;
    let all = script::perform(&home, &mut node, &mut connection, &known, &steps)?;
    ensure!(all && node.stop()?, "{name}: the node ended: {}", home.last_words());
    let mut known = known.into_inner().unwrap_or_else(PoisonError::into_inner);
    checks::on_disk(&home, &mut known)?;
    let found = points::count(&log, &home.data, name)?;
    copy_folder(&home.data, &place.join(format!("{name}-after")))?;
    let calls: Vec<_> = found.calls.iter().map(|(call, count)| format!("{call} {count}")).collect();
    let all: u64 = found.calls.values().sum();
    say(&format!("{name}: {all} write-side calls, {} points: {}", found.points.len(), calls.join(", ")));
    Ok((Part { name, limits, before, journal, steps, found }, known))
}

/// A home whose data folder is as the part begins with.
fn begin(program: &Path, dir: &Path, limits: Limits, before: Option<&Path>) -> Result<Home> {
    let data = dir.join("data");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    let home = Home::make(program, dir, &data, limits)?;
    match before {
        Some(before) => copy_folder(before, &data)?,
        None => fs::create_dir_all(&data)?,
    }
    Ok(home)
}

/// Makes of a ledger what a crash leaves: half a block that nobody was told of, and unnamed files.
fn tear(
    program: &Path,
    place: &Path,
    from: &Path,
    limits: Limits,
    mut journal: Journal,
) -> Result<(PathBuf, Journal)> {
    let home = begin(program, &place.join("tearing"), limits, Some(from))?;
    let height = checks::blocks(&home)?.last().context("no blocks")?.header.height;
    let newest = fs::read_dir(home.store())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".log")))
        .max_by_key(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.trim_start_matches("blocks.").trim_end_matches(".log").parse::<u64>().unwrap_or(0)
        })
        .context("no file of blocks")?;
    let file = fs::OpenOptions::new().write(true).open(newest)?;
    file.set_len(file.metadata()?.len().saturating_sub(TORN_BYTES))?;
    for left in ["blocks.log.new", "blocks.floor.new", "checkpoints/9.new"] {
        fs::write(home.store().join(left), "half")?;
    }
    journal.shown.remove(&height);
    journal.sent.retain(|sent| sent.place.is_some_and(|(at, _)| at < height));
    ensure!(checks::on_disk(&home, &mut journal)?.height + 1 == height, "not torn");
    Ok((home.data, journal))
}

/// The points to die at.
fn choose(parts: &[Part], options: &Options, seed: u64) -> Result<Vec<Point>> {
    let mut all: Vec<Point> = parts.iter().flat_map(|part| part.found.points.clone()).collect();
    if let Some(only) = &options.only {
        ensure!(all.contains(only), "there is no point {only} in this run");
        return Ok(vec![only.clone()]);
    }
    let Some(sample) = options.sample else { return Ok(all) };
    fastrand::Rng::with_seed(seed).shuffle(&mut all);
    let mut kinds: BTreeMap<_, u64> = BTreeMap::new();
    // One of each kind, then a second one of each: most calls are the index's, which is not the ledger.
    all.sort_by_cached_key(|point| {
        let name = point.path.display().to_string().replace(|letter: char| letter.is_ascii_digit(), "");
        let rank = kinds.entry((point.phase.clone(), point.call.clone(), name)).or_default();
        *rank += 1;
        *rank
    });
    all.truncate(sample);
    Ok(all)
}

/// Dies at all points, several at a time; gives what came of those that were survived.
fn die_at_all(program: &Path, place: &Path, parts: &[Part], points: &[Point]) -> Result<Vec<(Point, Death)>> {
    let (next, deaths) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (next, deaths, dir) = (&next, &deaths, place.join(format!("worker-{worker}")));
                scope.spawn(move || -> Result<()> {
                    while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let part = parts.iter().find(|part| part.name == point.phase).context("no part")?;
                        match die(program, &dir, part, point) {
                            Ok(death) => deaths
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .push((point.clone(), death)),
                            Err(error) => tell(point, &error),
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|one| one.join().ok().context("a worker panicked")?)
    })?;
    Ok(deaths.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn tell(point: &Point, error: &anyhow::Error) {
    say(&format!(
        "FAILED at {point}: {error:#}\n  replay: cargo run --release -p xtask -- crash kills --only {point}"
    ));
}

/// Runs a part, kills the node at a point, and checks what is left; then it must go on, and end well.
fn die(program: &Path, dir: &Path, part: &Part, point: &Point) -> Result<Death> {
    let home = begin(program, dir, part.limits, part.before.as_deref())?;
    let checked = die_in(&home, dir, part, point);
    checked.with_context(|| format!("the node's last words were:\n{}\n", home.last_words()))
}

fn die_in(home: &Home, dir: &Path, part: &Part, point: &Point) -> Result<Death> {
    let log = dir.join("trace");
    let known = Mutex::new(part.journal.clone());
    let mut node = home.start(&points::killing(&log, &home.data, point))?;
    let lives = match node.ready()? {
        Ready::Ended => false,
        Ready::Yes(mut connection) => script::perform(home, &mut node, &mut connection, &known, &part.steps)?,
    };
    // While it stops it may die too.
    let was_killed = !lives || !node.stop()?;
    let ordinal = if was_killed { Some(points::ordinal(&log, &home.data.join(&point.path))?) } else { None };
    let mut known = known.into_inner().unwrap_or_else(PoisonError::into_inner);
    let acknowledged = known.acknowledged_count();

    let held = checks::on_disk(home, &mut known)?;
    let root = checks::by_program(home, &held)?;
    let mut node = home.start(&[])?;
    let mut connection = node.must_be_ready()?;
    checks::by_node(&mut connection, &known, &held)?;
    let known = Mutex::new(known);
    let steps = [script::Step::Member(0), script::Step::Bucket];
    ensure!(script::perform(home, &mut node, &mut connection, &known, &steps)?, "the node ended");
    ensure!(node.stop()?, "the node was killed");
    let mut known = known.into_inner().unwrap_or_else(PoisonError::into_inner);
    let after = checks::on_disk(home, &mut known)?;
    ensure!(after.height >= held.height + 2, "the node does not go on");
    ensure_root(home, held.height, root)?;
    Ok(Death {
        ordinal,
        acknowledged,
        unanswered_kept: held.unanswered_kept,
        unanswered_gone: held.gone.len(),
    })
}

/// The root that was verified is the one that the node has gone on from.
fn ensure_root(home: &Home, height: u64, root: Option<serde_json::Value>) -> Result<()> {
    let Some(root) = root else { return Ok(()) };
    for block in checks::blocks(home)? {
        let header = &block.header;
        if header.height == height && root != hex::encode(header.state_root) {
            bail!("WRONG: verify came to root {root} at block {height}");
        }
    }
    Ok(())
}

fn report(parts: &[Part], points: &[Point], deaths: &[(Point, Death)], seconds: u64) {
    let mut by_call: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    for part in parts {
        for (call, count) in &part.found.calls {
            by_call.entry(call).or_default()[0] += count;
        }
    }
    for point in points {
        by_call.entry(&point.call).or_default()[1] += 1;
    }
    let reached = deaths.iter().filter(|(_, death)| death.ordinal.is_some());
    for (point, _) in reached.clone() {
        by_call.entry(&point.call).or_default()[2] += 1;
    }
    say("call              in the script    points chosen    deaths there");
    for (call, [all, chosen, dead]) in &by_call {
        say(&format!("{call:<16} {all:>14} {chosen:>16} {dead:>15}"));
    }
    let hit: BTreeSet<_> = reached
        .filter_map(|(point, death)| Some((&point.phase, &point.call, &point.path, death.ordinal?)))
        .collect();
    let acknowledged: usize = deaths.iter().map(|(_, death)| death.acknowledged).sum();
    let kept: u64 = deaths.iter().map(|(_, death)| death.unanswered_kept).sum();
    let gone: usize = deaths.iter().map(|(_, death)| death.unanswered_gone).sum();
    say(&format!(
        "{} deaths survived at {} different calls, {acknowledged} acknowledged transactions looked for, \
         {kept} unanswered ones wholly there and {gone} not at all, {seconds} s",
        deaths.iter().filter(|(_, death)| death.ordinal.is_some()).count(),
        hit.len(),
    ));
}
