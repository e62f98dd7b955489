//! `argosy get`: downloads an object, checks every group, falls over from node to node.

mod fetch;
mod sink;
mod sources;

use crate::{
    channels::permit,
    failure::{Failure, Outcome},
    network::{DirectoryArgs, Network},
    screen,
    send::KeyArgs,
    text,
};
use argosy_api::{ReadPermit, ReadScope, directory::ObjectView};
use argosy_content::{GroupRange, SliceItem};
use argosy_domain::DataObjectId;
use argosy_http::Client;
use fetch::Fetch;
use sink::Sink;
use sources::Sources;
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
    sync::Arc,
};
use tokio::task::JoinHandle;

/// Windows that are fetched at once. All of them wait in memory, verified, until it is their turn.
const WINDOWS_AT_ONCE: usize = 4;
/// Life of the permit that is signed for a download of one's own, in milliseconds: a slow line and a
/// large file.
const PERMIT_LIFE_MS: u64 = 12 * 60 * 60 * 1000;

/// Download an object: every 16 KiB group is verified before it is written
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy get 0 -o copy.mp4
  argosy get http://127.0.0.1:3334/api/v1/assets/0
  argosy get 0 -o - | ffprobe -

An interrupted download goes on when it is asked for again: what has arrived waits in
FILE.argosy-part. Content id and size come from the directory, also for a URL. An object
of a private bag is read by the permit in the URL, or else by a key of the bag's owner.")]
pub(crate) struct GetArgs {
    /// Id of the object, or its URL at a distributor or storage node
    #[arg(value_name = "ID|URL")]
    target: Target,
    /// File to write, - for standard output [default: object-ID]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    keys: KeyArgs,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    id: DataObjectId,
    /// Root URL of the node that the caller prefers.
    node: Option<String>,
    /// That of its URL.
    permit: Option<ReadPermit>,
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "expected a decimal number, or http://HOST:PORT/api/v1/assets/NUMBER";
        if !text.contains("://") {
            return text.parse().map(|id| Self { id, node: None, permit: None }).map_err(|_| FORM);
        }
        let uri: http::Uri = text.parse().map_err(|_| FORM)?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(FORM);
        };
        let (root, route) = uri.path().split_once("/api/v1/").ok_or(FORM)?;
        let id = route.strip_prefix("assets/").or_else(|| route.strip_prefix("files/")).ok_or(FORM)?;
        let id = id.parse().map_err(|_| FORM)?;
        if authority.as_str().contains('@') {
            return Err(FORM);
        }
        let mut pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
        let permit = pairs.find_map(|pair| pair.strip_prefix("permit="));
        let permit = permit.map(str::parse).transpose();
        let permit =
            permit.map_err(|_| "the permit in the URL is damaged: use the URL exactly as it was given")?;
        Ok(Self { id, node: Some(format!("{scheme}://{authority}{root}")), permit })
    }
}

