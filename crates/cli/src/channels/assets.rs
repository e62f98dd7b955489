//! Asset sets: objects that belong together under a name, such as a video with its cover.

use super::{declaration, upload_follows};
use crate::{
    complete,
    failure::Outcome,
    network::Network,
    send::Role,
    signed::{Plan, Signed},
};
use argosy_directory::{Call, ContentCall, Event};
use argosy_domain::{BagId, DataObjectId, DynamicBagId, limits::MAX_OBJECTS_PER_CALL};
use clap_complete::ArgValueCandidates;
use std::path::PathBuf;

/// Make, change and delete sets of objects with a name
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AssetSetCommand {
    /// Declare files as a set (the bag's owner or a collaborator). Prints the ids of the objects
    ///
    /// Nothing is uploaded: `argosy put FILE --object ID` does that.
    #[command(
        after_help = "Example:\n  argosy asset-set create dynamic:channel:7 video-1 talk.mp4 cover.png"
    )]
    Create(Signed<Create>),
    /// Declare further files in a set, delete some of its objects, or both in one
    #[command(
        override_usage = "argosy asset-set update [OPTIONS] <BAG> <NAME> [FILE]... [--remove <ID>...]",
        after_help = "Example:\n  argosy asset-set update dynamic:channel:7 video-1 cover2.png --remove 13"
    )]
    Update(Signed<Update>),
    /// Delete a set and all its objects
    #[command(after_help = "Example:\n  argosy asset-set delete dynamic:channel:7 video-1")]
    Delete(Signed<Delete>),
}

impl AssetSetCommand {
    /// Whether standard output is for scripts.
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::Create(it) => it.json(),
            Self::Update(it) => it.json(),
            Self::Delete(it) => it.json(),
        }
    }
}

/// A set
#[derive(Clone, Debug, clap::Args)]
struct SetArg {
    /// Bag of a channel or a member, such as dynamic:channel:7
    #[arg(value_name = "BAG", value_parser = dynamic, add = ArgValueCandidates::new(complete::bags))]
    bag: DynamicBagId,
    /// Name of the set, unique in the bag: letters a-z, digits, and any of - _ .
    #[arg(value_name = "NAME")]
    name: String,
}

fn dynamic(text: &str) -> Result<DynamicBagId, &'static str> {
    match super::bag_id(text)? {
        BagId::Dynamic(bag) => Ok(bag),
        BagId::Static(_) => Err("asset sets are in bags of channels and members only"),
    }
}

impl SetArg {
    const fn role(&self) -> Role {
        Role::Editor(BagId::Dynamic(self.bag))
    }
}

/// A new set
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Create {
    #[command(flatten)]
    set: SetArg,
    /// Files that are declared
    #[arg(value_name = "FILE", required = true, num_args = 1..=MAX_OBJECTS_PER_CALL)]
    files: Vec<PathBuf>,
}

impl Plan for Create {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let upload = declaration(network, &self.files).await?;
        let (bag, name) = (self.set.bag, self.set.name.clone());
        Ok((self.set.role(), Call::Content(ContentCall::CreateAssetSet { bag, name, upload })))
    }

    async fn after(&self, _network: &Network, events: &[Event]) -> Outcome<Vec<String>> {
        Ok(upload_follows(&self.files, events))
    }
}

/// Another content
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Update {
    #[command(flatten)]
    set: SetArg,
    #[command(flatten)]
    change: Change,
}

/// What changes
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Change {
    /// Files that are declared
    #[arg(value_name = "FILE", num_args = 1..=MAX_OBJECTS_PER_CALL)]
    files: Vec<PathBuf>,
    /// Objects of the set that are deleted
    #[arg(long, value_name = "ID", num_args = 1..)]
    remove: Vec<DataObjectId>,
}

impl Plan for Update {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let upload = declaration(network, &self.change.files).await?;
        let (bag, name) = (self.set.bag, self.set.name.clone());
        let remove = self.change.remove.iter().copied().collect();
        Ok((self.set.role(), Call::Content(ContentCall::UpdateAssetSet { bag, name, upload, remove })))
    }

    async fn after(&self, _network: &Network, events: &[Event]) -> Outcome<Vec<String>> {
        Ok(upload_follows(&self.change.files, events))
    }
}

/// An end
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    set: SetArg,
}

impl Plan for Delete {
    async fn plan(&self, _network: &Network) -> Outcome<(Role, Call)> {
        let (bag, name) = (self.set.bag, self.set.name.clone());
        Ok((self.set.role(), Call::Content(ContentCall::DeleteAssetSet { bag, name })))
    }
}
