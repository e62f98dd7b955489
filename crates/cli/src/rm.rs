//! `argosy rm`: deletes one's own object.

use crate::{
    failure::{Failure, Outcome},
    network::{DevKey, DirectoryArgs, Network},
    screen,
};
use argosy_directory::{Call, ContentCall};
use argosy_domain::DataObjectId;
use serde::Serialize;
use std::process::ExitCode;

/// Delete data objects of one's own
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy rm 0")]
pub(crate) struct RmArgs {
    /// Ids of the objects
    #[arg(value_name = "ID", required = true)]
    ids: Vec<DataObjectId>,
    /// Key of the owner
    #[arg(long, value_name = "//NAME", default_value = "//Alice")]
    key: DevKey,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Serialize)]
struct Deleted {
    deleted: Vec<String>,
}

pub(crate) async fn run(directory: &DirectoryArgs, args: RmArgs) -> Outcome<ExitCode> {
    let network = Network::connect(directory).await?;
    let submitter = network.submitter(&args.key);
    // All are looked up first: a wrong id among them deletes nothing.
    let mut objects = Vec::with_capacity(args.ids.len());
    for id in &args.ids {
        objects.push(network.object(*id).await?);
    }
    let mut deleted = Vec::new();
    for object in objects {
        let id = object.id;
        let call = ContentCall::DeleteDataObjects { bag: object.bag, objects: [id].into() };
        submitter
            .submit(Call::Content(call))
            .await
            .map_err(|error| Failure::submit(&format!("object {id}, signed by {}", args.key.uri), &error))?;
        if !args.json {
            screen::say(&format!("object {id} is deleted; its nodes drop it as they hear of it"));
        }
        deleted.push(id.to_string());
    }
    if args.json {
        screen::json(&Deleted { deleted });
    }
    Ok(ExitCode::SUCCESS)
}
