//! All accepted objects of a bucket as files, laid out as Colossus keeps them: one folder, decimal names.

use super::{
    super::{args::squid_url, facts},
    objects,
};
use crate::{
    failure::{Failure, Outcome},
    get,
    network::{DirectoryArgs, DirectoryUrl, Network},
    screen, text,
};
use argosy_api::directory::{ObjectView, StorageBucketView};
use argosy_domain::{StorageBucketId, num::to_u64};
use argosy_http::{AddressPolicy, Client, ClientConfig};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Most downloads at once that may be asked for.
const MAX_WORKERS: usize = 1_000;
/// Failures that are told one by one.
const NAMED: usize = 20;

/// Downloads all data objects of specified bucket, that matches worker ID obligations.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  argosy storage util fetch-bucket -b 0 -d /srv/uploads -q http://127.0.0.1:4352/graphql\n  argosy storage util fetch-bucket -b 0 -d /srv/uploads -o http://other.example:3333\n\nEvery 16 KiB group is verified. Run again, it goes on: files of the right size are not fetched again."
)]
pub(crate) struct FetchArgs {
    /// The bucket to fetch
    #[arg(short, long = "bucketId", alias = "bucket-id", value_name = "bucketId")]
    bucket: StorageBucketId,
    /// Data uploading directory: where the files go
    #[arg(short = 'd', long, value_name = "uploads")]
    uploads: PathBuf,
    /// Sync workers number (max async operations in progress).
    #[arg(
        short = 'n',
        long = "syncWorkersNumber",
        alias = "sync-workers-number",
        value_name = "syncWorkersNumber",
        default_value_t = 20
    )]
    workers: usize,
    /// Storage node url base (e.g.: `http://some.com:3333`) to get data from.
    #[arg(
        short = 'o',
        long = "dataSourceOperatorUrl",
        alias = "data-source-operator-url",
        value_name = "dataSourceOperatorUrl"
    )]
    source: Option<DirectoryUrl>,
    /// Directory node, by its root or its /graphql (e.g.: `http://some.com:4352/graphql`). Without it: --directory.
    #[arg(short = 'q', long = "queryNodeEndpoint", alias = "query-node-endpoint", value_name = "queryNodeEndpoint", value_parser = squid_url)]
    squid: Option<DirectoryUrl>,
    /// Asset downloading timeout for the syncronization (in minutes).
    #[arg(
        short = 't',
        long = "syncWorkersTimeout",
        alias = "sync-workers-timeout",
        value_name = "syncWorkersTimeout",
        default_value_t = 30
    )]
    timeout_minutes: u64,
    /// Maximum number of objects to process in a single batch.
    #[arg(
        long = "syncBatchSize",
        alias = "sync-batch-size",
        value_name = "syncBatchSize",
        default_value_t = 10_000
    )]
    batch_size: usize,
    /// Folder for what is under way; `temp` in the uploads folder unless given
    #[arg(long = "tempFolder", alias = "temp-folder", value_name = "tempFolder")]
    temp: Option<PathBuf>,
    /// Show what would be fetched, and fetch nothing
    #[arg(long, help_heading = "Output")]
    dry_run: bool,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fetched {
    dry_run: bool,
    /// Accepted objects of the bucket's bags.
    assigned_count: u64,
    /// Files that were there.
    present_count: u64,
    /// Files that are there now, or would be.
    fetched_count: u64,
    fetched_bytes: u64,
    failed: Vec<FailedObject>,
}

#[derive(Debug, Serialize)]
struct FailedObject {
    id: String,
    error: String,
}

/// Where objects come from and go to.
struct Fetching<'a> {
    args: &'a FetchArgs,
    client: Client,
    /// Nodes by bucket.
    nodes: BTreeMap<StorageBucketId, String>,
    temp: PathBuf,
}

/// Gives what remains to be fetched, if anything does, beside what was printed.
pub(super) async fn run(directory: &DirectoryArgs, args: FetchArgs) -> Outcome<Option<Failure>> {
    check(&args)?;
    let directory = args.squid.clone().map_or_else(|| directory.clone(), DirectoryArgs::at);
    let network = Network::connect(&directory).await?;
    let reader = network.directory.reader();
    let buckets = facts::buckets(&reader).await?;
    if !buckets.iter().any(|bucket| bucket.id == args.bucket) {
        return Err(Failure::usage(format!("Couldn't find bucket by id: {}", args.bucket)));
    }
    let temp = args.temp.clone().unwrap_or_else(|| args.uploads.join("temp"));
    if !args.dry_run {
        make_folder(&args.uploads)?;
        make_folder(&temp)?;
    }
    let client = client(&network, args.source.is_some());
    let fetching = Fetching { args: &args, client, nodes: nodes(&buckets), temp };
    let mut fetched = Fetched { dry_run: args.dry_run, ..Fetched::default() };
    let mut batch = Vec::new();
    for bag in facts::bags(&reader, Some(args.bucket)).await? {
        for object in objects(&reader, &bag.id).await?.into_iter().filter(|it| it.accepted.is_some()) {
            fetched.assigned_count += 1;
            if is_there(&args.uploads, &object) {
                fetched.present_count += 1;
            } else {
                batch.push(object);
            }
        }
        if batch.len() >= args.batch_size {
            fetching.all(std::mem::take(&mut batch), &mut fetched).await;
        }
    }
    fetching.all(batch, &mut fetched).await;
    if !args.dry_run {
        // Only if nothing is left in it for the next time.
        let _ = fs::remove_dir(&fetching.temp);
    }
    Ok(tell(&args, &fetched))
}

