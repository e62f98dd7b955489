//! Removes files of objects that a storage worker need not keep any more.
//!
//! Nothing is removed on the word of an old or a short answer: an object that others keep now must be
//! found with enough of them, a deleted one must be known to have been deleted.

use super::{
    super::{
        args::{Hidden, api_url, squid_url},
        facts,
    },
    objects,
};
use crate::{
    failure::{Failure, Outcome},
    network::{DirectoryArgs, DirectoryUrl, Network},
    screen,
    send::Role,
    text,
};
use argosy_api::{
    StorageClient,
    directory::{ObjectView, StorageBucketView},
};
use argosy_domain::{DataObjectId, StorageBucketId, WorkerId, WorkingGroup, num::to_u64};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Age of the directory node's newest block from which on nothing is removed by what it says.
const MAX_LAG: Duration = Duration::from_secs(60);
/// Objects whose deletion is asked for at once.
const DELETED_AT_ONCE: usize = 100;
/// Events that tell of deletions, in the words of Joystream's squid.
const DELETIONS: &str = "query deletions($ids: [String!]) { events(limit: 1000, where: {data: {isTypeOf_eq: \
                         \"DataObjectDeletedEventData\", dataObjectId_in: $ids}}) { data { ... on \
                         DataObjectDeletedEventData { dataObjectId } } } }";

/// Runs the data objects cleanup/pruning workflow. It removes all the local stored data objects that the operator is no longer obliged to store
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  argosy storage util cleanup -w 3 -b 0 -d /srv/uploads -q http://127.0.0.1:4352/graphql --dry-run\n\nThe folder is Colossus' uploads folder, not the data folder of `argosy storage start`."
)]
pub(crate) struct CleanupArgs {
    /// The bucket whose files are in the folder. Files of the worker's other buckets are kept, too.
    #[arg(short, long = "bucketId", alias = "bucket-id", value_name = "bucketId")]
    bucket: StorageBucketId,
    /// Data uploading directory
    #[arg(short = 'd', long, value_name = "uploads")]
    uploads: PathBuf,
    /// Cleanup/Pruning workers number (max async operations in progress).
    #[arg(
        short = 'p',
        long = "cleanupWorkersNumber",
        alias = "cleanup-workers-number",
        value_name = "cleanupWorkersNumber",
        default_value_t = 20
    )]
    workers: usize,
    /// Directory node, by its root or its /graphql (e.g.: `http://some.com:4352/graphql`). Without it: --apiUrl or --directory.
    #[arg(short = 'q', long = "queryNodeEndpoint", alias = "query-node-endpoint", value_name = "queryNodeEndpoint", value_parser = squid_url)]
    squid: Option<DirectoryUrl>,
    /// Storage node operator worker ID.
    #[arg(short = 'w', long = "workerId", alias = "worker-id", value_name = "workerId")]
    worker: WorkerId,
    /// Maximum number of objects to process in a single batch during cleanup.
    #[arg(
        long = "cleanupBatchSize",
        alias = "cleanup-batch-size",
        value_name = "cleanupBatchSize",
        default_value_t = 10_000
    )]
    batch_size: usize,
    #[command(flatten)]
    chain: ChainArgs,
    /// Other nodes that must have an object before its file is removed
    #[arg(
        long,
        value_name = "N",
        env = "CLEANUP_MIN_REPLICATION_THRESHOLD",
        default_value_t = 2,
        help_heading = "Safety"
    )]
    min_replication: usize,
    /// Age in seconds below which a file is kept
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CLEANUP_NEW_OBJECT_EXPIRATION_PERIOD",
        default_value_t = 3600,
        help_heading = "Safety"
    )]
    new_object_seconds: u64,
    /// List what would be removed, and remove nothing
    #[arg(long, help_heading = "Output")]
    dry_run: bool,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,
}

/// Flags that every command of Colossus takes that asks the chain. Nothing is signed here.
#[derive(Debug, clap::Args)]
struct ChainArgs {
    /// Directory node, http://HOST:PORT or ws://HOST:PORT
    #[arg(short = 'u', long = "apiUrl", alias = "api-url", value_name = "apiUrl", value_parser = api_url)]
    api_url: Option<DirectoryUrl>,
    #[command(flatten)]
    keys: UnusedKeys,
}

