//! Since when things are so, by the GraphQL index of the directory node.
//!
//! The state says what is; only the transactions and blocks say since when. What the index does not
//! reach back to is not known.

use super::{super::Look, Bag};
use crate::calendar;
use argosy_api::directory::{DistributionBucketView, ObjectView, OperatorStatus, OperatorView};
use argosy_domain::{DistributionBucketId, StorageBucketId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Most transactions of a kind that are looked through, the newest first.
const MAX_LOOKED_AT: u32 = 1_000;

const QUERY: &str = "query ($bag: String!, $signers: [String!], $most: Int!) {
  kept: storageBucketBags(where: {bag: {id_eq: $bag}}, limit: $most) { storageBucket { id } assignedInBlock }
  delivered: distributionBucketBags(where: {bag: {id_eq: $bag}}, limit: $most) {
    distributionBucket { id } assignedInBlock
  }
  reports: transactions(
    where: {call_eq: \"storage.reportHoldings\", success_eq: true, signer_in: $signers}
    orderBy: [height_DESC, indexInBlock_DESC], limit: $most
  ) { timestamp arguments }
  changes: transactions(
    where: {success_eq: true, call_in: [
      \"distribution.updateDistributionBucketMode\", \"distribution.acceptDistributionBucketInvitation\",
      \"batch.allOrNothing\", \"batch.eachOnItsOwn\"
    ]}
    orderBy: [height_DESC, indexInBlock_DESC], limit: $most
  ) { timestamp arguments call }
}";

const TIMES: &str = "query ($heights: [Int!], $most: Int!) {
  blocks(where: {height_in: $heights}, limit: $most) { height timestamp }
}";

/// A claim of a storage bucket to hold everything up to a height, but for some objects.
#[derive(Debug)]
struct Report {
    time_ms: u64,
    height: u64,
    except: BTreeSet<String>,
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Since {
    /// Heights of the bag's assignments.
    kept: BTreeMap<StorageBucketId, u64>,
    delivered: BTreeMap<DistributionBucketId, u64>,
    /// By bucket, the newest first.
    reports: BTreeMap<StorageBucketId, Vec<Report>>,
    /// When a bucket was last switched on.
    switched_on: BTreeMap<DistributionBucketId, u64>,
    /// When a worker last became a bucket's operator.
    joined: BTreeMap<(DistributionBucketId, String), u64>,
    /// Times of blocks.
    times: BTreeMap<u64, u64>,
}

pub(super) async fn read(look: &Look, bag: &Bag) -> Result<Since, String> {
    let operators = bag.storage.iter().filter_map(|bucket| bucket.operator.as_ref());
    let signers: BTreeSet<_> = operators.filter_map(|it| it.transactor).map(|it| it.to_string()).collect();
    let variables = json!({"bag": bag.view.id.to_string(), "signers": signers, "most": MAX_LOOKED_AT});
    let ask = async |query: &str, variables| {
        look.reader.graphql(query, variables).await.map_err(|error| error.to_string())
    };
    let mut since = Since::of(&ask(QUERY, variables).await?);
    let accepted = bag.objects.iter().filter_map(|object| object.accepted.as_ref());
    let mut heights: BTreeSet<u64> = accepted.map(|accepted| accepted.height).collect();
    heights.extend(bag.objects.iter().filter_map(|object| object.moved_height));
    heights.extend(since.kept.values().chain(since.delivered.values()));
    // Every row has at most two heights of its own, and a list of GraphQL no more than 10 000.
    let heights: Vec<u64> = heights.into_iter().collect();
    for some in heights.chunks(MAX_HEIGHTS) {
        since.add_times(&ask(TIMES, json!({"heights": some, "most": MAX_HEIGHTS})).await?);
    }
    Ok(since)
}

/// Heights whose times are asked for at once.
const MAX_HEIGHTS: usize = 5_000;

fn rows<'a>(data: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    data[name].as_array().into_iter().flatten()
}

fn time(row: &Value) -> Option<u64> {
    row["timestamp"].as_str().and_then(calendar::utc_ms)
}

/// An id or number as GraphQL or a call's arguments write it.
fn plain(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|number| number.to_string()))
}

/// `family:index`, or `{family, index}`.
fn distribution_bucket(value: &Value) -> Option<DistributionBucketId> {
    value.as_str()?.parse().ok()
}

impl Since {
    fn of(data: &Value) -> Self {
        let mut since = Self::default();
        for row in rows(data, "kept") {
            let bucket = plain(&row["storageBucket"]["id"]).and_then(|id| id.parse().ok());
            since.kept.extend(bucket.zip(row["assignedInBlock"].as_u64()));
        }
        for row in rows(data, "delivered") {
            let bucket = distribution_bucket(&row["distributionBucket"]["id"]);
            since.delivered.extend(bucket.zip(row["assignedInBlock"].as_u64()));
        }
        for row in rows(data, "reports") {
            since.add_report(row);
        }
        for row in rows(data, "changes") {
            let call = row["call"].as_str().unwrap_or_default();
            if let (Some(time_ms), Some(arguments)) = (time(row), arguments(row)) {
                since.add_change(call, &arguments, time_ms);
            }
        }
        since
    }

