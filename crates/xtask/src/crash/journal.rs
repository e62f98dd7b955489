//! What the submitter knows: what it sent, what was acknowledged, and what it was shown.

use anyhow::{Context as _, Result, bail, ensure};
use argosy_directory::Outcome;
use argosy_domain::AccountId;
use argosy_ledger::{Block, block::transaction_hash};
use codec::Encode as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A transaction that was sent.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) hash: [u8; 32],
    pub(crate) signer: AccountId,
    pub(crate) nonce: u64,
    /// Its receipt as the node told it; nothing if no answer came.
    pub(crate) receipt: Option<Value>,
    /// Height of its block, and whether it succeeded, once that is known.
    pub(crate) place: Option<(u64, bool)>,
}

/// Lives in another process than the node, so that a crash of the node takes nothing from it.
#[derive(Clone, Default)]
pub(crate) struct Journal {
    pub(crate) sent: Vec<Sent>,
    /// Hashes of blocks that the node showed to anybody.
    pub(crate) shown: BTreeMap<u64, [u8; 32]>,
    /// The power is being cut. With the power the node would be gone too; here it goes on for a moment,
    /// on a file system that says of some syncs that they succeeded: what it tells now counts for nothing.
    pub(crate) is_dark: bool,
    /// What it told then.
    pub(crate) late_count: u64,
}

/// What a ledger on disk was found to have.
#[derive(Clone, Default)]
pub(crate) struct Held {
    pub(crate) height: u64,
    pub(crate) oldest: u64,
    /// Transactions without an answer that are in blocks.
    pub(crate) unanswered_kept: u64,
    /// Hashes of those that are not.
    pub(crate) gone: Vec<[u8; 32]>,
    /// What a last write left that was cut short.
    pub(crate) unfinished_bytes: u64,
}

impl Journal {
    /// Notes that a transaction is about to be sent; gives its number.
    pub(crate) fn send(&mut self, hash: [u8; 32], signer: AccountId, nonce: u64) -> usize {
        self.sent.push(Sent { hash, signer, nonce, receipt: None, place: None });
        self.sent.len().saturating_sub(1)
    }

    /// Notes an acknowledgement; false if it counts for nothing.
    pub(crate) fn acknowledge(&mut self, number: usize, receipt: Value) -> Result<bool> {
        let sent = self.sent.get_mut(number).context("nothing was sent")?;
        if self.is_dark {
            self.late_count = self.late_count.saturating_add(1);
            return Ok(false);
        }
        ensure!(receipt["hash"] == hex::encode(sent.hash), "a receipt of another transaction: {receipt}");
        let height = receipt["height"].as_u64().context("a receipt without a height")?;
        sent.place = Some((height, receipt["error"].is_null()));
        sent.receipt = Some(receipt);
        Ok(true)
    }

    pub(crate) fn acknowledged_count(&self) -> usize {
        self.sent.iter().filter(|sent| sent.receipt.is_some()).count()
    }

    /// Notes what anybody was shown.
    pub(crate) fn show(&mut self, height: u64, hash: [u8; 32]) -> Result<()> {
        if self.is_dark {
            return Ok(());
        }
        let known = *self.shown.entry(height).or_insert(hash);
        ensure!(known == hash, "two blocks were shown at height {height}");
        Ok(())
    }

    /// Height of the newest block that anybody knows of.
    pub(crate) fn newest(&self) -> u64 {
        let acknowledged = self.sent.iter().filter(|sent| sent.receipt.is_some());
        let acknowledged = acknowledged.filter_map(|sent| sent.place).map(|(height, _)| height).max();
        let shown = self.shown.last_key_value().map(|(height, _)| *height);
        acknowledged.max(shown).unwrap_or(0)
    }

    /// Nonce that the next transaction of an account must have.
    pub(crate) fn nonce(&self, account: AccountId) -> u64 {
        let own = self.sent.iter().filter(|sent| sent.signer == account && sent.place.is_some());
        own.map(|sent| sent.nonce.saturating_add(1)).max().unwrap_or(0)
    }

