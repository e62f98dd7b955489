//! `server` and `archive`: their command lines are understood and checked, and then refused with the
//! way to go. What runs a storage node is `argosy storage start`.

use super::args::{ColossusArgs, Hidden, integers, squid_url};
use crate::{
    failure::{Failure, Outcome},
    network::DirectoryUrl,
};
use argosy_domain::WorkerId;
use clap::builder::FalseyValueParser;
use std::path::{Path, PathBuf};

/// Starts the storage node server.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  argosy storage start --config storage.yml\n\nThe flags are checked, and then it is said what they are called in the configuration file: this version has no node that is run by them."
)]
pub(crate) struct ServerArgs {
    /// Storage provider worker ID
    #[arg(short, long, value_name = "worker")]
    worker: WorkerId,
    /// Comma separated list of bucket IDs to service; all of the worker's unless given
    #[arg(short, long, value_name = "buckets")]
    buckets: Option<String>,
    /// Data uploading directory
    #[arg(short = 'd', long, value_name = "uploads")]
    uploads: PathBuf,
    /// Directory for what is under way; `temp` in the uploads folder unless given
    #[arg(long = "tempFolder", alias = "temp-folder", value_name = "tempFolder")]
    temp_folder: Option<PathBuf>,
    /// Directory for uploads that are not accepted yet; `pending` in the uploads folder unless given
    #[arg(long = "pendingFolder", alias = "pending-folder", value_name = "pendingFolder")]
    pending_folder: Option<PathBuf>,
    /// Server port.
    #[arg(short = 'o', long, value_name = "port")]
    port: u16,
    #[command(flatten)]
    sync: SyncArgs,
    #[command(flatten)]
    cleanup: CleanupArgs,
    /// Storage Squid graphql server endpoint (e.g.: `http://some.com:4352/graphql`)
    #[arg(
        short = 'q',
        long = "storageSquidEndpoint",
        alias = "storage-squid-endpoint",
        value_name = "storageSquidEndpoint",
        default_value = "http://localhost:4352/graphql",
        value_parser = squid_url
    )]
    squid: DirectoryUrl,
    /// Maximum number of `accept_pending_data_objects` in a batch transactions.
    #[arg(
        long = "maxBatchTxSize",
        alias = "max-batch-tx-size",
        value_name = "maxBatchTxSize",
        default_value_t = 20
    )]
    max_batch_tx_size: u64,
    /// Elasticsearch index prefix
    #[arg(
        long = "elasticSearchIndexPrefix",
        value_name = "elasticSearchIndexPrefix",
        env = "ELASTIC_INDEX_PREFIX",
        hide_env = true
    )]
    index_prefix: Option<String>,
    #[command(flatten)]
    elastic: ElasticArgs,
    /// Absolute path to the rolling log files.
    #[arg(short = 'l', long = "logFilePath", value_name = "logFilePath")]
    log_path: Option<PathBuf>,
    /// Maximum rolling log files number.
    #[arg(short = 'n', long = "logMaxFileNumber", value_name = "logMaxFileNumber", default_value_t = 7)]
    log_files: u64,
    /// Maximum rolling log files size in bytes.
    #[arg(short = 'x', long = "logMaxFileSize", value_name = "logMaxFileSize", default_value_t = 50_000_000)]
    log_bytes: u64,
    /// Log files update frequency.
    #[arg(
        short = 'z',
        long = "logFileChangeFrequency",
        value_name = "logFileChangeFrequency",
        default_value = "daily"
    )]
    log_frequency: Frequency,
    #[command(flatten)]
    pub(super) common: ColossusArgs,
}

#[derive(Debug, clap::Args)]
struct SyncArgs {
    /// Enable data synchronization.
    #[arg(short = 's', long)]
    sync: bool,
    /// Interval between synchronizations (in minutes)
    #[arg(short = 'i', long = "syncInterval", value_name = "syncInterval", default_value_t = 20)]
    sync_interval: u64,
    /// Interval before retrying failed synchronization run (in minutes)
    #[arg(long = "syncRetryInterval", value_name = "syncRetryInterval", default_value_t = 3)]
    sync_retry_interval: u64,
    /// Maximum number of objects to process in a single batch during synchronization.
    #[arg(long = "syncBatchSize", value_name = "syncBatchSize", default_value_t = 10_000)]
    sync_batch_size: u64,
    /// Sync workers number (max async operations in progress).
    #[arg(short = 'r', long = "syncWorkersNumber", value_name = "syncWorkersNumber", default_value_t = 20)]
    sync_workers: u64,
    /// Asset downloading timeout for the syncronization (in minutes).
    #[arg(short = 't', long = "syncWorkersTimeout", value_name = "syncWorkersTimeout", default_value_t = 30)]
    sync_timeout: u64,
}

