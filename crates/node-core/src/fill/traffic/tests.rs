#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic")]

use super::*;
use proptest::prelude::*;
use std::{vec, vec::Vec};

const ONE: SourceId = SourceId(1);

fn traffic() -> Traffic {
    Traffic::new(TrafficBounds { per_source: 8, total: 20, background: 6, background_behind: 1 })
}

/// Passes that are given at once to ever new fills, until one is refused.
fn given(traffic: &mut Traffic, source: SourceId, priority: Priority) -> usize {
    (0..100).take_while(|fill| traffic.ask(FillId(1_000 + fill), source, priority)).count()
}

#[test]
fn each_source_has_room_for_readers_when_bulk_has_used_up_its_share() {
    let mut traffic = traffic();
    assert_eq!(given(&mut traffic, ONE, Priority::Background), 4);
    assert_eq!(given(&mut traffic, ONE, Priority::ReadAhead), 3);
    assert_eq!(given(&mut traffic, ONE, Priority::Urgent), 1);
    assert_eq!(traffic.running_to(ONE), 8, "and never more");
    assert_eq!(given(&mut traffic, SourceId(2), Priority::Urgent), 8, "another source is another matter");
    assert_eq!(given(&mut traffic, SourceId(3), Priority::Urgent), 4, "within the bound for all");
}

#[test]
fn background_work_gives_way_while_any_reader_waits() {
    let mut traffic = traffic();
    traffic.set_waited_for(FillId(7), true);
    assert_eq!(given(&mut traffic, ONE, Priority::Background), 1);
    assert_eq!(traffic.grants(), []);
    traffic.set_waited_for(FillId(7), false);
    assert_eq!(traffic.grants().len(), 1, "the one that was refused");
    for source in 2..10 {
        given(&mut traffic, SourceId(source), Priority::Background);
    }
    assert_eq!(traffic.running_count(), 6);
    // A fill that ends in mid-wait holds nobody up.
    traffic.set_waited_for(FillId(7), true);
    traffic.leave(FillId(7));
    traffic.give_back(ONE, Priority::Background);
    assert_eq!(traffic.grants().len(), 1);
}

#[test]
fn turns_come_by_priority_then_by_age() {
    let mut traffic = traffic();
    given(&mut traffic, ONE, Priority::Urgent);
    traffic.leave(FillId(1_008));
    for (fill, priority) in [(1, Priority::Background), (2, Priority::Urgent), (3, Priority::ReadAhead)] {
        assert!(!traffic.ask(FillId(fill), ONE, priority));
    }
    assert!(!traffic.ask(FillId(4), ONE, Priority::Urgent));
    // Its reader has come: the fill moves up, behind those who were there as urgent before.
    assert!(!traffic.ask(FillId(3), ONE, Priority::Urgent));
    assert!(!traffic.ask(FillId(3), ONE, Priority::Background), "and does not move down again");
    assert_eq!(traffic.queued_count(), 4);
    let mut order = Vec::new();
    for _ in 0..8 {
        traffic.give_back(ONE, Priority::Urgent);
        order.extend(traffic.grants().iter().map(|grant| grant.fill.0));
    }
    assert_eq!(order, [2, 4, 3, 1]);
    assert_eq!(traffic.running_to(ONE), 4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order: bounds hold, passes add up, and when all is given back nobody
    /// is left standing in a queue.
    #[test]
    fn passes_add_up(steps in prop::collection::vec((0..6_u8, 0..8_u64, 0..4_u64, 0..3_usize), 0..300)) {
        let bounds = TrafficBounds { per_source: 5, total: 9, background: 3, background_behind: 1 };
        let mut traffic = Traffic::new(bounds);
        let mut passes: Vec<(SourceId, Priority)> = vec![];
        for (kind, fill, source, priority) in steps {
            let priority = [Priority::Urgent, Priority::ReadAhead, Priority::Background][priority];
            match kind {
                0..=2 => {
                    if traffic.ask(FillId(fill), SourceId(source), priority) {
                        passes.push((SourceId(source), priority));
                    }
                }
                3 => {
                    if !passes.is_empty() {
                        let (source, priority) = passes.remove(fill as usize % passes.len());
                        traffic.give_back(source, priority);
                    }
                }
                4 => traffic.set_waited_for(FillId(fill), source % 2 == 0),
                _ => traffic.leave(FillId(fill)),
            }
            passes.extend(traffic.grants().iter().map(|grant| (grant.source, grant.priority)));
            prop_assert_eq!(traffic.running_count(), passes.len());
            prop_assert!(passes.len() <= bounds.total);
            let background = passes.iter().filter(|(_, priority)| *priority == Priority::Background).count();
            prop_assert!(background <= bounds.background);
            for source in 0..4 {
                let to_it = passes.iter().filter(|(to, _)| *to == SourceId(source)).count();
                prop_assert_eq!(traffic.running_to(SourceId(source)), to_it);
                prop_assert!(to_it <= bounds.per_source);
            }
        }
        for fill in 0..8 {
            traffic.set_waited_for(FillId(fill), false);
        }
        while let Some((source, priority)) = passes.pop() {
            traffic.give_back(source, priority);
            passes.extend(traffic.grants().iter().map(|grant| (grant.source, grant.priority)));
        }
        prop_assert_eq!((traffic.queued_count(), traffic.running_count()), (0, 0));
    }
}
