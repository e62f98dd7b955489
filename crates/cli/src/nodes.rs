//! Each node alone, as operators run them.

use crate::{
    failure::{Failure, Outcome, chain},
    follow, handover, init, ledger,
    up::running::StopSignal,
};
use argosy_directory_node as directory_node;
use argosy_distributor as distributor;
use argosy_http::Running;
use argosy_node::config::{LogLevel, Logs};
use argosy_storage_node as storage_node;
use argosy_telemetry::LogConfig;
use serde::de::DeserializeOwned;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// A configuration file is short; more bytes than this are not one.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// Run a directory node, and look after its ledger
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DirectoryCommand {
    /// Run a directory node until it is told to stop
    #[command(after_help = "Example:\n  argosy directory start --config argosy-data/directory/directory.yml")]
    Start(StartArgs),
    Follow(follow::FollowArgs),
    Verify(ledger::VerifyArgs),
    Export(ledger::ExportArgs),
    Backup(ledger::BackupArgs),
    Restore(ledger::RestoreArgs),
    Init(init::InitArgs),
    RotateKey(handover::RotateKeyArgs),
    Promote(handover::PromoteArgs),
    ApproveKey(handover::ApproveKeyArgs),
}

impl DirectoryCommand {
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Start(_) | Self::Follow(_) | Self::Export(_) => false,
            Self::RotateKey(args) => args.json,
            Self::Promote(args) => args.json,
            Self::ApproveKey(args) => args.json,
            Self::Verify(args) => args.json,
            Self::Backup(args) => args.json,
            Self::Restore(args) => args.json,
            Self::Init(args) => args.json,
        }
    }
}

/// Where a node's configuration is.
#[derive(Debug, clap::Args)]
pub(crate) struct StartArgs {
    /// Configuration file of the node
    #[arg(short, long, alias = "configPath", value_name = "FILE", env = "CONFIG_PATH", hide_env = true)]
    config: PathBuf,
}

pub(crate) async fn directory(command: DirectoryCommand) -> Outcome<ExitCode> {
    match command {
        DirectoryCommand::Start(args) => {
            let config = read_directory(&args.config)?;
            let _logs = start_logs(&LogConfig::default())?;
            run(start_directory(config)).await
        }
        DirectoryCommand::Follow(args) => {
            let config = args.config()?;
            let _logs = start_logs(&LogConfig::default())?;
            run(start_directory(config)).await
        }
        DirectoryCommand::RotateKey(args) => handover::rotate_key(args).await,
        DirectoryCommand::Promote(args) => handover::promote(args).await,
        DirectoryCommand::ApproveKey(args) => handover::approve_key(&args),
        DirectoryCommand::Verify(args) => ledger::verify(args).await,
        DirectoryCommand::Export(args) => ledger::export(args).await,
        DirectoryCommand::Backup(args) => ledger::backup(args).await,
        DirectoryCommand::Restore(args) => ledger::restore(args).await,
        DirectoryCommand::Init(args) => init::run(&args),
    }
}

pub(crate) async fn storage(args: StartArgs) -> Outcome<ExitCode> {
    let config = read_storage(&args.config)?;
    let _logs = start_logs(&log_config(&config.logs, &config.id))?;
    run(start_storage(config)).await
}

pub(crate) async fn distribution(args: StartArgs) -> Outcome<ExitCode> {
    let config = read_distributor(&args.config)?;
    let _logs = start_logs(&log_config(&config.logs, &config.id))?;
    run(start_distributor(config)).await
}

