//! Who operates distribution buckets, and what operators say.

use super::existing;
use crate::{
    State,
    change::{Change, Edit},
    event::Event,
    groups::{ensure_remark, ensure_worker},
    reject::Reject,
    state::{DistributionBucket, Tie},
};
use alloc::collections::BTreeMap;
use argosy_domain::{AccountId, DistributionBucketId, WorkerId, WorkingGroup, num::to_u64};

/// D10.
pub(super) fn invite(state: &State, id: DistributionBucketId, worker: WorkerId) -> Result<Change, Reject> {
    let mut bucket = existing(state, id)?.clone();
    let invited = state.worker(WorkingGroup::Distribution, worker);
    if invited.ok_or(Reject::DistributionProviderOperatorDoesntExist)?.leaves_ms.is_some() {
        return Err(Reject::WorkerIsLeaving);
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
    let mut bucket = ensure_operates(state, id, worker)?.clone();
    let mut change = Change::default();
    let_go(&mut change, id, &mut bucket, worker);
    change.edit(Edit::DistributionBucket(id, Some(bucket)));
    Ok(change)
}

/// Also drops what the operator said of its node, and notice that it gave.
fn let_go(change: &mut Change, id: DistributionBucketId, bucket: &mut DistributionBucket, worker: WorkerId) {
    bucket.operators.remove(&worker);
    change.edit(Edit::DistributionMetadata(id, worker, None));
    change.edit(Edit::Resignation(Tie::Distribution(id, worker), None));
    change.tell(Event::DistributionBucketOperatorRemoved { bucket: id, worker });
}

fn ensure_operates(
    state: &State,
    id: DistributionBucketId,
    worker: WorkerId,
) -> Result<&DistributionBucket, Reject> {
    let bucket = existing(state, id)?;
    if bucket.operators.contains(&worker) {
        Ok(bucket)
    } else {
        Err(Reject::MustBeDistributionProviderOperatorForBucket)
    }
}

/// Whether the worker operates any distribution bucket.
pub(crate) fn operates_any(state: &State, worker: WorkerId) -> bool {
    state.distribution_buckets().any(|(_, bucket)| bucket.operators.contains(&worker))
}

/// Every invitation of a worker who goes is cancelled.
pub(crate) fn drop_invitations(state: &State, change: &mut Change, worker: WorkerId) {
    for (id, bucket) in state.distribution_buckets() {
        if bucket.pending_invitations.contains(&worker) {
            let mut bucket = bucket.clone();
            bucket.pending_invitations.remove(&worker);
            change.edit(Edit::DistributionBucket(id, Some(bucket)));
            change.tell(Event::DistributionBucketInvitationCancelled { bucket: id, worker });
        }
    }
}

/// Operators whose notice has run out are let go. A bucket may have several of them.
pub(crate) fn end_notices(state: &State) -> Change {
    let mut change = Change::default();
    let mut buckets: BTreeMap<DistributionBucketId, DistributionBucket> = BTreeMap::new();
    for (tie, time) in state.resignations() {
        let Tie::Distribution(id, worker) = tie else { continue };
        if time > state.at().time_ms {
            continue;
        }
        let known = buckets.remove(&id).or_else(|| state.distribution_bucket(id).cloned());
        if let Some(mut bucket) = known {
            let_go(&mut change, id, &mut bucket, worker);
            buckets.insert(id, bucket);
        }
    }
    for (id, bucket) in buckets {
        change.edit(Edit::DistributionBucket(id, Some(bucket)));
    }
    change
}

/// The worker's own no to an invitation.
pub(super) fn decline_invitation(
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
    Ok(Change::of(
        Edit::DistributionBucket(id, Some(bucket)),
        Event::DistributionBucketInvitationDeclined { worker, bucket: id },
    ))
}

/// The operator stays until the notice has run out, so that the lead can find another one.
pub(super) fn resign(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: DistributionBucketId,
) -> Result<Change, Reject> {
    ensure_worker(state, WorkingGroup::Distribution, worker, signer)?;
    ensure_operates(state, id, worker)?;
    let tie = Tie::Distribution(id, worker);
    if state.resignation(&tie).is_some() {
        return Err(Reject::AlreadyResigned);
    }
    let at_ms = state.at().time_ms.saturating_add(state.params().resignation_notice_ms);
    Ok(Change::of(
        Edit::Resignation(tie, Some(at_ms)),
        Event::DistributionBucketOperatorResigned { worker, bucket: id, at_ms },
    ))
}

/// D16.
pub(super) fn remark(
    state: &State,
    signer: AccountId,
    worker: WorkerId,
    id: DistributionBucketId,
    message: &[u8],
) -> Result<Change, Reject> {
    ensure_worker(state, WorkingGroup::Distribution, worker, signer)?;
    ensure_operates(state, id, worker)?;
    ensure_remark(message)?;
    let mut change = Change::default();
    change.tell(Event::DistributionOperatorRemarked { worker, bucket: id, message: message.into() });
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
    ensure_operates(state, id, worker)?;
    let before = state.distribution_operator_metadata(id, worker).cloned().unwrap_or_default();
    Ok(Change::of(
        Edit::DistributionMetadata(id, worker, Some(before.updated(bytes)?)),
        Event::DistributionBucketMetadataSet { worker, bucket: id, metadata: bytes.into() },
    ))
}
