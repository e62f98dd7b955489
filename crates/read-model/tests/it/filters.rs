//! Filters, orders and pages against a slow and plain reading of the same rows.

use super::{
    calls::Dice,
    clients::{ask, data},
    feeding::random_blocks,
    support::{fed, storage_bucket, upload},
};
use argosy_directory::{Call, ContentCall};
use argosy_domain::{BagType, MemberId, StorageBucketId};
use argosy_read_model::{Limits, ReadModel};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};
use std::{cell::Cell, cmp::Ordering};

/// What can be filtered by, as far as these tests go.
enum Kind {
    Text,
    Int,
    Big,
    Flag,
    Time,
    /// A union: a type and fields of its variants.
    Choice(&'static [(&'static str, Kind)]),
    One(&'static [(&'static str, Kind)]),
    Many(&'static [(&'static str, Kind)]),
}
use Kind::{Big, Choice, Flag, Int, Many, One, Text, Time};

static OBJECT: &[(&str, Kind)] = &[
    ("id", Text),
    ("ipfsHash", Text),
    ("size", Big),
    ("acceptingBucketId", Big),
    ("isAccepted", Flag),
    ("acceptedAt", Time),
    ("createdAt", Time),
    ("storageBag", One(BAG)),
];
static BAG: &[(&str, Kind)] = &[
    ("id", Text),
    ("isPrivate", Flag),
    ("owner", Choice(&[("channelId", Text), ("memberId", Text)])),
    ("storageBuckets", Many(JOIN)),
];
static JOIN: &[(&str, Kind)] = &[("assignedInBlock", Int), ("storageBucket", One(BUCKET))];
static BUCKET: &[(&str, Kind)] = &[
    ("id", Text),
    ("acceptingNewBags", Flag),
    ("dataObjectsCount", Big),
    ("holdingsHeight", Int),
    ("operatorStatus", Choice(&[("workerId", Int)])),
];

const ALL: &str = "{ storageDataObjects { id ipfsHash size acceptingBucketId isAccepted acceptedAt createdAt \
    storageBag { id isPrivate owner { __typename ... on StorageBagOwnerChannel { channelId } \
    ... on StorageBagOwnerMember { memberId } } storageBuckets { assignedInBlock storageBucket { id \
    acceptingNewBags dataObjectsCount holdingsHeight operatorStatus { __typename \
    ... on StorageBucketOperatorStatusInvited { workerId } ... on StorageBucketOperatorStatusActive { workerId } } \
    } } } } }";

struct World {
    model: ReadModel,
    objects: Vec<Value>,
    /// Keeps the index alive.
    _home: tempfile::TempDir,
}

fn world() -> World {
    let (mut chain, mut blocks) = random_blocks(42, 100);
    let next = chain.state.settings().next_storage_bucket.0;
    let wanted = u64::from(chain.state.policy(BagType::Channel).number_of_storage_buckets);
    let calls = [(); 3].map(|()| ("slead", storage_bucket(None))).into();
    blocks.push(chain.done(calls));
    for (owner, name, at) in [(0, "ann", 0), (1, "bob", 1), (0, "ann", 1)] {
        let create = ContentCall::CreateChannel {
            owner: MemberId(owner),
            upload: upload(200 + owner * 20 + at..235),
            storage_buckets: Some((next + at..next + at + wanted).map(StorageBucketId).collect()),
            distribution_buckets: None,
        };
        blocks.push(chain.done(vec![(name, Call::Content(create))]));
    }
    let home = tempfile::tempdir().unwrap();
    let feeder = fed(home.path(), &chain.genesis, &blocks);
    let model = ReadModel::new(&feeder, Limits::default()).unwrap();
    let objects = data(&model, ALL)["storageDataObjects"].as_array().unwrap().clone();
    assert!(objects.len() > 60, "{} objects", objects.len());
    World { model, objects, _home: home }
}

/// Runs a test with many seeds, which it prints when one fails.
fn with_seeds(count: u32, test: impl Fn(u64) -> Result<(), TestCaseError>) {
    let config = Config { failure_persistence: None, ..Config::with_cases(count) };
    TestRunner::new(config).run(&any::<u64>(), test).unwrap();
}

const TEXT_OPS: [&str; 16] = [
    "eq",
    "not_eq",
    "gt",
    "gte",
    "lt",
    "lte",
    "in",
    "not_in",
    "contains",
    "not_contains",
    "containsInsensitive",
    "not_containsInsensitive",
    "startsWith",
    "not_startsWith",
    "endsWith",
    "not_endsWith",
];

