#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic")]

use super::*;
use argosy_domain::limits::WINDOW_GROUPS;
use proptest::prelude::*;
use std::{vec, vec::Vec};

const READER: ReaderId = ReaderId(1);
/// Sources failed.
const EXHAUSTED: FillEffect = FillEffect::Exhausted { unreachable: true };
/// Sources said that they do not have it.
const ABSENT: FillEffect = FillEffect::Exhausted { unreachable: false };

fn added(source: u64) -> FillInput {
    FillInput::SourceAdded { source: SourceId(source), quality: Quality::default() }
}

fn want(start: u64, end: u64, priority: Priority) -> FillInput {
    FillInput::Want { reader: READER, groups: GroupRange::new(start, end), priority }
}

fn run(core: &mut FillCore, now_ms: u64, inputs: impl IntoIterator<Item = FillInput>) -> Vec<FillEffect> {
    let mut effects = Vec::new();
    for input in inputs {
        core.handle(now_ms, input, &mut effects);
    }
    effects
}

fn fetches(effects: &[FillEffect]) -> Vec<(u64, u64, GroupRange, bool)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            FillEffect::Fetch { request, source, groups, priority } => {
                Some((request.0, source.0, *groups, *priority == Priority::Urgent))
            }
            FillEffect::Abandon { .. }
            | FillEffect::SourceBanned { .. }
            | FillEffect::Observed { .. }
            | FillEffect::Complete
            | FillEffect::Exhausted { .. } => None,
        })
        .collect()
}

fn fill(groups: u64) -> FillCore {
    FillCore::new(groups, GroupSet::new(groups), FillBounds::default(), 7)
}

fn arrived(request: u64, group: u64) -> FillInput {
    FillInput::GroupArrived { request: RequestId(request), group }
}

fn ended(request: u64, end: RequestEnd) -> FillInput {
    FillInput::RequestEnded { request: RequestId(request), end }
}

#[test]
fn an_urgent_want_starts_small_and_goes_on_with_windows_from_several_sources() {
    let mut core = fill(1_000);
    let effects = run(&mut core, 0, [added(1), added(2), want(70, 400, Priority::Urgent)]);
    let asked = fetches(&effects);
    assert_eq!(asked[0].2, GroupRange::new(70, 80), "up to the next multiple of 16");
    assert!(asked[0].3, "urgent");
    assert_eq!(asked[1].2, GroupRange::new(80, 128), "up to the window's end");
    assert_eq!(asked[2].2, GroupRange::new(128, 192));
    assert!(asked.iter().any(|fetch| fetch.1 == 1) && asked.iter().any(|fetch| fetch.1 == 2));
}

#[test]
fn nothing_outside_the_want_is_fetched_and_nothing_twice() {
    let mut have = GroupSet::new(100);
    have.insert(12);
    let mut core = FillCore::new(100, have, FillBounds::default(), 7);
    let effects = run(&mut core, 0, [added(1), want(10, 15, Priority::ReadAhead)]);
    let ranges: Vec<GroupRange> = fetches(&effects).iter().map(|fetch| fetch.2).collect();
    assert_eq!(ranges, [GroupRange::new(10, 12), GroupRange::new(13, 15)]);
    let other =
        FillInput::Want { reader: ReaderId(2), groups: GroupRange::new(0, 20), priority: Priority::Urgent };
    let effects = run(&mut core, 1, [added(2), other]);
    let ranges: Vec<GroupRange> = fetches(&effects).iter().map(|fetch| fetch.2).collect();
    assert_eq!(ranges, [GroupRange::new(0, 10), GroupRange::new(15, 20)]);
}

#[test]
fn urgent_wants_pass_bulk() {
    let mut core = fill(10_000);
    let effects = run(&mut core, 0, [added(1), added(2), want(0, 10_000, Priority::Background)]);
    assert_eq!(fetches(&effects).len(), 4, "two sources, two requests each");
    let reader = FillInput::Want {
        reader: ReaderId(2),
        groups: GroupRange::new(9_000, 9_016),
        priority: Priority::Urgent,
    };
    let asked = fetches(&run(&mut core, 1, [reader]));
    assert_eq!(asked.len(), 1, "the spare slot is for readers");
    assert_eq!(asked[0].2, GroupRange::new(9_000, 9_008), "aligned to 16");
}

