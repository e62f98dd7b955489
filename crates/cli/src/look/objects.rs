//! `argosy objects`.

use super::{
    Look, answer,
    format::{Fact, digits, ids, maybe, money, yes},
    list::{Bounds, Sheet, YesNo, gather, only_if},
};
use crate::{complete, failure::Outcome, text};
use argosy_api::directory::ObjectView;
use argosy_domain::{BagId, DataObjectId};
use clap_complete::ArgValueCandidates;

/// Show the objects of a bag
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy objects list --bag dynamic:channel:1
  argosy objects list --bag dynamic:channel:1 --accepted no --json")]
pub(crate) struct List {
    /// Bag of the objects
    #[arg(long, value_name = "BAG", add = ArgValueCandidates::new(complete::bags))]
    bag: Option<BagId>,
    /// Only objects that a storage bucket has accepted, or only others
    #[arg(long, value_enum)]
    accepted: Option<YesNo>,
    #[command(flatten)]
    bounds: Bounds<DataObjectId>,
}

/// Show one object
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy object show 0")]
pub(crate) struct Show {
    /// Data object
    #[arg(value_name = "ID")]
    id: DataObjectId,
}

pub(super) async fn list(look: &Look, args: List) -> Outcome<()> {
    let missing = || crate::failure::Failure::usage("name a bag with --bag, such as dynamic:channel:1");
    let bag = args.bag.ok_or_else(missing)?;
    let ask = async |wanted| look.reader.objects(&bag, &wanted).await;
    let passes = |object: &ObjectView| YesNo::fits(args.accepted, object.accepted.is_some());
    let filter = only_if(args.accepted.is_some(), &passes);
    let found = gather(&format!("bag {bag}"), args.bounds.limit(), args.bounds.from(), filter, ask).await?;
    look.print("objects", &found, sheet);
    Ok(())
}

pub(super) fn sheet(objects: &[ObjectView]) -> Sheet {
    let head = &["object", "size", "accepted", "held by", "content id"];
    Sheet::new(head, &[], objects, |object| {
        vec![
            object.id.to_string(),
            text::bytes(object.size),
            yes(object.accepted.is_some()),
            format!("{} of {}", object.holders.len(), object.storage_buckets.len()),
            object.content_id.to_string(),
        ]
    })
}

pub(super) async fn show(look: &Look, args: &Show) -> Outcome<()> {
    let id = args.id;
    let object = answer(&format!("object {id}"), look.network.directory.object(id).await)?;
    look.print_one(&object, |object| facts(object, look.is_mainnet()));
    Ok(())
}

pub(super) fn facts(object: &ObjectView, is_mainnet: bool) -> Vec<Fact> {
    let accepted = object
        .accepted
        .as_ref()
        .map(|first| format!("by storage bucket {}, block {}", first.bucket, first.height));
    vec![
        ("object", object.id.to_string()),
        ("content id", object.content_id.to_string()),
        ("size", format!("{} ({} bytes)", text::bytes(object.size), digits(object.size))),
        ("bag", object.bag.to_string()),
        ("accepted", accepted.unwrap_or_else(|| "no".to_owned())),
        ("moved into its bag", maybe(object.moved_height.map(|height| format!("block {height}")))),
        ("asset set", maybe(object.asset_set)),
        ("bond", money(object.bond, is_mainnet)),
        ("blacklisted", yes(object.blacklisted)),
        ("storage buckets", ids(&object.storage_buckets)),
        ("claim to hold it", ids(&object.holders)),
        ("distribution buckets", ids(&object.distribution_buckets)),
    ]
}
