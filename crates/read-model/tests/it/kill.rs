//! A process that feeds an index is killed again and again.

use super::feeding::{dump, random_blocks};
use argosy_read_model::Feeder;
use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
};

/// Where the process is to feed.
const HOME: &str = "ARGOSY_KILL_HOME";
const SEED: u64 = 23;
const BLOCKS: u64 = 200;
/// Blocks that it may feed while the signal is on its way, however long that takes.
const AHEAD: usize = 8;

/// What is killed: feeds a block for each byte that it is given, and says so after each one.
#[test]
#[ignore = "a process of the test below"]
fn feeds_until_it_is_killed() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let (chain, blocks) = random_blocks(SEED, BLOCKS);
    let mut feeder = Feeder::open(Path::new(&home), &chain.genesis).unwrap();
    let mut leave = std::io::stdin().lock();
    for block in blocks.iter().skip(usize::try_from(feeder.tip().height).unwrap()) {
        if leave.read_exact(&mut [0]).is_err() {
            return;
        }
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
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let count = 3 + kills * 2;
        // The pipe is kept: its end would be the end of the process.
        let mut leave = child.stdin.take().unwrap();
        leave.write_all(&vec![b'.'; count + AHEAD]).unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let heights = output
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("fed ")?.parse::<u64>().ok());
        // It goes on while the signal is on its way: killed at any step of a later block.
        let said = heights.take(count).last().unwrap_or(0);
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
