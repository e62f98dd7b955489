#![allow(clippy::arithmetic_side_effects, reason = "tests may panic")]

use super::*;
use argosy_domain::ChannelId;
use proptest::prelude::*;
use std::{collections::BTreeMap, vec, vec::Vec};

const MIB: u64 = 1024 * 1024;

fn policy() -> Policy {
    Policy {
        mode: Mode::Full,
        full_below_bytes: 64 * MIB,
        head_bytes: 4 * MIB,
        max_object_bytes: 1024 * MIB,
        concurrent: 4,
        bytes_per_second: 100 * MIB,
    }
}

fn bag(n: u64) -> BagId {
    BagId::channel(ChannelId(n))
}

fn id(n: u64) -> DataObjectId {
    DataObjectId(n)
}

fn new(n: u64, size: u64) -> PrefetchInput {
    PrefetchInput::New { id: id(n), bag: bag(0), size, height: n + 1 }
}

fn candidates(ids: impl IntoIterator<Item = u64>) -> PrefetchInput {
    PrefetchInput::Candidates(ids.into_iter().map(|n| Candidate { id: id(n), size: MIB }).collect())
}

struct Play {
    core: PrefetchCore,
    now_ms: u64,
}

impl Play {
    fn new(policy: Policy) -> Self {
        let mut play = Self { core: PrefetchCore::new(policy, 7), now_ms: 1_000 };
        play.room(1 << 40, 1 << 40);
        play
    }

    fn room(&mut self, free_bytes: u64, capacity_bytes: u64) {
        self.tell(PrefetchInput::Room { free_bytes, capacity_bytes });
    }

    fn tell(&mut self, input: PrefetchInput) -> Vec<PrefetchEffect> {
        let mut effects = Vec::new();
        self.core.handle(self.now_ms, input, &mut effects);
        effects
    }

    /// Lets time pass until something is due.
    fn tick(&mut self) -> Vec<PrefetchEffect> {
        self.now_ms = self.now_ms.max(self.core.next_tick_ms().expect("something is due"));
        self.tell(PrefetchInput::Tick)
    }

    fn fetched(&mut self, n: u64) -> Vec<PrefetchEffect> {
        self.tell(PrefetchInput::Fetched { id: id(n), bytes: MIB })
    }

    fn failed(&mut self, n: u64) -> Vec<PrefetchEffect> {
        self.tell(PrefetchInput::Failed { id: id(n), again: true })
    }
}

fn whole(n: u64) -> PrefetchEffect {
    PrefetchEffect::Fetch { id: id(n), extent: Extent::Whole }
}

#[test]
fn small_objects_come_whole_and_of_large_ones_the_start() {
    let mut play = Play::new(policy());
    assert_eq!(play.tell(new(1, 64 * MIB - 1)), [whole(1)]);
    let first = PrefetchEffect::Fetch { id: id(2), extent: Extent::First(4 * MIB) };
    assert_eq!(play.tell(new(2, 64 * MIB)), [first]);
    assert_eq!(play.tell(new(3, 1025 * MIB)), [], "never cached");
    let mut heads = Play::new(Policy { mode: Mode::Head, ..policy() });
    assert_eq!(heads.tell(new(1, 4 * MIB)), [whole(1)]);
    let first = PrefetchEffect::Fetch { id: id(2), extent: Extent::First(4 * MIB) };
    assert_eq!(heads.tell(new(2, 4 * MIB + 1)), [first]);
    let mut nothing = Play::new(Policy { mode: Mode::None, ..policy() });
    assert_eq!(nothing.tell(new(1, 1)), []);
    assert_eq!(nothing.tell(candidates([2])), []);
}

#[test]
fn a_new_object_is_tried_again_within_milliseconds_and_not_for_ever() {
    let mut play = Play::new(policy());
    play.tell(new(1, MIB));
    let mut at = play.now_ms;
    for attempt in 1..MAX_ATTEMPTS {
        assert_eq!(play.failed(1), []);
        assert_eq!(play.tick(), [whole(1)]);
        let rest = play.now_ms - at;
        assert!(rest <= REST_LONGEST_MS * 3 / 2 && (attempt > 3 || rest <= 240), "{attempt}: {rest}");
        at = play.now_ms;
    }
    assert_eq!(play.failed(1), [PrefetchEffect::GaveUp(id(1))]);
    assert_eq!(play.core.settled_height(9), 9);
    assert_eq!(play.core.next_tick_ms(), None);
}

#[test]
fn a_source_that_appears_ends_the_rest() {
    let mut play = Play::new(policy());
    play.tell(new(1, MIB));
    for _ in 0..12 {
        play.failed(1);
        play.tick();
    }
    play.failed(1);
    assert!(play.core.next_tick_ms().unwrap() > play.now_ms + 1_000);
    assert_eq!(play.core.resting().collect::<Vec<_>>(), [id(1)]);
    play.tell(PrefetchInput::Source(id(1)));
    assert!(play.core.next_tick_ms().unwrap() < play.now_ms + REST_FIRST_MS);
    assert_eq!(play.tick(), [whole(1)]);
}

