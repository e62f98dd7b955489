//! Storage buckets, their operators, and who keeps which bag.

use super::{
    Told,
    rows::{Cell, Rows},
};
use crate::{
    error::ApplyError,
    value::{flag, int, maybe_text, text, wide},
};
use argosy_directory::{Event, state::StorageOperator};
use argosy_domain::{AccountId, BagId, StorageBucketId, WorkerId, metadata::OperatorMetadata, num::to_u64};
use codec::{Decode, Encode};
use rusqlite::{OptionalExtension, types::Value};

pub(super) const BUCKET: &str = "StorageBucket";
pub(super) const METADATA: &str = "StorageBucketOperatorMetadata";
pub(super) const JOIN: &str = "StorageBucketBag";

pub(super) fn apply(told: &Told<'_>, event: &Event) -> Result<bool, ApplyError> {
    Ok(buckets(&told.rows, event)? || operators(&told.rows, event)?)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn buckets(rows: &Rows<'_>, event: &Event) -> Result<bool, ApplyError> {
    match event {
        Event::StorageBucketCreated { bucket, invited, accepting_new_bags, size_limit, objects_limit } => {
            create(rows, *bucket, *invited, *accepting_new_bags, *size_limit, *objects_limit)
        }
        Event::StorageBucketDeleted { bucket } => delete(rows, *bucket),
        Event::StorageBucketStatusUpdated { bucket, accepting_new_bags } => {
            rows.update(BUCKET, bucket, &[("acceptingNewBags", flag(*accepting_new_bags))])
        }
        Event::StorageBucketVoucherLimitsSet { bucket, size_limit, objects_limit } => {
            rows.update(BUCKET, bucket, &limits(*size_limit, *objects_limit))
        }
        Event::VoucherChanged { bucket, voucher } => {
            let [size, objects] = limits(voucher.size_limit, voucher.objects_limit);
            rows.update(
                BUCKET,
                bucket,
                &[
                    size,
                    objects,
                    ("dataObjectsSize", wide(voucher.size_used.into())),
                    ("dataObjectsCount", wide(voucher.objects_used.into())),
                ],
            )
        }
        Event::StorageBucketsUpdatedForBag { bag, added, removed } => {
            super::content::ensure_bag(rows, bag)?;
            removed.iter().try_for_each(|bucket| rows.delete(JOIN, join_id(*bucket, bag)))?;
            added.iter().try_for_each(|bucket| assign(rows, *bucket, bag))
        }
        _ => return Ok(false),
    }?;
    Ok(true)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn operators(rows: &Rows<'_>, event: &Event) -> Result<bool, ApplyError> {
    match event {
        Event::StorageBucketOperatorInvited { bucket, worker } => {
            rows.update(BUCKET, bucket, &invited(Some(*worker)))
        }
        Event::StorageBucketInvitationCancelled { bucket }
        | Event::StorageBucketInvitationDeclined { bucket, .. } => {
            rows.update(BUCKET, bucket, &invited(None))
        }
        Event::StorageBucketInvitationAccepted { bucket, worker, transactor } => {
            rows.update(BUCKET, bucket, &active(*worker, transactor))
        }
        Event::StorageBucketOperatorRemoved { bucket } => {
            rows.delete(METADATA, bucket)?;
            rows.update(BUCKET, bucket, &invited(None))?;
            rows.update(
                BUCKET,
                bucket,
                &[
                    ("holdingsHeight", Value::Null),
                    ("holdingsExceptCount", Value::Null),
                    ("resignsAt", Value::Null),
                ],
            )
        }
        Event::StorageBucketOperatorResigned { bucket, at_ms, .. } => {
            rows.update(BUCKET, bucket, &[("resignsAt", int(*at_ms))])
        }
        Event::StorageOperatorMetadataSet { bucket, metadata, .. } => {
            let id = bucket.to_string();
            set_metadata(rows, METADATA, &id, ("storageBucket", text(bucket)), metadata)
        }
        Event::HoldingsReported { bucket, height, except, .. } => rows.update(
            BUCKET,
            bucket,
            &[("holdingsHeight", int(*height)), ("holdingsExceptCount", int(to_u64(except.len())))],
        ),
        _ => return Ok(false),
    }?;
    Ok(true)
}

fn create(
    rows: &Rows<'_>,
    bucket: StorageBucketId,
    worker: Option<WorkerId>,
    accepting_new_bags: bool,
    size_limit: u64,
    objects_limit: u64,
) -> Result<(), ApplyError> {
    let [size, objects] = limits(size_limit, objects_limit);
    let [status, worker, transactor] = invited(worker);
    rows.insert(
        BUCKET,
        &[
            ("id", text(bucket)),
            status,
            worker,
            transactor,
            ("acceptingNewBags", flag(accepting_new_bags)),
            size,
            objects,
            ("dataObjectsCount", wide(0)),
            ("dataObjectsSize", wide(0)),
            ("createdAt", int(rows.time_ms)),
        ],
    )
}

fn delete(rows: &Rows<'_>, bucket: StorageBucketId) -> Result<(), ApplyError> {
    rows.delete_by(JOIN, "storageBucket", bucket)?;
    rows.delete(METADATA, bucket)?;
    rows.delete(BUCKET, bucket)
}

/// The status of a bucket without an operator, perhaps with an invitation.
fn invited(worker: Option<WorkerId>) -> [Cell; 3] {
    let (status, worker) = match worker {
        Some(worker) => ("StorageBucketOperatorStatusInvited", int(worker.0)),
        None => ("StorageBucketOperatorStatusMissing", Value::Null),
    };
    [
        ("operatorStatus", text(status)),
        ("operatorStatus_workerId", worker),
        ("operatorStatus_transactorAccountId", Value::Null),
    ]
}

fn active(worker: WorkerId, transactor: &AccountId) -> [Cell; 3] {
    [
        ("operatorStatus", text("StorageBucketOperatorStatusActive")),
        ("operatorStatus_workerId", int(worker.0)),
        ("operatorStatus_transactorAccountId", text(transactor)),
    ]
}

pub(super) fn operator_cells(operator: &StorageOperator) -> [Cell; 3] {
    match operator {
        StorageOperator::Missing => invited(None),
        StorageOperator::Invited { worker } => invited(Some(*worker)),
        StorageOperator::Active { worker, transactor, .. } => active(*worker, transactor),
    }
}

pub(super) fn limits(size: u64, objects: u64) -> [Cell; 2] {
    [("dataObjectsSizeLimit", wide(size.into())), ("dataObjectCountLimit", wide(objects.into()))]
}

pub(super) fn join_id(bucket: StorageBucketId, bag: &BagId) -> String {
    format!("{bucket}-{bag}")
}

/// The bucket keeps the bag from this block on.
pub(super) fn assign(rows: &Rows<'_>, bucket: StorageBucketId, bag: &BagId) -> Result<(), ApplyError> {
    rows.put(
        JOIN,
        &[
            ("id", text(join_id(bucket, bag))),
            ("storageBucket", text(bucket)),
            ("bag", text(bag)),
            ("assignedInBlock", int(rows.height)),
        ],
    )
}

/// Merges what an operator says into what the row has; bytes that are no metadata are ignored, as the
/// squid does.
pub(super) fn set_metadata(
    rows: &Rows<'_>,
    table: &'static str,
    id: &str,
    owner: Cell,
    bytes: &[u8],
) -> Result<(), ApplyError> {
    let sql = format!("SELECT \"raw\" FROM \"{table}\" WHERE \"id\" = ?");
    let raw: Option<Vec<u8>> = rows.db.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()?;
    let before = raw.and_then(|raw| OperatorMetadata::decode(&mut raw.as_slice()).ok()).unwrap_or_default();
    let Ok(metadata) = before.updated(bytes) else { return Ok(()) };
    rows.put(table, &metadata_cells(id, owner, &metadata))
}

/// The row of what an operator says.
pub(super) fn metadata_cells(id: &str, owner: Cell, metadata: &OperatorMetadata) -> [Cell; 9] {
    let location = metadata.location.as_ref();
    let coordinates = location.and_then(|location| location.coordinates);
    let degrees = |microdegrees: Option<i32>| {
        microdegrees.map_or(Value::Null, |value| Value::Real(f64::from(value) / 1e6))
    };
    [
        ("id", text(id)),
        owner,
        ("nodeEndpoint", maybe_text(metadata.endpoint.as_deref())),
        ("nodeLocation_countryCode", maybe_text(location.and_then(|at| at.country_code.as_deref()))),
        ("nodeLocation_city", maybe_text(location.and_then(|at| at.city.as_deref()))),
        ("nodeLocation_coordinates_latitude", degrees(coordinates.map(|at| at.latitude_microdegrees))),
        ("nodeLocation_coordinates_longitude", degrees(coordinates.map(|at| at.longitude_microdegrees))),
        ("extra", maybe_text(metadata.extra.as_deref())),
        ("raw", Value::Blob(metadata.encode())),
    ]
}
