//! What a bulk command is going to change and what it has changed, in Colossus' words and JSON.
//!
//! Source: `storage-node/src/services/helpers/bagsUpdate.ts` of Colossus 4.5.0.

use super::{Bucket, Facts, Room, Update};
use argosy_domain::{StorageBucketId, num::to_u64};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(in crate::storage) struct Change<T> {
    before: T,
    after: T,
}

/// Bytes; in JSON a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct Bytes(i128);

/// A number of hundredths, shown as a number with up to two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct Hundredths(i128);

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BagUpdate {
    bag_id: String,
    buckets_to_add: Vec<u64>,
    buckets_to_remove: Vec<u64>,
    size: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct SizedBag {
    id: String,
    size: Bytes,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bags {
    total_size: Bytes,
    bags: Vec<SizedBag>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BucketSummary {
    id: u64,
    storage_used: Change<Bytes>,
    added: Bags,
    removed: Bags,
    failed_to_add: Bags,
    failed_to_remove: Bags,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TransactionSummary {
    hash: String,
    total_storage_usage: Change<Bytes>,
    failed_updates: Vec<BagUpdate>,
    successful_updates: Vec<BagUpdate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_replication_rate: Option<Change<Hundredths>>,
}

/// A bag that was left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::storage) struct Waiting {
    pub(in crate::storage) bag_id: String,
    pub(in crate::storage) reason: String,
}

/// The result of a bulk command.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::storage) struct Summary {
    total_storage_usage: Change<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_replication_rate: Option<Change<Hundredths>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transactions: Option<Vec<TransactionSummary>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<Vec<BucketSummary>>,
    /// Bags that a later run is for; Colossus has no such list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::storage) waiting: Vec<Waiting>,
    #[serde(skip)]
    keep_transactions: bool,
    /// Copies in buckets that count, and bags; to tell rates from.
    #[serde(skip)]
    copies: Option<(i128, i128)>,
    #[serde(skip)]
    failed_count: usize,
}

/// What is left out of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct Skipped {
    pub(in crate::storage) buckets: bool,
    pub(in crate::storage) transactions: bool,
}

impl Summary {
    /// Nothing has happened yet. `rated`: the rate of replication is told, too.
    pub(in crate::storage) fn new(facts: &Facts, rated: bool, skipped: Skipped) -> Self {
        let used: i128 = facts.buckets.values().map(|it| i128::from(it.bytes.used)).sum();
        let copies = rated.then(|| copies(facts));
        let rate = copies.map(|copies| Change::none(rate(copies)));
        let buckets = facts.buckets.iter().map(|(id, bucket)| BucketSummary::new(*id, bucket)).collect();
        Self {
            total_storage_usage: Change::none(Bytes(used)),
            avg_replication_rate: rate,
            transactions: None,
            buckets: (!skipped.buckets).then_some(buckets),
            waiting: Vec::new(),
            keep_transactions: !skipped.transactions,
            copies,
            failed_count: 0,
        }
    }

    /// Updates that one transaction was for, each with the reason if it failed.
    pub(in crate::storage) fn transaction(&mut self, hash: &str, results: &[(&Update, Option<String>)]) {
        let (usage, rate) = (self.total_storage_usage.after, self.avg_replication_rate.map(|it| it.after));
        for (update, error) in results {
            self.update(update, error.is_some());
        }
        if !self.keep_transactions {
            return;
        }
        let (failed, done) = results.iter().partition::<Vec<_>, _>(|(_, error)| error.is_some());
        let updates = |list: Vec<&(&Update, Option<String>)>| {
            list.into_iter().map(|(update, error)| BagUpdate::new(update, error.clone())).collect()
        };
        let after = self.avg_replication_rate.map(|it| it.after);
        self.transactions.get_or_insert_default().push(TransactionSummary {
            hash: hash.to_owned(),
            total_storage_usage: Change { before: usage, after: self.total_storage_usage.after },
            failed_updates: updates(failed),
            successful_updates: updates(done),
            avg_replication_rate: rate.zip(after).map(|(before, after)| Change { before, after }),
        });
    }

    fn update(&mut self, update: &Update, failed: bool) {
        self.failed_count += usize::from(failed);
        for bucket in self.buckets.iter_mut().flatten() {
            let id = StorageBucketId(bucket.id);
            if update.add.contains(&id) {
                if failed { &mut bucket.failed_to_add } else { &mut bucket.added }.push(update);
            }
            if update.remove.contains(&id) {
                if failed { &mut bucket.failed_to_remove } else { &mut bucket.removed }.push(update);
            }
        }
        if failed {
            return;
        }
        let more = count(update.add.len()) - count(update.remove.len());
        self.total_storage_usage.after.0 += more * i128::from(update.bytes);
        self.copies = self.copies.map(|(copies, bags)| (copies + more, bags));
        for (change, copies) in self.avg_replication_rate.iter_mut().zip(self.copies) {
            change.after = rate(copies);
        }
    }

    /// What a bucket uses after everything that took effect.
    fn settle(&mut self) {
        for bucket in self.buckets.iter_mut().flatten() {
            let more = bucket.added.total_size.0 - bucket.removed.total_size.0;
            bucket.storage_used.after = Bytes(bucket.storage_used.before.0 + more);
        }
    }

    /// Updates that failed.
    pub(in crate::storage) const fn failed_count(&self) -> usize {
        self.failed_count
    }

    /// JSON as Colossus lays it out, or in one line.
    pub(in crate::storage) fn json(&mut self, in_one_line: bool) -> String {
        self.settle();
        let text = if in_one_line { serde_json::to_string(self) } else { serde_json::to_string_pretty(self) };
        text.unwrap_or_default()
    }
}

impl BucketSummary {
    fn new(id: StorageBucketId, bucket: &Bucket) -> Self {
        let none = || Bags { total_size: Bytes(0), bags: Vec::new() };
        Self {
            id: id.0,
            storage_used: Change::none(Bytes(bucket.bytes.used.into())),
            added: none(),
            removed: none(),
            failed_to_add: none(),
            failed_to_remove: none(),
        }
    }
}

impl Bags {
    fn push(&mut self, update: &Update) {
        let size = Bytes(update.bytes.into());
        self.total_size.0 += size.0;
        self.bags.push(SizedBag { id: update.bag.to_string(), size });
    }
}

impl BagUpdate {
    fn new(update: &Update, error: Option<String>) -> Self {
        let ids = |ids: &std::collections::BTreeSet<StorageBucketId>| ids.iter().map(|id| id.0).collect();
        Self {
            bag_id: update.bag.to_string(),
            buckets_to_add: ids(&update.add),
            buckets_to_remove: ids(&update.remove),
            size: Bytes(update.bytes.into()),
            error,
        }
    }
}

impl<T: Copy> Change<T> {
    const fn none(value: T) -> Self {
        Self { before: value, after: value }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Hundredths {
    /// A whole number without decimals, as JavaScript writes it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i32::try_from(self.0) {
            Ok(hundredths) if hundredths % 100 != 0 => {
                serializer.serialize_f64(f64::from(hundredths) / 100.0)
            }
            Ok(_) | Err(_) => serializer.serialize_i128(self.0 / 100),
        }
    }
}

fn count(length: usize) -> i128 {
    i128::from(to_u64(length))
}

/// Copies in buckets that count, and bags.
fn copies(facts: &Facts) -> (i128, i128) {
    let counted = |id: &&StorageBucketId| facts.buckets.contains_key(id);
    let of_bags = facts.bags.iter().map(|bag| bag.stored_by.iter().filter(counted).count());
    (count(of_bags.sum()), count(facts.bags.len()))
}

fn rate((copies, bags): (i128, i128)) -> Hundredths {
    if bags == 0 { Hundredths(0) } else { Hundredths((copies * 100 + bags / 2) / bags) }
}

/// What is expected of a plan, line by line. `target`: the rate that is aimed at.
pub(in crate::storage) fn expected(facts: &Facts, updates: &[&Update], target: Option<u64>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(target) = target {
        let before = rate(copies(facts));
        lines.push(format!("Avg. replication rate: {}", numbers(before.0, i128::from(target) * 100, "")));
    }
    let ends: BTreeMap<_, _> =
        facts.buckets.iter().map(|(id, it)| (*id, End::of(*id, it, updates))).collect();
    let before: i128 = facts.buckets.values().map(|it| i128::from(it.bytes.used)).sum();
    let after: i128 = ends.values().map(|end| end.bytes).sum();
    lines.push(format!("Total storage usage (among selected buckets): {}", sizes(before, after)));
    for (id, bucket) in &facts.buckets {
        lines.push(String::new());
        lines.push(format!("-- Bucket {id}:"));
        lines.extend(ends.get(id).into_iter().flat_map(|end| end.lines(bucket)));
    }
    lines
}

/// A bucket after a plan.
struct End {
    bytes: i128,
    objects: i128,
    added: usize,
    removed: usize,
}

impl End {
    fn of(id: StorageBucketId, bucket: &Bucket, updates: &[&Update]) -> Self {
        let (bytes, objects) = (bucket.bytes.used.into(), bucket.objects.used.into());
        let mut end = Self { bytes, objects, added: 0, removed: 0 };
        for update in updates {
            let (added, removed) = (update.add.contains(&id), update.remove.contains(&id));
            let more = i128::from(added) - i128::from(removed);
            end.bytes += more * i128::from(update.bytes);
            end.objects += more * i128::from(update.objects);
            end.added += usize::from(added);
            end.removed += usize::from(removed);
        }
        end
    }

    fn lines(&self, bucket: &Bucket) -> Vec<String> {
        if self.added == 0 && self.removed == 0 {
            return vec!["---- NO CHANGES".to_owned()];
        }
        let left = |room: Room, after: i128| (room.free(), i128::from(room.limit) - after);
        let (bytes, objects) = (left(bucket.bytes, self.bytes), left(bucket.objects, self.objects));
        vec![
            format!("---- Storage usage: {}", sizes(bucket.bytes.used.into(), self.bytes)),
            format!("---- Storage available: {}", sizes(bytes.0, bytes.1)),
            format!("---- Objects stored: {}", whole(bucket.objects.used.into(), self.objects)),
            format!("---- Objects limit remaining: {}", whole(objects.0, objects.1)),
            format!("---- Bags to remove: {}", self.removed),
            format!("---- Bags to add: {}", self.added),
        ]
    }
}

/// Bytes in the unit that fits the first of them.
fn sizes(before: i128, after: i128) -> String {
    const UNITS: [(&str, i128); 6] = [
        ("B", 1),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("PB", 1_000_000_000_000_000),
    ];
    let fits = |(_, size): &&(&str, i128)| before / size < 1_000;
    let (unit, size) = UNITS.iter().find(fits).copied().unwrap_or(("PB", 1_000_000_000_000_000));
    let hundredths = |bytes: i128| if size == 1 { bytes * 100 } else { bytes / (size / 100) };
    numbers(hundredths(before), hundredths(after), unit)
}

/// Hundredths before and after, and by how much they differ.
fn numbers(before: i128, after: i128, unit: &str) -> String {
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let change = after - before;
    let plus = if change < 0 { "" } else { "+" };
    format!("{}{unit} => {}{unit} ({plus}{}{unit})", decimal(before), decimal(after), decimal(change))
}

fn decimal(hundredths: i128) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

/// Whole numbers, their digits in groups of three.
fn whole(before: i128, after: i128) -> String {
    let change = after - before;
    let plus = if change < 0 { "" } else { "+" };
    format!("{} => {} ({plus}{})", grouped(before), grouped(after), grouped(change))
}

fn grouped(number: i128) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", crate::look::digits(number.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::plan::{Bag, set_replication};
    use argosy_domain::{BagId, ChannelId};

    fn facts() -> Facts {
        let bucket = |used| Bucket {
            active: true,
            accepting: true,
            bytes: Room { limit: 5_000_000, used },
            objects: Room { limit: 5_000, used: used / 500 },
        };
        let bag = |id| Bag {
            id: BagId::channel(ChannelId(id)),
            bytes: 1_234_500,
            objects: 1_500,
            stored_by: [StorageBucketId(0)].into(),
        };
        let buckets = [(StorageBucketId(0), bucket(2_469_000)), (StorageBucketId(1), bucket(0))].into();
        Facts { buckets, bags: vec![bag(0), bag(1)], bag_limit: 5 }
    }

    #[test]
    fn expectations_read_as_colossus_writes_them() {
        let facts = facts();
        let plan = set_replication(&facts, 2).unwrap();
        let expected = expected(&facts, &plan.iter().collect::<Vec<_>>(), Some(2));
        let lines = [
            "Avg. replication rate: 1.00 => 2.00 (+1.00)",
            "Total storage usage (among selected buckets): 2.46 MB => 4.93 MB (+2.47 MB)",
            "",
            "-- Bucket 0:",
            "---- NO CHANGES",
            "",
            "-- Bucket 1:",
            "---- Storage usage: 0.00 B => 2469000.00 B (+2469000.00 B)",
            "---- Storage available: 5.00 MB => 2.53 MB (-2.47 MB)",
            "---- Objects stored: 0 => 3 000 (+3 000)",
            "---- Objects limit remaining: 5 000 => 2 000 (-3 000)",
            "---- Bags to remove: 0",
            "---- Bags to add: 2",
        ];
        assert_eq!(expected, lines);
        assert_eq!(sizes(1_500, 15), "1.50 KB => 0.01 KB (-1.49 KB)");
    }

    #[test]
    fn the_summary_has_colossus_form() {
        let facts = facts();
        let plan = set_replication(&facts, 2).unwrap();
        let mut summary = Summary::new(&facts, true, Skipped { buckets: false, transactions: false });
        summary.transaction("tx0_hash", &[(&plan[0], None), (&plan[1], Some("NO".to_owned()))]);
        assert_eq!(summary.failed_count(), 1);
        let update = |bag: &str| serde_json::json!({"bagId": bag, "bucketsToAdd": [1], "bucketsToRemove": [], "size": "1234500"});
        let bags = |bags: &[&str]| {
            let list: Vec<_> =
                bags.iter().map(|id| serde_json::json!({"id": id, "size": "1234500"})).collect();
            serde_json::json!({"totalSize": if bags.is_empty() { "0" } else { "1234500" }, "bags": list})
        };
        let mut failed = update("dynamic:channel:1");
        failed["error"] = "NO".into();
        let usage = serde_json::json!({"before": "2469000", "after": "3703500"});
        let rate = serde_json::json!({"before": 1, "after": 1.5});
        let bucket = |id: u64, after: &str, added: &[&str], failed: &[&str]| {
            serde_json::json!({
                "id": id, "storageUsed": {"before": if id == 0 { "2469000" } else { "0" }, "after": after},
                "added": bags(added), "removed": bags(&[]),
                "failedToAdd": bags(failed), "failedToRemove": bags(&[]),
            })
        };
        let expected = serde_json::json!({
            "totalStorageUsage": usage, "avgReplicationRate": rate,
            "transactions": [{
                "hash": "tx0_hash", "totalStorageUsage": usage, "avgReplicationRate": rate,
                "failedUpdates": [failed], "successfulUpdates": [update("dynamic:channel:0")],
            }],
            "buckets": [
                bucket(0, "2469000", &[], &[]),
                bucket(1, "1234500", &["dynamic:channel:0"], &["dynamic:channel:1"]),
            ],
        });
        let json: serde_json::Value = serde_json::from_str(&summary.json(false)).unwrap();
        assert_eq!(json, expected);
        let mut short = Summary::new(&facts, false, Skipped { buckets: true, transactions: true });
        short.transaction("tx0_hash", &[(&plan[0], None)]);
        let json = r#"{"totalStorageUsage":{"before":"2469000","after":"3703500"}}"#;
        assert_eq!(short.json(true), json);
    }
}
