//! Each node alone, as operators run them.

use crate::{
    failure::{Failure, Outcome, chain},
    follow, handover, init, ledger,
    up::running::StopSignal,
};
use argosy_directory_node as directory_node;
use argosy_distributor as distributor;
use argosy_domain::num::to_usize;
use argosy_http::Running;
use argosy_node::config::{self, Configuration, LoadError, Loaded, Logs, load};
use argosy_storage_node as storage_node;
use argosy_telemetry::{
    ElasticLog, ElasticPlan, FLUSH_INTERVAL, FileLog, FilePlan, Frequency, LogConfig, data_stream,
};
use std::{
    error::Error,
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Beginnings of the names of log files: those of Joystream's programs, since dashboards and log shippers
/// look for them.
const ARGUS: &str = "argus";
const COLOSSUS: &str = "colossus";
/// Where lines wait while Elasticsearch is away, beside the node's other notes.
const UNSENT_LOGS: &str = "unsent-logs";
/// Bytes of a log file, and how many are kept, unless the configuration says otherwise: as in the sample
/// configuration of Joystream's distributor.
pub(crate) const LOG_FILE_BYTES: u64 = 50 * 1024 * 1024;
pub(crate) const LOG_FILES: usize = 30;

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
    let config = &loaded.config;
    let _logs = start_logs(&log_config(&config.logs, &config.id, COLOSSUS, &config.data))?;
    run(start_storage(warned(loaded))).await
}

/// `announce` is told the port of the public API when it is open.
pub(crate) async fn distribution(path: &Path, announce: impl FnOnce(u16)) -> Outcome<ExitCode> {
    let loaded = read::<distributor::Config>(path)?;
    let config = &loaded.config;
    let notes = &config.directories.cache_state;
    let _logs = start_logs(&log_config(&config.logs, &config.id, ARGUS, notes))?;
    let start = async {
        let node = start_distributor(warned(loaded)).await?;
        announce(node.endpoint().port());
        Ok(node)
    };
    run(start).await
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

/// A node whose configuration says nothing about logs tells the console what it does. Lines that cannot be
/// sent wait in the folder `notes`.
fn log_config(logs: &Logs, id: &str, prefix: &str, notes: &Path) -> LogConfig {
    let file = logs.file.as_ref().map(|file| FileLog {
        filter: file.level.filter().to_owned(),
        plan: FilePlan {
            directory: file.path.clone(),
            prefix: prefix.to_owned(),
            frequency: frequency(file.frequency),
            max_bytes: file.max_size.unwrap_or(LOG_FILE_BYTES),
            max_files: file.max_files.map_or(LOG_FILES, |files| to_usize(files.get().into())),
            archive: file.archive.unwrap_or(false),
        },
    });
    let elastic = logs.elastic.as_ref().map(|elastic| ElasticLog {
        filter: elastic.level.filter().to_owned(),
        plan: ElasticPlan {
            endpoint: elastic.endpoint.clone(),
            stream: data_stream(elastic.index_prefix.as_deref(), id),
            source: id.to_owned(),
            auth: elastic.auth.as_ref().map(|auth| (auth.username.clone(), auth.password.clone())),
            spool: notes.join(UNSENT_LOGS),
            interval: FLUSH_INTERVAL,
        },
    });
    let console = match &logs.console {
        Some(console) => console.level.filter(),
        None if file.is_none() && elastic.is_none() => "info",
        None => "off",
    };
    LogConfig { console: console.to_owned(), file, elastic }
}

const fn frequency(configured: Option<config::Frequency>) -> Frequency {
    match configured {
        Some(config::Frequency::Yearly) => Frequency::Yearly,
        Some(config::Frequency::Monthly) => Frequency::Monthly,
        Some(config::Frequency::Daily) | None => Frequency::Daily,
        Some(config::Frequency::Hourly) => Frequency::Hourly,
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
        let config = log_config(&logs, "storage-0", COLOSSUS, Path::new("/notes"));
        let file = config.file.unwrap();
        assert_eq!((config.console.as_str(), file.filter.as_str()), ("off", "debug"));
        let plan = &file.plan;
        assert_eq!(
            (plan.prefix.as_str(), plan.frequency, plan.archive),
            ("colossus", Frequency::Daily, false)
        );
        assert_eq!((plan.max_bytes, plan.max_files), (LOG_FILE_BYTES, LOG_FILES));
        let text = r#"{"elastic":{"level":"http","endpoint":"http://e:1","auth":{"username":"u","password":"p"}},
            "file":{"level":"info","path":"/l","maxFiles":2,"maxSize":2048,"frequency":"hourly","archive":true}}"#;
        let config = log_config(&serde_json::from_str(text).unwrap(), "A b", ARGUS, Path::new("/notes"));
        let plan = config.file.unwrap().plan;
        assert_eq!((plan.max_bytes, plan.max_files, plan.frequency), (2048, 2, Frequency::Hourly));
        let elastic = config.elastic.unwrap();
        assert_eq!(
            (elastic.filter.as_str(), elastic.plan.stream.as_str()),
            ("info,access=debug", "logs-argus-a_b")
        );
        assert_eq!(elastic.plan.spool, Path::new("/notes/unsent-logs"));
        assert_eq!(log_config(&Logs::default(), "x", ARGUS, Path::new("/notes")), LogConfig::default());
    }
}
