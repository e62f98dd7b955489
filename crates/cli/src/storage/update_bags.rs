//! `update-bags`: the same buckets for several bags, together or each on its own.

use super::{
    args::{ColossusArgs, bag_id, buckets},
    bag_json,
    leader::LeaderCommand,
};
use crate::{
    complete,
    failure::{Failure, Outcome},
    screen,
    send::Session,
};
use argosy_directory::{BatchCall, BatchMode, Call, Event, StorageCall};
use argosy_domain::{BagId, StorageBucketId, limits::MAX_BATCH_CALLS, num::to_u64};
use clap_complete::ArgValueCandidates;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ALL_DONE: &str = "All extrinsic calls in the batch Tx succeeded!"; // Colossus says so.
const SOME_FAILED: &str = "Following extrinsic calls in the batch Tx failed:"; // Colossus says so.

/// How bags are called; several lines, as Colossus' help has them.
const BAG_ID_FORMS: &str = "\
Bag ID. Format: {bag_type}:{sub_type}:{id}.
  - Bag types: 'static', 'dynamic'
  - Sub types: 'static:council', 'static:wg', 'dynamic:member', 'dynamic:channel'
  - Id:
    - absent for 'static:council'
    - working group name for 'static:wg'
    - integer for 'dynamic:member' and 'dynamic:channel'
  Examples:
  - static:council
  - static:wg:storage
  - dynamic:member:4";

/// Add/remove a storage bucket/s from a bag/s. If multiple bags are provided, then the same input bucket ID/s would be added/removed from all bags.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  argosy storage leader update-bags -i dynamic:channel:1 dynamic:channel:2 -a 3 -r 0,1\n  argosy storage leader update-bags -i static:council -a 0 -s force"
)]
pub(crate) struct UpdateBagsArgs {
    /// Comma separated list of bucket IDs to add to all bag/s
    #[arg(short, long, value_name = "add")]
    add: Option<String>,
    #[arg(short = 'i', long = "bagIds", alias = "bag-ids", value_name = "bagIds", num_args = 1.., required = true, help = BAG_ID_FORMS, add = ArgValueCandidates::new(complete::bags))]
    bags: Vec<String>,
    /// Comma separated list of bucket IDs to remove from all bag/s
    #[arg(short, long, value_name = "remove")]
    remove: Option<String>,
    /// Update strategy to use. Either "atomic" (all bags or none) or "force" (each bag on its own).
    #[arg(
        short = 's',
        long = "updateStrategy",
        alias = "update-strategy",
        value_name = "updateStrategy",
        default_value = "atomic"
    )]
    strategy: Strategy,
    #[command(flatten)]
    pub(super) common: ColossusArgs,
}

/// Whether the updates stand and fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Strategy {
    Atomic,
    Force,
}

/// What is wanted, once the flags are understood.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    bags: BTreeSet<BagId>,
    add: BTreeSet<StorageBucketId>,
    remove: BTreeSet<StorageBucketId>,
    mode: BatchMode,
}

impl UpdateBagsArgs {
    /// Reads the flags.
    pub(super) fn wanted(&self) -> Outcome<Wanted> {
        let (add, remove) = (buckets(self.add.as_deref())?, buckets(self.remove.as_deref())?);
        let bags: BTreeSet<_> = self.bags.iter().map(|text| bag_id(text)).collect::<Outcome<_>>()?;
        if add.is_empty() && remove.is_empty() {
            return Err(Failure::usage("No bucket ID provided."));
        }
        if bags.len() > MAX_BATCH_CALLS {
            return Err(Failure::usage(format!(
                "{} bags are more than one transaction can change: name at most {MAX_BATCH_CALLS}",
                bags.len()
            )));
        }
        let mode = match self.strategy {
            Strategy::Atomic => BatchMode::AllOrNothing,
            Strategy::Force => BatchMode::EachOnItsOwn,
        };
        Ok(Wanted { bags, add, remove, mode })
    }
}

