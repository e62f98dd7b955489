//! `argosy object permit`: URLs by which an object of a private bag can be read for a while.

use crate::{
    calendar,
    failure::{Failure, Outcome},
    network::{DirectoryArgs, Network, now_ms},
    screen,
    send::{KeyArgs, Ring, Role},
    values::Span,
};
use argosy_api::{ReadPermit, ReadScope, directory::ObjectView, permit::PERMIT_PARAMETER};
use argosy_domain::{BagId, DataObjectId, limits::MAX_READ_PERMIT_LIFE_MS};
use serde::Serialize;
use std::process::ExitCode;

/// An object, and for how long
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Permit {
    /// Data object
    #[arg(value_name = "ID")]
    id: DataObjectId,
    /// How long the URLs work, a week at most
    #[arg(long, value_name = "TIME", default_value = "1h")]
    expires: Span,
    /// Permit every object of the object's bag
    #[arg(long)]
    bag: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Permitted {
    object: String,
    bag: String,
    whole_bag: bool,
    expires_ms: u64,
    permit: String,
    urls: Vec<String>,
}

impl Permit {
    pub(crate) async fn run(self, directory: &DirectoryArgs) -> Outcome<ExitCode> {
        let Self { id, expires, bag: whole_bag, json, keys } = self;
        if expires.ms == 0 || expires.ms > MAX_READ_PERMIT_LIFE_MS {
            return Err(Failure::usage("--expires takes more than nothing, and a week (7d) at most"));
        }
        let setup = keys.setup()?;
        let network = Network::connect(&directory.or(setup.directory)).await?;
        let view = network.object(id).await?;
        if !is_private(&network, &view.bag).await? {
            screen::note(&format!(
                "bag {} is not private: anybody can read the object without a permit",
                view.bag
            ));
        }
        let scope = if whole_bag { ReadScope::Bag(view.bag) } else { ReadScope::Object(id) };
        let permit = sign(&network, &setup.ring, &view.bag, scope, expires.ms).await?;
        let urls = urls(&network, &view, &permit).await?;
        let until = calendar::utc(permit.expires_ms());
        screen::note(&format!(
            "until {until} UTC whoever has one of these URLs can read {}",
            what(id, &view.bag, whole_bag)
        ));
        if json {
            screen::json(&Permitted {
                object: id.to_string(),
                bag: view.bag.to_string(),
                whole_bag,
                expires_ms: permit.expires_ms(),
                permit: permit.to_string(),
                urls,
            });
        } else if urls.is_empty() {
            screen::note("no node of the bag is in operation; the permit itself is");
            screen::say(&permit.to_string());
        } else {
            urls.iter().for_each(|url| screen::say(url));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn what(id: DataObjectId, bag: &BagId, whole_bag: bool) -> String {
    if whole_bag { format!("every object of {bag}, by its own number") } else { format!("object {id}") }
}

/// Whether nodes demand a permit for the objects of a bag.
pub(crate) async fn is_private(network: &Network, bag: &BagId) -> Outcome<bool> {
    let view = network.directory.bag(bag).await;
    Ok(view.map_err(|error| Failure::directory(&format!("bag {bag}"), &error))?.private)
}

/// A permit by a key of those who may edit the bag.
pub(crate) async fn sign(
    network: &Network,
    ring: &Ring,
    bag: &BagId,
    scope: ReadScope,
    life_ms: u64,
) -> Outcome<ReadPermit> {
    let key = ring.signer(network, Role::Editor(*bag)).await?;
    Ok(ReadPermit::sign(&key, &network.genesis.hash(), scope, now_ms().saturating_add(life_ms)))
}

/// The object at its distributors, or else at its storage nodes.
async fn urls(network: &Network, view: &ObjectView, permit: &ReadPermit) -> Outcome<Vec<String>> {
    let url = |root: &str, route: &str| {
        let root = root.trim_end_matches('/');
        format!("{root}/api/v1/{route}/{}?{PERMIT_PARAMETER}={permit}", view.id)
    };
    let distributors = network.distributors(&view.distribution_buckets).await?;
    if !distributors.is_empty() {
        return Ok(distributors.iter().map(|node| url(&node.url, "assets")).collect());
    }
    let storage = network.storage_nodes(&view.storage_buckets).await?;
    Ok(storage.iter().map(|node| url(&node.url, "files")).collect())
}
