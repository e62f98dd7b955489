//! Storage buckets. `S…` numbers and the order of checks are those of the specification.

pub(crate) mod bags;
mod blacklist;
pub(crate) mod operators;
pub(crate) mod vouchers;

use crate::{
    State,
    call::StorageCall,
    change::{Change, Edit},
    event::{Event, Voucher},
    groups::ensure_lead,
    reject::Reject,
    state::{Settings, StorageBucket, StorageOperator},
};
use argosy_domain::{AccountId, BagType, StorageBucketId, WorkerId, WorkingGroup};

pub(crate) fn check(state: &State, signer: AccountId, call: &StorageCall) -> Result<Change, Reject> {
    if is_by_lead(call) {
        ensure_lead(state, WorkingGroup::Storage, signer)?;
    }
    match call {
        StorageCall::CreateStorageBucket { invite_worker, accepting_new_bags, size_limit, objects_limit } => {
            let voucher = limits(*size_limit, *objects_limit);
            create(state, *invite_worker, *accepting_new_bags, voucher)
        }
        StorageCall::DeleteStorageBucket { bucket } => delete(state, *bucket),
        StorageCall::InviteStorageBucketOperator { bucket, worker } => {
            operators::invite(state, *bucket, *worker)
        }
        StorageCall::CancelStorageBucketOperatorInvite { bucket } => {
            operators::cancel_invitation(state, *bucket)
        }
        StorageCall::RemoveStorageBucketOperator { bucket } => operators::remove(state, *bucket),
        StorageCall::UpdateStorageBucketStatus { bucket, accepting_new_bags } => {
            update_status(state, *bucket, *accepting_new_bags)
        }
        StorageCall::SetStorageBucketVoucherLimits { bucket, size_limit, objects_limit } => {
            set_voucher_limits(state, *bucket, limits(*size_limit, *objects_limit))
        }
        StorageCall::UpdateStorageBucketsVoucherMaxLimits { size_limit, objects_limit } => {
            Ok(update_voucher_max_limits(state, *size_limit, *objects_limit))
        }
        StorageCall::UpdateStorageBucketsPerBagLimit { limit } => update_per_bag_limit(state, *limit),
        StorageCall::UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy { bag_type, number } => {
            update_policy(state, *bag_type, *number)
        }
        StorageCall::UpdateStorageBucketsForBag { bag, add, remove } => bags::update(state, bag, add, remove),
        StorageCall::UpdateUploadingBlockedStatus { blocked } => Ok(Change::of(
            Edit::Settings(Settings { uploading_blocked: *blocked, ..*state.settings() }),
            Event::UploadingBlockStatusUpdated { blocked: *blocked },
        )),
        StorageCall::AcceptStorageBucketInvitation { worker, bucket, transactor } => {
            operators::accept_invitation(state, signer, *worker, *bucket, *transactor)
        }
        StorageCall::SetStorageOperatorMetadata { worker, bucket, metadata } => {
            operators::set_metadata(state, signer, *worker, *bucket, metadata)
        }
        StorageCall::AcceptPendingDataObjects { worker, bucket, bag, objects } => {
            operators::accept_objects(state, signer, *worker, *bucket, bag, objects)
        }
        StorageCall::UpdateDataSizeFee { fee } => Ok(Change::of(
            Edit::Settings(Settings { data_object_per_megabyte_fee: *fee, ..*state.settings() }),
            Event::DataObjectPerMegabyteFeeUpdated { fee: *fee },
        )),
        StorageCall::UpdateDataObjectStateBloatBond { bond } => Ok(Change::of(
            Edit::Settings(Settings { data_object_state_bloat_bond: *bond, ..*state.settings() }),
            Event::DataObjectStateBloatBondValueUpdated { bond: *bond },
        )),
        StorageCall::UpdateBlacklist { remove, add } => blacklist::update(state, remove, add),
        StorageCall::StorageOperatorRemark { worker, bucket, message } => {
            operators::remark(state, signer, *worker, *bucket, message)
        }
        StorageCall::DeclineStorageBucketInvitation { worker, bucket } => {
            operators::decline_invitation(state, signer, *worker, *bucket)
        }
        StorageCall::ResignFromStorageBucket { worker, bucket } => {
            operators::resign(state, signer, *worker, *bucket)
        }
        StorageCall::ReportHoldings { worker, bucket, height, except } => {
            operators::report_holdings(state, signer, *worker, *bucket, *height, except)
        }
    }
}

/// All calls are the lead's, except those that operators sign.
fn is_by_lead(call: &StorageCall) -> bool {
    !matches!(
        call,
        StorageCall::AcceptStorageBucketInvitation { .. }
            | StorageCall::SetStorageOperatorMetadata { .. }
            | StorageCall::AcceptPendingDataObjects { .. }
            | StorageCall::ReportHoldings { .. }
            | StorageCall::StorageOperatorRemark { .. }
            | StorageCall::DeclineStorageBucketInvitation { .. }
            | StorageCall::ResignFromStorageBucket { .. }
    )
}

fn limits(size_limit: u64, objects_limit: u64) -> Voucher {
    Voucher { size_limit, objects_limit, ..Voucher::default() }
}

/// The bucket, or the reject that every call about a missing one gives.
fn existing(state: &State, id: StorageBucketId) -> Result<&StorageBucket, Reject> {
    state.storage_bucket(id).ok_or(Reject::StorageBucketDoesntExist)
}

