//! Families, distribution buckets, their operators, and who delivers which bag.

use super::{
    Told,
    rows::{Cell, Rows},
    storage::set_metadata,
};
use crate::{
    error::ApplyError,
    value::{flag, int, maybe_text, text},
};
use argosy_directory::Event;
use argosy_domain::{
    BagId, DistributionBucketId, FamilyId, WorkerId,
    family_metadata::{Area, FamilyMetadata},
};
use codec::{Decode, Encode};
use rusqlite::{OptionalExtension, types::Value};
use serde_json::{Value as Json, json};

pub(super) const FAMILY: &str = "DistributionBucketFamily";
pub(super) const FAMILY_METADATA: &str = "DistributionBucketFamilyMetadata";
pub(super) const BUCKET: &str = "DistributionBucket";
pub(super) const OPERATOR: &str = "DistributionBucketOperator";
pub(super) const METADATA: &str = "DistributionBucketOperatorMetadata";
pub(super) const JOIN: &str = "DistributionBucketBag";

pub(super) fn apply(told: &Told<'_>, event: &Event) -> Result<bool, ApplyError> {
    Ok(buckets(&told.rows, event)? || operators(&told.rows, event)?)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn buckets(rows: &Rows<'_>, event: &Event) -> Result<bool, ApplyError> {
    match event {
        Event::DistributionBucketFamilyCreated { family } => {
            rows.insert(FAMILY, &[("id", text(family)), ("createdAt", int(rows.time_ms))])
        }
        Event::DistributionBucketFamilyDeleted { family } => {
            rows.delete(FAMILY_METADATA, family)?;
            rows.delete(FAMILY, family)
        }
        Event::DistributionBucketFamilyMetadataSet { family, metadata } => {
            set_family_metadata(rows, *family, metadata)
        }
        Event::DistributionBucketCreated { family, accepting_new_bags, bucket } => rows.insert(
            BUCKET,
            &[
                ("id", text(bucket)),
                ("family", text(family)),
                ("bucketIndex", int(bucket.index)),
                ("acceptingNewBags", flag(*accepting_new_bags)),
                ("distributing", flag(true)),
                ("createdAt", int(rows.time_ms)),
            ],
        ),
        Event::DistributionBucketDeleted { bucket } => delete_bucket(rows, *bucket),
        Event::DistributionBucketStatusUpdated { bucket, accepting_new_bags } => {
            rows.update(BUCKET, bucket, &[("acceptingNewBags", flag(*accepting_new_bags))])
        }
        Event::DistributionBucketModeUpdated { bucket, distributing } => {
            rows.update(BUCKET, bucket, &[("distributing", flag(*distributing))])
        }
        Event::DistributionBucketsUpdatedForBag { bag, family, added, removed } => {
            super::content::ensure_bag(rows, bag)?;
            let bucket = |index: &u64| DistributionBucketId { family: *family, index: *index };
            removed.iter().try_for_each(|index| rows.delete(JOIN, join_id(bucket(index), bag)))?;
            added.iter().try_for_each(|index| assign(rows, bucket(index), bag))
        }
        _ => return Ok(false),
    }?;
    Ok(true)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn operators(rows: &Rows<'_>, event: &Event) -> Result<bool, ApplyError> {
    match event {
        Event::DistributionBucketOperatorInvited { bucket, worker } => rows.insert(
            OPERATOR,
            &[
                ("id", text(operator_id(*bucket, *worker))),
                ("distributionBucket", text(bucket)),
                ("workerId", int(worker.0)),
                ("status", text("INVITED")),
            ],
        ),
        Event::DistributionBucketInvitationAccepted { worker, bucket } => {
            rows.update(OPERATOR, operator_id(*bucket, *worker), &[("status", text("ACTIVE"))])
        }
        Event::DistributionBucketInvitationCancelled { bucket, worker }
        | Event::DistributionBucketInvitationDeclined { worker, bucket }
        | Event::DistributionBucketOperatorRemoved { bucket, worker } => {
            rows.delete(METADATA, operator_id(*bucket, *worker))?;
            rows.delete(OPERATOR, operator_id(*bucket, *worker))
        }
        Event::DistributionBucketOperatorResigned { worker, bucket, at_ms } => {
            rows.update(OPERATOR, operator_id(*bucket, *worker), &[("resignsAt", int(*at_ms))])
        }
        Event::DistributionBucketMetadataSet { worker, bucket, metadata } => {
            let id = operator_id(*bucket, *worker);
            let owner = ("distirbutionBucketOperator", text(&id));
            set_metadata(rows, METADATA, &id, owner, metadata)
        }
        _ => return Ok(false),
    }?;
    Ok(true)
}

pub(super) fn operator_id(bucket: DistributionBucketId, worker: WorkerId) -> String {
    format!("{bucket}-{worker}")
}

pub(super) fn join_id(bucket: DistributionBucketId, bag: &BagId) -> String {
    format!("{bucket}-{bag}")
}

/// The bucket delivers the bag from this block on.
pub(super) fn assign(rows: &Rows<'_>, bucket: DistributionBucketId, bag: &BagId) -> Result<(), ApplyError> {
    rows.put(
        JOIN,
        &[
            ("id", text(join_id(bucket, bag))),
            ("distributionBucket", text(bucket)),
            ("bag", text(bag)),
            ("assignedInBlock", int(rows.height)),
        ],
    )
}

/// With all that hangs on it: the squid's own code assumes that nothing does.
fn delete_bucket(rows: &Rows<'_>, bucket: DistributionBucketId) -> Result<(), ApplyError> {
    let ids = rows.texts(
        "SELECT \"id\" FROM \"DistributionBucketOperator\" WHERE \"distributionBucket\" = ?",
        [bucket.to_string()],
    )?;
    ids.iter().try_for_each(|id| rows.delete(METADATA, id))?;
    rows.delete_by(OPERATOR, "distributionBucket", bucket)?;
    rows.delete_by(JOIN, "distributionBucket", bucket)?;
    rows.delete(BUCKET, bucket)
}

fn set_family_metadata(rows: &Rows<'_>, family: FamilyId, bytes: &[u8]) -> Result<(), ApplyError> {
    let sql = "SELECT \"raw\" FROM \"DistributionBucketFamilyMetadata\" WHERE \"id\" = ?";
    let raw: Option<Vec<u8>> =
        rows.db.prepare_cached(sql)?.query_row([family.to_string()], |row| row.get(0)).optional()?;
    let before = raw.and_then(|raw| FamilyMetadata::decode(&mut raw.as_slice()).ok()).unwrap_or_default();
    let Ok(metadata) = before.updated(bytes) else { return Ok(()) };
    rows.put(FAMILY_METADATA, &family_metadata_cells(family, &metadata))
}

/// The row of what the lead says of a family.
pub(super) fn family_metadata_cells(family: FamilyId, metadata: &FamilyMetadata) -> [Cell; 7] {
    let list = |items: Vec<Json>| {
        if items.is_empty() { Value::Null } else { text(Json::Array(items)) }
    };
    let targets = metadata.latency_test_targets.iter().map(|target| json!(target)).collect();
    [
        ("id", text(family)),
        ("family", text(family)),
        ("region", maybe_text(metadata.region.as_deref())),
        ("description", maybe_text(metadata.description.as_deref())),
        ("areas", list(metadata.areas.iter().map(area).collect())),
        ("latencyTestTargets", list(targets)),
        ("raw", Value::Blob(metadata.encode())),
    ]
}

fn area(area: &Area) -> Json {
    let (kind, code) = match area {
        Area::Continent(continent) => ("GeographicalAreaContinent", continent.code()),
        Area::Country(code) => ("GeographicalAreaCountry", code.as_str()),
        Area::Subdivision(code) => ("GeographicalAreaSubdivistion", code.as_str()),
    };
    json!({ "__typename": kind, "code": code })
}