#[derive(Debug, clap::Args)]
struct CleanupArgs {
    /// Enable cleanup/pruning of no-longer assigned assets.
    #[arg(short = 'c', long, env = "CLEANUP", hide_env = true, value_parser = FalseyValueParser::new())]
    cleanup: bool,
    /// Maximum number of objects to process in a single batch during cleanup.
    #[arg(long = "cleanupBatchSize", value_name = "cleanupBatchSize", default_value_t = 10_000)]
    cleanup_batch_size: u64,
    /// Interval between periodic cleanup actions (in minutes)
    #[arg(
        long = "cleanupInterval",
        value_name = "cleanupInterval",
        env = "CLEANUP_INTERVAL",
        hide_env = true,
        default_value_t = 360
    )]
    cleanup_interval: u64,
    /// Cleanup workers number (max async operations in progress).
    #[arg(long = "cleanupWorkersNumber", value_name = "cleanupWorkersNumber", default_value_t = 100)]
    cleanup_workers: u64,
}

#[derive(Debug, clap::Args)]
struct ElasticArgs {
    /// Elasticsearch endpoint (e.g.: `http://some.com:8081`).
    #[arg(
        short = 'e',
        long = "elasticSearchEndpoint",
        value_name = "elasticSearchEndpoint",
        env = "ELASTIC_ENDPOINT",
        hide_env = true
    )]
    elastic_endpoint: Option<String>,
    /// Elasticsearch user for basic authentication.
    #[arg(long = "elasticSearchUser", value_name = "elasticSearchUser", env = "ELASTIC_USER", hide_env = true, requires_all = ["elastic_endpoint", "elastic_password"])]
    elastic_user: Option<String>,
    /// Elasticsearch password for basic authentication.
    #[arg(long = "elasticSearchPassword", value_name = "elasticSearchPassword", env = "ELASTIC_PASSWORD", hide_env = true, requires_all = ["elastic_endpoint", "elastic_user"])]
    elastic_password: Option<Hidden>,
}

/// How often a new log file is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Frequency {
    Yearly,
    Monthly,
    Daily,
    Hourly,
    None,
}

/// Starts running in a write-only, archive mode (no external API exposed). Downloads, compresses and uploads all assigned data objects to a specified S3 bucket.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  argosy storage util search-archives -f archives_trackfile.jsonl -o 1,2\n\nThe flags are checked; this version does not archive."
)]
pub(crate) struct ArchiveArgs {
    /// Storage provider worker ID
    #[arg(short, long, value_name = "worker", env = "WORKER_ID", hide_env = true)]
    worker: WorkerId,
    /// Directory to store fully downloaded data objects before compressing them and uploading to S3 (absolute path).
    #[arg(long = "uploadQueueDir", value_name = "uploadQueueDir", env = "UPLOAD_QUEUE_DIR", hide_env = true)]
    upload_queue_dir: PathBuf,
    /// Limits the total size of files stored in upload queue directory (in MB).
    #[arg(
        long = "uploadQueueDirSizeLimitMB",
        value_name = "uploadQueueDirSizeLimitMB",
        env = "UPLOAD_QUEUE_DIR_SIZE_LIMIT",
        hide_env = true,
        default_value_t = 20_000
    )]
    upload_queue_mb: u64,
    /// Directory to store temporary data (downloads in progress) during sync (absolute path).
    #[arg(long = "tmpDownloadDir", value_name = "tmpDownloadDir", env = "TMP_DOWNLOAD_DIR", hide_env = true)]
    tmp_download_dir: PathBuf,
    #[command(flatten)]
    triggers: TriggerArgs,
    #[command(flatten)]
    packing: PackingArgs,
    /// Interval between synchronizations (in minutes)
    #[arg(
        short = 'i',
        long = "syncInterval",
        value_name = "syncInterval",
        env = "SYNC_INTERVAL_MINUTES",
        hide_env = true,
        default_value_t = 20
    )]
    sync_interval: u64,
    /// Storage Squid graphql server endpoint (e.g.: `http://some.com:4352/graphql`)
    #[arg(
        short = 'q',
        long = "storageSquidEndpoint",
        value_name = "storageSquidEndpoint",
        env = "STORAGE_SQUID_ENDPOINT",
        hide_env = true,
        default_value = "http://localhost:4352/graphql",
        value_parser = squid_url
    )]
    squid: DirectoryUrl,
    /// Sync workers number (max async operations in progress).
    #[arg(
        short = 'r',
        long = "syncWorkersNumber",
        value_name = "syncWorkersNumber",
        env = "SYNC_WORKERS_NUMBER",
        hide_env = true,
        default_value_t = 8
    )]
    sync_workers: u64,
    /// Asset downloading timeout for the syncronization (in minutes).
    #[arg(
        short = 't',
        long = "syncWorkersTimeout",
        value_name = "syncWorkersTimeout",
        env = "SYNC_WORKERS_TIMEOUT_MINUTES",
        hide_env = true,
        default_value_t = 30
    )]
    sync_timeout: u64,
    /// Elasticsearch index prefix
    #[arg(
        long = "elasticSearchIndexPrefix",
        value_name = "elasticSearchIndexPrefix",
        env = "ELASTIC_INDEX_PREFIX",
        hide_env = true,
        default_value = "logs-colossus"
    )]
    index_prefix: String,
    #[command(flatten)]
    elastic: ElasticArgs,
    #[command(flatten)]
    logs: ArchiveLogArgs,
    #[command(flatten)]
    s3: S3Args,
    /// How often the upload/download/compression statistics summary will be logged (in minutes).
    #[arg(
        long = "statsLoggingInterval",
        value_name = "statsLoggingInterval",
        env = "STATS_LOGGING_INTERVAL",
        hide_env = true,
        default_value_t = 60
    )]
    stats_interval: u64,
    #[command(flatten)]
    pub(super) common: ColossusArgs,
}

