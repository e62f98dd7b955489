#![allow(clippy::arithmetic_side_effects, reason = "tests may panic")]

//! That strangers are hardly asked, whatever a worker names, and that nodes of the network soon are.

use super::*;
use alloc::{borrow::ToOwned as _, format, string::ToString as _};
use argosy_domain::{
    WorkerId,
    num::{to_u64, to_usize},
};
use std::{println, vec};

const BOUNDS: ProofBounds = ProofBounds::STRANGERS;
const SECOND_MS: u64 = 1_000;

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % below
    }
}

fn worker(id: u64) -> Worker {
    (WorkingGroup::Storage, WorkerId(id))
}

fn subject(id: u64, endpoint: &str) -> Subject {
    Subject { worker: worker(id), endpoint: endpoint.to_owned() }
}

fn urls(endpoints: &[&str]) -> BTreeSet<String> {
    endpoints.iter().map(|endpoint| (*endpoint).to_owned()).collect()
}

fn one(endpoint: &str) -> (Proofs, Subject) {
    let mut proofs = Proofs::new(BOUNDS, 7);
    proofs.named(0, worker(1), &urls(&[endpoint]));
    (proofs, subject(1, endpoint))
}

#[test]
fn an_endpoint_is_asked_once_and_then_proven_for_hours_with_renewals_beside() {
    let (mut proofs, node) = one("http://node:1");
    assert!(!proofs.is_proven(0, &node));
    assert_eq!(proofs.wanted(0, &node), Verdict::Ask);
    assert_eq!(proofs.wanted(1, &node), Verdict::Asked);
    proofs.ended(5, &node, Outcome::Proven);
    assert_eq!(proofs.counts(5), (1, 0));
    let renewal = proofs.next_ms(5).unwrap();
    assert!((45 * MINUTE_MS..=HOUR_MS + 5).contains(&renewal), "{renewal}");
    assert_eq!(proofs.due(renewal - 1, 9), []);
    assert_eq!(proofs.due(renewal, 9), core::slice::from_ref(&node));
    assert_eq!(proofs.wanted(renewal, &node), Verdict::Proven, "while it is asked again");
    // It has died, and is asked at growing intervals; readers may still try it.
    let (mut now, mut pauses) = (renewal, vec![]);
    while now < renewal + HOUR_MS {
        proofs.ended(now, &node, Outcome::Failed(Trouble::Silent));
        assert_eq!(proofs.wanted(now, &node), Verdict::Proven);
        let next = proofs.next_ms(now).unwrap();
        pauses.push((next - now) / MINUTE_MS);
        now = next;
        assert_eq!(proofs.due(now, 9), core::slice::from_ref(&node));
    }
    assert_eq!(pauses[..5], [1, 2, 4, 8, 16].map(|pause| pause + pause / 9), "{pauses:?}");
    let end = 5 + BOUNDS.usable_ms;
    assert!(proofs.is_proven(end - 1, &node) && !proofs.is_proven(end, &node));
}

#[test]
fn a_proven_endpoint_where_a_stranger_answers_is_soon_left() {
    let (mut proofs, node) = one("http://node:1");
    assert_eq!(proofs.wanted(0, &node), Verdict::Ask);
    proofs.ended(0, &node, Outcome::Proven);
    let mut now = proofs.next_ms(0).unwrap();
    let first = now;
    while proofs.is_proven(now, &node) {
        assert_eq!(proofs.due(now, 9), core::slice::from_ref(&node));
        proofs.ended(now, &node, Outcome::Failed(Trouble::Wrong));
        now = proofs.next_ms(now).unwrap();
    }
    assert!(now - first < 20 * MINUTE_MS, "{now}");
    assert!(!proofs.is_proven(first + BOUNDS.usable_wrong_ms, &node));
    // It was the worker's node once, so that it need not wait for an hour.
    assert_eq!(proofs.due(now, 9), core::slice::from_ref(&node));
    proofs.ended(now, &node, Outcome::Proven);
    assert!(proofs.is_proven(now, &node));
}

