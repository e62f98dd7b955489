//! Whether a change takes the last copy of something: the directory knows who should hold an object,
//! the nodes know who does.

use super::effects::BagChange;
use crate::{
    failure::{Failure, Outcome},
    network::Network,
    screen,
};
use argosy_api::{StorageClient, Wanted, directory::ObjectView};
use argosy_domain::{BagId, DataObjectId, StorageBucketId};
use futures_util::{StreamExt as _, stream};
use std::{collections::BTreeMap, collections::BTreeSet};

/// Objects that are asked about at once.
const CONCURRENCY: usize = 32;
/// Objects that are named.
const NAMED: usize = 5;

/// An accepted object that no remaining bucket of its bag was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) bag: BagId,
    pub(crate) object: DataObjectId,
    /// Buckets to be removed that hold it, or may: their node does not answer.
    pub(crate) holders: Vec<StorageBucketId>,
}

/// What a node says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Yes,
    No,
    /// No node, or no answer.
    Unknown,
}

/// Objects whose last copy the changes would take: for each one, every bucket that stays is asked, and
/// if none of them has it, those that go.
pub(crate) async fn find(network: &Network, changes: &[BagChange], quiet: bool) -> Outcome<Vec<Loss>> {
    let buckets: Vec<_> = changes.iter().flat_map(|change| change.storage.before.iter().copied()).collect();
    let nodes: BTreeMap<_, _> = network
        .storage_nodes(&buckets)
        .await?
        .into_iter()
        .map(|node| (node.bucket, StorageClient::new(network.client.clone(), &node.url)))
        .collect();
    let mut losses = Vec::new();
    for change in changes {
        let objects = accepted_objects(network, change.bag).await?;
        let progress = screen::count(quiet, &format!("asking who holds {}", change.bag), objects.len());
        let found = stream::iter(objects.iter().map(|object| loss(&nodes, change, object)));
        let mut found = found.buffered(CONCURRENCY);
        while let Some(loss) = found.next().await {
            progress.inc(1);
            losses.extend(loss);
        }
        progress.finish_and_clear();
    }
    Ok(losses)
}

async fn accepted_objects(network: &Network, bag: BagId) -> Outcome<Vec<ObjectView>> {
    let (reader, mut wanted) = (network.directory.reader(), Wanted::default());
    let mut objects = Vec::new();
    loop {
        let page = reader.objects(&bag, &wanted).await;
        let page = page.map_err(|error| Failure::directory(&format!("bag {bag}"), &error))?;
        objects.extend(page.items.into_iter().filter(|object| object.accepted.is_some()));
        match page.next {
            Some(next) => wanted.from = Some(next),
            None => return Ok(objects),
        }
    }
}

async fn loss(
    nodes: &BTreeMap<StorageBucketId, StorageClient>,
    change: &BagChange,
    object: &ObjectView,
) -> Option<Loss> {
    let (before, after) = (&change.storage.before, &change.storage.after);
    for bucket in before.intersection(after) {
        if held(nodes.get(bucket), object).await == Held::Yes {
            return None;
        }
    }
    let mut holders = Vec::new();
    for bucket in before.difference(after) {
        if held(nodes.get(bucket), object).await != Held::No {
            holders.push(*bucket);
        }
    }
    // Nobody has it: then it is lost already, and not by this.
    (!holders.is_empty()).then_some(Loss { bag: change.bag, object: object.id, holders })
}

/// Whole and of the right size: `HEAD` does not read it.
async fn held(node: Option<&StorageClient>, object: &ObjectView) -> Held {
    let Some(node) = node else { return Held::Unknown };
    match node.head_file(object.id).await {
        Ok(head) if head.size == Some(object.size) => Held::Yes,
        Ok(_) => Held::No,
        Err(error) if error.is_not_found() => Held::No,
        Err(_) => Held::Unknown,
    }
}

/// What is lost, in one line.
pub(crate) fn describe(losses: &[Loss]) -> String {
    let bags: BTreeSet<_> = losses.iter().map(|loss| loss.bag).collect();
    let named: Vec<_> = losses
        .iter()
        .take(NAMED)
        .map(|loss| {
            let holders: Vec<_> = loss.holders.iter().map(ToString::to_string).collect();
            format!("object {} of {} (held by {} only)", loss.object, loss.bag, holders.join(", "))
        })
        .collect();
    let more = losses.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (objects, bags) = (losses.len(), bags.len());
    format!(
        "{objects} accepted {} in {bags} {} would lose the last known holder: {}{more}",
        if objects == 1 { "object" } else { "objects" },
        if bags == 1 { "bag" } else { "bags" },
        named.join(", "),
    )
}