/// S1.
fn create(
    state: &State,
    invited: Option<WorkerId>,
    accepting_new_bags: bool,
    voucher: Voucher,
) -> Result<Change, Reject> {
    ensure_within_maxima(state, voucher)?;
    let operator = match invited {
        None => StorageOperator::Missing,
        Some(worker) => {
            operators::ensure_may_be_invited(state, worker)?;
            StorageOperator::Invited { worker }
        }
    };
    let id = state.settings().next_storage_bucket;
    let bucket = StorageBucket { operator, accepting_new_bags, voucher, assigned_bags: 0 };
    let Voucher { size_limit, objects_limit, .. } = voucher;
    let mut change = Change::of(
        Edit::StorageBucket(id, Some(bucket)),
        Event::StorageBucketCreated { bucket: id, invited, accepting_new_bags, size_limit, objects_limit },
    );
    change.edit(Edit::Settings(Settings { next_storage_bucket: id.next(), ..*state.settings() }));
    Ok(change)
}

/// S2. Whoever operates the bucket, or is invited to, is let go with an event.
fn delete(state: &State, id: StorageBucketId) -> Result<Change, Reject> {
    let bucket = existing(state, id)?;
    if bucket.voucher.objects_used != 0 {
        return Err(Reject::CannotDeleteNonEmptyStorageBucket);
    }
    if bucket.assigned_bags != 0 {
        return Err(Reject::StorageBucketIsBoundToBag);
    }
    let mut change = Change::default();
    match bucket.operator {
        StorageOperator::Missing => {}
        StorageOperator::Invited { .. } => {
            change.tell(Event::StorageBucketInvitationCancelled { bucket: id });
        }
        StorageOperator::Active { worker, .. } => {
            operators::forget_claims(&mut change, id, worker);
            change.tell(Event::StorageBucketOperatorRemoved { bucket: id });
        }
    }
    change.edit(Edit::StorageBucket(id, None));
    change.tell(Event::StorageBucketDeleted { bucket: id });
    Ok(change)
}

/// S6.
fn update_status(state: &State, id: StorageBucketId, accepting_new_bags: bool) -> Result<Change, Reject> {
    let bucket = StorageBucket { accepting_new_bags, ..*existing(state, id)? };
    let event = Event::StorageBucketStatusUpdated { bucket: id, accepting_new_bags };
    Ok(Change::of(Edit::StorageBucket(id, Some(bucket)), event))
}

/// S7. The new limits may be below what is used: then nothing can be added until it fits again.
fn set_voucher_limits(state: &State, id: StorageBucketId, limits: Voucher) -> Result<Change, Reject> {
    let bucket = existing(state, id)?;
    ensure_within_maxima(state, limits)?;
    let Voucher { size_limit, objects_limit, .. } = limits;
    let voucher = Voucher { size_limit, objects_limit, ..bucket.voucher };
    Ok(Change::of(
        Edit::StorageBucket(id, Some(StorageBucket { voucher, ..*bucket })),
        Event::StorageBucketVoucherLimitsSet { bucket: id, size_limit, objects_limit },
    ))
}

fn ensure_within_maxima(state: &State, limits: Voucher) -> Result<(), Reject> {
    if limits.size_limit > state.settings().voucher_max_size_limit {
        return Err(Reject::VoucherMaxObjectSizeLimitExceeded);
    }
    if limits.objects_limit > state.settings().voucher_max_objects_limit {
        return Err(Reject::VoucherMaxObjectNumberLimitExceeded);
    }
    Ok(())
}

/// S8.
fn update_voucher_max_limits(state: &State, size_limit: u64, objects_limit: u64) -> Change {
    let settings = Settings {
        voucher_max_size_limit: size_limit,
        voucher_max_objects_limit: objects_limit,
        ..*state.settings()
    };
    let event = Event::StorageBucketsVoucherMaxLimitsUpdated { size_limit, objects_limit };
    Change::of(Edit::Settings(settings), event)
}

/// S9.
fn update_per_bag_limit(state: &State, limit: u32) -> Result<Change, Reject> {
    if limit < state.params().min_storage_buckets_per_bag {
        return Err(Reject::StorageBucketsPerBagLimitTooLow);
    }
    if limit > state.params().max_storage_buckets_per_bag {
        return Err(Reject::StorageBucketsPerBagLimitTooHigh);
    }
    Ok(Change::of(
        Edit::Settings(Settings { storage_buckets_per_bag_limit: limit, ..*state.settings() }),
        Event::StorageBucketsPerBagLimitUpdated { limit },
    ))
}

/// S10.
fn update_policy(state: &State, bag_type: BagType, number: u32) -> Result<Change, Reject> {
    let params = state.params();
    let allowed = params.min_storage_buckets_per_bag..=params.max_storage_buckets_per_bag;
    if !allowed.contains(&number) {
        return Err(Reject::NumberOfStorageBucketsOutsideOfAllowedConstraints);
    }
    let mut policy = state.policy(bag_type).clone();
    policy.number_of_storage_buckets = number;
    let event = Event::NumberOfStorageBucketsInDynamicBagCreationPolicyUpdated { bag_type, number };
    Ok(Change::of(Edit::Policy(bag_type, policy), event))
}