/// All values at `path` in some row.
fn values<'v>(rows: &'v [Value], path: &[&str]) -> Vec<&'v Value> {
    let Some((name, rest)) = path.split_first() else { return rows.iter().collect() };
    rows.iter()
        .flat_map(|row| {
            let inner = &row[*name];
            values(inner.as_array().map_or(std::slice::from_ref(inner), Vec::as_slice), rest)
        })
        .collect()
}

struct Maker<'d> {
    world: &'d World,
    dice: &'d mut Dice,
    path: Vec<&'static str>,
}

impl Maker<'_> {
    fn filter(&mut self, fields: &'static [(&'static str, Kind)], logic: bool, depth: u64) -> Value {
        let mut made = Map::new();
        for _ in 0..self.dice.roll(3) {
            let at = self.dice.index(fields.len());
            let (name, kind) = &fields[at];
            let (key, value) = self.condition(name, kind, depth);
            made.insert(key, value);
        }
        if logic && depth > 0 && self.dice.roll(3) == 0 {
            let key = if self.dice.coin() { "AND" } else { "OR" };
            let members = (0..self.dice.roll(3)).map(|_| self.filter(fields, true, depth - 1)).collect();
            made.insert(key.into(), Value::Array(members));
        }
        Value::Object(made)
    }

    fn condition(&mut self, name: &'static str, kind: &'static Kind, depth: u64) -> (String, Value) {
        if self.dice.roll(8) == 0 && !matches!(kind, Many(_)) {
            return (format!("{name}_isNull"), json!(self.dice.coin()));
        }
        self.path.push(name);
        let made = match kind {
            Text => self.scalar(name, &TEXT_OPS),
            Int | Big | Time => self.scalar(name, &TEXT_OPS[..8]),
            Flag => self.scalar(name, &TEXT_OPS[..2]),
            Choice(fields) => {
                let mut inner = self.filter(fields, false, 0);
                if self.dice.coin() {
                    self.path.push("__typename");
                    let (key, value) = self.scalar("isTypeOf", &TEXT_OPS);
                    self.path.pop();
                    inner[key] = value;
                }
                (name.to_owned(), inner)
            }
            One(fields) => (name.to_owned(), self.filter(fields, true, depth.saturating_sub(1))),
            Many(fields) => {
                let quantifier = ["some", "none", "every"][self.dice.index(3)];
                (format!("{name}_{quantifier}"), self.filter(fields, true, depth.saturating_sub(1)))
            }
        };
        self.path.pop();
        made
    }

    fn scalar(&mut self, name: &str, ops: &[&str]) -> (String, Value) {
        let op = ops[self.dice.index(ops.len())];
        let key = format!("{name}_{op}");
        if op.ends_with("in") && !op.ends_with("contain") {
            return (key, (0..self.dice.roll(4)).map(|_| self.operand()).collect());
        }
        let value = self.operand();
        let is_part = op.contains("ontains") || op.ends_with("With");
        match (&value, is_part) {
            (Value::String(text), true) => {
                let mut part = text.clone();
                while part.len() > 1 && self.dice.coin() {
                    if self.dice.coin() {
                        part.pop()
                    } else {
                        Some(part.remove(0))
                    };
                }
                if self.dice.roll(4) == 0 {
                    part = part.to_uppercase();
                }
                (key, json!(if self.dice.roll(9) == 0 { String::new() } else { part }))
            }
            _ => (key, value),
        }
    }

    /// A value that some row has there.
    fn operand(&mut self) -> Value {
        let all = values(&self.world.objects, &self.path);
        let all: Vec<&Value> = all.into_iter().filter(|value| !value.is_null()).collect();
        if all.is_empty() {
            return match *self.path.last().unwrap() {
                "holdingsHeight" | "workerId" | "assignedInBlock" => json!(1),
                "acceptedAt" => json!("2025-11-21T12:00:00Z"),
                "isPrivate" => json!(true),
                _ => json!("1"),
            };
        }
        all[self.dice.index(all.len())].clone()
    }
}

