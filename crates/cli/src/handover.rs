//! Changing the key that signs blocks: planned, or because the sequencer is lost.

use crate::{
    failure::{Failure, Outcome, chain},
    nodes::read_directory,
    screen,
};
use argosy_api::{client::DirectoryClient, epoch::EpochChangeFile};
use argosy_directory::Genesis;
use argosy_directory_node::{Config, KeySource};
use argosy_domain::{AccountId, Keypair};
use argosy_http::{AddressPolicy, Client, ClientConfig};
use argosy_ledger::{ChainTip, EpochChange, install_change, plan_change};
use serde::Serialize;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// A change with a hundred approvals is shorter.
const MAX_CHANGE_BYTES: u64 = 256 * 1024;
/// Longest that another directory node is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Change the key that signs blocks, on a sequencer that is stopped
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  argosy directory rotate-key --config directory.yml --new-key next.key

The present key approves the change. The next start, with the new key in directory.yml, carries
it out in its first block; from there on the old key signs nothing.")]
pub(crate) struct RotateKeyArgs {
    /// Configuration file of the sequencer
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// File of the new sr25519 key
    #[arg(long, value_name = "FILE")]
    new_key: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Make a stopped follower the sequencer, where the old one is lost
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy directory promote --config follower.yml --new-key standby.key --council-key ann.key ben.key
  argosy directory promote --config follower.yml --new-key standby.key --propose change.json
  argosy directory promote --config follower.yml --change change.json

The council decides. Where its keys are not in one place, --propose writes what is to be approved,
`argosy directory approve-key change.json --key ann.key` adds one approval after the other, and
--change carries it out. Promote the follower with the highest block: the others follow it.")]
pub(crate) struct PromoteArgs {
    /// Configuration file of the follower
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// File of the sr25519 key that will sign blocks
    #[arg(long, value_name = "FILE", required_unless_present = "change")]
    new_key: Option<PathBuf>,
    /// Files of keys of the council
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["propose", "change"])]
    council_key: Vec<PathBuf>,
    /// File that is made, for the council to approve
    #[arg(long, value_name = "FILE", conflicts_with = "change")]
    propose: Option<PathBuf>,
    /// File that the council has approved
    #[arg(long, value_name = "FILE")]
    change: Option<PathBuf>,
    /// Go on though another node has later blocks, which are given up
    #[arg(long)]
    give_up_later_blocks: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Add a key's approval to a change of the sequencing key
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy directory approve-key change.json --key ann.key")]
pub(crate) struct ApproveKeyArgs {
    /// File that `promote --propose` has made
    #[arg(value_name = "FILE")]
    change: PathBuf,
    /// File of a key of the council
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    epoch: u64,
    height: u64,
    sequencer: String,
    approvals_count: usize,
    /// Whether the next start carries it out.
    installed: bool,
}

