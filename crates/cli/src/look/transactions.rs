//! `argosy tx`: what an account signed, and one transaction with what it did.

use super::{
    Look, answer,
    format::{Fact, NONE, age, digits, facts, maybe, members, money, value, when},
    list::{Bounds, Sheet, gather, only_if},
};
use crate::{
    complete,
    failure::{Failure, Outcome},
    network::{self, DevKey},
    screen, text,
};
use argosy_api::{
    ClientError,
    directory::{GroupName, ReceiptView, RecordView, RejectView, query::Place},
    words,
};
use argosy_directory::{Event, Transaction};
use argosy_domain::AccountId;
use argosy_ledger::block::transaction_hash;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use serde_json::{Map, Value};
use std::str::FromStr;

/// Show what an account signed, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy tx list --account //Alice
  argosy tx list --group storage --result failed
  argosy tx list --account j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf --limit 10 --json

Only blocks that the directory node keeps are looked through. For what leads did, refusals too, see
`argosy leads log`.")]
pub(crate) struct List {
    /// Account that signed: its address, or //NAME of a development key
    #[arg(long, value_name = "ADDRESS", conflicts_with = "group")]
    account: Option<Account>,
    /// The lead of this working group, as it is now
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::groups))]
    group: Option<GroupName>,
    /// Only calls whose name has this in it, such as storage. or Bucket
    #[arg(long, value_name = "TEXT")]
    call: Option<String>,
    /// Only transactions that succeeded, or failed
    #[arg(long, value_enum)]
    result: Option<Ending>,
    #[command(flatten)]
    bounds: Bounds<Place>,
}

/// Show one transaction: its call, what became of it, and its events
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  argosy tx show 7d3c1f60a4b1f2c5d8e9aab0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4"
)]
pub(crate) struct Show {
    /// Hash of the transaction, 64 hexadecimal digits
    #[arg(value_name = "HASH")]
    hash: Hash,
}

/// An account by its address, or by the name of its development key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account(AccountId);

impl FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("//") {
            return text.parse::<DevKey>().map(|key| Self(key.pair.account()));
        }
        text.parse().map(Self).map_err(|error| format!("{error}; expected an address or //NAME"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Hash([u8; 32]);

impl FromStr for Hash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut hash = [0; 32];
        let digits = text.strip_prefix("0x").unwrap_or(text);
        hex::decode_to_slice(digits, &mut hash).map_err(|_| "expected 64 hexadecimal digits")?;
        Ok(Self(hash))
    }
}

/// How a transaction in a block ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Ending {
    Succeeded,
    Failed,
}

impl List {
    fn wants(&self, record: &RecordView) -> bool {
        let ending = if record.error.is_none() { Ending::Succeeded } else { Ending::Failed };
        self.call.as_ref().is_none_or(|part| record.call.contains(part.as_str()))
            && self.result.is_none_or(|wanted| wanted == ending)
    }

    const fn filters(&self) -> bool {
        self.call.is_some() || self.result.is_some()
    }

    async fn account(&self, look: &Look) -> Outcome<AccountId> {
        match (&self.account, self.group) {
            (Some(account), _) => Ok(account.0),
            (None, Some(name)) => {
                let group = answer(&format!("group {name}"), look.reader.group(name).await)?;
                let without = || Failure::refused("NO_LEAD", format!("the group {name} has no lead"));
                group.lead_account.ok_or_else(without)
            }
            (None, None) => Err(Failure::usage("say whose transactions: with --account, or with --group")),
        }
    }
}

pub(super) async fn list(look: &Look, args: List) -> Outcome<()> {
    let account = args.account(look).await?;
    let ask = async |wanted| look.reader.transactions(&account, &wanted).await;
    let passes = |record: &RecordView| args.wants(record);
    let filter = only_if(args.filters(), &passes);
    let thing = format!("transactions of {account}");
    let found = gather(&thing, args.bounds.limit(), args.bounds.from(), filter, ask).await?;
    look.print("transactions", &found, |records| sheet(records, look.now_ms));
    Ok(())
}

pub(super) fn sheet(records: &[RecordView], now_ms: u64) -> Sheet {
    let head = &["place", "age", "call", "result", "hash", "arguments"];
    Sheet::new(head, &["hash", "age"], records, |record| {
        vec![
            record
                .index
                .map_or_else(|| record.height.to_string(), |index| format!("{}:{index}", record.height)),
            age(record.time_ms, now_ms),
            text::line(&record.words),
            record.error.as_ref().map_or_else(|| text::line(&record.result), |error| text::line(&error.code)),
            text::line(&record.hash),
            members(&record.arguments),
        ]
    })
}

/// A transaction, as much of it as is known.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    pub(super) receipt: ReceiptView,
    /// Nothing if the directory node does not keep the block any more.
    pub(super) signed: Option<Signed>,
    pub(super) events: Vec<EventWords>,
}

