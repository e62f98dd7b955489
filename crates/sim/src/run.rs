//! A whole run, from its seed to its verdict.

use crate::{
    check::{self, Watch},
    judge::Tally,
    seed::Seed,
    setup::DISTRIBUTORS,
    world::World,
};
use anyhow::Result;
use argosy_domain::DataObjectId;
use std::collections::VecDeque;

/// How long a run is, and whether it is written down.
#[derive(Clone, Copy, Debug)]
pub struct RunConfig {
    /// Faults come for so long, in milliseconds of the run.
    pub faults_ms: u64,
    /// After the last fault the network must be at rest within so long, in milliseconds of the run.
    pub settle_ms: u64,
    /// Keep the event log as text.
    pub traced: bool,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self { faults_ms: 60_000, settle_ms: 120_000, traced: false }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was found that must never be; none if all is well.
    pub violation: Option<String>,
    /// Of everything that happened: the same for the same seed and program.
    pub digest: [u8; 32],
    /// Length of the run in its own time, in milliseconds.
    pub simulated_ms: u64,
    /// What happened, in numbers.
    pub tally: Tally,
    /// The event log, if it was traced.
    pub lines: Vec<String>,
}

/// Runs one seed.
///
/// # Errors
/// When the network cannot even be set up.
pub fn run(seed: u64, config: RunConfig) -> Result<Report> {
    let mut world = World::new(Seed::new(seed), config.faults_ms, config.traced)?;
    let mut watch = Watch::default();
    let passed = advance(&mut world, &mut watch, config.faults_ms, |_| false);
    if passed {
        world.heal();
        settle(&mut world, &mut watch, config.faults_ms + config.settle_ms);
    }
    let World { judge, log, now_ms, .. } = world;
    let (digest, lines) = log.finish();
    Ok(Report { violation: judge.violation, digest, simulated_ms: now_ms, tally: judge.tally, lines })
}

/// Lets things happen until `until_ms` or until `done`. False if something went wrong.
fn advance(world: &mut World, watch: &mut Watch, until_ms: u64, done: impl Fn(&World) -> bool) -> bool {
    while !done(world) && world.step(until_ms) {
        watch.look(world);
        if world.judge.violation.is_some() {
            return false;
        }
    }
    true
}

/// Faults are over: all puts end, then everything is read by everyone, and the network comes to rest.
fn settle(world: &mut World, watch: &mut Watch, until_ms: u64) {
    world.read_at_last(Vec::new());
    let resting = |world: &World| world.clients.iter().all(|client| client.unread() == Some(0));
    if !advance(world, watch, until_ms, resting) {
        return;
    }
    let clients = world.clients.len();
    let mut reads: Vec<VecDeque<(DataObjectId, usize)>> = vec![VecDeque::new(); clients];
    let live = world.judge.published.iter().filter(|(_, known)| !known.deleting).map(|(id, _)| *id);
    let everything = live.flat_map(|id| (0..DISTRIBUTORS).map(move |distributor| (id, distributor)));
    for (n, what) in everything.enumerate() {
        if let Some(queue) = reads.get_mut(n % clients) {
            queue.push_back(what);
        }
    }
    world.read_at_last(reads);
    if !advance(world, watch, until_ms, |world| check::unsettled(world).is_none()) {
        return;
    }
    if let Some(why) = check::unsettled(world) {
        world.judge.blame(|| format!("not at rest long after the last fault: {why}"));
    }
    check::compare_with_state(world);
}