pub(crate) async fn rotate_key(args: RotateKeyArgs) -> Outcome<ExitCode> {
    let config = read_directory(&args.config)?;
    let Some(present) = &config.sequencer else {
        return Err(Failure::usage(format!(
            "{} is of a follower, which signs no blocks: see argosy directory promote",
            args.config.display()
        )));
    };
    let (present, next) = (read_key(present)?, read_key(&KeySource::File(args.new_key.clone()))?);
    let genesis = read_genesis(&config)?;
    let change = {
        let (data, genesis, key) = (config.data.clone(), genesis.clone(), next.account());
        aside(move || plan_change(&data, &genesis, vec![key]).map_err(|error| chain(&error))).await?
    }
    .approve(&present);
    install(&config, &genesis, &change).await?;
    show(&change, true, args.json);
    next_steps(args.json, &args.new_key, false);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn promote(args: PromoteArgs) -> Outcome<ExitCode> {
    let config = read_directory(&args.config)?;
    let genesis = read_genesis(&config)?;
    let change = match (&args.change, &args.new_key) {
        (Some(path), _) => read_change(path)?,
        (None, Some(path)) => {
            let key = read_key(&KeySource::File(path.clone()))?.account();
            propose(&config, &genesis, key, &args.council_key).await?
        }
        (None, None) => return Err(Failure::usage("name the new key with --new-key")),
    };
    if !args.give_up_later_blocks {
        ensure_highest(&config, &change).await?;
    }
    if let Some(path) = &args.propose {
        write_change(path, &change, true)?;
        show(&change, false, args.json);
        return Ok(ExitCode::SUCCESS);
    }
    install(&config, &genesis, &change).await?;
    show(&change, true, args.json);
    let key = args.new_key.unwrap_or_else(|| PathBuf::from("the new key's file"));
    next_steps(args.json, &key, true);
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn approve_key(args: &ApproveKeyArgs) -> Outcome<ExitCode> {
    let mut change = read_change(&args.change)?;
    let key = read_key(&KeySource::File(args.key.clone()))?;
    if change.approvals.iter().any(|(account, _)| *account == key.account()) {
        return Err(Failure::refused("APPROVED", "this key has approved the change already"));
    }
    change.add_approval(&key);
    write_change(&args.change, &change, false)?;
    show(&change, false, args.json);
    Ok(ExitCode::SUCCESS)
}

async fn propose(
    config: &Config,
    genesis: &Genesis,
    key: AccountId,
    council: &[PathBuf],
) -> Outcome<EpochChange> {
    let keys: Vec<Keypair> =
        council.iter().map(|path| read_key(&KeySource::File(path.clone()))).collect::<Outcome<_>>()?;
    let (data, genesis) = (config.data.clone(), genesis.clone());
    let terms = aside(move || plan_change(&data, &genesis, vec![key]).map_err(|error| chain(&error))).await?;
    let mut change = EpochChange { terms, approvals: Vec::new() };
    keys.iter().for_each(|key| change.add_approval(key));
    Ok(change)
}

/// Whoever has later blocks should be promoted instead: what only it has would be lost.
async fn ensure_highest(config: &Config, change: &EpochChange) -> Outcome<()> {
    let Some(follow) = &config.follow else { return Ok(()) };
    let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
    let ours = change.terms.height.saturating_sub(1);
    for url in follow.upstreams.as_slice() {
        let node = DirectoryClient::new(client.clone(), url);
        // One that does not answer is what this command is for.
        let Ok(Ok(status)) = tokio::time::timeout(PATIENCE, node.status()).await else { continue };
        if status.height > ours {
            let message = format!(
                "{url} has block {}, this follower only {ours}: promote the follower with the highest block, or give up the later ones with --give-up-later-blocks",
                status.height
            );
            return Err(Failure::refused("NOT_HIGHEST", message));
        }
    }
    Ok(())
}

async fn install(config: &Config, genesis: &Genesis, change: &EpochChange) -> Outcome<ChainTip> {
    let (data, genesis, change) = (config.data.clone(), genesis.clone(), change.clone());
    aside(move || install_change(&data, &genesis, &change).map_err(|error| chain(&error))).await
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Outcome<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(error.to_string())).map_err(|what| Failure::refused("NOT_CHANGED", what))
}

fn read_key(source: &KeySource) -> Outcome<Keypair> {
    source.keypair().map_err(|error| Failure::usage(chain(&error)))
}

fn read_genesis(config: &Config) -> Outcome<Genesis> {
    argosy_directory_node::read_genesis(&config.genesis)
        .map_err(|error| Failure::refused("NOT_CHANGED", chain(&error)))
}

fn read_change(path: &Path) -> Outcome<EpochChange> {
    let cannot = |error: String| Failure::usage(format!("{} is no change of keys: {error}", path.display()));
    let bytes =
        argosy_node::home::read_bounded(path, MAX_CHANGE_BYTES).map_err(|error| cannot(error.to_string()))?;
    let file: EpochChangeFile = serde_json::from_slice(&bytes).map_err(|error| cannot(error.to_string()))?;
    EpochChange::try_from(file).map_err(|error| cannot(error.to_string()))
}

/// Replaces the file of a change, or makes it where there must be none.
fn write_change(path: &Path, change: &EpochChange, is_new: bool) -> Outcome<()> {
    let cannot =
        |error: String| Failure::refused("NOT_WRITTEN", format!("cannot write {}: {error}", path.display()));
    let mut bytes = serde_json::to_vec_pretty(&EpochChangeFile::from(change))
        .map_err(|error| cannot(error.to_string()))?;
    bytes.push(b'\n');
    if is_new {
        let mut file = fs::File::create_new(path).map_err(|error| cannot(error.to_string()))?;
        return file
            .write_all(&bytes)
            .and_then(|()| file.sync_all())
            .map_err(|error| cannot(error.to_string()));
    }
    argosy_node::home::replace_file(path, &bytes).map_err(|error| cannot(error.to_string()))
}

fn show(change: &EpochChange, installed: bool, json: bool) {
    let terms = &change.terms;
    let planned = Planned {
        epoch: terms.epoch,
        height: terms.height,
        sequencer: terms.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        approvals_count: change.approvals.len(),
        installed,
    };
    if json {
        screen::json(&planned);
        return;
    }
    screen::say(&format!("epoch        {}", planned.epoch));
    screen::say(&format!("from block   {}", planned.height));
    screen::say(&format!("sequencer    {}", planned.sequencer));
    screen::say(&format!("approvals    {}", planned.approvals_count));
}

/// What is left for a person to do.
fn next_steps(json: bool, key: &Path, was_follower: bool) {
    if json {
        return;
    }
    let instead = if was_follower { "instead of `follow`" } else { "as `sequencer`" };
    screen::note(&format!(
        "Now put this into the configuration {instead}, and start the node:\n\nsequencer:\n  file: {}",
        key.display()
    ));
}