/// What was signed.
#[derive(Debug, Serialize)]
pub(super) struct Signed {
    pub(super) signer: String,
    pub(super) nonce: u64,
    pub(super) tip: String,
    pub(super) call: String,
    pub(super) words: String,
    pub(super) arguments: Map<String, Value>,
}

#[derive(Debug, Serialize)]
pub(super) struct EventWords {
    pub(super) kind: &'static str,
    pub(super) fields: Map<String, Value>,
}

impl From<&Event> for EventWords {
    fn from(event: &Event) -> Self {
        let (kind, fields) = words::event(event);
        Self { kind, fields }
    }
}

pub(super) async fn show(look: &Look, args: &Show) -> Outcome<()> {
    let directory = &look.network.directory;
    let hash = hex::encode(args.hash.0);
    let receipt = directory.transaction(&args.hash.0).await;
    let receipt = answer(&format!("transaction {hash}"), receipt)?;
    let signed = match signed(look, &receipt, &args.hash).await {
        Ok(signed) => signed,
        Err(error) if error.status().is_some() => None,
        Err(error) => return Err(Failure::directory("the block of the transaction", &error)),
    };
    let events = network::events(&receipt)?.iter().map(EventWords::from).collect();
    let shown = Shown { receipt, signed, events };
    if look.json {
        screen::json(&shown);
    } else {
        screen::say(&page(&shown, look.now_ms, look.is_mainnet()));
    }
    Ok(())
}

/// Reads the transaction out of its block, if that has it.
async fn signed(look: &Look, receipt: &ReceiptView, hash: &Hash) -> Result<Option<Signed>, ClientError> {
    let mut blocks = look.network.directory.blocks(receipt.height).await?;
    let Some(block) = blocks.next().await? else { return Ok(None) };
    let place = usize::try_from(receipt.index).unwrap_or(usize::MAX);
    let bytes = block.transactions.get(place).filter(|bytes| transaction_hash(bytes) == hash.0);
    Ok(bytes.and_then(|bytes| Transaction::decode(bytes).ok()).map(|transaction| {
        let payload = transaction.payload;
        let call = words::call(&payload.call);
        Signed {
            signer: payload.signer.to_string(),
            nonce: payload.nonce,
            tip: payload.tip.to_string(),
            call: call.name,
            words: call.words,
            arguments: call.arguments,
        }
    }))
}

/// The transaction for people: what is known under each other, then its arguments and events.
pub(super) fn page(shown: &Shown, now_ms: u64, is_mainnet: bool) -> String {
    let receipt = &shown.receipt;
    let said = |error: &RejectView| text::line(&format!("failed: {} ({})", error.message, error.code));
    let mut lines: Vec<Fact> = vec![("transaction", text::line(&receipt.hash))];
    match &shown.signed {
        Some(signed) => lines.extend([
            ("call", format!("{} ({})", signed.words, signed.call)),
            ("signed by", signed.signer.clone()),
            ("nonce", digits(signed.nonce)),
            ("tip", signed.tip.parse().map_or_else(|_| NONE.to_owned(), |tip| money(tip, is_mainnet))),
        ]),
        None => lines.push(("call", "not known: the directory node does not keep its block".to_owned())),
    }
    lines.extend([
        ("block", format!("{}, place {}", receipt.height, receipt.index)),
        ("time", when(receipt.time_ms, now_ms)),
        ("result", maybe(Some(receipt.error.as_ref().map_or_else(|| "succeeded".to_owned(), said)))),
    ]);
    let mut page = facts(&lines);
    if let Some(signed) = shown.signed.as_ref().filter(|signed| !signed.arguments.is_empty()) {
        page.push_str("\n\narguments\n");
        page.push_str(&indented(&signed.arguments));
    }
    for event in &shown.events {
        page.push_str(&format!("\n\nevent: {} ({})", words::spaced(event.kind), event.kind));
        if !event.fields.is_empty() {
            page.push('\n');
            page.push_str(&indented(&event.fields));
        }
    }
    page
}

fn indented(fields: &Map<String, Value>) -> String {
    let name = |name: &str| text::line(&words::spaced(name));
    let widest = fields.keys().map(|key| name(key).chars().count()).max().unwrap_or(0);
    let lines = fields.iter().map(|(key, field)| format!("  {:widest$}  {}", name(key), value(field)));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_addresses_or_development_keys() {
        let alice: Account = "//Alice".parse().unwrap();
        assert_eq!(alice.0.to_string().parse(), Ok(alice));
        assert!("Alice".parse::<Account>().unwrap_err().contains("//NAME"));
        let seed = format!("0x{}", "11".repeat(32));
        assert!(seed.parse::<Account>().is_err());
    }

    #[test]
    fn hashes_have_64_digits() {
        let text = "ab".repeat(32);
        assert_eq!(text.parse(), Ok(Hash([0xab; 32])));
        assert_eq!(format!("0x{text}").parse(), Ok(Hash([0xab; 32])));
        assert!("ab".parse::<Hash>().is_err() && "zz".repeat(32).parse::<Hash>().is_err());
    }
}
