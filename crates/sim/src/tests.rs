use crate::{RunConfig, Tally, run};

#[test]
fn the_same_seed_makes_the_same_run() {
    let traced = RunConfig { traced: true, ..RunConfig::default() };
    for seed in [1, 2, 3] {
        let first = run(seed, traced).unwrap();
        let second = run(seed, RunConfig::default()).unwrap();
        assert_eq!((first.digest, first.tally), (second.digest, second.tally), "seed {seed}");
        assert!(first.lines.len() > 1_000 && second.lines.is_empty());
    }
    let (first, other) = (run(1, RunConfig::default()).unwrap(), run(2, RunConfig::default()).unwrap());
    assert_ne!(first.digest, other.digest);
}

#[test]
fn no_seed_breaks_a_promise_and_none_is_idle() {
    let mut sum = Tally::default();
    for seed in 0..40 {
        let report = run(seed, RunConfig::default()).unwrap();
        assert_eq!(
            report.violation, None,
            "replay with: cargo run --release -p argosy-sim -- --seed {seed} --trace"
        );
        sum.add(&report.tally);
    }
    // Faults that never happen test nothing.
    let counts = [
        sum.puts,
        sum.deletions,
        sum.reads_done,
        sum.reads_failed,
        sum.hedges,
        sum.wrong_groups_refused,
        sum.sources_banned,
        sum.fills_exhausted,
        sum.evictions,
        sum.crashes,
        sum.partitions,
    ];
    assert!(counts.iter().all(|count| *count > 0), "{sum:?}");
    assert!(sum.groups_fetched_twice < sum.groups_fetched / 20, "hedges cost too much: {sum:?}");
}
