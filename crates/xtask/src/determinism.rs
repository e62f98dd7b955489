//! The same log gives the same state: on two threads at once, after a restart from a checkpoint, and,
//! as whoever compares what is printed can see, in debug and release builds.

use crate::directory_log::{BLOCK, Log, ROUNDS, block_at, execute};
use anyhow::{Context as _, Result, bail, ensure};
use argosy_directory::{Genesis, Payload, State};
use argosy_domain::num::{to_u64, to_usize};
use argosy_ledger::{
    Anchor, ChainTip,
    checkpoint::{self, Pace},
};
use codec::Encode as _;
use std::{fs, path::Path, sync::atomic::AtomicBool, thread};

pub(crate) fn run(root: &Path, transactions: u64) -> Result<()> {
    let (genesis, log) = make(to_usize(transactions));
    let folder = root.join("target/determinism");
    fs::create_dir_all(&folder)?;
    let (first, second) = thread::scope(|scope| {
        let other = scope.spawn(|| replay(&genesis, &log));
        (replay(&genesis, &log), other.join())
    });
    let (first, second) = (first?, second.ok().context("a thread panicked")??);
    ensure!(first == second, "two threads came to different states");
    let path = folder.join(format!("{}.checkpoint", std::process::id()));
    let restarted = restart(&genesis, &log, &path);
    fs::remove_file(&path).context("the checkpoint is gone")?;
    ensure!(restarted? == first.root, "a restart from a checkpoint came to another state");
    say(&format!("transactions  {} in {} blocks", log.len(), log.len().div_ceil(BLOCK)));
    say(&format!("refused       {}", first.refused));
    say(&format!("outcomes      {}", hex::encode(first.outcomes)));
    say(&format!("state root    {}", hex::encode(first.root)));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what is printed is compared")]
fn say(line: &str) {
    println!("{line}");
}

fn make(count: usize) -> (Genesis, Vec<Payload>) {
    let mut log = Log::new();
    let mut payloads = log.setting_up();
    let channels = to_u64(count).saturating_sub(to_u64(payloads.len())) / 16;
    payloads.extend((0..channels.max(1)).map(|_| log.channel()));
    for round in 0..ROUNDS {
        for place in 0..channels {
            let (channel, objects) = (log.turn(place), round + 1);
            payloads.push(log.upload(channel, objects));
            payloads.push(log.acceptance(channel, objects));
        }
    }
    while payloads.len() < count {
        payloads.push(log.change());
    }
    payloads.truncate(count);
    (log.genesis, payloads)
}

#[derive(PartialEq, Eq)]
struct Replayed {
    root: [u8; 32],
    /// Hash over all outcomes and the root of every block.
    outcomes: [u8; 32],
    refused: u64,
}

fn replay(genesis: &Genesis, log: &[Payload]) -> Result<Replayed> {
    let mut state = State::from_genesis(genesis)?;
    let (mut root, mut outcomes, mut refused) = ([0; 32], [0; 32], 0);
    for payloads in log.chunks(BLOCK) {
        let results = execute(&mut state, payloads)?;
        refused += to_u64(results.iter().filter(|outcome| outcome.result.is_err()).count());
        root = state.root();
        outcomes = argosy_domain::ContentId::of(&(outcomes, results, root).encode()).0;
    }
    Ok(Replayed { root, outcomes, refused })
}

/// As far as the middle, then from a checkpoint on disk.
fn restart(genesis: &Genesis, log: &[Payload], path: &Path) -> Result<[u8; 32]> {
    let middle = log.len().div_ceil(BLOCK) / 2 * BLOCK;
    let Some((before, after)) = log.split_at_checked(middle) else { bail!("the log is too short") };
    let mut state = State::from_genesis(genesis)?;
    for payloads in before.chunks(BLOCK) {
        execute(&mut state, payloads)?;
    }
    let anchor = anchor(&mut state);
    checkpoint::write(path, &anchor, &state, Pace::default(), &AtomicBool::new(false))?;
    drop(state);
    let (_, mut state) = checkpoint::load(path, genesis)?;
    for payloads in after.chunks(BLOCK) {
        execute(&mut state, payloads)?;
        state.root();
    }
    Ok(state.root())
}

/// As of a block that was never made.
pub(crate) fn anchor(state: &mut State) -> Anchor {
    let at = block_at(state.at().height);
    let tip = ChainTip {
        height: at.height,
        hash: [0; 32],
        time_ms: state.at().time_ms,
        randomness: at.randomness,
        state_root: state.root(),
    };
    Anchor { tip, changes: Vec::new() }
}