#[test]
fn a_silent_source_is_hedged_then_cut() {
    let mut core = fill(8);
    run(&mut core, 0, [added(1), want(0, 8, Priority::Urgent)]);
    run(&mut core, 0, [added(2)]);
    assert_eq!(core.next_tick_ms(), Some(2_000));
    let asked = fetches(&run(&mut core, 2_000, [FillInput::Tick]));
    assert_eq!(asked, [(1, 2, GroupRange::new(0, 8), true)], "the other source is asked too");
    let mut effects = Vec::new();
    for group in 0..8 {
        effects.extend(run(&mut core, 2_010, [arrived(1, group)]));
    }
    assert!(
        effects.contains(&FillEffect::Abandon { request: RequestId(0) }),
        "the slow one has nothing left to bring"
    );
    assert_eq!(effects.iter().filter(|effect| **effect == FillEffect::Complete).count(), 1);
}

#[test]
fn a_stalled_source_is_cut_rested_and_in_the_end_given_up() {
    let mut core = fill(8);
    let mut effects = run(&mut core, 0, [added(1), want(0, 8, Priority::Background)]);
    let mut ticks = 0;
    while !effects.contains(&EXHAUSTED) {
        let at = core.next_tick_ms().expect("a tick while something is wanted");
        effects.extend(run(&mut core, at, [FillInput::Tick]));
        ticks += 1;
        assert!(ticks < 20, "{effects:?}");
    }
    assert_eq!(fetches(&effects).len(), 4);
    assert!(core.is_idle());
    // A reader who comes at once fails at once; one who comes later is given a try.
    let now = core.now_ms;
    assert_eq!(run(&mut core, now, [want(0, 8, Priority::Urgent)]), [EXHAUSTED]);
    assert_eq!(fetches(&run(&mut core, now + 60_000, [want(0, 8, Priority::Urgent)])).len(), 1);
}

#[test]
fn a_crawling_source_is_cut() {
    let mut core = fill(64);
    run(&mut core, 0, [added(1), want(0, 64, Priority::Background)]);
    let mut effects = Vec::new();
    for second in 1..=10 {
        effects.extend(run(&mut core, second * 1_000, [arrived(0, second - 1)]));
    }
    assert!(effects.contains(&FillEffect::Abandon { request: RequestId(0) }), "16 KiB/s is too slow");
    assert_eq!(core.have().count(), 10);
}

#[test]
fn a_liar_is_banned_for_good_and_its_other_requests_go_to_others() {
    let mut core = fill(200);
    run(&mut core, 0, [added(1), want(0, 200, Priority::Background)]);
    assert_eq!(core.in_flight().count(), 2);
    let effects = run(&mut core, 5, [ended(0, RequestEnd::Wrong), added(1)]);
    assert_eq!(
        effects,
        [
            FillEffect::Observed { source: SourceId(1), observation: Observation::Wrong },
            FillEffect::Abandon { request: RequestId(1) },
            FillEffect::SourceBanned { source: SourceId(1) },
            FillEffect::Exhausted { unreachable: false },
        ]
    );
    assert!(core.is_banned(SourceId(1)));
    let asked = fetches(&run(&mut core, 6, [added(2), want(0, 200, Priority::Background)]));
    assert!(asked.len() == 2 && asked.iter().all(|fetch| fetch.1 == 2));
}

#[test]
fn a_source_that_gains_the_object_is_asked_again() {
    let mut core = fill(8);
    run(&mut core, 0, [added(1), added(2), want(0, 8, Priority::Background)]);
    let asked = fetches(&run(&mut core, 1, [ended(0, RequestEnd::NotThere)]));
    assert_eq!(asked[0].1, 2);
    let effects = run(&mut core, 2, [ended(1, RequestEnd::NotThere)]);
    assert!(effects.contains(&ABSENT));
    let asked = fetches(&run(&mut core, 3, [added(1), want(0, 8, Priority::Background)]));
    assert_eq!(asked[0].1, 1);
}