#[derive(Debug, clap::Args)]
struct TriggerArgs {
    /// Compress and upload all local data objects to S3 if the number of them reaches this threshold.
    #[arg(
        long = "localCountTriggerThreshold",
        value_name = "localCountTriggerThreshold",
        env = "LOCAL_COUNT_TRIGGER_THRESHOLD",
        hide_env = true
    )]
    local_count: Option<u64>,
    /// Compress and upload all local data objects to S3 if the combined size of them reaches this threshold (in MB)
    #[arg(
        long = "localSizeTriggerThresholdMB",
        value_name = "localSizeTriggerThresholdMB",
        env = "LOCAL_SIZE_TRIGGER_THRESHOLD_MB",
        hide_env = true,
        default_value_t = 10_000
    )]
    local_mb: u64,
    /// Compress and upload all local data objects to S3 if the oldest of them was downloaded more than X minutes ago
    #[arg(
        long = "localAgeTriggerThresholdMinutes",
        value_name = "localAgeTriggerThresholdMinutes",
        env = "LOCAL_AGE_TRIGGER_THRESHOLD_MINUTES",
        hide_env = true,
        default_value_t = 1_440
    )]
    local_minutes: u64,
}

#[derive(Debug, clap::Args)]
struct PackingArgs {
    /// Try to avoid creating archive files larger than this size limit (in MB) unless unaviodable.
    #[arg(long = "archiveFileSizeLimitMB", value_name = "archiveFileSizeLimitMB", default_value_t = 1_000)]
    archive_mb: u64,
    /// How often the archive tracking file is uploaded to S3, in minutes, in case it's changed
    #[arg(
        long = "archiveTrackfileBackupFreqMinutes",
        value_name = "archiveTrackfileBackupFreqMinutes",
        env = "ARCHIVE_TRACKFILE_BACKUP_FREQ_MINUTES",
        hide_env = true,
        default_value_t = 60
    )]
    trackfile_minutes: u64,
    /// Compression algorithm to use for archive files
    #[arg(
        long = "compressionAlgorithm",
        value_name = "compressionAlgorithm",
        env = "COMPRESSION_ALGORITHM",
        hide_env = true,
        default_value = "zstd"
    )]
    algorithm: Algorithm,
    /// Compression level to use for archive files (lower is faster, but provides lower storage savings)
    #[arg(
        long = "compressionLevel",
        value_name = "compressionLevel",
        env = "COMPRESSION_LEVEL",
        hide_env = true,
        default_value = "medium"
    )]
    level: Level,
    /// Number of threads to use for compression by each upload
    #[arg(
        long = "compressionThreads",
        value_name = "compressionThreads",
        env = "COMPRESSION_THREADS",
        hide_env = true,
        default_value_t = 1
    )]
    threads: u64,
    /// Upload workers number (max async operations in progress).
    #[arg(
        long = "uploadWorkersNumber",
        value_name = "uploadWorkersNumber",
        env = "UPLOAD_WORKERS_NUMBER",
        hide_env = true,
        default_value_t = 4
    )]
    upload_workers: u64,
}

