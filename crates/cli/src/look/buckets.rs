//! `argosy buckets`: storage buckets and distribution buckets.

use super::{
    Look, answer,
    format::{Fact, NONE, digits, endpoint, maybe, members, on, operator, when, yes},
    list::{Bounds, Found, OnOff, Sheet, YesNo, gather},
};
use crate::{
    complete,
    failure::{Failure, Outcome},
    screen, text,
};
use argosy_api::directory::{DistributionBucketView, OperatorView, StorageBucketView, query::AnyBucket};
use argosy_domain::{FamilyId, WorkerId};
use clap_complete::ArgValueCandidates;
use serde_json::json;

/// Show many buckets
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy buckets list
  argosy buckets list storage --accepting yes
  argosy buckets list distribution --family 0 --mode on
  argosy buckets list --without-operator")]
pub(crate) struct List {
    /// Only buckets of this kind
    #[arg(value_enum)]
    kind: Option<Kind>,
    /// Only distribution buckets of this family
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::families))]
    family: Option<FamilyId>,
    /// Only buckets that this worker operates or is invited to
    #[arg(long, value_name = "WORKER", add = ArgValueCandidates::new(complete::workers))]
    operator: Option<WorkerId>,
    /// Only buckets that nobody operates or is invited to
    #[arg(long, conflicts_with = "operator")]
    without_operator: bool,
    /// Only buckets that take new bags, or only others
    #[arg(long, value_enum)]
    accepting: Option<YesNo>,
    /// Only distribution buckets that are on, or off
    #[arg(long, value_enum)]
    mode: Option<OnOff>,
    #[command(flatten)]
    bounds: Bounds<AnyBucket>,
}

/// Show one bucket with its operators
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy bucket show 0
  argosy bucket show 0:1")]
pub(crate) struct Show {
    /// Storage bucket, or distribution bucket as family:index
    #[arg(value_name = "ID", add = ArgValueCandidates::new(complete::buckets))]
    id: AnyBucket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Storage,
    Distribution,
}

impl List {
    /// The kind that is meant, by name or by a filter that only one kind has.
    fn kind(&self) -> Outcome<Option<Kind>> {
        let by_filter = (self.family.is_some() || self.mode.is_some()).then_some(Kind::Distribution);
        let by_place = self.bounds.from().map(|from| match from {
            AnyBucket::Storage(_) => Kind::Storage,
            AnyBucket::Distribution(_) => Kind::Distribution,
        });
        let mut kinds = [self.kind, by_filter, by_place].into_iter().flatten();
        let kind = kinds.next();
        match kinds.find(|other| Some(*other) != kind) {
            Some(_) => {
                Err(Failure::usage("--family, --mode and --from fit only one kind of bucket: name that one"))
            }
            None => Ok(kind),
        }
    }

    fn wants_operators(&self, operators: &[OperatorView]) -> bool {
        self.operator.is_none_or(|worker| operators.iter().any(|operator| operator.worker == worker))
            && (operators.is_empty() || !self.without_operator)
    }

    fn wants_storage(&self, bucket: &StorageBucketView) -> bool {
        self.wants_operators(bucket.operator.as_slice())
            && YesNo::fits(self.accepting, bucket.accepting_new_bags)
    }

    fn wants_distribution(&self, bucket: &DistributionBucketView) -> bool {
        self.wants_operators(&bucket.operators)
            && YesNo::fits(self.accepting, bucket.accepting_new_bags)
            && OnOff::fits(self.mode, bucket.distributing)
            && self.family.is_none_or(|family| family == bucket.id.family)
    }
}

pub(super) async fn list(look: &Look, args: List) -> Outcome<()> {
    let kind = args.kind()?;
    let wants = |this| kind.is_none_or(|kind| kind == this);
    let storage =
        if wants(Kind::Storage) { list_storage(look, &args).await? } else { Found::whole(Vec::new()) };
    let distribution = if wants(Kind::Distribution) {
        list_distribution(look, &args).await?
    } else {
        Found::whole(Vec::new())
    };
    if look.json {
        // One array, as everywhere; a colon in its id tells which kind a bucket is of.
        let mut all: Vec<_> = storage.items.iter().map(|bucket| json!(bucket)).collect();
        all.extend(distribution.items.iter().map(|bucket| json!(bucket)));
        screen::json(&all);
    } else {
        let both = !storage.items.is_empty() && !distribution.items.is_empty();
        let none = storage.items.is_empty() && distribution.items.is_empty();
        storage_sheet(&storage.items).print();
        if both {
            screen::say("");
        }
        distribution_sheet(&distribution.items).print();
        if none {
            screen::note("no buckets");
        }
    }
    look.tell_more("storage buckets", storage.next.as_deref());
    look.tell_more("distribution buckets", distribution.next.as_deref());
    Ok(())
}

async fn list_storage(look: &Look, args: &List) -> Outcome<Found<StorageBucketView>> {
    let from = args.bounds.from().and_then(|from| match from {
        AnyBucket::Storage(id) => Some(id),
        AnyBucket::Distribution(_) => None,
    });
    let filter: &dyn Fn(&StorageBucketView) -> bool = &|bucket| args.wants_storage(bucket);
    let ask = async |wanted| look.reader.storage_buckets(&wanted).await;
    gather("storage buckets", args.bounds.limit(), from, Some(filter), ask).await
}

