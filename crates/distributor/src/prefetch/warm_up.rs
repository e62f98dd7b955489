//! What a warm-up has to fetch, in which order.

use crate::node::Node;
use argosy_api::DistributorClient;
use argosy_domain::{BagId, DataObjectId, WorkerId, WorkingGroup, num::to_usize};
use argosy_node_core::{
    follow::{Index, ObjectEntry},
    prefetch::{Candidate, MAX_CANDIDATES, MAX_REPORT_OBJECTS, MAX_WAITING, Report, merge_popularity},
    serve::{delivers, my_buckets},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;

/// Other distributors that are asked what is popular.
const MAX_PEERS: usize = 8;
/// How long one may take to tell.
const PATIENCE: Duration = Duration::from_secs(5);

/// Another distributor of this node's families.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Peer {
    endpoint: String,
    worker: WorkerId,
}

/// Objects that were accepted above `height` and are not here, the oldest blocks first; and the height up
/// to which this is so. Blocks the thread.
pub(super) fn accepted_above(node: &Node, height: u64) -> (u64, Vec<(u64, DataObjectId, BagId, u64)>) {
    let index = node.follower.index().clone();
    let mut found = Vec::new();
    for (id, object) in objects_of(&index, node) {
        let Some(accepted) = object.accepted.filter(|accepted| accepted.height > height) else { continue };
        if !node.store.contains(id) {
            found.push((accepted.height, id, object.bag, object.size));
        }
        // The oldest are kept; what is left out is told of by those that are just above.
        if found.len() >= 4 * MAX_WAITING {
            found.sort_unstable_by_key(|(height, id, ..)| (*height, *id));
            found.truncate(2 * MAX_WAITING);
        }
    }
    found.sort_unstable_by_key(|(height, id, ..)| (*height, *id));
    (index.height(), found)
}

/// Objects that this node delivers and does not hold: what is popular at others first, then the newest.
pub(super) async fn candidates(node: Arc<Node>) -> Vec<Candidate> {
    let looking = Arc::clone(&node);
    let Ok((missing, index)) = tokio::task::spawn_blocking(move || missing(&looking)).await else {
        return Vec::new();
    };
    if missing.is_empty() {
        return missing;
    }
    let peers = peers(&index, &node);
    let reports = ask(&node, peers).await;
    let ordered = tokio::task::spawn_blocking(move || in_order(&node, &index, missing, reports)).await;
    ordered.unwrap_or_default()
}

/// The newest [`MAX_CANDIDATES`] objects that are missing. Blocks the thread.
fn missing(node: &Node) -> (Vec<Candidate>, Index) {
    let index = node.follower.index().clone();
    let newest_first = |list: &mut Vec<Candidate>| {
        list.sort_unstable_by_key(|candidate| Reverse(candidate.id));
        list.truncate(MAX_CANDIDATES);
    };
    let mut missing = Vec::new();
    for (id, object) in objects_of(&index, node) {
        if object.accepted.is_none() || node.store.contains(id) {
            continue;
        }
        missing.push(Candidate { id, size: object.size });
        if missing.len() >= 2 * MAX_CANDIDATES {
            newest_first(&mut missing);
        }
    }
    newest_first(&mut missing);
    (missing, index)
}

/// The objects of all bags that this node delivers.
fn objects_of<'a>(
    index: &'a Index,
    node: &Node,
) -> impl Iterator<Item = (DataObjectId, ObjectEntry)> + use<'a> {
    let duty = node.duty.load_full();
    let bags = index.bags().filter(move |(_, bag)| delivers(index, &duty.assignment, *bag));
    bags.flat_map(|(_, bag)| bag.objects()).filter_map(|id| Some((id, index.object(id)?)))
}

