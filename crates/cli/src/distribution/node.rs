//! Commands to a running distributor, over its operator's port: Argus' `node:*`.

use super::order::{self, Credentials};
use crate::{
    calendar,
    failure::{Failure, Outcome, chain},
    network::now_ms,
    nodes, screen,
    send::ring::file_failure,
    text,
};
use argosy_distributor::{Config, config::BucketName};
use argosy_keys::{Key, Keyring, Passphrases};
use serde_json::{Map, Value, json};
use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// A secret is short; more bytes than this are not one.
const MAX_SECRET_BYTES: u64 = 4096;
/// Where the secret may be, beside files.
const SECRET_VARIABLE: &str = "ARGOSY_OPERATOR_SECRET";

/// Change a running distributor
#[derive(Debug, clap::Subcommand)]
pub(crate) enum NodeCommand {
    /// Set which buckets the node delivers
    #[command(after_help = "\
Examples:
  argosy distribution node set-buckets -u http://127.0.0.1:3335 -B 0:0 0:1 --config config.yml
  argosy distribution node set-buckets -u http://127.0.0.1:3335 --all --secret-file secret")]
    SetBuckets(SetBucketsArgs),
    /// Set which worker's buckets the node delivers
    #[command(
        after_help = "Example:\n  argosy distribution node set-worker -u http://127.0.0.1:3335 -w 3 --config config.yml"
    )]
    SetWorker(SetWorkerArgs),
    /// End the node
    #[command(
        after_help = "Example:\n  argosy distribution node shutdown -u http://127.0.0.1:3335 --config config.yml"
    )]
    Shutdown(NodeArgs),
    /// Open the public port again
    #[command(
        after_help = "Example:\n  argosy distribution node start-public-api -u http://127.0.0.1:3335 --config config.yml"
    )]
    StartPublicApi(NodeArgs),
    /// Take an object out of the cache
    #[command(
        after_help = "Example:\n  argosy distribution node drop -u http://127.0.0.1:3335 --object 7 --config config.yml"
    )]
    Drop(DropArgs),
    /// Log more or less, until the node ends
    #[command(
        after_help = "Example:\n  argosy distribution node log-level -u http://127.0.0.1:3335 --output file --level debug --config config.yml"
    )]
    LogLevel(LogLevelArgs),
    /// Close the public port
    #[command(
        after_help = "Example:\n  argosy distribution node stop-public-api -u http://127.0.0.1:3335 --config config.yml"
    )]
    StopPublicApi(NodeArgs),
}

/// Which node, and what it believes us by.
#[derive(Debug, clap::Args)]
pub(crate) struct NodeArgs {
    /// URL of the node's operator port
    #[arg(short, long, value_name = "URL")]
    url: String,
    /// What requests are signed with, as with Argus; lists of processes show it. If left out, it is looked
    /// for in $ARGOSY_OPERATOR_SECRET and in operatorApi.hmacSecret of the configuration
    #[arg(short, long, value_name = "TEXT")]
    secret: Option<String>,
    /// File with the secret, so that no list of processes shows it
    #[arg(long, value_name = "FILE", conflicts_with = "secret", alias = "secretFile")]
    secret_file: Option<PathBuf>,
    /// Ask for the secret on the terminal
    #[arg(long, conflicts_with_all = ["secret", "secret_file"])]
    ask_secret: bool,
    /// Key file to sign with, instead of the secret: the node has its address in operatorApi.keys
    #[arg(long = "keyfile", alias = "key-file", value_name = "FILE")]
    key_files: Vec<PathBuf>,
    /// File with the passphrase of an encrypted key
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Send nothing to a node that takes only Argus' tokens
    #[arg(long)]
    strong: bool,
}

/// Which buckets.
#[derive(Debug, clap::Args)]
pub(crate) struct SetBucketsArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// All buckets of the worker
    #[arg(short, long, conflicts_with = "bucket_ids")]
    all: bool,
    /// Buckets, each FAMILY:INDEX
    #[arg(short = 'B', long = "bucketIds", alias = "bucket-ids", value_name = "ID", num_args = 1..)]
    bucket_ids: Vec<String>,
}

/// Which worker.
#[derive(Debug, clap::Args)]
pub(crate) struct SetWorkerArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// Id of the distribution worker
    #[arg(short = 'w', long = "workerId", alias = "worker-id", value_name = "ID")]
    worker_id: u64,
}

/// Which object.
#[derive(Debug, clap::Args)]
pub(crate) struct DropArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// Id of the data object
    #[arg(long, value_name = "ID")]
    object: u64,
}

/// Which output of the logs, and how much goes there.
#[derive(Debug, clap::Args)]
pub(crate) struct LogLevelArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// Where the lines go
    #[arg(long, value_parser = ["console", "file", "elastic"])]
    output: String,
    /// Least severe level that goes there
    #[arg(long, value_parser = ["error", "warn", "info", "http", "verbose", "debug", "silly"])]
    level: String,
}

