//! What a storage node fetches, drops and reports.

use crate::follow::Index;
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_domain::{
    BagId, ContentId, DataObjectId, ObjectSize, StorageBucketId, limits::MAX_HOLDING_EXCEPTIONS, num::to_u64,
};

/// How much a plan may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncLimits {
    /// Bytes that may still be taken on disk.
    pub room_bytes: u64,
    /// Most fetches to start now.
    pub max_fetches: usize,
}

/// An object to be fetched from the other storage nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Which object.
    pub id: DataObjectId,
    /// Proves its bytes.
    pub content_id: ContentId,
    /// Bytes.
    pub size: ObjectSize,
    /// Where it belongs.
    pub bag: BagId,
}

/// What to do now. A plan may be dropped at any time: the next one says what is still to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncPlan {
    /// To be fetched, in this order.
    pub fetch: Vec<Replica>,
    /// To be dropped, with whatever runs for them: the directory has deleted them.
    pub drop: Vec<DataObjectId>,
    /// Objects that are missing and neither running nor in `fetch`.
    pub postponed_count: u64,
    /// Whether some are postponed because there is no room for them.
    pub short_of_room: bool,
}

/// What a storage node has, by object id.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    /// Held whole and durably.
    pub complete: &'a BTreeSet<DataObjectId>,
    /// Partly on disk, whether anything is happening to them or not.
    pub partial: &'a BTreeSet<DataObjectId>,
    /// Being fetched or uploaded now, or resting after a failed attempt: not to be started again.
    pub running: &'a BTreeSet<DataObjectId>,
}

/// Compares what `buckets` must hold with what the node has.
///
/// A partial object that is not running is fetched like a missing one: the fill resumes it. Only
/// objects that the directory has deleted are dropped: never one that is pending, unknown, or merely
/// no longer ours. Blacklisted content is neither fetched nor dropped. Fetches alternate between the oldest acceptance and the smallest object, so that
/// many small ones do not starve a large one nor wait for it.
#[must_use]
pub fn plan_sync(
    index: &Index,
    buckets: &BTreeSet<StorageBucketId>,
    local: Local<'_>,
    limits: SyncLimits,
) -> SyncPlan {
    let on_disk: BTreeSet<DataObjectId> = local.complete.union(local.partial).copied().collect();
    let mut plan = SyncPlan {
        drop: on_disk.union(local.running).copied().filter(|id| index.was_deleted(*id)).collect(),
        ..SyncPlan::default()
    };
    let mut missing_count: u64 = 0;
    let mut oldest = Shortlist::new(limits.max_fetches);
    let mut smallest = Shortlist::new(limits.max_fetches);
    let mut seen = BTreeSet::new();
    for bucket in buckets {
        for (id, object) in index.obligations(*bucket) {
            if local.complete.contains(&id) || local.running.contains(&id) || !seen.insert(id) {
                continue;
            }
            if index.is_blacklisted(&object.content_id) {
                continue;
            }
            missing_count = missing_count.saturating_add(1);
            if object.size > limits.room_bytes {
                plan.short_of_room = true;
                continue;
            }
            oldest.offer(object.accepted.map_or(0, |accepted| accepted.height), id);
            smallest.offer(object.size, id);
        }
    }
    let mut room_bytes = limits.room_bytes;
    for id in alternate(oldest, smallest) {
        if plan.fetch.len() == limits.max_fetches {
            break;
        }
        let Some(object) = index.object(id) else { continue };
        match room_bytes.checked_sub(object.size) {
            Some(left) => {
                room_bytes = left;
                plan.fetch.push(Replica {
                    id,
                    content_id: object.content_id,
                    size: object.size,
                    bag: object.bag,
                });
            }
            None => plan.short_of_room = true,
        }
    }
    plan.postponed_count = missing_count.saturating_sub(to_u64(plan.fetch.len()));
    plan
}

/// The few candidates with the lowest keys.
struct Shortlist {
    bound: usize,
    lowest: BTreeSet<(u64, DataObjectId)>,
}

impl Shortlist {
    const fn new(bound: usize) -> Self {
        Self { bound, lowest: BTreeSet::new() }
    }

    fn offer(&mut self, key: u64, id: DataObjectId) {
        self.lowest.insert((key, id));
        if self.lowest.len() > self.bound {
            self.lowest.pop_last();
        }
    }
}

/// Takes from each in turn; an id comes once.
fn alternate(oldest: Shortlist, smallest: Shortlist) -> Vec<DataObjectId> {
    let mut taken = BTreeSet::new();
    let mut order = Vec::new();
    let mut second = smallest.lowest.into_iter();
    for (_, old) in oldest.lowest {
        for id in [Some(old), second.next().map(|(_, id)| id)].into_iter().flatten() {
            if taken.insert(id) {
                order.push(id);
            }
        }
    }
    order
}

/// What a bucket may truthfully say: it holds everything of its bags that was accepted at or below
/// `height`, except these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldingReport {
    /// At most the index's height.
    pub height: u64,
    /// At most [`MAX_HOLDING_EXCEPTIONS`].
    pub except: BTreeSet<DataObjectId>,
}

/// The strongest true report for one bucket, given the complete objects held.
///
/// With more missing objects than a report may except, its height goes back to just before the first
/// one that does not fit, so that the claim stays true and as strong as it can be.
#[must_use]
pub fn holding_report(
    index: &Index,
    bucket: StorageBucketId,
    held: &BTreeSet<DataObjectId>,
) -> HoldingReport {
    let mut height = index.height();
    let mut missing: BTreeSet<(u64, DataObjectId)> = BTreeSet::new();
    for (id, _) in index.obligations(bucket) {
        let Some(due) = index.due_height(bucket, id) else { continue };
        if held.contains(&id) || due > height {
            continue;
        }
        missing.insert((due, id));
        if missing.len() > MAX_HOLDING_EXCEPTIONS
            && let Some((first_left_out, _)) = missing.pop_last()
        {
            height = first_left_out.saturating_sub(1);
            missing.retain(|(due, _)| *due <= height);
        }
    }
    HoldingReport { height, except: missing.into_iter().map(|(_, id)| id).collect() }
}

/// Whether a report would tell the directory anything that it does not hold already.
///
/// Compares what the two claim of each object, never heights alone: each report makes a block, and a
/// report for every block would never end.
#[must_use]
pub fn should_report(index: &Index, bucket: StorageBucketId, report: &HoldingReport) -> bool {
    index.obligations(bucket).any(|(id, _)| {
        let Some(due) = index.due_height(bucket, id) else { return false };
        let claims =
            if report.height >= due { !report.except.contains(&id) } else { index.accepted_by(bucket, id) };
        claims != index.holds(bucket, id)
    })
}

#[cfg(test)]
mod tests;