#[test]
fn a_stranger_is_left_alone_for_an_hour_and_silence_is_tried_each_minute_if_somebody_waits() {
    let (mut proofs, stranger) = one("http://victim");
    assert_eq!(proofs.wanted(0, &stranger), Verdict::Ask);
    proofs.ended(0, &stranger, Outcome::Failed(Trouble::Wrong));
    let second = (1..2 * HOUR_MS / SECOND_MS)
        .map(|second| second * SECOND_MS)
        .find(|now| proofs.wanted(*now, &stranger) != Verdict::No);
    assert!(second.unwrap() >= HOUR_MS, "{second:?}");

    let (mut proofs, silent) = one("http://starting");
    let (mut tries, mut background) = (0, 0);
    for second in 0..3_600 {
        let now = second * SECOND_MS;
        if proofs.wanted(now, &silent) == Verdict::Ask {
            tries += 1;
            proofs.ended(now, &silent, Outcome::Failed(Trouble::Silent));
        }
    }
    assert_eq!(tries, 60);
    let (mut proofs, _) = one("http://starting");
    for second in 0..3_600 {
        for due in proofs.due(second * SECOND_MS, 9) {
            background += 1;
            proofs.ended(second * SECOND_MS, &due, Outcome::Failed(Trouble::Silent));
        }
    }
    assert_eq!(background, 6, "after 1, 2, 4, 8, 16 and 32 minutes");
}

#[test]
fn a_first_change_counts_at_once_and_the_next_after_ten_minutes() {
    let (mut proofs, _) = one("http://a");
    let mut asked_at = vec![];
    for minute in 0..25 {
        let (now, url) = (minute * MINUTE_MS + 1, format!("http://host-{minute}"));
        proofs.named(now, worker(1), &urls(&[&url]));
        if proofs.wanted(now, &subject(1, &url)) == Verdict::Ask {
            asked_at.push(minute);
            proofs.ended(now, &subject(1, &url), Outcome::Proven);
        }
    }
    assert_eq!(asked_at, [0, 10, 20]);
    // The last one that was asked is proven, and to name it again is no change.
    proofs.named(25 * MINUTE_MS, worker(1), &urls(&["http://host-20"]));
    assert!(proofs.is_proven(25 * MINUTE_MS, &subject(1, "http://host-20")));
    // One that has to wait comes when its time does, without another word of the worker's.
    proofs.named(26 * MINUTE_MS, worker(1), &urls(&["http://new"]));
    assert_eq!(proofs.wanted(26 * MINUTE_MS, &subject(1, "http://new")), Verdict::No);
    assert_eq!(proofs.told(26 * MINUTE_MS, 9)[0].trouble, Some(Trouble::Changed));
    proofs.named(31 * MINUTE_MS, worker(1), &urls(&["http://new"]));
    assert_eq!(proofs.wanted(31 * MINUTE_MS, &subject(1, "http://new")), Verdict::Ask);
}

#[test]
fn all_that_a_worker_names_at_first_may_be_asked() {
    let mut proofs = Proofs::new(BOUNDS, 1);
    let many: Vec<String> = (0..20).map(|at| format!("http://host-{at}")).collect();
    let named = many.iter().cloned().collect();
    proofs.named(0, worker(1), &named);
    proofs.named(SECOND_MS, worker(1), &named);
    let due = proofs.due(BOUNDS.spread_ms, 99);
    assert_eq!(due.len(), MAX_ENDPOINTS_PER_WORKER, "a worker has a node or two: {due:?}");
    proofs.named(BOUNDS.spread_ms, worker(1), &BTreeSet::new());
    assert_eq!(proofs.counts(BOUNDS.spread_ms), (0, 0));
}

