//! What is sent to the node, and how it is noted.

use super::{
    journal::Journal,
    node::{Home, Node, key, pause, wait_for},
};
use crate::bench::http::Connection;
use anyhow::{Result, bail, ensure};
use argosy_directory::{Call, MembershipCall, StorageCall, Transaction};
use argosy_domain::Keypair;
use codec::Encode as _;
use serde_json::Value;
use std::{
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long to wait for a checkpoint that may be put off to the next block.
const CHECKPOINT_WAIT: Duration = Duration::from_millis(500);
/// How long transactions are valid.
const LIFE_MS: u64 = 600_000;

/// What came of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is in a block, says the node.
    Acknowledged,
    /// It is not, or nobody knows, says the node, by this code.
    Refused(String),
    /// No whole answer came.
    Nothing,
}

/// One thing to do.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// A user becomes a member again, under another name: succeeds.
    Member(u8),
    /// The same name twice: fails, in a block.
    Taken,
    /// The lead makes a bucket.
    Bucket,
    /// The lead sends what has expired: refused, and noted in the refusal log.
    Expired,
}

/// `count` steps, a mixture of all.
pub(crate) fn steps(count: u8) -> Vec<Step> {
    let kinds = |at: u8| match at % 8 {
        2 | 6 => Step::Bucket,
        3 => Step::Taken,
        5 => Step::Expired,
        other => Step::Member(other % 3),
    };
    (0..count).map(kinds).collect()
}

fn now_ms() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}

pub(crate) fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn member(handle: String) -> Call {
    Call::Membership(MembershipCall::CreateMember { handle })
}

pub(crate) fn bucket() -> Call {
    Call::Storage(StorageCall::CreateStorageBucket {
        invite_worker: None,
        accepting_new_bags: true,
        size_limit: 1 << 30,
        objects_limit: 100,
    })
}

/// Signs a call with the account's next nonce, notes it, sends it, and notes the receipt.
pub(crate) fn submit(
    journal: &Mutex<Journal>,
    connection: &mut Connection,
    genesis: [u8; 32],
    signer: &Keypair,
    call: Call,
) -> Result<Told> {
    let nonce = lock(journal).nonce(signer.account());
    let transaction = Transaction::sign(signer, genesis, nonce, now_ms()? + LIFE_MS, call);
    let number = lock(journal).send(transaction.hash(), signer.account(), nonce);
    let Ok(answer) = connection.post("/api/v1/transactions", &transaction.encode()) else {
        return Ok(Told::Nothing);
    };
    let Ok(said) = serde_json::from_slice::<Value>(&answer.body) else { return Ok(Told::Nothing) };
    if answer.status != 200 {
        return Ok(Told::Refused(said["code"].as_str().unwrap_or_default().to_owned()));
    }
    let counts = lock(journal).acknowledge(number, said)?;
    Ok(if counts { Told::Acknowledged } else { Told::Nothing })
}

/// Does the steps one after the other, each when the one before was answered. False if the node went
/// away meanwhile.
pub(crate) fn perform(
    home: &Home,
    node: &mut Node,
    connection: &mut Connection,
    journal: &Mutex<Journal>,
    steps: &[Step],
) -> Result<bool> {
    let genesis = home.genesis.hash();
    let mut checkpoint = newest_checkpoint(&home.store());
    for step in steps {
        let made = lock(journal).sent.len();
        let told = match step {
            Step::Member(user) => {
                let call = member(format!("user-{user}-{made}"));
                submit(journal, connection, genesis, &key(&format!("//User{user}"))?, call)?
            }
            Step::Taken => {
                submit(journal, connection, genesis, &key("//Taken")?, member("alice".to_owned()))?
            }
            Step::Bucket => submit(journal, connection, genesis, &key("//Alice")?, bucket())?,
            Step::Expired => send_expired(connection, genesis, made)?,
        };
        match told {
            Told::Acknowledged => wait_for_checkpoint(home, node, journal, &mut checkpoint)?,
            Told::Refused(code) => ensure!(code == "EXPIRED", "a transaction was refused: {code}"),
            Told::Nothing if is_going(node)? => return Ok(false),
            Told::Nothing => bail!("the node breaks connections, but runs"),
        }
    }
    Ok(true)
}

/// A node that breaks a connection has ended, or is about to.
fn is_going(node: &mut Node) -> Result<bool> {
    wait_for("the node ends", || Ok(node.has_ended()?.then_some(true)))
}

fn send_expired(connection: &mut Connection, genesis: [u8; 32], made: usize) -> Result<Told> {
    // Far past, and different each time.
    let until = now_ms()? - 60_000 - u64::try_from(made)?;
    let bytes = Transaction::sign(&key("//Alice")?, genesis, 1 << 20, until, bucket()).encode();
    let Ok(answer) = connection.post("/api/v1/transactions", &bytes) else { return Ok(Told::Nothing) };
    let Ok(said) = serde_json::from_slice::<Value>(&answer.body) else { return Ok(Told::Nothing) };
    Ok(Told::Refused(said["code"].as_str().unwrap_or_default().to_owned()))
}

/// So that checkpoints are made at the same heights in each run.
fn wait_for_checkpoint(home: &Home, node: &mut Node, journal: &Mutex<Journal>, last: &mut u64) -> Result<()> {
    let is_due = lock(journal).newest() >= last.saturating_add(home.limits.checkpoint_blocks);
    let started = Instant::now();
    while is_due && started.elapsed() < CHECKPOINT_WAIT && !node.has_ended()? {
        let newest = newest_checkpoint(&home.store());
        if newest > *last {
            *last = newest;
            break;
        }
        pause();
    }
    Ok(())
}

/// Height of the newest checkpoint by its name.
fn newest_checkpoint(store: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(store.join("checkpoints")) else { return 0 };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".checkpoint")?.parse().ok()).max().unwrap_or(0)
}