/// Others of this node's families, in no order that anybody could choose.
fn peers(index: &Index, node: &Node) -> Vec<Peer> {
    let duty = node.duty.load();
    let mine = my_buckets(index, &duty.assignment);
    let families: BTreeSet<_> = mine.iter().map(|bucket| bucket.family).collect();
    let myself = duty.worker_id.map(WorkerId);
    let buckets = index.distribution_buckets().filter(|(id, _)| families.contains(&id.family));
    let operators = buckets.flat_map(|(_, entry)| &entry.operators);
    let endpoints: BTreeSet<Peer> = operators
        .filter(|(worker, _)| Some(**worker) != myself)
        .filter_map(|(worker, endpoint)| Some(Peer { endpoint: endpoint.clone()?, worker: *worker }))
        .collect();
    let mut peers: Vec<Peer> = endpoints.into_iter().collect();
    fastrand::shuffle(&mut peers);
    peers.truncate(MAX_PEERS);
    peers
}

/// What each of them says; those who say nothing in time are left out.
async fn ask(node: &Arc<Node>, peers: Vec<Peer>) -> Vec<(Peer, Report)> {
    let mut asked = JoinSet::new();
    for peer in peers {
        let client = DistributorClient::new(node.guarded.clone(), &peer.endpoint);
        let proofs = node.proofs.clone();
        asked.spawn(async move {
            if !proofs.is_proven(WorkingGroup::Distribution, peer.worker, &peer.endpoint).await {
                return None;
            }
            match tokio::time::timeout(PATIENCE, client.popular(MAX_REPORT_OBJECTS)).await {
                Ok(Ok(told)) => {
                    let counts = told.objects.into_iter().map(|object| (object.id, object.count));
                    Some((peer, Report::new(counts)))
                }
                Ok(Err(error)) => {
                    tracing::debug!(%error, "another distributor does not say what is popular");
                    None
                }
                Err(_) => None,
            }
        });
    }
    let mut reports: Vec<(Peer, Report)> = asked.join_all().await.into_iter().flatten().collect();
    reports.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    reports
}

/// Blocks the thread.
fn in_order(
    node: &Node,
    index: &Index,
    mut missing: Vec<Candidate>,
    told: Vec<(Peer, Report)>,
) -> Vec<Candidate> {
    let own = node.cache.hottest(MAX_REPORT_OBJECTS);
    let own = Report::new(own.into_iter().map(|(id, uses)| (id, u64::from(uses))));
    let mut voters: Vec<Option<String>> = vec![None];
    let mut reports = vec![own];
    for (peer, report) in told {
        voters.push(Some(peer.endpoint));
        reports.push(report);
    }
    // Which nodes deliver a bag is the same for all of its objects.
    let mut delivering: BTreeMap<BagId, BTreeSet<String>> = BTreeMap::new();
    let wanted: BTreeSet<DataObjectId> = missing.iter().map(|candidate| candidate.id).collect();
    for report in &reports {
        for bag in report.ids().filter_map(|id| index.object(id)).map(|object| object.bag) {
            delivering
                .entry(bag)
                .or_insert_with(|| index.distributors_of(&bag).into_iter().map(|it| it.endpoint).collect());
        }
    }
    let delivers = |at: usize, id: DataObjectId| {
        wanted.contains(&id)
            && match voters.get(at) {
                Some(Some(endpoint)) => index
                    .object(id)
                    .and_then(|object| delivering.get(&object.bag))
                    .is_some_and(|nodes| nodes.contains(endpoint)),
                Some(None) => true,
                None => false,
            }
    };
    let shares: BTreeMap<DataObjectId, u64> = merge_popularity(&reports, delivers).into_iter().collect();
    let share = |id| shares.get(&id).copied().unwrap_or(0);
    missing.sort_by_key(|candidate| (Reverse(share(candidate.id)), Reverse(candidate.id)));
    tracing::info!(
        objects = missing.len(),
        popular = shares.len(),
        told = voters.len().saturating_sub(to_usize(1)),
        "what to warm up with is known"
    );
    missing
}