/// A node that is asked by a fleet and has nothing to do with it: `N` distributors hear of whatever a worker
/// names, all have viewers who wait at all times.
#[test]
fn a_victim_gets_at_most_one_unproven_request_per_distributor_and_hour() {
    const DISTRIBUTORS: u64 = 100;
    const HOURS: u64 = 4;
    let mut asked = vec![vec![]; 100];
    for (at, asked) in (0..DISTRIBUTORS).zip(&mut asked) {
        let mut proofs = Proofs::new(BOUNDS, at);
        for tick in 0..HOURS * 360 {
            // Distributors do not start in one moment.
            let now = tick * 10 * SECOND_MS + at;
            // The worker does what it can: other paths, ports, buckets, away and back.
            let endpoints = match tick % 4 {
                0 => vec!["https://victim.example".to_owned(), format!("https://victim.example/{tick}")],
                1 => vec![
                    format!("https://victim.example:{}", 1_000 + tick),
                    format!("http://victim.example/{at}"),
                ],
                2 => vec!["https://victim.example".to_owned()],
                _ => vec![],
            };
            let named = endpoints.iter().cloned().collect();
            proofs.named(now, worker(1), &named);
            let mut begun = proofs.due(now, 99);
            let wanted = endpoints.iter().map(|endpoint| subject(1, endpoint));
            begun.extend(wanted.filter(|it| proofs.wanted(now, it) == Verdict::Ask));
            for begun in begun {
                asked.push(now);
                proofs.ended(now, &begun, Outcome::Failed(Trouble::Wrong));
            }
        }
    }
    for times in &asked {
        assert!(!times.is_empty() && times.len() <= 4, "{times:?}");
        assert!(times.windows(2).all(|two| two[1] - two[0] >= HOUR_MS), "{times:?}");
    }
    let total: usize = asked.iter().map(Vec::len).sum();
    println!("{total} requests of {DISTRIBUTORS} distributors in {HOURS} hours");
}

#[test]
fn many_workers_who_name_one_victim_are_four_at_most_and_an_honest_neighbour_is_not_held_up() {
    let mut proofs = Proofs::new(BOUNDS, 3);
    for id in 0..50 {
        proofs.named(0, worker(id), &urls(&["http://victim/x"]));
    }
    let mut count = 0;
    for second in 0..3_600 {
        let now = second * SECOND_MS;
        let mut begun = proofs.due(now, 99);
        begun.extend(
            (0..50)
                .map(|id| subject(id, "http://victim/x"))
                .filter(|it| proofs.wanted(now, it) == Verdict::Ask),
        );
        for begun in begun {
            count += 1;
            proofs.ended(now, &begun, Outcome::Failed(Trouble::Wrong));
        }
    }
    assert_eq!(count, MAX_WRONG_PER_HOST);

    // Somebody else names a node of the network, or a path beside it.
    let mut proofs = Proofs::new(BOUNDS, 3);
    for (id, url) in [(1, "http://honest"), (2, "http://honest/other"), (3, "http://honest:99")] {
        proofs.named(0, worker(id), &urls(&[url]));
        assert_eq!(proofs.wanted(0, &subject(id, url)), Verdict::Ask);
        proofs.ended(
            0,
            &subject(id, url),
            Outcome::Failed(if id == 1 { Trouble::OtherWorker } else { Trouble::Wrong }),
        );
    }
    proofs.named(1, worker(9), &urls(&["http://honest"]));
    assert_eq!(proofs.wanted(1, &subject(9, "http://honest")), Verdict::Ask);
    proofs.ended(2, &subject(9, "http://honest"), Outcome::Proven);
    assert!(proofs.is_proven(2, &subject(9, "http://honest")));
}