fn check(args: &FetchArgs) -> Outcome<()> {
    if args.workers == 0 || args.workers > MAX_WORKERS {
        return Err(Failure::usage(format!("--syncWorkersNumber is between 1 and {MAX_WORKERS}")));
    }
    if args.batch_size == 0 || args.timeout_minutes == 0 {
        return Err(Failure::usage("--syncBatchSize and --syncWorkersTimeout are at least 1"));
    }
    Ok(())
}

fn make_folder(path: &Path) -> Outcome<()> {
    fs::create_dir_all(path).map_err(|error| {
        Failure::usage_as("NOT_WRITTEN", format!("cannot make the folder {}: {error}", path.display()))
    })
}

/// A node that the caller names may have any address; those that the directory names, what its profile
/// allows.
fn client(network: &Network, is_named: bool) -> Client {
    if !is_named {
        return network.client.clone();
    }
    Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() })
}

fn nodes(buckets: &[StorageBucketView]) -> BTreeMap<StorageBucketId, String> {
    let active = buckets.iter().filter(|bucket| facts::is_active(bucket));
    active.filter_map(|bucket| Some((bucket.id, bucket.operator.as_ref()?.endpoint.clone()?))).collect()
}

/// Whether the file is there in full: an unfinished one would be in another folder.
fn is_there(uploads: &Path, object: &ObjectView) -> bool {
    fs::symlink_metadata(uploads.join(object.id.to_string()))
        .is_ok_and(|file| file.is_file() && file.len() == object.size)
}

impl Fetching<'_> {
    async fn all(&self, batch: Vec<ObjectView>, fetched: &mut Fetched) {
        let count = batch.len();
        if self.args.dry_run {
            fetched.fetched_count += to_u64(count);
            fetched.fetched_bytes += batch.iter().map(|object| object.size).sum::<u64>();
            return;
        }
        let progress = screen::count(self.args.json, "fetching", count);
        let mut results = stream::iter(batch.into_iter().map(|object| self.one(object)))
            .buffer_unordered(self.args.workers);
        while let Some((object, result)) = results.next().await {
            progress.inc(1);
            match result {
                Ok(()) => {
                    fetched.fetched_count += 1;
                    fetched.fetched_bytes += object.size;
                }
                Err(failure) => fetched
                    .failed
                    .push(FailedObject { id: object.id.to_string(), error: failure.to_string() }),
            }
        }
        progress.finish_and_clear();
    }

    async fn one(&self, object: ObjectView) -> (ObjectView, Outcome<()>) {
        let limit = Duration::from_secs(self.args.timeout_minutes.saturating_mul(60));
        let fetch = tokio::time::timeout(limit, self.fetch(&object)).await;
        let result = fetch.unwrap_or_else(|_| {
            Err(Failure::no_answer(format!("object {} took more than {}", object.id, text::duration(limit))))
        });
        (object, result)
    }

    async fn fetch(&self, object: &ObjectView) -> Outcome<()> {
        let name = object.id.to_string();
        let (part, file) = (self.temp.join(&name), self.args.uploads.join(&name));
        let urls = self.urls(object);
        get::from_storage_nodes(&self.client, object, &urls, &part).await?;
        let shown = file.display().to_string();
        let moved = tokio::task::spawn_blocking(move || move_file(&part, &file)).await;
        moved
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| Failure::refused("NOT_WRITTEN", format!("cannot write {shown}: {error}")))
    }

    /// The node that the caller names; else those of the bag's buckets, the fetched one last: it is
    /// probably what the files are for.
    fn urls(&self, object: &ObjectView) -> Vec<String> {
        if let Some(source) = &self.args.source {
            return vec![source.to_string()];
        }
        let mut buckets = object.storage_buckets.clone();
        buckets.sort_by_key(|id| (*id == self.args.bucket, !object.holders.contains(id)));
        let mut urls: Vec<String> = buckets.iter().filter_map(|id| self.nodes.get(id).cloned()).collect();
        urls.dedup();
        urls
    }
}

/// Durable on return. Between file systems it is copied under another name first.
fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    let parent = to.parent().unwrap_or(Path::new("."));
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let name = to.file_name().unwrap_or_default().to_string_lossy();
            let copy = parent.join(format!(".{name}.copy"));
            fs::copy(from, &copy)?;
            File::open(&copy)?.sync_all()?;
            fs::rename(&copy, to)?;
            fs::remove_file(from)?;
        }
        renamed => renamed?,
    }
    File::open(parent)?.sync_all()
}

fn tell(args: &FetchArgs, fetched: &Fetched) -> Option<Failure> {
    if args.json {
        screen::json(fetched);
    } else {
        let verb = if args.dry_run { "would fetch" } else { "fetched" };
        screen::note(&format!(
            "{verb} {} objects with {}; {} of {} were there",
            fetched.fetched_count,
            text::bytes(fetched.fetched_bytes),
            fetched.present_count,
            fetched.assigned_count
        ));
        for failed in fetched.failed.iter().take(NAMED) {
            screen::note(&format!("object {}: {}", failed.id, failed.error));
        }
    }
    let count = fetched.failed.len();
    (count > 0).then(|| {
        Failure::no_answer(format!("{count} objects could not be fetched: run it again to go on with them"))
    })
}