/// Looks whether all bags and buckets exist, sends, and tells what happened to each bag.
pub(super) async fn run(session: &Session, wanted: Wanted) -> Outcome<()> {
    ensure_known(session, &wanted).await?;
    let Wanted { bags, add, remove, mode } = wanted;
    let calls = bags.iter().map(|bag| {
        Call::Storage(StorageCall::UpdateStorageBucketsForBag {
            bag: *bag,
            add: add.clone(),
            remove: remove.clone(),
        })
    });
    let call = Call::Batch(BatchCall { mode, calls: calls.collect() });
    let Some(done) = session.send(LeaderCommand::ROLE, call).await? else { return Ok(()) };
    let results: Vec<_> = bags.iter().zip(results(&done.events, bags.len())).collect();
    let ids = |ids: &BTreeSet<StorageBucketId>| ids.iter().map(|id| id.0).collect::<Vec<_>>();
    let failed: Vec<Value> = results
        .iter()
        .filter_map(|(bag, error)| {
            let args = json!([bag_json(bag), ids(&add), ids(&remove)]).to_string();
            error.as_ref().map(|error| json!({"args": args, "error": error}))
        })
        .collect();
    for (bag, error) in &results {
        let what = error.as_deref().unwrap_or("updated");
        screen::note(&format!("{bag}: {what}"));
    }
    if failed.is_empty() {
        screen::note(ALL_DONE);
    } else {
        let list = serde_json::to_string_pretty(&failed).unwrap_or_default();
        screen::note(&format!("{SOME_FAILED}\n {list}"));
    }
    if session.json() {
        let bags: Vec<_> =
            results.iter().map(|(bag, error)| json!({"bag": bag.to_string(), "error": error})).collect();
        screen::json(&done.json(json!({ "bags": bags })));
    }
    Ok(())
}

async fn ensure_known(session: &Session, wanted: &Wanted) -> Outcome<()> {
    let directory = &session.network.directory;
    for bag in &wanted.bags {
        match directory.bag(bag).await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => {
                return Err(Failure::usage(format!("Bag with ID {} does not exist", bag_json(bag))));
            }
            Err(error) => return Err(Failure::directory(&format!("bag {bag}"), &error)),
        }
    }
    for (what, buckets) in [("Add", &wanted.add), ("Remove", &wanted.remove)] {
        for bucket in buckets {
            match directory.reader().storage_bucket(*bucket).await {
                Ok(_) => {}
                Err(error) if error.is_not_found() => {
                    return Err(Failure::usage(format!(
                        "{what} Bucket input with ID {bucket} does not exist"
                    )));
                }
                Err(error) => return Err(Failure::directory(&format!("bucket {bucket}"), &error)),
            }
        }
    }
    Ok(())
}

/// Why each of `count` calls of a batch failed, if it did.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these events are about calls of a batch")]
pub(super) fn results(events: &[Event], count: usize) -> Vec<Option<String>> {
    let told = |wanted: usize| {
        events.iter().find_map(|event| match event {
            Event::BatchItemCompleted { index } if u64::from(*index) == to_u64(wanted) => Some(None),
            Event::BatchItemFailed { index, reject } if u64::from(*index) == to_u64(wanted) => {
                Some(Some(format!("{} ({})", reject, reject.code())))
            }
            _ => None,
        })
    };
    (0..count).map(|at| told(at).unwrap_or_else(|| Some("Interrupted".to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_directory::Reject;

    #[test]
    fn each_call_of_a_batch_has_its_result() {
        let reject = Reject::StorageBucketIsBoundToBag;
        let events = [
            Event::BatchItemCompleted { index: 0 },
            Event::UploadingBlockStatusUpdated { blocked: true },
            Event::BatchItemFailed { index: 1, reject },
        ];
        let results = results(&events, 3);
        assert_eq!(results[0], None);
        assert!(results[1].as_ref().unwrap().contains(reject.code()));
        assert_eq!(results[2].as_deref(), Some("Interrupted"));
    }
}
