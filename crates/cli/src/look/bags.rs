//! `argosy bags list`.

use super::{
    Look,
    format::{ids, yes},
    list::{Bounds, Sheet, YesNo, gather, only_if},
};
use crate::{complete, failure::Outcome, text};
use argosy_api::directory::BagView;
use argosy_domain::{BagId, DistributionBucketId, DynamicBagId, StorageBucketId};
use clap_complete::ArgValueCandidates;

/// Show many bags
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy bags list
  argosy bags list --storage-bucket 0 --kind channel --empty no
  argosy bags list --from dynamic:channel:100 --limit 10 --json")]
pub(crate) struct List {
    /// Only bags that this storage bucket must keep
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::storage_buckets))]
    storage_bucket: Option<StorageBucketId>,
    /// Only bags that this distribution bucket must deliver
    #[arg(long, value_name = "FAMILY:INDEX", add = ArgValueCandidates::new(complete::distribution_buckets))]
    distribution_bucket: Option<DistributionBucketId>,
    /// Only bags of this kind
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only private bags, or only others
    #[arg(long, value_enum)]
    private: Option<YesNo>,
    /// Only bags without objects, or only others
    #[arg(long, value_enum)]
    empty: Option<YesNo>,
    #[command(flatten)]
    bounds: Bounds<BagId>,
}

/// What a bag belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// The council or a working group
    Static,
    Member,
    Channel,
}

impl Kind {
    const fn of(bag: &BagId) -> Self {
        match bag {
            BagId::Static(_) => Self::Static,
            BagId::Dynamic(DynamicBagId::Member(_)) => Self::Member,
            BagId::Dynamic(DynamicBagId::Channel(_)) => Self::Channel,
        }
    }
}

impl List {
    fn wants(&self, bag: &BagView) -> bool {
        self.kind.is_none_or(|kind| kind == Kind::of(&bag.id))
            && YesNo::fits(self.private, bag.private)
            && YesNo::fits(self.empty, bag.objects_number == 0)
    }

    const fn filters(&self) -> bool {
        self.kind.is_some() || self.private.is_some() || self.empty.is_some()
    }
}

pub(super) async fn list(look: &Look, args: List) -> Outcome<()> {
    let (storage, distribution) = (args.storage_bucket, args.distribution_bucket);
    let ask = async |wanted| look.reader.bags(&wanted, storage, distribution).await;
    let passes = |bag: &BagView| args.wants(bag);
    let filter = only_if(args.filters(), &passes);
    let found = gather("bags", args.bounds.limit(), args.bounds.from(), filter, ask).await?;
    look.print("bags", &found, sheet);
    Ok(())
}

pub(super) fn sheet(bags: &[BagView]) -> Sheet {
    let head = &["bag", "objects", "size", "private", "storage buckets", "distribution buckets"];
    Sheet::new(head, &["private"], bags, |bag| {
        vec![
            bag.id.to_string(),
            bag.objects_number.to_string(),
            text::bytes(bag.objects_total_size),
            yes(bag.private),
            ids(&bag.storage_buckets),
            ids(&bag.distribution_buckets),
        ]
    })
}
