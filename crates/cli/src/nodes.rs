//! Each node alone, as operators run them.

use crate::{
    failure::{Failure, Outcome, chain},
    follow, handover, init, ledger,
    up::running::StopSignal,
};
use argosy_directory_node as directory_node;
use argosy_distributor as distributor;
use argosy_http::Running;
use argosy_node::config::{Configuration, LoadError, Loaded, Logs, load};
use argosy_storage_node as storage_node;
use argosy_telemetry::LogConfig;
use std::{
    error::Error,
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

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
            let loaded = read::<directory_node::Config>(&args.config)?;
            let _logs = start_logs(&LogConfig::default())?;
            run(start_directory(warned(loaded))).await
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
    let loaded = read::<storage_node::Config>(&args.config)?;
    let _logs = start_logs(&log_config(&loaded.config.logs, &loaded.config.id))?;
    run(start_storage(warned(loaded))).await
}

pub(crate) async fn distribution(args: StartArgs) -> Outcome<ExitCode> {
    let loaded = read::<distributor::Config>(&args.config)?;
    let _logs = start_logs(&log_config(&loaded.config.logs, &loaded.config.id))?;
    run(start_distributor(warned(loaded))).await
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
            // Its operator wanted it.
            if node.shutdown().is_triggered() {
                return Ok(ExitCode::SUCCESS);
            }
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
    read(path).map(|loaded| loaded.config)
}

pub(crate) fn read_storage(path: &Path) -> Outcome<storage_node::Config> {
    read(path).map(|loaded| loaded.config)
}

/// Without the environment: several distributors are read so, and it cannot mean all of them.
pub(crate) fn read_distributor(path: &Path) -> Outcome<distributor::Config> {
    read_with(path, []).map(|loaded| loaded.config)
}

/// A configuration with absolute paths, the environment laid over it.
pub(crate) fn read<T: Configuration>(path: &Path) -> Outcome<Loaded<T>> {
    read_with(path, std::env::vars_os())
}

fn read_with<T: Configuration>(
    path: &Path,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Outcome<Loaded<T>> {
    load(path, environment).map_err(wrong_config)
}

/// A configuration that cannot be used.
pub(crate) fn wrong_config(error: LoadError) -> Failure {
    match error {
        LoadError::Unreadable { .. } => Failure::usage_as("WRONG_CONFIG", chain(&error)),
        LoadError::Wrong(problems) => {
            Failure::usage_as("WRONG_CONFIG", problems.to_string()).with_details(problems.details())
        }
    }
}

/// The configuration, once its warnings are in the log.
fn warned<T>(loaded: Loaded<T>) -> T {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    loaded.config
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
        console: logs.console.as_ref().map_or("off", |console| console.level.filter()).to_owned(),
        file: logs.file.as_ref().map_or("off", |file| file.level.filter()).to_owned(),
        directory: logs.file.as_ref().map(|file| file.path.clone()),
        prefix: name.to_owned(),
        ..LogConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory.yml");
        let text =
            "data: store\ngenesis: genesis.json\nlistn: 127.0.0.1:1\nsequencer:\n  suri: //Sequencer\n";
        std::fs::write(&path, text).unwrap();
        let failure = read_directory(&path).unwrap_err();
        let line = failure.to_string();
        assert!(line.starts_with(&format!("{}:3:1: ", path.display())), "{line}");
        assert!(line.contains("listn") && line.contains("listen") && !line.contains('\n'), "{line}");
        assert_eq!(failure.details, "  |\n3 | listn: 127.0.0.1:1\n  | ^\n");
        std::fs::write(&path, text.replace("listn", "listen")).unwrap();
        assert_eq!(read_directory(&path).unwrap().data, folder.path().canonicalize().unwrap().join("store"));
        std::fs::write(&path, "data: [").unwrap();
        assert!(!read_directory(&path).unwrap_err().to_string().contains('\n'));
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
