//! Buckets, families, operators and policies.

use argosy_api::{
    directory::{
        DistributionBucketView, FamilyView, HoldingsView, OperatorStatus, OperatorView, PolicyView,
        ResignationView, StorageBucketView,
    },
    metadata::{FamilyMetadataView, OperatorMetadataView},
};
use argosy_directory::{
    State,
    state::{DistributionBucket, StorageBucket, StorageOperator, Tie},
};
use argosy_domain::{
    BagType, DistributionBucketId, FamilyId, StorageBucketId, WorkerId, WorkingGroup,
    metadata::OperatorMetadata, num::to_u64,
};
use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) fn storage_bucket(
    state: &State,
    id: StorageBucketId,
    bucket: &StorageBucket,
) -> StorageBucketView {
    let report = state.holding_report(id);
    StorageBucketView {
        id,
        operator: storage_operator(state, id, &bucket.operator),
        accepting_new_bags: bucket.accepting_new_bags,
        size_limit: bucket.voucher.size_limit,
        objects_limit: bucket.voucher.objects_limit,
        size_used: bucket.voucher.size_used,
        objects_used: bucket.voucher.objects_used,
        assigned_bags: bucket.assigned_bags,
        holdings_height: report.map(|report| report.height),
        holdings_except_count: report.map_or(0, |report| to_u64(report.except.len())),
    }
}

fn storage_operator(state: &State, id: StorageBucketId, operator: &StorageOperator) -> Option<OperatorView> {
    match *operator {
        StorageOperator::Missing => None,
        StorageOperator::Invited { worker } => Some(invited(worker)),
        StorageOperator::Active { worker, transactor, .. } => {
            let notice = state.resignation(&Tie::Storage(id, worker));
            let view = active(worker, state.storage_operator_metadata(id), notice);
            Some(OperatorView { transactor: Some(transactor), ..view })
        }
    }
}

const fn invited(worker: WorkerId) -> OperatorView {
    let status = OperatorStatus::Invited;
    OperatorView { worker, status, endpoint: None, transactor: None, metadata: None, leaves_ms: None }
}

fn active(worker: WorkerId, metadata: Option<&OperatorMetadata>, leaves_ms: Option<u64>) -> OperatorView {
    OperatorView {
        worker,
        status: OperatorStatus::Active,
        endpoint: metadata.and_then(|metadata| metadata.endpoint.clone()),
        transactor: None,
        metadata: metadata.map(|metadata| fields(&OperatorMetadataView::from(metadata))),
        leaves_ms,
    }
}

/// Metadata as JSON, whose views are objects.
fn fields(metadata: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(metadata) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    }
}

pub(crate) fn holdings(state: &State, bucket: StorageBucketId) -> Option<HoldingsView> {
    state.storage_bucket(bucket)?;
    let report = state.holding_report(bucket);
    Some(HoldingsView {
        bucket,
        height: report.map(|report| report.height),
        except: report.into_iter().flat_map(|report| &report.except).copied().collect(),
    })
}

pub(crate) fn distribution_bucket(
    state: &State,
    id: DistributionBucketId,
    bucket: &DistributionBucket,
) -> DistributionBucketView {
    let operators = bucket.operators.iter().map(|&worker| {
        let notice = state.resignation(&Tie::Distribution(id, worker));
        active(worker, state.distribution_operator_metadata(id, worker), notice)
    });
    DistributionBucketView {
        id,
        accepting_new_bags: bucket.accepting_new_bags,
        distributing: bucket.distributing,
        operators: operators.chain(bucket.pending_invitations.iter().copied().map(invited)).collect(),
        assigned_bags: bucket.assigned_bags,
    }
}

pub(crate) fn family(state: &State, id: FamilyId) -> FamilyView {
    FamilyView {
        id,
        buckets: state.family_buckets(id).map(|(id, _)| id).collect(),
        metadata: state.family_metadata(id).map(|metadata| fields(&FamilyMetadataView::from(metadata))),
    }
}

/// Every operator who gave notice, storage first, by bucket and worker.
pub(crate) fn resignations(state: &State) -> Vec<ResignationView> {
    let storage = state.storage_buckets().filter_map(|(id, bucket)| {
        let worker = bucket.operator.active()?;
        let at_ms = state.resignation(&Tie::Storage(id, worker))?;
        Some(resignation(WorkingGroup::Storage, id.to_string(), worker, at_ms))
    });
    let distribution = state.distribution_buckets().flat_map(|(id, bucket)| {
        bucket.operators.iter().filter_map(move |&worker| {
            let at_ms = state.resignation(&Tie::Distribution(id, worker))?;
            Some(resignation(WorkingGroup::Distribution, id.to_string(), worker, at_ms))
        })
    });
    storage.chain(distribution).collect()
}

fn resignation(group: WorkingGroup, bucket: String, worker: WorkerId, at_ms: u64) -> ResignationView {
    ResignationView { group: group.name().to_owned(), bucket, worker, at_ms }
}

pub(crate) fn policy(state: &State, bag_type: BagType) -> PolicyView {
    let policy = state.policy(bag_type);
    PolicyView {
        bag_type: match bag_type {
            BagType::Member => "Member",
            BagType::Channel => "Channel",
        }
        .to_owned(),
        storage_buckets: policy.number_of_storage_buckets,
        families: policy.families.iter().map(|(family, number)| (family.to_string(), *number)).collect(),
        data_size_fee: state.data_size_fee(),
        data_object_state_bloat_bond: state.data_object_bond(),
    }
}
