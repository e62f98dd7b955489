//! Looking after the directory's ledger: verify, export, back up, restore.

use crate::{
    failure::{Failure, Outcome, chain},
    nodes::read_directory,
    screen,
};
use argosy_api::words;
use argosy_directory::{Event, Genesis, Outcome as CallOutcome, Reject, Transaction};
use argosy_directory_node as directory_node;
use argosy_ledger::{Block, OpenError, ReadError, ReplayReport, block::transaction_hash};
use codec::Encode as _;
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    fs,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What a backup has besides the ledger.
const GENESIS_NAME: &str = "genesis.json";
/// Folder of the ledger in a backup.
const STORE_NAME: &str = "store";

/// Which directory node is meant.
#[derive(Debug, clap::Args)]
struct Place {
    /// Data directory of `argosy up`, or folder of a directory.yml
    #[arg(value_name = "DIR", required_unless_present = "config", conflicts_with = "config")]
    dir: Option<PathBuf>,
    /// Configuration file of the directory node
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    fn read(self) -> Outcome<directory_node::Config> {
        let path = match (self.config, self.dir) {
            (Some(config), _) => config,
            (None, Some(dir)) => find_config(&dir)?,
            (None, None) => return Err(Failure::usage("name a data directory, or a file with --config")),
        };
        read_directory(&path)
    }
}

/// Replay a ledger, believing nothing, and print height and state root
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy directory verify argosy-data
  argosy directory verify argosy-data --from-checkpoint
  argosy directory verify --config argosy-data/directory/directory.yml --json

The directory node must not be running meanwhile. Nothing is changed.")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    place: Place,
    /// Go on from the newest checkpoint that can be used, instead of the genesis
    #[arg(long)]
    from_checkpoint: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write blocks as JSON lines: headers, transactions with their calls, results, events
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  argosy directory export argosy-data --from 1 --to 1000 > blocks.jsonl

The directory node may be running meanwhile.")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    place: Place,
    /// Height of the first block
    #[arg(long, value_name = "H", default_value_t = 0)]
    from: u64,
    /// Height of the last block; the newest unless given
    #[arg(long, value_name = "H", default_value_t = u64::MAX, hide_default_value = true)]
    to: u64,
}

/// Copy a ledger with its newest checkpoint into a new folder, and check the copy
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  argosy directory backup --config argosy-data/directory/directory.yml --to /backup/directory-1

The directory node may be running meanwhile. The sequencer's key is not copied.")]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    place: Place,
    /// Folder that is made
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Make a node's data folder from a backup, and check it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  argosy directory restore /backup/directory-1 argosy-data/directory/store

Use it only when the old ledger is lost for good: two nodes that go on from one backup make two
different ledgers.")]
pub(crate) struct RestoreArgs {
    /// Folder that `argosy directory backup` has made
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// The `data` folder of the node's configuration; empty, or not there
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    height: u64,
    hash: String,
    state_root: String,
    time_ms: u64,
    transactions_count: u64,
    unfinished_bytes: u64,
    from_height: u64,
}

impl From<&ReplayReport> for Verified {
    fn from(report: &ReplayReport) -> Self {
        Self {
            height: report.height,
            hash: hex::encode(report.hash),
            state_root: hex::encode(report.state_root),
            time_ms: report.time_ms,
            transactions_count: report.transactions_count,
            unfinished_bytes: report.unfinished_bytes,
            from_height: report.from_height,
        }
    }
}