/// Whether a row fits; nothing if the filter says nothing. Unknown is the same as no.
fn fits(fields: &[(&str, Kind)], row: &Value, filter: &Value) -> Option<bool> {
    let (mut all, mut alternatives) = (Vec::new(), Vec::new());
    for (key, value) in filter.as_object().unwrap() {
        match key.as_str() {
            "AND" => all.extend(value.as_array().unwrap().iter().filter_map(|one| fits(fields, row, one))),
            "OR" => {
                alternatives.extend(value.as_array().unwrap().iter().filter_map(|one| fits(fields, row, one)))
            }
            _ => all.extend(condition(fields, row, key, value)),
        }
    }
    if !all.is_empty() {
        alternatives.push(all.iter().all(|one| *one));
    }
    (!alternatives.is_empty()).then(|| alternatives.iter().any(|one| *one))
}

fn condition(fields: &[(&str, Kind)], row: &Value, key: &str, value: &Value) -> Option<bool> {
    if let Some(op) = key.strip_prefix("isTypeOf_") {
        return Some(compare(&Text, &row["__typename"], op, value));
    }
    let (name, kind) = fields.iter().find(|(name, _)| {
        key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    })?;
    let (op, cell) = (key[name.len()..].trim_start_matches('_'), &row[*name]);
    if op == "isNull" {
        return Some(cell.is_null() == value.as_bool().unwrap());
    }
    match kind {
        Text | Int | Big | Flag | Time => Some(compare(kind, cell, op, value)),
        Choice(fields) | One(fields) => fits(fields, cell, value),
        Many(fields) => {
            let rows = cell.as_array().unwrap();
            let said: Vec<Option<bool>> = rows.iter().map(|row| fits(fields, row, value)).collect();
            let says_nothing = fits(fields, &Value::Null, value).is_none();
            match op {
                "some" => Some(said.iter().any(|one| one.unwrap_or(true))),
                "none" => Some(!said.iter().any(|one| one.unwrap_or(true))),
                _ if says_nothing => None,
                _ => Some(said.iter().all(|one| *one == Some(true))),
            }
        }
    }
}

fn order_of(kind: &Kind, a: &Value, b: &Value) -> Ordering {
    let number =
        |value: &Value| value.as_str().map_or_else(|| value.as_i64(), |text| text.parse().ok()).unwrap();
    match kind {
        Int | Big => number(a).cmp(&number(b)),
        Flag => a.as_bool().cmp(&b.as_bool()),
        Text | Time | Choice(_) | One(_) | Many(_) => a.as_str().unwrap().cmp(b.as_str().unwrap()),
    }
}

fn compare(kind: &Kind, cell: &Value, op: &str, value: &Value) -> bool {
    let among = |list: &Value| list.as_array().unwrap().iter().any(|one| order_of(kind, cell, one).is_eq());
    if cell.is_null() {
        return op == "not_in" && value.as_array().unwrap().is_empty();
    }
    let part = |test: fn(&str, &str) -> bool| test(cell.as_str().unwrap(), value.as_str().unwrap());
    match op {
        "in" => among(value),
        "not_in" => !among(value),
        "contains" => part(|a, b| a.contains(b)),
        "not_contains" => part(|a, b| !a.contains(b)),
        "containsInsensitive" => part(|a, b| a.to_ascii_lowercase().contains(&b.to_ascii_lowercase())),
        "not_containsInsensitive" => part(|a, b| !a.to_ascii_lowercase().contains(&b.to_ascii_lowercase())),
        "startsWith" => part(|a, b| a.starts_with(b)),
        "not_startsWith" => part(|a, b| !a.starts_with(b)),
        "endsWith" => part(|a, b| a.ends_with(b)),
        "not_endsWith" => part(|a, b| !a.ends_with(b)),
        _ => {
            let order = order_of(kind, cell, value);
            match op {
                "eq" => order.is_eq(),
                "not_eq" => order.is_ne(),
                "gt" => order.is_gt(),
                "gte" => order.is_ge(),
                "lt" => order.is_lt(),
                "lte" => order.is_le(),
                other => panic!("{other}"),
            }
        }
    }
}

