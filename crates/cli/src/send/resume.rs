//! `argosy tx resume`: what became of transactions whose answer never came.

use super::{
    journal::{Ended, Sent, TransactionLog},
    options,
};
use crate::{
    calendar,
    failure::{Failure, Outcome},
    network::{DirectoryArgs, Network, now_ms},
    screen, text,
};
use argosy_api::{ClientError, directory::ReceiptView};
use argosy_directory::Transaction;
use serde::Serialize;
use std::process::ExitCode;

/// Find out what became of transactions whose answer never came
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy tx resume
  argosy tx resume --send -y

Every transaction is written into a log before it is sent ($ARGOSY_STATE/transactions.jsonl,
usually in ~/.local/state/argosy). This command asks the directory for those without an answer.
One that is in no block and can still get into one is sent again with --send: the same bytes,
which can take effect only once. Exit code 1 if something is still open.")]
pub(crate) struct ResumeArgs {
    /// Send again what can still take effect
    #[arg(long)]
    send: bool,
    /// Send without being asked
    #[arg(short, long)]
    yes: bool,
}

/// What is known of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Fate {
    Succeeded,
    Failed,
    /// Turned down when it was sent again.
    Refused,
    /// It can never take effect: its time is over, or its nonce was used by another one.
    Lapsed,
    /// It is in no block, and can still get into one.
    Open,
    /// Of another network, or unreadable.
    Unknown,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    hash: String,
    fate: Fate,
    height: Option<u64>,
    code: Option<String>,
    call: String,
    sent_ms: u64,
}

pub(crate) async fn run(directory: &DirectoryArgs, args: ResumeArgs, json: bool) -> Outcome<ExitCode> {
    let log = TransactionLog::usual(&directory.url())?;
    let entries = log.open_entries()?;
    let network = if entries.is_empty() { None } else { Some(Network::connect(directory).await?) };
    let mut found = Vec::new();
    for sent in entries {
        let Some(network) = &network else { break };
        let mut one = look_for(network, &sent).await?;
        if one.fate == Fate::Open && args.send {
            one = send_again(network, &sent, one, args.yes).await?;
        }
        if !matches!(one.fate, Fate::Open | Fate::Unknown) {
            log.end(ended(&one))?;
        }
        if !json {
            screen::say(&line(&one));
        }
        found.push(one);
    }
    let open = found.iter().filter(|one| matches!(one.fate, Fate::Open | Fate::Unknown)).count();
    if json {
        screen::json(&serde_json::json!({"transactions": found, "openCount": open}));
    } else if found.is_empty() {
        screen::note("no transaction waits for an answer");
    }
    Ok(if open == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn look_for(network: &Network, sent: &Sent) -> Outcome<Found> {
    let transaction = sent.transaction().filter(|it| it.payload.genesis == network.genesis.hash());
    let Some(transaction) = transaction else { return Ok(found(sent, Fate::Unknown)) };
    if let Some(receipt) = receipt(network, &transaction).await? {
        return Ok(in_block(sent, &receipt));
    }
    let status = network.directory.status().await;
    let status = status.map_err(|error| Failure::directory("the directory's status", &error))?;
    let account = network.directory.account(&transaction.payload.signer).await;
    let account = account.map_err(|error| Failure::directory("the signer's account", &error))?;
    let payload = &transaction.payload;
    let over = status.block_time_ms > payload.valid_until_ms || account.nonce > payload.nonce;
    if !over {
        return Ok(found(sent, Fate::Open));
    }
    // It may have got into a block between the first look and the second.
    let receipt = receipt(network, &transaction).await?;
    Ok(receipt.map_or_else(|| found(sent, Fate::Lapsed), |receipt| in_block(sent, &receipt)))
}

async fn receipt(network: &Network, transaction: &Transaction) -> Outcome<Option<ReceiptView>> {
    match network.directory.transaction(&transaction.hash()).await {
        Ok(receipt) => Ok(Some(receipt)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(Failure::directory("the transaction", &error)),
    }
}

async fn send_again(network: &Network, sent: &Sent, open: Found, yes: bool) -> Outcome<Found> {
    screen::note(&line(&open));
    if !yes && !options::ask("send it again?")? {
        return Ok(open);
    }
    let Some(transaction) = sent.transaction() else { return Ok(open) };
    match network.directory.submit(&transaction).await {
        Ok(receipt) => Ok(in_block(sent, &receipt)),
        Err(ClientError::Status { body, .. }) if body.status < 500 => {
            Ok(Found { code: Some(body.code), ..found(sent, Fate::Refused) })
        }
        Err(error) => Err(Failure::directory("the transaction", &error)),
    }
}

fn found(sent: &Sent, fate: Fate) -> Found {
    let (hash, call) = (sent.hash.clone(), sent.call.clone());
    Found { hash, fate, height: None, code: None, call, sent_ms: sent.at_ms }
}

fn in_block(sent: &Sent, receipt: &ReceiptView) -> Found {
    let code = receipt.error.as_ref().map(|error| error.code.clone());
    let fate = if code.is_some() { Fate::Failed } else { Fate::Succeeded };
    Found { height: Some(receipt.height), code, ..found(sent, fate) }
}

fn ended(one: &Found) -> Ended {
    let result = match one.fate {
        Fate::Succeeded => "succeeded",
        Fate::Failed => "failed",
        Fate::Refused => "refused",
        Fate::Lapsed => "lapsed",
        Fate::Open | Fate::Unknown => "open",
    };
    let (hash, code) = (one.hash.clone(), one.code.clone());
    Ended { hash, result: result.to_owned(), height: one.height, code, at_ms: now_ms() }
}

fn line(one: &Found) -> String {
    let hash = text::line(one.hash.get(..16).unwrap_or(&one.hash));
    let what = match (one.fate, one.height, &one.code) {
        (Fate::Succeeded, Some(height), _) => format!("succeeded in block {height}"),
        (Fate::Failed, Some(height), Some(code)) => {
            format!("failed in block {height} ({})", text::line(code))
        }
        (Fate::Refused, _, Some(code)) => format!("was refused ({}), and had no effect", text::line(code)),
        (Fate::Lapsed, ..) => "had no effect, and never will".to_owned(),
        (Fate::Open, ..) => "is in no block yet, and can still get into one: see --send".to_owned(),
        (Fate::Unknown, ..) => "belongs to another network: name its directory with --directory".to_owned(),
        (Fate::Succeeded | Fate::Failed | Fate::Refused, ..) => "has ended".to_owned(),
    };
    format!("{hash}… of {} {what}: {}", calendar::utc(one.sent_ms), text::line(&one.call))
}