/// Runs a node until it is told to stop, or ends by itself.
async fn run(start: impl Future<Output = Outcome<Running>>) -> Outcome<ExitCode> {
    let mut stop = StopSignal::listen()?;
    let mut node = tokio::select! {
        started = start => started?,
        () = stop.received() => return Ok(ExitCode::SUCCESS),
    };
    let ended = tokio::select! {
        ended = node.join() => {
            ended.map_err(|error| Failure::refused("NODE_FAILED", chain(&error)))?;
            return Err(Failure::refused("NODE_FAILED", format!("{} has stopped by itself", node.name())));
        }
        () = stop.received() => node.stop_and_join().await,
    };
    ended.map_err(|error| Failure::refused("NODE_FAILED", chain(&error)))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn start_directory(config: directory_node::Config) -> Outcome<Running> {
    directory_node::start(config).await.map_err(|error| not_started("the directory", &error))
}

pub(crate) async fn start_storage(config: storage_node::Config) -> Outcome<Running> {
    let name = config.id.clone();
    storage_node::start(config).await.map_err(|error| not_started(&name, &error))
}

pub(crate) async fn start_distributor(config: distributor::Config) -> Outcome<Running> {
    let name = config.id.clone();
    distributor::start(config).await.map_err(|error| not_started(&name, &error))
}

fn not_started(name: &str, error: &dyn Error) -> Failure {
    Failure::refused("NOT_STARTED", format!("{name} cannot start: {}", chain(error)))
}

pub(crate) fn read_directory(path: &Path) -> Outcome<directory_node::Config> {
    let (mut config, base): (directory_node::Config, _) = read(path)?;
    config.resolve(&base);
    Ok(config)
}

pub(crate) fn read_storage(path: &Path) -> Outcome<storage_node::Config> {
    let (mut config, base): (storage_node::Config, _) = read(path)?;
    config.resolve(&base);
    Ok(config)
}

pub(crate) fn read_distributor(path: &Path) -> Outcome<distributor::Config> {
    let (mut config, base): (distributor::Config, _) = read(path)?;
    config.resolve(&base);
    Ok(config)
}

/// A configuration, and the folder that its relative paths start at.
fn read<T: DeserializeOwned>(path: &Path) -> Outcome<(T, PathBuf)> {
    let unreadable =
        |what: String| Failure::usage(format!("cannot read the configuration {}: {what}", path.display()));
    let length = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > MAX_CONFIG_BYTES {
        return Err(unreadable(format!("it has {length} bytes, more than {MAX_CONFIG_BYTES}")));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let config = parse(&text).map_err(|what| Failure::usage(format!("{}:{what}", path.display())))?;
    let path = path.canonicalize().map_err(|error| unreadable(error.to_string()))?;
    let base = path.parent().unwrap_or(Path::new("/")).to_path_buf();
    Ok((config, base))
}

/// A configuration; the error begins with line and column.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let what = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        match error.location() {
            None => format!(" {what}"),
            Some(at) => {
                let (line, column) = (at.line(), at.column());
                let what = what.trim_end_matches(&format!(" at line {line}, column {column}"));
                format!("{line}:{column}: {what}")
            }
        }
    })
}

fn start_logs(config: &LogConfig) -> Outcome<argosy_telemetry::Guard> {
    argosy_telemetry::init(config).map_err(|error| Failure::refused("NO_LOGS", chain(&error)))
}

/// A node whose configuration says nothing about logs tells the console what it does.
fn log_config(logs: &Logs, name: &str) -> LogConfig {
    if logs.console.is_none() && logs.file.is_none() {
        return LogConfig::default();
    }
    LogConfig {
        console: logs.console.as_ref().map_or("off", |console| level(console.level)).to_owned(),
        file: logs.file.as_ref().map_or("off", |file| level(file.level)).to_owned(),
        directory: logs.file.as_ref().map(|file| file.path.clone()),
        prefix: name.to_owned(),
        ..LogConfig::default()
    }
}

const fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_named_with_its_place() {
        let text =
            "data: store\ngenesis: genesis.json\nlistn: 127.0.0.1:1\nsequencer:\n  suri: //Sequencer\n";
        let error = parse::<directory_node::Config>(text).unwrap_err();
        assert!(error.starts_with("3:1: "), "{error}");
        assert!(error.contains("listn") && error.contains("listen"), "{error}");
        assert!(!error.contains("line 3"), "the place is said once: {error}");
        assert!(parse::<directory_node::Config>(&text.replace("listn", "listen")).is_ok());
        let error = parse::<directory_node::Config>("data: [").unwrap_err();
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn a_configuration_that_is_not_there_is_named() {
        let failure = read_storage(Path::new("/nowhere/storage.yml")).unwrap_err();
        assert!(failure.message.contains("/nowhere/storage.yml"));
        assert_eq!(failure.kind, crate::failure::Kind::Usage);
    }

    #[test]
    fn logs_go_where_the_configuration_says() {
        let logs: Logs = serde_json::from_str(r#"{"file":{"level":"debug","path":"/l"}}"#).unwrap();
        let config = log_config(&logs, "storage-0");
        assert_eq!((config.console.as_str(), config.file.as_str()), ("off", "debug"));
        assert_eq!(config.prefix, "storage-0");
        assert_eq!(log_config(&Logs::default(), "x"), LogConfig::default());
    }
}