fn ids(rows: &Value) -> Vec<String> {
    rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Things to order by: name, where it is, kind.
static ORDERS: &[(&str, &[&str], Kind)] = &[
    ("id", &["id"], Text),
    ("size", &["size"], Big),
    ("acceptingBucketId", &["acceptingBucketId"], Big),
    ("isAccepted", &["isAccepted"], Flag),
    ("acceptedAt", &["acceptedAt"], Time),
    ("storageBag_id", &["storageBag", "id"], Text),
    ("storageBag_owner_channelId", &["storageBag", "owner", "channelId"], Text),
    ("storageBag_isPrivate", &["storageBag", "isPrivate"], Flag),
];
const DIRECTIONS: [(&str, bool, bool); 6] = [
    ("ASC", false, false),
    ("DESC", true, true),
    ("ASC_NULLS_FIRST", false, true),
    ("ASC_NULLS_LAST", false, false),
    ("DESC_NULLS_FIRST", true, true),
    ("DESC_NULLS_LAST", true, false),
];

fn compare_rows(a: &Value, b: &Value, order: &[(usize, usize)]) -> Ordering {
    for (what, how) in order {
        let (_, path, kind) = &ORDERS[*what];
        let (_, descending, nulls_first) = DIRECTIONS[*how];
        let (x, y) = (at(a, path), at(b, path));
        let found = match (x.is_null(), y.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if descending => order_of(kind, y, x),
            (false, false) => order_of(kind, x, y),
        };
        if found.is_ne() {
            return found;
        }
    }
    order_of(&Text, &a["id"], &b["id"])
}

fn at<'v>(row: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(row, |value, name| &value[*name])
}

#[test]
fn filters_find_what_a_plain_reading_finds() {
    let world = world();
    let telling = Cell::new(0);
    with_seeds(2_000, |seed| {
        let mut dice = Dice(seed);
        let filter = Maker { world: &world, dice: &mut dice, path: Vec::new() }.filter(OBJECT, true, 3);
        let query =
            "query ($where: StorageDataObjectWhereInput) { storageDataObjects(where: $where) { id } }";
        let answer = ask(&world.model, query, json!({ "where": filter }));
        prop_assert_eq!(answer.get("errors"), None, "{}", filter);
        let rows = world.objects.iter().filter(|row| fits(OBJECT, row, &filter).unwrap_or(true));
        let expected: Vec<String> = rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        telling.set(telling.get() + u32::from(!expected.is_empty() && expected.len() < world.objects.len()));
        prop_assert_eq!(ids(&answer["data"]["storageDataObjects"]), expected, "{}", filter);
        Ok(())
    });
    // Most filters find nothing or everything; enough of them do not.
    assert!(telling.get() > 300, "{}", telling.get());
}

#[test]
fn pages_make_up_the_ordered_list() {
    let world = world();
    with_seeds(150, |seed| {
        let mut dice = Dice(seed);
        let mut roll = |end: usize| dice.index(end);
        let order: Vec<(usize, usize)> = (0..=roll(3)).map(|_| (roll(ORDERS.len()), roll(6))).collect();
        let names: Vec<String> =
            order.iter().map(|(what, how)| format!("{}_{}", ORDERS[*what].0, DIRECTIONS[*how].0)).collect();
        let mut rows: Vec<&Value> = world.objects.iter().collect();
        rows.sort_by(|a, b| compare_rows(a, b, &order));
        let expected: Vec<String> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        let (limit, offset) = (1 + roll(30), roll(40));
        let query = "query ($order: [StorageDataObjectOrderByInput!], $limit: Int, $offset: Int) { \
            storageDataObjects(orderBy: $order, limit: $limit, offset: $offset) { id } }";
        let answer = ask(&world.model, query, json!({ "order": names, "limit": limit, "offset": offset }));
        let part: Vec<String> = expected.iter().skip(offset).take(limit).cloned().collect();
        prop_assert_eq!(ids(&answer["data"]["storageDataObjects"]), part);
        let query = "query ($order: [StorageDataObjectOrderByInput!]!, $first: Int, $after: String) { \
            storageDataObjectsConnection(orderBy: $order, first: $first, after: $after) { totalCount edges { \
            node { id size } cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let answer = ask(&world.model, query, json!({ "order": names, "first": limit, "after": after }));
            let page = &answer["data"]["storageDataObjectsConnection"];
            prop_assert_eq!(&page["totalCount"], &json!(expected.len()), "{}", answer);
            prop_assert_eq!(&page["pageInfo"]["hasPreviousPage"], &json!(!after.is_null()));
            let edges = page["edges"].as_array().unwrap();
            found.extend(edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()));
            after = page["pageInfo"]["endCursor"].clone();
            prop_assert_eq!(&after, &edges.last().unwrap()["cursor"]);
            if page["pageInfo"]["hasNextPage"] == json!(false) {
                break;
            }
        }
        prop_assert_eq!(found, expected);
        Ok(())
    });
}
