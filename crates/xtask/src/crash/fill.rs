//! A distributor that crashes while it fills objects: kill -9, and power cuts on file systems of its own.
//!
//! A case is one crash. Viewers read whole objects and ranges of a cold cache; at a random moment the
//! node is killed, or its disk loses its power. Then the node starts again, all objects are read, and what
//! the source sends meanwhile tells what the cache still had. In some cases files are damaged between, or
//! the power is cut once more while the node starts. Every byte is compared, always.
//!
//! After a power cut the node runs in another boot: `/proc/sys/kernel/random/boot_id` is another one.

mod boot;
mod damage;
mod proxy;
mod readers;
mod source;
mod tally;

use super::{
    image::{FileSystem, Image, Switch},
    is_there,
    node::wait_for,
    power, program, room, say, seed, skip,
};
use crate::bench::http::Connection;
use anyhow::{Context as _, Result, bail, ensure};
use boot::Boot;
use clap::Args;
use readers::{Stage, read_all, while_reading};
use source::{Home, Source, status};
use std::{fs, path::Path, process::Child, sync::atomic::Ordering, time::Instant};
use tally::{Found, Tally};

/// Room for all objects, for the file system's journal, and for what a distributor leaves free.
const IMAGE_BYTES: u64 = 1024 * 1024 * 1024;
/// Bytes in a second that the source sends: over poor lines, and one of a gigabit. Before power cuts no more, as
/// a disk in memory that is written at the speed of memory is none that could have everything for good.
const LINE_RATES: [u64; 3] = [40_000_000, 80_000_000, 125_000_000];
/// And as many as it can, before kills.
const ANY_RATES: [u64; 3] = [40_000_000, 125_000_000, 0];
/// Longest time from the moment that was drawn to the crash, in milliseconds.
const MAX_REST_MS: u64 = 30;
/// Longest time from a start to a power cut in it, in milliseconds.
const START_MS: u64 = 200;
/// How often the share that is still used is measured at most. It is a matter of how busy others keep disk and
/// processor, too, so that the best of these counts; a wrong byte counts in each of them.
const MEASURED_MAX: u64 = 3;

/// What to do.
#[derive(Args, Clone, Copy)]
pub(crate) struct Options {
    /// So many times kill -9.
    #[arg(long, default_value_t = 0)]
    kills: u64,
    /// So many power cuts on each file system.
    #[arg(long, default_value_t = 0)]
    cuts: u64,
    /// Only this file system.
    #[arg(long)]
    filesystem: Option<FileSystem>,
    /// Draws the moments.
    #[arg(long)]
    seed: Option<u64>,
    /// Only this case, as a failure names it.
    #[arg(long)]
    case: Option<u64>,
    /// Says what each case found.
    #[arg(long)]
    each: bool,
    /// Makes nothing of what the node syncs: much must be gone after power cuts, and no byte may be wrong.
    #[arg(long)]
    without_sync: bool,
    /// Share of the verified groups that must still be used, in percent; a disk that is busy with other things
    /// keeps less.
    #[arg(long, default_value_t = 95)]
    at_least: u64,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    ensure!(options.kills > 0 || options.cuts > 0, "nothing to do: give --kills N, --cuts N or both");
    let program = program(root)?;
    if room::is_inside() {
        let place = room::make(root, "fill")?;
        return match options.filesystem {
            Some(kind) if options.cuts > 0 => cut_on(&program, &place, kind, options),
            _ => kill_on(&program, &place, options),
        };
    }
    let seed = seed(options.seed);
    let mut all_well = true;
    if options.kills > 0 {
        all_well &= begin_kills(root, &program, options, seed)?;
    }
    if options.cuts > 0 {
        all_well &= begin_cuts(options, seed)?;
    }
    ensure!(all_well, "not every crash was survived: see above");
    Ok(())
}