#[test]
fn unproven_endpoints_of_a_worker_at_a_host_are_asked_at_most_once_a_minute_whatever_happens() {
    for seed in 0..200 {
        let mut random = Dice(seed);
        let mut proofs = Proofs::new(BOUNDS, seed);
        let mut last: BTreeMap<(Worker, String), (u64, bool)> = BTreeMap::new();
        let mut under_way: Vec<Subject> = vec![];
        let mut now = 0;
        for _ in 0..2_000 {
            // Outcomes come within seconds, not after the time when they count as lost.
            now += random.below(if under_way.is_empty() { 30 } else { 2 } * SECOND_MS);
            let (id, url) = (random.below(3), format!("http://host-{}/{}", random.below(3), random.below(4)));
            let mut begun = match random.below(4) {
                0 => {
                    let count = random.below(4);
                    let some = (0..count).map(|at| format!("http://host-{}/{at}", random.below(3))).collect();
                    proofs.named(now, worker(id), &some);
                    vec![]
                }
                1 => proofs.due(now, to_usize(random.below(3))),
                2 if proofs.wanted(now, &subject(id, &url)) == Verdict::Ask => vec![subject(id, &url)],
                _ => vec![],
            };
            for begun in &begun {
                let place = (begun.worker, host_of(&begun.endpoint).to_string());
                let others = proofs.workers[&begun.worker].endpoints.iter();
                let is_known = others
                    .filter(|(url, _)| host_of(url) == place.1)
                    .any(|(_, endpoint)| endpoint.is_proven(now) || endpoint.usable_until_ms > 0);
                if let Some((before, grave)) = last.get(&place).filter(|_| !is_known) {
                    let least = if *grave { HOUR_MS } else { MINUTE_MS };
                    assert!(now - before >= least, "seed {seed}: {begun:?} after {} ms", now - before);
                }
                last.insert(place, (now, false));
            }
            under_way.append(&mut begun);
            let some = to_usize(random.below(4)).saturating_sub(1);
            for _ in 0..some.max(under_way.len() * usize::from(some == 2)).min(under_way.len()) {
                let ended = under_way.swap_remove(to_usize(random.below(to_u64(under_way.len()))));
                let outcome = match random.below(8) {
                    0 => Outcome::Proven,
                    1..4 => Outcome::Failed(Trouble::Wrong),
                    4..6 => Outcome::Failed(Trouble::Silent),
                    6 => Outcome::Failed(Trouble::OtherWorker),
                    _ => Outcome::Failed(Trouble::Unable),
                };
                // What was proven before is no stranger.
                let never_proven = proofs.endpoint(&ended).is_some_and(|it| it.usable_until_ms == 0);
                let grave = outcome == Outcome::Failed(Trouble::Wrong) && never_proven;
                last.insert((ended.worker, host_of(&ended.endpoint).to_string()), (now, grave));
                proofs.ended(now, &ended, outcome);
            }
            let most = proofs.workers.values().map(|known| known.endpoints.len()).max().unwrap_or(0);
            assert!(proofs.workers.len() <= 3 && most <= MAX_REMEMBERED_PER_WORKER);
        }
    }
}

#[test]
fn workers_without_number_are_not_remembered() {
    let mut proofs = Proofs::new(BOUNDS, 0);
    for id in 0..2 * u64::try_from(MAX_WORKERS).unwrap() {
        proofs.named(0, worker(id), &urls(&["http://a"]));
    }
    assert_eq!(proofs.workers().len(), MAX_WORKERS);
    proofs.named(0, worker(3), &BTreeSet::new());
    let last = u64::MAX;
    proofs.named(0, worker(last), &urls(&["http://a"]));
    assert!(proofs.workers().contains(&worker(last)), "one has gone");
}

#[test]
fn hosts_are_told_from_ports_and_paths() {
    for (url, host) in [
        ("http://a", "a"),
        ("https://a:1/x", "a"),
        ("http://a/b:2", "a"),
        ("http://[::1]", "[::1]"),
        ("http://[::1]:80/", "[::1]"),
    ] {
        assert_eq!(host_of(url), host, "{url}");
    }
}
