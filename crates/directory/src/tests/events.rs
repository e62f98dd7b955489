//! Joystream's events by the order of their fields: `cases/joystream_events.list` has them as the
//! specification does, §12.1.

use super::reference::source::{Variant, fields, variants};
use std::{string::String, vec::Vec};

/// What the specification's words for parameters are here. Some words stand for several things.
const WORDS: [(&str, &[&str]); 32] = [
    ("id", &["bucket: StorageBucketId"]),
    ("W", &["worker: WorkerId"]),
    ("W?", &["invited: Option<WorkerId>"]),
    ("accepting", &["accepting_new_bags: bool"]),
    ("bool", &["accepting_new_bags: bool", "blocked: bool", "distributing: bool"]),
    ("size", &["size_limit: u64"]),
    ("size limit", &["size_limit: u64"]),
    ("number", &["objects_limit: u64"]),
    ("objects limit", &["objects_limit: u64"]),
    ("account", &["transactor: AccountId", "refund_to: AccountId"]),
    ("bag", &["bag: BagId"]),
    ("src", &["source: BagId"]),
    ("dst", &["destination: BagId"]),
    ("dynamic id", &["bag: DynamicBagId"]),
    ("added", &["added: BTreeSet<StorageBucketId>", "added: BTreeSet<Vec<u8>>"]),
    ("removed", &["removed: BTreeSet<StorageBucketId>", "removed: BTreeSet<Vec<u8>>"]),
    ("added idx", &["added: BTreeSet<u64>"]),
    ("removed idx", &["removed: BTreeSet<u64>"]),
    ("ids", &["ids: Vec<DataObjectId>", "objects: BTreeSet<DataObjectId>"]),
    ("new ids", &["ids: Vec<DataObjectId>"]),
    ("removed ids", &["removed: BTreeSet<DataObjectId>"]),
    // Joystream's record has the bag in it, first.
    ("upload params", &["bag: BagId, upload: ObjectsUpload"]),
    ("params", &["creation: DynamicBagCreation"]),
    ("bond", &["bond: Balance"]),
    ("fee", &["fee: Balance"]),
    ("bytes", &["metadata: Vec<u8>", "message: Vec<u8>"]),
    ("n", &["limit: u32", "number: u32"]),
    ("voucher", &["voucher: Voucher"]),
    ("type", &["bag_type: BagType"]),
    ("map", &["families: BTreeMap<FamilyId, u32>"]),
    ("f", &["family: FamilyId"]),
    ("b", &["bucket: DistributionBucketId"]),
];

fn source() -> &'static str {
    include_str!("../event.rs")
}

/// Takes one word of the specification off the front of our fields.
fn take<'a>(fields: &'a str, word: &str) -> Option<&'a str> {
    let (_, meanings) = WORDS.iter().find(|(known, _)| *known == word)?;
    let rest = meanings.iter().find_map(|meaning| fields.strip_prefix(meaning))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(", ") }
}

fn is_as_specified(ours: &Variant, words: &str) -> bool {
    let fields = ours.typed.join(", ");
    words.split(", ").try_fold(fields.as_str(), take) == Some("")
}

#[test]
fn joystreams_events_have_their_fields_in_its_order() {
    let list = include_str!("../cases/joystream_events.list");
    let ours = variants(source(), "Event");
    let mut wrong = Vec::new();
    for line in list.lines() {
        let (name, words) = line.trim_end_matches(')').split_once('(').unwrap();
        match ours.iter().find(|event| event.name == name) {
            Some(event) if is_as_specified(event, words) => {}
            Some(event) => wrong.push((line, event.typed.join(", "))),
            None => wrong.push((line, String::from("there is no such event"))),
        }
    }
    assert_eq!(list.lines().count(), 42);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The test above can fail: two words that change places are noticed, and one too few or too many.
#[test]
fn another_order_of_fields_is_noticed() {
    let ours = variants(source(), "Event");
    let event = ours.iter().find(|event| event.name == "StorageBucketVoucherLimitsSet").unwrap();
    assert!(is_as_specified(event, "id, size, number"));
    for words in ["id, number, size", "id, size", "id, size, number, number", "b, size, number"] {
        assert!(!is_as_specified(event, words), "{words}");
    }
}

/// Records in events, §2.4 and §2.9: the payer is who signs, and so not among them.
#[test]
fn records_in_events_have_their_fields_in_joystreams_order() {
    let names = |text, name| fields(text, name).into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    let voucher = ["size_limit", "objects_limit", "size_used", "objects_used"];
    let records = include_str!("../event/records.rs");
    assert_eq!(names(records, "Voucher"), voucher);
    let content = include_str!("../call/content.rs");
    assert_eq!(names(content, "ObjectCreation"), ["size", "ipfs_content_id"]);
    let upload = ["object_creation_list", "expected_data_size_fee", "expected_data_object_state_bloat_bond"];
    assert_eq!(names(content, "ObjectsUpload"), upload);
    let creation = ["bag", "upload", "storage_buckets", "distribution_buckets"];
    assert_eq!(names(records, "DynamicBagCreation"), creation);
}