#[test]
fn a_reader_that_leaves_takes_its_requests_with_it() {
    let mut core = fill(500);
    run(&mut core, 0, [added(1), want(0, 300, Priority::Urgent)]);
    let under_way = core.in_flight().count();
    let effects = run(&mut core, 1, [FillInput::Unwant { reader: READER }]);
    assert_eq!(effects.len(), under_way);
    assert!(core.is_idle());
}

#[test]
fn a_request_that_was_overtaken_keeps_nobody_waiting() {
    let mut core = fill(64);
    run(&mut core, 0, [added(1), want(0, 64, Priority::Urgent)]);
    run(&mut core, 0, [added(2)]);
    let under_way: Vec<_> = core.in_flight().filter(|(_, source, _)| source.0 == 1).collect();
    assert_eq!(under_way.len(), 2, "the urgent one and the rest of the window");
    // The first source answers both, then falls silent in the middle.
    run(&mut core, 5, [arrived(0, 0), arrived(1, 16)]);
    let asked = fetches(&run(&mut core, 2_005, [FillInput::Tick]));
    assert_eq!(asked.len(), 1);
    let (hedge, source, groups, _) = asked[0];
    assert_eq!((source, groups), (2, GroupRange::new(1, 16)));
    let effects = run(&mut core, 2_010, [arrived(hedge, 1)]);
    assert!(effects.contains(&FillEffect::Abandon { request: RequestId(0) }), "{effects:?}");
    let failed = FillEffect::Observed { source: SourceId(1), observation: Observation::Failed };
    assert!(effects.contains(&failed));
}

#[test]
fn a_source_that_is_merely_late_is_remembered_as_late() {
    let mut core = fill(8);
    run(&mut core, 0, [added(1), want(0, 8, Priority::Urgent), added(2)]);
    run(&mut core, 2_000, [FillInput::Tick]);
    let effects = run(&mut core, 2_030, [arrived(1, 0)]);
    let late = Observation::Overtaken { after_ms: 2_030 };
    assert!(effects.contains(&FillEffect::Observed { source: SourceId(1), observation: late }));
    assert!(effects.contains(&FillEffect::Abandon { request: RequestId(0) }));
    assert_eq!(core.sources[&SourceId(1)].failures_in_row, 0, "that is no failure");
}

#[test]
fn a_hedge_comes_at_the_source_s_own_percentile_and_at_most_twice() {
    let mut quality = Quality::default();
    for _ in 0..20 {
        quality.note(0, Observation::Answered { after_ms: 400 });
    }
    let known = |source: u64| FillInput::SourceAdded { source: SourceId(source), quality: quality.clone() };
    let mut core = fill(8);
    run(&mut core, 0, [known(1), want(0, 8, Priority::Urgent), known(2), known(3), known(4)]);
    let mut now = 0;
    for asked_by_then in [2, 3, 3] {
        assert!(fetches(&run(&mut core, now + 399, [FillInput::Tick])).is_empty());
        now += 400;
        run(&mut core, now, [FillInput::Tick]);
        assert_eq!(core.in_flight().count(), asked_by_then);
    }
}

#[test]
fn a_refused_pass_costs_the_source_nothing_and_another_is_asked() {
    let mut core = fill(200);
    let asked = fetches(&run(&mut core, 0, [added(1), want(0, 200, Priority::Background)]));
    let effects = run(&mut core, 0, asked.iter().map(|fetch| ended(fetch.0, RequestEnd::Crowded)));
    assert_eq!(effects, [], "neither asked again nor given up");
    assert_eq!(core.next_tick_ms(), None);
    // A reader is more pressing than what was refused.
    let asked = fetches(&run(&mut core, 1, [want(0, 16, Priority::Urgent)]));
    assert_eq!(asked.len(), 1);
    let effects = run(&mut core, 1, [ended(asked[0].0, RequestEnd::Crowded)]);
    assert_eq!(effects, []);
    let asked = fetches(&run(&mut core, 2, [added(2)]));
    assert!(!asked.is_empty() && asked.iter().all(|fetch| fetch.1 == 2));
    let asked = fetches(&run(&mut core, 3, [FillInput::SourceFree { source: SourceId(1) }]));
    assert!(!asked.is_empty() && asked.iter().all(|fetch| fetch.1 == 1));
}

