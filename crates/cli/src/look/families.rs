//! `argosy families`.

use super::{
    Look, answer,
    format::{Fact, NONE, ids, maybe, value},
    list::{Bounds, Sheet, gather},
};
use crate::{complete, failure::Outcome};
use argosy_api::directory::FamilyView;
use argosy_domain::FamilyId;
use clap_complete::ArgValueCandidates;

/// Show many families
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy families list")]
pub(crate) struct List {
    #[command(flatten)]
    bounds: Bounds<FamilyId>,
}

/// Show one family with what its lead says of it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy family show 0")]
pub(crate) struct Show {
    /// Family of distribution buckets
    #[arg(value_name = "ID", add = ArgValueCandidates::new(complete::families))]
    id: FamilyId,
}

pub(super) async fn list(look: &Look, args: List) -> Outcome<()> {
    let ask = async |wanted| look.reader.families(&wanted).await;
    let found = gather("families", args.bounds.limit(), args.bounds.from(), None, ask).await?;
    look.print("families", &found, sheet);
    Ok(())
}

pub(super) fn sheet(families: &[FamilyView]) -> Sheet {
    Sheet::new(&["family", "region", "buckets", "description"], &[], families, |family| {
        vec![family.id.to_string(), said(family, "region"), ids(&family.buckets), said(family, "description")]
    })
}

fn said(family: &FamilyView, what: &str) -> String {
    let metadata = family.metadata.as_ref().and_then(|metadata| metadata.get(what));
    metadata.map_or_else(|| NONE.to_owned(), value)
}

pub(super) async fn show(look: &Look, args: &Show) -> Outcome<()> {
    let id = args.id;
    let family = answer(&format!("family {id}"), look.reader.family(id).await)?;
    look.print_one(&family, facts);
    Ok(())
}

pub(super) fn facts(family: &FamilyView) -> Vec<Fact> {
    let more = |what| family.metadata.as_ref().and_then(|metadata| metadata.get(what)).map(value);
    vec![
        ("family", family.id.to_string()),
        ("buckets", ids(&family.buckets)),
        ("region", said(family, "region")),
        ("description", said(family, "description")),
        ("areas", maybe(more("areas"))),
        ("latency test targets", maybe(more("latencyTestTargets"))),
    ]
}