#[test]
fn a_full_cache_is_turned_over_for_popular_bags_only() {
    let mut play = Play::new(policy());
    play.room(MIB - 1, 100 * MIB);
    assert_eq!(play.tell(new(1, MIB)), [PrefetchEffect::GaveUp(id(1))]);
    play.tell(PrefetchInput::Popular([bag(0)].into()));
    assert_eq!(play.tell(new(2, MIB)), [whole(2)]);
    assert_eq!(play.tell(candidates([3])), [], "a warm-up evicts nothing, whatever the bag");
    assert!(play.core.warm_up().is_over());
}

#[test]
fn what_is_under_way_counts_as_taken() {
    let mut play = Play::new(policy());
    play.room(3 * MIB, 100 * MIB);
    assert_eq!(play.tell(new(1, 2 * MIB)), [whole(1)]);
    assert_eq!(play.tell(new(2, 2 * MIB)), [PrefetchEffect::GaveUp(id(2))]);
}

#[test]
fn new_objects_do_not_wait_for_a_warm_up() {
    let mut play = Play::new(policy());
    assert_eq!(play.tell(candidates(10..20)), [whole(10), whole(11), whole(12)]);
    assert_eq!(play.tell(new(1, MIB)), [whole(1)]);
    assert_eq!(play.tell(new(2, MIB)), []);
    assert_eq!(play.fetched(10), [whole(2)], "first of all");
    assert_eq!(play.fetched(1), [whole(13)]);
}

#[test]
fn a_warm_up_makes_way_for_readers_and_goes_on_slowly() {
    let mut play = Play::new(policy());
    play.tell(PrefetchInput::Readers(3));
    assert_eq!(play.tell(candidates(10..13)), [whole(10)], "the first of the trickle");
    assert!(play.core.warm_up().paused);
    assert_eq!(play.fetched(10), []);
    let before = play.now_ms;
    assert_eq!(play.tick(), [whole(11)]);
    assert!(play.now_ms >= before + TRICKLE_MS - 100);
    assert_eq!(play.tell(PrefetchInput::Readers(1)), [whole(12)]);
    play.fetched(11);
    play.fetched(12);
    let expected = WarmUp { total: 3, done: 3, bytes: 3 * MIB, paused: false };
    assert_eq!(play.core.warm_up(), expected);
    play.tell(candidates([30]));
    assert_eq!(play.core.warm_up().total, 1, "another one begins at nothing");
}

#[test]
fn a_warm_up_without_sources_ends_and_does_not_spin() {
    let mut play = Play::new(policy());
    let mut running: Vec<u64> = Vec::new();
    let mut attempts = 0;
    let mut effects = play.tell(candidates(0..20));
    while !play.core.warm_up().is_over() {
        for effect in effects {
            let PrefetchEffect::Fetch { id, .. } = effect else { panic!("{effect:?}") };
            running.push(id.0);
        }
        if let Some(n) = running.pop() {
            attempts += 1;
            effects = play.failed(n);
        } else {
            effects = play.tick();
        }
    }
    assert_eq!(attempts, 20 * MAX_WARM_ATTEMPTS);
    assert!(play.now_ms > 60_000, "{}", play.now_ms);
}

#[test]
fn more_new_objects_than_can_wait_are_told_again() {
    let mut play = Play::new(Policy { concurrent: 1, ..policy() });
    let waiting = u64::try_from(MAX_WAITING).unwrap();
    for n in 0..waiting + 10 {
        play.tell(new(n, MIB));
    }
    // One is running, so that one more could wait.
    let left_out = waiting + 1;
    assert_eq!(play.core.settled_height(1 << 40), 0);
    let mut surveys = vec![];
    for n in 0..=waiting {
        play.now_ms += 10;
        for effect in play.fetched(n) {
            match effect {
                PrefetchEffect::Survey { height } => surveys.push(height),
                PrefetchEffect::Fetch { .. } | PrefetchEffect::GaveUp(_) => {}
            }
        }
    }
    assert_eq!(surveys, [left_out], "the blocks above have what was left out");
}

/// What a model of the node expects.
#[derive(Default)]
struct Model {
    /// Told as new and not settled, with heights.
    open: BTreeMap<u64, u64>,
    running: BTreeMap<u64, u64>,
    gone: BTreeSet<u64>,
    started: Vec<(u64, u64)>,
}