#[test]
fn a_source_is_asked_for_what_it_holds_and_gives_no_false_hope() {
    let holds = |runs: &[(u64, u64)]| FillInput::SourceHolds {
        source: SourceId(1),
        groups: runs.iter().map(|(start, end)| GroupRange::new(*start, *end)).collect(),
    };
    let mut core = fill(200);
    run(&mut core, 0, [added(1), holds(&[(10, 30), (100, 104)])]);
    assert_eq!(run(&mut core, 0, [want(40, 60, Priority::Urgent)]), [EXHAUSTED]);
    let asked = fetches(&run(&mut core, 1, [want(20, 40, Priority::Urgent)]));
    assert_eq!(asked[0].2, GroupRange::new(20, 30), "as far as it holds");
    assert_eq!(asked.len(), 1);
    let effects = run(&mut core, 2, (20..30).map(|group| arrived(asked[0].0, group)));
    assert!(!effects.contains(&EXHAUSTED), "the request is not over");
    let effects = run(&mut core, 2, [ended(asked[0].0, RequestEnd::Done)]);
    assert_eq!(effects.last(), Some(&EXHAUSTED));
    let asked = fetches(&run(&mut core, 3, [want(90, 110, Priority::Background), added(2)]));
    assert!(asked.iter().all(|fetch| fetch.1 == 2 && fetch.2.start >= 90));
    // One that comes while others wait is not asked for more than it holds, not even at first.
    let mut core = fill(200);
    run(&mut core, 0, [added(2), want(0, 64, Priority::Urgent)]);
    let effects = run(&mut core, 1, [ended(0, RequestEnd::Busy), holds(&[(16, 20)]), added(1)]);
    assert!(fetches(&effects).iter().all(|fetch| fetch.2 == GroupRange::new(16, 20)), "{effects:?}");
}

#[test]
fn a_source_that_is_down_for_other_objects_is_not_tried_by_each_anew() {
    let mut quality = Quality::default();
    (0..6).for_each(|n| quality.note(n * 1_000, Observation::Failed));
    let known = FillInput::SourceAdded { source: SourceId(1), quality };
    let mut core = fill(8);
    assert_eq!(run(&mut core, 5_000, [known, want(0, 8, Priority::Urgent)]), [EXHAUSTED]);
    assert_eq!(fetches(&run(&mut core, 15_000, [want(0, 8, Priority::Urgent)])).len(), 1);
}

#[test]
fn what_a_far_source_would_bring_later_is_left_to_the_near_one() {
    let measured = |source: u64, after_ms: u64, in_ms: u64| {
        let mut quality = Quality::default();
        quality.note(0, Observation::Answered { after_ms });
        quality.note(0, Observation::Moved { bytes: 1 << 20, in_ms });
        FillInput::SourceAdded { source: SourceId(source), quality }
    };
    let mut core = fill(1_000);
    let near_and_far = [measured(1, 2, 10), measured(2, 800, 2_000), want(0, 1_000, Priority::Urgent)];
    let asked = fetches(&run(&mut core, 0, near_and_far));
    assert!(asked.len() == 2 && asked.iter().all(|fetch| fetch.1 == 1), "{asked:?}");
    // Once the near one has been silent for long enough, the far one would be first after all.
    let asked = fetches(&run(&mut core, 1_000, [FillInput::Tick]));
    assert!(asked.is_empty(), "{asked:?}");
    let asked = fetches(&run(&mut core, 1_900, [FillInput::Tick]));
    assert!(!asked.is_empty() && asked.iter().all(|fetch| fetch.1 == 2), "{asked:?}");
    // Two that are alike share the work.
    let mut core = fill(1_000);
    let alike = [measured(1, 2, 10), measured(2, 2, 12), want(0, 1_000, Priority::Background)];
    let asked = fetches(&run(&mut core, 0, alike));
    assert_eq!(asked.iter().filter(|fetch| fetch.1 == 1).count(), 2);
    assert_eq!(asked.iter().filter(|fetch| fetch.1 == 2).count(), 2);
}