async fn list_distribution(look: &Look, args: &List) -> Outcome<Found<DistributionBucketView>> {
    let from = args.bounds.from().and_then(|from| match from {
        AnyBucket::Storage(_) => None,
        AnyBucket::Distribution(id) => Some(id),
    });
    let filter: &dyn Fn(&DistributionBucketView) -> bool = &|bucket| args.wants_distribution(bucket);
    let ask = async |wanted| look.reader.distribution_buckets(&wanted).await;
    gather("distribution buckets", args.bounds.limit(), from, Some(filter), ask).await
}

pub(super) fn storage_sheet(buckets: &[StorageBucketView]) -> Sheet {
    let head = &["storage", "operator", "accepting", "bags", "objects", "size", "endpoint"];
    Sheet::new(head, &["objects", "bags"], buckets, |bucket| {
        vec![
            bucket.id.to_string(),
            bucket.operator.as_ref().map_or_else(|| "none".to_owned(), operator),
            yes(bucket.accepting_new_bags),
            bucket.assigned_bags.to_string(),
            format!("{} of {}", bucket.objects_used, bucket.objects_limit),
            format!("{} of {}", text::bytes(bucket.size_used), text::bytes(bucket.size_limit)),
            bucket.operator.as_ref().map_or_else(|| NONE.to_owned(), endpoint),
        ]
    })
}

pub(super) fn distribution_sheet(buckets: &[DistributionBucketView]) -> Sheet {
    let head = &["distribution", "operators", "accepting", "mode", "bags", "endpoints"];
    Sheet::new(head, &["bags"], buckets, |bucket| {
        let each = |write: fn(&OperatorView) -> String, none: &str| {
            let all: Vec<_> = bucket.operators.iter().map(write).collect();
            if all.is_empty() { none.to_owned() } else { all.join("; ") }
        };
        vec![
            bucket.id.to_string(),
            each(operator, "none"),
            yes(bucket.accepting_new_bags),
            on(bucket.distributing),
            bucket.assigned_bags.to_string(),
            each(endpoint, NONE),
        ]
    })
}

pub(super) async fn show(look: &Look, args: &Show) -> Outcome<()> {
    match args.id {
        AnyBucket::Storage(id) => {
            let bucket = look.reader.storage_bucket(id).await;
            let bucket = answer(&format!("storage bucket {id}"), bucket)?;
            look.print_one(&bucket, |bucket| storage_facts(bucket, look.now_ms));
        }
        AnyBucket::Distribution(id) => {
            let bucket = look.reader.distribution_bucket(id).await;
            let bucket = answer(&format!("distribution bucket {id}"), bucket)?;
            look.print_one(&bucket, |bucket| distribution_facts(bucket, look.now_ms));
        }
    }
    Ok(())
}

pub(super) fn storage_facts(bucket: &StorageBucketView, now_ms: u64) -> Vec<Fact> {
    let part = |used: u64, limit: u64| format!("{} of {}", digits(used), digits(limit));
    let mut facts = vec![
        ("storage bucket", bucket.id.to_string()),
        ("accepting new bags", yes(bucket.accepting_new_bags)),
        ("bags", digits(bucket.assigned_bags)),
        ("objects", part(bucket.objects_used, bucket.objects_limit)),
        ("size", format!("{} of {}", text::bytes(bucket.size_used), text::bytes(bucket.size_limit))),
        ("bytes", part(bucket.size_used, bucket.size_limit)),
        ("holdings reported at block", maybe(bucket.holdings_height)),
        ("excepted in that report", digits(bucket.holdings_except_count)),
    ];
    match &bucket.operator {
        Some(operator) => facts.extend(operator_facts(operator, now_ms)),
        None => facts.push(("operator", "none".to_owned())),
    }
    facts
}

pub(super) fn distribution_facts(bucket: &DistributionBucketView, now_ms: u64) -> Vec<Fact> {
    let mut facts = vec![
        ("distribution bucket", bucket.id.to_string()),
        ("family", bucket.id.family.to_string()),
        ("accepting new bags", yes(bucket.accepting_new_bags)),
        ("mode", on(bucket.distributing)),
        ("bags", digits(bucket.assigned_bags)),
    ];
    if bucket.operators.is_empty() {
        facts.push(("operator", "none".to_owned()));
    }
    facts.extend(bucket.operators.iter().flat_map(|operator| operator_facts(operator, now_ms)));
    facts
}

fn operator_facts(view: &OperatorView, now_ms: u64) -> Vec<Fact> {
    let mut facts = vec![("operator", operator(view)), ("endpoint", endpoint(view))];
    facts.extend(view.transactor.map(|account| ("transactor", account.to_string())));
    facts.extend(view.leaves_ms.map(|leaves_ms| ("leaves", when(leaves_ms, now_ms))));
    facts.extend(view.metadata.as_ref().map(|metadata| ("metadata", members(metadata))));
    facts
}
