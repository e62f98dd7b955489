//! `argosy storage util`: what needs no signature.

mod archives;
mod cleanup;
mod fetch;
mod multihash;

use super::{args::bag_id, bag_json, end};
use crate::{
    failure::{Failure, Outcome},
    network::DirectoryArgs,
    program::Program,
    screen,
};
use argosy_api::{DirectoryReader, Wanted, directory::ObjectView};
use argosy_domain::BagId;
use serde_json::json;
use std::process::ExitCode;

/// Commands that sign nothing: hashes, bag ids, files of a bucket
#[derive(Debug, clap::Subcommand)]
pub(crate) enum UtilCommand {
    Cleanup(Box<cleanup::CleanupArgs>),
    FetchBucket(fetch::FetchArgs),
    Multihash(multihash::MultihashArgs),
    SearchArchives(archives::SearchArgs),
    VerifyBagId(VerifyBagIdArgs),
}

/// The command verifies bag id supported by the storage node.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy storage util verify-bag-id -i dynamic:channel:7")]
pub(crate) struct VerifyBagIdArgs {
    /// Bag ID, such as static:council, static:wg:storage, dynamic:member:4 or dynamic:channel:7
    #[arg(short = 'i', long = "bagId", alias = "bag-id", value_name = "bagId")]
    bag: String,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl UtilCommand {
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Cleanup(args) => args.json,
            Self::FetchBucket(args) => args.json,
            Self::Multihash(args) => args.json,
            // Its own flag prints several lines; a failure does not belong in between.
            Self::SearchArchives(_) => false,
            Self::VerifyBagId(args) => args.json,
        }
    }
}

pub(super) async fn run(
    directory: &DirectoryArgs,
    program: Program,
    command: UtilCommand,
) -> Outcome<ExitCode> {
    match command {
        UtilCommand::Cleanup(args) => cleanup::run(directory, *args).await?,
        UtilCommand::FetchBucket(args) => return Ok(end(program, fetch::run(directory, args).await?)),
        UtilCommand::Multihash(args) => multihash::run(args).await?,
        UtilCommand::SearchArchives(args) => archives::run(&args)?,
        UtilCommand::VerifyBagId(args) => verify_bag_id(program, &args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Colossus says it in its log, which is standard error.
fn verify_bag_id(program: Program, args: &VerifyBagIdArgs) -> Outcome<()> {
    let bag = bag_id(&args.bag)?;
    let line = format!("Parsed: {}", bag_json(&bag));
    if args.json {
        screen::json(&json!({"bagId": bag.to_string(), "parsed": bag_json(&bag)}));
    } else if program == Program::Colossus {
        screen::note(&line);
    } else {
        screen::say(&line);
    }
    Ok(())
}

/// All objects of a bag, in the order of their ids.
async fn objects(reader: &DirectoryReader, bag: &BagId) -> Outcome<Vec<ObjectView>> {
    let mut wanted = Wanted::default();
    let mut objects = Vec::new();
    loop {
        let page = reader.objects(bag, &wanted).await;
        let page = page.map_err(|error| Failure::directory(&format!("bag {bag}"), &error))?;
        objects.extend(page.items);
        match page.next {
            Some(next) => wanted.from = Some(next),
            None => return Ok(objects),
        }
    }
}