    fn add_report(&mut self, row: &Value) -> Option<()> {
        let arguments = arguments(row)?;
        let bucket = plain(&arguments["bucket"])?.parse().ok()?;
        let height = plain(&arguments["height"])?.parse().ok()?;
        let except = arguments["except"].as_array()?.iter().filter_map(plain).collect();
        self.reports.entry(bucket).or_default().push(Report { time_ms: time(row)?, height, except });
        Some(())
    }

    /// Calls come the newest first, those of a batch one after the other.
    fn add_change(&mut self, call: &str, arguments: &Value, time_ms: u64) {
        for inner in rows(arguments, "calls") {
            let (call, arguments) = (inner["call"].as_str().unwrap_or_default(), &inner["arguments"]);
            // A batch has no batch in it.
            self.add_one_change(call, arguments, time_ms);
        }
        self.add_one_change(call, arguments, time_ms);
    }

    fn add_one_change(&mut self, call: &str, arguments: &Value, time_ms: u64) {
        let Some(bucket) = distribution_bucket(&arguments["bucket"]) else { return };
        if call.ends_with(".updateDistributionBucketMode") && arguments["distributing"] == Value::Bool(true) {
            self.switched_on.entry(bucket).or_insert(time_ms);
        } else if call.ends_with(".acceptDistributionBucketInvitation")
            && let Some(worker) = plain(&arguments["worker"])
        {
            self.joined.entry((bucket, worker)).or_insert(time_ms);
        }
    }

    fn add_times(&mut self, data: &Value) {
        for row in rows(data, "blocks") {
            self.times.extend(row["height"].as_u64().zip(time(row)));
        }
    }

    /// Since when a storage bucket must keep the bag.
    pub(super) fn keeps(&self, bucket: StorageBucketId) -> Option<u64> {
        self.times.get(self.kept.get(&bucket)?).copied()
    }

    /// Since when a distribution bucket must deliver the bag.
    pub(super) fn delivers(&self, bucket: DistributionBucketId) -> Option<u64> {
        self.times.get(self.delivered.get(&bucket)?).copied()
    }

    /// Since when a storage bucket claims to hold an object, without a report to the contrary since.
    ///
    /// The rule is the directory's own: a report that is as new as the acceptance, the assignment and
    /// the move decides; without one, the first acceptance itself is a claim.
    pub(super) fn held(&self, object: &ObjectView, bucket: StorageBucketId) -> Option<u64> {
        let accepted = object.accepted.as_ref()?;
        let assigned = self.kept.get(&bucket).copied().unwrap_or(0);
        let due = accepted.height.max(assigned).max(object.moved_height.unwrap_or(0));
        let id = object.id.to_string();
        let mut since = None;
        for report in self.reports.get(&bucket).into_iter().flatten() {
            if report.height < due {
                break;
            }
            if report.except.contains(&id) {
                return since;
            }
            since = Some(report.time_ms);
        }
        if accepted.bucket == bucket && accepted.height >= due {
            return self.times.get(&accepted.height).copied().or(since);
        }
        since
    }

    /// Since when a distribution bucket serves an object: accepted, the bucket's, and switched on, all
    /// three. What is older than the index counts as having been so ever since.
    pub(super) fn served(&self, object: &ObjectView, bucket: &DistributionBucketView) -> Option<u64> {
        let time = |height: u64| self.times.get(&height).copied();
        let accepted = time(object.accepted.as_ref()?.height)?;
        let assigned = self.delivers(bucket.id)?;
        let moved = match object.moved_height {
            Some(height) => time(height)?,
            None => 0,
        };
        let on = self.switched_on.get(&bucket.id).copied().unwrap_or(0);
        let active = bucket.operators.iter().filter(|operator| operator.status == OperatorStatus::Active);
        let joined = |operator: &OperatorView| self.joined.get(&(bucket.id, operator.worker.to_string()));
        let operated = active.map(|operator| joined(operator).copied().unwrap_or(0)).min().unwrap_or(0);
        Some(accepted.max(assigned).max(moved).max(on).max(operated))
    }
}

