//! Parts of sentences.

pub(super) use crate::text::grouped;
use crate::text::{self, shortened};
use argosy_directory::call::{Balance, ObjectsUpload};
use argosy_domain::{BagType, DistributionBucketId, FamilyId, MemberId, StorageBucketId, num::to_u64};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

/// Most items of a list that are shown.
const MAX_SHOWN: usize = 20;
/// Most characters of a text of somebody else that are shown.
const MAX_QUOTED_CHARS: usize = 160;
/// Most bytes that are shown in hexadecimal digits.
const MAX_HEX_BYTES: usize = 32;

/// `1 object`, `12 345 objects`.
pub(super) fn counted(number: impl Into<u128>, noun: &str) -> String {
    let number = number.into();
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(number))
}

/// An amount of money.
pub(super) fn units(amount: Balance) -> String {
    counted(amount, "base unit")
}

/// A number of bytes, exactly, and above a kibibyte also in larger units.
pub(super) fn size(bytes: u64) -> String {
    let exact = counted(bytes, "byte");
    if bytes < 1024 { exact } else { format!("{exact} ({})", text::bytes(bytes)) }
}

/// A length of time, exactly.
pub(super) fn period(time_ms: u64) -> String {
    const UNITS: [(&str, u64); 5] =
        [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1_000), ("millisecond", 1)];
    let mut rest = time_ms;
    let mut parts = Vec::new();
    for (name, length_ms) in UNITS {
        let count = rest / length_ms;
        rest %= length_ms;
        if count > 0 {
            parts.push(counted(count, name));
        }
    }
    if parts.is_empty() { "no time".to_owned() } else { parts.join(" ") }
}

/// A point in time.
pub(super) fn time(time_ms: u64) -> String {
    format!("{} UTC", text::utc(time_ms))
}

/// A text of somebody else.
pub(super) fn quoted(text: &str) -> String {
    let escaped = shortened(text, MAX_QUOTED_CHARS).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// Bytes of somebody else: the text that they are, or hexadecimal digits.
pub(super) fn said(bytes: &[u8]) -> String {
    let readable = std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty());
    match readable.filter(|text| !shortened(text, MAX_QUOTED_CHARS).trim().is_empty()) {
        Some(text) => quoted(text),
        None => hexadecimal(bytes),
    }
}

/// Bytes that are no text.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    match bytes.get(..MAX_HEX_BYTES) {
        _ if bytes.is_empty() => "nothing".to_owned(),
        Some(start) if bytes.len() > MAX_HEX_BYTES => {
            format!("0x{}… ({})", hex::encode(start), counted(to_u64(bytes.len()), "byte"))
        }
        Some(_) | None => format!("0x{}", hex::encode(bytes)),
    }
}

/// The hash of a text that is kept elsewhere.
pub(super) fn hash_of_text(hash: &[u8; 32]) -> String {
    format!("hash {}", hex::encode(hash))
}

/// `1, 2, 3`; of many the first, and how many there are.
pub(super) fn list<T: Display>(items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>) -> String {
    let items = items.into_iter();
    let count = items.len();
    let shown: Vec<String> = items.take(MAX_SHOWN).map(|item| item.to_string()).collect();
    let text = shown.join(", ");
    match count.saturating_sub(MAX_SHOWN) {
        0 if count == 0 => "none".to_owned(),
        0 => text,
        more => {
            format!(
                "{text} and {} more ({} in all)",
                grouped(to_u64(more).into()),
                grouped(to_u64(count).into())
            )
        }
    }
}

/// `no objects`, `object 5`, `objects 5, 6`.
pub(super) fn named<T: Display>(
    noun: &str,
    items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
) -> String {
    let items = items.into_iter();
    match items.len() {
        0 => format!("no {noun}s"),
        1 => format!("{noun} {}", list(items)),
        _ => format!("{noun}s {}", list(items)),
    }
}

