//! Families and distribution buckets. `D…` numbers and the order of checks are those of the
//! specification.

pub(crate) mod bags;
pub(crate) mod operators;

use crate::{
    State,
    call::DistributionCall,
    change::{Change, Edit},
    event::Event,
    groups::ensure_lead,
    reject::Reject,
    state::{DistributionBucket, Family, Policy, Settings},
};
use alloc::collections::{BTreeMap, BTreeSet};
use argosy_domain::{AccountId, BagType, DistributionBucketId, FamilyId, WorkingGroup, num::to_u64};

pub(crate) fn check(state: &State, signer: AccountId, call: &DistributionCall) -> Result<Change, Reject> {
    if is_by_lead(call) {
        ensure_lead(state, WorkingGroup::Distribution, signer)?;
    }
    match call {
        DistributionCall::CreateDistributionBucketFamily => create_family(state),
        DistributionCall::DeleteDistributionBucketFamily { family } => delete_family(state, *family),
        DistributionCall::CreateDistributionBucket { family, accepting_new_bags } => {
            create(state, *family, *accepting_new_bags)
        }
        DistributionCall::DeleteDistributionBucket { bucket } => delete(state, *bucket),
        DistributionCall::UpdateDistributionBucketStatus { bucket, accepting_new_bags } => {
            update_status(state, *bucket, *accepting_new_bags)
        }
        DistributionCall::UpdateDistributionBucketsForBag { bag, family, add, remove } => {
            bags::update(state, bag, *family, add, remove)
        }
        DistributionCall::UpdateDistributionBucketsPerBagLimit { limit } => {
            update_per_bag_limit(state, *limit)
        }
        DistributionCall::UpdateDistributionBucketMode { bucket, distributing } => {
            update_mode(state, *bucket, *distributing)
        }
        DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy { bag_type, families } => {
            update_policy(state, *bag_type, families)
        }
        DistributionCall::InviteDistributionBucketOperator { bucket, worker } => {
            operators::invite(state, *bucket, *worker)
        }
        DistributionCall::CancelDistributionBucketOperatorInvite { bucket, worker } => {
            operators::cancel_invitation(state, *bucket, *worker)
        }
        DistributionCall::RemoveDistributionBucketOperator { bucket, worker } => {
            operators::remove(state, *bucket, *worker)
        }
        DistributionCall::AcceptDistributionBucketInvitation { worker, bucket } => {
            operators::accept_invitation(state, signer, *worker, *bucket)
        }
        DistributionCall::SetDistributionOperatorMetadata { worker, bucket, metadata } => {
            operators::set_metadata(state, signer, *worker, *bucket, metadata)
        }
        DistributionCall::SetDistributionBucketFamilyMetadata { family, metadata } => {
            set_family_metadata(state, *family, metadata)
        }
        DistributionCall::DistributionOperatorRemark { worker, bucket, message } => {
            operators::remark(state, signer, *worker, *bucket, message)
        }
        DistributionCall::DeclineDistributionBucketInvitation { worker, bucket } => {
            operators::decline_invitation(state, signer, *worker, *bucket)
        }
        DistributionCall::ResignFromDistributionBucket { worker, bucket } => {
            operators::resign(state, signer, *worker, *bucket)
        }
    }
}

/// All calls are the lead's, except those that operators sign.
fn is_by_lead(call: &DistributionCall) -> bool {
    !matches!(
        call,
        DistributionCall::AcceptDistributionBucketInvitation { .. }
            | DistributionCall::SetDistributionOperatorMetadata { .. }
            | DistributionCall::DistributionOperatorRemark { .. }
            | DistributionCall::DeclineDistributionBucketInvitation { .. }
            | DistributionCall::ResignFromDistributionBucket { .. }
    )
}

fn existing_family(state: &State, id: FamilyId) -> Result<&Family, Reject> {
    state.family(id).ok_or(Reject::DistributionBucketFamilyDoesntExist)
}

/// The bucket, or the reject that every call about a missing one gives.
fn existing(state: &State, id: DistributionBucketId) -> Result<&DistributionBucket, Reject> {
    state.distribution_bucket(id).ok_or(Reject::DistributionBucketDoesntExist)
}

/// D1.
fn create_family(state: &State) -> Result<Change, Reject> {
    if state.families_count() >= state.params().max_distribution_bucket_families {
        return Err(Reject::MaxDistributionBucketFamilyNumberLimitExceeded);
    }
    let family = state.settings().next_family;
    let mut change = Change::of(
        Edit::Family(family, Some(Family::default())),
        Event::DistributionBucketFamilyCreated { family },
    );
    change.edit(Edit::Settings(Settings { next_family: family.next(), ..*state.settings() }));
    Ok(change)
}