/// The arguments of a transaction's call, which stand in the index as text.
fn arguments(row: &Value) -> Option<Value> {
    row["arguments"].as_str().and_then(|text| serde_json::from_str(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_api::directory::AcceptanceView;
    use argosy_domain::{BagId, ChannelId, ContentId, DataObjectId, FamilyId};

    const SECOND: u64 = 1_000;

    fn object(id: u64, accepted: u64, by: u64) -> ObjectView {
        ObjectView {
            id: DataObjectId(id),
            content_id: ContentId::of(b"7"),
            size: 1,
            bag: BagId::channel(ChannelId(0)),
            accepted: Some(AcceptanceView { height: accepted, bucket: StorageBucketId(by) }),
            asset_set: None,
            bond: 0,
            moved_height: None,
            blacklisted: false,
            storage_buckets: vec![StorageBucketId(0), StorageBucketId(1)],
            distribution_buckets: Vec::new(),
            holders: Vec::new(),
        }
    }

    fn stamp(second: u64) -> String {
        format!("1970-01-01T00:00:{second:02}.000000Z")
    }

    fn report(second: u64, bucket: &str, height: u64, except: &[&str]) -> Value {
        let arguments = json!({"worker": "0", "bucket": bucket, "height": height, "except": except});
        json!({"timestamp": stamp(second), "arguments": arguments.to_string()})
    }

    fn since(reports: &[Value]) -> Since {
        let data = json!({
            "kept": [{"storageBucket": {"id": "0"}, "assignedInBlock": 2},
                     {"storageBucket": {"id": "1"}, "assignedInBlock": 6}],
            "delivered": [{"distributionBucket": {"id": "0:1"}, "assignedInBlock": 6}],
            "reports": reports,
            "changes": [
                {"timestamp": stamp(30), "call": "batch.allOrNothing", "arguments": json!({"calls": [
                    {"call": "distribution.updateDistributionBucketMode",
                     "arguments": {"bucket": "0:1", "distributing": true}}]}).to_string()},
                {"timestamp": stamp(20), "call": "distribution.updateDistributionBucketMode",
                 "arguments": json!({"bucket": "0:1", "distributing": true}).to_string()},
                {"timestamp": stamp(10), "call": "distribution.acceptDistributionBucketInvitation",
                 "arguments": json!({"bucket": "0:1", "worker": "4"}).to_string()},
            ],
        });
        let mut since = Since::of(&data);
        let blocks: Vec<_> = (1..=9).map(|at| json!({"height": at, "timestamp": stamp(at)})).collect();
        since.add_times(&json!({"blocks": blocks}));
        since
    }

    #[test]
    fn the_oldest_claim_without_a_later_denial_counts() {
        let (first, second) = (StorageBucketId(0), StorageBucketId(1));
        let known = since(&[
            report(40, "0", 9, &[]),
            report(39, "1", 9, &[]),
            report(30, "0", 7, &["1"]),
            report(29, "1", 7, &["1"]),
            report(20, "0", 3, &[]),
        ]);
        assert_eq!(known.held(&object(1, 3, 0), first), Some(40 * SECOND), "was excepted in between");
        assert_eq!(known.held(&object(2, 3, 0), first), Some(3 * SECOND), "accepted it, and never denied");
        assert_eq!(
            known.held(&object(2, 3, 0), second),
            Some(29 * SECOND),
            "first report after the assignment"
        );
        assert_eq!(known.held(&object(2, 9, 0), second), Some(39 * SECOND));
        assert_eq!(since(&[]).held(&object(2, 3, 0), second), None);
        assert_eq!(known.keeps(second), Some(6 * SECOND));
    }

    #[test]
    fn who_accepted_before_the_move_or_the_assignment_has_claimed_nothing() {
        let moved = ObjectView { moved_height: Some(8), ..object(1, 3, 0) };
        let known = since(&[report(40, "0", 8, &[]), report(30, "0", 7, &[])]);
        assert_eq!(known.held(&moved, StorageBucketId(0)), Some(40 * SECOND));
        assert_eq!(since(&[]).held(&object(1, 3, 1), StorageBucketId(1)), None);
    }

    #[test]
    fn serving_began_with_the_last_thing_that_was_wanting() {
        let operator = OperatorView {
            worker: argosy_domain::WorkerId(4),
            status: OperatorStatus::Active,
            endpoint: None,
            transactor: None,
            metadata: None,
            leaves_ms: None,
        };
        let bucket = |index, operators| DistributionBucketView {
            id: DistributionBucketId { family: FamilyId(0), index },
            accepting_new_bags: true,
            distributing: true,
            operators,
            assigned_bags: 1,
        };
        let known = since(&[]);
        assert_eq!(known.served(&object(1, 3, 0), &bucket(1, vec![operator.clone()])), Some(30 * SECOND));
        assert_eq!(known.served(&object(1, 3, 0), &bucket(0, vec![operator])), None, "assignment not known");
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let nonsense = json!({"kept": [7, {}, {"storageBucket": {"id": "x"}, "assignedInBlock": "y"}],
            "reports": [{"timestamp": "soon", "arguments": "{"}], "changes": {"a": 1}});
        let since = Since::of(&nonsense);
        assert!(since.kept.is_empty() && since.reports.is_empty());
    }
}
