//! Commands to a running distributor, over its operator's port: Argus' `node:*`.

use crate::{
    calendar,
    failure::{Failure, Outcome, chain},
    network::now_ms,
    nodes, screen, text,
};
use argosy_distributor::{Config, config::BucketName, operator::token};
use argosy_http::{AddressPolicy, Client, ClientConfig, Request, StatusCode, header};
use http::Uri;
use serde_json::{Map, Value, json};
use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// A secret is short; more bytes than this are not one.
const MAX_SECRET_BYTES: u64 = 4096;
/// Longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Longest that a node may take: to stop its API, it waits for those whom it is answering.
const PATIENCE: Duration = Duration::from_secs(30);

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
    /// What requests are signed with; operatorApi.hmacSecret of the configuration if left out
    #[arg(short, long, value_name = "TEXT", hide_env_values = true)]
    secret: Option<String>,
    /// File with the secret, so that no list of processes shows it
    #[arg(long, value_name = "FILE", conflicts_with = "secret", alias = "secretFile")]
    secret_file: Option<PathBuf>,
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
        NodeCommand::Shutdown(node) => (node, "shutdown", Value::Object(Map::new())),
        NodeCommand::StartPublicApi(node) => (node, "start-api", Value::Object(Map::new())),
        NodeCommand::StopPublicApi(node) => (node, "stop-api", Value::Object(Map::new())),
    };
    let secret = node.secret(config)?;
    send(&node.url, action, &body, &secret).await?;
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
    fn secret(&self, config: Option<&Path>) -> Outcome<String> {
        if let Some(secret) = &self.secret {
            return Ok(secret.clone());
        }
        if let Some(path) = &self.secret_file {
            return secret_of(path);
        }
        let config = config.map(nodes::read::<Config>).transpose()?.map(|loaded| loaded.config);
        let secret = config.and_then(|config| config.operator_api).and_then(|api| api.hmac_secret);
        secret.ok_or_else(|| {
            let what = "no secret to sign with: give --secret or --secret-file, or a configuration with operatorApi.hmacSecret";
            Failure::usage(what).coded("NO_SECRET")
        })
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

async fn send(url: &str, action: &str, body: &Value, secret: &str) -> Outcome<()> {
    let wrong = || {
        let what = format!("{} is not a URL of the form http://host:port", text::line(url));
        Failure::usage(what).coded("REQUEST_FAILED")
    };
    let base: Uri = url.parse().map_err(|_| wrong())?;
    let (Some(scheme), Some(authority)) = (base.scheme_str(), base.authority()) else { return Err(wrong()) };
    let path = format!("{}/api/v1/{action}", base.path().trim_end_matches('/'));
    let token = token::sign(secret, &path, body, now_ms() / 1_000);
    let request = Request::post(format!("{scheme}://{authority}{path}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("bearer {token}"))
        .head_timeout(PATIENCE)
        .bytes(body.to_string());
    // An operator's own node may be anywhere.
    let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
    let no_answer = |error: argosy_http::ClientError| {
        Failure::no_answer(format!("Request failed: {}", chain(&error))).coded("REQUEST_FAILED")
    };
    let response = client.send(request).await.map_err(no_answer)?;
    let status = response.status();
    let answer = response.collect(MAX_ANSWER_BYTES).await.map_err(no_answer)?;
    if status == StatusCode::OK {
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&answer);
    let answer = if answer.is_empty() { status.to_string() } else { answer.into_owned() };
    Err(Failure::refused("REQUEST_FAILED", format!("Request failed: {answer}")))
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