pub(crate) async fn verify(args: VerifyArgs) -> Outcome<ExitCode> {
    let config = args.place.read()?;
    let from_checkpoint = args.from_checkpoint;
    let report = work(args.json, "replaying the ledger", "NOT_VERIFIED", move || {
        let genesis = read_genesis(&config.genesis)?;
        let replay = if from_checkpoint { argosy_ledger::replay_from_newest } else { argosy_ledger::replay };
        replay(&config.data, &genesis).map_err(|error| chain(&error))
    });
    show(&report.await?, args.json);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn backup(args: BackupArgs) -> Outcome<ExitCode> {
    let (config, to) = (args.place.read()?, args.to);
    let report = work(args.json, "copying the ledger", "NOT_BACKED_UP", move || {
        let genesis = read_genesis(&config.genesis)?;
        fs::create_dir(&to).map_err(|error| format!("cannot create {}: {error}", to.display()))?;
        let copied = fs::copy(&config.genesis, to.join(GENESIS_NAME))
            .map_err(|error| format!("cannot copy {}: {error}", config.genesis.display()))
            .and_then(|_| copy(&config.data, &to.join(STORE_NAME), &genesis));
        if copied.is_err() {
            // It was made a moment ago, and nobody is to take it for a backup.
            let _ = fs::remove_dir_all(&to);
        }
        copied
    });
    show(&report.await?, args.json);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn restore(args: RestoreArgs) -> Outcome<ExitCode> {
    let RestoreArgs { backup, data, json } = args;
    let report = work(json, "copying the ledger", "NOT_RESTORED", move || {
        let genesis = read_genesis(&backup.join(GENESIS_NAME))?;
        copy(&backup.join(STORE_NAME), &data, &genesis)
    });
    show(&report.await?, json);
    Ok(ExitCode::SUCCESS)
}

fn copy(from: &Path, to: &Path, genesis: &Genesis) -> Result<ReplayReport, String> {
    argosy_ledger::copy_ledger(from, to, genesis).map_err(|error| chain(&error))
}

pub(crate) async fn export(args: ExportArgs) -> Outcome<ExitCode> {
    let config = args.place.read()?;
    let (from, to) = (args.from, args.to);
    if from > to {
        return Err(Failure::usage("--from is above --to"));
    }
    let exported = tokio::task::spawn_blocking(move || {
        let genesis = read_genesis(&config.genesis).map_err(|what| Failure::refused("NOT_EXPORTED", what))?;
        let mut out = BufWriter::new(io::stdout().lock());
        let count = argosy_ledger::read_blocks(&config.data, &genesis, from..=to, |block| {
            serde_json::to_writer(&mut out, &exported_block(block))?;
            out.write_all(b"\n")
        })
        .map_err(|error| not_exported(&error))?;
        out.flush().map_err(|error| Failure::refused("NOT_EXPORTED", format!("cannot write: {error}")))?;
        Ok(count)
    });
    let count: u64 =
        exported.await.unwrap_or_else(|error| Err(Failure::refused("NOT_EXPORTED", error.to_string())))?;
    let wanted = to.saturating_sub(from).saturating_add(1);
    if count == 0 || (to != u64::MAX && count < wanted) {
        let what = format!("the ledger ends after {count} of the blocks from {from} on");
        return Err(Failure::refused("HEIGHT_AHEAD", what));
    }
    Ok(ExitCode::SUCCESS)
}

fn not_exported(error: &OpenError) -> Failure {
    let is_gone = matches!(error, OpenError::Read(ReadError::Gone { .. }));
    Failure::refused(if is_gone { "BLOCK_GONE" } else { "NOT_EXPORTED" }, chain(error))
}

fn read_genesis(path: &Path) -> Result<Genesis, String> {
    directory_node::read_genesis(path).map_err(|error| chain(&error))
}

/// Does something with a ledger that takes a while.
async fn work(
    quiet: bool,
    doing: &str,
    code: &str,
    work: impl FnOnce() -> Result<ReplayReport, String> + Send + 'static,
) -> Outcome<ReplayReport> {
    let wait = screen::spinner(quiet, doing);
    let done = tokio::task::spawn_blocking(work).await;
    wait.finish_and_clear();
    done.unwrap_or_else(|error| Err(error.to_string())).map_err(|what| Failure::refused(code, what))
}

fn show(report: &ReplayReport, json: bool) {
    let verified = Verified::from(report);
    if json {
        screen::json(&verified);
        return;
    }
    screen::say(&format!("height       {}", verified.height));
    screen::say(&format!("hash         {}", verified.hash));
    screen::say(&format!("state root   {}", verified.state_root));
    screen::say(&format!("replayed     from block {}", verified.from_height));
    screen::say(&format!("transactions {}", verified.transactions_count));
    if verified.unfinished_bytes > 0 {
        let bytes = verified.unfinished_bytes;
        screen::say(&format!("unfinished   {bytes} bytes of a last write, which the next start cuts off"));
    }
}

fn find_config(dir: &Path) -> Outcome<PathBuf> {
    let places = [dir.join("directory.yml"), dir.join("directory/directory.yml")];
    places.into_iter().find(|path| path.exists()).ok_or_else(|| {
        Failure::usage(format!("{} has no directory.yml: name the file with --config", dir.display()))
    })
}

/// A block as it is exported. Calls and events have names and fields as the directory node's interface
/// writes them; the bytes are what was signed and recorded.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedBlock {
    version: u16,
    rules_version: u32,
    height: u64,
    hash: String,
    parent: String,
    time_ms: u64,
    transactions_root: String,
    results_root: String,
    state_root: String,
    randomness: String,
    epoch: u64,
    signers: Vec<String>,
    events: Vec<ExportedEvent>,
    transactions: Vec<ExportedTransaction>,
}

#[derive(Debug, Serialize)]
struct ExportedEvent {
    kind: &'static str,
    fields: Map<String, Value>,
    bytes: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedTransaction {
    hash: String,
    bytes: String,
    signer: String,
    nonce: u64,
    valid_until_ms: u64,
    call: String,
    arguments: Map<String, Value>,
    error: Option<ExportedReject>,
    events: Vec<ExportedEvent>,
}

#[derive(Debug, Serialize)]
struct ExportedReject {
    number: u16,
    code: &'static str,
    message: String,
}

fn exported_block(block: &Block) -> ExportedBlock {
    let header = &block.header;
    let both = block.transactions.iter().zip(&block.outcomes);
    ExportedBlock {
        version: header.version,
        rules_version: header.rules_version,
        height: header.height,
        hash: hex::encode(header.hash()),
        parent: hex::encode(header.parent),
        time_ms: header.time_ms,
        transactions_root: hex::encode(header.transactions_root),
        results_root: hex::encode(header.results_root),
        state_root: hex::encode(header.state_root),
        randomness: hex::encode(header.randomness),
        epoch: block.proof.epoch,
        signers: block.proof.signatures.iter().map(|(signer, _)| signer.to_string()).collect(),
        events: exported_events(&block.block_events),
        transactions: both.filter_map(|(bytes, outcome)| exported_transaction(bytes, outcome)).collect(),
    }
}

/// Nothing for bytes that are no transaction, which no block has that a replay accepts.
fn exported_transaction(bytes: &[u8], outcome: &CallOutcome) -> Option<ExportedTransaction> {
    let payload = Transaction::decode(bytes).ok()?.payload;
    let reject = |reject: Reject| ExportedReject {
        number: reject.number(),
        code: reject.code(),
        message: reject.to_string(),
    };
    let call = words::call(&payload.call);
    Some(ExportedTransaction {
        hash: hex::encode(transaction_hash(bytes)),
        bytes: hex::encode(bytes),
        signer: payload.signer.to_string(),
        nonce: payload.nonce,
        valid_until_ms: payload.valid_until_ms,
        call: call.name,
        arguments: call.arguments,
        error: outcome.result.err().map(reject),
        events: exported_events(&outcome.events),
    })
}

fn exported_events(events: &[Event]) -> Vec<ExportedEvent> {
    let exported = |event: &Event| {
        let (kind, fields) = words::event(event);
        ExportedEvent { kind, fields, bytes: hex::encode(event.encode()) }
    };
    events.iter().map(exported).collect()
}