#[derive(Debug, clap::Args)]
struct ArchiveLogArgs {
    /// Absolute path to the rolling log files.
    #[arg(
        short = 'l',
        long = "logFilePath",
        value_name = "logFilePath",
        env = "LOG_FILE_PATH",
        hide_env = true
    )]
    log_path: Option<PathBuf>,
    /// Maximum rolling log files number.
    #[arg(
        short = 'n',
        long = "logMaxFileNumber",
        value_name = "logMaxFileNumber",
        env = "LOG_MAX_FILE_NUMBER",
        hide_env = true,
        default_value_t = 7
    )]
    log_files: u64,
    /// Maximum rolling log files size in bytes.
    #[arg(
        short = 'x',
        long = "logMaxFileSize",
        value_name = "logMaxFileSize",
        env = "LOG_MAX_FILE_SIZE",
        hide_env = true,
        default_value_t = 50_000_000
    )]
    log_bytes: u64,
    /// Log files update frequency.
    #[arg(
        short = 'z',
        long = "logFileChangeFrequency",
        value_name = "logFileChangeFrequency",
        env = "LOG_FILE_CHANGE_FREQUENCY",
        hide_env = true,
        default_value = "daily"
    )]
    log_frequency: Frequency,
}

#[derive(Debug, clap::Args)]
struct S3Args {
    /// AWS region of the AWS S3 bucket where the files will be stored.
    #[arg(long = "awsS3BucketRegion", value_name = "awsS3BucketRegion", env = "AWS_REGION", hide_env = true)]
    region: String,
    /// Name of the AWS S3 bucket where the files will be stored.
    #[arg(
        long = "awsS3BucketName",
        value_name = "awsS3BucketName",
        env = "AWS_BUCKET_NAME",
        hide_env = true
    )]
    bucket: String,
    /// AWS S3 storage class to use when uploading the archives to S3.
    #[arg(
        long = "awsStorageClass",
        value_name = "awsStorageClass",
        env = "AWS_STORAGE_CLASS",
        hide_env = true,
        default_value = "DEEP_ARCHIVE"
    )]
    class: StorageClass,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Algorithm {
    #[value(name = "7zip")]
    SevenZip,
    Zstd,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Level {
    Low,
    Medium,
    High,
}

/// Source: `StorageClass` of `@aws-sdk/client-s3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
enum StorageClass {
    DeepArchive,
    ExpressOnezone,
    Glacier,
    GlacierIr,
    IntelligentTiering,
    OnezoneIa,
    Outposts,
    ReducedRedundancy,
    Snow,
    Standard,
    StandardIa,
}

impl ServerArgs {
    /// Checks what Colossus checks, and says how a node is run.
    pub(super) fn refuse(&self) -> Outcome<()> {
        let buckets = self.buckets.as_deref().map(integers).transpose()?;
        let differ = |path: &Option<PathBuf>, what: &str| {
            if path.as_deref().is_some_and(|path| same_folder(path, &self.uploads)) {
                return Err(Failure::usage(format!("Paths for {what} folders must be unique.")));
            }
            Ok(())
        };
        differ(&self.log_path, "logs and uploads")?;
        differ(&self.temp_folder, "temporary and uploads")?;
        differ(&self.pending_folder, "pending and uploads")?;
        let buckets = buckets.map_or_else(String::new, |ids| format!(", buckets: {ids:?}"));
        Err(not_started(&format!(
            "this version runs no node by these flags: write workerId: {}{buckets}, listen: 0.0.0.0:{}, endpoints.directory: {} and a new folder as data into storage.yml, and run `argosy storage start --config storage.yml`",
            self.worker, self.port, self.squid
        )))
    }
}

impl ArchiveArgs {
    /// Checks what Colossus checks, and refuses.
    pub(super) fn refuse(&self) -> Outcome<()> {
        if same_folder(&self.upload_queue_dir, &self.tmp_download_dir) {
            return Err(Failure::usage(format!(
                "All specified directories should be unique. {} is not.",
                self.upload_queue_dir.display()
            )));
        }
        Err(not_started(
            "this version does not archive: `argosy storage start --config storage.yml` runs a storage node, `argosy storage util search-archives` finds objects in archives that exist",
        ))
    }
}

/// By what they are called, as there: neither need exist.
fn same_folder(one: &Path, other: &Path) -> bool {
    let full = |path: &Path| std::path::absolute(path).map(|path| path.components().collect::<PathBuf>());
    full(one).ok() == full(other).ok()
}

fn not_started(what: &str) -> Failure {
    Failure::refused("NOT_STARTED", what)
}