/// Taken so that command lines of Colossus work.
#[derive(Debug, clap::Args)]
struct UnusedKeys {
    #[arg(short = 'm', long, hide = true)]
    dev: bool,
    #[arg(short = 'k', long = "keyFile", hide = true)]
    key_file: Option<PathBuf>,
    #[arg(long = "keyStore", hide = true)]
    key_store: Option<PathBuf>,
    #[arg(long, num_args = 1.., hide = true)]
    password: Vec<Hidden>,
    #[arg(short = 'y', long = "accountUri", num_args = 1.., hide = true)]
    account_uri: Vec<Hidden>,
}

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// The directory has deleted the object.
    Deleted,
    /// So many other nodes have it.
    Moved {
        holders: usize,
    },
    Keep(String),
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cleaned {
    dry_run: bool,
    stored_count: u64,
    assigned_count: u64,
    removed: Vec<Told>,
    kept: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    id: String,
    why: String,
}

/// What the worker must keep, and who else there is.
struct Obligations {
    owned: BTreeSet<StorageBucketId>,
    assigned: BTreeSet<DataObjectId>,
    /// Nodes of others, by bucket.
    others: BTreeMap<StorageBucketId, String>,
}

pub(super) async fn run(directory: &DirectoryArgs, args: CleanupArgs) -> Outcome<()> {
    if args.workers == 0 || args.batch_size == 0 || args.min_replication == 0 {
        return Err(Failure::usage(
            "--cleanupWorkersNumber, --cleanupBatchSize and --min-replication are at least 1",
        ));
    }
    let named = args.squid.clone().or_else(|| args.chain.api_url.clone());
    let directory = named.map_or_else(|| directory.clone(), DirectoryArgs::at);
    let network = Network::connect(&directory).await?;
    refuse_lag(&network).await?;
    let obligations = obligations(&network, &args).await?;
    let (stored, obsolete) = stored(&args, &obligations)?;
    let mut cleaned = Cleaned {
        dry_run: args.dry_run,
        stored_count: stored,
        assigned_count: to_u64(obligations.assigned.len()),
        ..Cleaned::default()
    };
    let progress = screen::count(args.json, "looking", obsolete.len());
    for batch in obsolete.chunks(args.batch_size) {
        let verdicts = verdicts(&network, &args, &obligations, batch).await?;
        progress.inc(to_u64(batch.len()));
        // What was true when the batch began may be old by now.
        refuse_lag(&network).await?;
        for (id, verdict) in verdicts {
            carry_out(&args, &mut cleaned, id, verdict);
        }
    }
    progress.finish_and_clear();
    tell(&args, &cleaned);
    Ok(())
}

async fn refuse_lag(network: &Network) -> Outcome<()> {
    let status = network.directory.status().await;
    let status = status.map_err(|error| Failure::directory("the directory's status", &error))?;
    ensure_fresh(status.height, Duration::from_millis(status.lag_ms), network.directory.url())
}

/// A directory node without blocks, or with old ones, does not know what became of an object.
fn ensure_fresh(height: u64, lag: Duration, url: &str) -> Outcome<()> {
    if height > 0 && lag <= MAX_LAG {
        return Ok(());
    }
    Err(Failure::refused(
        "DIRECTORY_LAGS",
        format!(
            "Can't perform cleanup: the newest block of {url} is {} old, so that it may not know what became of an object",
            text::duration(lag)
        ),
    ))
}

/// Everything that the worker must keep, of all its buckets.
async fn obligations(network: &Network, args: &CleanupArgs) -> Outcome<Obligations> {
    Role::Worker(WorkingGroup::Storage, args.worker).accounts(network).await?;
    let reader = network.directory.reader();
    let buckets = facts::buckets(&reader).await?;
    let is_ours = |bucket: &&StorageBucketView| {
        bucket.operator.as_ref().is_some_and(|operator| operator.worker == args.worker)
    };
    let owned: BTreeSet<_> = buckets.iter().filter(is_ours).map(|bucket| bucket.id).collect();
    if !owned.contains(&args.bucket) {
        let message = format!("worker {} does not operate storage bucket {}", args.worker, args.bucket);
        return Err(Failure::refused("WRONG_WORKER", message));
    }
    let mut assigned = BTreeSet::new();
    for bucket in buckets.iter().filter(is_ours) {
        let bags = facts::bags(&reader, Some(bucket.id)).await?;
        if to_u64(bags.len()) < bucket.assigned_bags {
            return Err(short(&format!("bags of bucket {}", bucket.id)));
        }
        for bag in bags {
            let objects = objects(&reader, &bag.id).await?;
            if to_u64(objects.len()) < bag.objects_number {
                return Err(short(&format!("objects of bag {}", bag.id)));
            }
            assigned.extend(objects.into_iter().map(|object| object.id));
        }
    }
    Ok(Obligations { others: others(&buckets, &owned), owned, assigned })
}