/// Alone, in mounts of its own if that is allowed. Whether all went well.
fn begin_kills(root: &Path, program: &Path, options: &Options, seed: u64) -> Result<bool> {
    if room::is_root() && is_there("unshare") && is_there("setpriv") {
        return Ok(begin(&["--kills", &options.kills.to_string()], options, seed)?.wait()?.success());
    }
    let place = room::make(root, "fill")?;
    Ok(kill_on(program, &place, &Options { seed: Some(seed), ..*options }).is_ok())
}

/// Each file system in mounts of its own, one after the other: how much is on disk in time is a matter of
/// who else has work for the processor. Whether all went well.
fn begin_cuts(options: &Options, seed: u64) -> Result<bool> {
    let kinds = options.filesystem.map_or_else(|| vec![FileSystem::Xfs, FileSystem::Ext4], |one| vec![one]);
    if let Some(missing) = power::missing() {
        skip(missing, options.cuts.saturating_mul(u64::try_from(kinds.len())?))?;
        return Ok(true);
    }
    let cuts = options.cuts.to_string();
    let mut all_well = true;
    for kind in kinds {
        let mut child = begin(&["--cuts", &cuts, "--filesystem", kind.name()], options, seed)?;
        all_well &= child.wait()?.success();
    }
    Ok(all_well)
}

/// This program once more, with mounts of its own.
fn begin(what: &[&str], options: &Options, seed: u64) -> Result<Child> {
    let mut words: Vec<String> = ["crash", "fill"].iter().chain(what).map(|&word| word.to_owned()).collect();
    words.extend(["--seed".to_owned(), seed.to_string()]);
    words.extend(["--at-least".to_owned(), options.at_least.to_string()]);
    if let Some(case) = options.case {
        words.extend(["--case".to_owned(), case.to_string()]);
    }
    for (is_given, word) in [(options.without_sync, "--without-sync"), (options.each, "--each")] {
        if is_given {
            words.push(word.to_owned());
        }
    }
    room::command(words)?.spawn().context("cannot run unshare")
}

/// How the node ends.
enum Ends<'a> {
    Kill,
    PowerCut { image: &'a mut Image, boot: &'a mut Boot },
}

fn kill_on(program: &Path, place: &Path, options: &Options) -> Result<()> {
    let source = Source::start(program, place)?;
    let home = Home::make(program, &source, &place.join("node"))?;
    let mut run =
        Run { name: "kill -9", source, home, wrapper: Vec::new(), options, tally: Tally::default() };
    run.cases(options.kills, &mut Ends::Kill)
}

fn cut_on(program: &Path, place: &Path, kind: FileSystem, options: &Options) -> Result<()> {
    let source = Source::start(program, place)?;
    let mut image = Image::make(kind, place, IMAGE_BYTES)?;
    let mut boot = Boot::first(place, options.seed.unwrap_or(1))?;
    let home = Home::make(program, &source, &image.mount_point.join("node"))?;
    let wrapper = if options.without_sync { power::deaf() } else { Vec::new() };
    let mut run = Run { name: kind.name(), source, home, wrapper, options, tally: Tally::default() };
    run.cases(options.cuts, &mut Ends::PowerCut { image: &mut image, boot: &mut boot })
}

/// All crashes of one kind.
struct Run<'a> {
    name: &'static str,
    source: Source,
    home: Home,
    wrapper: Vec<String>,
    options: &'a Options,
    tally: Tally,
}

/// What a case does, drawn from its seed.
struct Plan {
    seed: u64,
    rate: u64,
    /// Verified bytes at which the crash comes.
    until: u64,
    rest_ms: u64,
    /// What the disk has of others' changes is synced right before.
    syncs_before: bool,
    damages: bool,
    /// Once more, so many milliseconds after the start that follows.
    cuts_start_at: Option<u64>,
    draw: fastrand::Rng,
}

