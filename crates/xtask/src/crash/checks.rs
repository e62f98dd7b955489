//! What must hold after a crash: of the files, and of the node that starts on them.

use super::{
    journal::{Held, Journal, same},
    node::{Home, wait_for},
    room,
};
use crate::bench::http::Connection;
use anyhow::{Context as _, Result, ensure};
use argosy_ledger::{Block, OpenError, ReadError, ReplayReport, read_blocks, replay, replay_from_newest};
use serde_json::Value;
use std::{collections::BTreeSet, sync::PoisonError};

/// All blocks that a ledger has, each checked to follow on the one before; none if there is no ledger.
pub(crate) fn blocks(home: &Home) -> Result<Vec<Block>> {
    let mut from = 1;
    loop {
        let mut blocks = Vec::new();
        let read = read_blocks(&home.store(), &home.genesis, from..=u64::MAX, |block| {
            blocks.push(block.clone());
            Ok(())
        });
        match read {
            Ok(_) => return Ok(blocks),
            Err(OpenError::Read(ReadError::Gone { oldest, .. })) => from = oldest,
            Err(error) if is_nothing(&error, home) => return Ok(Vec::new()),
            Err(error) => return Err(error).context("DAMAGED"),
        }
    }
}

/// Whether an error says that there is no ledger yet.
fn is_nothing(error: &OpenError, home: &Home) -> bool {
    matches!(error, OpenError::Missing { .. }) || !home.store().exists()
}

/// Replays what is on disk, from the newest checkpoint and from the genesis if all blocks are kept, and
/// compares it with what is known.
pub(crate) fn on_disk(home: &Home, journal: &mut Journal) -> Result<Held> {
    let mut held = journal.compare(&blocks(home)?)?;
    if held.height == 0 {
        return Ok(held);
    }
    let _locks = room::BEGINNINGS.read().unwrap_or_else(PoisonError::into_inner);
    let newest = replay_from_newest(&home.store(), &home.genesis).context("DAMAGED")?;
    ensure_end(&newest, &held)?;
    held.unfinished_bytes = newest.unfinished_bytes;
    if held.oldest == 1 {
        let all = replay(&home.store(), &home.genesis).context("DAMAGED")?;
        ensure_end(&all, &held)?;
        ensure!(all.state_root == newest.state_root, "WRONG: two replays come to different roots");
    }
    Ok(held)
}

fn ensure_end(report: &ReplayReport, held: &Held) -> Result<()> {
    ensure!(report.height == held.height, "the replay ends at {}, the log at {}", report.height, held.height);
    Ok(())
}

/// The same by the program: `argosy directory verify`, from the newest checkpoint and, if all blocks are
/// kept, from the genesis. Gives the root; nothing if there is no ledger yet.
pub(crate) fn by_program(home: &Home, held: &Held) -> Result<Option<Value>> {
    if held.height == 0 && !home.store().join("blocks.log").exists() {
        return Ok(None);
    }
    let roots: BTreeSet<String> = [true, false]
        .into_iter()
        .filter(|from_checkpoint| *from_checkpoint || held.oldest == 1)
        .map(|from_checkpoint| {
            let report =
                home.verify(from_checkpoint)?.map_err(|why| anyhow::anyhow!("NOT VERIFIED: {why}"))?;
            ensure!(report["height"] == held.height, "verify ends elsewhere: {report}");
            Ok(report["stateRoot"].to_string())
        })
        .collect::<Result<_>>()?;
    ensure!(roots.len() == 1, "WRONG: verify comes to several roots: {roots:?}");
    let root = roots.into_iter().next().context("nothing was verified")?;
    Ok(Some(serde_json::from_str(&root)?))
}

/// What a node that was started again says of all that it was sent, by transactions, by accounts and by
/// its index. Gives what it shows of its newest block.
pub(crate) fn by_node(connection: &mut Connection, journal: &Journal, held: &Held) -> Result<()> {
    let status = json(connection, "/api/v1/status")?;
    let height = status["height"].as_u64().context("no height")?;
    ensure!(height >= held.height, "LOST: the node is at block {height}, its log had {}", held.height);
    for sent in &journal.sent {
        let answer = connection.get_body(&format!("/api/v1/transactions/{}", hex::encode(sent.hash)))?;
        let is_dropped = sent.place.is_some_and(|(height, _)| height < held.oldest);
        match (&sent.receipt, answer.status) {
            (Some(then), 200) => {
                let now = serde_json::from_slice(&answer.body)?;
                ensure!(same(then, &now), "CHANGED: the receipt was {then}, and is {now}");
            }
            (Some(_), 404 | 410) if is_dropped => {}
            (_, status) => anyhow::bail!("LOST: {} is answered with {status}", hex::encode(sent.hash)),
        }
    }
    for hash in &held.gone {
        let answer = connection.get_body(&format!("/api/v1/transactions/{}", hex::encode(hash)))?;
        ensure!(
            answer.status == 404,
            "HALF: the log ended at block {} without {}, which is answered with {}",
            held.height,
            hex::encode(hash),
            String::from_utf8_lossy(&answer.body)
        );
    }
    let signers: BTreeSet<_> = journal.sent.iter().map(|sent| sent.signer).collect();
    for signer in signers {
        let account = json(connection, &format!("/api/v1/accounts/{signer}"))?;
        let nonce = journal.nonce(signer);
        ensure!(account["nonce"] == nonce, "HALF: nonce {nonce} of {signer} is due, not {account}");
    }
    by_index(connection, held.height)
}

/// The index for GraphQL catches up, and has as many rows as the state has things.
fn by_index(connection: &mut Connection, height: u64) -> Result<()> {
    wait_for("the index catches up", || {
        let status = json(connection, "/api/v1/status")?;
        ensure!(status["graphql"]["failing"] == false, "the index fails: {status}");
        Ok(status["graphql"]["height"].as_u64().filter(|reached| *reached >= height))
    })?;
    let query = r#"{"query":"{ storageBucketsConnection(orderBy: [id_ASC]) { totalCount } }"}"#;
    let answer = connection.post_json("/graphql", query.as_bytes())?;
    let answer: Value = serde_json::from_slice(&answer.body)?;
    let indexed = answer["data"]["storageBucketsConnection"]["totalCount"].as_u64();
    let buckets = json(connection, "/api/v1/storage-buckets")?;
    let count = buckets.as_array().and_then(|list| u64::try_from(list.len()).ok());
    ensure!(indexed.is_some() && indexed == count, "the index has {answer}, the state {count:?} buckets");
    let record = json(connection, "/api/v1/groups/storage/lead-log")?;
    ensure!(record["entries"].is_array(), "the leads' record cannot be read: {record}");
    Ok(())
}

/// JSON of an answer that must be there.
pub(crate) fn json(connection: &mut Connection, path: &str) -> Result<Value> {
    let answer = connection.get_body(path)?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok(serde_json::from_slice(&answer.body)?)
}