/// Nodes that are not ours, by bucket: one of ours may serve several of them.
fn others(
    buckets: &[StorageBucketView],
    owned: &BTreeSet<StorageBucketId>,
) -> BTreeMap<StorageBucketId, String> {
    let url = |bucket: &StorageBucketView| {
        let plain = bucket.operator.as_ref()?.endpoint.clone()?;
        Some(plain.trim_end_matches('/').to_owned())
    };
    let ours: BTreeSet<_> = buckets.iter().filter(|it| owned.contains(&it.id)).filter_map(url).collect();
    let active = buckets.iter().filter(|it| facts::is_active(it) && !owned.contains(&it.id));
    let found = active.filter_map(|bucket| Some((bucket.id, url(bucket)?)));
    found.filter(|(_, url)| !ours.contains(url)).collect()
}

fn short(what: &str) -> Failure {
    Failure::refused(
        "LIST_TOO_SHORT",
        format!(
            "the directory listed fewer {what} than it says there are: nothing was removed, run it again"
        ),
    )
}

/// How many objects are stored, and those that are neither assigned nor new.
fn stored(args: &CleanupArgs, obligations: &Obligations) -> Outcome<(u64, Vec<DataObjectId>)> {
    let unreadable = |error: io::Error| {
        Failure::usage_as("UNREADABLE_FILE", format!("cannot read {}: {error}", args.uploads.display()))
    };
    let (mut count, mut obsolete) = (0, Vec::new());
    for entry in fs::read_dir(&args.uploads).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let id = entry.file_name().to_str().and_then(|name| name.parse::<DataObjectId>().ok());
        let (Some(id), Ok(metadata)) = (id, entry.metadata()) else { continue };
        if !metadata.is_file() {
            continue;
        }
        count += 1;
        let age = metadata.modified().ok().and_then(|then| SystemTime::now().duration_since(then).ok());
        let is_old = age.is_some_and(|age| age >= Duration::from_secs(args.new_object_seconds));
        if is_old && !obligations.assigned.contains(&id) {
            obsolete.push(id);
        }
    }
    obsolete.sort_unstable();
    Ok((count, obsolete))
}

/// What becomes of each object of a batch.
async fn verdicts(
    network: &Network,
    args: &CleanupArgs,
    obligations: &Obligations,
    batch: &[DataObjectId],
) -> Outcome<Vec<(DataObjectId, Verdict)>> {
    let looks = batch.iter().map(|id| look(network, args, obligations, *id));
    let looks: Vec<_> = stream::iter(looks).buffered(args.workers).collect().await;
    let absent: Vec<_> =
        batch.iter().zip(&looks).filter(|(_, look)| look.is_none()).map(|(id, _)| *id).collect();
    let deleted = deleted(network, &absent).await;
    // Ids ascend: what is below one that is known was known, too.
    let existing = batch.iter().zip(&looks).filter(|(_, look)| look.is_some()).map(|(id, _)| *id);
    let newest = existing.chain(obligations.assigned.last().copied()).max();
    let verdict = |(id, look): (&DataObjectId, Option<Verdict>)| {
        let of_absent = || {
            if deleted.contains(id) || newest.is_some_and(|newest| *id < newest) {
                Verdict::Deleted
            } else {
                Verdict::Keep("the directory does not know that it ever had it".to_owned())
            }
        };
        (*id, look.unwrap_or_else(of_absent))
    };
    Ok(batch.iter().zip(looks).map(verdict).collect())
}

/// What becomes of an object that the directory has; nothing if it has none of this id.
async fn look(
    network: &Network,
    args: &CleanupArgs,
    obligations: &Obligations,
    id: DataObjectId,
) -> Option<Verdict> {
    let object = match network.directory.object(id).await {
        Ok(object) => object,
        Err(error) if error.is_not_found() => return None,
        Err(error) => return Some(Verdict::Keep(error.to_string())),
    };
    if object.storage_buckets.iter().any(|bucket| obligations.owned.contains(bucket)) {
        return Some(Verdict::Keep("it is assigned by now".to_owned()));
    }
    let size = fs::symlink_metadata(path(&args.uploads, id)).map(|file| file.len());
    if size.ok() != Some(object.size) {
        let reason = "its size is not that of the object: is it the file of another network?";
        return Some(Verdict::Keep(reason.to_owned()));
    }
    let holders = holders(network, &obligations.others, &object, args.min_replication).await;
    Some(if holders >= args.min_replication {
        Verdict::Moved { holders }
    } else {
        Verdict::Keep(format!("{holders} other nodes were found to have it, {} must", args.min_replication))
    })
}