/// What comes and what goes: `add 3, 4, remove 1`, with the verbs given.
pub(super) fn changes<T: Display, U: Display>(
    (add, added): (&str, impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>),
    (remove, removed): (&str, impl IntoIterator<Item = U, IntoIter: ExactSizeIterator>),
) -> String {
    let (added, removed) = (added.into_iter(), removed.into_iter());
    match (added.len(), removed.len()) {
        (0, 0) => format!("{add} and {remove} nothing"),
        (_, 0) => format!("{add} {}", list(added)),
        (0, _) => format!("{remove} {}", list(removed)),
        (_, _) => format!("{add} {}, {remove} {}", list(added), list(removed)),
    }
}

/// Buckets of one family, by their indices.
pub(super) fn of_family(family: FamilyId, indices: &BTreeSet<u64>) -> Vec<DistributionBucketId> {
    indices.iter().map(|index| DistributionBucketId { family, index: *index }).collect()
}

/// Whether a bucket takes new bags.
pub(super) const fn accepting(accepting_new_bags: bool) -> &'static str {
    if accepting_new_bags { "accepting new bags" } else { "accepting no new bags" }
}

/// Which bags a bucket takes.
pub(super) const fn new_or_not(accepting_new_bags: bool) -> &'static str {
    if accepting_new_bags { "new" } else { "no new" }
}

/// What a voucher allows.
pub(super) fn limits(objects: u64, bytes: u64) -> String {
    format!("at most {} and {}", counted(objects, "object"), size(bytes))
}

/// What a worker earns.
pub(super) fn reward(reward_per_period: Option<Balance>) -> String {
    match reward_per_period {
        Some(amount) => format!("{} per reward period", units(amount)),
        None => "no reward".to_owned(),
    }
}

/// Who else may change a channel's objects.
pub(super) fn collaborators(members: &BTreeSet<MemberId>) -> String {
    if members.is_empty() { "nobody".to_owned() } else { named("member", members) }
}

/// Kind of a dynamic bag, in the plural.
pub(super) const fn bags_of(bag_type: BagType) -> &'static str {
    match bag_type {
        BagType::Member => "new member bags",
        BagType::Channel => "new channel bags",
    }
}

/// A policy's distribution buckets; zeros count for nothing.
pub(super) fn families(families: &BTreeMap<FamilyId, u32>) -> String {
    let wanted = families.iter().filter(|(_, count)| **count > 0);
    let parts: Vec<String> = wanted.map(|(family, count)| format!("{count} in family {family}")).collect();
    list(&parts)
}

/// What is declared, and at which prices.
pub(super) fn upload(upload: &ObjectsUpload) -> String {
    match contents(upload) {
        Some(contents) => {
            let count = to_u64(upload.object_creation_list.len());
            format!("{} of {contents}", counted(count, "object"))
        }
        None => "no objects".to_owned(),
    }
}

/// How large declared objects are, and what they cost; none if there are none.
pub(super) fn contents(upload: &ObjectsUpload) -> Option<String> {
    let created = &upload.object_creation_list;
    let bytes = created.iter().fold(0_u64, |sum, object| sum.saturating_add(object.size));
    let mut text = size(bytes);
    match created.as_slice() {
        [] => return None,
        [object] => text.push_str(&format!(" with content id {}", said(&object.ipfs_content_id))),
        _ => text.push_str(" in all"),
    }
    let (fee, bond) = (upload.expected_data_size_fee, upload.expected_data_object_state_bloat_bond);
    if fee > 0 || bond > 0 {
        let (fee, bond) = (units(fee), units(bond));
        text.push_str(&format!(" (at {fee} per megabyte and a bond of {bond} per object)"));
    }
    Some(text)
}

/// Where a new bag is put.
pub(super) fn chosen(
    storage: Option<&BTreeSet<StorageBucketId>>,
    distribution: Option<&BTreeSet<DistributionBucketId>>,
) -> String {
    let storage = storage.map(|buckets| named("storage bucket", buckets));
    let distribution = distribution.map(|buckets| named("distribution bucket", buckets));
    match (storage, distribution) {
        (None, None) => "in buckets that the directory chooses".to_owned(),
        (Some(storage), None) => format!("in {storage} and distribution buckets that the directory chooses"),
        (None, Some(distribution)) => {
            format!("in {distribution} and storage buckets that the directory chooses")
        }
        (Some(storage), Some(distribution)) => format!("in {storage} and {distribution}"),
    }
}