/// Sends the command's request; the secret may be in the file `config`.
///
/// Failures have the codes `REQUEST_FAILED`, `NO_BUCKET_OPTION`, `NO_SECRET` and `INVALID_BUCKET_ID`.
pub(crate) async fn run(config: Option<&Path>, command: NodeCommand) -> Outcome<ExitCode> {
    let (node, action, body) = match command {
        NodeCommand::SetBuckets(args) => {
            let body = buckets_body(&args)?;
            (args.node, "set-buckets", body)
        }
        NodeCommand::SetWorker(args) => (args.node, "set-worker", json!({"workerId": args.worker_id})),
        NodeCommand::Drop(args) => (args.node, "drop", json!({"object": args.object})),
        NodeCommand::LogLevel(args) => {
            (args.node, "log-level", json!({"output": args.output, "level": args.level}))
        }
        NodeCommand::Shutdown(node) => (node, "shutdown", Value::Object(Map::new())),
        NodeCommand::StartPublicApi(node) => (node, "start-api", Value::Object(Map::new())),
        NodeCommand::StopPublicApi(node) => (node, "stop-api", Value::Object(Map::new())),
    };
    let credentials = node.credentials(config)?;
    order::send(&node.url, action, &body, &credentials).await?;
    let name = text::line(&node.url);
    screen::note(&format!("{} {name} CLI info: Request successful", calendar::utc(now_ms())));
    Ok(ExitCode::SUCCESS)
}

fn buckets_body(args: &SetBucketsArgs) -> Outcome<Value> {
    if args.all {
        return Ok(json!({}));
    }
    if args.bucket_ids.is_empty() {
        let what = "You must provide either --bucketIds or --all flag!";
        return Err(Failure::usage(what).coded("NO_BUCKET_OPTION"));
    }
    let invalid = || {
        let what = "Invalid bucket id! Expected format: {familyId}:{bucketIndex}";
        Failure::usage(what).coded("INVALID_BUCKET_ID")
    };
    let names: Vec<BucketName> = args
        .bucket_ids
        .iter()
        .map(|id| id.parse().map(BucketName).map_err(|_| invalid()))
        .collect::<Outcome<_>>()?;
    Ok(json!({ "buckets": names }))
}

impl NodeArgs {
    /// Keys and the secret: those of the command line, or else those of the configuration, which is not looked
    /// at before and may be one of somebody who runs no node.
    fn credentials(&self, config: Option<&Path>) -> Outcome<Credentials> {
        let mut secret = self.given_secret()?;
        let mut keys = Keyring::default();
        for path in &self.key_files {
            keys.add(Key::from_file(path).map_err(|error| file_failure(&error))?);
        }
        let is_given = secret.is_some() || !self.key_files.is_empty();
        if let Some(path) = config.filter(|_| !is_given) {
            let config = nodes::read::<Config>(path)?.config;
            let configured = Keyring::read(&config.keys);
            keys.add_all(configured.map_err(|error| Failure::usage_as("WRONG_CONFIG", chain(&error)))?);
            secret = config.operator_api.and_then(|api| api.hmac_secret);
        }
        if secret.is_none() && keys.keys().next().is_none() {
            let what = "nothing to sign with: give --secret-file, --ask-secret or --keyfile, or a configuration with operatorApi.hmacSecret";
            return Err(Failure::usage(what).coded("NO_SECRET"));
        }
        let passphrases = Passphrases::of_flags(self.passphrase_file.clone(), None);
        Ok(Credentials { secret, keys, passphrases, strong: self.strong })
    }

    fn given_secret(&self) -> Outcome<Option<String>> {
        if let Some(secret) = &self.secret {
            return Ok(Some(secret.clone()));
        }
        if let Some(path) = &self.secret_file {
            return secret_of(path).map(Some);
        }
        if self.ask_secret {
            let answer = argosy_keys::ask("Secret of the operator's port");
            let answer = answer.map_err(|error| Failure::usage(chain(&error)).coded("NO_SECRET"))?;
            return Ok(Some(answer.as_str().to_owned()));
        }
        Ok(env::var(SECRET_VARIABLE).ok().filter(|secret| !secret.is_empty()))
    }
}

fn secret_of(path: &Path) -> Outcome<String> {
    let unusable = |what: String| {
        Failure::usage(format!("cannot use the secret file {}: {what}", path.display())).coded("NO_SECRET")
    };
    let file = fs::File::open(path).map_err(|error| unusable(error.to_string()))?;
    let mut secret = String::new();
    file.take(MAX_SECRET_BYTES).read_to_string(&mut secret).map_err(|error| unusable(error.to_string()))?;
    match secret.trim() {
        "" => Err(unusable("it is empty".to_owned())),
        secret => Ok(secret.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(subcommand)]
        command: NodeCommand,
    }

    async fn code(arguments: &[&str]) -> String {
        let command = Cli::try_parse_from([&["x"], arguments].concat()).unwrap().command;
        run(None, command).await.unwrap_err().code
    }

    #[tokio::test]
    async fn each_mistake_has_its_own_name() {
        let url = ["-u", "http://127.0.0.1:1"];
        let with = |more: &[&'static str]| [&["set-buckets"], &url[..], more].concat();
        assert_eq!(code(&with(&["-s", "x"])).await, "NO_BUCKET_OPTION");
        assert_eq!(code(&with(&["-s", "x", "-B", "0:0", "nonsense"])).await, "INVALID_BUCKET_ID");
        assert_eq!(code(&with(&["--all"])).await, "NO_SECRET");
        assert_eq!(code(&with(&["--bucket-ids", "0:0", "1:2", "-s", "x"])).await, "REQUEST_FAILED");
        assert_eq!(code(&with(&["--all", "--secret-file", "/nowhere"])).await, "NO_SECRET");
        assert_eq!(code(&["shutdown", "-u", "no url", "-s", "x"]).await, "REQUEST_FAILED");
        assert!(Cli::try_parse_from(["x", "set-worker", "-u", "http://127.0.0.1:1"]).is_err());
        assert!(Cli::try_parse_from([&["x"], &with(&["--all", "-B", "0:0"])[..]].concat()).is_err());
    }
}
