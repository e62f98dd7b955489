//! `argosy put`: declares files as data objects, uploads them, waits until they are held.

mod declare;
mod files;
mod upload;
mod wait;

use crate::{
    failure::{Failure, Kind, Outcome},
    network::{DevKey, DirectoryArgs, Network},
    screen, text,
};
use argosy_api::directory::ObjectView;
use argosy_directory::{Event, call::ObjectsUpload};
use argosy_domain::{ChannelId, DataObjectId, limits::MAX_OBJECTS_PER_CALL};
use argosy_store::source::SourceFile;
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// What `put` waits for before it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum WaitFor {
    /// One storage node holds the object, and the directory says so
    Accepted,
    /// Two storage nodes hold it (one, if the bag has only one)
    Replicated,
    /// Every distributor of the bag would deliver it
    Served,
}

/// Upload files: declares them in a channel, sends them with their proof, prints the URLs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy put talk.mp4
  argosy put cover.png talk.mp4 --channel 1 --wait served
  argosy put talk.mp4 --object 7        # goes on with an upload that was interrupted")]
pub(crate) struct PutArgs {
    /// Files to upload
    #[arg(value_name = "FILE", required = true, num_args = 1..=MAX_OBJECTS_PER_CALL)]
    files: Vec<PathBuf>,
    /// Channel that gets the objects; a new one unless given
    #[arg(long, value_name = "ID")]
    channel: Option<ChannelId>,
    /// Go on with the unfinished upload of an object that is declared already
    #[arg(long, value_name = "ID", conflicts_with = "channel")]
    object: Option<DataObjectId>,
    /// Key of the owner
    #[arg(long, value_name = "//NAME", default_value = "//Alice")]
    key: DevKey,
    /// What to wait for
    #[arg(long, value_name = "STATE", default_value = "replicated")]
    wait: WaitFor,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A file that the directory knows as an object.
#[derive(Clone, Debug)]
struct Declared {
    id: DataObjectId,
    source: Arc<SourceFile>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    objects: Vec<ObjectReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectReport {
    id: String,
    file: String,
    content_id: String,
    size: u64,
    bag: String,
    /// Copies that are really held.
    copies: usize,
    /// Buckets that hold them.
    holders: Vec<String>,
    /// Buckets that must hold one.
    storage_buckets: Vec<String>,
    urls: Vec<String>,
}

pub(crate) async fn run(directory: &DirectoryArgs, args: PutArgs) -> Outcome<ExitCode> {
    if args.object.is_some() && args.files.len() != 1 {
        return Err(Failure::usage("--object goes on with one upload: name one file"));
    }
    args.files.iter().try_for_each(|path| files::check(path))?;
    let network = Network::connect(directory).await?;
    let owner = match args.channel {
        None => None,
        Some(channel) => Some(declare::owned_channel(&network, channel, &args.key).await?),
    };
    let sources = files::hash(&args.files, args.json).await?;
    let declared = match args.object {
        Some(id) => vec![declare::existing(&network, id, sources).await?],
        None => declare::new(&network, &args.key, owner, sources).await?,
    };
    match finish(&network, &args, &declared).await {
        Ok(report) => {
            show(&report, args.json);
            Ok(ExitCode::SUCCESS)
        }
        Err((failure, unfinished)) => Err(explained(&network, &args, failure, unfinished).await),
    }
}

/// What files are, to be declared at the prices of now. Nothing is uploaded.
pub(crate) async fn declaration(network: &Network, paths: &[PathBuf]) -> Outcome<ObjectsUpload> {
    paths.iter().try_for_each(|path| files::check(path))?;
    declare::quoted(network, &files::hash(paths, false).await?).await
}

/// Ids of the objects that events declare, in order.
pub(crate) fn declared_ids(events: &[Event]) -> Vec<DataObjectId> {
    declare::declared_ids(events)
}

/// Uploads and waits; a failure comes with the objects whose upload did not finish.
async fn finish<'a>(
    network: &Network,
    args: &PutArgs,
    declared: &'a [Declared],
) -> Result<Report, (Failure, &'a [Declared])> {
    for (done, object) in declared.iter().enumerate() {
        let uploaded = upload::upload(network, &args.key, object, args.json).await;
        uploaded.map_err(|failure| (failure, declared.get(done..).unwrap_or_default()))?;
    }
    let ids: Vec<DataObjectId> = declared.iter().map(|object| object.id).collect();
    let views =
        wait::until(network, &ids, args.wait, args.json).await.map_err(|failure| (failure, &[][..]))?;
    report(network, declared, views).await.map_err(|failure| (failure, &[][..]))
}

/// The failure with what has become of the objects, and what to do.
async fn explained(network: &Network, args: &PutArgs, failure: Failure, unfinished: &[Declared]) -> Failure {
    if unfinished.is_empty() {
        return failure.with("the upload itself is complete");
    }
    let of_no_use = [files::CHANGED, upload::WRONG_BYTES].contains(&failure.code.as_str());
    if of_no_use && args.object.is_none() {
        return match declare::take_back(network, &args.key, unfinished).await {
            Ok(()) => failure.with("the declaration was taken back"),
            Err(_) => failure.with(&format!("declared without its bytes: `argosy rm {}`", ids(unfinished))),
        };
    }
    if failure.kind == Kind::Refused && args.object.is_some() {
        return failure;
    }
    let key = if args.key.uri == "//Alice" { String::new() } else { format!(" --key {}", args.key.uri) };
    let commands: Vec<String> = unfinished
        .iter()
        .map(|object| format!("`argosy put {} --object {}{key}`", object.source.path().display(), object.id))
        .collect();
    failure.with(&format!("declared but not uploaded; go on with {}", commands.join(", ")))
}

fn ids(objects: &[Declared]) -> String {
    objects.iter().map(|object| object.id.to_string()).collect::<Vec<_>>().join(" ")
}

async fn report(network: &Network, declared: &[Declared], views: Vec<ObjectView>) -> Outcome<Report> {
    let mut objects = Vec::with_capacity(views.len());
    let wanted = views.iter().flat_map(|view| view.distribution_buckets.clone()).collect::<Vec<_>>();
    let distributors = network.distributors(&wanted).await?;
    for (object, view) in declared.iter().zip(views) {
        let urls = distributors
            .iter()
            .filter(|node| view.distribution_buckets.contains(&node.bucket))
            .map(|node| format!("{}/api/v1/assets/{}", node.url.trim_end_matches('/'), view.id));
        objects.push(ObjectReport {
            id: view.id.to_string(),
            file: object.source.path().display().to_string(),
            content_id: view.content_id.to_string(),
            size: view.size,
            bag: view.bag.to_string(),
            copies: view.holders.len(),
            holders: view.holders.iter().map(ToString::to_string).collect(),
            storage_buckets: view.storage_buckets.iter().map(ToString::to_string).collect(),
            urls: urls.collect(),
        });
    }
    Ok(Report { objects })
}

fn show(report: &Report, json: bool) {
    if json {
        screen::json(report);
        return;
    }
    for object in &report.objects {
        screen::say(&format!("object {}  {}", object.id, text::line(&object.file)));
        screen::say(&format!("  content id  {}", object.content_id));
        screen::say(&format!("  size        {}", text::bytes(object.size)));
        screen::say(&format!("  bag         {}", object.bag));
        let buckets =
            if object.holders.is_empty() { "none yet".to_owned() } else { object.holders.join(", ") };
        let of = object.storage_buckets.len();
        screen::say(&format!("  copies      {} of {of} (storage buckets: {buckets})", object.copies));
        for url in &object.urls {
            screen::say(&format!("  {}", text::line(url)));
        }
    }
}
