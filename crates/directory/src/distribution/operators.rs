//! Who operates distribution buckets, and what operators say.

use super::existing;
use crate::{
    State,
    change::{Change, Edit},
    event::Event,
    groups::ensure_worker,
    reject::Reject,
};
use argosy_domain::{AccountId, DistributionBucketId, WorkerId, WorkingGroup, num::to_u64};

/// D10.
pub(super) fn invite(state: &State, id: DistributionBucketId, worker: WorkerId) -> Result<Change, Reject> {
    let mut bucket = existing(state, id)?.clone();
    if state.worker(WorkingGroup::Distribution, worker).is_none() {
        return Err(Reject::DistributionProviderOperatorDoesntExist);
    }
    if bucket.pending_invitations.contains(&worker) {
        return Err(Reject::DistributionProviderOperatorAlreadyInvited);
    }
    if bucket.operators.contains(&worker) {
        return Err(Reject::DistributionProviderOperatorSet);
    }
    let limit = state.params().max_pending_invitations_per_distribution_bucket;
    if to_u64(bucket.pending_invitations.len()) >= u64::from(limit) {
        return Err(Reject::MaxNumberOfPendingInvitationsLimitForDistributionBucketReached);
    }
    bucket.pending_invitations.insert(worker);
    Ok(Change::of(
        Edit::DistributionBucket(id, Some(bucket)),
        Event::DistributionBucketOperatorInvited { bucket: id, worker },
    ))
}

/// D11.
pub(super) fn cancel_invitation(
    state: &State,
    id: DistributionBucketId,
    worker: WorkerId,
) -> Result<Change, Reject> {
    let mut bucket = existing(state, id)?.clone();
    if !bucket.pending_invitations.remove(&worker) {
        return Err(Reject::NoDistributionBucketInvitation);
    }
    Ok(Change::of(
        Edit::DistributionBucket(id, Some(bucket)),
        Event::DistributionBucketInvitationCancelled { bucket: id, worker },
    ))
}

/// D12.
pub(super) fn remove(state: &State, id: DistributionBucketId, worker: WorkerId) -> Result<Change, Reject> {
    let mut bucket = existing(state, id)?.clone();
    if !bucket.operators.remove(&worker) {
        return Err(Reject::MustBeDistributionProviderOperatorForBucket);
    }
    let mut change = Change::of(
        Edit::DistributionBucket(id, Some(bucket)),
        Event::DistributionBucketOperatorRemoved { bucket: id, worker },
    );
    change.edit(Edit::DistributionMetadata(id, worker, None));
    Ok(change)
}

/// D14. At the cap of operators the invitation stays pending.
pub(super) fn accept_invitation(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: DistributionBucketId,
) -> Result<Change, Reject> {
    ensure_worker(state, WorkingGroup::Distribution, worker, signer)?;
    let mut bucket = existing(state, id)?.clone();
    if !bucket.pending_invitations.remove(&worker) {
        return Err(Reject::NoDistributionBucketInvitation);
    }
    let limit = state.params().max_operators_per_distribution_bucket;
    if to_u64(bucket.operators.len()) >= u64::from(limit) {
        return Err(Reject::MaxNumberOfOperatorsPerDistributionBucketReached);
    }
    bucket.operators.insert(worker);
    Ok(Change::of(
        Edit::DistributionBucket(id, Some(bucket)),
        Event::DistributionBucketInvitationAccepted { worker, bucket: id },
    ))
}

/// D15.
pub(super) fn set_metadata(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: DistributionBucketId,
    bytes: &[u8],
) -> Result<Change, Reject> {
    ensure_worker(state, WorkingGroup::Distribution, worker, signer)?;
    if !existing(state, id)?.operators.contains(&worker) {
        return Err(Reject::MustBeDistributionProviderOperatorForBucket);
    }
    let before = state.distribution_operator_metadata(id, worker).cloned().unwrap_or_default();
    Ok(Change::of(
        Edit::DistributionMetadata(id, worker, Some(before.updated(bytes)?)),
        Event::DistributionBucketMetadataSet { worker, bucket: id, metadata: bytes.into() },
    ))
}