pub(crate) async fn run(directory: &DirectoryArgs, args: GetArgs) -> Outcome<ExitCode> {
    let id = args.target.id;
    let output = args.output.unwrap_or_else(|| PathBuf::from(format!("object-{id}")));
    sink::check(&output)?;
    let setup = args.keys.setup()?;
    let network = Network::connect(&directory.or(setup.directory)).await?;
    let view = network.object(id).await?;
    if view.accepted.is_none() {
        let message =
            format!("object {id} is declared, but no storage node holds it yet: its owner has to upload it");
        return Err(Failure::refused("NOT_ACCEPTED", message));
    }
    let permit = match args.target.permit {
        Some(permit) => Some(permit),
        None if permit::is_private(&network, &view.bag).await? => {
            let scope = ReadScope::Object(id);
            Some(permit::sign(&network, &setup.ring, &view.bag, scope, PERMIT_LIFE_MS).await?)
        }
        None => None,
    };
    let sources = Sources::find(&network, &view, args.target.node.as_deref(), permit.as_ref()).await?;
    let mut sink = Sink::open(&output, &view).await?;
    let downloaded = download(&view, Arc::new(sources), &mut sink, false).await;
    match downloaded {
        Ok(()) => {
            let done = sink.finish().await?;
            let line = format!("{}  {}, verified", text::line(&done), text::bytes(view.size));
            if output.as_os_str() == "-" {
                screen::note(&line)
            } else {
                screen::say(&line)
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(Stopped::ReaderGone) => Ok(ExitCode::SUCCESS),
        Err(Stopped::Failed(failure)) => Err(match sink.give_up().await {
            Some(hint) => failure.with(&hint),
            None => failure,
        }),
    }
}

/// Downloads an accepted object from these storage nodes into a file, every group verified; goes on
/// where an earlier download into the same file stopped.
pub(crate) async fn from_storage_nodes(
    client: &Client,
    view: &ObjectView,
    urls: &[String],
    output: &Path,
) -> Outcome<()> {
    sink::check(output)?;
    let mut sink = Sink::open(output, view).await?;
    match download(view, Arc::new(Sources::storage_nodes(client, urls)), &mut sink, true).await {
        Ok(()) => sink.finish().await.map(drop),
        Err(Stopped::ReaderGone) => Ok(()),
        Err(Stopped::Failed(failure)) => Err(match sink.give_up().await {
            Some(hint) => failure.with(&hint),
            None => failure,
        }),
    }
}

/// Why a download ended early.
#[derive(Debug)]
enum Stopped {
    Failed(Failure),
    /// Standard output was closed by its reader, who has had enough.
    ReaderGone,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

type Window = JoinHandle<Outcome<Vec<SliceItem>>>;

/// Fetches what the sink lacks, several windows at once, and hands them over in order.
async fn download(
    view: &ObjectView,
    sources: Arc<Sources>,
    sink: &mut Sink,
    quiet: bool,
) -> Result<(), Stopped> {
    let bar = screen::progress(quiet, &format!("object {}", view.id), view.size);
    bar.set_position(sink.held_bytes());
    let mut missing = sink.missing().into_iter();
    let mut under_way: VecDeque<Window> = VecDeque::new();
    let result = loop {
        while under_way.len() < WINDOWS_AT_ONCE
            && let Some(groups) = missing.next()
        {
            under_way.push_back(start(view, &sources, groups));
        }
        let Some(window) = under_way.pop_front() else { break Ok(()) };
        let written = match window.await {
            Ok(Ok(items)) => sink.write(items).await,
            Ok(Err(failure)) => Err(failure.into()),
            Err(error) => Err(Failure::refused("DEFECT", format!("a download stopped: {error}")).into()),
        };
        match written {
            Ok(()) => bar.set_position(sink.held_bytes()),
            Err(stopped) => break Err(stopped),
        }
    };
    under_way.iter().for_each(JoinHandle::abort);
    bar.finish_and_clear();
    result
}

fn start(view: &ObjectView, sources: &Arc<Sources>, groups: GroupRange) -> Window {
    let fetch = Fetch { id: view.id, content_id: view.content_id, size: view.size, groups };
    let sources = Arc::clone(sources);
    tokio::spawn(async move { fetch.run(&sources).await })
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::{KeyScheme, Keypair};

    #[test]
    fn ids_and_urls_are_understood() {
        assert_eq!("7".parse(), Ok(Target { id: DataObjectId(7), node: None, permit: None }));
        let url: Target = "http://h:1/edge/api/v1/assets/7?x=1".parse().unwrap();
        assert_eq!(url, Target { id: DataObjectId(7), node: Some("http://h:1/edge".into()), permit: None });
        let url: Target = "http://h:1/api/v1/files/8".parse().unwrap();
        assert_eq!(url, Target { id: DataObjectId(8), node: Some("http://h:1".into()), permit: None });
        let url: Target = "https://h/api/v1/assets/7".parse().unwrap();
        assert_eq!(url.node.as_deref(), Some("https://h"));
        let key = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap();
        let permit = ReadPermit::sign(&key, &[0; 32], ReadScope::Object(DataObjectId(7)), 5);
        let url: Target = format!("http://h:1/api/v1/assets/7?x=1&permit={permit}").parse().unwrap();
        assert_eq!(url.permit, Some(permit));
        for bad in [
            "",
            "-1",
            "http://h/api/v1/assets/7?permit=12",
            "no-number",
            "http://h/7",
            "http://h/api/v1/assets/x",
            "ftp://h/api/v1/assets/7",
            "http://u@h/api/v1/assets/7",
        ] {
            assert!(bad.parse::<Target>().is_err(), "{bad:?}");
        }
    }
}
