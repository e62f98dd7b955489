//! Who operates storage buckets, and what operators say.

use super::existing;
use crate::{
    State,
    change::{Change, Edit},
    event::Event,
    groups::{ensure_remark, ensure_worker},
    reject::Reject,
    state::{Acceptance, DataObject, HoldingReport, StorageBucket, StorageOperator, Tie},
};
use alloc::collections::BTreeSet;
use argosy_domain::{
    AccountId, BagId, DataObjectId, StorageBucketId, WorkerId, WorkingGroup,
    limits::{MAX_HOLDING_EXCEPTIONS, MAX_OBJECTS_PER_CALL},
    num::to_u64,
};

/// The worker exists, and may take one more storage bucket; invitations count.
pub(super) fn ensure_may_be_invited(state: &State, worker: WorkerId) -> Result<(), Reject> {
    let invited = state.worker(WorkingGroup::Storage, worker);
    if invited.ok_or(Reject::StorageProviderOperatorDoesntExist)?.leaves_ms.is_some() {
        return Err(Reject::WorkerIsLeaving);
    }
    let tied = |bucket: &StorageBucket| bucket.operator.worker() == Some(worker);
    let count = state.storage_buckets().filter(|(_, bucket)| tied(bucket)).count();
    if to_u64(count) >= u64::from(state.params().max_storage_buckets_per_worker) {
        return Err(Reject::WorkerStorageBucketLimitReached);
    }
    Ok(())
}

/// Drops what the operator, who goes, said of its node; notice that it gave is void.
pub(super) fn forget_claims(change: &mut Change, id: StorageBucketId, worker: WorkerId) {
    change.edit(Edit::StorageMetadata(id, None));
    change.edit(Edit::Holdings(id, None));
    change.edit(Edit::Resignation(Tie::Storage(id, worker), None));
}

/// Whether the worker operates any storage bucket.
pub(crate) fn operates_any(state: &State, worker: WorkerId) -> bool {
    state.storage_buckets().any(|(_, bucket)| bucket.operator.active() == Some(worker))
}

/// Every invitation of a worker who goes is cancelled.
pub(crate) fn drop_invitations(state: &State, change: &mut Change, worker: WorkerId) {
    for (id, bucket) in state.storage_buckets() {
        if bucket.operator == (StorageOperator::Invited { worker }) {
            change.edit(with_operator(id, bucket, StorageOperator::Missing));
            change.tell(Event::StorageBucketInvitationCancelled { bucket: id });
        }
    }
}

/// Operators whose notice has run out are let go.
pub(crate) fn end_notices(state: &State) -> Change {
    let mut change = Change::default();
    for (tie, time) in state.resignations() {
        let Tie::Storage(id, worker) = tie else { continue };
        if let Some(bucket) = state.storage_bucket(id).filter(|_| time <= state.at().time_ms) {
            let_go(&mut change, id, bucket, worker);
        }
    }
    change
}

fn let_go(change: &mut Change, id: StorageBucketId, bucket: &StorageBucket, worker: WorkerId) {
    change.edit(with_operator(id, bucket, StorageOperator::Missing));
    change.tell(Event::StorageBucketOperatorRemoved { bucket: id });
    forget_claims(change, id, worker);
}

fn with_operator(id: StorageBucketId, bucket: &StorageBucket, operator: StorageOperator) -> Edit {
    Edit::StorageBucket(id, Some(StorageBucket { operator, ..*bucket }))
}

/// S3.
pub(super) fn invite(state: &State, id: StorageBucketId, worker: WorkerId) -> Result<Change, Reject> {
    let bucket = existing(state, id)?;
    match bucket.operator {
        StorageOperator::Missing => {}
        StorageOperator::Active { .. } => return Err(Reject::StorageProviderAlreadySet),
        StorageOperator::Invited { .. } => return Err(Reject::InvitedStorageProvider),
    }
    ensure_may_be_invited(state, worker)?;
    Ok(Change::of(
        with_operator(id, bucket, StorageOperator::Invited { worker }),
        Event::StorageBucketOperatorInvited { bucket: id, worker },
    ))
}

/// S4.
pub(super) fn cancel_invitation(state: &State, id: StorageBucketId) -> Result<Change, Reject> {
    let bucket = existing(state, id)?;
    match bucket.operator {
        StorageOperator::Missing => Err(Reject::NoStorageBucketInvitation),
        StorageOperator::Active { .. } => Err(Reject::StorageProviderAlreadySet),
        StorageOperator::Invited { .. } => Ok(Change::of(
            with_operator(id, bucket, StorageOperator::Missing),
            Event::StorageBucketInvitationCancelled { bucket: id },
        )),
    }
}

/// S5.
pub(super) fn remove(state: &State, id: StorageBucketId) -> Result<Change, Reject> {
    let bucket = existing(state, id)?;
    let worker = bucket.operator.active().ok_or(Reject::StorageProviderMustBeSet)?;
    let mut change = Change::default();
    let_go(&mut change, id, bucket, worker);
    Ok(change)
}

/// The worker's own no to an invitation.
pub(super) fn decline_invitation(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: StorageBucketId,
) -> Result<Change, Reject> {
    let bucket = ensure_invited(state, signer, worker, id)?;
    Ok(Change::of(
        with_operator(id, bucket, StorageOperator::Missing),
        Event::StorageBucketInvitationDeclined { worker, bucket: id },
    ))
}