impl Model {
    fn carry_out(&mut self, now_ms: u64, sizes: &[u64], effects: Vec<PrefetchEffect>) {
        for effect in effects {
            match effect {
                PrefetchEffect::Fetch { id, extent } => {
                    let size = sizes[usize::try_from(id.0).unwrap()];
                    assert!(!self.gone.contains(&id.0), "{id} is gone");
                    assert!(self.running.insert(id.0, extent.bytes(size)).is_none(), "{id} runs twice");
                    self.started.push((now_ms, extent.bytes(size)));
                }
                PrefetchEffect::GaveUp(id) => {
                    self.open.remove(&id.0);
                }
                PrefetchEffect::Survey { .. } => panic!("nothing is left out"),
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    New(u64),
    Warm(u64),
    Gone(u64),
    Source(u64),
    Fetched,
    Failed { again: bool },
    Room(u64),
    Readers(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40_u64).prop_map(Step::New),
        2 => (0..40_u64).prop_map(Step::Warm),
        1 => (0..40_u64).prop_map(Step::Gone),
        1 => (0..40_u64).prop_map(Step::Source),
        4 => Just(Step::Fetched),
        3 => any::<bool>().prop_map(|again| Step::Failed { again }),
        1 => (0..400_u64).prop_map(Step::Room),
        1 => (0..6_usize).prop_map(Step::Readers),
        6 => (0..2_000_u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_every_new_object_is_settled_and_the_rate_is_kept(
        steps in prop::collection::vec(step(), 1..200),
        sizes in prop::collection::vec(1..(100 * MIB), 40),
        concurrent in 1..5_usize,
        seed in any::<u64>(),
    ) {
        let policy = Policy { concurrent, bytes_per_second: 10 * MIB, ..policy() };
        let mut core = PrefetchCore::new(policy, seed);
        let (mut model, mut now_ms, mut height) = (Model::default(), 0_u64, 0_u64);
        let mut tell = |model: &mut Model, now_ms: u64, input: PrefetchInput| {
            let mut effects = Vec::new();
            core.handle(now_ms, input, &mut effects);
            model.carry_out(now_ms, &sizes, effects);
            (core.settled_height(u64::MAX), core.next_tick_ms(), core.warm_up())
        };
        tell(&mut model, 0, PrefetchInput::Room { free_bytes: 400 * MIB, capacity_bytes: 400 * MIB });
        for step in steps {
            let size_of = |n: u64| sizes[usize::try_from(n).unwrap()];
            let input = match step {
                Step::New(n) => {
                    height += 1;
                    model.gone.remove(&n);
                    model.open.entry(n).or_insert(height);
                    PrefetchInput::New { id: id(n), bag: bag(n), size: size_of(n), height }
                }
                Step::Warm(n) if model.gone.contains(&n) => continue,
                Step::Warm(n) => PrefetchInput::Candidates(vec![Candidate { id: id(n), size: size_of(n) }]),
                // A warm-up still lists what has gone; its fetch finds out.
                Step::Gone(n) if !model.open.contains_key(&n) => continue,
                Step::Gone(n) => {
                    model.open.remove(&n);
                    model.running.remove(&n);
                    PrefetchInput::Gone(id(n))
                }
                Step::Source(n) => PrefetchInput::Source(id(n)),
                Step::Fetched => {
                    let Some((n, bytes)) = model.running.pop_first() else { continue };
                    model.open.remove(&n);
                    PrefetchInput::Fetched { id: id(n), bytes }
                }
                Step::Failed { again } => {
                    let Some((n, _)) = model.running.pop_first() else { continue };
                    PrefetchInput::Failed { id: id(n), again }
                }
                Step::Room(mib) => PrefetchInput::Room { free_bytes: mib * MIB, capacity_bytes: 400 * MIB },
                Step::Readers(readers) => PrefetchInput::Readers(readers),
                Step::Pass(ms) => {
                    now_ms += ms;
                    PrefetchInput::Tick
                }
            };
            let (settled, _, _) = tell(&mut model, now_ms, input);
            prop_assert!(model.running.len() <= concurrent);
            // Nothing that is open is forgotten by a restart.
            if let Some(lowest) = model.open.values().min() {
                prop_assert!(settled < *lowest, "{settled}, {lowest} is open");
            }
        }
        // From now on all goes well: everything ends.
        let (_, mut next, mut warm_up) = tell(&mut model, now_ms, PrefetchInput::Readers(0));
        for _ in 0..10_000 {
            let input = match model.running.pop_first() {
                Some((n, bytes)) => PrefetchInput::Fetched { id: id(n), bytes },
                None => match next {
                    Some(at) => { now_ms = now_ms.max(at); PrefetchInput::Tick }
                    None => break,
                },
            };
            (_, next, warm_up) = tell(&mut model, now_ms, input);
        }
        prop_assert!(model.running.is_empty() && next.is_none() && warm_up.is_over(), "{next:?} {warm_up:?}");
        let total: u64 = model.started.iter().map(|(_, bytes)| bytes).sum();
        let last = model.started.iter().map(|(at, _)| *at).max().unwrap_or(0);
        let longest = 64 * MIB;
        prop_assert!(total <= (last + NEW_BURST_MS) * 10 * MIB / 1_000 + longest * 2);
    }
}