impl Plan {
    fn draw(seed: u64, case: u64, bytes: u64, rates: [u64; 3]) -> Self {
        let seed = seed.wrapping_mul(1_000_003) ^ (case << 8);
        let mut draw = fastrand::Rng::with_seed(seed);
        Self {
            seed,
            rate: *draw.choice(&rates).unwrap_or(&0),
            until: draw.u64(bytes / 50..bytes - bytes / 20),
            rest_ms: draw.u64(0..MAX_REST_MS),
            syncs_before: draw.u8(0..4) > 0,
            damages: draw.u8(0..4) == 0,
            cuts_start_at: (draw.u8(0..5) == 0).then(|| draw.u64(0..START_MS)),
            draw,
        }
    }
}

impl Run<'_> {
    fn cases(&mut self, count: u64, ends: &mut Ends<'_>) -> Result<()> {
        let (name, wanted) = (self.name, self.options.at_least);
        for nth in 0..MEASURED_MAX {
            let seed = self.options.seed.unwrap_or(1).wrapping_add(nth);
            let enough = self.measure(count, seed, ends)? >= wanted;
            if self.options.without_sync {
                ensure!(!enough, "{name}: a node that syncs nothing was not found out");
                return Ok(());
            }
            if enough {
                return Ok(());
            }
            say(&format!("{name}: less than {wanted} % of verified groups are still used"));
        }
        bail!("{name}: less than {wanted} % of verified groups are still used, {MEASURED_MAX} times in a row")
    }

    /// So many crashes; gives the share of verified groups that is still used, in percent.
    fn measure(&mut self, count: u64, seed: u64, ends: &mut Ends<'_>) -> Result<u64> {
        let (started, name) = (Instant::now(), self.name);
        self.tally = Tally::default();
        say(&format!("{name}: seed {seed}"));
        let cases = self.options.case.map_or(0..count, |case| case..case + 1);
        for case in cases {
            let (what, rates) = match ends {
                Ends::Kill => ("--kills 1".to_owned(), ANY_RATES),
                Ends::PowerCut { .. } => (format!("--cuts 1 --filesystem {name}"), LINE_RATES),
            };
            let plan = Plan::draw(seed, case, self.source.bytes(), rates);
            let drawn = format!("case {case}, {} bytes a second", plan.rate);
            match self.case(plan, ends) {
                Ok(found) => {
                    if self.options.each {
                        say(&format!("{name}: {drawn}: {found:?}"));
                    }
                    self.tally.add(&found);
                }
                Err(error) => {
                    self.tally.failed += 1;
                    self.tally.wrong += u64::from(readers::is_wrong(&error));
                    say(&format!(
                        "{name}: FAILED in case {case}: {error:#}\n{}\n  replay: cargo run --release -p xtask \
                         -- crash fill {what} --seed {seed} --case {case}",
                        self.home.last_words()
                    ));
                }
            }
        }
        let tally = &self.tally;
        say(&format!("{name}: {tally}; {} s", started.elapsed().as_secs()));
        ensure!(tally.failed == 0, "{name}: {} cases ended badly", tally.failed);
        Ok(tally.used_percent())
    }

    /// One crash, and what is left.
    fn case(&self, mut plan: Plan, ends: &mut Ends<'_>) -> Result<Found> {
        self.begin_cold(ends)?;
        let stage = Stage::default();
        let mut found = self.fill_and_crash(&plan, ends, &stage)?;
        if let (Ends::PowerCut { .. }, Some(after_ms)) = (&ends, plan.cuts_start_at) {
            self.crash_in_start(&plan, ends, after_ms, &stage)?;
            found.crashes += 1;
        }
        if plan.damages {
            found.damage = Some(damage::inflict(&self.home.data.join("assets"), &mut plan.draw)?);
        }
        self.source.proxy.set_rate(0);
        let sent_before = self.source.proxy.sent();
        let (mut node, mut connection) = self.home.start_and_wait(&[])?;
        let after = Stage::default();
        read_all(&self.home.endpoint, &self.source.objects, &after).context("after the crash")?;
        found.fetched_bytes = status(&mut connection)?["bytesFetched"].as_u64().context("no bytesFetched")?;
        let sent = self.source.proxy.sent() - sent_before;
        ensure!(sent >= found.fetched_bytes, "WRONG: more was fetched than was sent");
        found.used_bytes = self.source.bytes().saturating_sub(sent).min(found.verified_bytes);
        self.all_complete(&mut connection)?;
        // What is complete now is so for good.
        found.compared_bytes =
            stage.compared.load(Ordering::Relaxed) + after.compared.load(Ordering::Relaxed);
        node.kill()?;
        Ok(found)
    }

    /// An empty cache.
    fn begin_cold(&self, ends: &mut Ends<'_>) -> Result<()> {
        let data = &self.home.data;
        if data.exists() {
            fs::remove_dir_all(data)?;
        }
        fs::create_dir(data)?;
        if !self.wrapper.is_empty() {
            // Without the label of its own folder it would rightly refuse to start again.
            self.home.start_and_wait(&[])?.0.kill()?;
        }
        if let Ends::PowerCut { image, .. } = ends {
            // Otherwise a cut could bring the last case's files back.
            image.unmount()?;
            image.mount()?;
        }
        Ok(())
    }

    /// Fills until the moment that was drawn.
    fn fill_and_crash(&self, plan: &Plan, ends: &mut Ends<'_>, stage: &Stage) -> Result<Found> {
        self.source.proxy.set_rate(plan.rate);
        let mut switch = switch_of(ends)?;
        let (mut node, mut connection) = self.home.start_and_wait(&self.wrapper)?;
        let (endpoint, objects) = (&self.home.endpoint, &self.source.objects);
        let found = while_reading(endpoint, objects, plan.seed, stage, || {
            wait_for("enough is filled", || Ok((fetched(&mut connection)? >= plan.until).then_some(())))?;
            power::rest(plan.rest_ms);
            let verified_bytes = fetched(&mut connection)?;
            stage.is_dark.store(true, Ordering::Relaxed);
            if let Some(switch) = switch.take() {
                switch.cut(plan.syncs_before)?;
            }
            node.kill()?;
            Ok(Found { verified_bytes, crashes: 1, ..Found::default() })
        })?;
        restore(ends)?;
        Ok(found)
    }

    /// Cuts the power while the node starts and somebody asks it for all objects.
    fn crash_in_start(&self, plan: &Plan, ends: &mut Ends<'_>, after_ms: u64, stage: &Stage) -> Result<()> {
        let switch = switch_of(ends)?.context("no power to cut")?;
        let mut node = self.home.start(&self.wrapper)?;
        stage.is_over.store(false, Ordering::Relaxed);
        while_reading(&self.home.endpoint, &self.source.objects, plan.seed, stage, || {
            power::rest(after_ms);
            switch.cut(plan.syncs_before)?;
            node.kill()
        })?;
        restore(ends)
    }

    /// Every object was read to its end, so that every one becomes complete.
    fn all_complete(&self, connection: &mut Connection) -> Result<()> {
        let count = u64::try_from(self.source.objects.len())?;
        wait_for("all objects are complete", || {
            Ok((status(connection)?["objectsInCache"].as_u64() == Some(count)).then_some(()))
        })
    }
}

/// Bytes that the node has verified since its start.
fn fetched(connection: &mut Connection) -> Result<u64> {
    status(connection)?["bytesFetched"].as_u64().context("no bytesFetched")
}

fn switch_of(ends: &Ends<'_>) -> Result<Option<Switch>> {
    match ends {
        Ends::Kill => Ok(None),
        Ends::PowerCut { image, .. } => Switch::ready(&image.mount_point).map(Some),
    }
}

/// After the crash: the power comes back, and it is another boot.
fn restore(ends: &mut Ends<'_>) -> Result<()> {
    match ends {
        Ends::Kill => Ok(()),
        Ends::PowerCut { image, boot } => {
            image.unmount()?;
            image.mount()?;
            boot.again()
        }
    }
}