    /// Compares all blocks that a ledger has, in order, with what is known. Afterwards it is known of
    /// each transaction whether it is there, and those that are not are forgotten: nobody has them now.
    pub(crate) fn compare(&mut self, blocks: &[Block]) -> Result<Held> {
        self.is_dark = false;
        let oldest = blocks.first().map_or(1, |block| block.header.height);
        let height = blocks.last().map_or(0, |block| block.header.height);
        ensure!(
            height >= self.newest(),
            "LOST: the ledger ends at block {height}, but {} was known",
            self.newest()
        );
        let mut found = BTreeMap::new();
        for block in blocks {
            let (at, hash) = (block.header.height, block.header.hash());
            self.show(at, hash)?;
            for (index, (bytes, outcome)) in block.transactions.iter().zip(&block.outcomes).enumerate() {
                let hash = transaction_hash(bytes);
                let receipt = receipt(hash, at, index, block.header.time_ms, outcome);
                ensure!(
                    found.insert(hash, receipt).is_none(),
                    "TWICE: {} is in two places",
                    hex::encode(hash)
                );
            }
        }
        let mut held = Held { height, oldest, ..Held::default() };
        self.resolve(&mut found, &mut held)?;
        if let Some((hash, _)) = found.first_key_value() {
            bail!("STRANGE: nobody has sent {}", hex::encode(hash));
        }
        self.ensure_no_gaps()?;
        Ok(held)
    }

    fn resolve(&mut self, found: &mut BTreeMap<[u8; 32], Value>, held: &mut Held) -> Result<()> {
        for sent in &mut self.sent {
            let (now, hash) = (found.remove(&sent.hash), hex::encode(sent.hash));
            match (&sent.receipt, now) {
                (Some(then), Some(now)) => {
                    ensure!(same(then, &now), "CHANGED: the receipt was {then}, and is {now}");
                }
                (Some(then), None) => {
                    let is_dropped = sent.place.is_some_and(|(height, _)| height < held.oldest);
                    ensure!(is_dropped, "LOST: {hash} was acknowledged: {then}");
                }
                (None, Some(now)) => {
                    held.unanswered_kept = held.unanswered_kept.saturating_add(1);
                    let height = now["height"].as_u64().unwrap_or(0);
                    sent.place = Some((height, now["error"].is_null()));
                    // From here on it must stay where it was shown.
                    sent.receipt = Some(now);
                }
                (None, None) => held.gone.push(sent.hash),
            }
        }
        self.sent.retain(|sent| sent.receipt.is_some());
        Ok(())
    }

    /// An account's transactions are there from the first to the last.
    fn ensure_no_gaps(&self) -> Result<()> {
        let mut nonces: BTreeMap<AccountId, BTreeSet<u64>> = BTreeMap::new();
        for sent in &self.sent {
            let is_new = nonces.entry(sent.signer).or_default().insert(sent.nonce);
            ensure!(is_new, "TWICE: nonce {} of {}", sent.nonce, sent.signer);
        }
        for (account, nonces) in nonces {
            ensure!(nonces.into_iter().eq(0..self.nonce(account)), "GAP: in the transactions of {account}");
        }
        Ok(())
    }
}

/// A receipt as the node's API tells it.
fn receipt(hash: [u8; 32], height: u64, index: usize, time_ms: u64, outcome: &Outcome) -> Value {
    let events: Vec<_> = outcome.events.iter().map(|event| hex::encode(event.encode())).collect();
    let error = outcome.result.err().map(|reject| json!({"number": reject.number(), "code": reject.code()}));
    json!({
        "hash": hex::encode(hash), "height": height, "index": index, "timeMs": time_ms,
        "error": error, "events": events,
    })
}

/// Whether two receipts say the same, whatever words they use for the error.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    let told = ["hash", "height", "index", "timeMs", "events"];
    told.iter().all(|name| a[name] == b[name]) && a["error"]["number"] == b["error"]["number"]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Journal {
        let mut journal = Journal::default();
        let account = AccountId([1; 32]);
        for nonce in 0..3_u8 {
            let number = journal.send([nonce; 32], account, nonce.into());
            let receipt = json!({
                "hash": hex::encode([nonce; 32]), "height": 1, "index": nonce, "timeMs": 5, "error": null, "events": []
            });
            journal.acknowledge(number, receipt).unwrap();
        }
        journal
    }

    #[test]
    fn what_was_acknowledged_and_is_not_there_is_found() {
        let mut journal = journal();
        assert_eq!((journal.newest(), journal.nonce(AccountId([1; 32]))), (1, 3));
        let error = journal.compare(&[]).err().unwrap().to_string();
        assert!(error.starts_with("LOST"), "{error}");
    }

    #[test]
    fn a_block_that_was_shown_must_stay() {
        let mut journal = Journal::default();
        journal.show(4, [1; 32]).unwrap();
        assert!(journal.show(4, [2; 32]).is_err());
        assert!(journal.compare(&[]).is_err());
    }

    #[test]
    fn what_nobody_answered_may_be_gone() {
        let mut journal = Journal::default();
        journal.send([7; 32], AccountId([1; 32]), 0);
        let held = journal.compare(&[]).unwrap();
        assert_eq!((held.gone.len(), held.unanswered_kept, journal.sent.len()), (1, 0, 0));
    }
}