/// Other nodes that have the whole object; counting stops when there are enough.
async fn holders(
    network: &Network,
    others: &BTreeMap<StorageBucketId, String>,
    object: &ObjectView,
    enough: usize,
) -> usize {
    let urls: BTreeSet<_> = object.storage_buckets.iter().filter_map(|bucket| others.get(bucket)).collect();
    let mut count = 0;
    for url in urls {
        let head = StorageClient::new(network.client.clone(), url).head_file(object.id).await;
        count += usize::from(head.is_ok_and(|head| head.size == Some(object.size)));
        if count >= enough {
            break;
        }
    }
    count
}

/// Those of which there is an event that says that they were deleted. A node need not know all events.
async fn deleted(network: &Network, ids: &[DataObjectId]) -> BTreeSet<DataObjectId> {
    let mut deleted = BTreeSet::new();
    for part in ids.chunks(DELETED_AT_ONCE) {
        let texts: Vec<_> = part.iter().map(ToString::to_string).collect();
        let answer = network.directory.reader().graphql(DELETIONS, json!({"ids": texts})).await;
        let Ok(answer) = answer else { continue };
        let events = answer["events"].as_array().cloned().unwrap_or_default();
        let ids = events.iter().filter_map(|event| event["data"]["dataObjectId"].as_str()?.parse().ok());
        deleted.extend(ids.filter(|id| part.contains(id)));
    }
    deleted
}

fn carry_out(args: &CleanupArgs, cleaned: &mut Cleaned, id: DataObjectId, verdict: Verdict) {
    let (is_removed, why) = match verdict {
        Verdict::Keep(why) => (false, why),
        Verdict::Deleted => remove(args, id, "deleted".to_owned()),
        Verdict::Moved { holders } => remove(args, id, format!("moved, {holders} others have it")),
    };
    let told = Told { id: id.to_string(), why };
    if is_removed { &mut cleaned.removed } else { &mut cleaned.kept }.push(told);
}

/// Whether the file is gone, or would be, and why.
fn remove(args: &CleanupArgs, id: DataObjectId, why: String) -> (bool, String) {
    if args.dry_run {
        return (true, why);
    }
    match fs::remove_file(path(&args.uploads, id)) {
        Ok(()) => (true, why),
        Err(error) => (false, format!("the file cannot be removed: {error}")),
    }
}

fn path(uploads: &Path, id: DataObjectId) -> PathBuf {
    uploads.join(id.to_string())
}

fn tell(args: &CleanupArgs, cleaned: &Cleaned) {
    if args.json {
        screen::json(cleaned);
        return;
    }
    screen::note(&format!(
        "stored objects: {}, assigned objects: {}",
        cleaned.stored_count, cleaned.assigned_count
    ));
    for told in &cleaned.kept {
        screen::note(&format!("object {} is kept: {}", told.id, told.why));
    }
    let verb = if args.dry_run { "would be removed" } else { "removed" };
    for told in &cleaned.removed {
        screen::say(&format!("object {} {verb}: {}", told.id, told.why));
    }
    screen::note(&format!("{} objects {verb}, {} kept", cleaned.removed.len(), cleaned.kept.len()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_api::directory::{OperatorStatus, OperatorView};

    #[test]
    fn old_answers_remove_nothing() {
        let second = Duration::from_secs(1);
        assert!(ensure_fresh(1, MAX_LAG, "u").is_ok());
        assert_eq!(ensure_fresh(1, MAX_LAG + second, "u").unwrap_err().code, "DIRECTORY_LAGS");
        assert_eq!(ensure_fresh(0, second, "u").unwrap_err().code, "DIRECTORY_LAGS");
    }

    #[test]
    fn only_nodes_of_others_are_asked() {
        let bucket = |id, worker, status, url: &str| StorageBucketView {
            id: StorageBucketId(id),
            operator: Some(OperatorView {
                worker: WorkerId(worker),
                status,
                endpoint: Some(url.to_owned()),
                transactor: None,
                metadata: None,
                leaves_ms: None,
            }),
            accepting_new_bags: true,
            size_limit: 0,
            objects_limit: 0,
            size_used: 0,
            objects_used: 0,
            assigned_bags: 0,
            holdings_height: None,
            holdings_except_count: 0,
        };
        let buckets = [
            bucket(0, 1, OperatorStatus::Active, "http://ours/"),
            bucket(1, 2, OperatorStatus::Active, "http://ours"),
            bucket(2, 3, OperatorStatus::Active, "http://other"),
            bucket(3, 4, OperatorStatus::Invited, "http://invited"),
        ];
        let found = others(&buckets, &[StorageBucketId(0)].into());
        assert_eq!(found, [(StorageBucketId(2), "http://other".to_owned())].into());
    }
}