/// D2. A family that has buckets stays, so that no bucket is ever without its family.
fn delete_family(state: &State, family: FamilyId) -> Result<Change, Reject> {
    existing_family(state, family)?;
    if state.family_buckets(family).any(|(_, bucket)| bucket.assigned_bags != 0) {
        return Err(Reject::DistributionBucketIsBoundToBag);
    }
    if state.family_buckets(family).next().is_some() {
        return Err(Reject::DistributionFamilyHasBuckets);
    }
    let names_it = |bag_type| state.policy(bag_type).families.contains_key(&family);
    if names_it(BagType::Member) || names_it(BagType::Channel) {
        return Err(Reject::DistributionFamilyBoundToBagCreationPolicy);
    }
    let event = Event::DistributionBucketFamilyDeleted { family };
    let mut change = Change::of(Edit::Family(family, None), event);
    change.edit(Edit::FamilyMetadata(family, None));
    Ok(change)
}

/// D13.
fn set_family_metadata(state: &State, family: FamilyId, bytes: &[u8]) -> Result<Change, Reject> {
    existing_family(state, family)?;
    let before = state.family_metadata(family).cloned().unwrap_or_default();
    Ok(Change::of(
        Edit::FamilyMetadata(family, Some(before.updated(bytes)?)),
        Event::DistributionBucketFamilyMetadataSet { family, metadata: bytes.into() },
    ))
}

/// D3.
fn create(state: &State, family_id: FamilyId, accepting_new_bags: bool) -> Result<Change, Reject> {
    let index = existing_family(state, family_id)?.next_distribution_bucket_index;
    let id = DistributionBucketId { family: family_id, index };
    let bucket = DistributionBucket {
        accepting_new_bags,
        distributing: true,
        pending_invitations: BTreeSet::new(),
        operators: BTreeSet::new(),
        assigned_bags: 0,
    };
    let family = Family { next_distribution_bucket_index: index.saturating_add(1) };
    let mut change = Change::of(
        Edit::DistributionBucket(id, Some(bucket)),
        Event::DistributionBucketCreated { family: family_id, accepting_new_bags, bucket: id },
    );
    change.edit(Edit::Family(family_id, Some(family)));
    Ok(change)
}

/// D4. Pending invitations are dropped with events.
fn delete(state: &State, id: DistributionBucketId) -> Result<Change, Reject> {
    let bucket = existing(state, id)?;
    if bucket.assigned_bags != 0 {
        return Err(Reject::DistributionBucketIsBoundToBag);
    }
    if !bucket.operators.is_empty() {
        return Err(Reject::DistributionProviderOperatorSet);
    }
    let mut change = Change::default();
    for &worker in &bucket.pending_invitations {
        change.tell(Event::DistributionBucketInvitationCancelled { bucket: id, worker });
    }
    change.edit(Edit::DistributionBucket(id, None));
    change.tell(Event::DistributionBucketDeleted { bucket: id });
    Ok(change)
}

/// D5.
fn update_status(
    state: &State,
    id: DistributionBucketId,
    accepting_new_bags: bool,
) -> Result<Change, Reject> {
    let bucket = DistributionBucket { accepting_new_bags, ..existing(state, id)?.clone() };
    let event = Event::DistributionBucketStatusUpdated { bucket: id, accepting_new_bags };
    Ok(Change::of(Edit::DistributionBucket(id, Some(bucket)), event))
}

/// D7.
fn update_per_bag_limit(state: &State, limit: u32) -> Result<Change, Reject> {
    if limit < state.params().min_distribution_buckets_per_bag {
        return Err(Reject::DistributionBucketsPerBagLimitTooLow);
    }
    if limit > state.params().max_distribution_buckets_per_bag {
        return Err(Reject::DistributionBucketsPerBagLimitTooHigh);
    }
    Ok(Change::of(
        Edit::Settings(Settings { distribution_buckets_per_bag_limit: limit, ..*state.settings() }),
        Event::DistributionBucketsPerBagLimitUpdated { limit },
    ))
}

/// D8.
fn update_mode(state: &State, id: DistributionBucketId, distributing: bool) -> Result<Change, Reject> {
    let bucket = DistributionBucket { distributing, ..existing(state, id)?.clone() };
    let event = Event::DistributionBucketModeUpdated { bucket: id, distributing };
    Ok(Change::of(Edit::DistributionBucket(id, Some(bucket)), event))
}

/// D9. The event carries the families as they were given, zeros included.
fn update_policy(
    state: &State,
    bag_type: BagType,
    given: &BTreeMap<FamilyId, u32>,
) -> Result<Change, Reject> {
    let families: BTreeMap<_, _> =
        given.iter().filter(|(_, number)| **number > 0).map(|(id, number)| (*id, *number)).collect();
    let params = state.params();
    let allowed = params.min_distribution_buckets_per_bag..=params.max_distribution_buckets_per_bag;
    let sum = families.values().fold(0_u32, |sum, number| sum.saturating_add(*number));
    let too_many = to_u64(families.len()) > u64::from(params.max_distribution_buckets_per_bag);
    if too_many || !allowed.contains(&sum) {
        return Err(Reject::NumberOfDistributionBucketsOutsideOfAllowedConstraints);
    }
    for family in families.keys() {
        existing_family(state, *family)?;
    }
    let policy = Policy { families, ..state.policy(bag_type).clone() };
    Ok(Change::of(
        Edit::Policy(bag_type, policy),
        Event::FamiliesInDynamicBagCreationPolicyUpdated { bag_type, families: given.clone() },
    ))
}
