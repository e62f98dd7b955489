//! A process that feeds an index is killed again and again.

use super::feeding::{dump, random_blocks};
use argosy_read_model::Feeder;
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

/// Where the process is to feed.
const HOME: &str = "ARGOSY_KILL_HOME";
const SEED: u64 = 23;
const BLOCKS: u64 = 200;

/// What is killed: feeds block by block, and says so after each one.
#[test]
#[ignore = "a process of the test below"]
fn feeds_until_it_is_killed() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let (chain, blocks) = random_blocks(SEED, BLOCKS);
    let mut feeder = Feeder::open(Path::new(&home), &chain.genesis).unwrap();
    for block in blocks.iter().skip(usize::try_from(feeder.tip().height).unwrap()) {
        feeder.apply(std::slice::from_ref(block)).unwrap();
        // The test ends when the pipe does.
        if writeln!(std::io::stdout(), "\nfed {}", block.header.height).is_err() {
            return;
        }
    }
}

#[test]
fn a_feeder_that_is_killed_loses_nothing_that_it_said() {
    let (chain, blocks) = random_blocks(SEED, BLOCKS);
    let home = tempfile::tempdir().unwrap();
    let mut kills = 0;
    loop {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::feeds_until_it_is_killed", "--ignored", "--nocapture"])
            .env(HOME, home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let heights = output
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("fed ")?.parse::<u64>().ok());
        // It goes on while the signal is on its way: killed at any step of a later block.
        let said = heights.take(3 + kills * 2).last().unwrap_or(0);
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        let feeder = Feeder::open(home.path(), &chain.genesis).unwrap();
        let tip = feeder.tip().height;
        assert!(tip >= said, "{tip} after {said} was said");
        if tip >= blocks.last().unwrap().header.height {
            break;
        }
    }
    assert!(kills > 5, "{kills}");
    let fresh = tempfile::tempdir().unwrap();
    drop(super::support::fed(fresh.path(), &chain.genesis, &blocks));
    assert_eq!(dump(home.path()), dump(fresh.path()));
}