#[test]
fn requests_that_die_together_are_one_failure() {
    let mut core = fill(1_000);
    let asked = fetches(&run(&mut core, 0, [added(1), want(0, 1_000, Priority::Urgent)]));
    assert_eq!(asked.len(), 2);
    for kill in 0..3_u64 {
        let now = kill * 2_000;
        let under_way: Vec<u64> = core.in_flight().map(|(id, ..)| id.0).collect();
        let effects = run(&mut core, now, under_way.iter().map(|id| ended(*id, RequestEnd::Failed)));
        assert!(!effects.contains(&EXHAUSTED), "{effects:?}");
        let next = core.next_tick_ms().unwrap();
        assert!(!fetches(&run(&mut core, next, [FillInput::Tick])).is_empty());
    }
    assert_eq!(core.sources[&SourceId(1)].failures_in_row, 3);
}

#[test]
fn little_is_left_undone() {
    let nearly = |groups: u64, held: u64| {
        let mut have = GroupSet::new(groups);
        (0..held).for_each(|group| {
            have.insert(group);
        });
        FillCore::new(groups, have, FillBounds::default(), 7).is_nearly_complete()
    };
    assert!(nearly(1_000, 940) && nearly(1_000, 999) && nearly(4, 3) && nearly(100, 75));
    assert!(!nearly(1_000, 939) && !nearly(1_000, 1_000) && !nearly(4, 2) && !nearly(100, 74));
}

#[test]
fn an_object_held_in_full_asks_for_nothing() {
    let mut core = FillCore::new(10, GroupSet::full(10), FillBounds::default(), 1);
    assert!(core.is_complete());
    assert_eq!(run(&mut core, 0, [added(1), want(0, 10, Priority::Urgent)]), []);
    assert_eq!(core.next_tick_ms(), None);
}

/// What a source in the random test does with each request.
#[derive(Clone, Copy, Debug)]
enum Habit {
    Honest,
    /// Wrong bytes at the n-th group of a request.
    Liar(u64),
    /// Never answers.
    Silent,
    /// Breaks off after n groups.
    Breaks(u64),
    Absent,
    Busy,
    /// Says that all is done after n groups.
    Short(u64),
}

fn habit() -> impl Strategy<Value = Habit> {
    prop_oneof![
        (0..4_u64).prop_map(Habit::Liar),
        Just(Habit::Silent),
        (0..20_u64).prop_map(Habit::Breaks),
        Just(Habit::Absent),
        Just(Habit::Busy),
        (0..4_u64).prop_map(Habit::Short),
    ]
}

/// A running request as the world sees it.
struct Running {
    id: RequestId,
    habit: Habit,
    groups: GroupRange,
    next: u64,
    source: SourceId,
}

struct World {
    core: FillCore,
    habits: Vec<Habit>,
    running: Vec<Running>,
    now_ms: u64,
    bounds: FillBounds,
    complete: bool,
    banned: Vec<SourceId>,
    honest_fetched: u64,
}

impl World {
    fn give(&mut self, input: FillInput) {
        let mut effects = Vec::new();
        self.core.handle(self.now_ms, input, &mut effects);
        for effect in effects {
            match effect {
                FillEffect::Fetch { request, source, groups, .. } => {
                    assert!(!groups.is_empty() && groups.count() <= WINDOW_GROUPS);
                    assert!(!self.banned.contains(&source), "a liar is not asked again");
                    assert!(self.core.have().missing_in(groups).count() as u64 == groups.count());
                    let habit = self.habits[source.0 as usize];
                    self.running.push(Running { id: request, habit, groups, next: groups.start, source });
                }
                FillEffect::Abandon { request } => self.running.retain(|running| running.id != request),
                FillEffect::SourceBanned { source } => self.banned.push(source),
                FillEffect::Observed { .. } => {}
                FillEffect::Complete => {
                    assert!(!self.complete, "said once");
                    self.complete = true;
                }
                FillEffect::Exhausted { .. } => panic!("an honest source is left"),
            }
        }
        let spare = self.bounds.urgent_spare;
        assert!(self.running.len() <= self.bounds.total + spare, "too much under way");
        for source in 0..self.habits.len() as u64 {
            let to_it = self.running.iter().filter(|running| running.source.0 == source).count();
            assert!(to_it <= self.bounds.per_source + spare, "too much asked of one source");
        }
        assert_eq!(self.core.in_flight().count(), self.running.len());
    }

