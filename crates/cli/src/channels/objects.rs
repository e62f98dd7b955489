//! Data objects, without their bytes.

use super::{BagArg, bag_id, declaration, permit::Permit, upload_follows};
use crate::{
    failure::Outcome,
    network::Network,
    send::Role,
    signed::{Plan, Signed},
};
use argosy_directory::{Call, ContentCall, Event};
use argosy_domain::{BagId, DataObjectId, limits::MAX_OBJECTS_PER_CALL};
use std::path::PathBuf;

/// Declare, delete and move data objects
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ObjectCommand {
    /// Declare files in a bag (its owner or a collaborator). Prints the ids of the objects
    ///
    /// Nothing is uploaded: `argosy put FILE --object ID` does that. `argosy put` alone does both.
    #[command(
        after_help = "Examples:\n  argosy object declare dynamic:channel:7 talk.mp4\n  argosy object declare dynamic:channel:7 new.mp4 --remove 12"
    )]
    Declare(Signed<Declare>),
    /// Delete objects of a bag in one transaction (its owner or a collaborator)
    #[command(after_help = "Example:\n  argosy object delete dynamic:channel:7 12 13")]
    Delete(Signed<Delete>),
    /// Move objects into another bag (the owner of both, or a collaborator)
    #[command(
        after_help = "Example:\n  argosy object move 12 13 --from dynamic:channel:7 --to dynamic:channel:8"
    )]
    Move(Signed<Move>),
    /// Print URLs by which an object of a private bag can be read for a while (its owner or a collaborator)
    ///
    /// Nothing is sent: the permit is signed here, and the nodes check it.
    #[command(
        after_help = "Examples:\n  argosy object permit 12 --expires 2h\n  argosy object permit 12 --bag --expires 7d --json"
    )]
    Permit(Permit),
}

/// Files
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Declare {
    #[command(flatten)]
    bag: BagArg,
    /// Files that are declared
    #[arg(value_name = "FILE", required = true, num_args = 1..=MAX_OBJECTS_PER_CALL)]
    files: Vec<PathBuf>,
    /// Objects that are deleted in the same transaction
    #[arg(long, value_name = "ID", num_args = 1..)]
    remove: Vec<DataObjectId>,
}

impl Plan for Declare {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let (bag, upload) = (self.bag.bag, declaration(network, &self.files).await?);
        let call = if self.remove.is_empty() {
            ContentCall::UploadDataObjects { bag, upload }
        } else {
            let remove = self.remove.iter().copied().collect();
            ContentCall::UploadAndDeleteDataObjects { bag, upload, remove }
        };
        Ok((Role::Editor(bag), Call::Content(call)))
    }

    async fn after(&self, _network: &Network, events: &[Event]) -> Outcome<Vec<String>> {
        Ok(upload_follows(&self.files, events))
    }
}

/// Objects that go
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    bag: BagArg,
    /// Ids of the objects
    #[arg(value_name = "ID", required = true)]
    objects: Vec<DataObjectId>,
}

impl Plan for Delete {
    async fn plan(&self, _network: &Network) -> Outcome<(Role, Call)> {
        let (bag, objects) = (self.bag.bag, self.objects.iter().copied().collect());
        Ok((Role::Editor(bag), Call::Content(ContentCall::DeleteDataObjects { bag, objects })))
    }
}

/// Objects that move
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Move {
    /// Ids of the objects
    #[arg(value_name = "ID", required = true)]
    objects: Vec<DataObjectId>,
    /// Bag that they are in
    #[arg(long, value_name = "BAG", value_parser = bag_id)]
    from: BagId,
    /// Bag that they shall be in
    #[arg(long, value_name = "BAG", value_parser = bag_id)]
    to: BagId,
}

impl Plan for Move {
    async fn plan(&self, _network: &Network) -> Outcome<(Role, Call)> {
        let (source, destination) = (self.from, self.to);
        let objects = self.objects.iter().copied().collect();
        let call = ContentCall::MoveDataObjects { source, destination, objects };
        Ok((Role::Editor(source), Call::Content(call)))
    }
}