/// The operator stays until the notice has run out, so that the lead can have the bags copied.
pub(super) fn resign(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: StorageBucketId,
) -> Result<Change, Reject> {
    ensure_worker(state, WorkingGroup::Storage, worker, signer)?;
    ensure_operates(state, id, worker)?;
    let tie = Tie::Storage(id, worker);
    if state.resignation(&tie).is_some() {
        return Err(Reject::AlreadyResigned);
    }
    let at_ms = state.at().time_ms.saturating_add(state.params().resignation_notice_ms);
    Ok(Change::of(
        Edit::Resignation(tie, Some(at_ms)),
        Event::StorageBucketOperatorResigned { worker, bucket: id, at_ms },
    ))
}

/// The signer is the role account of the worker, who is invited to the bucket.
fn ensure_invited(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: StorageBucketId,
) -> Result<&StorageBucket, Reject> {
    ensure_worker(state, WorkingGroup::Storage, worker, signer)?;
    let bucket = existing(state, id)?;
    match bucket.operator {
        StorageOperator::Missing => Err(Reject::NoStorageBucketInvitation),
        StorageOperator::Active { .. } => Err(Reject::StorageProviderAlreadySet),
        StorageOperator::Invited { worker: invited } if invited != worker => {
            Err(Reject::DifferentStorageProviderInvited)
        }
        StorageOperator::Invited { .. } => Ok(bucket),
    }
}

/// S16.
pub(super) fn accept_invitation(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: StorageBucketId,
    transactor: AccountId,
) -> Result<Change, Reject> {
    let bucket = ensure_invited(state, signer, worker, id)?;
    let operator = StorageOperator::Active { worker, transactor, since: state.at().height };
    Ok(Change::of(
        with_operator(id, bucket, operator),
        Event::StorageBucketInvitationAccepted { bucket: id, worker, transactor },
    ))
}

/// The worker operates the bucket; gives the account that signs for its node.
fn ensure_operates(state: &State, id: StorageBucketId, worker: WorkerId) -> Result<AccountId, Reject> {
    match existing(state, id)?.operator {
        StorageOperator::Missing => Err(Reject::StorageProviderMustBeSet),
        StorageOperator::Active { worker: active, transactor, .. } if active == worker => Ok(transactor),
        StorageOperator::Active { .. } | StorageOperator::Invited { .. } => {
            Err(Reject::InvalidStorageProvider)
        }
    }
}

/// As [`ensure_operates`], and the signer signs for its node.
fn ensure_transactor(
    state: &State,
    signer: AccountId,
    id: StorageBucketId,
    worker: WorkerId,
) -> Result<(), Reject> {
    let transactor = ensure_operates(state, id, worker)?;
    if signer == transactor { Ok(()) } else { Err(Reject::InvalidTransactorAccount) }
}

/// S17.
pub(super) fn set_metadata(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: StorageBucketId,
    bytes: &[u8],
) -> Result<Change, Reject> {
    ensure_worker(state, WorkingGroup::Storage, worker, signer)?;
    ensure_operates(state, id, worker)?;
    let before = state.storage_operator_metadata(id).cloned().unwrap_or_default();
    Ok(Change::of(
        Edit::StorageMetadata(id, Some(before.updated(bytes)?)),
        Event::StorageOperatorMetadataSet { bucket: id, worker, metadata: bytes.into() },
    ))
}

/// S19.
pub(super) fn remark(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: StorageBucketId,
    message: &[u8],
) -> Result<Change, Reject> {
    ensure_worker(state, WorkingGroup::Storage, worker, signer)?;
    ensure_operates(state, id, worker)?;
    ensure_remark(message)?;
    let mut change = Change::default();
    change.tell(Event::StorageOperatorRemarked { worker, bucket: id, message: message.into() });
    Ok(change)
}

/// S18. The first acceptance of an object stays; later ones only show in the event.
pub(super) fn accept_objects(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: StorageBucketId,
    bag_id: &BagId,
    objects: &BTreeSet<DataObjectId>,
) -> Result<Change, Reject> {
    ensure_transactor(state, signer, id, worker)?;
    let mut stored_by = state.stored_by(bag_id).ok_or(Reject::DynamicBagDoesntExist)?;
    if objects.is_empty() {
        return Err(Reject::DataObjectIdParamsAreEmpty);
    }
    if objects.len() > MAX_OBJECTS_PER_CALL {
        return Err(Reject::TooManyObjects);
    }
    if !stored_by.any(|bucket| bucket == id) {
        return Err(Reject::StorageBucketIsNotBoundToBag);
    }
    let acceptance = Acceptance { height: state.at().height, bucket: id };
    let mut change = Change::with_room(objects.len(), 1);
    for object_id in objects {
        let object = state.object(*object_id).filter(|object| object.bag == *bag_id);
        let object = object.ok_or(Reject::DataObjectDoesntExist)?;
        if state.is_blacklisted(&object.content_id) {
            return Err(Reject::DataObjectBlacklisted);
        }
        if object.accepted.is_none() {
            let object = DataObject { accepted: Some(acceptance), ..object };
            change.edit(Edit::Object(*object_id, Some(object)));
        }
    }
    change.tell(Event::PendingDataObjectsAccepted {
        bucket: id,
        worker,
        bag: *bag_id,
        objects: objects.clone(),
    });
    Ok(change)
}

/// What the bucket holds: a claim, replaced by the next one, lower heights included.
pub(super) fn report_holdings(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: StorageBucketId,
    height: u64,
    except: &BTreeSet<DataObjectId>,
) -> Result<Change, Reject> {
    ensure_transactor(state, signer, id, worker)?;
    if except.len() > MAX_HOLDING_EXCEPTIONS {
        return Err(Reject::TooManyHoldingExceptions);
    }
    if height > state.at().height {
        return Err(Reject::HoldingsFromFuture);
    }
    let report = HoldingReport { height, except: except.clone() };
    Ok(Change::of(
        Edit::Holdings(id, Some(report)),
        Event::HoldingsReported { bucket: id, worker, height, except: except.clone() },
    ))
}