    /// Lets one running request do one thing.
    fn step(&mut self, pick: usize) -> bool {
        let candidates: Vec<usize> =
            (0..self.running.len()).filter(|at| !matches!(self.running[*at].habit, Habit::Silent)).collect();
        let Some(at) = candidates.get(pick % candidates.len().max(1)) else { return false };
        let running = &mut self.running[*at];
        let done = running.next - running.groups.start;
        let end = match running.habit {
            Habit::Liar(after) if done == after => Some(RequestEnd::Wrong),
            Habit::Breaks(after) if done == after => Some(RequestEnd::Failed),
            Habit::Short(after) if done == after => Some(RequestEnd::Done),
            Habit::Absent => Some(RequestEnd::NotThere),
            Habit::Busy => Some(RequestEnd::Busy),
            _ if running.next == running.groups.end => Some(RequestEnd::Done),
            Habit::Honest | Habit::Liar(_) | Habit::Silent | Habit::Breaks(_) | Habit::Short(_) => None,
        };
        let id = running.id;
        match end {
            Some(end) => {
                self.running.remove(*at);
                self.give(FillInput::RequestEnded { request: id, end });
            }
            None => {
                let group = running.next;
                running.next += 1;
                if matches!(running.habit, Habit::Honest) {
                    self.honest_fetched += 1;
                }
                self.give(FillInput::GroupArrived { request: id, group });
            }
        }
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever the others do and in whatever order requests end: with one honest source everything
    /// arrives, within bounds, and no honest work is done twice but for hedges.
    #[test]
    fn one_honest_source_is_enough(
        groups in 1..700_u64,
        held in prop::collection::vec(0..700_u64, 0..40),
        others in prop::collection::vec(habit(), 0..5),
        readers in prop::collection::vec((0..700_u64, 1..300_u64, any::<bool>()), 0..4),
        order in prop::collection::vec((any::<u16>(), 0..50_u64), 64),
        seed in any::<u64>(),
    ) {
        let mut have = GroupSet::new(groups);
        for group in held.iter().filter(|group| **group < groups) {
            have.insert(*group);
        }
        let missing = groups - have.count();
        let bounds = FillBounds::default();
        let mut habits = others;
        habits.push(Habit::Honest);
        let sources = habits.len() as u64;
        let mut world = World {
            complete: have.is_full(),
            core: FillCore::new(groups, have, bounds, seed),
            habits, running: vec![], now_ms: 0, bounds, banned: vec![], honest_fetched: 0,
        };
        for source in 0..sources {
            world.give(added(source));
        }
        for (at, (start, length, urgent)) in readers.iter().enumerate() {
            let priority = if *urgent { Priority::Urgent } else { Priority::ReadAhead };
            let groups = GroupRange::new(*start, start + length);
            world.give(FillInput::Want { reader: ReaderId(10 + at as u64), groups, priority });
        }
        world.give(FillInput::Want { reader: READER, groups: GroupRange::new(0, groups), priority: Priority::Background });
        let mut turn = 0_usize;
        while !world.complete {
            turn += 1;
            prop_assert!(turn < 20_000, "no end in sight");
            let (pick, wait_ms) = order[turn % order.len()];
            world.now_ms += wait_ms;
            let tick = world.core.next_tick_ms();
            if tick.is_some_and(|at| at <= world.now_ms) {
                world.give(FillInput::Tick);
            }
            if !world.complete && !world.step(usize::from(pick)) {
                let tick = world.core.next_tick_ms();
                prop_assert!(tick.is_some(), "stuck");
                world.now_ms = tick.unwrap();
                world.give(FillInput::Tick);
            }
        }
        prop_assert!(world.core.have().is_full());
        for (at, habit) in world.habits.iter().enumerate() {
            let lied = world.core.is_banned(SourceId(at as u64));
            prop_assert!(!lied || matches!(habit, Habit::Liar(_)), "only liars are banned");
        }
        prop_assert!(world.honest_fetched <= missing + 16 * 8, "{} for {missing}", world.honest_fetched);
    }
}
